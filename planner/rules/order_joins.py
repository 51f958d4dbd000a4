"""Runs the search for the cheapest join order as a rule."""

from shoal.planner.candidate import prices_of
from shoal.planner.cost import join_order
from shoal.planner.cost.join_network import ONE_TASK, Cluster
from shoal.planner.cost.model import build_memory_bytes
from shoal.planner.logical import Node
from shoal.planner.rules.context import RuleContext


def order_joins(node: Node, context: RuleContext) -> Node:
    """Join in the cheapest order, with the smaller side on the right; see ``shoal.planner.cost.join_order``.

        Join(Join(lineitem, orders), Filter(c_mktsegment = 'BUILDING', customer))
        ->  Join(lineitem, Join(orders, Filter(c_mktsegment = 'BUILDING', customer)))

    Joins of all kinds move as far as their kinds and conditions let them. Does not fire across limits, aggregates,
    joins with volatile conditions, and right joins (see ``turn_right_joins``).
    """
    options = context.options
    prices = prices_of(options)
    cluster = Cluster(prices.tasks, prices.cores, prices.stage_seconds)
    if "price_network" in options.disabled_rules:
        cluster = ONE_TASK
    return join_order.order_joins(node, context.estimator, build_memory_bytes(options.memory_bytes), cluster)
