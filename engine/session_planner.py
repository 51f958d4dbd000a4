"""Planning a session's queries: the whole statement for one kernel, or the planner's stages; and remembering plans."""

import threading
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from shoal.binder import Binder, BoundCatalog
from shoal.catalog import CatalogSnapshot, SessionCatalog
from shoal.collection_pause import pause_collection
from shoal.embedded import EmbeddedEngine
from shoal.executor.shuffle.registry import ArrowRegistry
from shoal.kept_statements import FILES_RULE, RULE, KeptStatement
from shoal.plan_cache import PlanCache, SessionPlan
from shoal.plan_choice import OwnPlan, PlanChoice
from shoal.planner.errors import ProgrammingError
from shoal.planner.options import Distribute, PlanOptions
from shoal.planner.parameters import inline_parameters
from shoal.planner.place import Place
from shoal.planner.source import Field
from shoal.planner.stage import StagedPlan
from shoal.planner.statement import Query
from shoal.planner.whole_statement import whole_statement
from shoal.runner import StageRun
from shoal.running import new_query_id
from shoal.scratch import Scratch
from shoal.settings import Values

if TYPE_CHECKING:
    from shoal.observed_rows import ObservableStages
    from shoal.planner.plan import PlannedQuery
    from shoal.planning_statistics import SessionStatistics


class SessionPlanner:
    """Plans queries over a session's catalog. Every method may be called from any thread."""

    def __init__(
        self,
        catalog: SessionCatalog,
        binder: Binder,
        plans: PlanCache,
        engine: EmbeddedEngine,
        registry: ArrowRegistry,
        scratch: Scratch,
    ) -> None:
        self._catalog = catalog
        self._binder = binder
        self._plans = plans
        self._engine = engine
        self._registry = registry
        self._scratch = scratch
        self._lock = threading.Lock()
        self._statistics: SessionStatistics | None = None

    def plan(
        self,
        query: Query,
        parameters: Sequence[object],
        values: Values,
        options: PlanOptions,
        catalog: CatalogSnapshot | None = None,
    ) -> tuple[SessionPlan, Hashable | None]:
        """A plan over the names of ``catalog``, by default those of now; if it was made before, also the key under
        which it is kept.

        Raises a user error with its place, or a ``SourceError``.
        """
        catalog = self._catalog.snapshot() if catalog is None else catalog
        key = None if query.dynamic else _cache_key(query.sql, parameters, self._version(catalog), values, options)
        plan = None if key is None else self._plans.find(key)
        if plan is not None:
            return plan, key
        plan = self._new_plan(query, parameters, catalog, values, options)
        if key is not None:
            if options.executors == 0 and options.distribute is Distribute.AUTO:
                choice = PlanChoice(catalog.version, is_simple=len(plan.staged.result.scans) <= 1)
                plan = replace(plan, choice=choice, kept=_kept(values))
            if plan.lasting:
                self._plans.keep(key, plan)
        return plan, None

    def own(
        self, query: Query, parameters: Sequence[object], values: Values, plan: SessionPlan, version: int
    ) -> OwnPlan | None:
        """The planner's own plan of a statement that the kernel has planned, if it is one task over the same files."""
        catalog = self._catalog.snapshot()
        threads, memory = self._engine.threads, self._engine.memory_bytes
        options = values.plan_options(executors=1, threads=threads, memory_bytes=memory)
        options = replace(options, partitions=1, distribute=Distribute.ALWAYS)
        planned = self.distributed(query.sql, parameters, catalog, options)
        is_task = planned.physical is not None and len(planned.staged.stages) == 1
        if planned.shows_time or not is_task or catalog.version != version:
            return None
        staged = replace(planned.staged, settings=(*planned.staged.settings, *values.kernel_settings()))
        own = SessionPlan(staged, planned.columns, catalog.resolved(), kept=_kept(values))
        return OwnPlan(own, planned) if own.sources == plan.sources and own.columns == plan.columns else None

    def explained(
        self,
        query: Query,
        parameters: Sequence[object],
        catalog: CatalogSnapshot,
        values: Values,
        options: PlanOptions,
    ) -> "PlannedQuery":
        """What EXPLAIN shows: the plan that the statement would be run by now."""
        # In an EXPLAIN the statement stands behind as many spaces as the word took, so that its places are right.
        text = query.sql.lstrip()
        key = None if query.dynamic else _cache_key(text, parameters, self._version(catalog), values, options)
        plan = None if key is None else self._plans.find(key)
        choice = None if plan is None else plan.choice
        if choice is not None and choice.own is not None and choice.prefers_own:
            return _with_reasons(choice.own.planned, choice.reason, _why_faster(choice.own.plan))
        planned = self.distributed(query.sql, parameters, catalog, options)
        reasons = "" if choice is None else choice.reason, "" if plan is None else _why_faster(plan)
        return _with_reasons(planned, planned.reason, *reasons)

    def _version(self, catalog: CatalogSnapshot) -> Hashable:
        """What changes when a plan that was made before may mean something else, or be worse than a new one."""
        with self._lock:
            return catalog.version, 0 if self._statistics is None else self._statistics.version

    def forget(self, key: Hashable) -> None:
        """Forget a plan that turned out not to fit its files any more."""
        self._plans.drop(key)

    def whole(
        self, query: Query, parameters: Sequence[object], catalog: CatalogSnapshot, values: Values
    ) -> SessionPlan:
        """The statement as one stage. Files that it names itself are left to the kernel, virtual columns and all."""
        kernel = BoundCatalog(self._binder, catalog)
        columns = () if query.dynamic else kernel.describe(query.sql, parameters)
        text = inline_parameters(query.sql, parameters)
        staged = whole_statement(text, columns, catalog, kernel, "in one process the kernel plans it")
        staged = replace(staged, settings=values.kernel_settings())
        native = frozenset(scan.name for scan in staged.result.scans if not catalog.knows(scan.name))
        if query.dynamic:
            columns = self._dynamic_columns(query, parameters, staged, kernel)
            staged = replace(staged, stages=(replace(staged.result, columns=columns),), columns=columns)
        return SessionPlan(staged, columns, catalog.resolved(), native)

    def _dynamic_columns(
        self, query: Query, parameters: Sequence[object], staged: StagedPlan, kernel: BoundCatalog
    ) -> tuple[Field, ...]:
        """Columns that depend on the data; the binder, which has none, can still explain an error better."""
        try:
            return self._engine.columns(staged, new_query_id())
        except ProgrammingError:
            kernel.describe(query.sql, parameters)
            raise

    def distributed(
        self, sql: str, parameters: Sequence[object], catalog: CatalogSnapshot, options: PlanOptions
    ) -> "PlannedQuery":
        """What the planner proper makes of a query: what EXPLAIN shows, and what a cluster runs."""
        # The planner's parser takes 0.1 s to import, and queries in one process do not need it.
        from shoal.planner.plan import plan_query

        kernel = BoundCatalog(self._binder, catalog)
        with pause_collection():
            return plan_query(sql, parameters, catalog, kernel, self.statistics.for_statement(), options)

    @property
    def statistics(self) -> "SessionStatistics":
        """What the session has learned of its tables."""
        from shoal.planning_statistics import SessionStatistics

        with self._lock:
            if self._statistics is None:
                self._statistics = SessionStatistics(self._registry, self._scratch)
            return self._statistics

    def close(self) -> None:
        """Free what planning holds; idempotent."""
        with self._lock:
            statistics, self._statistics = self._statistics, None
        if statistics is not None:
            statistics.close()

    def _new_plan(
        self,
        query: Query,
        parameters: Sequence[object],
        catalog: CatalogSnapshot,
        values: Values,
        options: PlanOptions,
    ) -> SessionPlan:
        if query.dynamic or _is_whole(options):
            return self.whole(query, parameters, catalog, values)
        planned = self.distributed(query.sql, parameters, catalog, options)
        staged = replace(planned.staged, settings=(*planned.staged.settings, *values.kernel_settings()))
        return SessionPlan(
            staged,
            planned.columns,
            catalog.resolved(),
            observable=_observable(planned),
            is_small=planned.place is Place.PROCESS,
            lasting=not planned.shows_time,
        )

    def observe(self, plan: SessionPlan, runs: Sequence[StageRun]) -> None:
        """Learn from what the stages of a plan have delivered."""
        if plan.observable is not None and runs:
            self.statistics.observe(plan.observable, runs)


def _kept(values: Values) -> KeptStatement | None:
    rules = values.disabled_rules
    return None if RULE in rules else KeptStatement(keeps_files=FILES_RULE not in rules)


def _with_reasons(planned: "PlannedQuery", *reasons: str) -> "PlannedQuery":
    """A plan with other reasons, of which some may be empty."""
    return replace(planned, reason="; ".join(filter(None, reasons)))


def _why_faster(plan: SessionPlan) -> str:
    """What a repeated run of a plan is spared, for EXPLAIN."""
    return plan.kept.reason if plan.kept is not None else ""


def _observable(planned: "PlannedQuery") -> "ObservableStages | None":
    if not planned.roots:
        return None
    from shoal.observed_rows import ObservableStages

    return ObservableStages(planned.staged, planned.roots)


def _is_whole(options: PlanOptions) -> bool:
    """Whether the planner would leave the whole statement to the kernel of this process anyway."""
    return options.executors == 0 and options.distribute is not Distribute.ALWAYS


def _cache_key(
    sql: str, parameters: Sequence[object], version: Hashable, values: Values, options: PlanOptions
) -> Hashable | None:
    """What a plan depends on besides its files; None when a parameter cannot be compared."""
    key = (sql, tuple((type(value), value) for value in parameters), version, values, options)
    try:
        hash(key)
    except TypeError:
        return None
    return key
