"""What is known of columns after a filter, a join, an aggregate or a set operation, from what was known before."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.cost.constants import constant_value, position
from shoal.planner.cost.expression_statistics import UNKNOWN, expression_statistics
from shoal.planner.cost.moments import column_moments, total_moments
from shoal.planner.cost.selectivity import Range, collect_ranges
from shoal.planner.ids import ColumnId
from shoal.planner.protocols import ColumnStatistics
from shoal.planner.scalar import conjuncts, disjuncts, equality, unwrap

KEY_SHARE = 0.9
"""From this many distinct values for each row on, a column is taken for a key of its table."""

TOTAL_DEVIATIONS = 3.5
"""How far from its mean a count of a group is believed to be at most, in standard deviations."""


def drawn(distinct: float, rows: float) -> float:
    """How many of ``distinct`` equally frequent values so many rows show (Yao's formula, in its limit)."""
    if distinct <= 0:
        return 1.0
    return distinct * -math.expm1(-rows / distinct)


def shown(distinct: float, rows: float) -> float:
    """How many values a column of so many rows shows; as many values as rows are all there, for they are a key's."""
    return distinct if distinct == rows else drawn(distinct, rows)


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
            left = min(known or values, values)
            kept = replace(changed[column], distinct=left, domain=left, null_fraction=0.0)
            changed[column] = replace(kept, common_share=None, common_values=())
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
    known = replace(known, null_fraction=0.0, common_share=None, common_values=())
    low, high = position(known.minimum), position(known.maximum)
    if low is None or high is None or high <= low:
        return known
    first = low if bounds.low is None else max(low, bounds.low)
    last = high if bounds.high is None else min(high, bounds.high)
    share = min(1.0, max(0.0, (last - first) / (high - low)))
    distinct = None if known.distinct is None else max(1.0, known.distinct * share)
    # The bounds stay the column's own values where they can: positions of strings cannot be turned back.
    if isinstance(known.minimum, (int, float)) and not isinstance(known.minimum, bool):
        return replace(known, minimum=first, maximum=last, distinct=distinct, domain=distinct)
    return replace(known, distinct=distinct, domain=distinct)


def joined_columns(
    terms: Iterable[exp.Expression], columns: Mapping[ColumnId, ColumnStatistics]
) -> Mapping[ColumnId, ColumnStatistics]:
    """Statistics after an inner join: columns that it equates have only the values that they share."""
    changed = dict(columns)
    for term in terms:
        sides = equality(term)
        if sides is None or not all(isinstance(unwrap(side), exp.Column) for side in sides):
            continue
        first, second = (ColumnId(unwrap(side).name) for side in sides)
        if first not in changed or second not in changed:
            continue
        one, other = changed[first], changed[second]
        if one.distinct is not None or other.distinct is not None:
            common = common_values(one, other)
            for column in (first, second):
                changed[column] = replace(
                    changed[column],
                    distinct=common,
                    domain=common,
                    null_fraction=0.0,
                    homes=one.homes | other.homes,
                )
    return changed


def common_values(one: ColumnStatistics, other: ColumnStatistics) -> float:
    """How many values two columns share, at least one of which has a known number of them.

    Each has drawn its values from the larger one's domain, and their draws do not depend on each other.
    """
    if one.distinct is None or other.distinct is None:
        return one.distinct or other.distinct or 1.0
    universe = shared_domain(one, other, one.distinct, other.distinct)
    return max(1.0, min(one.distinct, other.distinct, one.distinct * other.distinct / universe))


def shared_domain(one: ColumnStatistics, other: ColumnStatistics, first: float, second: float) -> float:
    """Of how many values the ``first`` ones of a column and the ``second`` ones of another are taken.

    That is the larger number (containment), but if one of them has lost values to filters on other columns, it is the
    domain that these were lost from. Columns of one and the same table may
    have lost the same ones.
    """
    if {home.table for home in one.homes} & {home.table for home in other.homes}:
        return max(first, second, 1.0)
    return max(first, second, one.domain or 1.0, other.domain or 1.0)


def aggregate_statistics(
    expression: exp.Expression, columns: Mapping[ColumnId, ColumnStatistics], rows: float, groups: float
) -> ColumnStatistics:
    """Statistics of an aggregate over so many rows in so many groups."""
    call = unwrap(expression)
    found = UNKNOWN
    if isinstance(call, (exp.Min, exp.Max, exp.AnyValue)) and call.this is not None:
        found = expression_statistics(call.this, columns)
        if found.distinct is not None:
            found = replace(found, distinct=min(found.distinct, groups))
    elif isinstance(call, (exp.Sum, exp.Count, exp.Avg)):
        count = rows / max(1.0, groups)
        total = total_moments(call, columns, count)
        if total is not None:
            mean, deviation = total
            found = ColumnStatistics(mean=mean, deviation=deviation, distinct=_totals(call, total, groups, columns))
    return replace(found, distinct=1.0) if groups <= 1.0 else found


def _totals(
    call: exp.Expression, total: tuple[float, float], groups: float, columns: Mapping[ColumnId, ColumnStatistics]
) -> float | None:
    """How many different totals groups have: counts are few whole numbers, sums of others nearly all their own."""
    if isinstance(call, exp.Count) or (isinstance(call, exp.Sum) and _are_whole(call.this, columns)):
        return max(1.0, min(groups, 2 * TOTAL_DEVIATIONS * total[1]))
    return groups


def _are_whole(operand: exp.Expression, columns: Mapping[ColumnId, ColumnStatistics]) -> bool:
    """Whether a column seems to hold whole numbers: it has no more values than its deviation leaves room for."""
    known = columns.get(ColumnId(operand.name)) if isinstance(operand, exp.Column) else None
    if known is None or known.distinct is None:
        return False
    found = column_moments(known)
    return found is not None and known.distinct <= 2 * TOTAL_DEVIATIONS * found[1] + 1


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


MOST_CONSTANTS = 8
"""So few values on a side of a set operation are taken to be constants that tell where a row comes from."""


def united(first: ColumnStatistics | None, second: ColumnStatistics | None) -> ColumnStatistics:
    """Statistics of a column of a set operation: no fewer values than either side has, those of both if constants."""
    if first is None or second is None or first.distinct is None or second.distinct is None:
        return ColumnStatistics()
    constants = max(first.distinct, second.distinct) <= MOST_CONSTANTS and first.minimum != second.minimum
    distinct = first.distinct + second.distinct if constants else max(first.distinct, second.distinct)
    return ColumnStatistics(distinct=distinct, width=first.width)
