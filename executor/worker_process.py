"""One worker process as its supervisor sees it: started, listened to, measured, killed and reaped."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from shoal.executor.resources import private_bytes
from shoal.executor.worker_options import ExitCode, Report, WorkerOptions
from shoal.planner import codec
from shoal.planner.ids import ExecutorId, Incarnation

SILENT_SECONDS = 30.0
"""A worker that reports nothing for so long hangs as a whole, and is killed."""

TAIL_BYTES = 8192

MODULE = "shoal.executor"


@dataclass(frozen=True, slots=True)
class WorkerEnd:
    """How one life of an executor ended: ``code`` is its exit code, or minus the signal that killed it."""

    executor: ExecutorId
    incarnation: Incarnation
    process: int
    code: int
    reason: str
    seconds: float

    def __str__(self) -> str:
        return f"executor {self.executor} (process {self.process}) {self.reason}"


class WorkerProcess:
    """A started worker. All methods are called by the thread that made it, as the process dies with that thread.

    ``forward`` gets what the worker writes to its standard output and error; the last of it is kept as ``tail``.
    """

    def __init__(self, options: WorkerOptions, forward: Callable[[bytes], None] | None = None) -> None:
        reports, report_fd = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self.incarnation = Incarnation(secrets.token_hex(8))
        self.options = replace(options, incarnation=self.incarnation, report_fd=report_fd, parent=os.getpid())
        try:
            self._process = subprocess.Popen(
                # -P: a file of the user's in the current directory must not take a module's place.
                [sys.executable, "-P", "-m", MODULE, codec.encode(self.options).decode("ascii")],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(report_fd,),
                # Ctrl-C in the user's terminal cancels a query there; it must not reach the workers.
                process_group=0,
            )
        except BaseException:
            os.close(reports)
            raise
        finally:
            os.close(report_fd)
        assert self._process.stdout is not None
        self._output = self._process.stdout
        os.set_blocking(self._output.fileno(), False)
        self._reports = reports
        self._end = os.pidfd_open(self._process.pid)
        self._open = [self._output.fileno(), reports]
        self._forward = forward
        self._partial = b""
        self._tail = bytearray()
        self._reason = ""
        self.started = time.monotonic()
        self.last_report = self.started
        self.joined = False

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What to wait for: they become readable when the worker writes, reports or ends."""
        return self._end, *self._open

    @property
    def tail(self) -> str:
        """The last that the worker wrote."""
        return self._tail.decode("utf-8", "replace").strip()

    def listen(self) -> None:
        """Take what the worker has written and reported; never blocks."""
        written = self._read(self._output.fileno())
        if written:
            self._tail = (self._tail + written)[-TAIL_BYTES:]
            if self._forward is not None:
                self._forward(written)
        reported = self._read(self._reports)
        if reported:
            self.last_report = time.monotonic()
            *lines, self._partial = (self._partial + reported).split(b"\n")
            for line in lines:
                self._report(line.decode("utf-8", "replace"))

    def watch(self) -> None:
        """Kill the worker if it uses too much memory, or hangs."""
        used = private_bytes(self.pid)
        if used is not None and used > self.options.kill_limit:
            self.kill(f"was killed: out of memory, it used {used >> 20} MiB of {self.options.kill_limit >> 20} MiB")
        elif time.monotonic() - self.last_report > SILENT_SECONDS:
            self.kill(f"was killed: it gave no sign of life for {SILENT_SECONDS:.0f} s")

    def terminate(self) -> None:
        """Ask the worker to finish and leave."""
        self._send(signal.SIGTERM)

    def kill(self, reason: str) -> None:
        """End the worker now; ``reason`` is kept unless there is one already."""
        self._reason = self._reason or reason
        self._send(signal.SIGKILL)

    def reap(self) -> WorkerEnd | None:
        """How the worker has ended, after freeing all that belonged to it; None while it lives."""
        code = self._process.poll()
        if code is None:
            return None
        self.listen()
        self._output.close()
        os.close(self._reports)
        os.close(self._end)
        name, seconds = self.options.name, time.monotonic() - self.started
        return WorkerEnd(name, self.incarnation, self.pid, code, self._reason or _describe(code), seconds)

    def _read(self, descriptor: int) -> bytes:
        """All that can be read now; a stream whose end was reached is not waited for again."""
        chunks = []
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(descriptor, 65536):
                chunks.append(chunk)
            if descriptor in self._open:
                self._open.remove(descriptor)
        return b"".join(chunks)

    def _send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def _report(self, line: str) -> None:
        word, _, text = line.partition(" ")
        match word:
            case Report.ALIVE:
                pass
            case Report.JOINED:
                self.joined = True
            case Report.STUCK:
                self.kill(f"was killed: {text}")
            case Report.ENDING:
                self._reason = self._reason or text
            case _:
                self.kill(f"was killed: it reported {line[:100]!r}")


def _describe(code: int) -> str:
    if code >= 0:
        known = ExitCode(code).name.lower().replace("_", " ") if code in set(ExitCode) else "for no known reason"
        return f"ended with exit code {code} ({known})"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
