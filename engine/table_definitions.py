"""What CREATE TABLE and ALTER TABLE make of a table: DuckDB reads the statement, and is asked what it understood.

A scratch database of its own holds the one empty table for as long as that takes, so that every type, default and
condition, and every error, is DuckDB's.
"""

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NoReturn

import duckdb

from shoal.executor.kernel_errors import translate_error
from shoal.executor.kernel_types import quote
from shoal.planner.errors import Error, ErrorContext, NotSupportedError, ProgrammingError
from shoal.planner.lexer import TokenKind, place_at, tokenize
from shoal.planner.names import own_name
from shoal.planner.table_statements import Part
from shoal.scratch import Scratch
from shoal.table_store import ROW_NUMBER, TableColumn, TableDefinition

_DATABASE = "definitions"
_NOT_ENFORCED = {
    "PRIMARY KEY": "uniqueness over files that are only appended to is not enforced",
    "UNIQUE": "uniqueness over files that are only appended to is not enforced",
    "FOREIGN KEY": "references between tables are not enforced",
}
_NOT_BLANK = re.compile(r"[^\n]")


@dataclass(frozen=True, slots=True)
class Replaced:
    """A statement with another beginning: ``head`` instead of what stands before ``body``, on the same places."""

    text: str
    is_aligned: bool


def with_head(sql: str, body: Part, head: str) -> Replaced:
    """``head`` and ``body`` as one statement, with blanks between them so that the body keeps its places."""
    before = sql[: body.start]
    if len(head) <= len(before) and "\n" not in before[: len(head)]:
        return Replaced(head + _NOT_BLANK.sub(" ", before[len(head) :]) + body.of(sql), is_aligned=True)
    return Replaced(head + " " + body.of(sql), is_aligned=False)


class TableDefinitions:
    """Reads definitions. Every method may be called from any thread."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self._connection: duckdb.DuckDBPyConnection | None = None

    def created(self, sql: str, name: str, body: Part) -> TableDefinition:
        """What a CREATE TABLE with columns in brackets defines; raises user errors with their places."""
        if any(token.is_word("REFERENCES") for token in tokenize(body.of(sql))):
            _refuse("REFERENCES", _NOT_ENFORCED["FOREIGN KEY"], sql)
        with self._opened() as connection:
            _run(connection, with_head(sql, body, f"CREATE TABLE {quote(own_name(name))}"), sql)
            return _read(connection, own_name(name), sql)

    def selected(self, query: str, name: str, columns: tuple[str, ...]) -> TableDefinition:
        """What CREATE TABLE AS defines, for a query whose tables the scratch connection knows by now."""
        listed = f" ({', '.join(map(quote, columns))})" if columns else ""
        table = f"{_DATABASE}.main.{quote(own_name(name))}"
        with self._opened() as connection:
            self._scratch.rows(f"CREATE TABLE {table}{listed} AS\n{query}\nWITH NO DATA")
            return _read(connection, own_name(name), query)

    def altered(self, sql: str, before: TableDefinition, body: Part) -> TableDefinition:
        """What an ALTER TABLE makes of a table; raises user errors with their places."""
        with self._opened() as connection:
            connection.execute(f"CREATE TABLE {quote(before.name)} {before.body()}")
            _run(connection, with_head(sql, body, f"ALTER TABLE {quote(before.name)}"), sql)
            return _read(connection, before.name, sql)

    @contextmanager
    def _opened(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to the scratch database for the block, after which it is empty again."""
        with self._scratch.lock:
            if self._connection is None:
                connection = self._scratch.cursor()
                connection.execute(f"ATTACH ':memory:' AS {_DATABASE}")
                connection.execute(f"USE {_DATABASE}")
                self._connection = connection
            try:
                yield self._connection
            except (duckdb.Error, RuntimeError) as error:
                raise translate_error(error) from error
            finally:
                for (name,) in self._connection.execute(
                    f"SELECT table_name FROM duckdb_tables() WHERE database_name = '{_DATABASE}'"
                ).fetchall():
                    self._connection.execute(f"DROP TABLE {_DATABASE}.main.{quote(name)}")

    def close(self) -> None:
        """Free the connection; idempotent."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _run(connection: duckdb.DuckDBPyConnection, statement: Replaced, sql: str) -> None:
    try:
        connection.execute(statement.text)
    except (duckdb.Error, RuntimeError) as error:
        told = translate_error(error, statement.text)
        raise _placed(told, statement, sql) from error


def _placed(error: Error, statement: Replaced, sql: str) -> Error:
    """The error with the user's text, if its place means the same there."""
    place = error.context.place if statement.is_aligned else None
    return type(error)(error.message, replace(error.context, sql=sql if place else None, place=place))


def _read(connection: duckdb.DuckDBPyConnection, name: str, sql: str) -> TableDefinition:
    """The definition of the one table that the scratch database has, by this name."""
    constraints = connection.execute(
        "SELECT constraint_type, expression FROM duckdb_constraints() "
        f"WHERE database_name = '{_DATABASE}' ORDER BY constraint_index"
    ).fetchall()
    for kind, _ in constraints:
        if kind in _NOT_ENFORCED:
            _refuse(kind, _NOT_ENFORCED[kind], sql)
    (ddl,) = connection.execute(f"SELECT sql FROM duckdb_tables() WHERE database_name = '{_DATABASE}'").fetchall()[0]
    words = [token.text.upper() if token.kind is TokenKind.WORD else "" for token in tokenize(ddl)]
    if ("GENERATED", "ALWAYS") in itertools.pairwise(words):
        _refuse("GENERATED", "a view computes columns when they are read", sql)
    if "COLLATE" in words:
        _refuse("COLLATE", "a collation belongs into the query, as in ORDER BY name COLLATE NOCASE", sql)
    rows = connection.execute(
        "SELECT column_name, data_type, column_default, is_nullable FROM duckdb_columns() "
        f"WHERE database_name = '{_DATABASE}' ORDER BY column_index"
    ).fetchall()
    columns = tuple(
        TableColumn(str(column), str(type_), str(default or ""), not nullable)
        for column, type_, default, nullable in rows
    )
    if any(column.name.casefold() == ROW_NUMBER for column in columns):
        raise ProgrammingError(f'a column cannot be named "{ROW_NUMBER}": every stored table has one')
    checks = tuple(str(expression) for kind, expression in constraints if kind == "CHECK")
    return TableDefinition(name, columns, checks)


def _refuse(kind: str, reason: str, sql: str) -> NoReturn:
    token = next((token for token in tokenize(sql) if token.is_word(kind.split(maxsplit=1)[0])), None)
    place = None if token is None else place_at(sql, token.start, len(token.text))
    context = ErrorContext(sql=None if place is None else sql, place=place, hint=reason)
    raise NotSupportedError(f"{kind} is not supported in a table", context)
