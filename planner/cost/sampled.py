"""What samples of base tables add to the estimates: measured selectivities of filters, and key columns' values.

The planner asks through ``Statistics.sample``; whatever samples answers from memory, or within a few milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.cost.constants import constant_value, position
from shoal.planner.cost.selectivity import (
    LEAST_SELECTIVITY,
    clamp,
    collect_ranges,
    range_selectivity,
    selectivity,
    term_selectivity,
)
from shoal.planner.ids import ColumnId
from shoal.planner.protocols import ColumnStatistics, SampledStatistics, Statistics
from shoal.planner.scalar import column_ref, columns_of, conjuncts, equality, is_volatile, sql_of, substitute, unwrap
from shoal.planner.tree import walk

LEAST_ROWS = 100_000.0
"""Rows from which a table is worth a sample."""

SURE_ROWS = 8
"""Rows of a sample that a filter must keep for their share to be taken as it is."""

DOUBTFUL_SHARE = 0.02
"""From so many distinct values for each row on, what footers tell of a key may be far from the truth."""

INTEGERS = ("INT", "INTEGER", "BIGINT", "HUGEINT")
"""Ends of the types of keys whose distinct counts footers can only bound by their range."""

_COSTLY = (exp.Repeat, exp.Pad, exp.GenerateSeries, exp.Lambda, exp.Array, exp.Space)
"""What can make much of little: no predicate with one of these is evaluated while planning."""

Columns = Mapping[ColumnId, ColumnStatistics]


@dataclass(frozen=True, slots=True)
class Measured:
    """The rows that a filter keeps of a table, and whether a sample told so."""

    share: float
    sampled: bool


def filter_share(node: logical.Filter, columns: Columns, rows: float, statistics: Statistics | None) -> Measured:
    """Which fraction of rows a filter keeps: measured if it stands right above a large base table, else estimated."""
    guess = selectivity(node.predicate, columns)
    if (
        statistics is None
        or not isinstance(node.input, logical.Scan)
        or rows < LEAST_ROWS
        or guess <= LEAST_SELECTIVITY
    ):
        return Measured(guess, sampled=False)
    terms = conjuncts(node.predicate)
    if not terms or _told_by_footers(terms, columns) or not all(is_plain(term) for term in terms):
        return Measured(guess, sampled=False)
    names = dict(zip((column.id for column in node.input.columns), node.input.names, strict=True))
    used = frozenset(names[column] for term in terms for column in columns_of(term))
    mapping = {column: column_ref(ColumnId(name)) for column, name in names.items() if column != name}
    texts = tuple(sql_of(substitute(term, mapping)) for term in terms)
    found = statistics.sample(node.input.source, texts, used, frozenset())
    if found is None or found.rows == 0 or len(found.banded) == len(terms):
        return Measured(guess, sampled=False)
    return Measured(_combined(found, terms, columns), sampled=True)


def _combined(found: SampledStatistics, terms: tuple[exp.Expression, ...], columns: Columns) -> float:
    banded = _share([term for index, term in enumerate(terms) if index in found.banded], columns)
    if found.matched >= SURE_ROWS:
        return clamp(banded * found.matched / found.rows)
    # Too few rows to count: the estimate, as far as the sample does not contradict it.
    guess = _share([term for index, term in enumerate(terms) if index not in found.banded], columns)
    low, high = found.matched / 2 / found.rows, (2 * found.matched + 1) / found.rows
    return clamp(banded * min(high, max(low, guess)))


def _share(terms: list[exp.Expression], columns: Columns) -> float:
    """The fraction of rows that terms keep if none depends on another."""
    ranges, others = collect_ranges(terms)
    product = 1.0
    for item in ranges.values():
        product *= range_selectivity(item, columns)
    for term in others:
        product *= term_selectivity(term, columns)
    return product


def _told_by_footers(terms: tuple[exp.Expression, ...], columns: Columns) -> bool:
    """Whether a filter is one range of a column whose bounds are known, and which no value is too common in."""
    ranges, others = collect_ranges(terms)
    if others or len(ranges) != 1:
        return False
    operand = unwrap(next(iter(ranges.values())).operand)
    known = columns.get(ColumnId(operand.name)) if isinstance(operand, exp.Column) else None
    return known is not None and position(known.minimum) is not None and not isinstance(known.minimum, str)


def is_plain(term: exp.Expression) -> bool:
    """Whether rows of the table alone decide a term, and evaluating it has no effect."""
    return bool(columns_of(term)) and not is_volatile(term) and term.find(exp.Query, exp.Placeholder, *_COSTLY) is None


def sampled_keys(
    node: logical.Scan, keys: frozenset[ColumnId], columns: Columns, rows: float, statistics: Statistics
) -> Columns:
    """Column statistics in which the doubtful distinct counts of key columns are those of a sample."""
    if rows < LEAST_ROWS or not keys:
        return columns
    doubtful = {
        column.id: name
        for column, name in zip(node.columns, node.names, strict=True)
        if column.id in keys and _is_doubtful(column, columns.get(column.id), rows)
    }
    if not doubtful:
        return columns
    found = statistics.sample(node.source, (), frozenset(), frozenset(doubtful.values()))
    if found is None:
        return columns
    changed = dict(columns)
    for id, name in doubtful.items():
        sample = found.columns.get(name)
        if sample is None:
            continue
        known = columns.get(id, ColumnStatistics())
        distinct = sample.distinct if sample.sure or known.distinct is None else known.distinct
        nulls = sample.null_fraction if known.null_fraction is None else known.null_fraction
        changed[id] = replace(
            known,
            distinct=distinct,
            null_fraction=nulls,
            common_share=sample.common_share,
            common_values=known.common_values or sample.common_values,
        )
    return changed


def _is_doubtful(column: logical.Column, known: ColumnStatistics | None, rows: float) -> bool:
    if known is None or known.distinct is None:
        return True
    return known.distinct > DOUBTFUL_SHARE * rows and column.type.endswith(INTEGERS)


def key_columns(root: logical.Node) -> frozenset[ColumnId]:
    """The columns that joins or groups of a plan may meet by, under all the names that projections give them."""
    keys: set[ColumnId] = set()
    passed: list[tuple[ColumnId, ColumnId]] = []
    for node in walk(root):
        if isinstance(node, logical.Aggregate):
            keys |= {column.id for column in node.keys}
        if isinstance(node, logical.Project):
            passed += [
                (item.column.id, ColumnId(item.expression.name))
                for item in node.assignments
                if isinstance(item.expression, exp.Column)
            ]
        for expression in logical.expressions(node):
            for term in expression.find_all(exp.EQ):
                sides = equality(term)
                if sides is not None and constant_value(sides[0]) is None and constant_value(sides[1]) is None:
                    keys |= columns_of(term)
    for new, old in passed:
        # Parents come first, so one pass follows a name down.
        if new in keys:
            keys.add(old)
    return frozenset(keys)
