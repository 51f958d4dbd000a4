"""Statements over Flight SQL: what runs them, what tells how far they are, and where their results are."""

import asyncio
import contextlib
import time
from dataclasses import dataclass

import pyarrow as pa
from google.protobuf.timestamp_pb2 import Timestamp

from shoal.executor.shuffle.flight import OutputTicket, encode_ticket
from shoal.flight import flight_pb2 as wire
from shoal.flight.calls import Calls
from shoal.flight.framing import schema_bytes
from shoal.flight.held import HeldResult
from shoal.flight.parameters import decode_parameters
from shoal.flight.requests import IDLE_SECONDS, Answer, Await, Execute, Status, pack, pack_own
from shoal.flight.sessions import ClientSession, Prepared, Statement
from shoal.planner import codec
from shoal.planner.errors import InterfaceError
from shoal.planner.parameters import Parameters
from shoal.runner import QueryProgress

POLL_SECONDS = 0.25
"""How long a poll waits for the end before it says how far the statement is."""


@dataclass(frozen=True, slots=True)
class Statements:
    """The calls that run statements."""

    calls: Calls

    async def execute(self, session: ClientSession, command: Execute, sql: list[str]) -> wire.PollInfo:
        """Start a statement of our client, and wait a little for its end."""
        sql.append(command.sql)
        parameters = decode_parameters(command.parameters)
        statement = self._start(session, command.sql, parameters, command.query)
        return await self._poll(session, statement)

    async def wait(self, session: ClientSession, command: Await, sql: list[str]) -> wire.PollInfo:
        """Wait a little more for the end of a statement."""
        statement = session.statements.get(command.query)
        if statement is None:
            raise InterfaceError(f"query {command.query} does not run")
        sql.append(statement.sql)
        return await self._poll(session, statement)

    async def run(
        self, session: ClientSession, sql: str, parameters: tuple[object, ...], descriptor: wire.FlightDescriptor
    ) -> wire.FlightInfo:
        """Run a statement to its end; a client that goes away cancels it."""
        statement = self._start(session, sql, parameters)
        held = await self._finish(session, statement)
        if held is None:
            return wire.FlightInfo(
                schema=schema_bytes(pa.schema([])), flight_descriptor=descriptor, total_records=0, total_bytes=0
            )
        return info_for_others(held, descriptor)

    async def run_prepared(
        self, session: ClientSession, prepared: Prepared, descriptor: wire.FlightDescriptor
    ) -> wire.FlightInfo:
        """Run a prepared statement with the parameters that were bound last; its earlier results are freed."""
        earlier = list(prepared.held)
        prepared.held.clear()
        for query in earlier:
            await self.calls.quick(lambda query=query: session.release(query))  # type: ignore[misc]
        before = set(session.held)
        info = await self.run(session, prepared.sql, prepared.parameters, descriptor)
        prepared.held.extend(set(session.held) - before)
        return info

    async def update(self, session: ClientSession, sql: str, parameters: tuple[object, ...]) -> int:
        """Run a statement for its effect; the number of rows it changed, -1 if that is not known."""
        held = await self._finish(session, self._start(session, sql, parameters))
        if held is not None:
            await self.calls.quick(lambda: session.release(held.query))
        return 0 if held is None else -1 if held.changed is None else held.changed

    def _start(self, session: ClientSession, sql: str, parameters: Parameters, query: str | None = None) -> Statement:
        loop = asyncio.get_running_loop()
        statement = self.calls.sessions.start(session, sql, parameters, query)

        def tell(_: object) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(statement.ended.set)

        statement.future.add_done_callback(tell)
        return statement

    async def _finish(self, session: ClientSession, statement: Statement) -> HeldResult | None:
        while not await self._ended(statement):
            pass
        return session.take(statement)

    async def _poll(self, session: ClientSession, statement: Statement) -> wire.PollInfo:
        query = statement.query
        if await self._ended(statement):
            held = session.take(statement)
            answer = Answer(query) if held is None else _answer(held)
            return wire.PollInfo(info=wire.FlightInfo(app_metadata=codec.encode(answer)), progress=1.0)
        progress = await self.calls.quick(statement.running.progress)
        again = wire.FlightDescriptor(type=wire.CMD, cmd=pack_own(Await(query)))
        info = wire.FlightInfo(app_metadata=codec.encode(Status(progress)))
        return wire.PollInfo(info=info, flight_descriptor=again, progress=_share(progress))

    async def _ended(self, statement: Statement) -> bool:
        """Wait a little for the end; whoever waits and goes away cancels the statement."""
        statement.asked = time.monotonic()
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await statement.ended.wait()
        except TimeoutError:
            return False
        except asyncio.CancelledError:
            statement.running.cancel()
            raise
        return True


def info_for_others(held: HeldResult, descriptor: wire.FlightDescriptor) -> wire.FlightInfo:
    """Where a result is: at the executors, one endpoint a file, or else here."""
    rows, size = held.rows_and_bytes
    info = wire.FlightInfo(
        schema=schema_bytes(held.schema),
        flight_descriptor=descriptor,
        total_records=rows,
        total_bytes=size,
        ordered=True,
        app_metadata=codec.encode(_answer(held)),
    )
    expiry = Timestamp(seconds=int(time.time() + IDLE_SECONDS))
    for file in held.outputs:
        ticket = OutputTicket(file.task, file.incarnation, tuple(range(len(file.rows))))
        info.endpoint.append(
            wire.FlightEndpoint(
                ticket=wire.Ticket(ticket=encode_ticket(ticket)),
                location=[wire.Location(uri=file.location)],
                expiration_time=expiry,
            )
        )
    if not held.outputs:
        statement_ticket = pack(wire.TicketStatementQuery(statement_handle=held.query.encode()))
        info.endpoint.append(wire.FlightEndpoint(ticket=wire.Ticket(ticket=statement_ticket), expiration_time=expiry))
    return info


def _answer(held: HeldResult) -> Answer:
    values = held.values
    handle = "" if held.outputs or held.inline else held.query
    return Answer(
        held.query,
        held.columns,
        held.outputs,
        held.inline,
        handle,
        values.mmap,
        values.timezone,
        held.statistics,
        held.changed,
    )


def _share(progress: QueryProgress | None) -> float:
    if progress is None or not progress.tasks_total:
        return 0.0
    return min(0.99, progress.tasks_done / progress.tasks_total)
