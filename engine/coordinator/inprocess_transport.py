"""The transport without a wire: executors that live in this process and run their tasks in threads."""

import asyncio
import logging
import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from shoal.coordinator.events import ExecutorJoined, ExecutorLost, TaskFailed, TaskFailure, TaskSucceeded
from shoal.coordinator.transport import EventSink
from shoal.executor.cancellation import CancelToken
from shoal.planner.errors import InterfaceError
from shoal.planner.ids import ExecutorId, Incarnation, QueryId, TaskId
from shoal.planner.stage import OutputFile, TaskMetrics, TaskSpec

CLOSE_SECONDS = 5.0

_log = logging.getLogger(__name__)


class InProcessExecutor(Protocol):
    """One life of an executor: a kernel and a store. Every method but ``close`` may be called from several threads."""

    @property
    def joined(self) -> ExecutorJoined:
        """What it offers; its ids are those that its maker was given."""

    def run(self, spec: TaskSpec, token: CancelToken) -> tuple[OutputFile, TaskMetrics]:
        """Run a task; raises what ended it, ``QueryCancelled`` soon after ``token`` is cancelled."""

    def drop_output(self, task: TaskId) -> None:
        """Delete one output, if it is there."""

    def drop_query(self, query: QueryId) -> None:
        """Delete everything of a query."""

    def close(self) -> None:
        """Free everything; called once, when no task runs any more."""


ExecutorMaker = Callable[[ExecutorId, Incarnation], InProcessExecutor]


class _Life:
    """An executor's life in the transport: its threads, and the tokens of the tasks that run."""

    def __init__(self, executor: InProcessExecutor) -> None:
        self.executor = executor
        self.ids = (executor.joined.executor, executor.joined.incarnation)
        name = f"shoal-{executor.joined.executor}"
        self.threads = ThreadPoolExecutor(max_workers=executor.joined.slots, thread_name_prefix=name)
        self.tokens: dict[TaskId, CancelToken] = {}
        self.lock = threading.Lock()

    def end(self) -> None:
        """Stop the tasks, wait for them, and free the executor."""
        with self.lock:
            tokens = list(self.tokens.values())
        for token in tokens:
            token.cancel()
        self.threads.shutdown(wait=True)
        self.executor.close()


class InProcessTransport:
    """A ``Transport`` to executors in this process, made by ``make``, one for each name.

    An executor from which the coordinator parts is ended, and its successor joins as a new incarnation. Files are
    deleted and executors ended on one more thread, so that the loop never waits for a disk.
    """

    def __init__(self, make: ExecutorMaker, names: Sequence[str] = ("local",)) -> None:
        self._make = make
        self._names = tuple(ExecutorId(name) for name in names)
        self._lives: dict[ExecutorId, _Life] = {}
        self._sink: EventSink | None = None
        self._janitor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="shoal-janitor")
        self._ending: list[threading.Thread] = []
        self._closed = False

    async def start(self, sink: EventSink) -> None:
        """Make the executors; see ``Transport``."""
        self._sink = sink
        for name in self._names:
            self._join(name)

    def launch(self, executor: ExecutorId, incarnation: Incarnation, spec: TaskSpec) -> None:
        """See ``Transport``."""
        life = self._find(executor, incarnation)
        if life is None:
            return
        token = CancelToken()
        with life.lock:
            life.tokens[spec.id] = token
        life.threads.submit(self._run, life, spec, token)

    def cancel(self, executor: ExecutorId, incarnation: Incarnation, tasks: tuple[TaskId, ...]) -> None:
        """See ``Transport``."""
        life = self._find(executor, incarnation)
        if life is None:
            return
        with life.lock:
            tokens = [life.tokens[task] for task in tasks if task in life.tokens]
        for token in tokens:
            token.cancel()

    def drop_outputs(self, executor: ExecutorId, incarnation: Incarnation, tasks: tuple[TaskId, ...]) -> None:
        """See ``Transport``."""
        life = self._find(executor, incarnation)
        if life is not None:
            for task in tasks:
                self._later(life.executor.drop_output, task)

    def drop_query(self, executor: ExecutorId, incarnation: Incarnation, query: QueryId) -> None:
        """See ``Transport``."""
        life = self._find(executor, incarnation)
        if life is not None:
            self._later(life.executor.drop_query, query)

    def disconnect(self, executor: ExecutorId, incarnation: Incarnation, reason: str) -> None:
        """End one life of an executor; the next one begins at once."""
        life = self._find(executor, incarnation)
        if life is None or self._closed:
            return
        del self._lives[executor]
        _log.info("executor %s ends: %s", executor, reason)
        ending = threading.Thread(target=_end, args=(life,), name=f"shoal-end-{executor}", daemon=True)
        ending.start()
        self._ending = [thread for thread in self._ending if thread.is_alive()] + [ending]
        self._later(self._join, executor)

    def crash(self, executor: ExecutorId, reason: str) -> None:
        """Lose an executor as if its process had died; for tests of recovery. Thread-safe."""
        life = self._lives[executor]
        self._post(ExecutorLost(*life.ids, reason))

    async def close(self) -> None:
        """See ``Transport``."""
        if self._closed:
            return
        self._closed = True
        await asyncio.wait_for(asyncio.to_thread(self._janitor.shutdown), CLOSE_SECONDS)
        ends = [asyncio.to_thread(_end, life) for life in self._lives.values()]
        ends += [asyncio.to_thread(thread.join, CLOSE_SECONDS) for thread in self._ending]
        self._lives.clear()
        await asyncio.wait_for(asyncio.gather(*ends), CLOSE_SECONDS)

    def _join(self, name: ExecutorId) -> None:
        if self._closed:
            return
        life = _Life(self._make(name, Incarnation(f"{name}-{uuid.uuid4().hex}")))
        self._lives[name] = life
        self._post(life.executor.joined)

    def _run(self, life: _Life, spec: TaskSpec, token: CancelToken) -> None:
        event: TaskSucceeded | TaskFailed
        try:
            token.check()
            output, metrics = life.executor.run(spec, token)
            event = TaskSucceeded(*life.ids, output, metrics)
        except BaseException as error:  # noqa: BLE001 - whatever ends a task is answered, or its query would hang
            event = TaskFailed(*life.ids, spec.id, TaskFailure.of(error))
        with life.lock:
            life.tokens.pop(spec.id, None)
        self._post(event)

    def _find(self, executor: ExecutorId, incarnation: Incarnation) -> _Life | None:
        life = self._lives.get(executor)
        return life if life is not None and life.ids[1] == incarnation else None

    def _later(self, work: Callable[..., None], *arguments: object) -> None:
        if not self._closed:
            self._janitor.submit(_quietly, work, arguments)

    def _post(self, event: ExecutorJoined | ExecutorLost | TaskSucceeded | TaskFailed) -> None:
        if self._sink is None:
            raise InterfaceError("the transport was not started")
        self._sink(event)


def _end(life: _Life) -> None:
    _quietly(life.end, ())


def _quietly(work: Callable[..., None], arguments: tuple[object, ...]) -> None:
    try:
        work(*arguments)
    except Exception:  # noqa: BLE001 - told in the log; nobody waits for it
        _log.exception("cleaning up failed")
