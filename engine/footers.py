"""Parquet footers: read in several threads, kept by file identity, and boiled down to what planning needs of them.

Thousands of files are normal, so of each one little is kept; parsed footers themselves are kept within a budget, so
that a further column of a known file mostly costs no second read.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import Generic, TypeVar

import pyarrow as pa
from pyarrow import parquet

from shoal.distinct_counts import ColumnSummary
from shoal.planner.protocols import KeyRange, RowGroup
from shoal.planner.source import FileIdentity

KEPT_FILES = 50_000
"""Files of which the layouts are kept."""

KEPT_FOOTER_BYTES = 32 << 20
"""Bytes, as they are in the files, of the parsed footers that are kept."""

THREADS = 8
"""Footers that are read at once: more than cores, as files may be far away."""

LEAST_PER_THREAD = 16
"""Files for which another thread is worth starting."""

MOST_SCHEMAS = 16
"""Different schemas that are told apart among the files of a table."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """The values used last, as far as their weights fit into a budget."""

    def __init__(self, budget: float, weight: Callable[[V], float] = lambda _: 1.0) -> None:
        self._budget = budget
        self._weight = weight
        self._held = 0.0
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value of a key, if it is still there."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """Keep a value; the one used longest ago goes when there is no room. The newest always stays."""
        before = self._values.pop(key, None)
        self._held += self._weight(value) - (0.0 if before is None else self._weight(before))
        self._values[key] = value
        while self._held > self._budget and len(self._values) > 1:
            _, dropped = self._values.popitem(last=False)
            self._held -= self._weight(dropped)


@dataclass(frozen=True, slots=True)
class FlatColumns:
    """The columns of a Parquet schema that are not nested, by name; ``schema`` is that of one of the files."""

    schema: parquet.ParquetSchema
    indexes: dict[str, int]


@dataclass(slots=True)
class FileLayout:
    """What is kept of one file: rows, row groups, columns; and what was made of single columns so far."""

    rows: int
    row_groups: tuple[RowGroup, ...]
    columns: FlatColumns
    summaries: dict[str, ColumnSummary] = field(default_factory=dict)
    ranges: dict[str, tuple[KeyRange, ...] | None] = field(default_factory=dict)


class Footers:
    """Footers of files, by identity. Every method may be called from any thread; none raises for a damaged file."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._layouts: Kept[FileIdentity, FileLayout] = Kept(KEPT_FILES)
        self._footers: Kept[FileIdentity, parquet.FileMetaData] = Kept(
            KEPT_FOOTER_BYTES, lambda footer: float(footer.serialized_size)
        )
        self._columns: list[FlatColumns] = []

    def footer(self, file: FileIdentity) -> parquet.FileMetaData:
        """The footer of a file; raises whatever reading it raises."""
        with self._lock:
            known = self._footers.get(file)
        if known is None:
            known = _read(file)
            self._put([(file, known)])
        return known

    def layouts(self, files: Sequence[FileIdentity]) -> dict[FileIdentity, FileLayout]:
        """The layouts of the files whose footers can be read."""
        with self._lock:
            known = {file: self._layouts.get(file) for file in files}
        missing = [file for file, layout in known.items() if layout is None]
        found = {file: layout for file, layout in known.items() if layout is not None}
        return found | self._put(read_all(missing)) if missing else found

    def footers(self, files: Sequence[FileIdentity]) -> dict[FileIdentity, parquet.FileMetaData]:
        """The footers of the files for which that can be read."""
        with self._lock:
            known = {file: self._footers.get(file) for file in files}
        missing = [file for file, footer in known.items() if footer is None]
        found = {file: footer for file, footer in known.items() if footer is not None}
        if missing:
            read = read_all(missing)
            self._put(read)
            found |= dict(read)
        return found

    def schemas(self, files: Sequence[FileIdentity]) -> list[FileIdentity] | None:
        """One file of each Parquet schema among the files; None if one cannot be read or there are too many."""
        layouts = self.layouts(files)
        if len(layouts) < len(set(files)):
            return None
        found = {id(layout.columns): file for file, layout in reversed(layouts.items())}
        return list(found.values()) if len(found) <= MOST_SCHEMAS else None

    def _put(self, read: Sequence[tuple[FileIdentity, parquet.FileMetaData]]) -> dict[FileIdentity, FileLayout]:
        found: dict[FileIdentity, FileLayout] = {}
        with self._lock:
            for file, footer in read:
                try:
                    layout = _layout(footer, file.size, self._flat_columns(footer.schema))
                except Exception:  # noqa: BLE001, S112 - a damaged footer can fail in any way; the file counts as unread
                    continue
                self._layouts.put(file, layout)
                self._footers.put(file, footer)
                found[file] = layout
        return found

    def _flat_columns(self, schema: parquet.ParquetSchema) -> FlatColumns:
        """The columns of a schema; the same object for equal schemas, as far as they were met lately."""
        for number, known in enumerate(self._columns):
            if known.schema.equals(schema):
                if number:
                    self._columns.insert(0, self._columns.pop(number))
                return known
        found = FlatColumns(schema, _flat_indexes(schema))
        self._columns.insert(0, found)
        del self._columns[MOST_SCHEMAS:]
        return found


@cache
def shared_footers() -> Footers:
    """The footers of this process, for all its sessions."""
    return Footers()


def read_all(files: Sequence[FileIdentity]) -> list[tuple[FileIdentity, parquet.FileMetaData]]:
    """The footers of those files that can be read, in several threads when there are many."""
    threads = min(THREADS, len(files) // LEAST_PER_THREAD)
    if threads <= 1:
        return _read_some(files)
    parts = [files[start::threads] for start in range(threads)]
    with ThreadPoolExecutor(threads, "shoal-footers") as pool:
        found = {file: footer for part in pool.map(_read_some, parts) for file, footer in part}
    return [(file, found[file]) for file in files if file in found]


def _read_some(files: Sequence[FileIdentity]) -> list[tuple[FileIdentity, parquet.FileMetaData]]:
    found: list[tuple[FileIdentity, parquet.FileMetaData]] = []
    for file in files:
        try:
            found.append((file, _read(file)))
        except Exception:  # noqa: BLE001, S112 - a damaged footer can fail in any way, and only costs estimates
            continue
    return found


def _read(file: FileIdentity) -> parquet.FileMetaData:
    with pa.OSFile(file.path, "rb") as opened:
        return parquet.read_metadata(opened)


def _layout(footer: parquet.FileMetaData, size: int, columns: FlatColumns) -> FileLayout:
    groups = [footer.row_group(index) for index in range(footer.num_row_groups)]
    weights = [(group.num_rows, group.total_byte_size) for group in groups]
    total = sum(weight for _, weight in weights) or 1
    row_groups = tuple(RowGroup(rows, size * weight // total) for rows, weight in weights)
    return FileLayout(footer.num_rows, row_groups, columns)


def _flat_indexes(schema: parquet.ParquetSchema) -> dict[str, int]:
    """Columns by name; a nested one has a longer path, and a name that is there twice means neither."""
    found: dict[str, int] = {}
    for index, name in enumerate(schema.names):
        column = schema.column(index)
        if column.path == name and column.max_repetition_level == 0:
            found[name] = -1 if name in found else index
    return {name: index for name, index in found.items() if index >= 0}
