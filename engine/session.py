"""A session in this process: a statement in, a result out. Owns the names, the settings and whatever runs the plans."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import assert_never

import pyarrow as pa

from shoal.binder import Binder
from shoal.catalog import CatalogSnapshot, SessionCatalog
from shoal.error_locations import located
from shoal.execution import Execution
from shoal.executor.shuffle.registry import ArrowRegistry
from shoal.explanations import Explanations
from shoal.plan_cache import PlanCache
from shoal.planner.errors import (
    ColumnNotFound,
    Error,
    ErrorContext,
    InterfaceError,
    InternalError,
    ParameterError,
    QueryCancelled,
    SettingError,
    TableNotFound,
)
from shoal.planner.lexer import StatementText, check_size, split_statements, tokenize
from shoal.planner.names import shown_name
from shoal.planner.parameters import Parameters, arrange_parameters, parameter_tokens
from shoal.planner.session_kinds import AssignVariable, Execute, SessionStatement
from shoal.planner.source import ArrowSource, Field, ViewDefinition
from shoal.planner.statement import (
    Analyze,
    CreateView,
    Describe,
    DropView,
    Explain,
    ExplainStatement,
    Query,
    ResetVariable,
    SetVariable,
    ShowAll,
    ShowSetting,
    ShowStats,
    ShowTables,
    Statement,
    classify,
    suggest,
)
from shoal.planner.table_statements import CopyTo, CreateTable, Delete, Insert, TableStatement, Update
from shoal.queries import Queries
from shoal.registration import Registrations
from shoal.result import Result, TableStream
from shoal.runner import Runner
from shoal.running import Running
from shoal.schema_names import without_database
from shoal.scratch import Scratch
from shoal.session_planner import SessionPlanner
from shoal.session_statements import Another, SessionStatements, Table
from shoal.settings import SETTINGS, Settings
from shoal.source_files import SourceFiles
from shoal.table_statements import TableStatements
from shoal.table_store import TableVersion
from shoal.views import Views, columns_of

_ALL_TABLES = "SELECT * FROM (SHOW ALL TABLES) ORDER BY ALL"


_TAKES_PARAMETERS = (
    Query | Explain | ExplainStatement | Describe | Insert | Update | Delete | CopyTo | CreateTable | AssignVariable
)


class Session:
    """Runs statements, each from any thread.

    ``runner`` is the cluster, None to run in this process; ``close`` closes it too if ``owns_runner`` is set.
    """

    def __init__(
        self, *, threads: int, memory_bytes: int, runner: Runner | None = None, owns_runner: bool = True
    ) -> None:
        self._scratch = Scratch()
        self.settings = Settings(check_time_zone=self._scratch.check_time_zone)
        self._files = SourceFiles(self._scratch)
        self.catalog = SessionCatalog(self._files)
        self._binder = Binder(self._scratch)
        self._views = Views(self.catalog, self._binder)
        self._statements = SessionStatements(self.catalog, self._binder)
        registry = ArrowRegistry()
        self._registrations = Registrations(self._scratch, registry, shared=runner is not None)
        self._execution = Execution(threads, memory_bytes, registry, runner, owns_cluster=owns_runner)
        plans = PlanCache(self._files)
        engine, scratch = self._execution.engine, self._scratch
        self._planner = SessionPlanner(self.catalog, self._binder, plans, engine, registry, scratch)
        self._queries = Queries(self.catalog, self._planner, self._execution, scratch, self._binder)
        self._tables = TableStatements(
            self.catalog, self._binder, scratch, self._execution, self._queries, self.settings
        )
        self._explanations = Explanations(
            self.catalog, self._binder, self._planner, self._queries, self._execution, self.settings
        )
        self._lock = threading.Lock()
        self._closed = False

    def execute(self, sql: str, parameters: Parameters, running: Running) -> Result | None:
        """Run the statements of a text; the result of the last one, None if it has none.

        Raises a ``shoal.planner.errors.Error`` with its place in ``sql`` where there is one.
        """
        check_size(sql)
        statements = split_statements(sql)
        if len(statements) <= 1:
            return self._execute(sql, parameters, running)
        taker = _taker_of(statements, parameters)
        result: Result | None = None
        for statement in statements:
            if result is not None:
                result.close()
            try:
                result = self._execute(statement.sql, parameters if statement is taker else (), running)
            except Error as error:
                moved = _moved(error, statement, sql)
                raise moved from moved.cause(error)
        return result

    def register(self, name: str, data: object) -> None:
        """Name Arrow data, a data frame, or a path; raises ``InterfaceError`` or ``SourceError``."""
        if isinstance(data, str | Path):
            self._forget(self._named(name, lambda: self.catalog.register_path(name, data)))
            return
        source = self._registrations.add(data)
        self._forget(self.catalog.put(name, source))

    def unregister(self, name: str) -> None:
        """Forget a registered name; raises ``TableNotFound``."""
        self._forget(self.catalog.remove(name))

    def tables(self) -> tuple[str, ...]:
        """The names of all tables and views."""
        return tuple(map(shown_name, self.catalog.snapshot().names()))

    def columns(self, name: str) -> tuple[Field, ...]:
        """The columns of a table or view; raises ``TableNotFound``."""
        return columns_of(name, self.catalog.snapshot(), self._binder)

    def close(self) -> None:
        """Stop everything and leave nothing behind; idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._execution.close()
        self._tables.close()
        self._planner.close()
        self._registrations.close()
        self._scratch.close()

    def _named(self, name: str, register: Callable[[], object]) -> object:
        before = self.catalog.snapshot().entry(name)
        register()
        return before

    def _forget(self, entry: object) -> None:
        if isinstance(entry, ArrowSource):
            self._registrations.drop(entry)

    def _execute(self, sql: str, given: Parameters, running: Running) -> Result | None:
        if self._closed:
            raise InterfaceError("the connection is closed")
        sql = without_database(sql, self.catalog.snapshot())
        statement = classify(sql)
        parameters: tuple[object, ...] = ()
        if isinstance(statement, _TAKES_PARAMETERS):
            parameters = arrange_parameters(sql, given)
        elif given:
            raise ParameterError("this kind of statement takes no parameters")
        try:
            with running.current():
                return self._run(sql, statement, parameters, running)
        except Error as error:
            if self._was_closed() and not isinstance(error, QueryCancelled | InterfaceError):
                raise InterfaceError("the connection was closed while the statement ran") from error
            early = partial(self._binder.early_error, sql, parameters) if isinstance(statement, Query) else None
            told = located(error, sql, self.catalog.snapshot(), early)
            raise told from told.cause(error)
        except Exception as error:
            hint = "this is a bug of Shoal; SET distribute = never may be a way around it"
            raise InternalError(f"{type(error).__name__}: {error}", ErrorContext(hint=hint)) from error

    def _run(
        self,
        sql: str,
        statement: Statement | SessionStatement | TableStatement,
        parameters: tuple[object, ...],
        running: Running,
    ) -> Result | None:
        if isinstance(statement, SessionStatement):
            return self._change_session(statement, parameters, running)
        if isinstance(statement, TableStatement):
            return self._tables.run(sql, statement, parameters, running)
        return self._dispatch(statement, parameters, running)

    def _change_session(
        self, statement: SessionStatement, parameters: tuple[object, ...], running: Running
    ) -> Result | None:
        values = self.settings.values
        done = self._statements.run(statement, parameters, lambda sql: self._queries.rows(sql, values, running))
        match done:
            case Another():
                return self._execute(done.sql, done.parameters, running)
            case Table():
                return self._table(done.names, done.rows)
            case None:
                return None

    def _was_closed(self) -> bool:
        """Whether ``close`` was called, perhaps by another thread since the last look."""
        return self._closed

    def _dispatch(self, statement: Statement, parameters: Sequence[object], running: Running) -> Result | None:
        match statement:
            case Query():
                return self._queries.run(statement, parameters, self.settings.values, running)
            case Explain() | ExplainStatement():
                return self._explain(statement, parameters, running)
            case Describe():
                return self._described(statement, parameters)
            case ShowSetting():
                return self._show(statement)
            case Analyze() | ShowStats():
                return self._analyze(statement, running)
            case ShowAll():
                rows = self.settings.rows()
                return self._table(("name", "value", "default", "description"), rows)
            case ShowTables(everywhere=True):
                return self._queries.run(Query(_ALL_TABLES), (), self.settings.values, running)
            case ShowTables():
                return self._table(("name",), [(name,) for name in self.catalog.snapshot().names_here()])
            case CreateView() | DropView() | SetVariable() | ResetVariable():
                self._change(statement)
                return None
            case _:
                assert_never(statement)

    def _change(self, statement: CreateView | DropView | SetVariable | ResetVariable) -> None:
        match statement:
            case CreateView():
                self._views.create(statement)
            case DropView():
                self._views.drop(statement)
            case SetVariable():
                self.settings.set(statement.name, statement.value)
            case ResetVariable():
                self.settings.reset(statement.name)
            case _:
                assert_never(statement)

    def _explain(self, statement: Explain | ExplainStatement, parameters: Sequence[object], running: Running) -> Result:
        values = self.settings.values

        def prepared(inner: Execute) -> Another:
            return self._statements.executed(inner, lambda sql: self._queries.rows(sql, values, running))

        lines = self._explanations.explain(statement, parameters, running, prepared)
        return self._table(("plan",), [(line,) for line in lines])

    def _described(self, statement: Describe, parameters: Sequence[object]) -> Result:
        catalog = self.catalog.snapshot()
        table = None if statement.name is None else catalog.entry(statement.name)
        rows: list[tuple[str | None, ...]]
        if isinstance(table, TableVersion):
            rows = [column.described() for column in table.definition.columns]
        else:
            fields = self._binder.describe(statement.sql, parameters, catalog)
            rows = [(field.name, field.type, "YES", None, None, None) for field in fields]
            entries = [entry for _, entry in catalog.entries.values() if isinstance(entry, TableVersion)]
            if statement.name is None and any(entry.definition.tells for entry in entries):
                rows = self._told_of_columns(statement.sql, parameters, catalog) or rows
        return self._table(("column_name", "column_type", "null", "key", "default", "extra"), rows)

    def _told_of_columns(
        self, sql: str, parameters: Sequence[object], catalog: CatalogSnapshot
    ) -> list[tuple[str | None, ...]]:
        """What DESCRIBE says of a query's columns that are a table's; nothing if the catalog alone does not do."""
        from shoal.catalog_queries import run_on_catalog

        try:
            _, rows = run_on_catalog(f"FROM (DESCRIBE\n{sql.rstrip().rstrip(';')}\n)", parameters, catalog)
        except Error:
            return []
        return [tuple(row.values()) for row in rows.to_pylist()]

    def _show(self, statement: ShowSetting) -> Result:
        if statement.name.lower() not in SETTINGS and self.catalog.snapshot().entry(statement.name) is not None:
            return self._described(Describe(statement.sql, statement.name), ())
        try:
            return self._table((statement.name.lower(),), [(self.settings.show(statement.name),)])
        except SettingError as error:
            raise _not_shown(statement.name, self.tables()) from error

    def _analyze(self, statement: Analyze | ShowStats, running: Running) -> Result | None:
        from shoal.analyze_table import SHOW_COLUMNS, TableAnalysis

        analysis = TableAnalysis(self.catalog, self._planner.statistics)
        if isinstance(statement, ShowStats):
            return self._table(SHOW_COLUMNS, analysis.show(statement.name))
        known = {field.name.casefold() for field in self.columns(statement.name)} if statement.columns else set()
        unknown = next((name for name in statement.columns if name.casefold() not in known), None)
        if unknown is not None:
            raise ColumnNotFound(f'Column with name "{unknown}" does not exist')
        entries = self.catalog.snapshot().entries.values()
        every = [name for name, entry in entries if not isinstance(entry, ViewDefinition)]
        for name in [statement.name] if statement.name else every:
            analysis.analyze(name, lambda sql: self._queries.rows(sql, self.settings.values, running))
        return None

    def _table(self, names: tuple[str, ...], rows: Sequence[tuple[str | None, ...]]) -> Result:
        fields = tuple(Field(name, "VARCHAR") for name in names)
        arrays = [pa.array([row[index] for row in rows], pa.string()) for index in range(len(names))]
        return self._queries.result(fields, TableStream(pa.table(arrays, names=list(names))), self.settings.values)


def _not_shown(name: str, tables: Sequence[str]) -> TableNotFound:
    hint = suggest(name, (*SETTINGS, *tables)) or "SHOW ALL lists the settings, SHOW TABLES the tables"
    return TableNotFound(f"there is no setting or table {name}", ErrorContext(hint=hint))


def _taker_of(statements: Sequence[StatementText], parameters: Parameters) -> StatementText | None:
    """The one of several statements that takes the parameters; None if there are none. Raises ``ParameterError``."""
    if not parameters:
        return None
    prepared = [each for each in statements if next(tokenize(each.sql)).is_word("PREPARE")]
    takers = [each for each in statements if each not in prepared and parameter_tokens(each.sql)]
    if len(takers) != 1:
        raise ParameterError("parameters go with one of several statements, the only one that takes them")
    return takers[0]


def _moved(error: Error, statement: StatementText, sql: str) -> Error:
    """The error with its place in the whole text rather than in its statement."""
    place = error.context.place
    if place is not None:
        error.context = replace(error.context, sql=sql, place=statement.place_in_text(place))
    return error
