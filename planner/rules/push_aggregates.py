"""Aggregate before a join where that leaves few rows to join."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.cost.cardinality import Estimator, group_count
from shoal.planner.cost.model import (
    CELL_BYTES,
    FILTER_ROW,
    GROUP_NEW,
    GROUP_ROW,
    PROJECT_CELL,
    hash_join_seconds,
    miss_seconds,
)
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Aggregate, Assignment, Column, JoinKind, Node
from shoal.planner.rules.combined_calls import CombinedCall, cannot_fail, combined_calls
from shoal.planner.rules.context import RuleContext
from shoal.planner.scalar import column_ref, columns_of, is_volatile, substitute
from shoal.planner.tree import transform_up, with_children
from shoal.planner.types import is_grouped_exactly

MOST_LEFT = 0.25
"""The share of rows that may be left at most: group counts are not estimated better than that."""

LEAST_GAIN = 0.2
"""The share of the price of all that stands above that must be saved at least."""

_KEEPS_LEFT = (JoinKind.INNER, JoinKind.LEFT, JoinKind.SEMI, JoinKind.ANTI)
_KEEPS_RIGHT = (JoinKind.INNER, JoinKind.RIGHT)


def push_aggregates(node: Node, context: RuleContext) -> Node:
    """Make partial results of the rows that a join would only repeat or drop, and combine them above the join.

        Aggregate(u.name: sum(t.v), Join(t.k = u.k, t, u))
        ->  Aggregate(u.name: sum(s), Join(t.k = u.k, Aggregate partial(t.k: s = sum(t.v), t), u))

    This is the eager group-by of Yan and Larson, "Performing Group-By before Join" (ICDE 1994) and "Eager Aggregation
    and Lazy Aggregation" (VLDB 1995): each row of a partial group meets the same rows on the other side, so its partial
    result is repeated as often as its rows would have been. Runs after the order of joins is settled, and puts the
    partial aggregate anywhere below, where it is cheapest. Does not fire for DISTINCT, FILTER, ordered or inexact
    (floating) aggregates, for arguments of both sides, or that could fail on rows which the join drops, for
    ``count(*)`` on the side of an outer join that is filled up with NULLs, nor where few rows share a key.
    """
    return transform_up(node, lambda item: _push(item, context) if isinstance(item, Aggregate) else item)


@dataclass(frozen=True, slots=True)
class _Step:
    """A node on the way down: by which of its inputs the way goes, and which of its columns are needed above."""

    node: Node
    side: int
    kept: frozenset[ColumnId]


@dataclass(frozen=True, slots=True)
class _Place:
    """A node below the joins of ``path`` (from the top) that can be aggregated: by which columns, and what."""

    node: Node
    path: tuple[_Step, ...]
    needed: frozenset[ColumnId]
    arguments: tuple[exp.Expression | None, ...]


def _push(node: Aggregate, context: RuleContext) -> Node:
    calls = combined_calls(node)
    if not calls or node.partial:
        return node
    best: tuple[float, _Place, Aggregate] | None = None
    for place in _places(node, calls):
        if not place.needed or _share(place, context.estimator) > MOST_LEFT:
            continue
        partial = _partial(place, calls, context)
        if partial is not None:
            gain = _gain(node, place, partial, context.estimator)
            if gain > 0 and (best is None or gain > best[0]):
                best = gain, place, partial
    return node if best is None else _rebuilt(node, calls, best[1], best[2], context)


def _places(node: Aggregate, calls: Sequence[CombinedCall]) -> Iterator[_Place]:
    """The nodes below at least one join to which all arguments can be brought down."""
    below, path = node.input, list[_Step]()
    needed = frozenset(column.id for column in node.keys)
    arguments = tuple(call.argument for call in calls)
    joined = False
    while not any(is_volatile(item) for item in logical.expressions(below)):
        side, kept = 0, needed
        match below:
            case logical.Project():
                made = {item.column.id: item.expression for item in below.assignments}
                needed = frozenset(column for id in needed for column in columns_of(made[id]))
                arguments = tuple(None if item is None else substitute(item, made) for item in arguments)
            case logical.Filter():
                needed |= columns_of(below.predicate)
            case logical.Join():
                found = _side(below, arguments)
                if found is None:
                    return
                side, joined = found, True
                needed |= columns_of(below.condition)
            case _:
                return
        path.append(_Step(below, side, kept))
        below = logical.children(below)[side]
        needed &= logical.column_ids(below)
        if joined:
            yield _Place(below, tuple(path), needed, arguments)


def _side(join: logical.Join, arguments: Sequence[exp.Expression | None]) -> int | None:
    """The side that has all arguments, if every row of a group there meets the same rows as the others.

    On the side of an outer join that is filled up with NULLs all arguments must be NULL then, as a column is, and
    arithmetic of columns.
    """
    used = frozenset(column for item in arguments for column in columns_of(item))
    filled_up = all(columns_of(item) for item in arguments)
    for side, below in enumerate((join.left, join.right)):
        keeps, fills = ((_KEEPS_LEFT, JoinKind.RIGHT), (_KEEPS_RIGHT, JoinKind.LEFT))[side]
        if used <= logical.column_ids(below) and (join.kind in keeps or (join.kind is fills and filled_up)):
            return side
    return None


def _share(place: _Place, estimator: Estimator) -> float:
    """How many groups there are for each row."""
    below = estimator.estimate(place.node)
    return group_count(place.needed, below) / below.rows


def _partial(place: _Place, calls: Sequence[CombinedCall], context: RuleContext) -> Aggregate | None:
    """The aggregate at a place; None where groups would not be exactly the rows that agree in what is needed."""
    columns = {column.id: column for column in logical.schema(place.node)}
    keys = tuple(column for id, column in columns.items() if id in place.needed)
    if not keys or not all(is_grouped_exactly(column.type) for column in keys):
        return None
    types = {id: column.type for id, column in columns.items()}
    known = context.estimator.estimate(place.node).columns
    if not all(cannot_fail(argument, types, known) for argument in place.arguments):
        return None
    assignments = [
        Assignment(Column(context.ids.fresh(f"{call.column.id}_part"), call.column.type), call.partial(argument))
        for call, argument in zip(calls, place.arguments, strict=True)
    ]
    return Aggregate(place.node, keys, tuple(assignments), partial=True)


def _gain(node: Aggregate, place: _Place, partial: Aggregate, estimator: Estimator) -> float:
    """The seconds saved; not positive if it does not pay."""
    before, after = estimator.estimate(place.node), estimator.estimate(partial)
    share = _share(place, estimator)
    total = estimator.estimate(node)
    rows = estimator.rows(node.input)
    price = rows * (GROUP_ROW + miss_seconds(total.bytes))
    saved = (1.0 - share) * price
    for step in place.path:
        full, less = (_price(step.node, step.side, estimator, part) for part in (1.0, share))
        price, saved = price + full, saved + full - less
    saved -= before.rows * (GROUP_ROW + miss_seconds(after.bytes)) + after.rows * GROUP_NEW
    return saved if saved > LEAST_GAIN * price else 0.0


def _price(node: Node, side: int, estimator: Estimator, share: float) -> float:
    """The price of a node on the path when only a share of the rows comes from below."""
    found = estimator.estimate(node)
    match node:
        case logical.Join():
            mine, other = (estimator.estimate((node.left, node.right)[number]) for number in (side, 1 - side))
            rows = mine.rows * share
            if rows >= other.rows:
                return hash_join_seconds(rows, other.rows, other.width, found.rows * share, found.width)
            return hash_join_seconds(other.rows, rows, mine.width, found.rows * share, found.width)
        case logical.Filter():
            return estimator.rows(node.input) * FILTER_ROW * share
        case logical.Project():
            return found.bytes / CELL_BYTES * PROJECT_CELL * share
        case _:
            return 0.0


def _rebuilt(
    node: Aggregate, calls: Sequence[CombinedCall], place: _Place, partial: Aggregate, context: RuleContext
) -> Node:
    """The aggregate that combines the partial results, over the path with the partial aggregate at its end."""
    below: Node = partial
    states = tuple(item.column for item in partial.assignments)
    for step in reversed(place.path):
        if isinstance(step.node, logical.Project):
            own = tuple(item for item in step.node.assignments if item.column.id in step.kept)
            passed = tuple(Assignment(column, column_ref(column.id)) for column in states)
            below = replace(step.node, input=below, assignments=own + passed)
        else:
            inputs = list(logical.children(step.node))
            inputs[step.side] = below
            below = with_children(step.node, tuple(inputs))
    combined: list[Assignment] = []
    results: dict[ColumnId, exp.Expression] = {}
    for call, state in zip(calls, states, strict=True):
        column, result = call.combined(context.ids)
        combined.append(Assignment(column, call.combining(state.id)))
        if result is not None:
            results[call.column.id] = result
    whole = Aggregate(below, node.keys, tuple(combined))
    if not results:
        return whole
    columns = [*node.keys, *(call.column for call in calls)]
    return logical.Project(
        whole, tuple(Assignment(column, results.get(column.id, column_ref(column.id))) for column in columns)
    )
