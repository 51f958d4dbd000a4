"""Background threads that run calls one after another, so that whoever waits has a deadline.

Python handles Ctrl-C between bytecodes of the main thread: a wait on a lock can be interrupted, a call into the kernel
cannot. Imports nothing of ours.
"""

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

_SLICE_SECONDS = 0.5
_LEAST_SLICE_SECONDS = 0.001
_IDLE_THREADS = 4


class _Call:
    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function
        self.done = threading.Event()
        self.value: Any = None
        self.error: BaseException | None = None


class WorkerThread:
    """A daemon thread; one thread at a time calls it."""

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_current(self) -> bool:
        """Whether the calling thread is this one."""
        return threading.current_thread() is self._thread

    def call(
        self,
        function: Callable[[], Any],
        timeout: float | None,
        given_up: Callable[[float], bool] | None = None,
        asked_after: float = _SLICE_SECONDS,
    ) -> Any:
        """Run a function on the thread and return or raise what it does.

        Raises ``TimeoutError`` after ``timeout`` seconds, or when ``given_up`` (seconds waited) says so, at most half a
        second late; the function then still runs. ``given_up`` is asked each ``asked_after`` seconds.
        """
        call = _Call(function)
        self._calls.put(call)
        started = time.monotonic()
        waited = 0.0
        slice_seconds = min(_SLICE_SECONDS, max(_LEAST_SLICE_SECONDS, asked_after))
        while not call.done.wait(slice_seconds if timeout is None else max(0.0, min(slice_seconds, timeout - waited))):
            waited = time.monotonic() - started
            if (given_up is not None and given_up(waited)) or (timeout is not None and waited >= timeout):
                raise TimeoutError
        if call.error is not None:
            raise call.error
        return call.value

    def end(self) -> None:
        """Let the thread end after what it still has to do; does not wait."""
        self._calls.put(None)

    def join(self, timeout: float) -> None:
        """Wait for the end."""
        if not self.is_current:
            self._thread.join(timeout)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                call.value = call.function()
            except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
                call.error = error
            call.done.set()
            del call


class ThreadPool:
    """Idle worker threads, kept because starting one takes longer than a small query. Thread-safe."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._idle: list[WorkerThread] = []
        self._closed = False

    def take(self) -> WorkerThread:
        """A thread that nobody else uses."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return WorkerThread(self._name)

    def give_back(self, thread: WorkerThread) -> None:
        """Return a thread that has nothing to do any more."""
        with self._lock:
            if not self._closed and len(self._idle) < _IDLE_THREADS:
                self._idle.append(thread)
                return
        thread.end()

    def close(self, timeout: float) -> None:
        """End the idle threads; those that are out end when they come back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for thread in idle:
            thread.end()
        for thread in idle:
            thread.join(timeout)
