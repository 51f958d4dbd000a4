"""EXPLAIN of a statement that is not a query: the query inside it, and what becomes of that query's rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from shoal.binder import Binder
from shoal.catalog import CatalogSnapshot
from shoal.changed_rows import deleted_columns, rows_query, target_name, updated_columns
from shoal.planner.errors import BindError, ErrorContext, NotSupportedError
from shoal.planner.names import shown_name
from shoal.planner.parameters import inline_parameters
from shoal.planner.statement import classify
from shoal.planner.statement_kinds import Query
from shoal.planner.table_statements import CopyTo, CreateTable, Delete, Insert, Truncate, Update
from shoal.table_changes import is_dynamic, table_named
from shoal.table_store import TableVersion


@dataclass(frozen=True, slots=True)
class Explained:
    """What is done with a statement's rows, the query that they come from if there is one, and what that may name."""

    what: str
    query: Query | None
    catalog: CatalogSnapshot


def explained_statement(sql: str, parameters: Sequence[object], catalog: CatalogSnapshot, binder: Binder) -> Explained:
    """What a statement on tables would do; raises the user errors that it would raise before it runs."""
    if parameters:
        sql = inline_parameters(sql, parameters)
    statement = classify(sql)
    match statement:
        case CopyTo():
            return Explained(f"copy to '{statement.path}': the rows of this query", statement.query, catalog)
        case CreateTable(query=Query() as query):
            name = catalog.schemas.place(statement.name)
            if name.casefold() in catalog.entries and not (statement.or_replace or statement.if_not_exists):
                raise BindError(f'Table with name "{shown_name(name)}" already exists!')
            return Explained(f"create table {shown_name(name)}: the rows of this query in new files", query, catalog)
        case Insert() | Update() | Delete():
            return _explained_change(sql, statement, catalog, binder)
        case Truncate():
            version = table_named(catalog.key(statement.name) or statement.name, sql, catalog)
            return Explained(_emptied(statement.name, version), None, catalog)
        case _:
            hint = ErrorContext(hint="EXPLAIN takes queries, CREATE TABLE AS, INSERT, UPDATE, DELETE, COPY and EXECUTE")
            raise NotSupportedError("this statement has no query to explain", hint)


def _explained_change(
    sql: str, statement: Insert | Update | Delete, catalog: CatalogSnapshot, binder: Binder
) -> Explained:
    written = statement.target.name
    name = catalog.key(written) or written
    version = table_named(name, sql, catalog)
    if not is_dynamic(statement, sql, catalog):
        binder.check_change(sql, (), written, version.definition.body(), catalog)
    text = shown_name(name)
    match statement:
        case Insert(query=None):
            return Explained(f"insert into {text}: the values, in a new file", None, catalog)
        case Insert():
            return Explained(f"insert into {text}: the rows of this query", statement.query, catalog)
        case Update():
            _, selected = updated_columns(sql, statement, version.definition)
            what = f"update {text}: {_rewritten(version)} with the rows that this query finds"
        case Delete(others=None, condition=None):
            return Explained(_emptied(name, version), None, catalog)
        case Delete():
            _, selected = deleted_columns(statement, version.definition)
            what = f"delete from {text}: {_rewritten(version)} with rows that this query finds, without them"
        case _:
            assert_never(statement)
    query = rows_query(sql, statement, selected, name)
    return Explained(what, query, catalog.with_source(target_name(name), version.numbered_source))


def _rewritten(version: TableVersion) -> str:
    count = len(version.files)
    return f"writes anew those of its {count} file{'' if count == 1 else 's'} ({version.rows:,} rows)"


def _emptied(name: str, version: TableVersion) -> str:
    return f"delete from {shown_name(name)}: all {version.rows:,} rows, without reading them"
