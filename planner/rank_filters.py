"""Finds filters that keep the first rows of each partition of a window."""

from dataclasses import dataclass

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.functions import function_name
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Assignment
from shoal.planner.scalar import conjuncts, is_volatile, sql_of, unwrap

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
