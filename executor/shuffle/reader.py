"""Reading shuffle outputs and registered tables, wherever they are: by memory map here, over Flight elsewhere.

Whatever goes wrong with an output is a ``FetchFailed`` that names whose output it was, so that its producer runs again.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.flight

from shoal.executor.cancellation import CancelToken
from shoal.executor.faults import fault
from shoal.executor.shuffle.files import map_file
from shoal.executor.shuffle.flight import ArrowTicket, OutputTicket, Ticket, encode_ticket
from shoal.executor.shuffle.host import host_identity
from shoal.executor.shuffle.registry import ArrowRegistry
from shoal.planner.errors import FetchFailed, SourceError
from shoal.planner.source import ArrowSource
from shoal.planner.stage import OutputFile, RowSlice

_CALL_SECONDS = 60.0
_BYTES_PER_SECOND = 1 << 20
_GRACE_SECONDS = 1.0
_CONNECTION_OPTIONS: MappingProxyType[str, int] = MappingProxyType(
    {
        "grpc.keepalive_time_ms": 10_000,
        "grpc.keepalive_timeout_ms": 10_000,
        "grpc.http2.max_pings_without_data": 0,
        "grpc.initial_reconnect_backoff_ms": 100,
        "grpc.max_reconnect_backoff_ms": 1_000,
    }
)
"""A peer that vanished is noticed within 20 seconds even in the middle of a stream."""


@dataclass(frozen=True, slots=True)
class OpenedInput:
    """Rows that are ready to be read, once. ``in_place``: the batches are views of mapped files and take no memory."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    in_place: bool

    def table(self) -> pa.Table:
        """All rows."""
        return pa.Table.from_batches(list(self.batches), self.schema)


class FlightClients:
    """Connections to other executors, one for each location, made when they are needed. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: dict[str, pyarrow.flight.FlightClient] = {}

    def get(self, location: str) -> pyarrow.flight.FlightClient:
        """The connection to a location."""
        with self._lock:
            if location not in self._clients:
                self._clients[location] = pyarrow.flight.FlightClient(
                    location, generic_options=list(_CONNECTION_OPTIONS.items())
                )
            return self._clients[location]

    def forget(self, location: str) -> None:
        """Use the connection to a location that failed no more; it ends with the last stream that others read."""
        with self._lock:
            self._clients.pop(location, None)

    def close(self) -> None:
        """Close all connections. Idempotent."""
        with self._lock:
            clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            _close(client)


class ShuffleReader:
    """Opens outputs; owns the connections that this takes."""

    def __init__(self, registry: ArrowRegistry | None = None) -> None:
        self._registry = registry or ArrowRegistry()
        self._clients = FlightClients()

    def open_output(
        self,
        file: OutputFile,
        partitions: Sequence[int],
        *,
        rows: RowSlice | None = None,
        mmap: bool = True,
        cancelled: CancelToken | None = None,
    ) -> OpenedInput:
        """Partitions of one output: mapped if it is on this host and ``mmap`` is set, otherwise streamed.

        With ``rows``, only these of the one partition.

        Raises ``FetchFailed``, with the producer in its context, here or while the batches are read.
        """
        try:
            fault("shuffle.open")
            if mmap and file.host == host_identity():
                mapped = map_file(Path(file.path))
                if mapped.manifest.task != file.task or mapped.manifest.incarnation != file.incarnation:
                    raise FetchFailed(f"{file.path} is not the output of {file.task}")
                found = mapped.batches(partitions) if rows is None else mapped.slice(partitions[0], rows)
                return OpenedInput(mapped.schema, _attributed(found, file), not mapped.compressed)
            compress = file.host != host_identity()
            ticket = OutputTicket(file.task, file.incarnation, tuple(partitions), compress, rows)
            size = sum(file.bytes[number] for number in partitions)
            schema, batches = self._stream(file.location, ticket, size, cancelled)
        except FetchFailed as error:
            raise _blame(error, file) from error.__cause__
        return OpenedInput(schema, _attributed(batches, file), in_place=False)

    def open_arrow(
        self, source: ArrowSource, *, mmap: bool = True, cancelled: CancelToken | None = None
    ) -> OpenedInput:
        """A registered table: from this process, from its file on this host, or over Flight. Raises ``SourceError``."""
        table = self._registry.get(source.key)
        if table is not None:
            return OpenedInput(table.schema, iter(table.to_batches()), in_place=True)
        try:
            if (mmap or not source.location) and source.path and source.host == host_identity():
                reader = pa.ipc.open_file(pa.memory_map(source.path))
                numbers = range(reader.num_record_batches)
                return OpenedInput(reader.schema, (reader.get_batch(number) for number in numbers), in_place=True)
            if not source.location:
                raise SourceError(f"registered table {source.key} is not here and nobody serves it")
            ticket = ArrowTicket(source.key, compress=source.host != host_identity())
            schema, batches = self._stream(source.location, ticket, source.bytes, cancelled)
        except (FetchFailed, OSError, pa.ArrowException) as error:
            raise SourceError(f"registered table {source.key} cannot be read: {error}") from error
        return OpenedInput(schema, batches, in_place=False)

    def close(self) -> None:
        """Close the connections. Idempotent."""
        self._clients.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _stream(
        self, location: str, ticket: Ticket, size: int, cancelled: CancelToken | None
    ) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """Start a stream; the call as a whole has a deadline that grows with its size."""
        token = cancelled or CancelToken()
        try:
            call = _Call(self._clients.get(location), ticket, _CALL_SECONDS + size / _BYTES_PER_SECOND)
            reader, schema = call.result(token)
        except (pyarrow.flight.FlightError, pa.ArrowException, OSError) as error:
            self._clients.forget(location)
            raise FetchFailed(f"{location} does not serve: {_first_line(error)}") from error
        return schema, self._pull(location, reader, token)

    def _pull(
        self, location: str, reader: pyarrow.flight.FlightStreamReader, cancelled: CancelToken
    ) -> Iterator[pa.RecordBatch]:
        ended = False
        try:
            with cancelled.waking(reader.cancel):
                while True:
                    cancelled.check()
                    try:
                        yield reader.read_chunk().data
                    except StopIteration:
                        ended = True
                        return
        except (pyarrow.flight.FlightError, pa.ArrowException, OSError) as error:
            cancelled.check()
            self._clients.forget(location)
            raise FetchFailed(f"{location} stopped serving: {_first_line(error)}") from error
        finally:
            if not ended:
                with suppress(pa.ArrowException, OSError):
                    reader.cancel()


class _Call:
    """The start of a stream, in a thread of its own, because Flight cannot be woken while it connects."""

    def __init__(self, client: pyarrow.flight.FlightClient, ticket: Ticket, timeout: float) -> None:
        self._client = client
        self._ticket = pyarrow.flight.Ticket(encode_ticket(ticket))
        self._timeout = timeout
        self._lock = threading.Lock()
        self._abandoned = False
        self._woken = threading.Event()
        self._reader: pyarrow.flight.FlightStreamReader | None = None
        self._schema: pa.Schema | None = None
        self._error: Exception | None = None
        threading.Thread(target=self._start, name="flight-call", daemon=True).start()

    def result(self, cancelled: CancelToken) -> tuple[pyarrow.flight.FlightStreamReader, pa.Schema]:
        """The stream and its schema; raises what the call raised, or ``QueryCancelled`` as soon as that is asked."""
        with cancelled.waking(self._woken.set):
            self._woken.wait(self._timeout + _GRACE_SECONDS)
        with self._lock:
            if self._error is not None and not cancelled.cancelled:
                raise self._error
            if self._reader is None or cancelled.cancelled:
                self._abandoned = True
                self._end()
                cancelled.check()
                raise FetchFailed(f"no answer in {self._timeout:.0f} s")
            return self._reader, self._schema

    def _start(self) -> None:
        options = pyarrow.flight.FlightCallOptions(timeout=self._timeout)
        try:
            reader = self._client.do_get(self._ticket, options)
            schema = reader.schema
        except Exception as error:  # noqa: BLE001 - it is raised in the thread that waits
            self._error = error
        else:
            with self._lock:
                self._reader, self._schema = reader, schema
                if self._abandoned:
                    self._end()
        self._woken.set()

    def _end(self) -> None:
        if self._reader is not None:
            with suppress(pa.ArrowException, OSError):
                self._reader.cancel()


def _attributed(batches: Iterator[pa.RecordBatch], file: OutputFile) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except FetchFailed as error:
        raise _blame(error, file) from error.__cause__


def _blame(error: FetchFailed, file: OutputFile) -> FetchFailed:
    """Name the producer: its executor, its stage, its partition."""
    return error.with_context(
        query=file.task.query, executor=file.executor, stage=int(file.task.stage), partition=file.task.partition
    )


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0].partition(". Detail:")[0]


def _close(client: pyarrow.flight.FlightClient) -> None:
    with suppress(pa.ArrowException, OSError):
        client.close()
