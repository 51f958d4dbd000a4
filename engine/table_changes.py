"""INSERT, UPDATE, DELETE, TRUNCATE and COPY FROM: the next version of a table, made from one snapshot of all tables.

The rows to write are the answer of a query, which runs wherever queries run. The version becomes the table's when all
of it is there; a statement that fails before has changed nothing. One statement at a time writes a table.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol, assert_never

import pyarrow as pa

from shoal.binder import Binder, words_of
from shoal.catalog import CatalogSnapshot, SessionCatalog
from shoal.catalog_words import reads_catalog
from shoal.changed_rows import default_of, deleted_columns, rows_query, target_name, updated_columns
from shoal.executor.kernel import Kernel
from shoal.executor.kernel_types import quote
from shoal.planner.errors import BindError, ErrorContext, NotSupportedError, TableNotFound
from shoal.planner.lexer import place_at, tokenize
from shoal.planner.names import own_name, shown_name
from shoal.planner.parameters import inline_parameters
from shoal.planner.source import ArrowSource, Field, ViewDefinition
from shoal.planner.statement import classify
from shoal.planner.statement_kinds import Query
from shoal.planner.suggest import suggest
from shoal.planner.table_statements import CopyFrom, Delete, Insert, Part, Target, Truncate, Update
from shoal.result import Result
from shoal.running import Running
from shoal.settings import Values
from shoal.table_definitions import with_head
from shoal.table_inputs import bind_names
from shoal.table_store import ROW_NUMBER, TableDefinition, TableStore, TableVersion
from shoal.table_writer import TableWriter

_NUMBER = quote(ROW_NUMBER)
Change = Insert | Update | Delete | Truncate | CopyFrom


class QueryRunner(Protocol):
    """How a session runs a query of a statement's own, over names that the statement sees."""

    def __call__(self, query: Query, catalog: CatalogSnapshot, running: Running) -> Result:
        """The result, to be closed by the caller; raises the query's error."""


@dataclass(frozen=True, slots=True)
class Changed:
    """How many rows a statement has changed, and what it returns of them, in carrier types."""

    rows: int
    fields: tuple[Field, ...] = ()
    returned: pa.Table | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    """A statement on a table under way: its text, with values for its parameters, and what it starts from."""

    sql: str
    name: str
    version: TableVersion
    catalog: CatalogSnapshot
    running: Running

    @property
    def definition(self) -> TableDefinition:
        return self.version.definition


class TableChanges:
    """Changes the rows of tables. Every method may be called from any thread."""

    def __init__(
        self, catalog: SessionCatalog, binder: Binder, store: TableStore, kernel: "KernelOf", run: QueryRunner
    ) -> None:
        self._catalog = catalog
        self._binder = binder
        self._store = store
        self._kernel = kernel
        self._run = run

    def change(
        self, sql: str, statement: Change, parameters: Sequence[object], values: Values, running: Running
    ) -> Changed:
        """Run a statement; raises user errors with their places, and leaves the table as it was if it fails."""
        name = self._name_of(sql, statement)
        with self._store.writing(name, running.token):
            catalog = self._catalog.snapshot()
            version = table_named(name, sql, catalog)
            if not isinstance(statement, Truncate | CopyFrom) and not is_dynamic(statement, sql, catalog):
                self._binder.check_change(sql, parameters, statement.target.name, version.definition.body(), catalog)
            if parameters:
                sql = inline_parameters(sql, parameters)
                again = classify(sql)
                assert isinstance(again, Change), "values do not change what kind of statement it is"
                statement = again
            step = _Step(sql, name, version, catalog, running)
            with TableWriter(self._kernel(), self._store, values.kernel_settings(), running.token) as writer:
                after, changed = self._changed(statement, step, writer)
            self._catalog.replace(catalog.entries[name.casefold()][0], version, after)
            return changed

    def _name_of(self, sql: str, statement: Change) -> str:
        """The full name of the table that a statement changes, in lower case."""
        written = statement.target.name if isinstance(statement, Insert | Update | Delete) else statement.name
        catalog = self._catalog.snapshot()
        key = catalog.key(written)
        if key is None:
            raise _not_found(written, sql, catalog)
        return key

    def _changed(self, statement: Change, step: _Step, writer: TableWriter) -> tuple[TableVersion, Changed]:
        match statement:
            case Insert(query=None) if reads_catalog(statement.source.of(step.sql)):
                from shoal.catalog_queries import with_catalog_views

                sql, catalog = with_catalog_views(step.sql, step.catalog)
                again = classify(sql)
                assert isinstance(again, Insert), "what it reads does not change what it is"
                return self._insert_values(again, replace(step, sql=sql, catalog=catalog), writer)
            case Insert(query=None):
                return self._insert_values(statement, step, writer)
            case Insert():
                return self._insert(statement, step, writer)
            case Update():
                return self._update(statement, step, writer)
            case Delete(others=None, condition=None, returning=None) | Truncate():
                empty = writer.create(step.definition)
                return step.version.with_files(empty.files), Changed(step.version.rows)
            case Delete():
                return self._delete(statement, step, writer)
            case CopyFrom():
                return self._copy(statement, step, writer)
            case _:
                assert_never(statement)

    def _insert_values(self, statement: Insert, step: _Step, writer: TableWriter) -> tuple[TableVersion, Changed]:
        """VALUES: the kernel knows best what they become in the columns."""
        source = statement.source.of(step.sql)
        before = f"{statement.target.before.of(step.sql)} " if statement.target.before else ""
        clashes = bind_names(before + source, step.catalog, self._binder, writer.session, step.definition.name)
        writer.begin()
        table = writer.stage(step.definition, f"{step.definition.name} " if clashes else step.definition.name)
        body = Part(statement.target.place.end, statement.source.end)
        writer.run(with_head(step.sql, body, f"{before}INSERT INTO {table}").text)
        after, rows = writer.append_table(step.version, table)
        return after, self._returned(statement.returning, statement.target, step, writer, table, rows)

    def _insert(self, statement: Insert, step: _Step, writer: TableWriter) -> tuple[TableVersion, Changed]:
        assert statement.query is not None, "VALUES go another way"
        after, total, returned = step.version, 0, Changed(0)
        writer.begin()
        with self._rows(statement.query, step.catalog, step.running) as result:
            wanted = statement.columns
            if statement.by_name:
                wanted = tuple(field.name for field in result.columns)
            _check_width(step.definition, wanted, result)
            projected = _projection(step.definition, wanted)
            for relation, rows in writer.chunks(result.columns, result.carrier_batches()):
                select = f"SELECT {_NUMBER}, {projected} FROM {relation}"
                if step.definition.is_constrained or statement.returning:
                    table = writer.stage(step.definition, step.definition.name)
                    writer.run(f"INSERT INTO {table} SELECT {_names(step.definition)} FROM ({select})")
                    after, _ = writer.append_table(after, table)
                    found = self._returned(statement.returning, statement.target, step, writer, table, rows)
                    returned = _joined(returned, found)
                else:
                    after = writer.append(after, select, rows)
                total += rows
        if statement.returning and returned.returned is None:
            table = writer.stage(step.definition, step.definition.name)
            returned = self._returned(statement.returning, statement.target, step, writer, table, 0)
        return after, Changed(total, returned.fields, returned.returned)

    def _update(self, statement: Update, step: _Step, writer: TableWriter) -> tuple[TableVersion, Changed]:
        written, selected = updated_columns(step.sql, statement, step.definition)
        writer.begin()
        table = writer.stage(written, written.name, numbered=True)
        rows = self._collect(statement, step, writer, selected, table)
        if statement.others is not None:
            # Of several rows that a row is updated from, the last one counts.
            writer.run(f"DELETE FROM {table} WHERE rowid NOT IN (SELECT max(rowid) FROM {table} GROUP BY {_NUMBER})")
            rows = int(str(writer.run(f"SELECT count(*) FROM {table}")[0][0]))
        after = writer.updated(step.version, table, written) if rows else step.version
        return after, self._returned(statement.returning, statement.target, step, writer, table, rows)

    def _delete(self, statement: Delete, step: _Step, writer: TableWriter) -> tuple[TableVersion, Changed]:
        kept, selected = deleted_columns(statement, step.definition)
        writer.begin()
        body = f"({', '.join([*(f'{quote(each.name)} {each.type}' for each in kept.columns), f'{_NUMBER} BIGINT'])})"
        table = quote(step.definition.name)
        writer.run(f"CREATE TEMP TABLE {table} {body}")
        rows = self._collect(statement, step, writer, selected, table)
        if statement.others is not None:
            writer.run(f"DELETE FROM {table} WHERE rowid NOT IN (SELECT min(rowid) FROM {table} GROUP BY {_NUMBER})")
            rows = int(str(writer.run(f"SELECT count(*) FROM {table}")[0][0]))
        after = writer.without(step.version, table) if rows else step.version
        return after, self._returned(statement.returning, statement.target, step, writer, table, rows)

    def _collect(
        self, statement: Update | Delete, step: _Step, writer: TableWriter, selected: Sequence[str], table: str
    ) -> int:
        """Fill a temporary table with the rows that a statement changes, their numbers last; how many there are."""
        query = rows_query(step.sql, statement, selected, step.name)
        catalog = step.catalog.with_source(target_name(step.name), step.version.numbered_source)
        rows = 0
        columns = ", ".join([*(f"column{number}" for number in range(1, len(selected))), "column0"])
        with self._rows(query, catalog, step.running) as result:
            for relation, found in writer.chunks(result.columns, result.carrier_batches()):
                writer.run(f"INSERT INTO {table} SELECT {columns} FROM {relation}")
                rows += found
        return rows

    def _copy(self, statement: CopyFrom, step: _Step, writer: TableWriter) -> tuple[TableVersion, Changed]:
        refuse_remote(statement.path)
        writer.begin()
        table = writer.stage(step.definition, step.definition.name)
        writer.run(with_head(step.sql, statement.body, f"COPY {table}").text)
        after, rows = writer.append_table(step.version, table)
        return after, Changed(rows)

    def _returned(
        self, returning: Part | None, target: Target, step: _Step, writer: TableWriter, table: str, rows: int
    ) -> Changed:
        if returning is None:
            return Changed(rows)
        alias = quote(target.alias or own_name(target.name))
        relation = f"(SELECT {_names(step.definition)} FROM {table}) AS {alias}"
        fields, found = writer.fetch(f"SELECT {returning.of(step.sql)}\nFROM {relation}")
        return Changed(rows, fields, found)

    @contextmanager
    def _rows(self, query: Query, catalog: CatalogSnapshot, running: Running) -> Iterator[Result]:
        result = self._run(query, catalog, running)
        try:
            yield result
        finally:
            result.close()


class KernelOf(Protocol):
    """Where the kernel of this process is."""

    def __call__(self) -> Kernel:
        """The kernel, which is made when it is first needed."""


def refuse_remote(path: str) -> None:
    """Raise ``NotSupportedError`` for a path that is not one of this machine's."""
    if "://" in path and not path.startswith("file://"):
        raise NotSupportedError(f"remote files are not supported: {path}")


def table_named(name: str, sql: str, catalog: CatalogSnapshot) -> TableVersion:
    """The table of a full name; raises ``TableNotFound``, and ``BindError`` for what is no table of the session's."""
    found = catalog.entries.get(name.casefold())
    if found is None:
        raise _not_found(name, sql, catalog)
    match found[1]:
        case TableVersion() as version:
            return version
        case ViewDefinition():
            raise BindError(f"{shown_name(found[0])} is a view, and cannot be changed", _context(name, sql, None))
        case ArrowSource() | _:
            hint = "CREATE TABLE name AS FROM ... makes a table of its rows"
            message = f"{shown_name(found[0])} was registered, and cannot be changed"
            raise BindError(message, _context(name, sql, hint))


def _not_found(name: str, sql: str, catalog: CatalogSnapshot) -> TableNotFound:
    hint = suggest(own_name(name), catalog.names())
    return TableNotFound(f"Table with name {shown_name(name)} does not exist!", _context(name, sql, hint))


def _context(name: str, sql: str, hint: str | None) -> ErrorContext:
    wanted = own_name(name).casefold()
    token = next((token for token in tokenize(sql) if token.name.casefold() == wanted), None)
    place = None if token is None else place_at(sql, token.start, len(token.text))
    return ErrorContext(sql=None if place is None else sql, place=place, hint=hint)


def _names(definition: TableDefinition) -> str:
    return ", ".join(quote(column.name) for column in definition.columns)


def _projection(definition: TableDefinition, wanted: Sequence[str]) -> str:
    """The table's columns from those of a query, which are meant for the columns ``wanted`` (none: all)."""
    names = [name.casefold() for name in wanted] or [column.name.casefold() for column in definition.columns]
    places = {name: f"column{number}" for number, name in enumerate(names)}
    selected = []
    for column in definition.columns:
        place = places.get(column.name.casefold())
        value = default_of(column) if place is None else f"CAST({place} AS {column.type})"
        selected.append(f"{value} AS {quote(column.name)}")
    return ", ".join(selected)


def is_dynamic(statement: Insert | Update | Delete, sql: str, catalog: CatalogSnapshot) -> bool:
    """Whether the binder cannot tell: columns depend on rows, or another schema's table has the target's own name."""
    if isinstance(statement, Insert) and statement.query is not None and statement.query.dynamic:
        return True
    return catalog.has_two(words_of(sql)) is not None


def _check_width(definition: TableDefinition, wanted: Sequence[str], result: Result) -> None:
    """Raise ``BindError`` if a query has other columns than are to be filled; mostly the binder has told before."""
    known = {column.name.casefold() for column in definition.columns}
    unknown = next((name for name in wanted if name.casefold() not in known), None)
    if unknown is not None:
        raise BindError(f'Table "{definition.name}" does not have a column with name "{unknown}"')
    columns = len(wanted) or len(definition.columns)
    if len(result.columns) != columns:
        message = f"table {definition.name} takes {columns} columns but {len(result.columns)} values were supplied"
        raise BindError(message)


def _joined(before: Changed, after: Changed) -> Changed:
    if before.returned is None or after.returned is None:
        return after
    tables = pa.concat_tables([before.returned, after.returned])
    return Changed(before.rows + after.rows, after.fields, tables)
