"""What is known of columns after a filter, a join, an aggregate or a set operation, from what was known before."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.cost.constants import constant_value, position
from shoal.planner.cost.expression_statistics import UNKNOWN
from shoal.planner.cost.selectivity import Range, collect_ranges
from shoal.planner.ids import ColumnId
from shoal.planner.protocols import ColumnStatistics
from shoal.planner.scalar import conjuncts, disjuncts, equality, unwrap

KEY_SHARE = 0.9
"""From this many distinct values for each row on, a column is taken for a key of its table."""

TOTAL_DEVIATIONS = 3.5
"""How far from its mean a sum or a count of a group is believed to be at most, in standard deviations."""

ONE = ColumnStatistics(minimum=1, maximum=1)


def drawn(distinct: float, rows: float) -> float:
    """How many of ``distinct`` equally frequent values so many rows show (Yao's formula, in its limit)."""
    if distinct <= 0:
        return 1.0
    return distinct * -math.expm1(-rows / distinct)


def filtered_columns(
    predicate: exp.Expression, columns: Mapping[ColumnId, ColumnStatistics]
) -> Mapping[ColumnId, ColumnStatistics]:
    """Statistics after a filter: the columns that it compares with constants have fewer values."""
    ranges, others = collect_ranges(conjuncts(predicate))
    changed = dict(columns)
    for bounds in ranges.values():
        operand = unwrap(bounds.operand)
        if isinstance(operand, exp.Column) and ColumnId(operand.name) in changed:
            changed[ColumnId(operand.name)] = _within(changed[ColumnId(operand.name)], bounds)
    for term in others:
        column, values = _listed_values(term)
        if column is not None and column in changed:
            known = changed[column].distinct
            changed[column] = replace(changed[column], distinct=min(known or values, values), null_fraction=0.0)
    return changed


def keys_capped(
    columns: Mapping[ColumnId, ColumnStatistics], domain: float, rows: float
) -> Mapping[ColumnId, ColumnStatistics]:
    """A filtered key has as many values as rows are left; other columns keep their domain (see the module's text)."""
    rows = max(1.0, rows)
    return {
        column: replace(known, distinct=rows)
        if known.distinct is not None and known.distinct >= KEY_SHARE * domain and known.distinct > rows
        else known
        for column, known in columns.items()
    }


def _listed_values(term: exp.Expression) -> tuple[ColumnId | None, float]:
    """The column that a term equates with constants, and with how many."""
    bare = unwrap(term)
    if isinstance(bare, exp.Or):
        found = [_listed_values(branch) for branch in disjuncts(bare)]
        same = len({column for column, _ in found}) == 1
        return (found[0][0], sum(values for _, values in found)) if same else (None, 0.0)
    if isinstance(bare, exp.In) and isinstance(unwrap(bare.this), exp.Column) and bare.expressions:
        return ColumnId(unwrap(bare.this).name), float(len(bare.expressions))
    sides = equality(bare)
    if sides is not None:
        for column, other in (sides, sides[::-1]):
            if isinstance(unwrap(column), exp.Column) and constant_value(other) is not None:
                return ColumnId(unwrap(column).name), 1.0
    return None, 0.0


def _within(known: ColumnStatistics, bounds: Range) -> ColumnStatistics:
    low, high = position(known.minimum), position(known.maximum)
    if low is None or high is None or high <= low:
        return replace(known, null_fraction=0.0)
    first = low if bounds.low is None else max(low, bounds.low)
    last = high if bounds.high is None else min(high, bounds.high)
    share = min(1.0, max(0.0, (last - first) / (high - low)))
    distinct = None if known.distinct is None else max(1.0, known.distinct * share)
    # The bounds stay the column's own values where they can: positions of strings cannot be turned back.
    if isinstance(known.minimum, (int, float)) and not isinstance(known.minimum, bool):
        return replace(known, minimum=first, maximum=last, distinct=distinct, null_fraction=0.0)
    return replace(known, distinct=distinct, null_fraction=0.0)


def joined_columns(
    terms: Iterable[exp.Expression], columns: Mapping[ColumnId, ColumnStatistics]
) -> Mapping[ColumnId, ColumnStatistics]:
    """Statistics after an inner join: columns that it equates have the smaller one's number of values."""
    changed = dict(columns)
    for term in terms:
        sides = equality(term)
        if sides is None or not all(isinstance(unwrap(side), exp.Column) for side in sides):
            continue
        first, second = (ColumnId(unwrap(side).name) for side in sides)
        if first not in changed or second not in changed:
            continue
        counts = [item.distinct for item in (changed[first], changed[second]) if item.distinct is not None]
        if counts:
            changed[first] = replace(changed[first], distinct=min(counts), null_fraction=0.0)
            changed[second] = replace(changed[second], distinct=min(counts), null_fraction=0.0)
    return changed


def total_statistics(operand: ColumnStatistics, count: float) -> ColumnStatistics:
    """Bounds of sums of ``count`` values on average: the mean, and ``TOTAL_DEVIATIONS`` standard deviations either way.

    Values spread evenly between their bounds, and group sizes are taken to vary as those of random draws do.
    """
    low, high = position(operand.minimum), position(operand.maximum)
    if low is None or high is None or isinstance(operand.minimum, str):
        return UNKNOWN
    middle = (low + high) / 2
    reach = TOTAL_DEVIATIONS * math.sqrt(count * ((high - low) ** 2 / 12 + middle**2))
    least = min(0.0, count * low) if low < 0 else low
    return ColumnStatistics(minimum=max(least, count * middle - reach), maximum=max(high, count * middle + reach))


def values_columns(node: logical.Values) -> dict[ColumnId, ColumnStatistics]:
    """Statistics of literal rows."""
    found: dict[ColumnId, ColumnStatistics] = {}
    for index, column in enumerate(node.columns):
        values = [constant_value(row[index]) for row in node.rows]
        places = [place for place in map(position, values) if place is not None]
        distinct = float(len(set(map(str, values)))) or 1.0
        if len(places) == len(values) and values:
            ordered = sorted(values, key=lambda value: position(value) or 0.0)
            found[column.id] = ColumnStatistics(minimum=ordered[0], maximum=ordered[-1], distinct=distinct)
        else:
            found[column.id] = ColumnStatistics(distinct=distinct)
    return found


def united(first: ColumnStatistics | None, second: ColumnStatistics | None) -> ColumnStatistics:
    """Statistics of a column of a set operation: no fewer values than either side has."""
    if first is None or second is None or first.distinct is None or second.distinct is None:
        return ColumnStatistics()
    return ColumnStatistics(distinct=max(first.distinct, second.distinct), width=first.width)
