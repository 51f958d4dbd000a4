"""Drop columns as soon as nothing above needs them: what a join or an exchange does not carry costs nothing."""

from typing import assert_never

from shoal.planner import logical
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Assignment, Node
from shoal.planner.rules.context import RuleContext
from shoal.planner.scalar import column_ref, columns_of
from shoal.planner.tree import with_children

Needed = frozenset[ColumnId]


def narrow_rows(node: Node, context: RuleContext) -> Node:
    """Put a projection where an operator that keeps or moves its input gets columns that are done with.

        Join(a.x = b.x, Filter(a.y > 1, a: x, y), b)  ->  Join(a.x = b.x, Project(x, Filter(a.y > 1, a: x, y)), b)

    Runs after the order of joins is settled, as projections part the joins. Does not fire above scans and projections,
    which deliver nothing needless, nor below filters and projections, which pass rows on one at a time.
    """
    # The needed columns flow from each parent to its inputs, which the transforms of the tree module cannot carry.
    return _narrow(node, frozenset(context.outputs) or logical.column_ids(node))


def _narrow(node: Node, needed: Needed) -> Node:
    wanted = needed_of_inputs(node, needed)
    inputs = tuple(_narrow(child, want) for child, want in zip(logical.children(node), wanted, strict=True))
    if isinstance(node, (logical.Join, logical.Aggregate, logical.Window, logical.Sort)):
        inputs = tuple(_narrowed(child, want) for child, want in zip(inputs, wanted, strict=True))
    return with_children(node, inputs)


def _narrowed(node: Node, needed: Needed) -> Node:
    if not isinstance(node, (logical.Filter, logical.Join, logical.Window)):
        return node
    kept = [column for column in logical.schema(node) if column.id in needed] or logical.schema(node)[:1]
    if len(kept) == len(logical.schema(node)):
        return node
    return logical.Project(node, tuple(Assignment(column, column_ref(column.id)) for column in kept))


def needed_of_inputs(node: Node, needed: Needed) -> tuple[Needed, ...]:
    """For each input of a node the columns that the node and everything above need (others may be among them)."""
    used = frozenset(column for item in logical.expressions(node) for column in columns_of(item))
    match node:
        case logical.Scan() | logical.SharedScan() | logical.Values():
            return ()
        case logical.KernelBlock():
            return tuple(logical.column_ids(child) for child in logical.children(node))
        case logical.Filter() | logical.Sort() | logical.Window() | logical.Unnest():
            return (needed | used,)
        case logical.Limit():
            return (needed,)
        case logical.Project():
            return (used,)
        case logical.Join():
            return (needed | used, needed | used)
        case logical.Aggregate():
            return (used | frozenset(column.id for column in node.keys),)
        case logical.SetOperation() | logical.Apply():
            return (logical.column_ids(node.left), logical.column_ids(node.right))
        case _:
            assert_never(node)
