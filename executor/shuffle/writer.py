"""Writing one task's output: rows in, one Arrow IPC file and its manifest out, whole or not at all.

The file starts in memory while the store's budget lasts and moves to disk, compressed, when it does not. Small pieces
of a partition are gathered, so that readers find batches of a useful size.
"""

import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

import pyarrow as pa

from shoal.executor.kernel_errors import translate_error
from shoal.executor.shuffle.heavy_keys import HeavyKeys
from shoal.executor.shuffle.manifest import Manifest, PartitionEntry, manifest_path, write_manifest
from shoal.executor.shuffle.partition import partition_batch, storage_schema
from shoal.executor.shuffle.store import ShuffleStore, StoredOutput, output_name
from shoal.planner.errors import OutOfMemory
from shoal.planner.ids import TaskId

GATHER_ROWS = 65_536
GATHER_BYTES = 8 << 20
GATHERED_BYTES = 64 << 20
"""A partition is written when it has gathered so many rows or bytes; all are when together they have so many."""

_SINK_BUFFER = 1 << 20


class _Partition:
    """What is known of one partition while its file is written."""

    def __init__(self) -> None:
        self.pieces: list[pa.RecordBatch] = []
        self.piece_rows = 0
        self.piece_bytes = 0
        self.rows = 0
        self.bytes = 0
        self.batches: list[int] = []
        self.spans: list[tuple[int, int]] = []
        self.checksum = 0

    def entry(self, checked: bool, heavy: "_Partition") -> PartitionEntry:
        """The partition as the manifest holds it: first its own rows, then those that were set aside as ``heavy``."""
        batches = tuple(self.batches + heavy.batches)
        spans = tuple(self.spans + heavy.spans) if checked else ()
        checksum = self.checksum if checked else None
        return PartitionEntry(self.rows + heavy.rows, self.bytes + heavy.bytes, batches, spans, checksum, heavy.rows)


class _File:
    """An unfinished IPC file, in memory or on disk, for which bytes are reserved as it grows."""

    def __init__(self, store: ShuffleStore, task: TaskId, schema: pa.Schema, in_memory: bool) -> None:
        self.in_memory = in_memory
        self.path = store.new_path(task, in_memory)
        self.reserved = 0
        self.batches = 0
        options = pa.ipc.IpcWriteOptions(compression=None if in_memory else "lz4", use_threads=False)
        self.sink = pa.output_stream(str(self.path), buffer_size=_SINK_BUFFER)
        self.writer = pa.ipc.new_file(self.sink, schema, options=options)
        self.reader = -1 if in_memory else os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)

    def write(self, batch: pa.RecordBatch, partition: _Partition) -> None:
        start = self.sink.tell()
        self.writer.write_batch(batch)
        length = self.sink.tell() - start
        partition.batches.append(self.batches)
        partition.spans.append((start, length))
        self.batches += 1
        if not self.in_memory:
            self.sink.flush()
            partition.checksum = zlib.crc32(os.pread(self.reader, length, start), partition.checksum)

    def append_checksum(self, partition: _Partition, spans: Sequence[tuple[int, int]]) -> None:
        """Let the checksum of a partition go on with what was written elsewhere in the file."""
        for start, length in spans if not self.in_memory else ():
            partition.checksum = zlib.crc32(os.pread(self.reader, length, start), partition.checksum)

    def finish(self) -> int:
        """Close the file and return its size."""
        try:
            self.writer.close()
            self.sink.close()
        finally:
            self._close_reader()
        return self.path.stat().st_size

    def discard(self, store: ShuffleStore) -> None:
        """Remove the file, whatever state it is in."""
        with suppress(pa.ArrowException, OSError, ValueError):
            self.writer.close()
        with suppress(pa.ArrowException, OSError, ValueError):
            self.sink.close()
        self._close_reader()
        with suppress(FileNotFoundError):
            self.path.unlink()
        store.unreserve(self.in_memory, self.reserved)
        self.reserved = 0

    def _close_reader(self) -> None:
        if self.reader >= 0:
            os.close(self.reader)
            self.reader = -1


class OutputWriter:
    """Takes the batches of one task; use as a context manager: without ``finish`` nothing is left behind.

    ``partitioned``: the last column of each batch holds the partition's number and is dropped. Rows of heavy keys, if
    the places of ``keys`` are given, come last in their partitions. Raises ``OutOfMemory`` when neither memory nor
    disk takes more.
    """

    def __init__(
        self,
        store: ShuffleStore,
        task: TaskId,
        schema: pa.Schema,
        partitions: int = 1,
        *,
        partitioned: bool = False,
        keys: Sequence[int] = (),
    ) -> None:
        self._store = store
        self._task = task
        self._partitioned = partitioned
        self._schema = pa.schema(list(schema)[:-1], schema.metadata) if partitioned else schema
        self._stored_schema = storage_schema(self._schema)
        # After the partitions, for each of them what is set aside.
        self._partitions = [_Partition() for _ in range(2 * partitions)]
        self._count = partitions
        self._heavy = HeavyKeys(keys, partitions)
        self._gathered = 0
        self._file = self._open(in_memory=store.has_memory)
        self._finished = False

    def write(self, batch: pa.RecordBatch) -> None:
        """Add the rows of a batch."""
        if batch.num_rows == 0:
            return
        if not self._partitioned:
            self._gather(0, self._stored(batch))
            return
        if self._count == 1:
            self._gather(0, self._stored(batch.select(range(batch.num_columns - 1))))
            return
        rows = self._stored(batch, trailing=True)
        for number, part in partition_batch(rows, self._count):
            stays, aside = self._heavy.divide(number, part)
            if stays.num_rows:
                self._gather(number, stays)
            if aside is not None and aside.num_rows:
                self._gather(self._count + number, aside)

    def finish(self) -> StoredOutput:
        """Write what is left, name the file, and enter it in the store."""
        for partition in self._partitions:
            self._flush(partition)
        file = self._file
        checked = not file.in_memory
        pairs = list(zip(self._partitions[: self._count], self._partitions[self._count :], strict=True))
        with _disk_errors():
            for partition, heavy in pairs:
                file.append_checksum(partition, heavy.spans)
            size = file.finish()
        self._reserve_exactly(file, size)
        manifest = Manifest(
            self._task,
            self._store.incarnation,
            size,
            tuple(partition.entry(checked, heavy) for partition, heavy in pairs),
        )
        path = file.path.with_name(f"{output_name(self._task)}.arrow")
        with _disk_errors():
            write_manifest(path, manifest)
            file.path.replace(path)
        self._finished = True
        output = StoredOutput(path, file.in_memory, manifest)
        self._store.publish(output)
        return output

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._finished:
            self._file.discard(self._store)
            with suppress(FileNotFoundError):
                manifest_path(self._file.path.with_name(f"{output_name(self._task)}.arrow")).unlink()

    def _stored(self, batch: pa.RecordBatch, trailing: bool = False) -> pa.RecordBatch:
        if self._stored_schema is self._schema:
            return batch
        schema = self._stored_schema
        if trailing:
            schema = schema.append(batch.schema.field(batch.num_columns - 1))
        return batch.cast(schema)

    def _gather(self, number: int, piece: pa.RecordBatch) -> None:
        partition = self._partitions[number]
        size = piece.nbytes
        partition.pieces.append(piece)
        partition.piece_rows += piece.num_rows
        partition.piece_bytes += size
        self._gathered += size
        if partition.piece_rows >= GATHER_ROWS or partition.piece_bytes >= GATHER_BYTES:
            self._flush(partition)
        elif self._gathered >= GATHERED_BYTES:
            for each in self._partitions:
                self._flush(each)

    def _flush(self, partition: _Partition) -> None:
        if not partition.pieces:
            return
        pieces = partition.pieces
        batch = pieces[0] if len(pieces) == 1 else pa.concat_batches(pieces)
        self._reserve(partition.piece_bytes)
        with _disk_errors():
            self._file.write(batch, partition)
        self._gathered -= partition.piece_bytes
        partition.rows += partition.piece_rows
        partition.bytes += partition.piece_bytes
        partition.pieces, partition.piece_rows, partition.piece_bytes = [], 0, 0

    def _reserve(self, size: int) -> None:
        """Make room for ``size`` more bytes, on disk if memory has none."""
        file = self._file
        if not self._store.reserve(file.in_memory, size):
            if not file.in_memory:
                raise OutOfMemory(f"the shuffle store's disk budget is used up by task {self._task}")
            self._move_to_disk()
            self._reserve(size)
            return
        file.reserved += size

    def _reserve_exactly(self, file: _File, size: int) -> None:
        """What was reserved is an estimate; from here on the file counts with its size."""
        if size > file.reserved:
            self._store.reserve(file.in_memory, size - file.reserved, force=True)
        else:
            self._store.unreserve(file.in_memory, file.reserved - size)
        file.reserved = size

    def _move_to_disk(self) -> None:
        """Go on in a compressed file on disk that begins with everything written so far."""
        old, reserved = self._file, self._file.reserved
        with _disk_errors():
            old.finish()
            self._file = self._open(in_memory=False)
            try:
                owners = {number: part for part in self._partitions for number in part.batches}
                for part in self._partitions:
                    part.batches, part.spans = [], []
                self._reserve(reserved)
                with pa.memory_map(str(old.path)) as source:
                    reader = pa.ipc.open_file(source)
                    for number in range(reader.num_record_batches):
                        self._file.write(reader.get_batch(number), owners[number])
            finally:
                old.discard(self._store)

    def _open(self, in_memory: bool) -> _File:
        with _disk_errors():
            return _File(self._store, self._task, self._stored_schema, in_memory)


@contextmanager
def _disk_errors() -> Iterator[None]:
    """Turn what a file system says into Shoal's errors."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        told = translate_error(error)
        raise told.with_context(hint="this was written to the shuffle store") from error
