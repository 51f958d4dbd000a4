"""How many rows a join delivers, by containment: each value of the key with fewer values has partners in the other."""

import math
from collections.abc import Mapping, Sequence
from typing import assert_never

from sqlglot import exp

from shoal.planner.cost.constants import position
from shoal.planner.cost.derived_columns import shared_domain, shown
from shoal.planner.cost.expression_statistics import expression_statistics
from shoal.planner.cost.selectivity import LEAST_SELECTIVITY, clamp, selectivity
from shoal.planner.ids import ColumnId
from shoal.planner.logical import JoinKind
from shoal.planner.protocols import ColumnStatistics, Home
from shoal.planner.scalar import columns_of, equality

Columns = Mapping[ColumnId, ColumnStatistics]
Side = tuple[float, Columns, float]
"""Rows and column statistics of an input, and its rows before filters."""

DEFAULT_KEY_SHARE = 0.1
"""Distinct values of a join key for each row, when its statistics are missing."""

LEAST_ANTI_SHARE = 0.02
"""An anti join keeps at least this share: containment would say none, and the query expects some."""


def join_rows(kind: JoinKind, terms: Sequence[exp.Expression], left: Side, right: Side) -> float:
    """Rows of a join of two inputs under the terms of its condition."""
    pairs, rest = key_pairs(terms, left[1], right[1])
    residual = selectivity_of_terms(rest, {**left[1], **right[1]})
    matched = left[0] * right[0] * equality_selectivity(pairs, left, right) * residual
    match kind:
        case JoinKind.INNER:
            return matched
        case JoinKind.LEFT:
            return max(matched, left[0])
        case JoinKind.RIGHT:
            return max(matched, right[0])
        case JoinKind.FULL:
            return max(matched, left[0], right[0]) if pairs else matched + left[0] + right[0]
        case JoinKind.SEMI:
            return left[0] * match_share(pairs, residual, left, right)
        case JoinKind.ANTI:
            return left[0] * max(LEAST_ANTI_SHARE, 1.0 - match_share(pairs, residual, left, right))
        case _:
            assert_never(kind)


KeyPair = tuple[ColumnStatistics, ColumnStatistics]
"""Statistics of the left and the right operand of an equality between the sides."""


def key_pairs(
    terms: Sequence[exp.Expression], left: Columns, right: Columns
) -> tuple[list[KeyPair], list[exp.Expression]]:
    """The equalities between the two sides as pairs of statistics, and all other terms."""
    pairs: list[KeyPair] = []
    rest: list[exp.Expression] = []
    for term in terms:
        sides = equality(term)
        pair = None if sides is None else _oriented(sides[0], sides[1], left, right)
        if pair is None:
            rest.append(term)
        else:
            pairs.append(pair)
    return pairs, rest


def _oriented(first: exp.Expression, second: exp.Expression, left: Columns, right: Columns) -> KeyPair | None:
    used, others = columns_of(first), columns_of(second)
    if not used or not others:
        return None
    if used <= right.keys():
        first, second, used, others = second, first, others, used
    if not (used <= left.keys() and others <= right.keys()):
        return None
    return expression_statistics(first, left), expression_statistics(second, right)


def selectivity_of_terms(terms: Sequence[exp.Expression], columns: Columns) -> float:
    """The combined selectivity of terms that are not join keys."""
    product = 1.0
    for term in terms:
        product *= selectivity(term, columns)
    return clamp(product)


def equality_selectivity(pairs: Sequence[KeyPair], left: Side, right: Side) -> float:
    """The share of all pairs of rows that agree on all keys; 1 without keys."""
    if not pairs:
        return 1.0
    overlap = 1.0
    for pair in pairs:
        overlap *= _overlap(*pair) * _present(pair[0]) * _present(pair[1])
    if len(pairs) == 1:
        common = common_selectivity(*pairs[0])
        if common is not None:
            return max(LEAST_SELECTIVITY * LEAST_SELECTIVITY, common)
    return max(LEAST_SELECTIVITY * LEAST_SELECTIVITY, overlap / _key_domain(pairs, left, right))


def common_selectivity(one: ColumnStatistics, other: ColumnStatistics) -> float | None:
    """The share of all pairs of rows that agree in a key whose most common values are known on both sides, or None.

    Common values meet themselves, or the average other value; all other values are taken to be equally frequent. This
    is what PostgreSQL's ``eqjoinsel`` does.
    """
    if not one.common_values or not other.common_values or not one.distinct or not other.distinct:
        return None
    mine, theirs = dict(one.common_values), dict(other.common_values)
    met = sum(share * theirs[value] for value, share in mine.items() if value in theirs)
    left = max(0.0, _present(one) - sum(mine.values()))
    right = max(0.0, _present(other) - sum(theirs.values()))
    # What a value has on a side where it is none of the common ones.
    usual = left / max(1.0, one.distinct - len(mine)), right / max(1.0, other.distinct - len(theirs))
    alone = sum(share for value, share in mine.items() if value not in theirs) * usual[1]
    alone += sum(share for value, share in theirs.items() if value not in mine) * usual[0]
    values = max(one.distinct, other.distinct) - max(len(mine), len(theirs))
    return min(1.0, met + alone + left * right / max(1.0, values))


def _key_domain(pairs: Sequence[KeyPair], left: Side, right: Side) -> float:
    """How many combinations of key values there are on the side that has more of them.

    Of several keys of one table no more combinations exist than it has rows: the sides of a join over a composite key
    share them, while the product of the keys' distinct counts may be far larger.
    """
    domain = largest = 1.0
    kept = [1.0, 1.0]
    for one, other in pairs:
        counts = (_distinct(one, left[0]), _distinct(other, right[0]))
        values = shared_domain(one, other, *counts)
        domain *= values
        largest = max(largest, *counts)
        kept = [share * _kept(key, count) for share, key, count in zip(kept, (one, other), counts, strict=True)]
    if len(pairs) == 1:
        return domain
    left_tables, left_count = combinations([pair[0] for pair in pairs], left)
    right_tables, right_count = combinations([pair[1] for pair in pairs], right)
    # Two tables with the same composite key share its values; keys of several tables meet in all combinations.
    shared = min if left_tables == right_tables == 1 else max
    return min(domain, max(largest, shared(left_count, right_count) * max(kept)))


def _kept(key: ColumnStatistics, distinct: float) -> float:
    """The share of its table's values that a key still has."""
    return min(1.0, distinct / key.base) if key.base else 1.0


def combinations(keys: Sequence[ColumnStatistics], side: Side) -> tuple[int, float]:
    """From how many tables keys come, and how many combinations of their values there can be.

    Those of keys of one table are no more than it has rows. Filters do not count here.
    """
    groups: list[tuple[frozenset[Home], float]] = []
    for key in keys:
        distinct = key.base or _distinct(key, side[0])
        for index, (homes, product) in enumerate(groups):
            if homes & key.homes:
                groups[index] = (homes & key.homes, product * distinct)
                break
        else:
            groups.append((key.homes, distinct))
    total = 1.0
    for homes, product in groups:
        total *= max(1.0, min(product, min((home.rows for home in homes), default=side[2])))
    return len(groups), total


def _distinct(key: ColumnStatistics, rows: float) -> float:
    return key.distinct or max(1.0, rows * DEFAULT_KEY_SHARE)


def key_distinct(keys: Sequence[ColumnStatistics], rows: float) -> float:
    """Distinct combinations of key columns: their product, but for several columns no more than there are rows."""
    product = 1.0
    for key in keys:
        product *= _distinct(key, rows)
    return product if len(keys) == 1 else min(product, max(1.0, rows))


def _present(key: ColumnStatistics) -> float:
    """The share of rows whose key is not NULL, and so may have partners."""
    return 1.0 - (key.null_fraction or 0.0)


def _overlap(first: ColumnStatistics, second: ColumnStatistics) -> float:
    """The share of the wider key's range in which the narrower one has values; 1 when bounds are unknown.

    Only disjoint ranges count for less than 1: containment has settled everything else.
    """
    bounds = [position(item) for item in (first.minimum, first.maximum, second.minimum, second.maximum)]
    low, high, other_low, other_high = bounds
    if low is None or high is None or other_low is None or other_high is None:
        return 1.0
    return LEAST_SELECTIVITY if low > other_high or other_low > high else 1.0


def match_share(pairs: Sequence[KeyPair], residual: float, left: Side, right: Side) -> float:
    """The share of left rows that have a partner on the right."""
    if not pairs:
        return clamp(-math.expm1(-right[0] * residual))
    domain = _key_domain(pairs, left, right)
    keyed = math.prod(_present(pair[0]) for pair in pairs)
    present = min(domain, key_distinct([pair[1] for pair in pairs], right[0]))
    seen = shown(present, right[0])
    share = min(1.0, seen / domain) * keyed
    if residual >= 1.0:
        return clamp(share)
    partners = right[0] / max(1.0, seen)
    return clamp(share * (1.0 - (1.0 - residual) ** max(1.0, partners)))
