"""CPU seconds of tasks that share a process, measured so that they add up to what the process used."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Usage:
    """CPU seconds of one task so far."""

    def __init__(self) -> None:
        self.seconds = 0.0


class CpuMeter:
    """Deals the CPU time of the process out to the tasks that run: evenly, between any two starts or ends of one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[Usage] = set()
        self._last = 0.0

    @contextmanager
    def measure(self) -> Iterator[Usage]:
        """The usage of the block; complete when the block has ended."""
        usage = Usage()
        with self._lock:
            self._deal()
            self._running.add(usage)
        try:
            yield usage
        finally:
            with self._lock:
                self._deal()
                self._running.discard(usage)

    def _deal(self) -> None:
        now = time.process_time()
        for usage in self._running:
            usage.seconds += (now - self._last) / len(self._running)
        self._last = now
