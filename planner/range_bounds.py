"""Borders that part the rows of a sort key into about equal ranges, from what is known of the key's values.

Best are the quantiles that ANALYZE has stored; then the bounds of row groups, if the rows come nearly in order; then
the quantiles of a sample; then the bounds of row groups all the same, each with the weight of its rows; then the least
and the greatest value, as if all between them were equally frequent. Any borders give the right order: poor ones only
leave tasks with unequal work.
"""

import datetime as dt
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from shoal.planner import logical, tree
from shoal.planner.column_origin import origin_of
from shoal.planner.computed_borders import find_key_values
from shoal.planner.cost.cardinality import Estimator
from shoal.planner.ids import ColumnId
from shoal.planner.key_cuts import LONGEST_BORDER, Nulls, cut_table, find_borders, key_literal
from shoal.planner.logical import JoinKind, Node
from shoal.planner.protocols import ColumnStatistics, Key, KeyRange
from shoal.planner.scalar import column_ref, sql_of

MOST_UNEVEN = 1.5
"""How many times its even share the largest range may have, as the files' bounds tell it."""

MOST_OVERLAP = 0.25
"""The share of rows in row groups across a border, from which on these bounds tell too little."""

_FILLING = (JoinKind.LEFT, JoinKind.RIGHT, JoinKind.FULL)
"""Joins that put NULLs in the place of missing rows."""

_INTEGER = re.compile(r"U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)")
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_TIMESTAMPS = frozenset({"TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"})
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DAY_ZERO = dt.date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class RangeBounds:
    """Rising borders as SQL literals; ``known``: they come from more than the least and the greatest value."""

    literals: tuple[str, ...]
    known: bool


@dataclass(frozen=True, slots=True)
class _Stretch:
    """So much weight, spread evenly between two places on the line of a type's values."""

    low: float
    high: float
    weight: float


def find_range_bounds(
    node: Node, key: ColumnId, estimator: Estimator, parts: int, *, computed: bool = True
) -> RangeBounds | None:
    """Borders for ``parts`` ranges of a column that a node delivers; None if nothing useful is known of its values.

    Without ``computed`` only columns of tables have borders, and not what is computed from them.
    """
    type = next(column.type for column in logical.schema(node) if column.id == key)
    known = estimator.estimate(node).columns.get(key, ColumnStatistics())
    origin = origin_of(node, key)
    quantiles, ranges = known.quantiles, tuple[KeyRange, ...]()
    if origin is not None and len(quantiles) <= 2:
        source, name = origin[0].source, origin[1]
        ranges = estimator.statistics.key_ranges(source, name)
        if not _clustered_borders(ranges, type, parts):
            text = sql_of(column_ref(ColumnId(name)))
            quantiles = estimator.statistics.quantiles(source, text, frozenset({name}))
    elif origin is None and computed:
        values = find_key_values(node, key, estimator, parts)
        if values.places:
            return _guessed_bounds(values.places, type)
        quantiles = values.quantiles
    if type == "VARCHAR":
        literals = _text_literals(quantiles, ranges, parts)
        return RangeBounds(literals, known=True) if literals else None
    stretches = _stretches(quantiles, ranges, type)
    low, high = _place(known.minimum, type), _place(known.maximum, type)
    whole = [_Stretch(low, high, 1.0)] if low is not None and high is not None else []
    found = [_literal(place, type) for place in _quantiles(_within(stretches, low, high) or whole, parts)]
    literals = tuple(dict.fromkeys(literal for literal in found if literal is not None))
    return RangeBounds(literals, known=len(stretches) > 1) if literals else None


def _guessed_bounds(places: Sequence[float], type: str) -> RangeBounds | None:
    """Borders at places of numbers or days, which are no more than likely."""
    if not (_INTEGER.fullmatch(type) or _DECIMAL.fullmatch(type) or type in ("FLOAT", "DOUBLE", "DATE")):
        return None
    literals = tuple(dict.fromkeys(text for place in places if (text := _literal(place, type)) is not None))
    return RangeBounds(literals, known=False) if literals else None


def may_be_null(node: Node, key: ColumnId, estimator: Estimator) -> bool:
    """Whether a column of a node may hold NULLs; not if it comes from files that have none, by joins that add none."""
    origin = origin_of(node, key)
    if origin is None or any(item.kind in _FILLING for item in tree.find(node, logical.Join)):
        return True
    ranges = estimator.statistics.key_ranges(origin[0].source, origin[1])
    return not ranges or any(item.nulls != 0 for item in ranges)


def _clustered_borders(ranges: tuple[KeyRange, ...], type: str, parts: int) -> tuple[Key, ...]:
    """Borders where the rows come nearly in this order, so that bounds of row groups tell where they lie."""
    borders = find_borders(ranges, parts, type)
    if not borders:
        return ()
    cut = cut_table(ranges, borders, parts, Nulls.APART)
    return borders if cut.overlap <= MOST_OVERLAP and cut.unevenness <= MOST_UNEVEN else ()


def _text_literals(quantiles: tuple[object, ...], ranges: tuple[KeyRange, ...], parts: int) -> tuple[str, ...]:
    """Borders of strings: quantiles, or bounds of row groups if the rows come nearly in this order."""
    texts = [value for value in quantiles if isinstance(value, str)]
    borders: Sequence[Key] = _clustered_borders(ranges, "VARCHAR", parts)
    if len(texts) > 2:
        borders = [texts[round(part * (len(texts) - 1) / parts)][:LONGEST_BORDER] for part in range(1, parts)]
    found = [key_literal(border, "VARCHAR") for border in borders]
    return tuple(dict.fromkeys(literal for literal in found if literal is not None))


def _stretches(quantiles: tuple[object, ...], ranges: tuple[KeyRange, ...], type: str) -> list[_Stretch]:
    """How the rows lie on the line of values; nothing if that is not known."""
    places = [place for value in quantiles if (place := _place(value, type)) is not None]
    if len(places) > 2:
        return [_Stretch(low, high, 1.0) for low, high in pairwise(places)]
    found: list[_Stretch] = []
    for item in ranges:
        low, high = _place(item.minimum, type), _place(item.maximum, type)
        if low is not None and high is not None:
            found.append(_Stretch(low, high, float(item.rows - (item.nulls or 0))))
    return found


def _within(stretches: Sequence[_Stretch], low: float | None, high: float | None) -> list[_Stretch]:
    """What filters have left of the stretches, as far as the bounds of the filtered column tell."""
    found: list[_Stretch] = []
    for item in stretches:
        first = item.low if low is None else max(low, item.low)
        last = item.high if high is None else min(high, item.high)
        if first <= last:
            share = (last - first) / (item.high - item.low) if item.high > item.low else 1.0
            found.append(_Stretch(first, last, item.weight * share))
    return found


def _quantiles(stretches: Sequence[_Stretch], parts: int) -> list[float]:
    """The places that part the weight of overlapping stretches into equal ``parts``."""
    total = sum(item.weight for item in stretches)
    if total <= 0:
        return []
    # Between two neighbouring ends of stretches the density of rows is constant; stretches of no length are steps.
    changes: dict[float, list[float]] = {}
    for item in stretches:
        if item.high > item.low:
            density = item.weight / (item.high - item.low)
            changes.setdefault(item.low, [0.0, 0.0])[0] += density
            changes.setdefault(item.high, [0.0, 0.0])[0] -= density
        else:
            changes.setdefault(item.low, [0.0, 0.0])[1] += item.weight
    found: list[float] = []
    before = density = 0.0
    place = min(changes)
    for end in sorted(changes):
        gained = density * (end - place)
        while len(found) < parts - 1 and before + gained >= (wanted := total * (len(found) + 1) / parts):
            found.append(place + (wanted - before) / density if density > 0 else end)
        before += gained
        step = changes[end][1]
        while len(found) < parts - 1 and before + step > total * (len(found) + 1) / parts:
            found.append(end)
        before += step
        density, place = density + changes[end][0], end
    return found


def _place(value: object | None, type: str) -> float | None:
    """The place of a value on the line of its type: numbers as they are, days, microseconds or nanoseconds."""
    match value:
        case bool():
            return None
        case dt.datetime() if type in _TIMESTAMPS:
            moment = value if value.tzinfo is not None else value.replace(tzinfo=dt.UTC)
            unit = dt.timedelta(microseconds=1)
            return (moment - _EPOCH) / unit * (1000.0 if type == "TIMESTAMP_NS" else 1.0)
        case dt.date() if type == "DATE":
            return float(value.toordinal() - _DAY_ZERO)
        case int() | float() | Decimal():
            number = float(value)
            return number if math.isfinite(number) else None
    return None


def _literal(place: float, type: str) -> str | None:
    """The SQL literal of a place; None for types that are not cut."""
    decimal = _DECIMAL.fullmatch(type)
    if decimal is not None:
        return f"CAST('{Decimal(place).quantize(Decimal(1).scaleb(-int(decimal[2])))}' AS {type})"
    if _INTEGER.fullmatch(type):
        return str(math.ceil(place))
    if type in ("FLOAT", "DOUBLE"):
        return f"CAST('{place!r}' AS {type})"
    if type == "DATE":
        day = math.ceil(place) + _DAY_ZERO
        return key_literal(dt.date.fromordinal(day), type) if 1 <= day <= dt.date.max.toordinal() else None
    return key_literal(math.ceil(place), type) if type in _TIMESTAMPS else None
