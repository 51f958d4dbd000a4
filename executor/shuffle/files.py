"""Reading a shuffle file by memory map: batches of chosen partitions, without copying when the file is in memory."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from shoal.executor.shuffle.manifest import Manifest, PartitionEntry, read_manifest
from shoal.planner.errors import FetchFailed
from shoal.planner.stage import RowSlice


@dataclass(frozen=True, slots=True)
class MappedFile:
    """A shuffle file that this process has mapped; unlinking it harms nothing.

    ``compressed``: its batches are unpacked into memory when they are read; otherwise they are views of the file.
    """

    manifest: Manifest
    schema: pa.Schema
    compressed: bool
    _source: pa.MemoryMappedFile
    _reader: pa.RecordBatchFileReader

    def batches(self, partitions: Sequence[int]) -> Iterator[pa.RecordBatch]:
        """The batches of these partitions, in their order. Raises ``FetchFailed`` if a checksum does not fit."""
        for number in partitions:
            if not 0 <= number < len(self.manifest.partitions):
                raise FetchFailed(f"output {self.manifest.task} has no partition {number}")
            entry = self.manifest.partitions[number]
            self._verify(number, entry)
            for batch in entry.batches:
                try:
                    yield self._reader.get_batch(batch)
                except (pa.ArrowException, OSError) as error:
                    raise FetchFailed(f"output {self.manifest.task} is damaged: {error}") from error

    def slice(self, partition: int, wanted: RowSlice) -> Iterator[pa.RecordBatch]:
        """Some rows of a partition. Raises ``FetchFailed`` if it has not so many."""
        skip, left = wanted.first, wanted.rows
        for batch in self.batches([partition]):
            if skip >= batch.num_rows:
                skip -= batch.num_rows
                continue
            part = batch.slice(skip, left)
            skip, left = 0, left - part.num_rows
            yield part
            if not left:
                return
        raise FetchFailed(f"output {self.manifest.task} ends {left} rows too early in partition {partition}")

    def _verify(self, number: int, entry: PartitionEntry) -> None:
        if entry.checksum is None:
            return
        found = 0
        for offset, length in entry.spans:
            self._source.seek(offset)
            found = zlib.crc32(self._source.read_buffer(length), found)
        if found != entry.checksum:
            raise FetchFailed(f"output {self.manifest.task} is damaged: partition {number} has another checksum")


def map_file(path: Path, manifest: Manifest | None = None) -> MappedFile:
    """Map a shuffle file; raises ``FetchFailed`` if it is not there, cut short, or no such file."""
    manifest = manifest or read_manifest(path)
    try:
        source = pa.memory_map(str(path))
        # Reading beyond the end of a mapped file kills the process, so a short file must not get that far.
        if source.size() != manifest.size:
            raise FetchFailed(f"output {manifest.task} is cut short: {source.size()} of {manifest.size} bytes")
        reader = pa.ipc.open_file(source)
    except (pa.ArrowException, OSError) as error:
        raise FetchFailed(f"output {manifest.task} cannot be opened: {error}") from error
    compressed = any(entry.checksum is not None for entry in manifest.partitions)
    return MappedFile(manifest, reader.schema, compressed, source, reader)
