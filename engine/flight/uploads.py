"""Tables that clients send: registered in their session, kept in a file, and served to executors on other hosts."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from shoal.executor.resources import address_towards, split_address
from shoal.executor.shuffle.flight import ArrowTicket
from shoal.flight import flight_pb2 as wire
from shoal.flight.framing import frame_bytes, table_of, to_frames
from shoal.flight.requests import MAX_UPLOAD_BYTES
from shoal.flight.sessions import ClientSession, Sessions
from shoal.planner.errors import InterfaceError, ProtocolError, SourceError
from shoal.planner.source import ArrowSource

if TYPE_CHECKING:
    from shoal.serve import CoordinatorServer

_UPLOAD_SECONDS = 30.0
"""A client that sends a table sends its next part within this time."""

_WILDCARDS = frozenset({"", "0.0.0.0", "::", "[::]"})  # noqa: S104 - recognised, not bound


async def received(requests: AsyncIterator[wire.FlightData]) -> tuple[wire.FlightData, list[bytes]]:
    """The first message, and all of the stream as IPC messages; raises ``ProtocolError``, ``InterfaceError``."""
    first: wire.FlightData | None = None
    chunks: list[bytes] = []
    size = 0
    while True:
        try:
            async with asyncio.timeout(_UPLOAD_SECONDS):
                frame = await anext(requests)
        except StopAsyncIteration:
            break
        except TimeoutError as error:
            raise ProtocolError(f"the client has sent nothing for {_UPLOAD_SECONDS:g} s") from error
        first = first or frame
        if frame.data_header:
            chunks.append(frame_bytes(frame))
            size += len(chunks[-1])
        if size > MAX_UPLOAD_BYTES:
            raise InterfaceError(f"a table that is sent has at most {MAX_UPLOAD_BYTES >> 20} MiB").with_context(
                hint="write it to a file that the cluster's machines see, and register its path"
            )
    if first is None:
        raise ProtocolError("nothing was sent")
    return first, chunks


def register_upload(server: "CoordinatorServer", session: ClientSession, name: str, chunks: list[bytes]) -> None:
    """Register a table as a session in the client's process would, and say where other hosts find it."""
    session.session.register(name, table_of(chunks))
    catalog = session.session.catalog
    entry = catalog.snapshot().entry(name)
    if isinstance(entry, ArrowSource):
        catalog.put(name, replace(entry, location=f"grpc://{_reachable_host(server)}:{server.port}"))


def upload_frames(sessions: Sessions, ticket: ArrowTicket) -> Iterator[wire.FlightData]:
    """A registered table for an executor that cannot see its file; raises ``SourceError``."""
    for session in sessions.all():
        catalog = session.session.catalog.snapshot()
        for name in catalog.names():
            entry = catalog.entry(name)
            if isinstance(entry, ArrowSource) and entry.key == ticket.key:
                return _frames_of_file(entry.path, compress=ticket.compress)
    raise SourceError("no table of that key is registered here")


def _frames_of_file(path: str, *, compress: bool) -> Iterator[wire.FlightData]:
    try:
        reader = pa.ipc.open_file(pa.memory_map(path))
    except OSError as error:
        raise SourceError("the registered table is gone") from error
    batches = (reader.get_batch(number) for number in range(reader.num_record_batches))
    return to_frames(reader.schema, batches, compress=compress)


def _reachable_host(server: "CoordinatorServer") -> str:
    """The name under which executors reach this coordinator: as they do, where it listens on every address."""
    host = server.host
    if host in _WILDCARDS:
        host = socket.gethostname()
        for executor in server.runner.executors():
            with suppress(OSError, InterfaceError):
                host = address_towards(*split_address(executor.location.removeprefix("grpc://")))
                break
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
