"""Reads the rows of a sample: runs of neighbours at places that are spread over a table.

Of a Parquet file only the first pages of some row groups are decoded, with a footer that is known already.
"""

import time
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa
from pyarrow import parquet

from shoal.planner.protocols import RowGroup
from shoal.planner.source import FileIdentity, FileSource

BLOCKS = 8
"""Places of a table from which rows are read."""

BLOCK_ROWS = 2048
"""Rows read at each place."""

STRIDE = 8
"""When a table has fewer row groups than places, every so many-th run of rows of a row group is a place."""

LEAST_BLOCKS = 3
"""Places that must have been read when the time is over, for the sample to count."""


class Footers(Protocol):
    """Where parsed footers come from."""

    def footer(self, identity: FileIdentity) -> parquet.FileMetaData:
        """The footer of a file; raises if it cannot be read."""


@dataclass(frozen=True, slots=True)
class Block:
    """A place: a row group of a file, and which run of ``BLOCK_ROWS`` rows in it."""

    file: FileIdentity
    group: int
    run: int = 0


@dataclass(frozen=True, slots=True)
class SampleRows:
    """Columns of the same rows, which lie one block after another; ``sizes`` are the blocks' rows."""

    sizes: tuple[int, ...]
    columns: Mapping[str, pa.ChunkedArray]
    blocks: tuple[Block, ...] = ()

    @property
    def count(self) -> int:
        """The number of rows."""
        return sum(self.sizes)

    def table(self, names: frozenset[str]) -> pa.Table:
        """Some of the columns, and the number of each row's block."""
        wanted = sorted(names)
        arrays = [_block_numbers(self.sizes), *(self.columns[name] for name in wanted)]
        return pa.Table.from_arrays(arrays, names=["sample_block", *wanted])

    def joined(self, other: "SampleRows") -> "SampleRows":
        """These columns and others of the same rows."""
        if other.sizes != self.sizes:
            return other
        return SampleRows(self.sizes, {**self.columns, **other.columns}, self.blocks)


def _block_numbers(sizes: Sequence[int]) -> pa.Array:
    """The number of each row's block. Made of a buffer: where Arrow looks at Python values, it imports pandas first."""
    numbers = array("i")
    for number, size in enumerate(sizes):
        numbers.extend(array("i", [number]) * size)
    return pa.Array.from_buffers(pa.int32(), len(numbers), [None, pa.py_buffer(numbers)])


def read_arrow_rows(table: pa.Table, columns: Sequence[str]) -> SampleRows:
    """Evenly spread runs of rows of a table in memory."""
    rows = table.num_rows
    starts = sorted({min(max(0, rows - BLOCK_ROWS), rows * number // BLOCKS) for number in range(BLOCKS)})
    runs = [table.select(list(columns)).slice(start, BLOCK_ROWS) for start in starts]
    whole = pa.concat_tables(runs)
    return SampleRows(tuple(run.num_rows for run in runs), {name: whole.column(name) for name in columns})


def read_parquet_rows(
    source: FileSource,
    row_groups: Mapping[str, tuple[RowGroup, ...]],
    footers: Footers,
    columns: Sequence[str],
    at: tuple[Block, ...] | None,
    deadline: float,
) -> SampleRows | None:
    """Columns of the blocks ``at``, or of blocks spread over all row groups; None when time is over or files changed.

    Raises whatever reading Parquet raises.
    """
    blocks = at or choose_blocks(source.files, row_groups)
    found: list[pa.Table] = []
    opened: dict[FileIdentity, parquet.ParquetFile] = {}
    try:
        for block in blocks:
            late = time.monotonic() > deadline
            if late and (at is not None or len(found) < LEAST_BLOCKS):
                return None
            if late:
                break
            if block.file not in opened:
                stat = Path(block.file.path).stat()
                if (stat.st_size, stat.st_mtime_ns) != (block.file.size, block.file.modified_ns):
                    return None
                footer = footers.footer(block.file)
                opened[block.file] = parquet.ParquetFile(block.file.path, metadata=footer, memory_map=True)
            found.append(_read_block(opened[block.file], block, columns))
    finally:
        for file in opened.values():
            file.close()
    if not found:
        return None
    whole = pa.concat_tables(found)
    sizes = tuple(table.num_rows for table in found)
    return SampleRows(sizes, {name: whole.column(name) for name in columns}, tuple(blocks[: len(found)]))


def _read_block(file: parquet.ParquetFile, block: Block, columns: Sequence[str]) -> pa.Table:
    batches = file.iter_batches(BLOCK_ROWS, row_groups=[block.group], columns=list(columns), use_threads=False)
    for number, batch in enumerate(batches):
        if number == block.run:
            return pa.Table.from_batches([batch])  # pa.table() would import pandas
    return pa.Table.from_batches([], file.schema_arrow).select(list(columns))


def choose_blocks(files: Sequence[FileIdentity], row_groups: Mapping[str, tuple[RowGroup, ...]]) -> tuple[Block, ...]:
    """Places that are spread over all rows; several in one row group only if there are too few of these."""
    groups = [
        (file, number, group.rows)
        for file in files
        for number, group in enumerate(row_groups.get(file.path, ()))
        if group.rows > 0
    ]
    if len(groups) >= BLOCKS:
        total = sum(rows for _, _, rows in groups)
        chosen: dict[tuple[str, int], Block] = {}
        passed, number = 0, 0
        for file, group, rows in groups:
            passed += rows
            if passed * BLOCKS * 2 > total * (2 * number + 1):
                chosen[file.path, group] = Block(file, group)
                while passed * BLOCKS * 2 > total * (2 * number + 1):
                    number += 1
        return tuple(chosen.values())
    each = -(-BLOCKS // max(1, len(groups)))
    return tuple(
        Block(file, group, run * STRIDE)
        for file, group, rows in groups
        for run in range(each)
        if run == 0 or run * STRIDE * BLOCK_ROWS < rows
    )
