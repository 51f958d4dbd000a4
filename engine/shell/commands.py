"""Backslash commands: what there is, and what each does."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import click

from shoal.formats.writer import Expanded, Format
from shoal.shell.execute import Executor
from shoal.shell.messages import print_note
from shoal.shell.output import OutputFile, StandardOutput


class CommandArgument(StrEnum):
    """What a command takes, for completion; a command with a few fixed words has the tuple of them instead."""

    NONE = "none"
    TEXT = "text"
    TABLE = "table"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class CommandHelp:
    """A command's name without the backslash, its argument as the help shows it, and what it does."""

    name: str
    usage: str
    help: str
    argument: CommandArgument | tuple[str, ...] = CommandArgument.NONE


COMMANDS = (
    CommandHelp("d", "[NAME]", "list tables and views, or the columns of one", CommandArgument.TABLE),
    CommandHelp("e", "", "write a statement in $EDITOR, starting from the last one, and run it"),
    CommandHelp("format", "[FORMAT]", "show or choose the output format", tuple(each.value for each in Format)),
    CommandHelp("i", "FILE", "run a file of statements", CommandArgument.FILE),
    CommandHelp(
        "limit", "[ROWS]", "rows shown of a result; 0 for all, without a number the default", CommandArgument.TEXT
    ),
    CommandHelp("o", "[FILE]", "send results to a file; without a file back to the screen", CommandArgument.FILE),
    CommandHelp("timing", "[on|off]", "show how long statements take", ("on", "off")),
    CommandHelp(
        "x", "[on|off|auto]", "one line a value: always, never, when a table is too wide", ("on", "off", "auto")
    ),
    CommandHelp("q", "", "leave (also exit, quit, Ctrl-D)"),
    CommandHelp("?", "", "this list (also help)"),
)

_KEYS = """\
A statement ends with a semicolon; Alt-Enter runs it without one.
Tab completes, Right takes the grey suggestion, Up and Ctrl-R search the history,
Ctrl-X Ctrl-E edits in $EDITOR, Ctrl-C clears the line or cancels the query, Ctrl-D leaves."""


class CommandError(Exception):
    """A command does not exist, or was not given what it takes."""


class LeaveShell(Exception):
    """The user wants to leave the shell."""


class Commands:
    """Runs backslash commands on an executor. ``run_file`` runs a script; ``edit`` is None where nobody can type."""

    def __init__(
        self, executor: Executor, run_file: Callable[[Path], None], edit: Callable[[], None] | None = None
    ) -> None:
        self._executor = executor
        self._run_file = run_file
        self._edit = edit
        self._file: OutputFile | None = None
        self._handlers: Mapping[str, Callable[[str], None]] = {
            "d": self._describe,
            "e": self._edit_statement,
            "format": self._choose_format,
            "i": self._include,
            "limit": self._choose_limit,
            "o": self._choose_output,
            "timing": self._choose_timing,
            "x": self._choose_expanded,
            "q": self._leave,
            "?": self._help,
        }

    def run(self, text: str) -> None:
        """Run one command, given without its backslash.

        Raises ``CommandError``, ``LeaveShell``, and what running statements raises.
        """
        name, _, argument = text.strip().rstrip(";").partition(" ")
        handler = self._handlers.get(name)
        if handler is None:
            raise CommandError(f"there is no command \\{name}; \\? lists them")
        handler(argument.strip())

    def close(self) -> None:
        """Finish the file that results go to, if there is one; raises ``OSError``."""
        if self._file is not None:
            file, self._file = self._file, None
            self._executor.output = StandardOutput()
            file.__exit__(None, None, None)

    def _describe(self, name: str) -> None:
        self._executor.run(f"DESCRIBE {name}" if name else "SHOW TABLES")

    def _edit_statement(self, argument: str) -> None:
        if self._edit is None:
            raise CommandError("\\e needs a terminal")
        self._edit()

    def _choose_format(self, name: str) -> None:
        settings = self._executor.settings
        if name:
            try:
                settings.format = Format(name.lower())
            except ValueError:
                raise CommandError(f"there is no format {name}; formats: {', '.join(Format)}") from None
        print_note(f"format is {settings.format}")

    def _include(self, path: str) -> None:
        if not path:
            raise CommandError("\\i takes a file")
        self._run_file(_path(path))

    def _choose_limit(self, number: str) -> None:
        if number and not number.isdecimal():
            raise CommandError("\\limit takes a number of rows, 0 for all")
        limit = self._executor.settings.limit = int(number) if number else None
        print_note("limit is " + ("all rows" if limit == 0 else f"{limit:,} rows" if limit else "the default"))

    def _choose_output(self, path: str) -> None:
        self.close()
        if path:
            file = OutputFile(_path(path))
            try:
                file.__enter__()
            except OSError as error:
                raise CommandError(f"cannot write {path}: {error.strerror}") from error
            self._file = self._executor.output = file

    def _choose_timing(self, word: str) -> None:
        settings = self._executor.settings
        settings.timing = _on_or_off("\\timing", word, settings.timing)
        print_note(f"timing is {'on' if settings.timing else 'off'}")

    def _choose_expanded(self, word: str) -> None:
        settings = self._executor.settings
        try:
            toggled = Expanded.AUTO if settings.expanded is Expanded.ON else Expanded.ON
            settings.expanded = Expanded(word.lower()) if word else toggled
        except ValueError:
            raise CommandError("\\x takes on, off or auto") from None
        print_note(f"one line a value: {settings.expanded}")

    def _leave(self, argument: str) -> None:
        raise LeaveShell

    def _help(self, argument: str) -> None:
        lines = [f"  \\{f'{command.name} {command.usage}':<20} {command.help}" for command in COMMANDS]
        click.echo("\n".join([*lines, "", _KEYS]), err=True)


def _on_or_off(command: str, word: str, current: bool) -> bool:
    match word.lower():
        case "":
            return not current
        case "on":
            return True
        case "off":
            return False
        case _:
            raise CommandError(f"{command} takes on or off")


def _path(text: str) -> Path:
    """A file's name as it was typed: quotes around it and ``~`` are understood."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = [text]
    return Path(words[0] if len(words) == 1 else text).expanduser()
