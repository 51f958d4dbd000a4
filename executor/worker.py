"""The executor process: joins a coordinator, runs the tasks it is sent, and leaves nothing behind.

One process is one incarnation. When the coordinator is gone, the process cancels what runs, cleans up and ends; its
supervisor starts the next incarnation, which tries to join again.
"""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Protocol, assert_never

from shoal.executor.cancellation import CancelToken
from shoal.executor.control_client import ControlClient
from shoal.executor.protocol import shoal_pb2 as wire
from shoal.executor.protocol.messages import error_to_wire, task_from_wire, task_to_wire, tasks_from_wire
from shoal.executor.protocol.version import VERSION
from shoal.executor.resources import core_pool, cores, private_bytes
from shoal.executor.task_pool import TaskPool
from shoal.executor.worker_options import STUCK_SECONDS, ExitCode, Report, WorkerOptions
from shoal.planner import codec
from shoal.planner.errors import Error, OutOfMemory, ProtocolError
from shoal.planner.ids import QueryId, TaskId
from shoal.planner.stage import OutputFile, TaskMetrics, TaskSpec

WATCH_SECONDS = 0.25
"""How often a worker looks at its memory, its tasks and the coordinator."""

OUT_OF_MEMORY_SECONDS = 2.0
"""How long tasks that were stopped for their memory may take to give it back."""

END_SECONDS = 3.0
"""How long cancelled tasks may take before the process ends without them."""

_LOG = logging.getLogger(__name__)


class Services(Protocol):
    """What runs tasks and keeps their outputs."""

    @property
    def host(self) -> str:
        """The identity of this machine."""

    @property
    def location(self) -> str:
        """The Flight address of the outputs."""

    def warm_up(self) -> None:
        """Do once what the first task would have to wait for."""

    def run(self, spec: TaskSpec, token: CancelToken) -> tuple[OutputFile, TaskMetrics]:
        """Run one task; see ``RunTask``."""

    def drop_output(self, task: TaskId) -> None:
        """Delete one output."""

    def drop_query(self, query: QueryId) -> None:
        """Delete everything of a query."""

    def close(self) -> None:
        """Free everything and remove all files. Idempotent."""


class _Drain(StrEnum):
    NOT = "not"
    WANTED = "wanted"
    ANNOUNCED = "announced"


class Worker:
    """One life of an executor. ``run`` does it all, on one event loop; ``stop`` is what a signal calls."""

    def __init__(self, options: WorkerOptions, open_services: Callable[[WorkerOptions], Services]) -> None:
        self._options = options
        self._open_services = open_services
        self._client = ControlClient(options.coordinator)
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[tuple[ExitCode, str]] = self._loop.create_future()
        self._drain = _Drain.NOT
        self._drain_until = 0.0
        self._last_heard = time.monotonic()
        self._over_limit_since: float | None = None

    def stop(self, number: signal.Signals) -> None:
        """The first signal: finish what is needed, then leave. The second, or before joining: leave now."""
        if self._drain is _Drain.NOT:
            self._drain = _Drain.WANTED
            self._drain_until = time.monotonic() + self._options.drain_seconds
        else:
            self._end(ExitCode.INTERRUPTED, f"got {number.name}")

    async def run(self) -> ExitCode:
        """Join, work, leave; returns how it ended. Raises what ``ControlClient.join`` raises."""
        services = await asyncio.to_thread(self._open_services, self._options)
        pool = TaskPool(services.run, self._options.slots, self)
        try:
            welcome = await self._join(services)
            if welcome is None:
                return ExitCode.DONE
            self.report(Report.JOINED)
            code, reason = await self._work(pool, services, welcome)
            self.report(Report.ENDING, reason)
            return code
        finally:
            await self._free(pool, services)

    async def _free(self, pool: TaskPool, services: Services) -> None:
        """Stop and remove everything; what does not stop in time dies with the process."""
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._client.close()
                await asyncio.to_thread(pool.close, END_SECONDS)
                await asyncio.to_thread(services.close)
        except TimeoutError:
            _LOG.warning("not everything has ended in %.0f s; the process ends without it", END_SECONDS)

    def report(self, word: Report, text: str = "") -> None:
        """Tell the supervisor, if there is one that listens."""
        if self._options.report_fd >= 0:
            with contextlib.suppress(OSError):
                os.write(self._options.report_fd, f"{word} {' '.join(text.split())}\n".encode()[:1000])

    def started(self, task: TaskId) -> None:
        """See ``Listener``."""
        self._send(wire.ExecutorMessage(started=wire.TaskStarted(task=task_to_wire(task))))

    def succeeded(self, output: OutputFile, metrics: TaskMetrics) -> None:
        """See ``Listener``."""
        message = wire.TaskSucceeded(
            task=task_to_wire(output.task), output=codec.encode(output), metrics=codec.encode(metrics)
        )
        self._send(wire.ExecutorMessage(succeeded=message))

    def failed(self, task: TaskId, error: Error) -> None:
        """See ``Listener``."""
        failure = wire.TaskFailed(task=task_to_wire(task), error=error_to_wire(error))
        self._send(wire.ExecutorMessage(failed=failure))

    def _send(self, message: wire.ExecutorMessage) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._client.send, message)

    async def _join(self, services: Services) -> wire.Welcome | None:
        """Join, or None when told to stop before that."""
        options = self._options
        register = wire.Register(
            executor=options.name,
            incarnation=options.incarnation,
            version=options.version or VERSION,
            host=services.host,
            location=services.location,
            threads=options.threads,
            slots=options.slots,
            memory_bytes=options.memory_bytes,
            core_pool=core_pool(),
            cores=cores(),
        )
        joining = asyncio.create_task(self._client.join(register, options.join_seconds))
        while not joining.done():
            await asyncio.wait((joining,), timeout=WATCH_SECONDS)
            self.report(Report.ALIVE)
            if self._drain is not _Drain.NOT and not joining.done():
                joining.cancel()
                return None
        self._last_heard = time.monotonic()
        return joining.result()

    async def _work(self, pool: TaskPool, services: Services, welcome: wire.Welcome) -> tuple[ExitCode, str]:
        """Carry out what the coordinator says until something ends it; says goodbye where that makes sense."""
        jobs = [
            asyncio.create_task(self._listen(pool, services)),
            asyncio.create_task(self._beat(welcome.heartbeat_seconds)),
            asyncio.create_task(self._watch(pool, welcome.lease_seconds)),
        ]
        warming = asyncio.create_task(_warm_up(services))
        try:
            either: list[asyncio.Future[Any]] = [self._ended, *jobs]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            for job in jobs:
                if job.done():
                    job.result()
            code, reason = self._ended.result()
            if code is not ExitCode.LOST_COORDINATOR:
                await self._client.leave(reason)
            if code is ExitCode.STUCK:
                self.report(Report.STUCK, reason)
            return code, reason
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.wait((warming,), timeout=END_SECONDS)

    def _end(self, code: ExitCode, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_result((code, reason))

    async def _listen(self, pool: TaskPool, services: Services) -> None:
        async for message in self._client.messages():
            self._last_heard = time.monotonic()
            match message.WhichOneof("message"):
                case "launch":
                    self._launch(pool, message.launch.spec)
                case "cancel":
                    for task in message.cancel.tasks:
                        pool.cancel(task_from_wire(task))
                case "drop_outputs":
                    for task_id in tasks_from_wire(message.drop_outputs.tasks):
                        await asyncio.to_thread(services.drop_output, task_id)
                case "drop_query":
                    await asyncio.to_thread(services.drop_query, QueryId(message.drop_query.query))
                case "drain":
                    self._drain = _Drain.WANTED if self._drain is _Drain.NOT else self._drain
                    self._drain_until = time.monotonic() + self._options.drain_seconds
                case "disconnect":
                    drained = self._drain is not _Drain.NOT
                    self._end(ExitCode.DONE if drained else ExitCode.LOST_COORDINATOR, message.disconnect.reason)
                    return
                case "heartbeat" | "welcome" | "refuse" | None:
                    pass
                case unknown:
                    assert_never(unknown)
        self._lost("the coordinator closed the stream")

    def _lost(self, reason: str) -> None:
        drained = self._drain is not _Drain.NOT
        self._end(ExitCode.DONE if drained else ExitCode.LOST_COORDINATOR, reason)

    def _launch(self, pool: TaskPool, data: bytes) -> None:
        try:
            pool.launch(codec.decode(TaskSpec, data))
        except ProtocolError as error:
            self._end(ExitCode.FAILED, f"it was sent a task that makes no sense: {error.message}")

    async def _beat(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            self._client.send(wire.ExecutorMessage(heartbeat=wire.Heartbeat()))
            self.report(Report.ALIVE)

    async def _watch(self, pool: TaskPool, lease_seconds: float) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(WATCH_SECONDS)
            now = time.monotonic()
            if now - before > lease_seconds / 2:
                self._last_heard = now  # this process itself stood still: what was sent meanwhile is not read yet
            if now - self._last_heard > lease_seconds:
                self._lost(f"the coordinator was silent for {lease_seconds:.0f} s")
            self._watch_drain(now)
            self._watch_memory(pool, now)
            stuck = pool.stuck(STUCK_SECONDS)
            if stuck is not None:
                reason = f"task {stuck} was cancelled {STUCK_SECONDS:.0f} s ago and still runs"
                self._end(ExitCode.STUCK, reason)
                return

    def _watch_drain(self, now: float) -> None:
        if self._drain is _Drain.WANTED:
            self._drain = _Drain.ANNOUNCED
            self._client.send(wire.ExecutorMessage(draining=wire.Draining()))
        elif self._drain is _Drain.ANNOUNCED and now > self._drain_until:
            self._end(ExitCode.DONE, f"drained for {self._options.drain_seconds:.0f} s, which has to be enough")

    def _watch_memory(self, pool: TaskPool, now: float) -> None:
        used, limit = private_bytes(os.getpid()) or 0, self._options.resident_limit
        if used <= limit:
            self._over_limit_since = None
            return
        text = f"executor {self._options.name} uses {used >> 20} MiB, its limit is {limit >> 20} MiB"
        if self._over_limit_since is None:
            self._over_limit_since = now
            pool.cancel_all(OutOfMemory(text))
        elif now - self._over_limit_since > OUT_OF_MEMORY_SECONDS:
            self._end(ExitCode.OUT_OF_MEMORY, f"out of memory: {text}")


async def _warm_up(services: Services) -> None:
    try:
        await asyncio.to_thread(services.warm_up)
    except Exception as error:  # noqa: BLE001 - the first task will run into it, and has somebody to tell
        _LOG.warning("warming up failed: %s", error)
