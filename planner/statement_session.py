"""Statements on the session itself: settings, variables, prepared statements. Imports the lexer, the kinds, errors."""

import re

from shoal.planner.errors import NotSupportedError, ParameterError, SyntaxError_
from shoal.planner.lexer import Token, TokenKind
from shoal.planner.names import MAIN
from shoal.planner.session_kinds import AssignVariable, Deallocate, Execute, ForgetVariable, Prepare
from shoal.planner.statement_kinds import ResetVariable, SetVariable
from shoal.planner.statement_reader import StatementReader
from shoal.planner.table_statements import UseSchema

_NOT_BLANK = re.compile(r"[^\n]")
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


_SCHEMA_SETTINGS = ("SCHEMA", "SEARCH_PATH")


def read_set(reader: StatementReader) -> SetVariable | AssignVariable | UseSchema:
    """``SET name = value``, from its first word."""
    reader.index = 1
    token = reader.next("a setting")
    if token.is_word("SESSION", "GLOBAL", "LOCAL") and (reader.peek() or token).kind is TokenKind.WORD:
        if token.is_word("LOCAL"):
            message = "SET LOCAL is not supported: each statement is a transaction of its own"
            raise NotSupportedError(message, reader.context(token))
        token = reader.next("a setting")
    if token.is_word("VARIABLE") and (following := reader.peek()) is not None and following.text != "=":
        return _assignment(reader, token.start)
    if reader.is_time_zone(token):
        reader.index += 1
        return SetVariable("timezone", _value(reader))
    separator = reader.next("= and a value")
    if separator.text != "=" and not separator.is_word("TO"):
        raise SyntaxError_("expected = or TO after the setting's name", reader.context(separator))
    if token.is_word(*_SCHEMA_SETTINGS):
        return _schema_in_use(reader, token)
    return SetVariable(token.name.lower(), _value(reader))


def _schema_in_use(reader: StatementReader, setting: Token) -> UseSchema:
    """The schema that a value of DuckDB's settings ``schema`` and ``search_path`` names."""
    name = _value(reader).strip()
    if "," in name:
        message = "one schema is in use: a search path of several is not supported"
        raise NotSupportedError(message, reader.context(setting, "qualify the names of tables, as in schema.table"))
    return UseSchema(name.removeprefix("memory.") or MAIN)


def _value(reader: StatementReader) -> str:
    if reader.peek() is None:
        reader.expected("a value")
    rest = reader.tokens[reader.index :]
    reader.index = len(reader.tokens)
    if len(rest) == 1:
        return rest[0].name
    return reader.sql[rest[0].start : rest[-1].end]


def _assignment(reader: StatementReader, keyword: int) -> AssignVariable:
    """``VARIABLE name = expression``; SELECT takes the place of VARIABLE, and what follows up to the value is blank."""
    name = reader.name()
    separator = reader.next("= and a value")
    if separator.text != "=" and not separator.is_word("TO"):
        raise SyntaxError_("expected = or TO after the variable's name", reader.context(separator))
    if reader.peek() is None:
        reader.expected("a value")
    start = reader.tokens[reader.index].start
    sql = reader.sql
    before = _NOT_BLANK.sub(" ", sql[:keyword]) + "SELECT" + _NOT_BLANK.sub(" ", sql[keyword + len("SELECT") : start])
    reader.index = len(reader.tokens)
    return AssignVariable(name, sql[start : reader.tokens[-1].end], before + sql[start:])


_UNPREPARED = (
    "PREPARE",
    "EXECUTE",
    "DEALLOCATE",
    "CREATE",
    "DROP",
    "ALTER",
    "SET",
    "RESET",
    "USE",
    "EXPLAIN",
    "ANALYZE",
)
"""How statements begin that cannot be prepared, as in DuckDB."""


def read_prepare(reader: StatementReader) -> Prepare:
    """``PREPARE name AS statement``, from its first word."""
    reader.index = 1
    name = reader.name()
    following = reader.peek()
    if following is not None and following.text == "(":
        message = "types of a prepared statement's parameters are not supported: its values bring theirs"
        raise NotSupportedError(message, reader.context(following))
    if not reader.skip("AS"):
        reader.expected("AS and a statement")
    token = reader.next("a statement")
    if token.is_word(*_UNPREPARED):
        raise SyntaxError_(f"{token.text.upper()} cannot be prepared", reader.context(token))
    return Prepare(name, _NOT_BLANK.sub(" ", reader.sql[: token.start]) + reader.sql[token.start :], reader.sql)


def read_execute(reader: StatementReader) -> Execute:
    """``EXECUTE name[(value, ...)]``, from its first word."""
    reader.index = 1
    name = reader.name()
    values: list[tuple[str | None, str]] = []
    if reader.peek() is not None:
        reader.expect_symbol("(")
        while (token := reader.peek()) is not None and token.text != ")":
            values.append(_argument(reader))
        reader.expect_symbol(")")
    reader.end()
    if len({value is None for value, _ in values}) > 1:
        raise ParameterError("values are either named or in order, not both")
    return Execute(name, tuple(values))


def read_deallocate(reader: StatementReader) -> Deallocate:
    """``DEALLOCATE [PREPARE] name``, from its first word."""
    reader.index = 1
    if len(reader.tokens) > 2:
        _ = reader.skip("PREPARE")
    name = reader.name()
    reader.end()
    return Deallocate(name)


def _argument(reader: StatementReader) -> tuple[str | None, str]:
    """One value of EXECUTE, up to a comma (passed) or the closing bracket."""
    name: str | None = None
    first, *rest = reader.tokens[reader.index : reader.index + 3]
    named = [token.text for token in rest]
    if first.kind in (TokenKind.WORD, TokenKind.QUOTED) and named in ([":", "="], ["=", ">"]):
        name = first.name
        reader.index += 3
    start, depth = reader.index, 0
    while (token := reader.peek()) is not None and (depth or token.text not in (",", ")")):
        if token.is_word("SELECT"):
            raise ParameterError("a value of EXECUTE cannot be a subquery", reader.context(token))
        depth += (token.text in _OPENING) - (token.text in _CLOSING)
        reader.index += 1
    if reader.index == start:
        reader.expected("a value")
    sql = reader.sql[reader.tokens[start].start : reader.tokens[reader.index - 1].end]
    if token is not None and token.text == ",":
        reader.index += 1
    return name, sql


def read_reset(reader: StatementReader) -> ResetVariable | ForgetVariable | UseSchema:
    """``RESET name``, from its first word."""
    reader.index = 1
    token = reader.next("a setting")
    if token.is_word("SESSION", "GLOBAL", "LOCAL") and reader.peek() is not None:
        token = reader.next("a setting")
    if token.is_word("VARIABLE") and reader.peek() is not None:
        name = reader.name()
        reader.end()
        return ForgetVariable(name)
    if reader.is_time_zone(token):
        reader.index += 1
        reader.end()
        return ResetVariable("timezone")
    reader.end()
    if token.is_word(*_SCHEMA_SETTINGS):
        return UseSchema(MAIN)
    return ResetVariable(token.name.lower())
