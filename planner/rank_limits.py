"""The first rows of each partition: cut off in every task before rows are brought together.

A filter on ``row_number``, ``rank`` or ``dense_rank`` right above its window keeps the first rows of each partition.
Such a function depends on the rows before a row alone, so each task may drop what is too far behind among its own rows:
it would be no nearer to the front among those of all tasks.
"""

from dataclasses import dataclass

from sqlglot import exp

from shoal.planner import logical
from shoal.planner import physical as p
from shoal.planner.candidate import Candidate, Prices
from shoal.planner.cost.cardinality import RelationEstimate, group_count
from shoal.planner.cost.model import FILTER_ROW, WINDOW_ROW
from shoal.planner.distribution import groups_together, is_spread
from shoal.planner.functions import function_name
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Assignment, Column
from shoal.planner.scalar import column_ref, conjuncts, is_volatile, sql_of, unwrap
from shoal.planner.stage import Estimate

RANKS = frozenset({"row_number", "rank", "dense_rank"})

_TURNED: dict[type[exp.Expression], type[exp.Expression]] = {exp.LT: exp.GT, exp.LTE: exp.GTE, exp.EQ: exp.EQ}


@dataclass(frozen=True, slots=True)
class RankLimit:
    """The window function whose values are limited, to how many, in which partitions."""

    function: Assignment
    most: int
    partition: frozenset[ColumnId]


def find_rank_limit(node: logical.Filter) -> RankLimit | None:
    """The limit that a filter sets to a window right below it; None if other functions of the window need all rows."""
    window = node.input
    if not isinstance(window, logical.Window):
        return None
    first = window.assignments[0].expression
    keys = first.args.get("partition_by") or []
    if first.args.get("order") is None or not all(isinstance(key, exp.Column) for key in keys):
        return None
    if any(not _is_rank(item.expression) or _frame(item.expression) != _frame(first) for item in window.assignments):
        return None
    limits = [
        (most, number)
        for number, item in enumerate(window.assignments)
        for term in conjuncts(node.predicate)
        if (most := _most(term, item.column.id)) is not None
    ]
    if not limits:
        return None
    most, number = min(limits)
    return RankLimit(window.assignments[number], most, frozenset(ColumnId(key.name) for key in keys))


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


def _is_rank(expression: exp.Expression) -> bool:
    if not isinstance(expression, exp.Window) or expression.args.get("spec") is not None:
        return False
    return function_name(expression.this) in RANKS and not expression.this.expressions and not is_volatile(expression)


def _frame(expression: exp.Expression) -> str:
    """The partitions and the order of a window function."""
    copy = expression.copy()
    copy.set("this", exp.RowNumber())
    return sql_of(copy)


def _most(term: exp.Expression, column: ColumnId) -> int | None:
    """The greatest value of a column for which a comparison with a number may be true."""
    if not isinstance(term, exp.Binary):
        return None
    kind: type[exp.Expression] = type(term)
    one, other = unwrap(term.this), unwrap(term.expression)
    if isinstance(other, exp.Column):
        kind = next((left for left, right in _TURNED.items() if right is kind), kind)
        one, other = other, one
    if kind not in _TURNED or not isinstance(one, exp.Column) or one.name != column:
        return None
    if not isinstance(other, exp.Literal) or other.is_string or not str(other.this).isdigit():
        return None
    return int(other.this) - (1 if kind is exp.LT else 0)
