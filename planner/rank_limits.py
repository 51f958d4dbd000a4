"""The first rows of each partition: cut off in every task before rows are brought together.

A filter on ``row_number``, ``rank`` or ``dense_rank`` right above its window keeps the first rows of each partition.
Such a function depends on the rows before a row alone, so each task may drop what is too far behind among its own rows:
it would be no nearer to the front among those of all tasks.
"""

from sqlglot import exp

from shoal.planner import physical as p
from shoal.planner.candidate import Candidate, Prices
from shoal.planner.cost.cardinality import RelationEstimate, group_count
from shoal.planner.cost.model import FILTER_ROW, WINDOW_ROW
from shoal.planner.distribution import groups_together, is_spread
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Assignment, Column
from shoal.planner.rank_filters import RankLimit
from shoal.planner.scalar import column_ref
from shoal.planner.stage import Estimate


def limited_early(item: Candidate, limit: RankLimit, below: RelationEstimate, prices: Prices) -> list[Candidate]:
    """The input of the window with only the first rows of each task's part of each partition, if rows have to move."""
    if not is_spread(item.distribution) or (limit.partition and groups_together(item.distribution, limit.partition)):
        return []
    estimate = item.plan.estimate
    partitions = group_count(limit.partition, below) if limit.partition else 1.0
    rows = min(estimate.rows, partitions * limit.most * prices.tasks)
    kept = Estimate(rows, estimate.bytes * rows / max(1.0, estimate.rows))
    # No id of a statement has this character in it.
    rank = Column(ColumnId(f"{limit.function.column.id}$"), limit.function.column.type)
    computed = p.WindowCompute(item.plan, (Assignment(rank, limit.function.expression),), estimate)
    predicate = exp.LTE(this=column_ref(rank.id), expression=exp.Literal.number(limit.most))
    passed = tuple(Assignment(column, column_ref(column.id)) for column in p.schema(item.plan))
    plan = p.Project(p.Filter(computed, predicate, kept), passed, kept)
    seconds = item.seconds + estimate.rows * (WINDOW_ROW + FILTER_ROW) / prices.share(item.distribution)
    return [Candidate(plan, item.distribution, seconds, stable=False)]
