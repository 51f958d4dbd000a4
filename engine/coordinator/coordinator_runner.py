"""The runner that sessions use: a coordinator on its own thread (or on a given loop), over any transport."""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from random import SystemRandom
from typing import Any, TypeVar

from shoal.coordinator.cluster_machine import ClusterMachine
from shoal.coordinator.events import ExecutorJoined, QueryCancelRequested, QueryReleased, QuerySubmitted
from shoal.coordinator.expiry import START_HINT
from shoal.coordinator.instructions import QueryFailed, QueryFinished
from shoal.coordinator.loop import CoordinatorLoop, QueryEnd
from shoal.coordinator.policy import Policy
from shoal.coordinator.transport import Transport
from shoal.planner.errors import Error, InterfaceError, InternalError, NoExecutors, QueryCancelled
from shoal.planner.ids import QueryId
from shoal.planner.stage import StagedPlan
from shoal.runner import ClusterShape, QueryProgress, QueryResult, QueryState, StageRun

START_SECONDS = 30.0
CLOSE_SECONDS = 10.0
ANSWER_SECONDS = 10.0

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class CoordinatedQuery:
    """A query handle; see ``QueryHandle``."""

    def __init__(self, runner: "CoordinatorRunner", query: QueryId) -> None:
        self._runner = runner
        self._query = query
        self._ended = threading.Event()
        self._end: QueryEnd | None = None
        self._released = False

    @property
    def query_id(self) -> QueryId:
        """The query's id."""
        return self._query

    def wait(self, timeout: float | None = None) -> QueryResult:
        """Block until the query has ended; raises its error, or ``TimeoutError`` when ``timeout`` seconds pass first.

        Without a timeout the query's own deadline ends the wait, or the close of the runner.
        """
        if not self._ended.wait(timeout):
            raise TimeoutError(f"query {self._query} has not ended in {timeout:g} s")
        match self._end:
            case QueryFinished(result=result):
                return result
            case QueryFailed(error=error):
                raise error
            case None:
                raise InternalError(f"query {self._query} has ended without an end")

    def cancel(self) -> None:
        """Ask the query to stop; see ``QueryHandle``."""
        if not self._ended.is_set():
            self._runner.post(QueryCancelRequested(self._query))

    def progress(self) -> QueryProgress:
        """How far it is."""
        if self._end is None:
            found = self._runner.ask(lambda machine, now: machine.progress(self._query, now))
            if found is not None:
                return found
        return self._end.progress if self._end is not None else QueryProgress(QueryState.QUEUED, 0, 0, 0.0)

    def runs(self) -> tuple[StageRun, ...]:
        """What the finished stages measured."""
        if self._end is None:
            found = self._runner.ask(lambda machine, _: machine.runs(self._query))
            if found is not None:
                return found
        return self._end.runs if self._end is not None else ()

    def release(self) -> None:
        """Free the result and everything else; see ``QueryHandle``."""
        if not self._released:
            self._released = True
            self._runner.post(QueryReleased(self._query))

    def end(self, end: QueryEnd) -> None:
        """The query has ended; the first end counts."""
        if self._end is None:
            self._end = end
            self._ended.set()


class CoordinatorRunner:
    """Runs staged plans on the executors of a transport; see ``Runner``.

    Owns the transport from here on. Without ``loop`` it starts a thread with an event loop of its own; a given loop
    must be running in another thread, and is left running. ``mmap`` false: executors of one host read each other's
    files over Flight too. Raises what the transport raises when it cannot start.
    """

    def __init__(
        self,
        transport: Transport,
        policy: Policy | None = None,
        *,
        mmap: bool = True,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._transport = transport
        self._mmap = mmap
        self._machine = ClusterMachine(policy, SystemRandom())
        self._running: dict[QueryId, CoordinatedQuery] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._changed = threading.Condition()
        self._shape = self._machine.shape()
        self._members: tuple[ExecutorJoined, ...] = ()
        self._version = -1
        self._thread: threading.Thread | None = None
        self._loop = loop if loop is not None else self._start_thread()
        try:
            self._coordinator = self._run(self._start(), START_SECONDS)
        except BaseException:
            self._stop_thread()
            raise

    def submit(self, plan: StagedPlan, query: QueryId, timeout: float | None = None) -> CoordinatedQuery:
        """Start a plan; see ``Runner``."""
        if not self._machine.ever_joined:
            raise NoExecutors("no executor has joined yet").with_context(hint=START_HINT, query=query)
        handle = CoordinatedQuery(self, query)
        with self._lock:
            if self._closed:
                raise InterfaceError("the runner is closed")
            if query in self._running:
                raise InterfaceError(f"query {query} runs already")
            self._running[query] = handle
        event = QuerySubmitted(query, plan, timeout, self._mmap and plan.mmap)
        self._coordinator.submit(event, self._query_ended)
        return handle

    def shape(self) -> ClusterShape:
        """The cluster as it is now."""
        return self._shape

    def executors(self) -> tuple[ExecutorJoined, ...]:
        """The executors as they joined, those that are draining too."""
        return self._members

    def wait_for_executors(self, count: int, timeout: float) -> None:
        """Block until ``count`` executors take tasks; raises ``NoExecutors`` when ``timeout`` seconds pass first."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._shape.executors >= count or self._closed, timeout):
                message = f"{self._shape.executors} of {count} executors have joined in {timeout:g} s"
                raise NoExecutors(message).with_context(hint=START_HINT)
        if self._closed:
            raise InterfaceError("the runner is closed")

    def close(self) -> None:
        """Cancel what runs, close the transport, stop the thread. Idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        try:
            self._run(self._coordinator.close(CLOSE_SECONDS), 2 * CLOSE_SECONDS)
        except TimeoutError:
            _log.warning("the executors have not stopped in %g s", CLOSE_SECONDS)
        finally:
            self._end_all(QueryCancelled("the runner was closed"))
            self._stop_thread()
            with self._changed:
                self._changed.notify_all()

    def post(self, event: QueryCancelRequested | QueryReleased) -> None:
        """Hand an event of a query to the coordinator; dropped after ``close``."""
        self._coordinator.post(event)

    def ask(self, question: Callable[[ClusterMachine, float], _T]) -> _T | None:
        """Ask the machine something on its own thread; None after ``close``."""
        answer: Future[_T] = Future()

        def give() -> None:
            try:
                answer.set_result(question(self._machine, self._loop.time()))
            except Exception as error:  # noqa: BLE001 - raised again where it was asked
                answer.set_exception(error)

        with self._lock:
            if self._closed:
                return None
            self._loop.call_soon_threadsafe(give)
        return answer.result(ANSWER_SECONDS)

    async def _start(self) -> CoordinatorLoop:
        coordinator = CoordinatorLoop(self._machine, self._transport, self._acted)
        await coordinator.start()
        return coordinator

    def _acted(self) -> None:
        if self._machine.membership_version == self._version:
            return
        self._version = self._machine.membership_version
        with self._changed:
            self._shape = self._machine.shape()
            self._members = tuple(member.joined for member in self._machine.members())
            self._changed.notify_all()

    def _query_ended(self, end: QueryEnd) -> None:
        with self._lock:
            handle = self._running.pop(end.query, None)
        if handle is not None:
            handle.end(end)

    def _end_all(self, error: Error) -> None:
        with self._lock:
            handles = list(self._running.values())
            self._running.clear()
        for handle in handles:
            handle.end(QueryFailed(handle.query_id, error))

    def _run(self, work: Coroutine[Any, Any, _T], timeout: float) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)

    def _start_thread(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=loop.run_forever, name="shoal-coordinator", daemon=True)
        self._thread.start()
        return loop

    def _stop_thread(self) -> None:
        if self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSE_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()
        self._thread = None
