"""Write right joins as left joins, which move."""

from shoal.planner import logical
from shoal.planner.logical import JoinKind, Node
from shoal.planner.positions import keep_positions
from shoal.planner.rules.context import RuleContext
from shoal.planner.tree import with_children


def turn_right_joins(node: Node, context: RuleContext) -> Node:
    """Exchange the sides of right joins; the order of the columns changes with them.

        Join(right, a, b)  ->  Join(left, b, a)

    Below a set operation a projection keeps the order. Does not fire on joins of any other kind.
    """
    # Set operations need their inputs from before, which the transforms of the tree module do not hand on.
    inputs = tuple(turn_right_joins(child, context) for child in logical.children(node))
    turned = keep_positions(node, with_children(node, inputs))
    if isinstance(turned, logical.Join) and turned.kind is JoinKind.RIGHT:
        return logical.Join(JoinKind.LEFT, turned.right, turned.left, turned.condition)
    return turned
