"""What is said on standard error: errors with their place, and short notes."""

import sys
from dataclasses import replace

import click

from shoal.formats.display import escape_controls
from shoal.planner.errors import Error
from shoal.planner.lexer import StatementText
from shoal.shell.output import wants_colour
from shoal.shell.script import Script, first_line


def print_error(error: BaseException, script: Script | None = None, statement: StatementText | None = None) -> None:
    """Print an error: its class and SQLSTATE, the message, carets under the place, the hint, the query.

    With a script, places are those of the whole text, and ``FILE:LINE:`` comes first when the script has a name.
    """
    if not isinstance(error, Error):
        _echo_error(type(error).__name__, str(error), "")
        return
    located = _in_script(error, script, statement)
    where = ""
    if script is not None and script.name is not None and statement is not None:
        where = f"{script.name}:{located.line or first_line(statement)}: "
    title = f"{type(error).__name__.rstrip('_')} [{error.sqlstate}]"
    _echo_error(title, str(located), where)


def print_note(text: str) -> None:
    """Print a remark that is not part of any result."""
    click.secho(text, err=True, dim=True, color=_colour())


def print_problem(text: str) -> None:
    """Print an error of the shell's own: a command that does not exist, a file that cannot be read."""
    _echo_error("error", text, "")


def _in_script(error: Error, script: Script | None, statement: StatementText | None) -> Error:
    place = error.context.place
    if script is None or statement is None or place is None or error.context.sql != statement.sql:
        return error
    context = replace(error.context, sql=script.text, place=statement.place_in_text(place))
    return type(error)(error.message, context)


def _echo_error(title: str, body: str, where: str) -> None:
    first, *rest = [escape_controls(line) for line in body.split("\n")]
    colour = _colour()
    click.echo(escape_controls(where) + click.style(title, fg="red", bold=True) + ": " + first, err=True, color=colour)
    for line in rest:
        marks = line.strip()
        if marks and set(marks) == {"^"}:
            line = click.style(line, fg="red", bold=True)
        elif marks.startswith("hint:"):
            line = click.style(line, fg="cyan")
        elif marks.startswith("in query"):
            line = click.style(line, dim=True)
        click.echo(line, err=True, color=colour)


def _colour() -> bool:
    return sys.stderr is not None and sys.stderr.isatty() and wants_colour()
