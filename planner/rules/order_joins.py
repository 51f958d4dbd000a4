"""Runs the search for the cheapest join order as a rule."""

from shoal.planner.cost import join_order
from shoal.planner.logical import Node
from shoal.planner.rules.context import RuleContext


def order_joins(node: Node, context: RuleContext) -> Node:
    """Join in the cheapest order, with the smaller side on the right; see ``shoal.planner.cost.join_order``.

        Join(Join(lineitem, orders), Filter(c_mktsegment = 'BUILDING', customer))
        ->  Join(lineitem, Join(orders, Filter(c_mktsegment = 'BUILDING', customer)))

    Does not fire across full and right joins, limits, aggregates, or joins with volatile conditions.
    """
    return join_order.order_joins(node, context.estimator)
