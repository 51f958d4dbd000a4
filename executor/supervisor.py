"""The supervisor: keeps worker processes running, within their memory, and leaves nothing of them behind.

It is one thread in the user's process (a local cluster) or in that of ``shoal executor``. The thread starts the workers
itself and lives longer than they do, because Linux tells a child of the death of the *thread* that made it.
"""

import contextlib
import os
import random
import re
import secrets
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from shoal.executor.resources import cores, default_memory_bytes, parse_size, split_address
from shoal.executor.worker_options import ExitCode, WorkerOptions
from shoal.executor.worker_process import WorkerEnd, WorkerProcess
from shoal.planner.errors import InterfaceError
from shoal.planner.ids import ExecutorId

WATCH_SECONDS = 0.5
"""How often memory and signs of life are looked at."""

STABLE_SECONDS = 60.0
"""A worker that has lived so long starts again at once; one that keeps dying waits, up to ``LARGEST_DELAY``."""

FIRST_DELAY = 0.1
LARGEST_DELAY = 10.0
REMEMBERED_ENDS = 20

REMOTE_JOIN_SECONDS = 300.0
"""How long an executor that was started by hand looks for its coordinator, at the start and whenever it is gone."""

DRAIN_SECONDS = 30.0
"""How long an executor that is told to leave has to finish what it runs."""

FINAL = frozenset({ExitCode.DONE, ExitCode.USAGE, ExitCode.REFUSED, ExitCode.INTERRUPTED})
"""Exit codes after which a worker is not started again."""


@dataclass(slots=True)
class _Place:
    """One executor: its options, the process that plays it now, and when to start the next one."""

    options: WorkerOptions
    process: WorkerProcess | None = None
    start_at: float | None = 0.0
    failures: int = 0
    last_end: WorkerEnd | None = None
    last_tail: str = ""


@dataclass(slots=True)
class _Stop:
    """When workers that were asked to leave are killed."""

    deadline: float
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """``forward`` gets what workers write; ``reclaim`` removes what a dead worker left, and must not raise."""

    forward: Callable[[bytes], None] | None = None
    reclaim: Callable[[], None] | None = None
    restart: bool = True
    ends: list[WorkerEnd] = field(default_factory=list)


class Supervisor:
    """Keeps one process running for each of ``workers``. ``start`` once, ``stop`` in the end; all thread-safe."""

    def __init__(self, workers: Sequence[WorkerOptions], settings: Settings | None = None) -> None:
        if len({worker.name for worker in workers}) < len(workers):
            raise InterfaceError("two executors have the same name")
        self._places = [_Place(options) for options in workers]
        self._settings = settings or Settings()
        self._lock = threading.Lock()
        self._stop: _Stop | None = None
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._thread = threading.Thread(target=self._run, name="shoal-supervisor", daemon=True)
        self._finished = threading.Event()

    def start(self) -> None:
        """Start the workers; returns at once."""
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Ask all workers to leave, kill those that still live after ``timeout`` seconds, reap and tidy. Idempotent."""
        self.request_stop(timeout)
        self._finished.wait(timeout + WATCH_SECONDS + 5.0)

    def wait(self, timeout: float | None = None) -> bool:
        """Block until no worker runs and none will be started, or for ``timeout`` seconds; whether that is so."""
        return self._finished.wait(timeout)

    def processes(self) -> dict[ExecutorId, int]:
        """The process ids of the workers that run now."""
        with self._lock:
            return {place.options.name: place.process.pid for place in self._places if place.process is not None}

    def ends(self) -> tuple[WorkerEnd, ...]:
        """How the latest workers that died did so, in order."""
        with self._lock:
            return tuple(self._settings.ends)

    def story(self) -> tuple[str, ...]:
        """What became of each worker that is not there, with the last it wrote: for error messages."""
        with self._lock:
            lines: list[str] = []
            for place in self._places:
                if place.last_end is not None:
                    lines.append(str(place.last_end))
                tail = place.process.tail if place.process is not None else place.last_tail
                lines += [f"  {place.options.name}: {line}" for line in tail.splitlines()[-10:]]
            return tuple(lines)

    def request_stop(self, timeout: float) -> None:
        """Like ``stop``, but returns at once. A second request does not let workers finish what they run."""
        with self._lock:
            again = self._stop is not None
            deadline = time.monotonic() + timeout
            if self._stop is None or deadline < self._stop.deadline:
                self._stop = _Stop(deadline)
            self._stop.asked = self._stop.asked and not again
            if self._finished.is_set():
                return
            if self._thread.ident is None:
                self._finish()
                return
            os.eventfd_write(self._wake, 1)

    def exit_code(self) -> int:
        """The worst of the workers' last exit codes, 0 if all left as they were asked to."""
        with self._lock:
            codes = [place.last_end.code for place in self._places if place.last_end is not None]
        return max((code if code >= 0 else 128 - code for code in codes), default=0)

    def _run(self) -> None:
        try:
            while self._turn():
                self._wait_for_news()
        finally:
            for place in self._places:
                if place.process is not None:
                    place.process.kill("was killed: its supervisor failed")
            with self._lock:
                self._finish()

    def _finish(self) -> None:
        self._finished.set()
        os.close(self._wake)

    def _turn(self) -> bool:
        """Look at every worker once; False when there is none and none to be started."""
        now = time.monotonic()
        with self._lock:
            stop = self._stop
            ask = stop is not None and not stop.asked
            if stop is not None:
                stop.asked = True
            for place in self._places:
                if stop is not None:
                    place.start_at = None
                if place.process is not None:
                    self._look_at(place, place.process, stop, ask, now)
                elif place.start_at is not None and now >= place.start_at:
                    self._start(place, now)
            return any(place.process is not None or place.start_at is not None for place in self._places)

    def _look_at(self, place: _Place, process: WorkerProcess, stop: _Stop | None, ask: bool, now: float) -> None:
        process.listen()
        end = process.reap()
        if end is not None:
            self._ended(place, process, end, now)
            return
        process.watch()
        if ask:
            process.terminate()
        if stop is not None and now >= stop.deadline:
            process.kill("was killed: it did not leave when it was asked to")

    def _start(self, place: _Place, now: float) -> None:
        try:
            place.process = WorkerProcess(place.options, self._settings.forward)
            place.start_at = None
        except OSError as error:
            place.failures += 1
            place.start_at = now + _delay(place.failures)
            place.last_tail = f"cannot start a process: {error}"

    def _ended(self, place: _Place, process: WorkerProcess, end: WorkerEnd, now: float) -> None:
        place.process = None
        place.last_end, place.last_tail = end, process.tail
        self._settings.ends.append(end)
        del self._settings.ends[:-REMEMBERED_ENDS]
        if self._settings.reclaim is not None:
            self._settings.reclaim()
        if self._stop is None and self._settings.restart and end.code not in FINAL:
            place.failures = 1 if end.seconds >= STABLE_SECONDS else place.failures + 1
            place.start_at = now + _delay(place.failures)

    def _wait_for_news(self) -> None:
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        timeout = WATCH_SECONDS
        now = time.monotonic()
        for place in self._places:
            if place.process is not None:
                for descriptor in place.process.descriptors:
                    poll.register(descriptor, select.POLLIN)
            elif place.start_at is not None:
                timeout = min(timeout, max(0.0, place.start_at - now))
        poll.poll(timeout * 1000)
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._wake)


def _delay(failures: int) -> float:
    """A random part of a bound that doubles with each failure in a row."""
    bound = min(LARGEST_DELAY, FIRST_DELAY * 2.0 ** min(failures, 20))
    return random.uniform(FIRST_DELAY, bound)  # noqa: S311 - spreads restarts, guards nothing


def run_executor(
    join: str | tuple[str, int],
    threads: int | None = None,
    memory: str | int | None = None,
    *,
    name: str | None = None,
    bind_host: str = "",
    advertise_host: str = "",
    join_seconds: float = REMOTE_JOIN_SECONDS,
) -> int:
    """Run one executor on this machine until it is told to stop; the main function of ``shoal executor``.

    ``threads`` default to all cores, ``memory`` (bytes, or a text such as ``4GB``) to most of the machine's. Outputs
    are served on ``bind_host`` (default: every interface, or loopback if the coordinator is on it) under
    ``advertise_host`` (default: the address towards the coordinator). SIGTERM and SIGINT drain, a second one kills.
    Returns an exit code: 0 when it left as it was told to, 3 when it could not join. Raises ``InterfaceError`` for a
    wrong address or size. Call it on the main thread.
    """
    host, port = split_address(join) if isinstance(join, str) else join
    memory_bytes = parse_size(memory) if isinstance(memory, str) else memory
    count = threads or cores()
    options = WorkerOptions(
        name=ExecutorId(name or f"{_host_name()}-{secrets.token_hex(3)}"),
        coordinator=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        threads=count,
        slots=count,
        memory_bytes=memory_bytes or default_memory_bytes(1),
        bind_host=bind_host or (host if host in _LOOPBACK else _ANY),
        advertise_host=advertise_host,
        join_seconds=join_seconds,
        drain_seconds=DRAIN_SECONDS - 5.0,
    )
    supervisor = Supervisor([options], Settings(forward=_to_standard_error))
    with _stopping_on_signals(supervisor):
        supervisor.start()
        while not supervisor.wait(1.0):
            pass
    return supervisor.exit_code()


_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_ANY = "0.0.0.0"  # noqa: S104 - executors of other machines read outputs here


def _host_name() -> str:
    return re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())[:40].strip("-") or "executor"


def _to_standard_error(written: bytes) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.buffer.write(written)
        sys.stderr.buffer.flush()


@contextlib.contextmanager
def _stopping_on_signals(supervisor: Supervisor) -> Iterator[None]:
    """The first signal drains the workers, the second ends them."""
    stopping = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal stopping
        # Not from here: the handler may have interrupted a thread that holds the supervisor's lock.
        seconds = 2.0 if stopping else DRAIN_SECONDS
        threading.Thread(target=supervisor.request_stop, args=(seconds,), daemon=True).start()
        stopping = True

    previous = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
