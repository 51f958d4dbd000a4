"""Chooses, by price, between computing a common table once and computing it again for each reader.

Each reader for itself can use its own filters, key and join order; but where readers want all of it, once is enough.
Exchanges of the same rows are shared in either plan, and only counted once here.
"""

from collections.abc import Callable
from dataclasses import dataclass

from shoal.planner import logical, tree
from shoal.planner import physical as p
from shoal.planner.candidate import Candidate
from shoal.planner.cost.cardinality import Estimator
from shoal.planner.distribute import ArgumentTypes, Distributor
from shoal.planner.logical import Query
from shoal.planner.options import PlanOptions
from shoal.planner.physical import PhysicalNode
from shoal.planner.rules import optimise
from shoal.planner.rules.context import RuleContext
from shoal.planner.share_exchanges import share_exchanges

LEAST_ROWS = 100_000.0
"""Rows that a common table reads, from which on a second plan is worth the time to make it."""

CLEARLY = 0.9
"""The share of the price below which computing it once is taken to be cheaper: both prices are guesses."""

_WORK = (logical.Aggregate, logical.Window, logical.Join)


@dataclass(frozen=True, slots=True)
class Planned:
    """An optimised query and the cheapest plan for it."""

    query: Query
    chosen: Candidate


def fold_plans(
    bound: Query, inlined: Planned, context: RuleContext, types: Callable[[Query], ArgumentTypes]
) -> Planned:
    """The plan with common tables computed once, if that is clearly cheaper; otherwise the one with all of it inlined.

    ``types`` gives the types of the arguments of a query's aggregates::

        Join                                            Join
          Filter(Aggregate(sum by k, t))      ->          Filter(Exchange of totals)
          Aggregate(max, Aggregate(sum by k, t))          Aggregate(max, Exchange of totals)
    """
    folded, options, estimator = bound.folded, context.options, context.estimator
    if folded is None or "fold_plans" in options.disabled_rules or not _is_worth_it(folded, estimator):
        return inlined
    query = optimise(folded, context)
    distributor = Distributor(estimator, options, types(query))
    if distributor.prices.tasks == 1:
        return inlined
    chosen = distributor.distribute(query.root, query.shared)
    price = inlined.chosen.seconds - _seconds_twice(inlined.chosen.plan, options)
    return Planned(query, chosen) if chosen.seconds < CLEARLY * price else inlined


def _is_worth_it(query: Query, estimator: Estimator) -> bool:
    """Whether something that is read several times takes work that grows with a large table."""
    for plan in query.shared:
        if plan.free and any(isinstance(node, _WORK) for node in tree.walk(plan.root)):
            sources = (scan.source for scan in tree.find(plan.root, logical.Scan))
            if sum(estimator.statistics.table(source, frozenset()).rows for source in sources) >= LEAST_ROWS:
                return True
    return False


def _seconds_twice(plan: PhysicalNode, options: PlanOptions) -> float:
    """The seconds in a plan's price for exchanges that read what another one's stage has made."""
    if "share_exchanges" in options.disabled_rules:
        return 0.0
    shared = share_exchanges(plan)
    found = 0.0
    ahead = [plan]
    while ahead:
        node = ahead.pop()
        if isinstance(node, p.Exchange) and id(node) in shared:
            found += node.seconds
        else:
            ahead += p.children(node)
    return found
