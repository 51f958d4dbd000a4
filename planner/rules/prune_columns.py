"""Compute and deliver only the columns that somebody above needs."""

from dataclasses import replace
from typing import assert_never

from shoal.planner import logical
from shoal.planner.ids import ColumnId
from shoal.planner.logical import ApplyKind, Assignment, Column, Node, Schema, SetOperator
from shoal.planner.rules.context import RuleContext
from shoal.planner.scalar import column_ref, columns_of
from shoal.planner.tree import walk, with_children

Needed = frozenset[ColumnId]

TYPE_WIDTHS = {
    "BOOLEAN": 1,
    "TINYINT": 1,
    "UTINYINT": 1,
    "SMALLINT": 2,
    "USMALLINT": 2,
    "INTEGER": 4,
    "UINTEGER": 4,
    "FLOAT": 4,
    "DATE": 4,
    "BIGINT": 8,
    "UBIGINT": 8,
    "DOUBLE": 8,
}
"""Bytes of a value, for choosing the column that stands for "any column"; other types count as wide."""


def prune_columns(node: Node, context: RuleContext) -> Node:
    """Deliver at each node only what the nodes above it and the query need.

        Project(a, Scan(t: a, b, c))  ->  Project(a, Scan(t: a))

    Unused projections, aggregates and windows go; so do columns of scans and of UNION ALL. Where nothing is needed
    (``count(*)``) the narrowest column stays. Does not fire on the columns of set operations that compare whole rows,
    on group keys, nor on scalar subqueries, whose second row is an error even if nobody looks.
    """
    # The needed columns flow from each parent to its inputs, which the transforms of the tree module cannot carry.
    return _prune(node, frozenset(context.outputs) or logical.column_ids(node))


def _prune(node: Node, needed: Needed) -> Node:
    match node:
        case logical.Scan():
            return _prune_scan(node, needed)
        case logical.SharedScan():
            return _prune_shared(node, needed)
        case logical.KernelBlock():
            children = logical.children(node)
            return with_children(node, tuple(_prune(child, logical.column_ids(child)) for child in children))
        case logical.Values():
            return node
        case logical.Filter() | logical.Sort():
            return with_children(node, (_prune(node.input, needed | _used(node)),))
        case logical.Limit():
            return with_children(node, (_prune(node.input, needed),))
        case logical.Project():
            return _prune_project(node, needed)
        case logical.Join():
            wanted = needed | _used(node)
            return with_children(node, (_prune(node.left, wanted), _prune(node.right, wanted)))
        case logical.Apply():
            return _prune_apply(node, needed)
        case logical.Aggregate():
            return _prune_aggregate(node, needed)
        case logical.Window():
            return _prune_window(node, needed)
        case logical.Unnest():
            return with_children(node, (_prune(node.input, needed | _used(node)),))
        case logical.SetOperation():
            return _prune_set_operation(node, needed)
        case _:
            assert_never(node)


def _used(node: Node) -> Needed:
    return frozenset(column for item in logical.expressions(node) for column in columns_of(item))


def _narrowest(columns: Schema) -> Column:
    return min(columns, key=lambda column: TYPE_WIDTHS.get(column.type, 16))


def _prune_scan(node: logical.Scan, needed: Needed) -> Node:
    kept = [(column, name) for column, name in zip(node.columns, node.names, strict=True) if column.id in needed]
    if not kept and node.columns:
        narrowest = _narrowest(node.columns)
        kept = [(narrowest, node.names[node.columns.index(narrowest)])]
    if len(kept) == len(node.columns):
        return node
    return replace(node, columns=tuple(column for column, _ in kept), names=tuple(name for _, name in kept))


def _prune_shared(node: logical.SharedScan, needed: Needed) -> Node:
    pairs = list(zip(node.columns, node.origins, strict=True))
    kept = [(column, origin) for column, origin in pairs if column.id in needed]
    if not kept and pairs:
        kept = [pairs[node.columns.index(_narrowest(node.columns))]]
    if len(kept) == len(pairs):
        return node
    return replace(node, columns=tuple(column for column, _ in kept), origins=tuple(origin for _, origin in kept))


def _kept(assignments: tuple[Assignment, ...], needed: Needed) -> tuple[Assignment, ...]:
    return tuple(item for item in assignments if item.column.id in needed)


def _prune_project(node: logical.Project, needed: Needed) -> Node:
    kept = _kept(node.assignments, needed) or node.assignments[:1]
    if len(kept) < len(node.assignments):
        node = replace(node, assignments=kept)
    return with_children(node, (_prune(node.input, _used(node)),))


def _prune_aggregate(node: logical.Aggregate, needed: Needed) -> Node:
    kept = _kept(node.assignments, needed)
    if not kept and not node.keys:
        kept = node.assignments[:1]
    if len(kept) < len(node.assignments):
        node = replace(node, assignments=kept)
    keys = frozenset(column.id for column in node.keys)
    return with_children(node, (_prune(node.input, keys | _used(node)),))


def _prune_window(node: logical.Window, needed: Needed) -> Node:
    kept = _kept(node.assignments, needed)
    if not kept:
        return _prune(node.input, needed)
    if len(kept) < len(node.assignments):
        node = replace(node, assignments=kept)
    return with_children(node, (_prune(node.input, needed | _used(node)),))


def _prune_apply(node: logical.Apply, needed: Needed) -> Node:
    if node.kind in (ApplyKind.EXISTS, ApplyKind.IN) and node.mark is not None and node.mark.id not in needed:
        return _prune(node.left, needed)
    correlated = frozenset(column for item in walk(node.right) for column in _used(item))
    wanted = needed | _used(node)
    match node.kind:
        case ApplyKind.SCALAR | ApplyKind.IN:
            inside = logical.column_ids(node.right)
        case ApplyKind.EXISTS | ApplyKind.SEMI | ApplyKind.ANTI | ApplyKind.INNER | ApplyKind.LEFT:
            inside = wanted
        case _:
            assert_never(node.kind)
    return with_children(node, (_prune(node.left, wanted | correlated), _prune(node.right, inside)))


def _prune_set_operation(node: logical.SetOperation, needed: Needed) -> Node:
    if node.operator is SetOperator.UNION and node.all:
        columns = tuple(column for column in node.columns if column.id in needed) or (_narrowest(node.columns),)
    else:
        columns = node.columns
    sides = tuple(_side(side, node, columns) for side in (node.left, node.right))
    if len(columns) < len(node.columns):
        return replace(node, columns=columns, left=sides[0], right=sides[1])
    return with_children(node, sides)


def _side(side: Node, node: logical.SetOperation, columns: Schema) -> Node:
    """An input of a set operation pruned to the positions of ``columns``: exactly these, in this order."""
    theirs = dict(zip((column.id for column in node.columns), logical.schema(side), strict=True))
    wanted = tuple(theirs[column.id] for column in columns)
    pruned = _prune(side, frozenset(column.id for column in wanted))
    if logical.schema(pruned) == wanted:
        return pruned
    return logical.Project(pruned, tuple(Assignment(column, column_ref(column.id)) for column in wanted))
