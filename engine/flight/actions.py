"""The actions of the front door: Flight SQL's own (prepared statements, cancel, close), and those of our client."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

from shoal.executor.protocol.version import VERSION
from shoal.flight import flight_pb2 as wire
from shoal.flight.calls import CallContext, Calls
from shoal.flight.framing import schema_bytes
from shoal.flight.requests import (
    IDLE_SECONDS,
    Answer,
    Columns,
    Nothing,
    OpenSession,
    QueryName,
    RegisterPath,
    SessionOpened,
    TableName,
    TableNames,
    pack,
    parse,
    unpack,
)
from shoal.flight.schemas import Schemas
from shoal.flight.sessions import ClientSession
from shoal.planner import codec
from shoal.planner.errors import Error, NotSupportedError, ProtocolError, VersionMismatch
from shoal.planner.statement import CreateView, DropView, Query, ResetVariable, SetVariable, classify
from shoal.planner.table_statements import Delete, Insert, TableStatement, Update

if TYPE_CHECKING:
    from collections.abc import Mapping

_Handler = Callable[["Actions", CallContext, bytes], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Actions:
    """The calls that do something at once."""

    calls: Calls
    schemas: Schemas

    async def run(self, context: CallContext, kind: str, body: bytes) -> bytes:
        """The body of an action's one result; raises ``NotSupportedError`` for an action that there is not."""
        handler = HANDLERS.get(kind)
        if handler is None:
            raise NotSupportedError(f"there is no action {kind}")
        return await handler[0](self, context, body)

    async def open_session(self, _context: CallContext, body: bytes) -> bytes:
        """Make a session for a client of our version."""
        request = codec.decode(OpenSession, body)
        if request.version != VERSION:
            message = f"the client is of version {request.version}, the coordinator of version {VERSION}"
            raise VersionMismatch(message).with_context(hint="install the same version of shoal on both sides")
        session = await self.calls.quick(lambda: self._open(request))
        return codec.encode(SessionOpened(session.name, VERSION, IDLE_SECONDS))

    def _open(self, request: OpenSession) -> ClientSession:
        session = self.calls.sessions.open()
        try:
            for name, value in request.settings:
                session.session.settings.set(name, value)
        except BaseException:
            self.calls.sessions.end(session)
            raise
        return session

    async def ping(self, context: CallContext, _body: bytes) -> bytes:
        """Say that the client is still there."""
        await self.calls.session(context)
        return codec.encode(Nothing())

    async def close_session(self, context: CallContext, _body: bytes) -> bytes:
        """End the session of this call and all it has."""
        session = await self.calls.session(context)
        await self.calls.quick(lambda: self.calls.sessions.end(session))
        return wire.CloseSessionResult(status=wire.CLOSE_SESSION_STATUS_CLOSED).SerializeToString()

    async def tables(self, context: CallContext, _body: bytes) -> bytes:
        """The names of all tables and views."""
        session = await self.calls.session(context)
        return codec.encode(TableNames(await self.calls.quick(session.session.tables)))

    async def columns(self, context: CallContext, body: bytes) -> bytes:
        """The columns of a table or view."""
        session = await self.calls.session(context)
        name = codec.decode(TableName, body).name
        return codec.encode(Columns(await self.calls.quick(lambda: session.session.columns(name))))

    async def register_path(self, context: CallContext, body: bytes) -> bytes:
        """Name files of the cluster's machines."""
        session = await self.calls.session(context)
        request = codec.decode(RegisterPath, body)
        await self.calls.quick(lambda: session.session.register(request.name, request.path))
        return codec.encode(Nothing())

    async def unregister(self, context: CallContext, body: bytes) -> bytes:
        """Forget a registered name."""
        session = await self.calls.session(context)
        name = codec.decode(TableName, body).name
        await self.calls.quick(lambda: session.session.unregister(name))
        return codec.encode(Nothing())

    async def cancel(self, context: CallContext, body: bytes) -> bytes:
        """Ask a statement to stop."""
        session = await self.calls.session(context)
        session.cancel(codec.decode(QueryName, body).query)
        return codec.encode(Nothing())

    async def release(self, context: CallContext, body: bytes) -> bytes:
        """Free a result."""
        session = await self.calls.session(context)
        query = codec.decode(QueryName, body).query
        await self.calls.quick(lambda: session.release(query))
        return codec.encode(Nothing())

    async def cancel_flight_info(self, context: CallContext, body: bytes) -> bytes:
        """Cancel what an info came from, or free its result."""
        session = await self.calls.session(context)
        info = parse(wire.CancelFlightInfoRequest, body).info
        try:
            query = codec.decode(Answer, info.app_metadata).query
        except ProtocolError:
            status = wire.CANCEL_STATUS_NOT_CANCELLABLE
        else:
            session.cancel(query)
            await self.calls.quick(lambda: session.release(query))
            status = wire.CANCEL_STATUS_CANCELLED
        return wire.CancelFlightInfoResult(status=status).SerializeToString()

    async def prepare(self, context: CallContext, body: bytes) -> bytes:
        """Keep a statement under a handle; mistakes inside a query show when it runs."""
        session = await self.calls.session(context)
        sql = _inside(wire.ActionCreatePreparedStatementRequest, body).query
        is_update = _is_update(classify(sql))
        handle = session.prepare(sql)
        schema = b"" if is_update else await self.calls.quick(lambda: self._described(session, sql))
        return pack(
            wire.ActionCreatePreparedStatementResult(
                prepared_statement_handle=handle.encode(), dataset_schema=schema, is_update=is_update
            )
        )

    def _described(self, session: ClientSession, sql: str) -> bytes:
        """The schema of a query's result where it can be told without running it, else nothing."""
        try:
            return schema_bytes(self.schemas.of_query(session, sql)) if isinstance(classify(sql), Query) else b""
        except Error:
            return b""

    async def unprepare(self, context: CallContext, body: bytes) -> bytes:
        """Forget a prepared statement, and free its result."""
        session = await self.calls.session(context)
        handle = _inside(wire.ActionClosePreparedStatementRequest, body).prepared_statement_handle
        await self.calls.quick(lambda: session.unprepare(handle.decode("ascii", "replace")))
        return b""


HANDLERS: "Mapping[str, tuple[_Handler, str]]" = {
    "CreatePreparedStatement": (Actions.prepare, "Prepare a statement."),
    "ClosePreparedStatement": (Actions.unprepare, "Forget a prepared statement."),
    "CancelFlightInfo": (Actions.cancel_flight_info, "Cancel a query or free its result."),
    "CloseSession": (Actions.close_session, "End the session."),
    "shoal.OpenSession": (Actions.open_session, "Make a session."),
    "shoal.Ping": (Actions.ping, "Keep the session."),
    "shoal.Tables": (Actions.tables, "List tables and views."),
    "shoal.Columns": (Actions.columns, "List the columns of a table or view."),
    "shoal.RegisterPath": (Actions.register_path, "Name files of the cluster's machines."),
    "shoal.Unregister": (Actions.unregister, "Forget a name."),
    "shoal.Cancel": (Actions.cancel, "Cancel a query."),
    "shoal.Release": (Actions.release, "Free a result."),
}
"""Every action by its type: what does it, and what it is."""


def _inside(message: type[Message], body: bytes) -> Any:
    """The message of class ``message`` inside an ``Any``; raises ``ProtocolError``."""
    name, value = unpack(body)
    if name != message.DESCRIPTOR.name:
        raise ProtocolError(f"expected {message.DESCRIPTOR.name}, got {name[:100]}")
    return parse(message, value)


def _is_update(statement: object) -> bool:
    """Whether a statement is run for its effect alone."""
    if isinstance(statement, Insert | Update | Delete):
        return statement.returning is None
    return isinstance(statement, SetVariable | ResetVariable | CreateView | DropView | TableStatement)
