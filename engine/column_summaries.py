"""Boils a column's footers down to one summary, adds up those of many files, and reads statistics from the sum."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pyarrow import parquet

from shoal.distinct_counts import DICTIONARY_HEADER, LENGTH_PREFIX, ColumnSummary, distinct_count
from shoal.planner.cost.constants import position
from shoal.planner.protocols import ColumnStatistics

UNKNOWN_TEXT_BYTES = 16.0
"""Bytes of a string without bounds."""

_PHYSICAL_WIDTHS = {"BOOLEAN": 1.0, "INT32": 4.0, "FLOAT": 4.0, "INT64": 8.0, "DOUBLE": 8.0, "INT96": 12.0}


def summarise_column(footer: parquet.FileMetaData, index: int, step: int = 1) -> ColumnSummary:
    """The summary of a column of a file, from every ``step``-th of its row groups."""
    bounds: list[tuple[object, object]] = []
    nulls: float | None = 0.0
    rows = uncompressed = 0.0
    is_text = footer.schema.column(index).physical_type == "BYTE_ARRAY"
    dictionary = True
    dictionary_bytes = 0.0
    numbers = range(0, footer.num_row_groups, step)
    for number in numbers:
        chunk = footer.row_group(number).column(index)
        rows += chunk.num_values
        uncompressed += chunk.total_uncompressed_size
        dictionary = dictionary and chunk.has_dictionary_page
        if dictionary:
            dictionary_bytes += chunk.data_page_offset - chunk.dictionary_page_offset - DICTIONARY_HEADER
        statistics = chunk.statistics
        if statistics is None or not statistics.has_null_count:
            nulls = None
        elif nulls is not None:
            nulls += statistics.null_count
        found = _bounds(statistics)
        if found is not None:
            bounds.append(found)
    complete = len(bounds) == len(numbers)
    summary = ColumnSummary(
        groups=len(numbers),
        rows=rows,
        nulls=nulls,
        uncompressed=uncompressed,
        dictionary=dictionary,
        value_bytes=_value_bytes(footer.schema.column(index), bounds),
        minimum=_extreme(bounds, 0) if bounds else None,
        maximum=_extreme(bounds, 1) if bounds else None,
        span=_span(bounds) if complete else None,
        is_text=is_text,
        dictionary_bytes=max(0.0, dictionary_bytes) if dictionary else None,
    )
    return scaled(summary, footer.num_row_groups / max(1, len(numbers)))


def _bounds(statistics: parquet.Statistics | None) -> tuple[object, object] | None:
    """The bounds of a column chunk; None where there are none, or none that Python can tell."""
    if statistics is None or not statistics.has_min_max:
        return None
    try:
        return statistics.min, statistics.max
    except (OverflowError, ValueError, ArithmeticError):
        return None


def _extreme(bounds: Sequence[tuple[object, object]], side: int) -> object:
    values = [item[side] for item in bounds]
    try:
        return (min if side == 0 else max)(values)  # type: ignore[type-var]
    except TypeError:  # the files of a table may hold a column in different types
        return None


def _span(bounds: Iterable[tuple[object, object]]) -> float | None:
    total = 0.0
    for low, high in bounds:
        first, last = position(low), position(high)
        if first is None or last is None:
            return None
        total += last - first
    return total


def _value_bytes(column: parquet.ColumnSchema, bounds: Sequence[tuple[object, object]]) -> float:
    if column.physical_type in _PHYSICAL_WIDTHS:
        return _PHYSICAL_WIDTHS[column.physical_type]
    if column.physical_type == "FIXED_LEN_BYTE_ARRAY":
        return float(column.length)
    lengths = [len(value) for pair in bounds for value in pair if isinstance(value, (str, bytes))]
    return LENGTH_PREFIX + (sum(lengths) / len(lengths) if lengths else UNKNOWN_TEXT_BYTES)


def combined(summaries: Sequence[ColumnSummary]) -> ColumnSummary:
    """One summary of a column over all files."""
    first = summaries[0]
    if len(summaries) == 1:
        return first
    bounds = [(item.minimum, item.maximum) for item in summaries if item.minimum is not None]
    return replace(
        first,
        groups=sum(item.groups for item in summaries),
        rows=sum(item.rows for item in summaries),
        nulls=_total([item.nulls for item in summaries]),
        uncompressed=sum(item.uncompressed for item in summaries),
        dictionary=all(item.dictionary for item in summaries),
        dictionary_bytes=_total([item.dictionary_bytes for item in summaries]),
        value_bytes=max(item.value_bytes for item in summaries),
        minimum=_extreme(bounds, 0) if bounds else None,
        maximum=_extreme(bounds, 1) if bounds else None,
        span=_total([item.span for item in summaries]),
    )


def _total(values: Sequence[float | None]) -> float | None:
    """The sum; None as soon as one is not known."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def scaled(summary: ColumnSummary, scale: float) -> ColumnSummary:
    """The summary of everything, from that of a sample."""
    if scale == 1.0:
        return summary
    return replace(
        summary,
        groups=max(1, round(summary.groups * scale)),
        rows=summary.rows * scale,
        nulls=None if summary.nulls is None else summary.nulls * scale,
        uncompressed=summary.uncompressed * scale,
        dictionary_bytes=None if summary.dictionary_bytes is None else summary.dictionary_bytes * scale,
        span=None if summary.span is None else summary.span * scale,
    )


def column_statistics(summary: ColumnSummary) -> ColumnStatistics:
    """What a summary tells the planner."""
    low, high = position(summary.minimum), position(summary.maximum)
    full_span = None if low is None or high is None else high - low
    return ColumnStatistics(
        minimum=summary.minimum,
        maximum=summary.maximum,
        null_fraction=None if summary.nulls is None else summary.nulls / max(1.0, summary.rows),
        distinct=distinct_count(summary, full_span),
        width=_width(summary),
    )


def _width(summary: ColumnSummary) -> float:
    """Bytes of a value in memory; plain strings are as long as they are on disk, others as their bounds."""
    per_row = summary.uncompressed / max(1.0, summary.rows)
    return max(per_row, summary.value_bytes) if summary.is_text else summary.value_bytes
