"""Statistics of tables for the planner, from Parquet footers; what cannot be known is guessed, and nothing raises."""

import threading
from typing import assert_never

from pyarrow import parquet

from shoal.column_summaries import column_statistics, combined, scaled, summarise_column
from shoal.distinct_counts import ColumnSummary
from shoal.footers import FileLayout, Footers, Kept, shared_footers
from shoal.key_bounds import key_kind, key_ranges
from shoal.planner.protocols import ColumnStatistics, KeyRange, TableStatistics, WithoutSamples
from shoal.planner.source import ArrowSource, FileFormat, FileIdentity, FileSource, TableSource

MOST_CHUNKS = 10_000
"""Column chunks (a column of a row group) looked at for one answer; of more an even sample is, and stands for all."""

LEAST_FILES = 64
"""Files that are in such a sample at least."""

KEPT_TABLES = 64
"""Tables of which finished answers are kept."""

KEPT_ANSWERS = 64
"""Finished answers kept of one table."""

PARQUET_ROW_BYTES = 32.0
"""Bytes on disk of a row whose footer could not be read."""

CSV_VALUE_BYTES = 8.0
"""Bytes of a CSV value and its separator."""

JSON_VALUE_BYTES = 24.0
"""Bytes of a JSON value with its name and its marks."""


class _Answers:
    """What was found about one set of files."""

    def __init__(self, files: tuple[FileIdentity, ...]) -> None:
        self.files = files
        self.tables: Kept[frozenset[str], TableStatistics] = Kept(KEPT_ANSWERS)
        self.ranges: Kept[str, tuple[KeyRange, ...]] = Kept(KEPT_ANSWERS)


class FooterStatistics(WithoutSamples):
    """Implements ``shoal.planner.protocols.Statistics``; safe to share between threads and sessions."""

    def __init__(self, footers: Footers | None = None) -> None:
        self._lock = threading.Lock()
        self._footers = shared_footers() if footers is None else footers
        self._answers: list[_Answers] = []

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
        """The bounds of a column in every row group; nothing if its type has no keys, or one footer cannot be read."""
        if not isinstance(source, FileSource) or source.format is not FileFormat.PARQUET or not source.uniform:
            return ()
        if source.options or column in source.encoded:  # the files may have other names or types
            return ()
        with self._lock:
            answers = self._of(source.files)
            known = answers.ranges.get(column)
            if known is None:
                known = self._read_ranges(source.files, column)
                answers.ranges.put(column, known)
            return known

    def footer(self, identity: FileIdentity) -> parquet.FileMetaData:
        """The footer of a file; raises if it cannot be read."""
        return self._footers.footer(identity)

    def _of(self, files: tuple[FileIdentity, ...]) -> _Answers:
        """The answers about files. Thousands take long to compare, so it is tried first if they are the same object."""
        found = next((item for item in self._answers if item.files is files), None)
        found = found or next((item for item in self._answers if item.files == files), None)
        if found is None:
            found = _Answers(files)
        elif found is self._answers[0]:
            return found
        else:
            self._answers.remove(found)
        self._answers.insert(0, found)
        del self._answers[KEPT_TABLES:]
        return found

    def _read_ranges(self, files: tuple[FileIdentity, ...], column: str) -> tuple[KeyRange, ...]:
        layouts = self._footers.layouts(files)
        if not files or any(file not in layouts or column not in layouts[file].columns.indexes for file in files):
            return ()
        shapes = {id(layouts[file].columns): layouts[file].columns for file in files}
        kinds = {id: key_kind(shape.schema.column(shape.indexes[column])) for id, shape in shapes.items()}
        missing = [file for file in files if column not in layouts[file].ranges]
        for file, footer in self._footers.footers(missing).items():
            columns = layouts[file].columns
            kind = kinds[id(columns)]
            if kind is None:
                return ()
            try:
                layouts[file].ranges[column] = key_ranges(file, footer, columns.indexes[column], kind)
            except Exception:  # noqa: BLE001 - a damaged footer can fail in any way, and is not cut by
                return ()
        found = [layouts[file].ranges.get(column) for file in files]
        ranges = tuple(item for known in found if known is not None for item in known)
        is_known = None not in found and any(item.minimum is not None for item in ranges)
        return ranges if is_known else ()

    def _file_table(self, source: FileSource, columns: frozenset[str]) -> TableStatistics:
        size = float(sum(file.size for file in source.files))
        match source.format:
            case FileFormat.CSV:
                return TableStatistics(size / (CSV_VALUE_BYTES * max(1, len(source.columns))), size, exact=False)
            case FileFormat.JSON:
                return TableStatistics(size / (JSON_VALUE_BYTES * max(1, len(source.columns))), size, exact=False)
            case FileFormat.PARQUET:
                return self._parquet_table(source.files, columns.difference(source.encoded), size)
            case _:
                assert_never(source.format)

    def _parquet_table(self, files: tuple[FileIdentity, ...], columns: frozenset[str], size: float) -> TableStatistics:
        with self._lock:
            answers = self._of(files)
            known = answers.tables.get(columns)
            if known is None:
                known = self._summarise(files, columns, size)
                answers.tables.put(columns, known)
            return known

    def _summarise(self, files: tuple[FileIdentity, ...], columns: frozenset[str], size: float) -> TableStatistics:
        found = self._footers.layouts(files)
        read_bytes = float(sum(file.size for file in found))
        if not found or read_bytes <= 0:
            return TableStatistics(size / PARQUET_ROW_BYTES, size, exact=False)
        scale = 1.0 if len(found) == len(files) else size / read_bytes
        return TableStatistics(
            rows=sum(layout.rows for layout in found.values()) * scale,
            bytes=size,
            columns=self._column_statistics(found, columns, scale) if columns else {},
            row_groups={file.path: layout.row_groups for file, layout in found.items()},
            exact=len(found) == len(files),
        )

    def _column_statistics(
        self, found: dict[FileIdentity, FileLayout], columns: frozenset[str], scale: float
    ) -> dict[str, ColumnStatistics]:
        """The statistics of columns that all files have, from a sample of the files if there are many."""
        chunks = max(1, sum(len(layout.row_groups) for layout in found.values()) * len(columns))
        most = max(LEAST_FILES, len(found) * MOST_CHUNKS // chunks)
        files = list(found)[:: -(-len(found) // most)]
        step = max(1, chunks * len(files) // len(found) // MOST_CHUNKS)
        summaries = self._summaries({file: found[file] for file in files}, columns, step)
        sampled = sum(file.size for file in found) / max(1, sum(file.size for file in files))
        statistics: dict[str, ColumnStatistics] = {}
        for name in columns:
            known = [each[name] for each in summaries if name in each]
            if known and len(known) == len(files):
                statistics[name] = column_statistics(scaled(combined(known), scale * sampled))
        return statistics

    def _summaries(
        self, layouts: dict[FileIdentity, FileLayout], columns: frozenset[str], step: int
    ) -> list[dict[str, ColumnSummary]]:
        """The summaries of each file, made from every ``step``-th row group where they are not there yet."""
        wanted: dict[FileIdentity, list[str]] = {}
        for file, layout in layouts.items():
            missing = [name for name in columns if name in layout.columns.indexes and name not in layout.summaries]
            if missing:
                wanted[file] = missing
        for file, footer in self._footers.footers(list(wanted)).items() if wanted else ():
            layout = layouts[file]
            for name in wanted[file]:
                try:
                    layout.summaries[name] = summarise_column(footer, layout.columns.indexes[name], step)
                except Exception:  # noqa: BLE001, S112 - a damaged footer can fail in any way, and only costs estimates
                    continue
        return [layout.summaries for layout in layouts.values()]
