"""Statements run by a coordinator elsewhere, over Arrow Flight SQL; rows come from where the executors left them.

Files on the same host are memory-mapped; from other hosts (or with ``SET mmap = off``) rows come over Arrow Flight.
Paths, in statements and in ``register``, are paths of the cluster's machines.
"""

import atexit
import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa

from shoal.distributed import DistributedStream
from shoal.executor.protocol.version import VERSION
from shoal.executor.resources import split_address
from shoal.executor.shuffle.reader import ShuffleReader
from shoal.executor.shuffle.registry import ArrowRegistry
from shoal.flight import flight_pb2 as wire
from shoal.flight.client import CALL_SECONDS, CONNECT_SECONDS, FlightClient
from shoal.flight.framing import from_frames, table_of, to_frames
from shoal.flight.parameters import encode_parameters
from shoal.flight.requests import (
    Answer,
    Columns,
    Execute,
    Nothing,
    OpenSession,
    QueryName,
    RegisterPath,
    SessionOpened,
    Status,
    TableName,
    TableNames,
    Upload,
    pack,
    pack_own,
)
from shoal.planner import codec
from shoal.planner.errors import ConnectionFailed, Error, InterfaceError
from shoal.planner.ids import QueryId
from shoal.planner.lexer import check_size
from shoal.planner.parameters import Parameters
from shoal.planner.source import Field
from shoal.registration import Registrations
from shoal.result import BatchStream, Decoder, Result, TableStream
from shoal.runner import QueryProgress, QueryResult, QueryState, StageRun
from shoal.running import Running
from shoal.scratch import Scratch

DEFAULT_PORT = 7432
MAX_RESULT_BYTES = 4 << 30
"""The largest result that the coordinator itself, rather than executors, may hold for a client."""

_FETCH_SECONDS = 600.0
_UPLOAD_BYTES_PER_SECOND = 1 << 20
_PINGS = 4
"""How often a client shows itself in the time after which its session would end."""

_UNKNOWN = QueryProgress(QueryState.QUEUED, 0, 0, 0.0)
_LOG = logging.getLogger(__name__)


class RemoteBackend:
    """A ``Backend`` whose statements a coordinator runs, in a session of its own that ends with ``close``."""

    def __init__(self, client: FlightClient, opened: SessionOpened) -> None:
        self._client = client
        self._reader = ShuffleReader()
        self._scratch = Scratch()
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._pinger = threading.Thread(
            target=_ping, args=(client, self._closed, opened.idle_seconds / _PINGS), name="shoal-ping", daemon=True
        )
        self._pinger.start()
        # While the interpreter is torn down, gRPC's own threads stand still and a call would never end.
        atexit.register(self.close)

    def execute(self, sql: str, parameters: Parameters, running: Running) -> Result | None:
        """Run the statements of a text there; see ``Backend``."""
        self._check_open()
        check_size(sql)
        command = Execute(running.query, sql, encode_parameters(parameters))
        try:
            with running.token.waking(lambda: self._cancel(running.query)):
                answer = self._finish(command, running)
        except BaseException:
            self._cancel(running.query)
            self._free(running.query)
            raise
        return None if answer.columns is None else self._result(answer, answer.columns, running)

    def register(self, name: str, data: object) -> None:
        """Send a table, or name files of the cluster's machines; see ``Backend``."""
        self._check_open()
        if isinstance(data, str | Path):
            self._client.action("shoal.RegisterPath", codec.encode(RegisterPath(name, str(data))))
            return
        table = as_arrow(self._scratch, data)
        seconds = CALL_SECONDS + table.nbytes / _UPLOAD_BYTES_PER_SECOND
        self._client.put(pack_own(Upload(name)), to_frames(table.schema, table.to_batches()), seconds)

    def unregister(self, name: str) -> None:
        """Forget a registered name; see ``Backend``."""
        self._check_open()
        self._client.action("shoal.Unregister", codec.encode(TableName(name)))

    def tables(self) -> tuple[str, ...]:
        """The names of all tables and views of the session."""
        self._check_open()
        return codec.decode(TableNames, self._client.action("shoal.Tables", codec.encode(Nothing()))).names

    def columns(self, name: str) -> tuple[Field, ...]:
        """The columns of a table or view; raises ``TableNotFound``."""
        self._check_open()
        return codec.decode(Columns, self._client.action("shoal.Columns", codec.encode(TableName(name)))).columns

    def close(self) -> None:
        """End the session; idempotent. A coordinator that is gone has ended it already."""
        with self._lock:
            if self._closed.is_set():
                return
            self._closed.set()
        atexit.unregister(self.close)
        try:
            self._client.action("CloseSession", b"", CONNECT_SECONDS)
        except Error:
            _LOG.debug("the coordinator at %s did not end the session", self._client.address)
        self._client.close()
        self._reader.close()
        self._scratch.close()
        self._pinger.join(CONNECT_SECONDS)

    def _finish(self, command: Execute, running: Running) -> Answer:
        """Start a statement and ask for its end until it comes."""
        latest: list[QueryProgress] = []
        running.watch(lambda: latest[-1] if latest else _UNKNOWN)
        try:
            found = self._client.poll(pack_own(command), command.sql, CALL_SECONDS)
            while found.HasField("flight_descriptor"):
                progress = codec.decode(Status, found.info.app_metadata).progress
                if progress is not None:
                    latest[:] = [progress]
                if running.token.cancelled:
                    self._cancel(running.query)
                found = self._client.poll(found.flight_descriptor.cmd, command.sql, CALL_SECONDS)
        finally:
            running.watch(None)
        return codec.decode(Answer, found.info.app_metadata)

    def _result(self, answer: Answer, columns: tuple[Field, ...], running: Running) -> Result:
        zone = None if answer.timezone is None else f"'{answer.timezone}'"
        result: Result | None = None
        try:
            result = Result(
                columns,
                self._stream(answer, columns, running),
                Decoder(self._scratch.cursor, columns, zone),
                lambda: answer.statistics,
            )
            result.changed = answer.changed
            result.prefetch()
        except BaseException:
            if result is not None:
                result.close()
            self._free(running.query)
            raise
        return result

    def _stream(self, answer: Answer, columns: tuple[Field, ...], running: Running) -> BatchStream:
        if answer.outputs:
            handle = RemoteQuery(running.query, QueryResult(columns, answer.outputs), self._free)
            return DistributedStream(handle, handle.wait(), self._reader, running, answer.mmap)
        if answer.rows:
            return TableStream(table_of([answer.rows]))
        ticket = pack(wire.TicketStatementQuery(statement_handle=answer.handle.encode()))
        table = from_frames(self._client.get(ticket, _FETCH_SECONDS), MAX_RESULT_BYTES)
        self._free(running.query)
        return TableStream(table)

    def _cancel(self, query: QueryId) -> None:
        self._client.action_soon("shoal.Cancel", codec.encode(QueryName(query)))

    def _free(self, query: QueryId) -> None:
        if not self._closed.is_set():
            self._client.action_soon("shoal.Release", codec.encode(QueryName(query)))

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise InterfaceError("the connection is closed")


class RemoteQuery:
    """A query that a coordinator has run; a ``QueryHandle``."""

    def __init__(self, query: QueryId, result: QueryResult, free: Callable[[QueryId], None]) -> None:
        self.query_id = query
        self._result = result
        self._free = free

    def wait(self, _timeout: float | None = None) -> QueryResult:
        """The result; there is nothing to wait for."""
        return self._result

    def cancel(self) -> None:
        """Do nothing: it has ended."""

    def progress(self) -> QueryProgress:
        """It has ended."""
        return QueryProgress(QueryState.FINISHED, 0, 0, 0.0)

    def runs(self) -> tuple[StageRun, ...]:
        """What was measured stays with the coordinator; EXPLAIN ANALYZE shows it."""
        return ()

    def release(self) -> None:
        """Free the result there."""
        self._free(self.query_id)


def connect_remote(address: str, options: Mapping[str, object]) -> RemoteBackend:
    """Open a session at the coordinator at ``host`` or ``host:port``, with these settings.

    Raises ``ConnectionFailed`` within a few seconds, ``VersionMismatch``, ``SettingError``, ``InterfaceError``.
    """
    has_port = address.rpartition("]")[2].count(":") == 1
    host, port = split_address(address if has_port else f"{address}:{DEFAULT_PORT}")
    settings = tuple((name, _text(value)) for name, value in options.items())
    client = FlightClient(host, port)
    try:
        body = codec.encode(OpenSession(VERSION, settings))
        opened = codec.decode(SessionOpened, client.action("shoal.OpenSession", body, CONNECT_SECONDS))
        client.enter(opened.session)
        return RemoteBackend(client, opened)
    except BaseException as error:
        client.close()
        if isinstance(error, ConnectionFailed):
            raise error.with_context(hint=f"start one with: shoal serve --port {port}") from error.__cause__
        raise


def as_arrow(scratch: Scratch, data: object) -> pa.Table:
    """Data of the user's as the table that a session in this process would make of it; raises ``InterfaceError``."""
    registry = ArrowRegistry()
    source = Registrations(scratch, registry, shared=False).add(data)
    table = registry.get(source.key)
    assert table is not None, "it was just registered"
    return table


def _ping(client: FlightClient, closed: threading.Event, seconds: float) -> None:
    """Keep the session while the connection is open, however long its user thinks."""
    while not closed.wait(seconds):
        try:
            client.action("shoal.Ping", b"")
        except Error as error:
            _LOG.debug("no sign of life from %s: %s", client.address, error.message)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)
