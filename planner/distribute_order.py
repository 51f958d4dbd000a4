"""The ways to distribute what depends on an order: sorts, limits and window functions."""

from collections.abc import Callable

from sqlglot import exp

from shoal.planner import logical
from shoal.planner import physical as p
from shoal.planner.candidate import Candidate, Prices, gathered, hashed
from shoal.planner.cost.model import FILTER_ROW, SORT_ROW, WINDOW_ROW
from shoal.planner.distribution import Arbitrary, Distribution, Hash, HashSlot, Single, groups_together, is_spread
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Node
from shoal.planner.physical import ExchangeKind
from shoal.planner.range_bounds import RangeBounds
from shoal.planner.stage import Estimate

LEAST_ORDERED_ROWS = 1000
"""Rows from which a result is worth sorting by ranges, even where several tasks are forced."""

GUESSED_UNEVENNESS = 1.5
"""How many times its even share the largest range is taken to have when its borders are guessed."""


def result_order(root: Node) -> logical.Sort | None:
    """The sort whose order is that of the result: the root, or what only projections stand above."""
    while isinstance(root, logical.Project):
        root = root.input
    return root if isinstance(root, logical.Sort) else None


def sort_candidates(
    node: logical.Sort,
    inputs: list[Candidate],
    estimate: Estimate,
    prices: Prices,
    bounds: Callable[[ColumnId], RangeBounds | None] | None,
    has_nulls: Callable[[ColumnId], bool],
) -> list[Candidate]:
    """Sort all rows in one task; or, if the tasks may deliver one after another, each task a range of the first key.

    ``bounds`` gives the borders of a column, and is asked only where ranges would pay; None where rows must be in one
    task. Rows that agree in the first key, or have none, are in one range. Where clustered files have the key's ranges
    in rising order already, nothing moves; ``has_nulls`` tells whether there may be rows without a key, which would all
    be in the first range.
    """
    found = [_sorted_whole(node, item, estimate, prices) for item in inputs]
    key = node.keys[0]
    if bounds is None or not isinstance(key.expression, exp.Column) or estimate.rows < LEAST_ORDERED_ROWS:
        return found
    spread = [item for item in inputs if is_spread(item.distribution)]
    if prices.tasks == 1 or not spread:
        return found
    column = ColumnId(key.expression.name)
    risen = [item for item in spread if not key.descending and _is_in_ranges(item.distribution, column)]
    if risen and (key.nulls_first or not has_nulls(column)):
        found += [_sorted_in_place(node, item, estimate, prices) for item in risen]
    cheapest = min(spread, key=lambda item: item.seconds)
    least = _sorted_ranges(node, cheapest, estimate, prices, RangeBounds(("",) * (prices.tasks - 1), known=True))
    if least.seconds > min(item.seconds for item in found):
        return found
    borders = bounds(column)
    if borders is not None:
        found += [_sorted_ranges(node, item, estimate, prices, borders) for item in spread]
    return found


def _sorted_whole(node: logical.Sort, item: Candidate, estimate: Estimate, prices: Prices) -> Candidate:
    one = gathered(item, prices) if is_spread(item.distribution) else item
    seconds = estimate.rows * SORT_ROW / prices.share(one.distribution)
    return Candidate(p.SortRows(one.plan, node.keys, estimate), one.distribution, one.seconds + seconds, one.stable)


def _is_in_ranges(distribution: Distribution, column: ColumnId) -> bool:
    """Whether the tasks have ranges of a column in rising order, and all rows without it in the first one."""
    if not isinstance(distribution, Hash) or len(distribution.slots) != 1:
        return False
    slot = distribution.slots[0]
    return bool(slot.bounds) and column in slot.columns and not slot.nulls_apart


def _sorted_in_place(node: logical.Sort, item: Candidate, estimate: Estimate, prices: Prices) -> Candidate:
    seconds = item.seconds + estimate.rows * SORT_ROW / prices.share(item.distribution)
    return Candidate(p.SortRows(item.plan, node.keys, estimate), Arbitrary(), seconds, item.stable)


def _sorted_ranges(
    node: logical.Sort, item: Candidate, estimate: Estimate, prices: Prices, borders: RangeBounds
) -> Candidate:
    key = node.keys[0]
    plan = p.Exchange(
        item.plan,
        ExchangeKind.RANGE,
        item.plan.estimate,
        (ColumnId(key.expression.name),),
        bounds=borders.literals,
        descending=key.descending,
        nulls_first=key.nulls_first,
    )
    tasks = (len(borders.literals) + 1) / (1.0 if borders.known else GUESSED_UNEVENNESS)
    seconds = item.seconds + prices.exchange(item, ExchangeKind.RANGE)
    seconds += estimate.rows * SORT_ROW / (prices.threads * max(1.0, tasks))
    return Candidate(p.SortRows(plan, node.keys, estimate), Arbitrary(), seconds, item.stable)


def limit_candidates(
    node: logical.Limit, inputs: list[Candidate], estimate: Estimate, prices: Prices
) -> list[Candidate]:
    """The first rows: of each task if rows are spread, and of those in one task. ``inputs`` are of what is below the
    order, if there is one right below the limit."""
    order = node.input if isinstance(node.input, logical.Sort) else None
    found: list[Candidate] = []
    for item in inputs:
        part, distribution = item.plan, item.distribution
        seconds = item.seconds + item.plan.estimate.rows * FILTER_ROW / prices.share(distribution)
        if is_spread(distribution):
            if node.count is not None:
                most = node.count + node.offset
                rows = min(part.estimate.rows, most * prices.tasks)
                size = Estimate(rows, part.estimate.bytes * rows / max(1.0, part.estimate.rows))
                part = p.SortRows(part, order.keys, part.estimate) if order is not None else part
                part = p.LimitRows(part, most, 0, size)
            merged = gathered(Candidate(part, distribution, seconds, stable=False), prices)
            part, seconds = merged.plan, merged.seconds
        part = p.SortRows(part, order.keys, part.estimate) if order is not None else part
        plan = p.LimitRows(part, node.count, node.offset, estimate)
        found.append(Candidate(plan, Single(), seconds, stable=False))
    return found


def window_candidates(
    node: logical.Window, inputs: list[Candidate], estimate: Estimate, prices: Prices
) -> list[Candidate]:
    """Window functions where all rows of each partition are together, or after they were brought together."""
    keys = common_partition_keys(node)
    found: list[Candidate] = []
    types = {column.id: column.type for column in logical.schema(node.input)}
    for item in inputs:
        ready = [item] if groups_together(item.distribution, keys) else []
        if is_spread(item.distribution):
            ready.append(gathered(item, prices))
            if keys:
                slots = tuple(HashSlot(frozenset({key}), types[key]) for key in sorted(keys))
                ready.append(hashed(item, Hash(slots), prices))
        size = estimate
        if item.plan.estimate.rows < estimate.rows:
            rows = item.plan.estimate.rows
            size = Estimate(rows, estimate.bytes * rows / estimate.rows)
        for one in ready:
            seconds = one.seconds + size.rows * WINDOW_ROW / prices.share(one.distribution)
            plan = p.WindowCompute(one.plan, node.assignments, size)
            distribution = one.distribution if is_spread(one.distribution) else Single()
            found.append(Candidate(plan, distribution, seconds, stable=False))
    return found


def common_partition_keys(node: logical.Window) -> frozenset[ColumnId]:
    """The columns by which every window of the node is partitioned."""
    keys: frozenset[ColumnId] | None = None
    for item in node.assignments:
        mine = frozenset(
            ColumnId(key.name) for key in item.expression.args.get("partition_by") or [] if isinstance(key, exp.Column)
        )
        keys = mine if keys is None else keys & mine
    return keys or frozenset()
