"""Statements that make and remove tables and views. Imports the lexer, the kinds and errors."""

from typing import NoReturn

from shoal.planner.errors import NotSupportedError, SyntaxError_
from shoal.planner.statement_kinds import CreateView, DropView
from shoal.planner.statement_reader import StatementReader


def read_create(reader: StatementReader) -> CreateView:
    """``CREATE VIEW``, from its first word."""
    reader.index = 1
    or_replace = reader.skip("OR", "REPLACE")
    _ = reader.skip("TEMP") or reader.skip("TEMPORARY")
    if not reader.skip("VIEW"):
        _refuse_object(reader, "CREATE", "CREATE VIEW; tables come from register() or from files")
    if_not_exists = reader.skip("IF", "NOT", "EXISTS")
    name = reader.name()
    columns: list[str] = []
    if (token := reader.peek()) is not None and token.text == "(":
        reader.expect_symbol("(")
        columns.append(reader.name())
        while (token := reader.next("a comma or a closing bracket")).text == ",":
            columns.append(reader.name())
        if token.text != ")":
            raise SyntaxError_("expected a comma or a closing bracket", reader.context(token))
    if not reader.skip("AS"):
        reader.expected("AS and a query")
    if not reader.starts_query():
        reader.expected("a query")
    return CreateView(name, tuple(columns), reader.rest_as_query().sql, or_replace, if_not_exists)


def read_drop(reader: StatementReader) -> DropView:
    """``DROP VIEW``, from its first word."""
    reader.index = 1
    if not reader.skip("VIEW"):
        _refuse_object(reader, "DROP", "DROP VIEW; a registered table goes with unregister()")
    if_exists = reader.skip("IF", "EXISTS")
    name = reader.name()
    _ = reader.skip("CASCADE") or reader.skip("RESTRICT")
    reader.end()
    return DropView(name, if_exists)


def _refuse_object(reader: StatementReader, verb: str, instead: str) -> NoReturn:
    token = reader.next("VIEW")
    message = f"{verb} {token.text.upper()} is not supported: Shoal takes {instead}"
    raise NotSupportedError(message, reader.context(token))
