"""The tasks that run in a worker: one thread a slot, each task with a token that cancels it."""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from shoal.executor.cancellation import CancelToken
from shoal.planner.errors import Error, InternalError, OutOfMemory, QueryCancelled
from shoal.planner.ids import TaskId
from shoal.planner.stage import OutputFile, TaskMetrics, TaskSpec

_LOG = logging.getLogger(__name__)


class RunTask(Protocol):
    """Runs one task; raises an error of Shoal, ``QueryCancelled`` soon after the token was cancelled."""

    def __call__(self, spec: TaskSpec, token: CancelToken) -> tuple[OutputFile, TaskMetrics]:
        """The task's output and what it measured."""


class Listener(Protocol):
    """Hears what becomes of tasks; called from the pool's threads."""

    def started(self, task: TaskId) -> None:
        """A task has begun to run."""

    def succeeded(self, output: OutputFile, metrics: TaskMetrics) -> None:
        """A task has written its output."""

    def failed(self, task: TaskId, error: Error) -> None:
        """A task has ended without output."""


@dataclass(slots=True)
class _Running:
    token: CancelToken = field(default_factory=CancelToken)
    cancelled_at: float | None = None
    error: Error | None = None
    """What to report instead of the cancellation."""


class TaskPool:
    """Runs up to ``slots`` tasks side by side; more wait. Every launched task is answered once. Thread-safe."""

    def __init__(self, run: RunTask, slots: int, listener: Listener) -> None:
        self._run = run
        self._listener = listener
        self._lock = threading.Lock()
        self._tasks: dict[TaskId, _Running] = {}
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="shoal-task")
        self._idle = threading.Condition(self._lock)
        self._closed = False

    @property
    def running(self) -> int:
        """How many tasks run or wait."""
        with self._lock:
            return len(self._tasks)

    def launch(self, spec: TaskSpec) -> None:
        """Run a task as soon as a slot is free; a task that is here already, or comes after ``close``, is ignored."""
        with self._lock:
            if spec.id in self._tasks or self._closed:
                return
            running = self._tasks[spec.id] = _Running()
        self._pool.submit(self._work, spec, running)

    def cancel(self, task: TaskId) -> None:
        """Stop a task; nothing happens if it is not here (any more)."""
        with self._lock:
            running = self._tasks.get(task)
        if running is not None:
            self._stop(running, None)

    def cancel_all(self, error: Error | None = None) -> None:
        """Stop every task; each is answered with ``error`` if it is given."""
        with self._lock:
            everything = list(self._tasks.values())
        for running in everything:
            self._stop(running, error)

    def stuck(self, seconds: float) -> TaskId | None:
        """A task that still runs ``seconds`` after it was cancelled, if there is one."""
        limit = time.monotonic() - seconds
        with self._lock:
            for task, running in self._tasks.items():
                if running.cancelled_at is not None and running.cancelled_at < limit:
                    return task
        return None

    def close(self, timeout: float) -> bool:
        """Cancel everything, wait for it up to ``timeout`` seconds; whether nothing runs any more."""
        with self._lock:
            self._closed = True
        self.cancel_all()
        self._pool.shutdown(wait=False)
        with self._idle:
            return self._idle.wait_for(lambda: not self._tasks, timeout)

    def _stop(self, running: _Running, error: Error | None) -> None:
        with self._lock:
            if running.cancelled_at is None:
                running.cancelled_at = time.monotonic()
                running.error = error
        running.token.cancel()

    def _work(self, spec: TaskSpec, running: _Running) -> None:
        try:
            running.token.check()
            self._listener.started(spec.id)
            output, metrics = self._run(spec, running.token)
        except Exception as error:  # noqa: BLE001 - a task's failure is an answer, whatever it is
            self._forget(spec.id)
            self._listener.failed(spec.id, _as_answer(error, running.error))
        else:
            self._forget(spec.id)
            self._listener.succeeded(output, metrics)

    def _forget(self, task: TaskId) -> None:
        with self._idle:
            del self._tasks[task]
            self._idle.notify_all()


def _as_answer(error: Exception, instead: Error | None) -> Error:
    match error:
        case QueryCancelled():
            return instead or error
        case Error():
            return error
        case MemoryError():
            return OutOfMemory("the executor process has no memory left")
        case _:
            _LOG.error("a task failed", exc_info=error)
            return InternalError(f"{type(error).__name__}: {error}")
