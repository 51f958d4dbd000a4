"""Statements on the session itself: SET and RESET. Imports the lexer, the kinds and errors."""

from shoal.planner.errors import NotSupportedError, SyntaxError_
from shoal.planner.lexer import TokenKind
from shoal.planner.statement_kinds import ResetVariable, SetVariable
from shoal.planner.statement_reader import StatementReader


def read_set(reader: StatementReader) -> SetVariable:
    """``SET name = value``, from its first word."""
    reader.index = 1
    token = reader.next("a setting")
    if token.is_word("SESSION", "GLOBAL", "LOCAL") and (reader.peek() or token).kind is TokenKind.WORD:
        token = reader.next("a setting")
    if token.is_word("VARIABLE"):
        raise NotSupportedError("SQL variables are not supported: pass parameters", reader.context(token))
    if reader.is_time_zone(token):
        reader.index += 1
        return SetVariable("timezone", _value(reader))
    separator = reader.next("= and a value")
    if separator.text != "=" and not separator.is_word("TO"):
        raise SyntaxError_("expected = or TO after the setting's name", reader.context(separator))
    return SetVariable(token.name.lower(), _value(reader))


def _value(reader: StatementReader) -> str:
    if reader.peek() is None:
        reader.expected("a value")
    rest = reader.tokens[reader.index :]
    reader.index = len(reader.tokens)
    if len(rest) == 1:
        return rest[0].name
    return reader.sql[rest[0].start : rest[-1].end]


def read_reset(reader: StatementReader) -> ResetVariable:
    """``RESET name``, from its first word."""
    reader.index = 1
    token = reader.next("a setting")
    if token.is_word("SESSION", "GLOBAL", "LOCAL") and reader.peek() is not None:
        token = reader.next("a setting")
    if reader.is_time_zone(token):
        reader.index += 1
        reader.end()
        return ResetVariable("timezone")
    reader.end()
    return ResetVariable(token.name.lower())
