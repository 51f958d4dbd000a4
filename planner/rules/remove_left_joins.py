"""Drop left joins that neither add a column that is needed nor repeat a row."""

from shoal.planner import logical
from shoal.planner.ids import ColumnId
from shoal.planner.logical import JoinKind, Node
from shoal.planner.rules.context import RuleContext
from shoal.planner.rules.narrow_rows import needed_of_inputs
from shoal.planner.rules.unique_keys import equated_columns, is_unique
from shoal.planner.scalar import is_volatile
from shoal.planner.tree import walk, with_children

Needed = frozenset[ColumnId]


def remove_left_joins(node: Node, context: RuleContext) -> Node:
    """Put the left side where a left join stands whose right side has at most one partner and no use.

        Project(a.y, Join(left, a.x = b.k, a, Aggregate(keys k, ...)))  ->  Project(a.y, a)

    That there is at most one partner is proved from the plan (group keys, single rows), never from statistics. Does
    not fire when a column of the right side is needed above, when only a part of its key is compared, nor when it has
    an effect, such as the error of a scalar subquery with two rows.
    """
    # The needed columns flow from each parent to its inputs, which the transforms of the tree module cannot carry.
    return _remove(node, frozenset(context.outputs) or logical.column_ids(node))


def _remove(node: Node, needed: Needed) -> Node:
    while isinstance(node, logical.Join) and _is_needless(node, needed):
        node = node.left
    wanted = needed_of_inputs(node, needed)
    inputs = (_remove(child, want) for child, want in zip(logical.children(node), wanted, strict=True))
    return with_children(node, tuple(inputs))


def _is_needless(node: logical.Join, needed: Needed) -> bool:
    if node.kind is not JoinKind.LEFT or not needed.isdisjoint(logical.column_ids(node.right)):
        return False
    if not is_unique(node.right, equated_columns(node)[1]):
        return False
    conditions = [node.condition] if node.condition is not None else []
    below = [item for one in walk(node.right) for item in logical.expressions(one)]
    return not any(is_volatile(item) for item in (*conditions, *below))
