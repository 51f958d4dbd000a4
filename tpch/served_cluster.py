"""A coordinator and one executor as processes of their own, started by the command line as users start them."""

import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import shoal

_START_SECONDS = 30.0
_STOP_SECONDS = 15.0


class ServedCluster:
    """``shoal serve`` on a free port and ``shoal executor --join`` it; ``close`` ends both.

    ``url`` is what to connect to. Raises ``shoal.ConnectionFailed`` when they are not ready within 30 seconds.
    """

    def __init__(self, threads: int) -> None:
        self._owned = ExitStack()
        self._logs = self._owned.enter_context(tempfile.TemporaryDirectory())
        try:
            coordinator = self._start("serve", "--host", "127.0.0.1", "--port", "0")
            address = _announced_address(coordinator)
            self.url = f"shoal://{address}"
            self._start("executor", "--join", address, "--threads", str(threads))
            self._wait_until_ready()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the executor, then the coordinator. Idempotent."""
        self._owned.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self, *words: str) -> Path:
        """Start a part of the cluster; what it says goes into the file returned, which no reader has to keep empty."""
        log = Path(self._logs) / f"{words[0]}.log"
        with log.open("wb") as said:
            process = subprocess.Popen([sys.executable, "-m", "shoal", *words], stderr=said, stdout=subprocess.DEVNULL)
        self._owned.callback(_stop, process)
        return log

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                with shoal.connect(self.url) as connection, connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
                    cursor.fetchall()
                    return
            except (shoal.NoExecutors, shoal.ConnectionFailed):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


def _announced_address(log: Path) -> str:
    """The ``HOST:PORT`` at the end of the first line that a coordinator says, once it listens."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        line, newline, _ = log.read_text(encoding="utf-8").partition("\n")
        if newline:
            return line.rsplit(maxsplit=1)[-1]
        time.sleep(0.02)
    raise shoal.ConnectionFailed("the coordinator did not start")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
