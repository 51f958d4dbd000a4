"""Arrow data as Flight's messages, and back: an IPC stream whose messages are cut into header and body."""

import io
from collections.abc import Iterable, Iterator

import pyarrow as pa

from shoal.flight.flight_pb2 import FlightData
from shoal.planner.errors import ProtocolError

MESSAGE_BYTES = 8 << 20
"""Batches are cut into slices of about so many bytes; common clients refuse messages above 16 MiB."""

_CONTINUATION = b"\xff\xff\xff\xff"


class _Collector(io.RawIOBase):
    """A file that hands out what was written since the last time."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: object) -> int:
        """Keep some bytes."""
        chunk = bytes(data)  # type: ignore[call-overload]
        self._chunks.append(chunk)
        return len(chunk)

    def take(self) -> bytes:
        """What was written since the last call."""
        taken = b"".join(self._chunks)
        self._chunks.clear()
        return taken


def to_frames(schema: pa.Schema, batches: Iterable[pa.RecordBatch], *, compress: bool = False) -> Iterator[FlightData]:
    """The messages of a stream: the schema first, then batches, none much larger than ``MESSAGE_BYTES``."""
    collector = _Collector()
    options = pa.ipc.IpcWriteOptions(compression="lz4" if compress else None, use_threads=False)
    with pa.ipc.new_stream(pa.PythonFile(collector, "w"), schema, options=options) as writer:
        for batch in batches:
            for piece in _slices(batch):
                writer.write_batch(piece)
                yield from _messages(collector.take())
    yield from _messages(collector.take())


def from_frames(frames: Iterable[FlightData], max_bytes: int) -> pa.Table:
    """The table of a whole stream; raises ``ProtocolError`` for what is none, or is longer than ``max_bytes``."""
    chunks: list[bytes] = []
    size = 0
    for frame in frames:
        if not frame.data_header:
            continue
        piece = frame_bytes(frame)
        size += len(piece)
        if size > max_bytes:
            raise ProtocolError(f"a stream of more than {max_bytes >> 20} MiB")
        chunks.append(piece)
    return table_of(chunks)


def frame_bytes(frame: FlightData) -> bytes:
    """A message as it is in an IPC stream."""
    header, body = frame.data_header, frame.data_body
    padding = -len(header) % 8
    length = (len(header) + padding).to_bytes(4, "little")
    return b"".join((_CONTINUATION, length, header, bytes(padding), body, bytes(-len(body) % 8)))


def table_of(chunks: list[bytes]) -> pa.Table:
    """The table of the messages of a whole stream; raises ``ProtocolError``."""
    try:
        with pa.ipc.open_stream(pa.py_buffer(b"".join(chunks))) as reader:
            table = reader.read_all()
        table.validate()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ProtocolError(f"not a stream of Arrow data: {error}") from error
    return table


def stream_bytes(table: pa.Table) -> bytes:
    """A table as one IPC stream; ``table_of`` reads it."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def schema_bytes(schema: pa.Schema) -> bytes:
    """A schema as Flight's messages hold it."""
    return bytes(schema.serialize().to_pybytes())


def _messages(data: bytes) -> Iterator[FlightData]:
    reader = pa.ipc.MessageReader.open_stream(pa.py_buffer(data))
    while True:
        try:
            message = reader.read_next_message()
        except StopIteration:
            return
        body = message.body
        yield FlightData(
            data_header=message.metadata.to_pybytes(), data_body=b"" if body is None else body.to_pybytes()
        )


def _slices(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    pieces = -(-batch.nbytes // MESSAGE_BYTES)
    if pieces <= 1:
        yield batch
        return
    rows = max(1, batch.num_rows // pieces)
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)
