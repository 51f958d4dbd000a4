"""Aggregate only the groups that a join above will keep, where that pays."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.cost.cardinality import Estimator
from shoal.planner.cost.derived_columns import drawn
from shoal.planner.cost.join_graph import class_columns
from shoal.planner.cost.join_region import Region, collect_region, is_region
from shoal.planner.cost.model import BUILD_ROW, GROUP_NEW, GROUP_ROW, PROBE_ROW, RESCAN_ROW
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Aggregate, JoinKind, Node
from shoal.planner.rules.context import RuleContext
from shoal.planner.rules.decorrelate_columns import copy_fresh
from shoal.planner.scalar import column_ref, is_volatile
from shoal.planner.tree import with_children

LEAST_GAIN = 0.3
"""The share of the aggregate's price that must be saved: estimates are not better than that."""


def reduce_aggregates(node: Node, context: RuleContext) -> Node:
    """Semi-join the input of an aggregate with the filtered table that its groups are joined with.

        Join(k = p.x, Aggregate(k, t), Filter(p.y = 1, p))
        ->  Join(k = p.x, Aggregate(k, SemiJoin(k = p2.x, t, Filter(p2.y = 1, p2))), Filter(p.y = 1, p))

    A correlated subquery becomes an aggregate over all groups first; this brings it down to those that are asked for
    (the "magic sets" of Mumick et al., 1990). Does not fire without group keys, for tables whose filter keeps most
    keys, for restrictions dearer to compute twice than a filtered scan, nor between columns of different types.
    """
    # A region is handled as a whole, which the transforms of the tree module cannot do: they see one join at a time.
    if not is_region(node):
        return with_children(node, tuple(reduce_aggregates(child, context) for child in logical.children(node)))
    region = collect_region(node)
    restrictions = _Restrictions(region, context.estimator)
    replaced: dict[int, Node] = {}
    for member in [*region.leaves, *(item.node for item in region.dependents)]:
        reduced = _reduce(member, restrictions, context)
        if reduced is member:
            reduced = reduce_aggregates(member, context)
        replaced[id(member)] = reduced
    return _rebuilt(node, replaced)


def _rebuilt(node: Node, replaced: Mapping[int, Node]) -> Node:
    if id(node) in replaced:
        return replaced[id(node)]
    return with_children(node, tuple(_rebuilt(child, replaced) for child in logical.children(node)))


def _reduce(member: Node, restrictions: "_Restrictions", context: RuleContext) -> Node:
    """The member with its aggregate's input restricted; the member itself if it has none or it does not pay."""
    if isinstance(member, logical.Filter):
        below = _reduce(member.input, restrictions, context)
        return member if below is member.input else replace(member, input=below)
    if not isinstance(member, Aggregate) or not member.keys:
        return member
    best: tuple[float, ColumnId, ColumnId, Node] | None = None
    for key in member.keys:
        for column, table in restrictions.of(key.id, member):
            gain = _gain(member, key.id, column, table, context.estimator)
            if gain > 0 and (best is None or gain > best[0]):
                best = gain, key.id, column, table
    if best is None:
        return member
    _, key_id, column, table = best
    copy, mapping = copy_fresh(table, context.ids)
    condition = exp.EQ(this=column_ref(key_id), expression=column_ref(mapping[column]))
    return replace(member, input=logical.Join(JoinKind.SEMI, member.input, copy, condition))


def _gain(node: Aggregate, key: ColumnId, column: ColumnId, table: Node, estimator: Estimator) -> float:
    """The seconds saved by aggregating only the rows whose key is in the table; not positive if it does not pay."""
    below, restricting = estimator.estimate(node.input), estimator.estimate(table)
    known, other = below.columns.get(key), restricting.columns.get(column)
    if known is None or known.distinct is None or other is None or other.distinct is None:
        return 0.0
    kept = min(1.0, drawn(other.distinct, restricting.rows) / known.distinct)
    price = below.rows * GROUP_ROW + estimator.rows(node) * GROUP_NEW
    extra = below.rows * PROBE_ROW + restricting.rows * BUILD_ROW + restricting.domain * RESCAN_ROW
    saved = (1.0 - kept) * price - extra
    return saved if saved > LEAST_GAIN * price else 0.0


@dataclass(slots=True)
class _Restrictions:
    """The filtered tables of a region by the equality classes of their columns."""

    region: Region
    estimator: Estimator

    def of(self, key: ColumnId, member: Node) -> Iterable[tuple[ColumnId, Node]]:
        """Columns of cheap filtered tables that rows must agree with on ``key`` to survive the region's joins."""
        equal = self._equal_to(key)
        semi = [item.node for item in self.region.dependents if item.kind is JoinKind.SEMI]
        for table in [*self.region.leaves, *semi]:
            if table is member or not _is_filtered_scan(table):
                continue
            for column in logical.schema(table):
                if column.id in equal:
                    yield column.id, table

    def _equal_to(self, key: ColumnId) -> frozenset[ColumnId]:
        """The key and all columns of its type that it must be equal to.

        The condition of a left or an anti-join counts for its own right side only: left rows survive without it.
        """
        terms = list(self.region.terms)
        for item in self.region.dependents:
            if item.kind is JoinKind.SEMI or key in logical.column_ids(item.node):
                terms += item.terms
        return _closure(key, terms, self._types())

    def _types(self) -> Mapping[ColumnId, str]:
        members = [*self.region.leaves, *(item.node for item in self.region.dependents)]
        return {column.id: column.type for member in members for column in logical.schema(member)}


def _closure(key: ColumnId, terms: Sequence[exp.Expression], types: Mapping[ColumnId, str]) -> frozenset[ColumnId]:
    pairs = [pair for pair in map(class_columns, terms) if pair is not None]
    found = {key}
    grown = True
    while grown:
        grown = False
        for pair in pairs:
            one, other = (types.get(column) for column in pair)
            if one and one == other and len(found.intersection(pair)) == 1:
                found.update(pair)
                grown = True
    return frozenset(found)


def _is_filtered_scan(node: Node) -> bool:
    return isinstance(node, logical.Filter) and isinstance(node.input, logical.Scan) and not is_volatile(node.predicate)
