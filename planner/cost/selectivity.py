"""Which fraction of rows a predicate keeps, from bounds, distinct counts and NULL fractions of columns.

Ranges assume values spread evenly between the bounds; equality assumes equally frequent values. Terms of a conjunction
over different columns are combined with exponential back-off, as real columns are seldom independent.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from shoal.planner.cost.constants import constant_value, position
from shoal.planner.cost.expression_statistics import expression_statistics
from shoal.planner.cost.moments import less_share, moments, normal_share
from shoal.planner.ids import ColumnId
from shoal.planner.protocols import ColumnStatistics, Home
from shoal.planner.scalar import columns_of, conjuncts, disjuncts, sql_of, unwrap

EQUALITY_SELECTIVITY = 0.05
"""``x = constant`` when nothing is known of x."""

RANGE_SELECTIVITY = 1 / 3
"""``x < constant`` when no bounds are known, as in System R."""

COLUMN_COMPARISON_SELECTIVITY = 0.5
"""``x < y`` between two columns: either may be the larger."""

PREFIX_SELECTIVITY = 0.05
"""``x LIKE 'abc%'``."""

CONTAINS_SELECTIVITY = 0.1
"""``x LIKE '%abc%'``, regular expressions and the like; each further piece of a pattern counts as much again."""

MOST_PIECES = 3
"""Pieces of a pattern that count."""

NARROW_SHARE = 0.2
"""A value that deviates so much less than what it is compared with is taken for a constant."""

NULL_SELECTIVITY = 0.02
"""``x IS NULL`` when the NULL fraction is not known."""

UNKNOWN_SELECTIVITY = 0.3
"""Any other predicate."""

LEAST_SELECTIVITY = 1e-9
"""No predicate is believed to keep nothing: a zero would make every plan above it look free."""

BACK_OFF_TERMS = 4
"""How many terms of a conjunction count; the i-th most selective one counts with the power 1 / 2**i."""

Columns = Mapping[ColumnId, ColumnStatistics]

_MIRRORED: dict[type[exp.Expression], type[exp.Expression]] = {
    exp.LT: exp.GT,
    exp.GT: exp.LT,
    exp.LTE: exp.GTE,
    exp.GTE: exp.LTE,
    exp.EQ: exp.EQ,
    exp.NEQ: exp.NEQ,
}


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds that a conjunction sets to one operand, as places on its number line; None is open."""

    operand: exp.Expression
    low: float | None = None
    high: float | None = None

    def narrowed(self, low: float | None, high: float | None) -> "Range":
        """The intersection with other bounds."""
        lows = [item for item in (self.low, low) if item is not None]
        highs = [item for item in (self.high, high) if item is not None]
        return replace(self, low=max(lows, default=None), high=min(highs, default=None))


def selectivity(predicate: exp.Expression | None, columns: Columns) -> float:
    """The fraction of rows for which the predicate is true, in (0, 1]."""
    terms = conjuncts(predicate)
    if not terms:
        return 1.0
    ranges, others = collect_ranges(terms)
    parts = [range_selectivity(item, columns) for item in ranges.values()]
    parts += [term_selectivity(item, columns) for item in others]
    return clamp(back_off(parts))


def back_off(parts: Sequence[float]) -> float:
    """Combine selectivities of terms that may depend on each other: s1 * s2^(1/2) * s3^(1/4) * s4^(1/8)."""
    product = 1.0
    for index, part in enumerate(sorted(parts)[:BACK_OFF_TERMS]):
        product *= part ** (0.5**index)
    return product


def clamp(value: float) -> float:
    """A selectivity within its bounds."""
    return min(1.0, max(LEAST_SELECTIVITY, value))


def collect_ranges(terms: Sequence[exp.Expression]) -> tuple[dict[str, Range], list[exp.Expression]]:
    """Terms that bound an operand by constants, joined to one range for each operand; and all other terms."""
    ranges: dict[str, Range] = {}
    others: list[exp.Expression] = []
    for term in terms:
        found = _as_range(term)
        if found is None:
            others.append(term)
            continue
        key = sql_of(found.operand)
        ranges[key] = ranges[key].narrowed(found.low, found.high) if key in ranges else found
    return ranges, others


def _as_range(term: exp.Expression) -> Range | None:
    bare = unwrap(term)
    if isinstance(bare, exp.Between):
        low, high = position(constant_value(bare.args["low"])), position(constant_value(bare.args["high"]))
        return None if low is None or high is None else Range(unwrap(bare.this), low, high)
    if not isinstance(bare, (exp.LT, exp.LTE, exp.GT, exp.GTE)):
        return None
    operand, value, kind = compared_with_constant(bare)
    place = position(value)
    if operand is None or place is None:
        return None
    return Range(operand, high=place) if kind in (exp.LT, exp.LTE) else Range(operand, low=place)


def compared_with_constant(
    comparison: exp.Expression,
) -> tuple[exp.Expression | None, object | None, type[exp.Expression]]:
    """Operand, constant and operator of ``operand op constant``, mirrored if need be; operand None if it is neither."""
    left, right = unwrap(comparison.this), unwrap(comparison.expression)
    value = constant_value(right)
    if value is not None:
        return left, value, type(comparison)
    value = constant_value(left)
    if value is not None:
        return right, value, _MIRRORED[type(comparison)]
    return None, None, type(comparison)


def range_selectivity(bounds: Range, columns: Columns) -> float:
    """The fraction of rows in which an operand lies between bounds."""
    known = expression_statistics(bounds.operand, columns)
    present = 1.0 - (known.null_fraction or 0.0)
    if known.deviation is not None and known.mean is not None:
        return clamp(present * normal_share((known.mean, known.deviation), bounds.low, bounds.high))
    if known.quantiles:
        return clamp(present * quantile_share(known.quantiles, bounds.low, bounds.high))
    low, high = position(known.minimum), position(known.maximum)
    if low is None or high is None:
        both = bounds.low is not None and bounds.high is not None
        return present * (RANGE_SELECTIVITY**2 if both else RANGE_SELECTIVITY)
    first = low if bounds.low is None else max(low, bounds.low)
    last = high if bounds.high is None else min(high, bounds.high)
    if last < first:
        return LEAST_SELECTIVITY
    if high <= low:
        return present
    least = 1.0 / known.distinct if known.distinct else LEAST_SELECTIVITY
    return present * max(least, min(1.0, (last - first) / (high - low)))


def term_selectivity(term: exp.Expression, columns: Columns) -> float:
    """The fraction of rows for which one term of a conjunction is true."""
    bare = unwrap(term)
    match bare:
        case exp.And():
            return selectivity(bare, columns)
        case exp.Or():
            return crossing_selectivity(bare, columns) or clamp(_any(disjuncts(bare), columns))
        case exp.Not():
            return clamp(1.0 - term_selectivity(bare.this, columns))
        case exp.Boolean():
            return 1.0 if bare.this else LEAST_SELECTIVITY
        case exp.Null():
            return LEAST_SELECTIVITY
        case exp.EQ() | exp.NEQ() | exp.NullSafeEQ():
            return _equality(bare, columns)
        case exp.LT() | exp.LTE() | exp.GT() | exp.GTE():
            bounds = _as_range(bare)
            return _column_comparison(bare, columns) if bounds is None else range_selectivity(bounds, columns)
        case exp.Between():
            bounds = _as_range(bare)
            return RANGE_SELECTIVITY**2 if bounds is None else range_selectivity(bounds, columns)
        case exp.In():
            return clamp(equals_any(unwrap(bare.this), bare.expressions, columns))
        case exp.Is() if isinstance(bare.expression, exp.Null):
            fraction = expression_statistics(bare.this, columns).null_fraction
            return clamp(NULL_SELECTIVITY if fraction is None else fraction)
        case exp.Like() | exp.ILike() | exp.SimilarTo() | exp.RegexpLike() | exp.StartsWith() | exp.Escape():
            return _pattern(bare)
    return UNKNOWN_SELECTIVITY


def _any(branches: Sequence[exp.Expression], columns: Columns) -> float:
    """The fraction of rows for which one of several conditions is true."""
    missed = 1.0
    for branch in branches:
        missed *= 1.0 - selectivity(branch, columns)
    return 1.0 - missed


def crossing_selectivity(disjunction: exp.Or, columns: Columns) -> float | None:
    """The fraction of joined rows that an OR over several tables keeps, when each table is filtered by its part of it.

    The rule ``derive_side_filters`` has made these filters, so what they drop must not be counted again. None if the
    OR is about one table, or the tables of its columns are not known.
    """
    homes = {_home_of_column(column, columns) for column in columns_of(disjunction)}
    if len(homes) < 2 or None in homes:
        return None
    branches = [conjuncts(branch) for branch in disjuncts(disjunction)]
    left = sum(math.prod(term_selectivity(term, columns) for term in terms) for terms in branches)
    for home in homes:
        own = [[term for term in terms if _home_of(term, columns) == home] for terms in branches]
        if all(own):
            left /= clamp(sum(math.prod(term_selectivity(term, columns) for term in terms) for terms in own))
    return clamp(left)


def _home_of(term: exp.Expression, columns: Columns) -> Home | None:
    """The one table that a term is about."""
    homes = {_home_of_column(column, columns) for column in columns_of(term)}
    return next(iter(homes)) if len(homes) == 1 else None


def _home_of_column(column: ColumnId, columns: Columns) -> Home | None:
    known = columns.get(column)
    return None if known is None else min(known.homes, default=None)


def _column_comparison(comparison: exp.Expression, columns: Columns) -> float:
    """``x < y``: how often, from means and deviations; even odds when these are not known."""
    left, right = moments(comparison.this, columns), moments(comparison.expression, columns)
    if left is None or right is None:
        return COLUMN_COMPARISON_SELECTIVITY
    if isinstance(comparison, (exp.GT, exp.GTE)):
        bare, low, high = unwrap(comparison.expression), left, right
    else:
        bare, low, high = unwrap(comparison.this), right, left
    # Now ``bare`` is what is to be less, ``high`` are its moments, and ``low`` those of the other side.
    if low[1] < NARROW_SHARE * high[1]:
        return range_selectivity(Range(bare, high=low[0]), columns)
    other = unwrap(comparison.this if bare is unwrap(comparison.expression) else comparison.expression)
    if high[1] < NARROW_SHARE * low[1]:
        return range_selectivity(Range(other, low=high[0]), columns)
    return clamp(less_share(high, low))


def quantile_share(quantiles: Sequence[object], low: float | None, high: float | None) -> float:
    """Which part of the values lies between two bounds, when quantiles tell where they are."""
    places = [place for place in map(position, quantiles) if place is not None]
    if len(places) < 2:
        return RANGE_SELECTIVITY
    return max(0.0, _place_share(places, high, 1.0) - _place_share(places, low, 0.0))


def _place_share(places: Sequence[float], bound: float | None, default: float) -> float:
    if bound is None:
        return default
    if bound < places[0]:
        return 0.0
    if bound >= places[-1]:
        return 1.0
    index = bisect_right(places, bound) - 1
    low, high = places[index], places[index + 1]
    inside = (bound - low) / (high - low) if high > low else 0.0
    return (index + inside) / (len(places) - 1)


def equals_any(operand: exp.Expression, values: Sequence[exp.Expression], columns: Columns) -> float:
    """The fraction of rows in which an operand equals one of several constants."""
    known = expression_statistics(operand, columns)
    return min(1.0, sum(_value_share(constant_value(value), known) for value in values) or _value_share(None, known))


def _value_share(value: object | None, known: ColumnStatistics) -> float:
    """The fraction of rows with one value: its own if it is a common one, else that of the average other value."""
    present = 1.0 - (known.null_fraction or 0.0)
    place = position(value)
    if place is not None:
        for common, share in known.common_values:
            if common == value or (not isinstance(common, str) and position(common) == place):
                return share
    others = (known.distinct or 0.0) - len(known.common_values)
    if others >= 1.0:
        return max(0.0, present - sum(share for _, share in known.common_values)) / others
    return LEAST_SELECTIVITY if known.common_values else present * EQUALITY_SELECTIVITY


def _equality(comparison: exp.Expression, columns: Columns) -> float:
    equality = comparison if isinstance(comparison, exp.EQ) else _as_equality(comparison)
    operand, value, _ = compared_with_constant(equality)
    if operand is None:
        left = expression_statistics(comparison.this, columns).distinct
        right = expression_statistics(comparison.expression, columns).distinct
        most = max(left or 0.0, right or 0.0)
        equal = 1.0 / most if most else EQUALITY_SELECTIVITY
    elif _outside(value, expression_statistics(operand, columns)):
        equal = LEAST_SELECTIVITY
    else:
        equal = _value_share(value, expression_statistics(operand, columns))
    return clamp(1.0 - equal) if isinstance(comparison, exp.NEQ) else clamp(equal)


def _as_equality(comparison: exp.Expression) -> exp.Expression:
    return exp.EQ(this=comparison.this.copy(), expression=comparison.expression.copy())


def _outside(value: object, known: ColumnStatistics) -> bool:
    place, low, high = position(value), position(known.minimum), position(known.maximum)
    if place is None or low is None or high is None or isinstance(value, str) is not isinstance(known.minimum, str):
        return False
    return place < low or place > high


def _pattern(predicate: exp.Expression) -> float:
    like = predicate.this if isinstance(predicate, exp.Escape) else predicate
    pattern = constant_value(like.expression) if isinstance(like, (exp.Like, exp.ILike)) else None
    is_prefix = isinstance(pattern, str) and not pattern.startswith(("%", "_"))
    pieces = len([piece for piece in pattern.split("%") if piece]) if isinstance(pattern, str) else 1
    first = PREFIX_SELECTIVITY if is_prefix or isinstance(like, exp.StartsWith) else CONTAINS_SELECTIVITY
    kept = first * CONTAINS_SELECTIVITY ** (min(max(1, pieces), MOST_PIECES) - 1)
    return 1.0 - kept if like.args.get("negate") else kept
