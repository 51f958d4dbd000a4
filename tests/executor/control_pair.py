"""A coordinator's transport and a worker with pretended tasks on one event loop: the stream without processes."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from shoal.coordinator.events import ExecutorEvent, ExecutorJoined
from shoal.coordinator.executor_stream import StreamSettings
from shoal.coordinator.grpc_transport import GrpcTransport
from shoal.executor.cancellation import CancelToken
from shoal.executor.worker import Worker
from shoal.executor.worker_options import ExitCode, WorkerOptions
from shoal.planner.errors import DataError
from shoal.planner.ids import ExecutorId, Incarnation, QueryId, StageId, TaskId
from shoal.planner.stage import OutputFile, OutputPartitioning, TaskMetrics, TaskSpec

SECONDS = 10.0


def task_id(number: int, query: str = "q") -> TaskId:
    return TaskId(QueryId(query), StageId(0), 0, number, 0)


def task_spec(number: int, sql: str = "ok") -> TaskSpec:
    return TaskSpec(task_id(number), sql, (), (), (), (), OutputPartitioning(), kernel_join_order=False)


class PretendedServices:
    """Tasks whose statement says what happens: ``ok``, ``fail``, ``break``, ``wait`` (for a cancel), ``hang``."""

    host = "this"
    location = "grpc://127.0.0.1:1"

    def __init__(self, options: WorkerOptions) -> None:
        self.options = options
        self.dropped: list[object] = []
        self.closed = False
        self.release = threading.Event()

    def warm_up(self) -> None:
        """Nothing to do."""

    def run(self, spec: TaskSpec, token: CancelToken) -> tuple[OutputFile, TaskMetrics]:
        match spec.sql:
            case "fail":
                raise DataError("overflow").with_context(task=str(spec.id))
            case "break":
                raise ZeroDivisionError("a defect")
            case "wait":
                assert token.wait(SECONDS)
                token.check()
            case "hang":
                assert self.release.wait(SECONDS)
                token.check()
        who = self.options.name, Incarnation(self.options.incarnation)
        return OutputFile(spec.id, *who, self.host, "/x", self.location, (1,), (8,)), TaskMetrics(0.1, 0.1, 1, 1, 1, 1)

    def drop_output(self, task: TaskId) -> None:
        self.dropped.append(task)

    def drop_query(self, query: QueryId) -> None:
        self.dropped.append(query)

    def close(self) -> None:
        self.closed = True


class Pair:
    """A transport, what it told the coordinator, and one worker."""

    def __init__(self, settings: StreamSettings | None = None, **options: Any) -> None:
        self.transport = GrpcTransport(settings=settings)
        self.events: list[ExecutorEvent] = []
        self.given = options
        self.services: PretendedServices | None = None
        self.worker: Worker | None = None
        self.life: asyncio.Task[ExitCode] | None = None

    async def start(self) -> None:
        await self.transport.start(self.events.append)
        options = WorkerOptions(
            **{
                "name": ExecutorId("e"),
                "coordinator": f"127.0.0.1:{self.transport.port}",
                "threads": 1,
                "slots": 2,
                "memory_bytes": 1 << 30,
                "incarnation": "i",
                **self.given,
            }
        )
        self.services = PretendedServices(options)
        self.worker = Worker(options, lambda _: self.services)
        self.life = asyncio.create_task(self.worker.run())

    async def event(self, type_: type, count: int = 1) -> Any:
        """The ``count``-th event of a type, as soon as it has come."""
        await eventually(lambda: len(self.of(type_)) >= count)
        return self.of(type_)[count - 1]

    def of(self, type_: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, type_)]

    async def joined(self) -> tuple[ExecutorId, Incarnation]:
        event: ExecutorJoined = await self.event(ExecutorJoined)
        return event.executor, event.incarnation

    async def ended(self) -> ExitCode:
        assert self.life is not None
        return await asyncio.wait_for(self.life, SECONDS)

    async def close(self) -> None:
        if self.services is not None:
            self.services.release.set()
        await self.transport.close()
        if self.life is not None:
            await asyncio.wait((self.life,), timeout=SECONDS)


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110 - the condition is about what several tasks and threads do
            await asyncio.sleep(0.005)


def with_pair(test: Callable[[Pair], Awaitable[None]], settings: StreamSettings | None = None, **options: Any) -> None:
    """Run a test over a started pair, on a loop of its own, and tidy."""

    async def run() -> None:
        pair = Pair(settings, **options)
        await pair.start()
        try:
            await test(pair)
        finally:
            await pair.close()
        assert pair.services is not None
        assert pair.services.closed

    asyncio.run(run())
