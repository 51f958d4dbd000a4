"""A semi or anti join of few rows with many: only those of the many that can match are brought to the few.

    Join anti (few, many)   ->   Join anti (few, gathered(Join semi (many, few)))

The few are sent to every task, each keeps what matches of its own part of the many, and the join is done where that
arrives. Without it each task would read all of the many, or all of them would move. This is the semi-join reduction of
Bernstein and Chiu, "Using semi-joins to solve relational queries", JACM 1981.
"""

from sqlglot import exp

from shoal.planner import logical
from shoal.planner import physical as p
from shoal.planner.candidate import Candidate, Prices, exchanged_whole
from shoal.planner.cost.model import BUILD_ROW, GROUP_NEW, GROUP_ROW, PROBE_ROW
from shoal.planner.distribution import Arbitrary, Whole, is_spread
from shoal.planner.logical import JoinKind
from shoal.planner.physical import AggregatePhase, HashAggregate, HashJoin
from shoal.planner.scalar import columns_of, conjunction
from shoal.planner.stage import Estimate

FEWER = 8.0
"""How many times fewer rows the left side must have: below it the rows that match are not few."""


def reduced_semi_join(
    node: logical.Join,
    terms: list[exp.Expression],
    left: Candidate,
    right: Candidate,
    estimate: Estimate,
    prices: Prices,
) -> Candidate | None:
    """The join with its right side reduced first; None where that is not possible or cannot pay.

    ``terms`` are the condition's equalities between a column of each side.
    """
    few, many = left.plan.estimate, right.plan.estimate
    kinds = (JoinKind.SEMI, JoinKind.ANTI)
    if node.kind not in kinds or not terms or not is_spread(right.distribution) or few.rows * FEWER > many.rows:
        return None
    sent = exchanged_whole(left, prices) if is_spread(left.distribution) or not left.stable else left
    matching = Estimate(min(few.rows, many.rows), many.bytes / max(1.0, many.rows) * min(few.rows, many.rows))
    condition = conjunction(terms)
    reason = f"what matches {few.rows:,.0f} rows is less than all {many.rows:,.0f}"
    kept = HashJoin(JoinKind.SEMI, right.plan, sent.plan, condition, p.JoinStrategy.BROADCAST, False, reason, matching)
    seconds = right.seconds + few.rows * BUILD_ROW + many.rows * PROBE_ROW / prices.share(Arbitrary())
    part: p.PhysicalNode = kept
    columns = logical.schema(node.right)
    if {column.id for column in columns} <= columns_of(condition):
        part = HashAggregate(kept, columns, (), AggregatePhase.COMPLETE, matching)
        seconds += matching.rows * (GROUP_ROW + GROUP_NEW) / prices.share(Arbitrary())
    brought = exchanged_whole(Candidate(part, Arbitrary(), seconds, stable=right.stable), prices)
    seconds = sent.seconds + brought.seconds + matching.rows * BUILD_ROW + few.rows * PROBE_ROW
    plan = HashJoin(node.kind, sent.plan, brought.plan, node.condition, p.JoinStrategy.LOCAL, False, reason, estimate)
    return Candidate(plan, Whole(), seconds)
