"""One background thread that runs calls one after another, so that whoever waits has a deadline.

Python handles Ctrl-C between bytecodes of the main thread: a wait on a lock can be interrupted, a call into the kernel
cannot. Imports errors only.
"""

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from shoal.planner.errors import InterfaceError

_SLICE_SECONDS = 0.5


class _Call:
    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function
        self.done = threading.Event()
        self.value: Any = None
        self.error: BaseException | None = None


class WorkerThread:
    """A daemon thread. ``call`` from one thread at a time; ``stop`` from any."""

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def call(self, function: Callable[[], Any], timeout: float | None, given_up: Callable[[float], bool]) -> Any:
        """Run a function on the thread and return or raise what it does.

        Raises ``TimeoutError`` after ``timeout`` seconds, or when ``given_up`` (seconds waited) says so, at most half a
        second late; the function then still runs.
        """
        if self._stopped:
            raise InterfaceError("the result is closed")
        call = _Call(function)
        self._calls.put(call)
        started = time.monotonic()
        while True:
            waited = time.monotonic() - started
            if call.done.wait(_SLICE_SECONDS if timeout is None else max(0.0, min(_SLICE_SECONDS, timeout - waited))):
                break
            waited = time.monotonic() - started
            if given_up(waited) or (timeout is not None and waited >= timeout):
                raise TimeoutError
        if call.error is not None:
            raise call.error
        return call.value

    def stop(self, last: Callable[[], None], timeout: float) -> bool:
        """Run ``last`` after what runs now, end the thread, and wait; whether it ended within ``timeout`` seconds."""
        if not self._stopped:
            self._stopped = True
            self._calls.put(_Call(last))
            self._calls.put(None)
        if threading.current_thread() is self._thread:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                call.value = call.function()
            except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
                call.error = error
            call.done.set()
            del call
