"""Engines as a benchmark sees them: a statement in, what it took and its answer out, or why it failed."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from typing import IO, Any, Protocol, Self

import pyarrow

import shoal
from shoal.tpch.contenders import ShoalOptions
from shoal.tpch.dataset import Dataset
from shoal.tpch.results import Sample

_STOP_SECONDS = 15.0
_TOLD_BYTES = 2000


class EngineFailed(Exception):
    """The engine raised an error, or its process has ended; the message says what it said."""


class Engine(Protocol):
    """One engine with the tables of a data set."""

    title: str

    def run(self, sql: str) -> tuple[Sample, pyarrow.Table]:
        """Run one query and fetch all of its rows; raises ``EngineFailed``."""

    def close(self) -> None:
        """Stop the engine and free what it holds. Idempotent."""


EngineOpener = Callable[[str, str, Dataset, int, ShoalOptions | None], Engine]
"""Opens an engine by key and title on a data set with a number of threads; with options it is Shoal."""


class EngineProcess:
    """An engine in a process of its own, which starts at the first query and again when it has died.

    ``open`` starts it at once and raises what Shoal raises when it cannot connect.
    """

    def __init__(self, key: str, title: str, dataset: Dataset, threads: int, options: ShoalOptions | None) -> None:
        self.title = title
        request = {
            "engine": key,
            "folder": str(dataset.folder.absolute()),
            "suite": asdict(dataset.suite),
            "threads": threads,
            "options": None if options is None else asdict(options),
        }
        self._command = [sys.executable, "-m", "shoal.tpch.engine_process", json.dumps(request)]
        self._process: subprocess.Popen[bytes] | None = None
        self._busy = False
        self._log: IO[bytes] | None = None

    def open(self) -> Self:
        """Start the process; raises ``EngineFailed``, or Shoal's own error when it was that."""
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log)
        header = self._read()
        if "error" in header:
            self.close()
            kind = getattr(shoal, header["kind"], None) if header.get("ours") else None
            if kind is not None:
                raise kind(header["error"])
            raise EngineFailed(f"it does not start: {header['kind']}: {header['error']}")
        return self

    def run(self, sql: str) -> tuple[Sample, pyarrow.Table]:
        """Run one query; see ``Engine``."""
        if self._process is None:
            self.open()
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._busy = True
            self._process.stdin.write(json.dumps({"sql": sql}).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._died() from None
        header = self._read()
        self._busy = False
        if "error" in header:
            raise EngineFailed(f"{header['kind']}: {header['error']}")
        body = self._output.read(header["bytes"])
        if len(body) < header["bytes"]:
            raise self._died()
        return Sample(**header["sample"]), pyarrow.ipc.open_stream(body).read_all()

    def close(self) -> None:
        """End the process: by the end of its input, or, while it runs a query or does not end, by force. Idempotent."""
        process, self._process = self._process, None
        busy, self._busy = self._busy, False
        if process is not None:
            assert process.stdin is not None
            try:
                if busy:
                    process.terminate()
                process.stdin.close()
                process.wait(_STOP_SECONDS)
            except (BrokenPipeError, subprocess.TimeoutExpired):
                process.kill()
                process.wait()
            finally:
                self._close_output(process)
        if self._log is not None:
            self._log.close()
            self._log = None

    @staticmethod
    def _close_output(process: "subprocess.Popen[bytes]") -> None:
        if process.stdout is not None:
            process.stdout.close()

    @property
    def _output(self) -> IO[bytes]:
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout

    def _read(self) -> dict[str, Any]:
        line = self._output.readline()
        if not line.endswith(b"\n"):
            raise self._died()
        header: dict[str, Any] = json.loads(line)
        return header

    def _died(self) -> EngineFailed:
        """End what is left of the process, and say what it said last."""
        assert self._process is not None
        assert self._log is not None
        try:
            code = self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._log.seek(0, 2)
        self._log.seek(max(0, self._log.tell() - _TOLD_BYTES))
        said = self._log.read().decode(errors="replace").strip()
        self.close()
        return EngineFailed(f"its process ended with exit code {code}" + (f":\n{said}" if said else ""))


def open_process(key: str, title: str, dataset: Dataset, threads: int, options: ShoalOptions | None) -> Engine:
    """An engine in a process of its own, started now; raises ``EngineFailed``, or Shoal's own error."""
    return EngineProcess(key, title, dataset, threads, options).open()
