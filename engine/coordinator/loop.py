"""The thin loop: events into the machine, its instructions out to the transport and to whoever waits for a query."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import assert_never

from shoal.coordinator.cluster_machine import ClusterMachine
from shoal.coordinator.events import Event, QueryCancelRequested, QuerySubmitted, Tick
from shoal.coordinator.instructions import (
    CancelTasks,
    DisconnectExecutor,
    DropOutputs,
    DropQuery,
    Instruction,
    LaunchTask,
    QueryFailed,
    QueryFinished,
)
from shoal.coordinator.transport import Transport
from shoal.planner.errors import InternalError
from shoal.planner.ids import QueryId

QueryEnd = QueryFinished | QueryFailed
EndCallback = Callable[[QueryEnd], None]

_log = logging.getLogger(__name__)


class CoordinatorLoop:
    """Runs a machine on an asyncio loop.

    ``submit`` and ``post`` may be called from any thread, everything else from the loop's. ``acted`` is called
    after each batch of events, on the loop's thread.
    """

    def __init__(self, machine: ClusterMachine, transport: Transport, acted: Callable[[], None]) -> None:
        self._machine = machine
        self._transport = transport
        self._acted = acted
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._inbox: deque[Event] = deque()
        self._ends: dict[QueryId, EndCallback] = {}
        self._pumping = False
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def start(self) -> None:
        """Let executors come; raises what the transport raises."""
        await self._transport.start(self.post)

    def post(self, event: Event) -> None:
        """Hand in an event. After ``close`` it is dropped."""
        self._inbox.append(event)
        if threading.get_ident() == self._thread:
            self._pump()
            return
        try:
            self._loop.call_soon_threadsafe(self._pump)
        except RuntimeError:
            self._inbox.clear()

    def submit(self, event: QuerySubmitted, ended: EndCallback) -> None:
        """Start a query; ``ended`` is called once, on the loop's thread."""
        self._ends[event.query] = ended
        self.post(event)

    async def close(self, seconds: float) -> None:
        """End every query, wait at most ``seconds`` for what they left to be dropped, and close the transport."""
        for query in list(self._ends):
            self.post(QueryCancelRequested(query, "the coordinator was closed"))
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        await asyncio.wait_for(self._transport.close(), seconds)

    def _pump(self) -> None:
        """Handle everything that has come; a call from inside, by a transport that fails, is left to the outer one."""
        if self._pumping:
            return
        self._pumping = True
        try:
            while self._inbox:
                self._handle(self._inbox.popleft())
        finally:
            self._pumping = False
        self._set_timer()
        self._acted()

    def _handle(self, event: Event) -> None:
        try:
            for instruction in self._machine.handle(event, self._loop.time()):
                self._carry_out(instruction)
        except Exception as error:  # noqa: BLE001
            # A defect of ours must end as an error of the queries that run, never as a hang.
            _log.exception("the coordinator failed at %s", type(event).__name__)
            for query, ended in list(self._ends.items()):
                del self._ends[query]
                told = InternalError(f"the coordinator failed: {type(error).__name__}: {error}")
                ended(QueryFailed(query, told.with_context(query=query)))
                if not isinstance(event, QueryCancelRequested):
                    self._inbox.append(QueryCancelRequested(query))

    def _carry_out(self, instruction: Instruction) -> None:
        match instruction:
            case LaunchTask(executor, incarnation, spec):
                self._transport.launch(executor, incarnation, spec)
            case CancelTasks(executor, incarnation, tasks):
                self._transport.cancel(executor, incarnation, tasks)
            case DropOutputs(executor, incarnation, tasks):
                self._transport.drop_outputs(executor, incarnation, tasks)
            case DropQuery(executor, incarnation, query):
                self._transport.drop_query(executor, incarnation, query)
            case DisconnectExecutor(executor, incarnation, reason):
                self._transport.disconnect(executor, incarnation, reason)
            case QueryFinished() | QueryFailed():
                ended = self._ends.pop(instruction.query, None)
                if ended is not None:
                    ended(instruction)
            case _:
                assert_never(instruction)

    def _set_timer(self) -> None:
        wake_at = self._machine.wake_at
        if self._timer is not None:
            if self._timer.when() == wake_at and not self._timer.cancelled():
                return
            self._timer.cancel()
        self._timer = None
        if wake_at is not None and not self._closed:
            self._timer = self._loop.call_at(wake_at, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.post(Tick())
