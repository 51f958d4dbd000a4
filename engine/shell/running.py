"""One statement running in a thread of its own, so that the caller's thread is free for Ctrl-C and for progress."""

import contextlib
import queue
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import pyarrow as pa

from shoal.shell.driver import Connection, Progress

_AHEAD = 2
"""Batches that are fetched before they are asked for."""

_POLL_SECONDS = 0.05
_LEAVE_SECONDS = 5.0
_IMPATIENT_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Columns:
    """The result's columns and their DuckDB types; the first step of a statement that has a result."""

    schema: pa.Schema
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """A batch of the result."""

    batch: pa.RecordBatch


@dataclass(frozen=True, slots=True)
class Finished:
    """The last step of a statement that went well."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The last step of a statement that did not."""

    error: BaseException


Step = Columns | Rows | Finished | Failed


class RunningStatement:
    """A statement from its start to its last batch; leaving the ``with`` block cancels what still runs.

    If the engine does not stop within five seconds of that, or at once when the user does not want to wait, its thread
    is left behind (it is a daemon).
    """

    def __init__(self, connection: Connection, sql: str) -> None:
        self._cursor = connection.cursor()
        self._sql = sql
        self._steps: queue.Queue[Step] = queue.Queue(maxsize=_AHEAD)
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._work, name="shoal-statement", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        impatient = kind is not None and issubclass(kind, KeyboardInterrupt)
        deadline = time.monotonic() + (_IMPATIENT_SECONDS if impatient else _LEAVE_SECONDS)
        while self._thread.is_alive() and time.monotonic() < deadline:
            self._cursor.cancel()
            self._thread.join(_POLL_SECONDS)

    def next_step(self, timeout: float) -> Step | None:
        """The next step, or None when there is none within ``timeout`` seconds."""
        try:
            return self._steps.get(timeout=timeout)
        except queue.Empty:
            return None

    def cancel(self) -> None:
        """Ask the engine to stop; the steps then end in ``Failed``."""
        self._cursor.cancel()

    def progress(self) -> Progress | None:
        """How far the statement is, if the engine can tell."""
        return self._cursor.progress()

    def _work(self) -> None:
        try:
            try:
                self._cursor.execute(self._sql)
                description = self._cursor.description
                if description is not None:
                    types = tuple(str(column[1]) for column in description)
                    with self._cursor.fetch_record_batch() as reader:
                        self._put(Columns(reader.schema, types))
                        while not self._left.is_set() and (batch := _next_batch(reader)) is not None:
                            self._put(Rows(batch))
            finally:
                self._cursor.close()
            self._put(Finished())
        except BaseException as error:  # noqa: BLE001 - it is raised again in the caller's thread
            self._put(Failed(error))

    def _put(self, step: Step) -> None:
        while not self._left.is_set():
            with contextlib.suppress(queue.Full):
                self._steps.put(step, timeout=_POLL_SECONDS)
                return


def _next_batch(reader: pa.RecordBatchReader) -> pa.RecordBatch | None:
    try:
        return reader.read_next_batch()
    except StopIteration:
        return None
