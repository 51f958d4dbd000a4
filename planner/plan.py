"""The way of a query through the planner, phase by phase: text in, stages out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlglot import exp

from shoal.planner import logical, tree
from shoal.planner.bind import bind_query
from shoal.planner.column_ids import ColumnIds
from shoal.planner.cost.cardinality import Estimator
from shoal.planner.distribute import Distributor
from shoal.planner.distribute_aggregate import exported_arguments
from shoal.planner.errors import Error, InternalError
from shoal.planner.expand_definitions import ExpandedViews, expand_definitions
from shoal.planner.fold_plans import Planned, fold_plans
from shoal.planner.fragment import Fragmenter
from shoal.planner.logical import Query
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.options import Distribute, PlanOptions
from shoal.planner.parameters import inline_parameters
from shoal.planner.parse import QueryReader
from shoal.planner.physical import PhysicalNode
from shoal.planner.place import Place, price_places
from shoal.planner.protocols import Catalog, Kernel, Statistics
from shoal.planner.rules import optimise
from shoal.planner.rules.context import RuleContext, RuleRun
from shoal.planner.source import Field
from shoal.planner.stage import Adaptation, StagedPlan
from shoal.planner.stage_variants import stage_variants
from shoal.planner.turned_builds import turned_stages
from shoal.planner.whole_statement import whole_statement


@dataclass(frozen=True, slots=True)
class PlannedQuery:
    """A planned query: its stages, its result's columns, and what EXPLAIN shows.

    ``physical`` is the distributed plan, with the root of each stage in ``roots``; None when the statement runs whole
    at one ``place``, for the ``reason``. ``seconds`` are the predicted prices by name.
    """

    sql: str
    staged: StagedPlan
    columns: tuple[Field, ...]
    reason: str
    physical: PhysicalNode | None = None
    roots: tuple[PhysicalNode, ...] = ()
    logical: Query | None = None
    seconds: tuple[tuple[str, float], ...] = ()
    rules: tuple[RuleRun, ...] = ()
    place: Place = Place.EXECUTOR
    repeated: Mapping[int, int] = field(default_factory=dict, compare=False)
    """The nodes of ``roots``, by identity, that a stage computes once for several places: the number of each part."""
    shows_time: bool = False
    """The time is written into it, so that it cannot be run later."""


def plan_query(
    sql: str,
    parameters: Sequence[object],
    catalog: Catalog,
    kernel: Kernel,
    statistics: Statistics,
    options: PlanOptions,
    clock: Callable[[], float] | None = None,
) -> PlannedQuery:
    """Plan one query.

    Raises a ``ProgrammingError`` with its place for what the kernel's binder refuses, and a ``SourceError`` for files
    that cannot be read. What cannot be distributed, or does not pay, is planned whole for one executor.
    """
    fields = kernel.describe(sql, parameters)
    text = inline_parameters(sql, parameters)
    if options.distribute is Distribute.NEVER or (options.executors == 0 and options.distribute is Distribute.AUTO):
        reason = "in one process the kernel plans the whole statement itself"
        if options.distribute is Distribute.NEVER:
            reason = "distribute is set to never"
        return PlannedQuery(text, whole_statement(text, fields, catalog, kernel, reason), fields, reason)
    try:
        return _distributed(text, fields, catalog, kernel, statistics, options, clock)
    except Exception as refusal:  # noqa: BLE001 - what is no fault of the planner is raised again
        reason = f"one executor runs it whole: {_why_whole(refusal, options)}"
        return PlannedQuery(text, whole_statement(text, fields, catalog, kernel, reason), fields, reason)


def _why_whole(refusal: Exception, options: PlanOptions) -> str:
    """Why a statement is not cut into tasks; raises what is the statement's own fault, or what stops its planning.

    A fault of the planner costs no answer either, but where plans are checked (``SET check_plans = on``) it shows.
    """
    match refusal:
        case NotDistributable():
            return refusal.reason
        case RecursionError():
            return "its plan is nested too deeply"
        case Error() if not isinstance(refusal, InternalError):
            raise refusal
        case _ if options.check_plans:
            raise refusal
        case _:
            return f"the planner failed ({type(refusal).__name__}: {str(refusal)[:200]}), which is a bug of Shoal"


def _distributed(
    sql: str,
    fields: tuple[Field, ...],
    catalog: Catalog,
    kernel: Kernel,
    statistics: Statistics,
    options: PlanOptions,
    clock: Callable[[], float] | None,
) -> PlannedQuery:
    ids = ColumnIds()
    estimator = Estimator(statistics, options.disabled_rules)
    runs: list[RuleRun] = []
    reader = QueryReader(kernel, frozenset(macro.name.casefold() for macro in catalog.definitions.macros))
    parsed = expand_definitions(reader.read(sql), sql, catalog.definitions)
    bound = bind_query(parsed, fields, ExpandedViews(catalog), kernel, ids, reader)
    estimator.watch_keys(*bound.roots)
    context = RuleContext(ids, estimator, options, clock=clock, record=runs.append)
    query = optimise(bound, context)
    distributor = Distributor(estimator, options, _argument_types(query, kernel))
    chosen = distributor.distribute(query.root, query.shared)
    if bound.folded is not None:
        best = fold_plans(bound, Planned(query, chosen), context, partial(_argument_types, kernel=kernel))
        query, chosen = best.query, best.chosen
    alone = _one_executor(query, estimator, options)
    tasks = distributor.prices.tasks
    offers = price_places(alone, chosen.seconds, tasks, options)
    place = offers.choose(options.distribute)
    reason, seconds = offers.reason(place, options.distribute), offers.named
    if place is not Place.TASKS:
        staged = whole_statement(sql, fields, catalog, kernel, reason)
        return PlannedQuery(sql, staged, fields, reason, logical=query, seconds=seconds, rules=tuple(runs), place=place)
    names = ("share_exchanges", "balance_splits", "split_heavy_keys", "compute_once")
    shares, balances, watches, repeats = (name not in options.disabled_rules for name in names)
    fragmenter = Fragmenter(statistics, tasks, shares, balances, watches, repeats)
    fragmenter.cut(chosen.plan, query.outputs, fields)
    adaptation = Adaptation(options.disabled_rules, options.task_bytes, options.task_bytes)
    variants = stage_variants(fragmenter, options)
    turned = () if "turn_builds" in options.disabled_rules else tuple(turned_stages(fragmenter))
    staged = StagedPlan(tuple(fragmenter.stages), fields, adaptation=adaptation, variants=variants, turned=turned)
    roots = tuple(fragmenter.roots)
    runs_so_far, repeated = tuple(runs), fragmenter.repeated
    return PlannedQuery(
        sql, staged, fields, reason, chosen.plan, roots, query, seconds, runs_so_far, place, repeated, reader.shows_time
    )


def _one_executor(query: Query, estimator: Estimator, options: PlanOptions) -> float:
    """The price of the same plan as one task of one executor."""
    alone = PlanOptions(executors=1, threads=options.threads, partitions=1, memory_bytes=options.memory_bytes)
    return Distributor(estimator, alone, {}).distribute(query.root, query.shared).seconds


def _argument_types(query: Query, kernel: Kernel) -> dict[str, str]:
    """The types of the arguments of all aggregates whose state travels."""
    known: dict[str, str] = {}
    wanted: dict[str, str] = {}
    columns: dict[str, str] = {}
    for node in (item for root in query.roots for item in tree.find(root, logical.Aggregate)):
        columns |= {str(column.id): column.type for column in logical.schema(node.input)}
        for argument in exported_arguments(node):
            text = argument.sql("duckdb")
            bare = columns.get(argument.name) if isinstance(argument, exp.Column) else None
            if bare is not None:
                known[text] = bare
            else:
                wanted.setdefault(text, f"argument_{len(wanted)}")
    if wanted:
        fields = [Field(name, type) for name, type in columns.items()]
        found = kernel.types(fields, [{name: text for text, name in wanted.items()}])
        known |= {text: found[name] for text, name in wanted.items()}
    return known
