"""The statements on tables: which part of the session runs which of them, and what each of them answers."""

from collections.abc import Sequence
from typing import assert_never

import pyarrow as pa

from shoal.binder import Binder
from shoal.catalog import CatalogSnapshot, SessionCatalog
from shoal.copy_files import copy_to
from shoal.execution import Execution
from shoal.executor.kernel import Kernel
from shoal.parquet_store import ParquetStore
from shoal.planner.errors import FetchFailed
from shoal.planner.source import Field
from shoal.planner.statement_kinds import Query
from shoal.planner.table_statements import (
    AlterTable,
    CopyFrom,
    CopyTo,
    CreateSchema,
    CreateTable,
    Delete,
    DropObject,
    Insert,
    TableStatement,
    Truncate,
    Update,
    UseSchema,
)
from shoal.queries import Queries
from shoal.result import Result, TableStream
from shoal.running import Running
from shoal.scratch import Scratch
from shoal.settings import Settings
from shoal.table_changes import Changed, TableChanges
from shoal.table_ddl import TableDdl
from shoal.table_store import TableStore

_COUNT = (Field("Count", "BIGINT"),)


class TableStatements:
    """Owns the store of a session's tables. Every method may be called from any thread."""

    def __init__(
        self,
        catalog: SessionCatalog,
        binder: Binder,
        scratch: Scratch,
        execution: Execution,
        queries: Queries,
        settings: Settings,
    ) -> None:
        self.store: TableStore = ParquetStore()
        self._execution = execution
        self._queries = queries
        self._settings = settings
        self._changes = TableChanges(catalog, binder, self.store, self._kernel, self._run)
        self._ddl = TableDdl(catalog, binder, scratch, self.store, self._kernel, self._run)

    def run(self, sql: str, statement: TableStatement, parameters: Sequence[object], running: Running) -> Result | None:
        """Run a statement: the number of rows it changed, or what it returns of them; None for most others.

        Raises user errors with their places; a statement that fails or is cancelled has changed nothing.
        """
        try:
            return self._run_once(sql, statement, parameters, running)
        except FetchFailed:
            # An executor went away with rows that were not written yet: once more, as nothing was changed.
            if running.token.cancelled:
                raise
            running.renew()
            return self._run_once(sql, statement, parameters, running)

    def _run_once(
        self, sql: str, statement: TableStatement, parameters: Sequence[object], running: Running
    ) -> Result | None:
        values = self._settings.values
        match statement:
            case Insert() | Update() | Delete() | Truncate() | CopyFrom():
                return self._result(self._changes.change(sql, statement, parameters, values, running))
            case CreateTable():
                rows = self._ddl.create(sql, statement, parameters, values, running)
                return None if rows is None else self._result(Changed(rows))
            case CopyTo():

                def start() -> Result:
                    return self._queries.run(statement.query, parameters, values, running)

                return self._result(copy_to(sql, statement, self._kernel, start, values, running))
            case DropObject():
                self._ddl.drop(sql, statement, running)
            case AlterTable():
                self._ddl.alter(sql, statement, values, running)
            case CreateSchema():
                self._ddl.create_schema(statement)
            case UseSchema():
                self._ddl.use(statement)
            case _:
                assert_never(statement)
        return None

    def close(self) -> None:
        """Remove all tables; idempotent."""
        self._ddl.close()
        self.store.close()

    def _kernel(self) -> Kernel:
        return self._execution.engine.kernel

    def _run(self, query: Query, catalog: CatalogSnapshot, running: Running) -> Result:
        return self._queries.run(query, (), self._settings.values, running, catalog)

    def _result(self, changed: Changed) -> Result:
        values = self._settings.values
        if changed.returned is not None:
            result = self._queries.result(changed.fields, TableStream(changed.returned), values)
        else:
            table = pa.table({"Count": pa.array([changed.rows], pa.int64())})
            result = self._queries.result(_COUNT, TableStream(table), values)
        result.changed = changed.rows
        return result
