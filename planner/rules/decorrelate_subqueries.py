"""Runs the decorrelation of subqueries as a rule."""

from shoal.planner import logical
from shoal.planner.logical import Node
from shoal.planner.rules.context import RuleContext
from shoal.planner.rules.decorrelate import decorrelate
from shoal.planner.tree import find


def decorrelate_subqueries(node: Node, context: RuleContext) -> Node:
    """Replace every dependent join by ordinary ones; see ``shoal.planner.rules.decorrelate`` for the method.

        Apply(exists m, a, Filter(b.x = a.x, b))  ->  a joined with the distinct b.x

    Does not fire on plans without an ``Apply``: these stay the same objects.
    """
    if next(find(node, logical.Apply), None) is None:
        return node
    return decorrelate(node, context.ids)
