"""Turns a logical plan into the cheapest physical one: where exchanges go, which joins are broadcast, what is split.

Bottom-up, each subtree keeps its cheapest plan for each distribution that it can deliver (the "interesting properties"
of Selinger et al., 1979); a parent combines them, adding exchanges where its needs are not met.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from sqlglot import exp

from shoal.planner import logical
from shoal.planner import physical as p
from shoal.planner.candidate import Candidate, Prices, cheapest, dealt, gathered, hashed, prices_of, scan_seconds
from shoal.planner.clustering import Clusters, find_clusters
from shoal.planner.cost.cardinality import Estimator
from shoal.planner.cost.model import CELL_BYTES, FILTER_ROW, PROJECT_CELL
from shoal.planner.cost.skew import heavy_share
from shoal.planner.distinct_first import RULE as DISTINCT_FIRST
from shoal.planner.distinct_first import distinct_first
from shoal.planner.distribute_aggregate import aggregate_candidates
from shoal.planner.distribute_join import join_candidates
from shoal.planner.distribute_order import limit_candidates, result_order, sort_candidates, window_candidates
from shoal.planner.distribute_shared import SharedRows, read_shared, share_rows
from shoal.planner.distribution import Arbitrary, Hash, HashSlot, Single, Whole, filtered, is_spread, restricted
from shoal.planner.errors import InvariantViolated
from shoal.planner.group_ranges import RULE as GROUP_BY_RANGES
from shoal.planner.group_ranges import group_ranges
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Node, SetOperator
from shoal.planner.options import Distribute, PlanOptions
from shoal.planner.range_bounds import RangeBounds, find_range_bounds, may_be_null
from shoal.planner.rank_filters import find_rank_limit
from shoal.planner.rank_limits import limited_early
from shoal.planner.scalar import column_ref
from shoal.planner.source import FileFormat, FileSource
from shoal.planner.stage import Estimate

MOST_CANDIDATES = 8
"""Alternatives kept for a subtree; more never changed a TPC-H plan."""

LEAST_SPLIT_ROWS = 1000
"""Rows from which a table is always split when distribution is forced."""

LEAST_DEALT_ROWS = 100_000
"""Rows from which a table that only one task can read may be dealt out to all of them."""

BLOCK_SECONDS = 0.1
"""What a block that only the kernel understands is taken to cost: nothing is known of it."""

ArgumentTypes = dict[str, str]
"""The DuckDB type of each argument of an aggregate, by the argument's SQL."""


@dataclass(slots=True)
class Distributor:
    """Distributes one query; ``argument_types`` are those of the aggregates whose state is exported."""

    estimator: Estimator
    options: PlanOptions
    argument_types: ArgumentTypes = field(default_factory=dict)
    clusters: Clusters = field(default_factory=Clusters)
    order: logical.Sort | None = None
    """The sort that gives the result its order."""
    shared: dict[str, SharedRows] = field(default_factory=dict)
    """How each shared plan is made and read."""

    @property
    def prices(self) -> Prices:
        """The prices on the cluster at hand."""
        return prices_of(self.options)

    def distribute(self, root: Node, shared: Sequence[logical.SharedPlan] = ()) -> Candidate:
        """The cheapest plan whose rows all end up in the result, in order if the root is ordered.

        ``shared`` are the plans that it reads, each after those that it reads itself; their price is in the plan's.
        """
        if self.prices.tasks > 1 and "use_clustering" not in self.options.disabled_rules:
            balances = "balance_splits" not in self.options.disabled_rules
            for one in (root, *(plan.root for plan in shared)):
                found = find_clusters(one, self.estimator.statistics, self.prices.tasks, balances=balances)
                self.clusters.found |= found.found
        self.order = result_order(root)
        for place, plan in enumerate(shared):
            readers = [*(later.root for later in shared[place + 1 :]), root]
            columns = self.estimator.estimate(plan.root).columns
            distinct = {column: known.distinct for column, known in columns.items() if known.distinct is not None}
            candidates = self.candidates(plan.root)
            self.shared[plan.key] = share_rows(plan, candidates, readers, distinct, self.prices)
        best = min(self.candidates(root), key=lambda item: item.seconds)
        return replace(best, seconds=best.seconds + sum(rows.seconds for rows in self.shared.values()))

    def candidates(self, node: Node) -> list[Candidate]:
        """The cheapest plans of a subtree, one for each distribution."""
        return cheapest(self._derive(node))[:MOST_CANDIDATES]

    def estimate(self, node: Node) -> Estimate:
        """Rows and bytes that a node delivers."""
        found = self.estimator.estimate(node)
        return Estimate(found.rows, found.bytes, found.origin)

    def _derive(self, node: Node) -> list[Candidate]:
        match node:
            case logical.Scan() | logical.KernelBlock() | logical.SharedScan() | logical.Values():
                return self._source(node)
            case logical.Filter():
                return [self._filter(node, item) for item in self._below_filter(node)]
            case logical.Project():
                return [self._project(node, item) for item in self.candidates(node.input)]
            case logical.Join():
                left, right = self.candidates(node.left), self.candidates(node.right)
                return join_candidates(node, left, right, self.estimate(node), self.options, self._heavy_share)
            case logical.Aggregate():
                return self._aggregate(node)
            case logical.Window():
                return window_candidates(node, self.candidates(node.input), self.estimate(node), self.prices)
            case logical.Unnest():
                return [self._unnest(node, item) for item in self.candidates(node.input)]
            case logical.Sort():
                return self._sort(node)
            case logical.Limit():
                return self._limit(node)
            case logical.SetOperation():
                return self._set_operation(node)
            case logical.Apply():
                raise InvariantViolated("a dependent join is left after decorrelation")
            case _:
                assert_never(node)

    def _source(
        self, node: logical.Scan | logical.KernelBlock | logical.SharedScan | logical.Values
    ) -> list[Candidate]:
        match node:
            case logical.Scan():
                return self._scan(node)
            case logical.KernelBlock():
                return [self._kernel_block(node)]
            case logical.SharedScan():
                return read_shared(node, self.shared[node.key], self.prices)
            case logical.Values():
                return [Candidate(p.Literals(node, self.estimate(node)), Whole(), 0.0)]
            case _:
                assert_never(node)

    def _aggregate(self, node: logical.Aggregate) -> list[Candidate]:
        inputs, size = self.candidates(node.input), self.estimate(node)
        heavy = self._heavy_share(node.input, [column.id for column in node.keys])
        ranges = None
        if GROUP_BY_RANGES not in self.options.disabled_rules:
            ranges = group_ranges(node, size.rows, self.options, self.estimator.statistics)
        found = aggregate_candidates(node, inputs, size, self.prices, self.argument_types, heavy, ranges)
        apart = distinct_first(node) if self.prices.tasks > 1 else None
        if apart is not None and DISTINCT_FIRST not in self.options.disabled_rules:
            rows = aggregate_candidates(apart.below, inputs, self.estimate(apart.below), self.prices, {})
            found += aggregate_candidates(apart.above, cheapest(rows), size, self.prices, {}, heavy)
        return found

    def _heavy_share(self, node: Node, keys: Sequence[ColumnId]) -> float:
        """The share of a node's rows that one value of the keys holds, if a task would have too much of it."""
        if self.prices.tasks == 1 or "expect_skew" in self.options.disabled_rules:
            return 0.0
        return heavy_share(self.estimator.estimate(node), keys, self.prices.tasks)

    def _scan(self, node: logical.Scan) -> list[Candidate]:
        estimate = self.estimate(node)
        seconds = scan_seconds(estimate)
        whole = Candidate(p.TableScan(node, False, estimate), Whole(), seconds / self.prices.share(Whole()))
        if not is_splittable(node):
            worth_it = self.prices.tasks > 1 and estimate.rows >= LEAST_DEALT_ROWS
            forced = worth_it and self.options.distribute is Distribute.ALWAYS
            return [*([] if forced else [whole]), *([dealt(whole, self.prices)] if worth_it else [])]
        if self.prices.tasks == 1:
            return [whole]  # its parts would be in one task all the same
        shared = seconds / self.prices.share(Arbitrary())
        split = [Candidate(p.TableScan(node, True, estimate), Arbitrary(), shared)]
        for cluster in self.clusters.of(node):
            plan = p.TableScan(node, True, estimate, cluster.splits, str(min(cluster.slot.columns)))
            split.append(Candidate(plan, Hash((cluster.slot,)), shared * (1 + cluster.overlap)))
        if self.options.distribute is Distribute.ALWAYS and estimate.rows >= LEAST_SPLIT_ROWS and self.prices.tasks > 1:
            return split
        return [whole, *split]

    def _kernel_block(self, node: logical.KernelBlock) -> Candidate:
        whole = [
            min((gathered(item, self.prices) for item in self.candidates(child)), key=lambda item: item.seconds)
            for child in logical.children(node)
        ]
        plan = p.KernelQuery(node, self.estimate(node), tuple(item.plan for item in whole))
        return Candidate(plan, Single(), BLOCK_SECONDS + sum(item.seconds for item in whole), stable=False)

    def _below_filter(self, node: logical.Filter) -> list[Candidate]:
        """The input's candidates; of first rows in each partition also those that are cut off in each task first."""
        limit = find_rank_limit(node)
        window = node.input
        if limit is None or not isinstance(window, logical.Window) or "limit_ranks" in self.options.disabled_rules:
            return self.candidates(window)
        below = self.estimator.estimate(window.input)
        inputs = self.candidates(window.input)
        inputs += [early for item in inputs for early in limited_early(item, limit, below, self.prices)]
        return cheapest(window_candidates(window, inputs, self.estimate(window), self.prices))

    def _filter(self, node: logical.Filter, item: Candidate) -> Candidate:
        seconds = item.plan.estimate.rows * FILTER_ROW / self.prices.share(item.distribution)
        plan = p.Filter(item.plan, node.predicate, self.estimate(node))
        where = filtered(item.distribution, node.predicate)
        return Candidate(plan, where, item.seconds + seconds, item.stable)

    def _project(self, node: logical.Project, item: Candidate) -> Candidate:
        computed = sum(not isinstance(one.expression, exp.Column) for one in node.assignments)
        cost = item.plan.estimate.rows * computed * PROJECT_CELL / self.prices.share(item.distribution)
        distribution = item.distribution
        if isinstance(distribution, Hash):
            names: dict[ColumnId, set[ColumnId]] = {}
            for one in node.assignments:
                if isinstance(one.expression, exp.Column):
                    names.setdefault(ColumnId(one.expression.name), set()).add(one.column.id)
            slots = tuple(
                replace(slot, columns=frozenset(new for old in slot.columns for new in names.get(old, ())))
                for slot in distribution.slots
            )
            distribution = Hash(slots) if all(slot.columns for slot in slots) else Arbitrary()
        plan = p.Project(item.plan, node.assignments, self.estimate(node))
        return Candidate(plan, distribution, item.seconds + cost, item.stable)

    def _unnest(self, node: logical.Unnest, item: Candidate) -> Candidate:
        """Rows are made of each row where it is: a projection that the kernel knows to make several of one."""
        kept = tuple(logical.Assignment(column, column_ref(column.id)) for column in logical.schema(node.input))
        estimate = self.estimate(node)
        cost = estimate.rows * len(node.assignments) * PROJECT_CELL / self.prices.share(item.distribution)
        plan = p.Project(item.plan, (*kept, *node.assignments), estimate)
        return Candidate(plan, item.distribution, item.seconds + cost, item.stable)

    def _sort(self, node: logical.Sort) -> list[Candidate]:
        by_ranges = node is self.order and "sort_by_ranges" not in self.options.disabled_rules

        def bounds(key: ColumnId) -> RangeBounds | None:
            computed = "sort_by_expressions" not in self.options.disabled_rules
            return find_range_bounds(node.input, key, self.estimator, self.prices.tasks, computed=computed)

        def has_nulls(key: ColumnId) -> bool:
            return may_be_null(node.input, key, self.estimator)

        inputs = self.candidates(node.input)
        known = bounds if by_ranges else None
        return sort_candidates(node, inputs, self.estimate(node), self.prices, known, has_nulls)

    def _limit(self, node: logical.Limit) -> list[Candidate]:
        below = node.input.input if isinstance(node.input, logical.Sort) else node.input
        return limit_candidates(node, self.candidates(below), self.estimate(node), self.prices)

    def _set_operation(self, node: logical.SetOperation) -> list[Candidate]:
        estimate = self.estimate(node)
        pairs = [(left, right) for left in self.candidates(node.left) for right in self.candidates(node.right)]
        found: list[Candidate] = []
        for left, right in pairs:
            found += self._combined(node, left, right, estimate)
        return found

    def _combined(
        self, node: logical.SetOperation, left: Candidate, right: Candidate, estimate: Estimate
    ) -> list[Candidate]:
        def combine(one: Candidate, other: Candidate, distribution: Single | Whole | Arbitrary) -> Candidate:
            one, other = in_order(one, node.left), in_order(other, node.right)
            plan = p.Combine(node.operator, node.all, one.plan, other.plan, node.columns, estimate)
            work = estimate.rows * estimate.bytes / max(1.0, estimate.rows) / CELL_BYTES * PROJECT_CELL
            seconds = one.seconds + other.seconds + work / self.prices.share(distribution)
            return Candidate(plan, distribution, seconds, one.stable and other.stable)

        spread = is_spread(left.distribution), is_spread(right.distribution)
        if spread == (False, False):
            exact = Single if Single() in (left.distribution, right.distribution) else Whole
            return [combine(left, right, exact())]
        if node.operator is SetOperator.UNION and spread == (True, True):
            return [combine(left, right, Arbitrary())]
        found = [combine(gathered(left, self.prices), gathered(right, self.prices), Whole())]
        if node.operator is SetOperator.UNION:
            spread_out = [item if is_spread(item.distribution) else dealt(item, self.prices) for item in (left, right)]
            found.append(combine(spread_out[0], spread_out[1], Arbitrary()))
        if node.operator is not SetOperator.UNION and spread == (True, True):
            sides = [
                hashed(item, by_position(side), self.prices) for item, side in ((left, node.left), (right, node.right))
            ]
            found.append(combine(sides[0], sides[1], Arbitrary()))
        return found


def by_position(side: Node) -> Hash:
    """The hash over all columns of a side of a set operation, in their order."""
    return Hash(tuple(HashSlot(frozenset({column.id}), column.type) for column in logical.schema(side)))


def in_order(item: Candidate, side: Node) -> Candidate:
    """The plan of a side of a set operation, delivering exactly its columns in order, whatever joins did to them."""
    wanted = logical.schema(side)
    if p.schema(item.plan) == wanted:
        return item
    assignments = tuple(logical.Assignment(column, column_ref(column.id)) for column in wanted)
    plan = p.Project(item.plan, assignments, item.plan.estimate)
    kept = frozenset(column.id for column in wanted)
    return Candidate(plan, restricted(item.distribution, kept), item.seconds, item.stable)


def is_splittable(scan: logical.Scan) -> bool:
    """Whether several tasks can each read a part of a table: Parquet by rows, other formats by files."""
    source = scan.source
    if not isinstance(source, FileSource) or not source.uniform:
        return False
    return source.format is FileFormat.PARQUET or len(source.files) > 1
