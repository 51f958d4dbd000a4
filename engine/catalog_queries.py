"""Queries of the catalog itself: ``information_schema``, ``duckdb_tables()`` and the like, and SHOW ALL TABLES.

DuckDB answers them, in a database that has the session's tables, without rows, and its views. Nothing else can be read
in such a statement.
"""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from shoal.binder import bound_values
from shoal.catalog import CatalogSnapshot
from shoal.executor.carrier import encode_select
from shoal.executor.kernel_errors import translate_error
from shoal.executor.kernel_types import quote
from shoal.planner.errors import ErrorContext, NotSupportedError
from shoal.planner.names import TEMPORARY, own_name, quoted_name, schema_of, shown_name
from shoal.planner.source import Field, ViewDefinition
from shoal.table_store import TableVersion


def run_on_catalog(
    sql: str, parameters: Sequence[object], catalog: CatalogSnapshot
) -> tuple[tuple[Field, ...], pa.Table]:
    """The answer to a query of the catalog, in carrier types; raises user errors with their places."""
    connection = duckdb.connect(":memory:", config={"python_enable_replacements": "false"})
    try:
        connection.execute("SET arrow_output_version = '1.5'")
        _fill(connection, catalog)
        _refuse_tables(connection, sql, catalog)
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


def _has_made(connection: duckdb.DuckDBPyConnection, name: str, view: ViewDefinition) -> bool:
    named = f"({', '.join(map(quote, view.columns))})" if view.columns else ""
    try:
        connection.execute(f"CREATE VIEW {name}{named} AS\n{view.sql}")
    except duckdb.Error:
        return False
    return True


def _refuse_tables(connection: duckdb.DuckDBPyConnection, sql: str, catalog: CatalogSnapshot) -> None:
    """Raise ``NotSupportedError`` if a query reads the rows of a table too: there are none here."""
    try:
        names = connection.get_table_names(sql)
    except (duckdb.Error, RuntimeError):
        return
    read = next((name for name in names if catalog.entry(name) is not None), None)
    if read is not None and "information_schema" not in read:
        message = f"a query of the catalog cannot read {shown_name(read)} as well"
        raise NotSupportedError(message, ErrorContext(hint="CREATE TABLE ... AS keeps one of the answers"))
