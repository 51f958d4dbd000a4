"""Statistics of tables for the planner, from Parquet footers; what cannot be known is guessed, and nothing raises."""

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, assert_never

from pyarrow import parquet

from shoal.distinct_counts import DICTIONARY_HEADER, LENGTH_PREFIX, ColumnSummary, distinct_count
from shoal.planner.cost.constants import position
from shoal.planner.protocols import ColumnStatistics, KeyRange, RowGroup, TableStatistics
from shoal.planner.source import ArrowSource, FileFormat, FileIdentity, FileSource, TableSource

MOST_FOOTERS = 64
"""Footers read for one table; of more files an even sample is read and the rest is extrapolated by bytes."""

KEPT_FOOTERS = 64
"""Parsed footers kept, so that a further column of a known file costs no second read."""

KEPT_FILES = 20_000
"""Files of which the summaries are kept."""

KEPT_TABLES = 256
"""Finished answers kept, by source and columns."""

PARQUET_ROW_BYTES = 32.0
"""Bytes on disk of a row whose footer could not be read."""

CSV_VALUE_BYTES = 8.0
"""Bytes of a CSV value and its separator."""

JSON_VALUE_BYTES = 24.0
"""Bytes of a JSON value with its name and its marks."""

UNKNOWN_TEXT_BYTES = 16.0
"""Bytes of a string without bounds."""

K = TypeVar("K")
V = TypeVar("V")

_PHYSICAL_WIDTHS = {"BOOLEAN": 1.0, "INT32": 4.0, "FLOAT": 4.0, "INT64": 8.0, "DOUBLE": 8.0, "INT96": 12.0}


@dataclass(slots=True)
class _File:
    """What is kept of one file: its rows, its row groups, its columns' indexes and the summaries made so far."""

    rows: float
    row_groups: tuple[RowGroup, ...]
    indexes: dict[str, int]
    summaries: dict[str, ColumnSummary]


class FooterStatistics:
    """Implements ``shoal.planner.protocols.Statistics``; safe to share between threads and sessions."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: OrderedDict[FileIdentity, _File] = OrderedDict()
        self._footers: OrderedDict[FileIdentity, parquet.FileMetaData] = OrderedDict()
        self._ranges: OrderedDict[tuple[tuple[FileIdentity, ...], str], tuple[KeyRange, ...]] = OrderedDict()
        self._tables: OrderedDict[tuple[tuple[FileIdentity, ...], frozenset[str]], TableStatistics] = OrderedDict()

    def table(self, source: TableSource, columns: frozenset[str]) -> TableStatistics:
        """Rows, bytes, row groups and the given columns of a source; never raises, guesses instead."""
        match source:
            case ArrowSource():
                return TableStatistics(float(source.rows), float(source.bytes))
            case FileSource():
                return self._file_table(source, columns)
            case _:
                assert_never(source)

    def key_ranges(self, source: TableSource, column: str) -> tuple[KeyRange, ...]:
        """The exact bounds of a column in every row group; nothing unless all are known integers or dates, no NULL."""
        if not isinstance(source, FileSource) or source.format is not FileFormat.PARQUET or not source.uniform:
            return ()
        if len(source.files) > MOST_FOOTERS:
            return ()
        key = (source.files, column)
        with self._lock:
            known = self._ranges.get(key)
            if known is None:
                known = self._read_ranges(source.files, column)
                _keep(self._ranges, key, known, KEPT_TABLES)
            return known

    def _read_ranges(self, files: tuple[FileIdentity, ...], column: str) -> tuple[KeyRange, ...]:
        found: list[KeyRange] = []
        for identity in files:
            layout = self._file(identity, frozenset())
            if layout is None or column not in layout.indexes:
                return ()
            ranges = _key_ranges(identity, self._footer(identity), layout.indexes[column])
            if ranges is None:
                return ()
            found += ranges
        return tuple(found)

    def _file_table(self, source: FileSource, columns: frozenset[str]) -> TableStatistics:
        size = float(sum(file.size for file in source.files))
        match source.format:
            case FileFormat.CSV:
                return TableStatistics(size / (CSV_VALUE_BYTES * max(1, len(source.columns))), size, exact=False)
            case FileFormat.JSON:
                return TableStatistics(size / (JSON_VALUE_BYTES * max(1, len(source.columns))), size, exact=False)
            case FileFormat.PARQUET:
                return self._parquet_table(source.files, columns, size)
            case _:
                assert_never(source.format)

    def _parquet_table(self, files: tuple[FileIdentity, ...], columns: frozenset[str], size: float) -> TableStatistics:
        key = (files, columns)
        with self._lock:
            known = self._tables.get(key)
            if known is None:
                known = self._summarise(files, columns, size)
                _keep(self._tables, key, known, KEPT_TABLES)
            return known

    def _summarise(self, files: tuple[FileIdentity, ...], columns: frozenset[str], size: float) -> TableStatistics:
        sample = files if len(files) <= MOST_FOOTERS else files[:: -(-len(files) // MOST_FOOTERS)]
        read = {identity: self._file(identity, columns) for identity in sample}
        found = {identity: file for identity, file in read.items() if file is not None}
        read_bytes = float(sum(identity.size for identity in found))
        if not found or read_bytes <= 0:
            return TableStatistics(size / PARQUET_ROW_BYTES, size, exact=False)
        scale = size / read_bytes
        statistics: dict[str, ColumnStatistics] = {}
        for name in columns:
            summaries = [file.summaries[name] for file in found.values() if name in file.summaries]
            if len(summaries) == len(found):
                statistics[name] = _column_statistics(_scaled(_combined(summaries), scale))
        return TableStatistics(
            rows=sum(file.rows for file in found.values()) * scale,
            bytes=size,
            columns=statistics,
            row_groups={identity.path: file.row_groups for identity, file in found.items()},
            exact=len(found) == len(files),
        )

    def _file(self, identity: FileIdentity, columns: frozenset[str]) -> _File | None:
        """The kept facts of a file with summaries of the columns; None when its footer cannot be read."""
        try:
            known = self._files.get(identity)
            if known is None:
                known = _read_layout(self._footer(identity), identity.size)
                _keep(self._files, identity, known, KEPT_FILES)
            missing = [name for name in columns if name in known.indexes and name not in known.summaries]
            if missing:
                footer = self._footer(identity)
                for name in missing:
                    known.summaries[name] = _summarise_column(footer, known.indexes[name])
        except Exception:  # noqa: BLE001 - a damaged footer can fail in any way, and only costs the estimate its base
            return None
        return known

    def _footer(self, identity: FileIdentity) -> parquet.FileMetaData:
        footer = self._footers.get(identity)
        if footer is None:
            footer = parquet.read_metadata(identity.path)
            _keep(self._footers, identity, footer, KEPT_FOOTERS)
        return footer


def _keep(cache: OrderedDict[K, V], key: K, value: V, most: int) -> None:
    """Add to a cache, and drop its oldest entry when it is full."""
    cache[key] = value
    if len(cache) > most:
        cache.popitem(last=False)


def _read_layout(footer: parquet.FileMetaData, size: int) -> _File:
    groups = [footer.row_group(index) for index in range(footer.num_row_groups)]
    weights = [(group.num_rows, group.total_byte_size) for group in groups]
    total = sum(weight for _, weight in weights) or 1
    row_groups = tuple(RowGroup(rows, size * weight // total) for rows, weight in weights)
    indexes = {footer.schema.column(index).path: index for index in range(footer.num_columns)}
    return _File(float(footer.num_rows), row_groups, indexes, {})


def _key_ranges(identity: FileIdentity, footer: parquet.FileMetaData, index: int) -> list[KeyRange] | None:
    """The bounds of one column in each row group of a file; None as soon as one is not known for sure."""
    found: list[KeyRange] = []
    first = 0
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        statistics = group.column(index).statistics
        if statistics is None or not statistics.has_min_max or not statistics.has_null_count or statistics.null_count:
            return None
        low, high = statistics.min, statistics.max
        if type(low) not in (int, dt.date) or type(high) is not type(low):
            return None
        found.append(KeyRange(identity, first, group.num_rows, low, high))
        first += group.num_rows
    return found


def _summarise_column(footer: parquet.FileMetaData, index: int) -> ColumnSummary:
    bounds: list[tuple[object, object]] = []
    nulls: float | None = 0.0
    rows = uncompressed = 0.0
    is_text = footer.schema.column(index).physical_type == "BYTE_ARRAY"
    dictionary = True
    dictionary_bytes = 0.0
    for number in range(footer.num_row_groups):
        chunk = footer.row_group(number).column(index)
        rows += chunk.num_values
        uncompressed += chunk.total_uncompressed_size
        dictionary = dictionary and chunk.has_dictionary_page
        if dictionary and is_text:
            dictionary_bytes += chunk.data_page_offset - chunk.dictionary_page_offset - DICTIONARY_HEADER
        statistics = chunk.statistics
        if statistics is None or not statistics.has_null_count:
            nulls = None
        elif nulls is not None:
            nulls += statistics.null_count
        if statistics is not None and statistics.has_min_max:
            bounds.append((statistics.min, statistics.max))
    complete = len(bounds) == footer.num_row_groups
    return ColumnSummary(
        groups=footer.num_row_groups,
        rows=rows,
        nulls=nulls,
        uncompressed=uncompressed,
        dictionary=dictionary,
        value_bytes=_value_bytes(footer.schema.column(index), bounds),
        minimum=_extreme(bounds, 0) if bounds else None,
        maximum=_extreme(bounds, 1) if bounds else None,
        span=_span(bounds) if complete else None,
        is_text=is_text,
        dictionary_bytes=max(0.0, dictionary_bytes) if dictionary and is_text else None,
    )


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


def _combined(summaries: Sequence[ColumnSummary]) -> ColumnSummary:
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


def _scaled(summary: ColumnSummary, scale: float) -> ColumnSummary:
    """The summary of all files, from that of a sample."""
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


def _column_statistics(summary: ColumnSummary) -> ColumnStatistics:
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
