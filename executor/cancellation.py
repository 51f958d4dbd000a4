"""How a running task is told to stop: a token that is cancelled once, from any thread."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shoal.planner.errors import QueryCancelled


class CancelToken:
    """Cancelled at most once; those who wait on something register how to be woken. Thread-safe."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._wakers: dict[object, Callable[[], None]] = {}

    @property
    def cancelled(self) -> bool:
        """Whether ``cancel`` was called."""
        return self._event.is_set()

    def cancel(self) -> None:
        """Ask for the end; wakes everybody who is registered. Does nothing the second time."""
        with self._lock:
            if self._event.is_set():
                return
            self._event.set()
            wakers = list(self._wakers.values())
        for wake in wakers:
            wake()

    def check(self) -> None:
        """Raise ``QueryCancelled`` after ``cancel``."""
        if self._event.is_set():
            raise QueryCancelled("the task was cancelled")

    def wait(self, timeout: float) -> bool:
        """Block until ``cancel`` or for ``timeout`` seconds; whether it is cancelled."""
        return self._event.wait(timeout)

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """Call ``wake`` (quick, harmless when repeated) if the token is cancelled inside the block or was before it."""
        key = object()
        with self._lock:
            self._wakers[key] = wake
            late = self._event.is_set()
        try:
            if late:
                wake()
            yield
        finally:
            with self._lock:
                del self._wakers[key]
