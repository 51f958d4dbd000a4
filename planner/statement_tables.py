"""Statements that make and remove tables, views and schemas. Imports the lexer, the kinds and errors."""

from typing import NoReturn

from shoal.planner.errors import NotSupportedError, SyntaxError_
from shoal.planner.lexer import TokenKind
from shoal.planner.names import TEMPORARY, own_name, qualified, quoted_name, schema_of
from shoal.planner.statement_kinds import CreateView, DropView, Query
from shoal.planner.statement_reader import StatementReader
from shoal.planner.table_statements import (
    AlterTable,
    CreateSchema,
    CreateTable,
    DropObject,
    ObjectKind,
    Part,
    UseSchema,
)

_NOT_KEPT = {
    "INDEX": "scans are pruned by the bounds of their row groups; there are no indexes",
    "UNIQUE": "there are no indexes, and uniqueness is not enforced",
    "SEQUENCE": "tasks on several machines cannot share one; use row_number() or uuid()",
    "TYPE": "write the type where it is used, as in ENUM('a', 'b')",
    "SECRET": "remote files are not supported",
    "DATABASE": "a session has one database",
    "TRIGGER": "statements run by themselves",
    "FUNCTION": "write CREATE MACRO",
}
"""What CREATE, DROP and ALTER are asked for besides tables, views and schemas, and what to do instead."""


def read_create(reader: StatementReader) -> CreateView | CreateTable | CreateSchema:
    """``CREATE VIEW | TABLE | SCHEMA``, from its first word."""
    reader.index = 1
    or_replace = reader.skip("OR", "REPLACE")
    temporary = reader.skip("TEMP") or reader.skip("TEMPORARY")
    if reader.skip("TABLE"):
        return _create_table(reader, or_replace, temporary)
    if reader.skip("SCHEMA"):
        if_not_exists = _if_not_exists(reader, or_replace)
        name = _schema_name(reader)
        reader.end()
        return CreateSchema(name, if_not_exists, or_replace)
    recursive = reader.skip("RECURSIVE")
    if not reader.skip("VIEW"):
        _refuse_object(reader, "CREATE", "CREATE TABLE, CREATE VIEW, CREATE SCHEMA and CREATE MACRO")
    if_not_exists = _if_not_exists(reader, or_replace)
    name = _made_name(reader, temporary)
    columns = names_in_brackets(reader) if (token := reader.peek()) is not None and token.text == "(" else ()
    if not reader.skip("AS"):
        reader.expected("AS and a query")
    if not reader.starts_query(shown=True):
        reader.expected("a query")
    sql = reader.rest_as_query().sql
    if recursive:
        listed = ", ".join(map(quoted_name, columns))
        own = quoted_name(own_name(name))
        sql, columns = f"WITH RECURSIVE {own}({listed}) AS (\n{sql}\n) SELECT {listed} FROM {own}", ()
    return CreateView(name, columns, sql, or_replace, if_not_exists)


def _if_not_exists(reader: StatementReader, or_replace: bool) -> bool:
    start = reader.peek()
    found = reader.skip("IF", "NOT", "EXISTS")
    if found and or_replace and start is not None:
        raise SyntaxError_("OR REPLACE and IF NOT EXISTS exclude each other", reader.context(start))
    return found


def _made_name(reader: StatementReader, temporary: bool) -> str:
    """The name of what is made: only what is temporary can be in the schema of that."""
    token = reader.peek()
    name = reader.table_name()
    if not temporary and schema_of(name).casefold() == TEMPORARY and token is not None:
        raise SyntaxError_(f'only what is TEMPORARY can be in "{TEMPORARY}"', reader.context(token))
    return name


def _create_table(reader: StatementReader, or_replace: bool, temporary: bool) -> CreateTable:
    if_not_exists = _if_not_exists(reader, or_replace)
    name = _made_name(reader, temporary)
    if temporary:
        name = qualified(TEMPORARY, own_name(name))
    body = Part(reader.tokens[reader.index - 1].end, reader.tokens[-1].end)
    token = reader.peek()
    if token is None:
        reader.expected("columns in brackets, or AS and a query")
    columns: tuple[str, ...] = ()
    if token.text == "(":
        if not _is_list_of_names(reader):
            return CreateTable(name, body, None, (), True, or_replace, if_not_exists, temporary)
        columns = names_in_brackets(reader)
    if not reader.skip("AS"):
        reader.expected("columns in brackets, or AS and a query")
    if not reader.starts_query(shown=True):
        reader.expected("a query")
    end, with_data = len(reader.tokens), True
    if end - reader.index > 2 and reader.tokens[-1].is_word("DATA"):
        if reader.tokens[-2].is_word("WITH"):
            end -= 2
        elif reader.tokens[-2].is_word("NO") and reader.tokens[-3].is_word("WITH"):
            end, with_data = end - 3, False
    query = reader.query_until(end)
    return CreateTable(name, body, query, columns, with_data, or_replace, if_not_exists, temporary)


def _is_list_of_names(reader: StatementReader) -> bool:
    """Whether the bracket that comes next holds names alone, and AS follows: names for the columns of a query."""
    kinds = (TokenKind.WORD, TokenKind.QUOTED)
    for number, token in enumerate(reader.tokens[reader.index + 1 :]):
        if token.text == ")" and number % 2:
            following = reader.tokens[reader.index + number + 2 :]
            return bool(following) and following[0].is_word("AS")
        if token.kind not in kinds if number % 2 == 0 else token.text != ",":
            return False
    return False


def names_in_brackets(reader: StatementReader) -> tuple[str, ...]:
    """Names between brackets, with commas between them."""
    reader.expect_symbol("(")
    names = [reader.name()]
    while (token := reader.next("a comma or a closing bracket")).text == ",":
        names.append(reader.name())
    if token.text != ")":
        raise SyntaxError_("expected a comma or a closing bracket", reader.context(token))
    return tuple(names)


def read_drop(reader: StatementReader) -> DropView | DropObject:
    """``DROP VIEW | TABLE | SCHEMA``, from its first word."""
    reader.index = 1
    kind = next((kind for kind in ObjectKind if reader.skip(kind.value.upper())), None)
    if kind is None and not reader.skip("VIEW"):
        _refuse_object(reader, "DROP", "DROP TABLE, DROP VIEW, DROP SCHEMA and DROP MACRO")
    if_exists = reader.skip("IF", "EXISTS")
    name = _schema_name(reader) if kind is ObjectKind.SCHEMA else reader.table_name()
    token = reader.peek()
    if token is not None and token.text == ",":
        raise NotSupportedError("one thing is dropped at a time", reader.context(token))
    cascade = reader.skip("CASCADE")
    _ = cascade or reader.skip("RESTRICT")
    reader.end()
    return DropView(name, if_exists) if kind is None else DropObject(kind, name, if_exists, cascade)


def read_alter(reader: StatementReader) -> AlterTable:
    """``ALTER TABLE | VIEW``, from its first word."""
    reader.index = 1
    of_view = reader.skip("VIEW")
    if not of_view and not reader.skip("TABLE"):
        _refuse_object(reader, "ALTER", "ALTER TABLE and ALTER VIEW")
    if_exists = reader.skip("IF", "EXISTS")
    name = reader.table_name()
    body = Part(reader.tokens[reader.index - 1].end, reader.tokens[-1].end)
    if reader.skip("RENAME", "TO"):
        new_name = reader.name()
        reader.end()
        return AlterTable(name, body, if_exists, new_name, of_view)
    if of_view:
        reader.expected("RENAME TO")
    if reader.peek() is None:
        reader.expected("what is to be altered")
    return AlterTable(name, body, if_exists)


def read_use(reader: StatementReader) -> UseSchema:
    """``USE schema``, from its first word."""
    reader.index = 1
    name = _schema_name(reader)
    reader.end()
    return UseSchema(name)


def _schema_name(reader: StatementReader) -> str:
    """The name of a schema, perhaps behind that of the one database."""
    place = reader.tokens[reader.index] if reader.peek() is not None else None
    name = reader.table_name()
    if schema_of(name):
        context = None if place is None else reader.context(place)
        raise NotSupportedError("a session has one database: a schema's name has one part", context)
    return name


def _refuse_object(reader: StatementReader, verb: str, taken: str) -> NoReturn:
    token = reader.next("TABLE, VIEW or SCHEMA")
    word = token.text.upper()
    if word in ("PERSISTENT", "OR") and (following := reader.peek()) is not None:
        token, word = following, following.text.upper()
    instead = _NOT_KEPT.get(word)
    message = f"{verb} {word} is not supported: Shoal takes {taken}"
    raise NotSupportedError(message, reader.context(token, instead))


def query_of_table(reader: StatementReader, keyword_end: int, name: Part, columns: str) -> Query:
    """``FROM name`` in the place of a statement's first word; with ``columns`` a SELECT, which has no places."""
    sql = reader.sql
    if columns:
        return Query(f"SELECT {columns} FROM {name.of(sql)}")
    start = keyword_end - len("FROM")
    return Query(sql[:start] + "FROM" + sql[keyword_end : name.end])
