"""The interactive shell: reads statements, runs them, and goes on after errors and Ctrl-C."""

import sys

import click
from prompt_toolkit.formatted_text import AnyFormattedText
from prompt_toolkit.input import Input
from prompt_toolkit.output import Output

from shoal.planner.errors import Error
from shoal.planner.lexer import StatementText
from shoal.shell.batch import ScriptFailedError, ScriptRunner, report_failure
from shoal.shell.commands import CommandError, Commands, LeaveShell
from shoal.shell.driver import Connection
from shoal.shell.execute import Executor, Settings
from shoal.shell.history import history_path, open_history
from shoal.shell.messages import print_error, print_note, print_problem
from shoal.shell.names import Names
from shoal.shell.output import Output as ResultOutput
from shoal.shell.prompt import build_prompt, without_echo
from shoal.shell.script import Command, Script, first_word
from shoal.shell.summary import describe_outcome

_NAMING_WORDS = frozenset({"CREATE", "DROP"})


class Shell:
    """One interactive session on a connection; ``title`` says in the status line what it is connected to."""

    def __init__(
        self,
        connection: Connection,
        settings: Settings,
        title: str,
        input: Input | None = None,
        output: Output | None = None,
    ) -> None:
        self._executor = Executor(connection, settings)
        self._names = Names(connection)
        self._title = title
        self._last_text = ""
        self._last_note = ""
        self._scripts = ScriptRunner(self._executor, verbose=True)
        self._commands = Commands(self._executor, self._scripts.run_file, self._edit)
        self._scripts.commands = self._commands
        self._prompt = build_prompt(self._names, open_history(history_path()), self._toolbar, input, output)

    def send_results_to(self, output: ResultOutput) -> None:
        """Write results there instead of to standard output, until a command says otherwise."""
        self._executor.output = output

    def run(self) -> None:
        """Read and run until the user leaves."""
        print_note("Statements end with ;  \\? lists commands, \\q leaves.")
        try:
            with without_echo():
                while self._run_one():
                    pass
        finally:
            self._close()

    def _run_one(self) -> bool:
        """Read one text and run it; whether to go on."""
        try:
            text = self._prompt.prompt()
        except KeyboardInterrupt:
            return True
        except EOFError:
            return False
        try:
            self._run_text(text)
        except LeaveShell:
            return False
        return True

    def _run_text(self, text: str) -> None:
        """Run what was typed, and say what went wrong; raises ``LeaveShell``."""
        match text.strip().rstrip(";").strip().lower():
            case "exit" | "quit":
                raise LeaveShell
            case "help":
                text = "\\?"
            case _:
                pass
        script = Script(text)
        for item in script.items():
            if not self._run_item(item, script):
                return

    def _run_item(self, item: StatementText | Command, script: Script) -> bool:
        """Run a statement or command, and print its error; whether it went well."""
        try:
            match item:
                case Command(text):
                    self._commands.run(text)
                case StatementText(sql):
                    self._last_text = sql.strip() + ";"
                    self._run_statement(sql)
            return True
        except KeyboardInterrupt as interrupt:
            print_problem(str(interrupt) or "cancelled")
        except ScriptFailedError as failure:
            report_failure(failure)
        except CommandError as error:
            print_problem(str(error))
        except OSError as error:
            print_problem(f"cannot write the result: {error.strerror or error}")
        except Error as error:
            print_error(error, script, item if isinstance(item, StatementText) else None)
        finally:
            self._flush()
        return False

    def _run_statement(self, sql: str) -> None:
        outcome = self._executor.run(sql)
        if first_word(sql) in _NAMING_WORDS:
            self._names.forget()
        self._last_note = describe_outcome(outcome, timing=True)
        print_note(describe_outcome(outcome, timing=self._executor.settings.timing))

    def _edit(self) -> None:
        edited = click.edit(self._last_text, extension=".sql")
        if edited is not None and edited.strip():
            click.echo(edited.rstrip(), err=True)
            self._run_text(edited)

    def _toolbar(self) -> AnyFormattedText:
        settings = self._executor.settings
        parts = [self._title, str(settings.format)]
        if self._last_note:
            parts.append(self._last_note)
        return [("", " " + "  ·  ".join(parts))]

    def _flush(self) -> None:
        if sys.stdout is not None:
            sys.stdout.flush()

    def _close(self) -> None:
        try:
            self._commands.close()
        except OSError as error:
            print_problem(f"cannot write the result: {error.strerror or error}")
