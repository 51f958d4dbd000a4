"""Which fraction of rows a predicate keeps, from bounds, distinct counts and NULL fractions of columns.

Ranges assume values spread evenly between the bounds; equality assumes equally frequent values. Terms of a conjunction
over different columns are combined with exponential back-off, as real columns are seldom independent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from shoal.planner.cost.constants import constant_value, position
from shoal.planner.cost.expression_statistics import expression_statistics
from shoal.planner.ids import ColumnId
from shoal.planner.protocols import ColumnStatistics
from shoal.planner.scalar import conjuncts, disjuncts, sql_of, unwrap

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
            missed = 1.0
            for branch in disjuncts(bare):
                missed *= 1.0 - selectivity(branch, columns)
            return clamp(1.0 - missed)
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
            return COLUMN_COMPARISON_SELECTIVITY if bounds is None else range_selectivity(bounds, columns)
        case exp.Between():
            bounds = _as_range(bare)
            return RANGE_SELECTIVITY**2 if bounds is None else range_selectivity(bounds, columns)
        case exp.In():
            equal = equals_any(unwrap(bare.this), max(1, len(bare.expressions)), columns)
            return clamp(equal)
        case exp.Is() if isinstance(bare.expression, exp.Null):
            fraction = expression_statistics(bare.this, columns).null_fraction
            return clamp(NULL_SELECTIVITY if fraction is None else fraction)
        case exp.Like() | exp.ILike() | exp.SimilarTo() | exp.RegexpLike() | exp.StartsWith() | exp.Escape():
            return _pattern(bare)
    return UNKNOWN_SELECTIVITY


def equals_any(operand: exp.Expression, values: int, columns: Columns) -> float:
    """The fraction of rows in which an operand equals one of so many constants."""
    known = expression_statistics(operand, columns)
    each = 1.0 / known.distinct if known.distinct else EQUALITY_SELECTIVITY
    return min(1.0, values * each) * (1.0 - (known.null_fraction or 0.0))


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
        equal = equals_any(operand, 1, columns)
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
