"""Statistics of scalar expressions, from those of the columns in them."""

from collections.abc import Mapping
from dataclasses import replace

from sqlglot import exp

from shoal.planner.cost.constants import constant_value, position
from shoal.planner.ids import ColumnId
from shoal.planner.protocols import ColumnStatistics
from shoal.planner.scalar import columns_of, unwrap

UNKNOWN = ColumnStatistics()

SUBSTRING_DISTINCT = 100.0
"""Distinct values of a piece cut out of a string, at most."""

DAYS_OF_PART: dict[str, float] = {"YEAR": 365.25, "QUARTER": 91.3, "MONTH": 30.4, "WEEK": 7.0, "DAY": 1.0}
"""How many days share one value of ``date_trunc`` to a part."""

VALUES_OF_PART: dict[str, float] = {"QUARTER": 4, "MONTH": 12, "WEEK": 53, "DAY": 31, "DAYOFWEEK": 7, "HOUR": 24}
"""How many values ``extract`` of a part can give; a year has none that bounds it."""


def expression_statistics(expression: exp.Expression, columns: Mapping[ColumnId, ColumnStatistics]) -> ColumnStatistics:
    """What is known of an expression's values; empty statistics when nothing is."""
    bare = unwrap(expression)
    match bare:
        case exp.Column():
            return columns.get(ColumnId(bare.name), UNKNOWN)
        case exp.Cast() | exp.TryCast():
            return _cast(bare, columns)
        case exp.Coalesce():
            return _coalesced(bare, columns)
        case exp.Year() | exp.Extract() | exp.TimestampTrunc() | exp.DateTrunc():
            return _part_of_date(bare, columns)
        case exp.Case():
            return ColumnStatistics(distinct=float(len(bare.args.get("ifs") or ()) + 1))
        case exp.Substring() | exp.Left() | exp.Right():
            distinct = expression_statistics(bare.this, columns).distinct
            return ColumnStatistics(distinct=min(distinct or SUBSTRING_DISTINCT, SUBSTRING_DISTINCT))
    value = constant_value(bare)
    if value is not None:
        return ColumnStatistics(minimum=value, maximum=value, null_fraction=0.0, distinct=1.0)
    return _combined(bare, columns)


def _cast(expression: exp.Expression, columns: Mapping[ColumnId, ColumnStatistics]) -> ColumnStatistics:
    value = constant_value(expression)
    if value is not None:
        return ColumnStatistics(minimum=value, maximum=value, null_fraction=0.0, distinct=1.0)
    below = expression_statistics(expression.this, columns)
    if isinstance(below.minimum, str) or expression.args["to"].is_type(*exp.DataType.TEXT_TYPES):
        return replace(below, minimum=None, maximum=None)
    return below


def _coalesced(expression: exp.Expression, columns: Mapping[ColumnId, ColumnStatistics]) -> ColumnStatistics:
    """The values of the first operand, and a default in the place of its NULLs."""
    below = expression_statistics(expression.this, columns)
    default = constant_value(expression.expressions[0]) if len(expression.expressions) == 1 else None
    low, place, high = position(below.minimum), position(default), position(below.maximum)
    if low is None or place is None or high is None:
        return ColumnStatistics(distinct=below.distinct, null_fraction=0.0, width=below.width)
    bounds = (default if place < low else below.minimum, default if place > high else below.maximum)
    return replace(below, minimum=bounds[0], maximum=bounds[1], null_fraction=0.0)


def _part_of_date(expression: exp.Expression, columns: Mapping[ColumnId, ColumnStatistics]) -> ColumnStatistics:
    if isinstance(expression, exp.Extract):
        part, operand = expression.this.name.upper(), expression.expression
    elif isinstance(expression, exp.Year):
        part, operand = "YEAR", expression.this
    else:
        unit = expression.args.get("unit")
        part, operand = (unit.name.upper() if unit is not None else ""), expression.this
    below = expression_statistics(operand, columns)
    if part in VALUES_OF_PART and isinstance(expression, exp.Extract):
        return ColumnStatistics(distinct=VALUES_OF_PART[part], null_fraction=below.null_fraction)
    low, high = position(below.minimum), position(below.maximum)
    if low is None or high is None or part not in DAYS_OF_PART:
        return ColumnStatistics(null_fraction=below.null_fraction)
    values = (high - low) / DAYS_OF_PART[part] + 1.0
    return ColumnStatistics(distinct=max(1.0, min(values, below.distinct or values)), null_fraction=below.null_fraction)


def _combined(expression: exp.Expression, columns: Mapping[ColumnId, ColumnStatistics]) -> ColumnStatistics:
    """Any other expression: at most as many values as its columns have combinations."""
    used = columns_of(expression)
    if not used:
        return UNKNOWN
    distinct = 1.0
    for column in used:
        known = columns.get(column, UNKNOWN).distinct
        if known is None:
            return UNKNOWN
        distinct *= known
    return ColumnStatistics(distinct=distinct)
