"""A text of several statements and backslash commands as a list, each with its place; nothing is run here."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from shoal.planner.lexer import StatementText, TokenKind, split_statements, tokenize


@dataclass(frozen=True, slots=True)
class Command:
    """A backslash command: its text up to the end of its line, without the backslash, and its line from 1."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Script:
    """A text and where it came from; ``name`` is a file's, or None when that is not worth telling."""

    text: str
    name: str | None = None

    def items(self) -> Iterator[StatementText | Command]:
        """Statements and commands in order. A command stands at the beginning of a line, where no statement is open."""
        position, line = 0, 0
        while (start := _command_start(self.text, position)) is not None:
            yield from _statements(self.text[position:start], line)
            line += self.text.count("\n", position, start)
            end = self.text.find("\n", start)
            position = len(self.text) if end < 0 else end + 1
            yield Command(self.text[start + 1 : position].strip(), line + 1)
            line += 1
        yield from _statements(self.text[position:], line)


def is_finished(text: str) -> bool:
    """Whether a text is ready to be run: its last token is a semicolon, or it is a backslash command, or blank."""
    if text.lstrip().startswith("\\") or not text.strip():
        return True
    last = next(iter(deque(tokenize(text), maxlen=1)), None)
    return last is not None and last.kind is TokenKind.SYMBOL and last.text == ";"


def first_line(statement: StatementText) -> int:
    """The line of the whole text on which a statement's first word stands."""
    first = next(iter(tokenize(statement.sql)), None)
    return statement.line + (statement.sql.count("\n", 0, first.start) if first else 0)


def first_word(sql: str) -> str:
    """The first word of a statement in capitals; empty when there is none."""
    first = next(iter(tokenize(sql)), None)
    return first.text.upper() if first is not None and first.kind is TokenKind.WORD else ""


def _command_start(text: str, position: int) -> int | None:
    """The offset of the next backslash that begins a command, or None."""
    at_start = True
    for token in tokenize(text[position:]):
        if at_start and token.kind is TokenKind.SYMBOL and token.text == "\\":
            return position + token.start
        at_start = token.kind is TokenKind.SYMBOL and token.text == ";"
    return None


def _statements(text: str, line: int) -> Iterator[StatementText]:
    for statement in split_statements(text):
        yield StatementText(statement.sql, statement.line + line, statement.column)
