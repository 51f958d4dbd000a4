"""The Flight server of an executor: it streams shuffle partitions, and Arrow tables by key, to other machines.

A ticket is a small JSON object: ``{"task": {query, stage, stage_attempt, partition, attempt}, "incarnation": ...,
"partitions": [...], "compress": bool, "rows": {first, rows} or null}`` or ``{"arrow": key, "compress": bool}``. What it
names is looked up in the store's table; nothing of it becomes part of a path.
"""

import json
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.flight

from shoal.executor.faults import fault
from shoal.executor.shuffle.files import map_file
from shoal.executor.shuffle.manifest import task_of
from shoal.executor.shuffle.registry import ArrowRegistry
from shoal.executor.shuffle.store import ShuffleStore
from shoal.planner.errors import Error, FetchFailed
from shoal.planner.ids import Incarnation, TaskId
from shoal.planner.stage import RowSlice

MESSAGE_BYTES = 16 << 20
"""No message is much larger; batches are cut into slices of rows."""

_TICKET_BYTES = 1 << 20
_SHUTDOWN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class OutputTicket:
    """Partitions of one output; of a single one perhaps only some ``rows``."""

    task: TaskId
    incarnation: Incarnation
    partitions: tuple[int, ...]
    compress: bool = False
    rows: RowSlice | None = None


@dataclass(frozen=True, slots=True)
class ArrowTicket:
    """A registered table."""

    key: str
    compress: bool = False


Ticket = OutputTicket | ArrowTicket


def encode_ticket(ticket: Ticket) -> bytes:
    """A ticket as it travels."""
    match ticket:
        case OutputTicket():
            return json.dumps(asdict(ticket)).encode()
        case ArrowTicket(key, compress):
            return json.dumps({"arrow": key, "compress": compress}).encode()


def decode_ticket(encoded: bytes) -> Ticket:
    """Read a ticket; raises ``FetchFailed`` if it is none."""
    try:
        if len(encoded) > _TICKET_BYTES:
            raise ValueError("too long")
        found = json.loads(encoded)
        compress = found.get("compress") is True
        if isinstance(found.get("arrow"), str):
            return ArrowTicket(found["arrow"], compress)
        partitions = found["partitions"]
        if not isinstance(partitions, list) or not all(type(number) is int for number in partitions):
            raise ValueError("not partitions")
        if not isinstance(found["incarnation"], str):
            raise ValueError("not an incarnation")
        task, incarnation = task_of(found["task"]), Incarnation(found["incarnation"])
        return OutputTicket(task, incarnation, tuple(partitions), compress, _slice(found.get("rows"), len(partitions)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FetchFailed("not a ticket") from error


def _slice(found: object, partitions: int) -> RowSlice | None:
    match found:
        case None:
            return None
        case {"first": int(first), "rows": int(rows)} if partitions == 1 and first >= 0 and rows > 0:
            return RowSlice(first, rows)
        case _:
            raise ValueError("not rows of one partition")


class FlightService:
    """Serves a store and a registry on ``host`` (port 0: any free one) until it is closed."""

    def __init__(self, store: ShuffleStore, registry: ArrowRegistry, host: str = "127.0.0.1", port: int = 0) -> None:
        self._server = _Server(f"grpc://{_bracket(host)}:{port}", store, registry)
        self.port: int = self._server.port
        self.location = f"grpc://{_bracket(host)}:{self.port}"

    def close(self) -> None:
        """Stop serving; streams that do not end soon are abandoned. Idempotent."""
        stopper = threading.Thread(target=self._server.shutdown, name="flight-shutdown", daemon=True)
        stopper.start()
        stopper.join(_SHUTDOWN_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Server(pyarrow.flight.FlightServerBase):  # type: ignore[misc]
    """Only ``do_get``; every other call is refused by the base class."""

    def __init__(self, location: str, store: ShuffleStore, registry: ArrowRegistry) -> None:
        super().__init__(location)
        self._store = store
        self._registry = registry

    def do_get(self, _context: object, ticket: pyarrow.flight.Ticket) -> pyarrow.flight.RecordBatchStream:
        # Flight sends the traceback of any other exception to the client.
        try:
            fault("flight.do_get")
            schema, batches, compress = self._find(decode_ticket(ticket.ticket))
        except Error as error:
            raise pyarrow.flight.FlightUnavailableError(error.message) from None
        except Exception as error:  # noqa: BLE001 - nothing of it may reach the client
            raise pyarrow.flight.FlightServerError(f"cannot serve: {type(error).__name__}") from None
        options = pa.ipc.IpcWriteOptions(compression="lz4" if compress else None, use_threads=False)
        reader = pa.RecordBatchReader.from_batches(schema, _bounded(batches))
        return pyarrow.flight.RecordBatchStream(reader, options=options)

    def _find(self, ticket: Ticket) -> tuple[pa.Schema, Iterable[pa.RecordBatch], bool]:
        match ticket:
            case ArrowTicket(key, compress):
                table = self._registry.get(key)
                if table is None:
                    raise FetchFailed("no table of that key is registered here")
                return table.schema, table.to_batches(), compress
            case OutputTicket(task, incarnation, partitions, compress, rows):
                stored = self._store.find(task, incarnation)
                mapped = map_file(stored.path, stored.manifest)
                batches = mapped.batches(partitions) if rows is None else mapped.slice(partitions[0], rows)
                return mapped.schema, batches, compress


def _bounded(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches that fit into messages."""
    for batch in batches:
        pieces = -(-batch.nbytes // MESSAGE_BYTES)
        if pieces <= 1:
            yield batch
            continue
        rows = max(1, batch.num_rows // pieces)
        for start in range(0, batch.num_rows, rows):
            yield batch.slice(start, rows)


def _bracket(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
