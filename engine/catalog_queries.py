"""Queries of the catalog itself: ``information_schema``, ``duckdb_tables()`` and the like, and SHOW ALL TABLES.

DuckDB answers them, in a database that has the session's tables, without rows, its views and its macros. A statement
that reads tables as well is run as any other, over views of what DuckDB answers.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

import duckdb
import pyarrow as pa

from shoal.binder import bound_values
from shoal.catalog import CatalogSnapshot
from shoal.catalog_words import CatalogPart, catalog_parts, reads_catalog, reads_place
from shoal.executor.carrier import encode_select
from shoal.executor.kernel_errors import translate_error
from shoal.executor.kernel_types import literal, quote
from shoal.planner.definitions import setting_of
from shoal.planner.lexer import tokenize
from shoal.planner.names import MAIN, SEPARATOR, TEMPORARY, own_name, quoted_name, schema_of
from shoal.planner.source import Field, ViewDefinition
from shoal.table_store import TableVersion

NamesOf = Callable[[str], Iterable[str]]
"""How the names of a query's tables and views are found; raises DuckDB's errors."""

_SCHEMA = "shoal catalog"


def run_on_catalog(
    sql: str, parameters: Sequence[object], catalog: CatalogSnapshot
) -> tuple[tuple[Field, ...], pa.Table]:
    """The answer to a query of the catalog, in carrier types; raises user errors with their places."""
    connection = duckdb.connect(":memory:", config={"python_enable_replacements": "false"})
    try:
        connection.execute("SET arrow_output_version = '1.5'")
        _fill(connection, catalog)
        if "duckdb_tables" in sql.casefold():
            _count_rows(connection, catalog)
        try:
            text = sql.rstrip().rstrip(";")
            values = bound_values(sql, parameters)
            relation = connection.execute(f"DESCRIBE\n{text}", values or None).fetchall()
            fields = tuple(Field(str(row[0]), str(row[1])) for row in relation)
            rows = connection.sql(encode_select(text, fields), params=values or None).to_arrow_table()
        except (duckdb.Error, RuntimeError) as error:
            raise translate_error(error) from error
        return fields, rows
    finally:
        connection.close()


def _fill(connection: duckdb.DuckDBPyConnection, catalog: CatalogSnapshot) -> None:
    for name in catalog.schemas.made.values():
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(name)}")
    views: list[tuple[str, ViewDefinition]] = []
    for full, entry in catalog.entries.values():
        temporary = "TEMP " if schema_of(full).casefold() == TEMPORARY else ""
        name = quote(own_name(full)) if temporary else quoted_name(full)
        match entry:
            case ViewDefinition():
                views.append((name, entry))
            case TableVersion():
                connection.execute(f"CREATE {temporary}TABLE {name} {entry.definition.body()}")
            case _:
                source = catalog.lookup(full)
                assert source is not None, "it is in the catalog"
                assert not isinstance(source, ViewDefinition), "views were taken before"
                columns = ", ".join(f"{quote(field.name)} {field.type}" for field in source.columns)
                connection.execute(f"CREATE TABLE {name} ({columns})")
    for _ in range(len(views)):
        # A view may be made of others; one that does not bind any more is not listed.
        left = [item for item in views if not _has_made(connection, *item)]
        if len(left) == len(views):
            break
        views = left
    connection.execute(f"USE {quote(catalog.schemas.current)}")
    for variable in catalog.definitions.variables:
        connection.execute(setting_of(variable))
    for macro in catalog.definitions.macros:
        # One whose tables are gone is not listed.
        with suppress(duckdb.Error):
            connection.execute(f"CREATE OR REPLACE MACRO {macro.text}")


def _count_rows(connection: duckdb.DuckDBPyConnection, catalog: CatalogSnapshot) -> None:
    """Have ``duckdb_tables`` tell how many rows the tables have, as there are none here."""
    tables = [(full, entry.rows) for full, entry in catalog.entries.values() if isinstance(entry, TableVersion)]
    cases = " ".join(
        f"WHEN (schema_name, table_name) = ({literal(_schema_shown(full))}, {literal(own_name(full))}) THEN {rows}"
        for full, rows in tables
    )
    if cases:
        counted = f"CASE {cases} ELSE estimated_size END AS estimated_size"
        rest = f"SELECT * REPLACE ({counted}) FROM system.main.duckdb_tables()"
        connection.execute(f"CREATE TEMP MACRO duckdb_tables() AS TABLE {rest}")


def _schema_shown(name: str) -> str:
    schema = schema_of(name)
    return MAIN if schema.casefold() in ("", TEMPORARY) else schema


def _has_made(connection: duckdb.DuckDBPyConnection, name: str, view: ViewDefinition) -> bool:
    named = f"({', '.join(map(quote, view.columns))})" if view.columns else ""
    try:
        connection.execute(f"CREATE VIEW {name}{named} AS\n{view.sql}")
    except duckdb.Error:
        return False
    return True


def asks_catalog(sql: str, catalog: CatalogSnapshot, names: NamesOf) -> bool:
    """Whether a query reads the catalog, perhaps through views."""
    if _parts(sql, catalog) or (catalog.schemas.made and reads_place(sql)):
        return True
    views = [entry for _, entry in catalog.entries.values() if isinstance(entry, ViewDefinition)]
    if not any(reads_catalog(view.sql) for view in views):
        return False
    pending, seen = [sql], set[str]()
    while pending:
        for name in _names(pending.pop(), names):
            entry = catalog.entry(name)
            if isinstance(entry, ViewDefinition) and name not in seen:
                if _parts(entry.sql, catalog):
                    return True
                seen.add(name)
                pending.append(entry.sql)
    return False


def reads_rows(sql: str, catalog: CatalogSnapshot, names: NamesOf) -> bool:
    """Whether a query that reads the catalog reads the rows of tables too."""
    pending, seen = [sql], set[str]()
    while pending:
        for name in _names(_without_parts(pending.pop(), catalog), names):
            entry = catalog.entry(name)
            if isinstance(entry, ViewDefinition) and name not in seen:
                seen.add(name)
                pending.append(entry.sql)
            elif not isinstance(entry, ViewDefinition) and catalog.knows(name):
                return True
    return False


def _parts(sql: str, catalog: CatalogSnapshot) -> list[CatalogPart]:
    """Where a text reads the catalog; a table or common table expression of such a name is not of it."""
    parts = list(catalog_parts(sql))
    if not any(part.bare for part in parts):
        return parts
    tokens = tuple(tokenize(sql))
    named = {
        token.name.casefold()
        for token, after, third in zip(tokens, tokens[1:], tokens[2:], strict=False)
        if after.text == "(" or (after.is_word("AS") and (third.text == "(" or third.is_word("NOT", "MATERIALIZED")))
    }
    return [
        part
        for part in parts
        if not part.bare or not (part.name.casefold() in named or catalog.entry(part.name) is not None)
    ]


def _without_parts(sql: str, catalog: CatalogSnapshot) -> str:
    """The text without what it reads of the catalog."""
    for part in reversed(_parts(sql, catalog)):
        sql = f"{sql[: part.start]}{'SELECT 1' if part.bracketed else '(SELECT 1)'}{sql[part.end :]}"
    return sql


def with_catalog_views(sql: str, catalog: CatalogSnapshot) -> tuple[str, CatalogSnapshot]:
    """The text with views in the places where it reads the catalog, and the names with those views.

    ``FROM information_schema.tables AS i, t``  ->  ``FROM "shoal catalog".tables AS i, t``
    """
    made: dict[str, str] = {}
    text = sql
    for part in reversed(_parts(sql, catalog)):
        name = part.name if made.get(part.name, part.query) == part.query else f"{part.name} {part.start}"
        made[name] = part.query
        written = quoted_name(f"{_SCHEMA}{SEPARATOR}{name}")
        text = text[: part.start] + (f"FROM {written}" if part.bracketed else written) + text[part.end :]
    for name, query in made.items():
        full = f"{_SCHEMA}{SEPARATOR}{name}"
        catalog = catalog.with_source(full, ViewDefinition(full, _as_values(query, catalog)))
    return text, catalog


def _as_values(query: str, catalog: CatalogSnapshot) -> str:
    """The answer to a query of the catalog, as a query that reads nothing."""
    fields, _ = run_on_catalog(query, (), catalog)
    texts = ", ".join(f"CAST({quote(field.name)} AS VARCHAR)" for field in fields)
    _, rows = run_on_catalog(f"SELECT {texts} FROM ({query})", (), catalog)
    columns = [column.to_pylist() for column in rows.columns]
    names = ", ".join(quote(field.name) for field in fields)
    values = [
        f"({', '.join('NULL' if value is None else literal(value) for value in row)})"
        for row in zip(*columns, strict=True)
    ]
    typed = ", ".join(f"CAST({quote(field.name)} AS {field.type}) AS {quote(field.name)}" for field in fields)
    if not values:
        nothing = ", ".join(f"CAST(NULL AS {field.type}) AS {quote(field.name)}" for field in fields)
        return f"SELECT {nothing} WHERE false"
    return f"SELECT {typed} FROM (VALUES {', '.join(values)}) AS rows_of_catalog({names})"


def _names(sql: str, names: NamesOf) -> Iterable[str]:
    try:
        return names(sql)
    except (duckdb.Error, RuntimeError):
        return ()
