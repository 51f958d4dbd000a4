"""The Flight service on the coordinator's gRPC port: Flight's calls, each handed to what answers it.

All handlers run on the coordinator's loop and never block it. Large results do not pass here: clients fetch them from
the executors.
"""

import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import grpc
import pyarrow as pa

from shoal.executor.shuffle.flight import ArrowTicket, decode_ticket
from shoal.flight import flight_pb2 as wire
from shoal.flight.actions import HANDLERS, Actions
from shoal.flight.calls import CallContext, Calls, answering
from shoal.flight.framing import schema_bytes, table_of, to_frames
from shoal.flight.listings import LISTINGS, Listings
from shoal.flight.requests import (
    SERVICE,
    Await,
    Execute,
    Upload,
    own_command,
    parse,
    unpack,
)
from shoal.flight.schemas import Schemas
from shoal.flight.sessions import ClientSession, Prepared, Sessions
from shoal.flight.statements import Statements
from shoal.flight.uploads import received, register_upload, upload_frames
from shoal.planner.errors import InterfaceError, NotSupportedError, ParameterError

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from shoal.serve import CoordinatorServer

_Handler = Callable[[Any, Any], Any]


class FlightService:
    """The front door of one coordinator. ``close`` ends all sessions."""

    def __init__(self, server: "CoordinatorServer") -> None:
        self._server = server
        self._sessions = Sessions(lambda: server.runner)
        self._schemas = Schemas()
        self._calls = Calls(self._sessions)
        self._statements = Statements(self._calls)
        self._actions = Actions(self._calls, self._schemas)
        self._listings = Listings(self._schemas)

    def close(self) -> None:
        """End all sessions and free what they have. Idempotent."""
        self._sessions.close()
        self._calls.close()
        self._schemas.close()

    @property
    def sessions(self) -> Sessions:
        """The sessions of all clients."""
        return self._sessions

    def handler(self) -> "grpc.GenericRpcHandler[Any, Any]":
        """The handler of all calls."""
        unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
        both = grpc.stream_stream_rpc_method_handler
        methods = {
            "Handshake": _method(both, self.handshake, wire.HandshakeRequest),
            "ListFlights": _method(stream, self.list_flights, wire.Criteria),
            "GetFlightInfo": _method(unary, self.get_flight_info, wire.FlightDescriptor),
            "PollFlightInfo": _method(unary, self.poll_flight_info, wire.FlightDescriptor),
            "GetSchema": _method(unary, self.get_schema, wire.FlightDescriptor),
            "DoGet": _method(stream, self.do_get, wire.Ticket),
            "DoPut": _method(both, self.do_put, wire.FlightData),
            "DoAction": _method(stream, self.do_action, wire.Action),
            "ListActions": _method(stream, self.list_actions, wire.Empty),
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)

    async def handshake(
        self, _requests: AsyncIterator[wire.HandshakeRequest], context: CallContext
    ) -> AsyncIterator[wire.HandshakeResponse]:
        """Give the client a token, which names its session; nobody is asked who he is."""
        token = secrets.token_hex(16)
        await context.send_initial_metadata((("authorization", f"Bearer {token}"),))
        yield wire.HandshakeResponse()

    async def list_flights(self, _request: wire.Criteria, _context: CallContext) -> AsyncIterator[wire.FlightInfo]:
        """Nothing: results are not listed."""
        nothing: tuple[wire.FlightInfo, ...] = ()
        for each in nothing:
            yield each

    async def get_flight_info(self, descriptor: wire.FlightDescriptor, context: CallContext) -> wire.FlightInfo:
        """Run a statement to its end, or say what a listing looks like."""
        sql: list[str] = []
        async with answering(context, sql):
            session = await self._calls.session(context)
            name, value = unpack(descriptor.cmd)
            if name in LISTINGS:
                schema = self._listings.schema(name, value)
                endpoint = wire.FlightEndpoint(ticket=wire.Ticket(ticket=descriptor.cmd))
                return wire.FlightInfo(
                    schema=schema_bytes(schema), flight_descriptor=descriptor, endpoint=[endpoint], total_records=-1
                )
            if name == "CommandStatementQuery":
                sql.append(parse(wire.CommandStatementQuery, value).query)
                return await self._statements.run(session, sql[0], (), descriptor)
            if name == "CommandPreparedStatementQuery":
                prepared = _prepared(session, parse(wire.CommandPreparedStatementQuery, value))
                sql.append(prepared.sql)
                return await self._statements.run_prepared(session, prepared, descriptor)
            raise NotSupportedError(f"the command {name[:100]} is not supported")

    async def poll_flight_info(self, descriptor: wire.FlightDescriptor, context: CallContext) -> wire.PollInfo:
        """Run a statement, or wait a little more for it; what others send is run to its end."""
        sql: list[str] = []
        async with answering(context, sql):
            match own_command(*unpack(descriptor.cmd)):
                case Execute() as execute:
                    return await self._statements.execute(await self._calls.session(context), execute, sql)
                case Await() as waiting:
                    return await self._statements.wait(await self._calls.session(context), waiting, sql)
                case Upload():
                    raise NotSupportedError("an upload is sent, not polled")
                case None:
                    return wire.PollInfo(info=await self.get_flight_info(descriptor, context), progress=1.0)

    async def get_schema(self, descriptor: wire.FlightDescriptor, context: CallContext) -> wire.SchemaResult:
        """The schema of a statement's result or of a listing; runs nothing."""
        sql: list[str] = []
        async with answering(context, sql):
            session = await self._calls.session(context)
            name, value = unpack(descriptor.cmd)
            if name in LISTINGS:
                return wire.SchemaResult(schema=schema_bytes(self._listings.schema(name, value)))
            if name == "CommandStatementQuery":
                sql.append(parse(wire.CommandStatementQuery, value).query)
            elif name == "CommandPreparedStatementQuery":
                sql.append(_prepared(session, parse(wire.CommandPreparedStatementQuery, value)).sql)
            else:
                raise NotSupportedError(f"the command {name[:100]} is not supported")
            schema = await self._calls.quick(lambda: self._schemas.of_query(session, sql[0]))
            return wire.SchemaResult(schema=schema_bytes(schema))

    async def do_get(self, ticket: wire.Ticket, context: CallContext) -> AsyncIterator[wire.FlightData]:
        """The rows of a listing, or of a result or a registered table that the coordinator holds."""
        session: ClientSession | None = None
        async with answering(context):
            if ticket.ticket.startswith(b"{"):
                frames = await self._calls.quick(lambda: self._upload(ticket.ticket))
            else:
                session = await self._calls.session(context)
                frames = await self._calls.quick(lambda: self._frames(session, ticket.ticket))
            while (frame := await self._calls.quick(lambda: next(frames, None))) is not None:
                if session is not None:
                    session.used = time.monotonic()
                yield frame

    def _upload(self, ticket: bytes) -> Iterator[wire.FlightData]:
        """A registered table, for an executor: those write their tickets in their own way."""
        match decode_ticket(ticket):
            case ArrowTicket() as found:
                return upload_frames(self._sessions, found)
            case _:
                raise NotSupportedError("the outputs of executors are with the executors")

    def _frames(self, session: ClientSession, ticket: bytes) -> Iterator[wire.FlightData]:
        name, value = unpack(ticket)
        if name in LISTINGS:
            table = self._listings.table(session, name, value)
            return to_frames(table.schema, table.to_batches())
        if name != "TicketStatementQuery":
            raise NotSupportedError(f"there are no tickets {name[:100]}")
        query = parse(wire.TicketStatementQuery, value).statement_handle.decode("ascii", "replace")
        held = self._sessions.held(session, query)
        return to_frames(held.schema, held.batches())

    async def do_put(
        self, requests: AsyncIterator[wire.FlightData], context: CallContext
    ) -> AsyncIterator[wire.PutResult]:
        """Take parameters, a table to register, or a statement that is run for its effect."""
        sql: list[str] = []
        async with answering(context, sql):
            session = await self._calls.session(context)
            first, chunks = await received(requests)
            name, value = unpack(first.flight_descriptor.cmd)
            yield wire.PutResult(app_metadata=await self._put(session, name, value, chunks, sql))

    async def _put(self, session: ClientSession, name: str, value: bytes, chunks: list[bytes], sql: list[str]) -> bytes:
        match name:
            case "CommandStatementUpdate":
                sql.append(parse(wire.CommandStatementUpdate, value).query)
                count = await self._statements.update(session, sql[0], ())
                return wire.DoPutUpdateResult(record_count=count).SerializeToString()
            case "CommandPreparedStatementQuery":
                request = parse(wire.CommandPreparedStatementQuery, value)
                _prepared(session, request).parameters = _only(await self._calls.quick(lambda: _parameters(chunks)))
                handle = request.prepared_statement_handle
                return wire.DoPutPreparedStatementResult(prepared_statement_handle=handle).SerializeToString()
            case "CommandPreparedStatementUpdate":
                prepared = _prepared(session, parse(wire.CommandPreparedStatementUpdate, value))
                sql.append(prepared.sql)
                rows = await self._calls.quick(lambda: _parameters(chunks)) or [prepared.parameters]
                counts = [await self._statements.update(session, prepared.sql, row) for row in rows]
                count = -1 if min(counts) < 0 else sum(counts)
                return wire.DoPutUpdateResult(record_count=count).SerializeToString()
        command = own_command(name, value)
        if not isinstance(command, Upload):
            raise NotSupportedError(f"the command {name[:100]} is not supported")
        await self._calls.quick(lambda: register_upload(self._server, session, command.name, chunks))
        return b""

    async def do_action(self, action: wire.Action, context: CallContext) -> AsyncIterator[wire.ActionResult]:
        """Do something at once."""
        async with answering(context):
            yield wire.ActionResult(body=await self._actions.run(context, action.type, action.body))

    async def list_actions(self, _request: wire.Empty, _context: CallContext) -> AsyncIterator[wire.ActionType]:
        """All actions."""
        for kind, (_, description) in HANDLERS.items():
            yield wire.ActionType(type=kind, description=description)


def flight_services(server: "CoordinatorServer") -> Sequence["grpc.GenericRpcHandler[Any, Any]"]:
    """The front door as a further service of a coordinator, which closes it."""
    service = FlightService(server)
    server.on_close(service.close)
    return (service.handler(),)


def _method(make: Callable[..., Any], handler: _Handler, request: "type[Message]") -> Any:
    return make(handler, request_deserializer=request.FromString, response_serializer=_serialize)


def _serialize(message: "Message") -> bytes:
    return message.SerializeToString()


def _parameters(chunks: list[bytes]) -> list[tuple[object, ...]]:
    """The rows of parameters that a client has sent; none if it has sent no column."""
    table = table_of(chunks) if chunks else pa.table({})
    if not table.num_columns:
        return []
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def _only(rows: list[tuple[object, ...]]) -> tuple[object, ...]:
    """The parameters of a query, which has one result."""
    if len(rows) > 1:
        raise ParameterError(f"a query takes one set of parameters at a time, not {len(rows)}")
    return rows[0] if rows else ()


def _prepared(session: ClientSession, request: Any) -> Prepared:
    name = request.prepared_statement_handle.decode("ascii", "replace")
    found = session.prepared.get(name)
    if found is None:
        raise InterfaceError("there is no such prepared statement")
    return found
