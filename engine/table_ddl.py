"""CREATE, DROP and ALTER TABLE, schemas and USE: changes of the catalog, whole or not at all."""

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

from shoal.binder import Binder
from shoal.catalog import CatalogSnapshot, Entry, Schemas, SessionCatalog
from shoal.executor.kernel_types import quote
from shoal.executor.storage import restore
from shoal.planner.errors import BindError, ErrorContext, ProgrammingError, TableNotFound
from shoal.planner.lexer import tokenize
from shoal.planner.names import MAIN, SEPARATOR, TEMPORARY, own_name, schema_of, shown_name
from shoal.planner.parameters import inline_parameters
from shoal.planner.source import ViewDefinition
from shoal.planner.statement import classify
from shoal.planner.suggest import suggest
from shoal.planner.table_statements import AlterTable, CreateSchema, CreateTable, DropObject, ObjectKind, UseSchema
from shoal.running import Running
from shoal.scratch import Scratch
from shoal.settings import Values
from shoal.table_changes import KernelOf, QueryRunner, table_named
from shoal.table_definitions import TableDefinitions, with_head
from shoal.table_store import ROW_NUMBER, StoredFile, TableDefinition, TableStore, TableVersion
from shoal.table_writer import TableWriter, files_sql, stored_select

_NUMBER = quote(ROW_NUMBER)
_SYSTEM_SCHEMAS = (MAIN, TEMPORARY, "information_schema", "pg_catalog")


class TableDdl:
    """Makes, changes and removes tables and schemas. Every method may be called from any thread."""

    def __init__(
        self,
        catalog: SessionCatalog,
        binder: Binder,
        scratch: Scratch,
        store: TableStore,
        kernel: KernelOf,
        run: QueryRunner,
    ) -> None:
        self._catalog = catalog
        self._binder = binder
        self._scratch = scratch
        self._definitions = TableDefinitions(scratch)
        self._store = store
        self._kernel = kernel
        self._run = run

    def close(self) -> None:
        """Free what reading definitions takes; idempotent."""
        self._definitions.close()

    def create(
        self, sql: str, statement: CreateTable, parameters: Sequence[object], values: Values, running: Running
    ) -> int | None:
        """CREATE TABLE; the number of rows if there is a query. Raises user errors with their places."""
        if parameters:
            sql = inline_parameters(sql, parameters)
            again = classify(sql)
            assert isinstance(again, CreateTable), "values do not change what kind of statement it is"
            statement = again
        name = self._catalog.snapshot().schemas.place(statement.name)
        with self._store.writing(name, running.token):
            catalog = self._catalog.snapshot()
            _, before = catalog.entries.get(name.casefold(), (name, None))
            if isinstance(before, TableVersion) and statement.if_not_exists:
                return None
            _check_free(name, before, statement.or_replace)
            definition = self._definition(sql, statement, catalog, running)
            with TableWriter(self._kernel(), self._store, values.kernel_settings(), running.token) as writer:
                version = writer.create(definition, temporary=statement.temporary)
                rows = None
                if statement.query is not None and statement.with_data:
                    version = self._filled(version, statement, catalog, writer, running)
                    rows = version.rows
                self._catalog.replace(name, before, version)
            return rows if statement.query is None or statement.with_data else 0

    def _definition(
        self, sql: str, statement: CreateTable, catalog: CatalogSnapshot, running: Running
    ) -> TableDefinition:
        if statement.query is None:
            return self._definitions.created(sql, statement.name, statement.body)
        if statement.query.dynamic:
            # Which columns there are depends on the rows.
            result = self._run(statement.query, catalog, running)
            result.close()
            selected = ", ".join(f"CAST(NULL AS {field.type}) AS {quote(field.name)}" for field in result.columns)
            return self._definitions.selected(f"SELECT {selected}", statement.name, statement.columns)
        self._binder.describe(statement.query.sql, (), catalog)
        with self._scratch.lock:
            self._binder.making(statement.query.sql, catalog)
            return self._definitions.selected(statement.query.sql, statement.name, statement.columns)

    def _filled(
        self,
        version: TableVersion,
        statement: CreateTable,
        catalog: CatalogSnapshot,
        writer: TableWriter,
        running: Running,
    ) -> TableVersion:
        assert statement.query is not None, "there is one to fill the table from"
        columns = ", ".join(
            f"CAST(column{number} AS {column.type}) AS {quote(column.name)}"
            for number, column in enumerate(version.definition.columns)
        )
        result = self._run(statement.query, catalog, running)
        try:
            for relation, rows in writer.chunks(result.columns, result.carrier_batches()):
                version = writer.append(version, f"SELECT {_NUMBER}, {columns} FROM {relation}", rows)
        finally:
            result.close()
        return version

    def drop(self, sql: str, statement: DropObject, running: Running) -> None:
        """DROP TABLE and DROP SCHEMA; raises user errors."""
        if statement.kind is ObjectKind.SCHEMA:
            self._drop_schema(statement)
            return
        key = self._key(sql, statement.name, statement.if_exists)
        if key is None:
            return
        with self._store.writing(key, running.token):
            catalog = self._catalog.snapshot()
            found = catalog.entries.get(key)
            if found is not None and isinstance(found[1], ViewDefinition):
                hint = f"DROP VIEW {shown_name(found[0])} removes it"
                raise BindError(f"{shown_name(found[0])} is a view, not a table", ErrorContext(hint=hint))
            if found is not None and not isinstance(found[1], TableVersion):
                message = f"{shown_name(found[0])} was registered, not made by CREATE TABLE"
                raise BindError(message, ErrorContext(hint="unregister() removes it"))
            version = table_named(key, sql, catalog)
            self._catalog.replace(key, version, None)

    def alter(self, sql: str, statement: AlterTable, values: Values, running: Running) -> None:
        """ALTER TABLE; raises user errors with their places."""
        key = self._key(sql, statement.name, statement.if_exists)
        if key is None:
            return
        with self._store.writing(key, running.token):
            catalog = self._catalog.snapshot()
            name, entry = catalog.entries.get(key, (key, None))
            if isinstance(entry, ViewDefinition) and statement.new_name is not None:
                self._rename(name, entry, replace(entry, name=statement.new_name), statement.new_name, catalog)
                return
            version = table_named(key, sql, catalog)
            if statement.of_view:
                raise BindError(f"{shown_name(name)} is a table, not a view")
            if statement.new_name is not None:
                definition = replace(version.definition, name=statement.new_name)
                after = replace(version, definition=definition)
                self._rename(name, version, after, statement.new_name, catalog)
                return
            definition = self._definitions.altered(sql, version.definition, statement.body)
            changed = replace(version, definition=definition)
            computes = any(token.is_word("USING") for token in tokenize(statement.body.of(sql)))
            if computes or _touches_rows(version.definition, definition):
                with TableWriter(self._kernel(), self._store, values.kernel_settings(), running.token) as writer:
                    files = tuple(_altered(sql, statement, version, definition, file, writer) for file in version.files)
                    changed = changed.with_files(files)
            self._catalog.replace(name, version, changed)

    def _key(self, sql: str, name: str, if_exists: bool) -> str | None:
        """What a name means in the catalog, None for nothing if that is allowed; raises ``TableNotFound``."""
        catalog = self._catalog.snapshot()
        key = catalog.key(name)
        if key is None and not if_exists:
            table_named(name, sql, catalog)
        return key

    def _rename(self, name: str, before: Entry, after: Entry, new_name: str, catalog: CatalogSnapshot) -> None:
        full = f"{schema_of(name)}{SEPARATOR}{new_name}" if schema_of(name) else new_name
        if full.casefold() in catalog.entries:
            raise BindError(f'there is a table or view "{shown_name(full)}" already')
        self._catalog.replace(full, before, after, also=name)

    def create_schema(self, statement: CreateSchema) -> None:
        """CREATE SCHEMA; raises ``BindError`` if there is one."""
        if statement.or_replace:
            self._drop_schema(DropObject(ObjectKind.SCHEMA, statement.name, if_exists=True))

        def change(schemas: Schemas) -> Schemas:
            folded = statement.name.casefold()
            if folded in schemas.made or folded in _SYSTEM_SCHEMAS:
                if statement.if_not_exists:
                    return schemas
                raise BindError(f'Schema with name "{statement.name}" already exists!')
            return replace(schemas, made=MappingProxyType({**schemas.made, folded: statement.name}))

        self._catalog.change_schemas(change)

    def use(self, statement: UseSchema) -> None:
        """USE; raises ``TableNotFound`` if there is no such schema."""

        def change(schemas: Schemas) -> Schemas:
            name = MAIN if statement.name.casefold() in (MAIN, "memory") else statement.name
            if name != MAIN and name.casefold() not in schemas.made:
                raise _no_schema(name, schemas)
            return replace(schemas, current=schemas.made.get(name.casefold(), MAIN))

        self._catalog.change_schemas(change)

    def _drop_schema(self, statement: DropObject) -> None:
        folded = statement.name.casefold()
        catalog = self._catalog.snapshot()
        inside = [name for key, (name, _) in catalog.entries.items() if key.startswith(f"{folded}{SEPARATOR}")]

        def change(schemas: Schemas) -> Schemas:
            if folded in _SYSTEM_SCHEMAS:
                raise ProgrammingError(f'Cannot drop internal schema "{statement.name}"')
            if folded not in schemas.made:
                if statement.if_exists:
                    return schemas
                raise _no_schema(statement.name, schemas)
            if inside and not statement.cascade:
                hint = f"DROP SCHEMA {statement.name} CASCADE drops them too: {', '.join(map(own_name, inside[:8]))}"
                message = f'Cannot drop schema "{statement.name}": there are tables or views in it'
                raise ProgrammingError(message, ErrorContext(hint=hint))
            made = {key: name for key, name in schemas.made.items() if key != folded}
            current = MAIN if schemas.current.casefold() == folded else schemas.current
            return Schemas(MappingProxyType(made), current)

        self._catalog.change_schemas(change, without=folded if folded not in _SYSTEM_SCHEMAS else "")


def _no_schema(name: str, schemas: Schemas) -> TableNotFound:
    hint = suggest(name, (MAIN, *schemas.made.values()))
    return TableNotFound(f"Schema with name {name} does not exist!", ErrorContext(hint=hint))


def _check_free(name: str, before: Entry | None, or_replace: bool) -> None:
    """Raise ``BindError`` if a name is taken by something that CREATE TABLE does not replace."""
    if before is None or (isinstance(before, TableVersion) and or_replace):
        return
    shown = shown_name(name)
    if isinstance(before, TableVersion):
        hint = f"CREATE OR REPLACE TABLE {shown} replaces it"
        raise BindError(f'Table with name "{shown}" already exists!', ErrorContext(hint=hint, sqlstate="42P07"))
    kind, instead = ("view", f"DROP VIEW {shown}") if isinstance(before, ViewDefinition) else ("table", "unregister()")
    registered = "" if kind == "view" else "registered "
    message = f"there is a {registered}{kind} {shown} already"
    raise BindError(message, ErrorContext(hint=f"{instead} removes it", sqlstate="42P07"))


def _touches_rows(before: TableDefinition, after: TableDefinition) -> bool:
    """Whether the rows of a table have to be looked at when its definition changes."""
    if before.fields != after.fields:
        return True
    pairs = zip(before.columns, after.columns, strict=True)
    return any(new.not_null and not old.not_null for old, new in pairs)


def _altered(
    sql: str,
    statement: AlterTable,
    version: TableVersion,
    definition: TableDefinition,
    file: StoredFile,
    writer: TableWriter,
) -> StoredFile:
    """A file of an altered table: the kernel alters a temporary table of its rows."""
    before = version.definition
    table = writer.stage(before, before.name, numbered=True)
    columns = ", ".join(f"{restore(field.type, quote(field.name))}" for field in before.fields)
    writer.run(f"INSERT INTO {table} SELECT {columns}, {_NUMBER} FROM {files_sql([file])}")
    writer.run(with_head(sql, statement.body, f"ALTER TABLE {table}").text)
    names = ", ".join(quote(column.name) for column in definition.columns)
    select = stored_select(definition, f"SELECT {_NUMBER}, {names} FROM {table}")
    return writer.write(f"{select}\nORDER BY {_NUMBER}", file.first, file.last)
