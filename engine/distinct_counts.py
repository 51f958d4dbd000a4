"""Guesses distinct counts of Parquet columns from what footers tell: sizes of dictionary-encoded chunks, and bounds.

A dictionary-encoded chunk holds each distinct value once and an index of ceil(log2(distinct)) bits for each row, so its
uncompressed size says how many distinct values a row group has. How many the whole column has follows from how far the
row groups' ranges overlap: groups that cover the same range draw from the same values, disjoint ones have their own.
"""

import math
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

PLAIN_SHARE = 0.1
"""Distinct values for each row of a column without dictionary pages and without bounds that say more."""

CLUSTERED_SHARE = 0.9
"""From this share of disjoint row groups on, the file is taken to be sorted by the column: equal values are a run."""

SHORTEST_RUN = 8.0
"""Rows from which on equal indexes are stored once with their number."""

RUN_BYTES = 3.0
"""Bytes of such a run: its length and its index."""

MIDDLE_SHARE = 0.75
"""The middle of the counts that one index width can mean, for the largest of them."""

UNEXPLAINED_SHARE = 0.25
"""Share of another index bit for all rows that cannot be page headers any more."""

NEARLY_ALL = 0.95
"""From this share of distinct values in a row group on, every row is taken to have its own."""

LENGTH_PREFIX = 4.0
"""Bytes before each string in a dictionary page or a plain one."""

FEW_ROWS = 1000.0
"""Below this the page headers weigh more than the values, and sizes say nothing."""

DICTIONARY_HEADER = 16.0
"""Bytes of the header of a dictionary page."""

PAGE_OVERHEAD = 64.0
"""Bytes of page headers in a column chunk that belong neither to values nor to indexes."""


@dataclass(frozen=True, slots=True)
class ColumnSummary:
    """Sums over the row groups of one column; ``span`` adds up the row groups' ranges as places on a number line."""

    groups: int
    rows: float
    nulls: float | None
    uncompressed: float
    dictionary: bool
    value_bytes: float
    """Bytes of one value as it is stored; for strings a guess from the bounds' lengths."""
    minimum: object | None
    maximum: object | None
    span: float | None
    is_text: bool = False
    dictionary_bytes: float | None = None
    """Bytes of the dictionary pages, compressed, without their headers."""


def distinct_count(summary: ColumnSummary, full_span: float | None) -> float | None:
    """The guessed number of distinct values; ``full_span`` is the range from minimum to maximum on the number line."""
    present = summary.rows - (summary.nulls or 0.0)
    if present < 1 or summary.groups < 1:
        return 1.0 if summary.rows else None
    most = min(present, possible_values(summary.minimum, summary.maximum))
    if present < FEW_ROWS:
        # A dictionary holds each value once, however few rows there are; compressed, it may hold some more.
        listed = _listed(summary) * summary.groups
        return max(1.0, min(most, math.ceil(listed)) if listed >= 1 else most)
    if not summary.dictionary:
        bounded = most < present
        return max(1.0, most if bounded else present if _is_key(summary, present) else present * PLAIN_SHARE)
    spread = _spread(summary, full_span)
    if summary.groups > 1 and spread >= CLUSTERED_SHARE * summary.groups:
        runs = summary.uncompressed / (summary.value_bytes + RUN_BYTES)
        if runs * SHORTEST_RUN <= present:
            return max(1.0, min(most, runs))
    domain = _domain(_distinct_in_group(summary, present), present / summary.groups, present)
    return max(1.0, min(most, domain * spread))


def possible_values(minimum: object | None, maximum: object | None) -> float:
    """How many values lie between two bounds of a discrete type; infinity for others."""
    if minimum is not None and minimum == maximum:
        return 1.0
    match minimum, maximum:
        case bool(), bool():
            return 2.0
        case int(), int():
            return float(maximum - minimum + 1)
        case date(), date() if type(minimum) is date and type(maximum) is date:
            return float((maximum - minimum).days + 1)
        case Decimal(), Decimal():
            scale = max(-int(minimum.as_tuple().exponent), -int(maximum.as_tuple().exponent), 0)
            return float((maximum - minimum) * 10**scale + 1)
    return math.inf


def _is_key(summary: ColumnSummary, present: float) -> bool:
    """Whether integers are about as many as their range has: the mark of a sequence."""
    values = possible_values(summary.minimum, summary.maximum)
    return present * NEARLY_ALL <= values <= present / NEARLY_ALL


def _distinct_in_group(summary: ColumnSummary, present: float) -> float:
    """Distinct values of an average row group: the solution of size = d * value + rows * bits(d) / 8.

    Runs of equal values take less than their share of bits, so a rest that no dictionary explains is one more bit.
    """
    rows = present / summary.groups
    size = max(0.0, summary.uncompressed / summary.groups - PAGE_OVERHEAD)
    value = summary.value_bytes
    # The index width is a step function of the count, so each width is tried: the last one that fits is the answer.
    found, width = 1.0, 0
    for bits in range(33):
        values = (size - rows * bits / 8.0) / value
        if values < 1 or values <= 2.0 ** (bits - 1):
            break
        found, width = values, bits
    listed = _listed(summary)
    if found > 2.0**width:
        unexplained = (found - 2.0**width) * value > rows / 8.0 * UNEXPLAINED_SHARE
        width += unexplained
        found = 2.0**width
        if summary.is_text and summary.dictionary_bytes is not None:
            # A dictionary with fewer bytes than the index width asks for is compressed, and says nothing.
            found = min(found, listed if listed > 2.0 ** (width - 1) else found * MIDDLE_SHARE)
    # Where equal values follow one another, indexes take next to nothing, and the dictionary alone tells.
    found = max(found, min(listed, size / value))
    return rows if found >= rows * NEARLY_ALL else found


def _listed(summary: ColumnSummary) -> float:
    """The values in the dictionary page of an average row group, if it is not compressed; 0 if it has none."""
    return (summary.dictionary_bytes or 0.0) / summary.groups / summary.value_bytes


def _domain(distinct: float, rows: float, most: float) -> float:
    """The number d of equally frequent values of which so many rows show ``distinct``: d (1 - exp(-rows / d))."""
    if distinct >= rows * NEARLY_ALL:
        return most
    low, high = distinct, max(distinct, most)
    for _ in range(40):
        middle = (low + high) / 2
        shown = middle * -math.expm1(-rows / middle)
        low, high = (middle, high) if shown < distinct else (low, middle)
    return high


def _spread(summary: ColumnSummary, full_span: float | None) -> float:
    """How many times an average row group's values fit into the whole column's: 1 when all groups cover the range."""
    if summary.span is None or not full_span:
        return 1.0
    average = summary.span / summary.groups
    return float(summary.groups) if average <= 0 else min(float(summary.groups), max(1.0, full_span / average))
