"""Counts of distinct values from rows that are made distinct first, which any number of tasks can share."""

from dataclasses import dataclass, replace

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Assignment
from shoal.planner.scalar import column_ref
from shoal.planner.types import is_grouped_exactly

RULE = "distinct_first"
"""Among ``disabled_rules`` it leaves DISTINCT to the task that has all rows of a group."""


@dataclass(frozen=True, slots=True)
class DistinctFirst:
    """The two aggregates in the place of one: ``below`` makes rows distinct, ``above`` counts them."""

    below: logical.Aggregate
    above: logical.Aggregate


def distinct_first(node: logical.Aggregate) -> DistinctFirst | None:
    """Distinct rows of the keys and the counted column, and their number in each group.

        Aggregate(keys k, count(DISTINCT x), t)  ->  Aggregate(keys k, count(x), Aggregate(keys k, x, t))

    None where something else is computed too, where a FILTER drops rows of one count, or where equal values of the
    counted column need not be the same to the last bit.
    """
    counted = {_counted(item.expression) for item in node.assignments}
    if len(counted) != 1 or node.partial:
        return None
    found = counted.pop()
    column = next((one for one in logical.schema(node.input) if one.id == found), None)
    if column is None or not is_grouped_exactly(column.type):
        return None
    keys = node.keys if any(key.id == column.id for key in node.keys) else (*node.keys, column)
    below = logical.Aggregate(node.input, keys, ())
    count = exp.Count(this=column_ref(column.id))
    counts = tuple(Assignment(item.column, count.copy()) for item in node.assignments)
    return DistinctFirst(below, replace(node, input=below, assignments=counts))


def _counted(expression: exp.Expression) -> ColumnId | None:
    """The column whose distinct values a call counts."""
    if not isinstance(expression, exp.Count) or not isinstance(expression.this, exp.Distinct):
        return None
    distinct = expression.this
    if len(distinct.expressions) != 1 or distinct.args.get("on") or expression.args.get("order"):
        return None
    [argument] = distinct.expressions
    return ColumnId(argument.name) if isinstance(argument, exp.Column) else None
