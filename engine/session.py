"""A session in this process: a statement in, a result out. Owns the names, the settings and whatever runs the plans."""

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

import pyarrow as pa

from shoal.binder import Binder, BoundCatalog
from shoal.catalog import CatalogSnapshot, SessionCatalog
from shoal.distributed import run_distributed
from shoal.embedded import EmbeddedEngine, kernel_columns
from shoal.executor.shuffle.reader import ShuffleReader
from shoal.executor.shuffle.registry import ArrowRegistry
from shoal.plan_cache import PlanCache, SessionPlan
from shoal.planner.errors import (
    Error,
    ErrorContext,
    InterfaceError,
    ParameterError,
    ProgrammingError,
    SourceError,
    TableNotFound,
)
from shoal.planner.lexer import StatementText, check_size, split_statements
from shoal.planner.options import Distribute, PlanOptions
from shoal.planner.parameters import inline_parameters
from shoal.planner.source import ArrowSource, Field, ViewDefinition
from shoal.planner.stage import StagedPlan
from shoal.planner.statement import (
    CreateView,
    Describe,
    DropView,
    Explain,
    Query,
    ResetVariable,
    SetVariable,
    ShowAll,
    ShowSetting,
    ShowTables,
    classify,
    suggest,
)
from shoal.planner.whole_statement import whole_statement
from shoal.registration import Registrations
from shoal.result import BatchStream, Decoder, Result, TableStream
from shoal.runner import Runner
from shoal.running import Running
from shoal.scratch import Scratch
from shoal.settings import SETTINGS, Settings, Values
from shoal.source_files import SourceFiles

if TYPE_CHECKING:
    from shoal.planner.plan import PlannedQuery
    from shoal.statistics import FooterStatistics

RunnerMaker = Callable[[], Runner]


class Session:
    """Runs statements, each from any thread. ``runner`` is the cluster, None to run in this process.

    ``in_process`` makes a runner for plans of several stages when there is no cluster.
    """

    def __init__(
        self, *, threads: int, memory_bytes: int, runner: Runner | None = None, in_process: RunnerMaker | None = None
    ) -> None:
        self.settings = Settings()
        self._scratch = Scratch()
        self._files = SourceFiles(self._scratch)
        self.catalog = SessionCatalog(self._files)
        self._binder = Binder(self._scratch)
        self._plans = PlanCache(self._files)
        self._registry = ArrowRegistry()
        self._registrations = Registrations(self._scratch, self._registry, shared=runner is not None)
        self._engine = EmbeddedEngine(threads, memory_bytes, self._registry)
        self._reader = ShuffleReader(self._registry)
        self._cluster = runner
        self._make_in_process = in_process
        self._in_process: Runner | None = None
        self._statistics: FooterStatistics | None = None
        self._lock = threading.Lock()
        self._closed = False

    def execute(self, sql: str, parameters: Sequence[object], running: Running) -> Result | None:
        """Run the statements of a text; the result of the last one, None if it has none.

        Raises a ``shoal.planner.errors.Error`` with its place in ``sql`` where there is one.
        """
        check_size(sql)
        statements = split_statements(sql)
        if len(statements) <= 1:
            return self._execute(sql, parameters, running)
        if parameters:
            raise ParameterError("parameters go with one statement, not with several")
        result: Result | None = None
        for statement in statements:
            if result is not None:
                result.close()
            try:
                result = self._execute(statement.sql, (), running)
            except Error as error:
                raise _moved(error, statement, sql) from error
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
        return self.catalog.snapshot().names()

    def columns(self, name: str) -> tuple[Field, ...]:
        """The columns of a table or view; raises ``TableNotFound``."""
        catalog = self.catalog.snapshot()
        if catalog.entry(name) is None:
            raise TableNotFound(f"there is no table {name}", ErrorContext(hint=suggest(name, catalog.names())))
        quoted = '"' + name.replace('"', '""') + '"'
        return self._binder.describe(f"FROM {quoted}", (), catalog)

    def close(self) -> None:
        """Stop everything and leave nothing behind; idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._engine.close()
        for runner in (self._cluster, self._in_process):
            if runner is not None:
                runner.close()
        self._reader.close()
        self._registrations.close()
        self._scratch.close()

    def _named(self, name: str, register: Callable[[], object]) -> object:
        before = self.catalog.snapshot().entry(name)
        register()
        return before

    def _forget(self, entry: object) -> None:
        if isinstance(entry, ArrowSource):
            self._registrations.drop(entry)

    def _execute(self, sql: str, parameters: Sequence[object], running: Running) -> Result | None:
        if self._closed:
            raise InterfaceError("the connection is closed")
        statement = classify(sql)
        if parameters and not isinstance(statement, Query | Explain | Describe):
            raise ParameterError("this kind of statement takes no parameters")
        match statement:
            case Query():
                return self._query(statement, parameters, running)
            case Explain():
                return self._explain(statement, parameters, running)
            case Describe():
                return self._described(statement.sql, parameters)
            case CreateView():
                self._create_view(statement)
            case DropView():
                self._drop_view(statement)
            case SetVariable():
                self.settings.set(statement.name, statement.value)
            case ResetVariable():
                self.settings.reset(statement.name)
            case ShowSetting():
                return self._show(statement)
            case ShowAll():
                rows = self.settings.rows()
                return self._table(("name", "value", "default", "description"), rows)
            case ShowTables():
                return self._table(("name",), [(name,) for name in sorted(self.tables())])
            case _:
                assert_never(statement)
        return None

    def _query(self, query: Query, parameters: Sequence[object], running: Running) -> Result:
        values = self.settings.values
        plan, key = self._plan(query, parameters, values)
        try:
            return self._run(query, parameters, plan, values, running)
        except SourceError:
            # A file may have changed since the plan was kept: plan once more with the files as they are now.
            if key is None or self._plans.find(key) is not plan:
                raise
            self._plans.drop(key)
            plan, _ = self._plan(query, parameters, values)
            return self._run(query, parameters, plan, values, running)

    def _run(
        self, query: Query, parameters: Sequence[object], plan: SessionPlan, values: Values, running: Running
    ) -> Result:
        result = self._result(plan.columns, self._start(plan, values, running), values)
        try:
            result.prefetch()
            if values.verify:
                return self._verified(query, parameters, plan, result, values)
        except BaseException:
            result.close()
            raise
        return result

    def _start(self, plan: SessionPlan, values: Values, running: Running) -> BatchStream:
        runner = self._runner_for(plan.staged)
        if runner is None:
            return self._engine.start(
                plan.staged, running.query, running.token, timeout=values.timeout, native_names=plan.native_names
            )
        return run_distributed(runner, self._reader, plan.staged, running, timeout=values.timeout, mmap=values.mmap)

    def _runner_for(self, plan: StagedPlan) -> Runner | None:
        """The cluster if there is one; in this process a plan of several stages needs the in-process runner."""
        if self._cluster is not None:
            return self._cluster
        if len(plan.stages) == 1:
            return None
        with self._lock:
            if self._in_process is None:
                if self._make_in_process is None:
                    raise InterfaceError("this session cannot run plans of several stages")
                self._in_process = self._make_in_process()
            return self._in_process

    def _plan(self, query: Query, parameters: Sequence[object], values: Values) -> tuple[SessionPlan, Hashable | None]:
        catalog = self.catalog.snapshot()
        options = self._options(values)
        key = _cache_key(query.sql, parameters, catalog.version, values, options)
        plan = None if key is None or query.dynamic else self._plans.find(key)
        if plan is None:
            plan = self._new_plan(query, parameters, catalog, values, options)
            if key is not None:
                self._plans.keep(key, plan)
        return plan, key

    def _new_plan(
        self,
        query: Query,
        parameters: Sequence[object],
        catalog: CatalogSnapshot,
        values: Values,
        options: PlanOptions,
    ) -> SessionPlan:
        if query.dynamic or _is_whole(options):
            return self._whole_plan(query, parameters, catalog, values)
        planned = self._planned(query.sql, parameters, catalog, options)
        staged = replace(planned.staged, settings=(*planned.staged.settings, *values.kernel_settings()))
        return SessionPlan(staged, planned.columns, catalog.resolved())

    def _whole_plan(
        self, query: Query, parameters: Sequence[object], catalog: CatalogSnapshot, values: Values
    ) -> SessionPlan:
        """The statement as one stage. Files that it names itself are left to the kernel, virtual columns and all."""
        kernel = BoundCatalog(self._binder, catalog)
        columns = kernel.describe(query.sql, parameters)
        text = inline_parameters(query.sql, parameters)
        staged = whole_statement(text, columns, catalog, kernel, "in one process the kernel plans it")
        staged = replace(staged, settings=values.kernel_settings())
        native = frozenset(scan.name for scan in staged.result.scans if catalog.entry(scan.name) is None)
        if query.dynamic:
            columns = kernel_columns(self._engine, staged, Running().query)
            stage = replace(staged.result, columns=columns)
            staged = replace(staged, stages=(stage,), columns=columns)
        return SessionPlan(staged, columns, catalog.resolved(), native)

    def _planned(
        self, sql: str, parameters: Sequence[object], catalog: CatalogSnapshot, options: PlanOptions
    ) -> "PlannedQuery":
        # The planner's parser takes 0.1 s to import, and queries in one process do not need it.
        from shoal.planner.plan import plan_query
        from shoal.statistics import FooterStatistics

        if self._statistics is None:
            self._statistics = FooterStatistics()
        kernel = BoundCatalog(self._binder, catalog)
        return plan_query(sql, parameters, catalog, kernel, self._statistics, options)

    def _options(self, values: Values) -> PlanOptions:
        if self._cluster is None:
            return values.plan_options(
                executors=0, threads=self._engine.threads, memory_bytes=self._engine.memory_bytes
            )
        shape = self._cluster.shape()
        return values.plan_options(executors=shape.executors, threads=shape.threads, memory_bytes=shape.memory_bytes)

    def _verified(
        self, query: Query, parameters: Sequence[object], plan: SessionPlan, result: Result, values: Values
    ) -> Result:
        """The result, held and compared with what plain DuckDB gives; raises ``WrongAnswer``."""
        from shoal.verify import verify_result

        table = result.carrier_table()
        result.close()
        whole = self._whole_plan(query, parameters, self.catalog.snapshot(), values)
        verify_result(table, plan.columns, whole.staged, whole.native_names, self._reader)
        return self._result(plan.columns, TableStream(table), values)

    def _explain(self, statement: Explain, parameters: Sequence[object], running: Running) -> Result:
        from shoal.analyze import explain

        values = self.settings.values
        catalog = self.catalog.snapshot()
        planned = self._planned(statement.query.sql, parameters, catalog, self._options(values))

        def run() -> BatchStream:
            staged = replace(planned.staged, settings=values.kernel_settings())
            plan = SessionPlan(staged, planned.columns, catalog.resolved())
            return self._start(plan, values, running)

        text = explain(statement.mode, planned, run)
        return self._table(("plan",), [(line,) for line in text.splitlines()])

    def _described(self, sql: str, parameters: Sequence[object]) -> Result:
        fields = self._binder.describe(sql, parameters, self.catalog.snapshot())
        rows = [(field.name, field.type, "YES") for field in fields]
        return self._table(("column_name", "column_type", "null"), rows)

    def _show(self, statement: ShowSetting) -> Result:
        if statement.name.lower() not in SETTINGS and self.catalog.snapshot().entry(statement.name) is not None:
            return self._described(statement.sql, ())
        return self._table((statement.name.lower(),), [(self.settings.show(statement.name),)])

    def _create_view(self, statement: CreateView) -> None:
        catalog = self.catalog.snapshot()
        before = catalog.entry(statement.name)
        if before is not None:
            if statement.if_not_exists and isinstance(before, ViewDefinition):
                return
            if not statement.or_replace or not isinstance(before, ViewDefinition):
                kind = "view" if isinstance(before, ViewDefinition) else "table"
                hint = "CREATE OR REPLACE VIEW replaces it" if kind == "view" else "unregister() removes it"
                raise ProgrammingError(f"there is a {kind} {statement.name} already", ErrorContext(hint=hint))
        fields = self._binder.describe(statement.sql, (), catalog)
        if len(statement.columns) > len(fields):
            message = f"the view {statement.name} names {len(statement.columns)} columns, its query has {len(fields)}"
            raise ProgrammingError(message)
        view = ViewDefinition(statement.name, statement.sql.strip(), statement.columns)
        self.catalog.put(statement.name, view)
        try:
            self.columns(statement.name)
        except Error:
            self._restore(statement.name, before)
            raise

    def _restore(self, name: str, before: ViewDefinition | object | None) -> None:
        """Take back a view that refers to itself, which shows only once it has its name."""
        if isinstance(before, ViewDefinition):
            self.catalog.put(name, before)
        else:
            self.catalog.remove(name)

    def _drop_view(self, statement: DropView) -> None:
        if statement.if_exists and self.catalog.snapshot().entry(statement.name) is None:
            return
        self.catalog.remove(statement.name, view=True)

    def _result(self, columns: tuple[Field, ...], stream: BatchStream, values: Values) -> Result:
        zone = None if values.timezone is None else f"'{values.timezone}'"
        return Result(columns, stream, Decoder(self._scratch.cursor(), columns, zone))

    def _table(self, names: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Result:
        fields = tuple(Field(name, "VARCHAR") for name in names)
        arrays = [pa.array([row[index] for row in rows], pa.string()) for index in range(len(names))]
        return self._result(fields, TableStream(pa.table(arrays, names=list(names))), self.settings.values)


def _is_whole(options: PlanOptions) -> bool:
    """Whether the planner would leave the whole statement to one kernel anyway."""
    return options.distribute is Distribute.NEVER or (options.executors == 0 and options.distribute is Distribute.AUTO)


def _cache_key(
    sql: str, parameters: Sequence[object], version: int, values: Values, options: PlanOptions
) -> Hashable | None:
    """What a plan depends on besides its files; None when a parameter cannot be compared."""
    typed = tuple((type(value), value) for value in parameters)
    key = (sql, typed, version, values, options)
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _moved(error: Error, statement: StatementText, sql: str) -> Error:
    """The error with its place in the whole text rather than in its statement."""
    place = error.context.place
    if place is not None:
        error.context = replace(error.context, sql=sql, place=statement.place_in_text(place))
    return error
