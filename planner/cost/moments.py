"""Means and standard deviations of columns and expressions: what comparisons with sums, averages and columns need.

Base columns are taken to be spread evenly between their bounds; totals of groups to be normally distributed, with group
sizes that vary as those of random draws do. Dates and timestamps count in days.
"""

import math
from collections.abc import Mapping

from sqlglot import exp

from shoal.planner.cost.constants import constant_value, position
from shoal.planner.cost.expression_statistics import expression_statistics
from shoal.planner.ids import ColumnId
from shoal.planner.protocols import ColumnStatistics
from shoal.planner.scalar import columns_of, unwrap

Moments = tuple[float, float]
"""A mean and a standard deviation."""

Columns = Mapping[ColumnId, ColumnStatistics]


def moments(expression: exp.Expression, columns: Columns) -> Moments | None:
    """Mean and standard deviation of an expression's values; None when its columns' bounds do not tell."""
    bare = unwrap(expression)
    match bare:
        case exp.Add() | exp.Sub() | exp.Mul() | exp.Div() if columns_of(bare):
            return _arithmetic(bare, columns)
        case exp.Neg():
            inner = moments(bare.this, columns)
            return None if inner is None else (-inner[0], inner[1])
        case exp.Cast() | exp.TryCast() if columns_of(bare):
            return moments(bare.this, columns)
    place = position(constant_value(bare))
    return column_moments(expression_statistics(bare, columns)) if place is None else (place, 0.0)


def column_moments(known: ColumnStatistics) -> Moments | None:
    """Those of a column, from what is known of it or from its bounds; None for text."""
    if known.mean is not None:
        return known.mean, known.deviation or 0.0
    low, high = position(known.minimum), position(known.maximum)
    if low is None or high is None or isinstance(known.minimum, (str, bytes)):
        return None
    return (low + high) / 2, (high - low) / math.sqrt(12)


def _arithmetic(expression: exp.Expression, columns: Columns) -> Moments | None:
    left, right = moments(expression.this, columns), moments(expression.expression, columns)
    if left is None or right is None:
        return None
    if isinstance(expression, (exp.Add, exp.Sub)):
        sign = -1.0 if isinstance(expression, exp.Sub) else 1.0
        return left[0] + sign * right[0], math.hypot(left[1], right[1])
    if isinstance(expression, exp.Mul):
        squares = (left[0] ** 2 + left[1] ** 2) * (right[0] ** 2 + right[1] ** 2)
        mean = left[0] * right[0]
        return mean, math.sqrt(max(0.0, squares - mean**2))
    if right[1] > 0 or right[0] == 0:
        return None
    return left[0] / right[0], left[1] / abs(right[0])


def total_moments(call: exp.Expression, columns: Columns, count: float) -> Moments | None:
    """Those of a sum, a count or an average over groups of ``count`` rows on average; None for anything else."""
    if isinstance(call, exp.Count):
        return None if call.find(exp.Distinct) else (count, math.sqrt(count))
    if not isinstance(call, (exp.Sum, exp.Avg)) or isinstance(unwrap(call.this), exp.Distinct):
        return None
    inner = moments(call.this, columns)
    if inner is None:
        return None
    mean, deviation = inner
    if isinstance(call, exp.Avg):
        return mean, deviation / math.sqrt(max(1.0, count))
    return count * mean, math.sqrt(count * (deviation**2 + mean**2))


def normal_share(known: Moments, low: float | None, high: float | None) -> float:
    """Which part of normally distributed values lies between two bounds."""
    return _below(known, high) - (0.0 if low is None else _below(known, low))


def _below(known: Moments, bound: float | None) -> float:
    if bound is None:
        return 1.0
    mean, deviation = known
    if deviation <= 0:
        return 1.0 if mean <= bound else 0.0
    return 0.5 * (1.0 + math.erf((bound - mean) / (deviation * math.sqrt(2.0))))


def less_share(left: Moments, right: Moments) -> float:
    """How often a value of the one is less than one of the other, which does not depend on it."""
    return _below((left[0] - right[0], math.hypot(left[1], right[1])), 0.0)
