"""Scripts: statements and commands from -c, -f and standard input, in order, up to the first error."""

import sys
from pathlib import Path

from shoal.planner.errors import Error
from shoal.planner.lexer import StatementText
from shoal.shell.commands import CommandError, Commands
from shoal.shell.execute import Executor
from shoal.shell.messages import print_error, print_note, print_problem
from shoal.shell.script import Command, Script
from shoal.shell.summary import describe_outcome

_MAX_DEPTH = 16


class ScriptFailedError(Exception):
    """A script's statement or command failed: the error, the item, and the script it stands in."""

    def __init__(self, error: Exception, script: Script, item: StatementText | Command) -> None:
        super().__init__(str(error))
        self.error = error
        self.script = script
        self.item = item


class ScriptRunner:
    """Runs scripts on an executor; ``commands`` are its backslash commands, which may run scripts in turn."""

    def __init__(self, executor: Executor, *, verbose: bool) -> None:
        self.executor = executor
        self.commands = Commands(executor, self.run_file)
        self._verbose = verbose
        self._depth = 0

    def run(self, script: Script) -> None:
        """Run everything in a script.

        Raises ``ScriptFailedError`` at the first error, ``LeaveShell`` and ``KeyboardInterrupt``.
        """
        for item in script.items():
            try:
                match item:
                    case Command(text):
                        self.commands.run(text)
                    case StatementText(sql):
                        self._run_statement(sql)
            except (Error, CommandError) as error:
                raise ScriptFailedError(error, script, item) from error

    def run_file(self, path: Path) -> None:
        """Run a file, ``-`` for standard input; raises also ``CommandError`` when it cannot be read."""
        if self._depth >= _MAX_DEPTH:
            raise CommandError(f"files include each other deeper than {_MAX_DEPTH} levels")
        script = read_script(path)
        self._depth += 1
        try:
            self.run(script)
        finally:
            self._depth -= 1

    def _run_statement(self, sql: str) -> None:
        outcome = self.executor.run(sql)
        if self._verbose or outcome.cut:
            print_note(describe_outcome(outcome, timing=self.executor.settings.timing))


def read_script(path: Path) -> Script:
    """A file's text as a script; raises ``CommandError`` when it cannot be read or is not UTF-8."""
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        return Script(data.decode("utf-8-sig").replace("\r\n", "\n"), "<stdin>" if str(path) == "-" else str(path))
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        source = "standard input" if str(path) == "-" else path
        raise CommandError(f"{source} is not UTF-8 text (byte {error.start})") from error


def report_failure(failure: ScriptFailedError) -> None:
    """Print why a script stopped, with its place in the file."""
    if isinstance(failure.error, Error):
        item = failure.item if isinstance(failure.item, StatementText) else None
        print_error(failure.error, failure.script, item)
        return
    place = f"{failure.script.name}:{failure.item.line}: " if failure.script.name else ""
    print_problem(place + str(failure.error))
