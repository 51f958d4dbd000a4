"""Running a plan of one stage in this process: batches are streamed straight from the kernel, with no file between."""

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from math import inf

import duckdb
import pyarrow as pa

from shoal.embedded_task import check_types, explain_failure, task_of
from shoal.executor.cancellation import CancelToken
from shoal.executor.carrier import encode_select
from shoal.executor.directories import disk_base
from shoal.executor.kernel import Kernel, Session
from shoal.executor.kernel_errors import translate_error
from shoal.executor.scan import check_files
from shoal.executor.shuffle.reader import ShuffleReader
from shoal.executor.shuffle.registry import ArrowRegistry
from shoal.executor.task_inputs import TaskInputs
from shoal.kept_statements import KeptRun, KeptStatement, KeptStatements
from shoal.kernel_profile import kernel_metrics, start_measuring
from shoal.planner.errors import (
    Error,
    InterfaceError,
    QueryCancelled,
    QueryTimeout,
)
from shoal.planner.ids import ExecutorId, QueryId
from shoal.planner.source import Field
from shoal.planner.stage import StagedPlan, TaskSpec
from shoal.query_statistics import QueryStatistics
from shoal.run_clock import Cost, RunClock
from shoal.runner import StageRun, TaskRun
from shoal.task_sessions import TaskSessions
from shoal.worker_thread import ThreadPool, WorkerThread

BATCH_ROWS = 131_072

_STOP_SECONDS = 5.0
"""How long a cancelled statement may take to stop before its thread is left to end by itself."""

_KEPT_SHARE = 4
"""The part of the memory that each of the kernel's two databases may fill with files that are read again."""

_MOST_PATIENCE = 4.0


class OutOfPatience(Exception):
    """A statement that was only tried took longer than it may."""


class EmbeddedEngine:
    """The kernel of this process, started at first use. Every method may be called from any thread."""

    def __init__(self, threads: int, memory_bytes: int, registry: ArrowRegistry) -> None:
        self.threads = threads
        self.memory_bytes = memory_bytes
        self._reader = ShuffleReader(registry)
        self._lock = threading.Lock()
        self._kernel: Kernel | None = None
        self._threads = ThreadPool("shoal-query")
        self._streams: weakref.WeakSet[EmbeddedStream] = weakref.WeakSet()
        self._kept = KeptStatements()

    @property
    def kernel(self) -> Kernel:
        """The kernel."""
        with self._lock:
            if self._kernel is None:
                kept_bytes = self.memory_bytes // _KEPT_SHARE
                self._kernel = Kernel(self.threads, self.memory_bytes, disk_base(), kept_bytes=kept_bytes)
            return self._kernel

    def start(
        self,
        plan: StagedPlan,
        query: QueryId,
        token: CancelToken,
        *,
        timeout: float | None = None,
        native_names: frozenset[str] = frozenset(),
        measured: bool = False,
        patience: Cost | None = None,
        kept: KeptStatement | None = None,
    ) -> "EmbeddedStream":
        """Run a plan of one stage; the scans in ``native_names`` are left to the kernel, which knows files by name.

        ``kept`` is what the plan keeps between its runs.

        Blocks until the first rows are there; raises the statement's error, and ``OutOfPatience`` if that takes more
        than ``patience``: both its wall time and its CPU time, as a busy machine lets everybody wait longer, or several
        times its wall time.
        """
        spec = task_of(plan, query)
        stream = EmbeddedStream(self.kernel, self._reader, self._threads, spec, token, timeout, native_names)
        stream.measured = measured
        if kept is not None and not measured:
            stream.kept = KeptRun(kept, self._kept)
        with self._lock:
            others = [other for other in self._streams if not other.has_ended]
            self._streams.add(stream)
        for other in (stream, *others) if others else ():
            other.is_alone = False
        try:
            stream.open(patience)
        except BaseException:
            stream.close()
            raise
        return stream

    def columns(self, plan: StagedPlan, query: QueryId) -> tuple[Field, ...]:
        """The columns that the kernel gives a statement over the real data, which those of a PIVOT depend on."""
        spec = task_of(plan, query)
        with self.kernel.session(spec.settings) as session:
            try:
                TaskInputs(session, self._reader, spec, CancelToken(), self.memory_bytes).bind()
                found = session.connection.sql(spec.sql)
                return tuple(Field(name, str(type_)) for name, type_ in zip(found.columns, found.types, strict=True))
            except (duckdb.Error, RuntimeError) as error:
                raise translate_error(error, spec.sql) from error

    def close(self) -> None:
        """Stop what runs and free everything; idempotent."""
        with self._lock:
            streams = list(self._streams)
        for stream in streams:
            stream.close()
        self._kept.close()
        with self._lock:
            kernel, self._kernel = self._kernel, None
        if kernel is not None:
            kernel.close()
        self._threads.close(_STOP_SECONDS)
        self._reader.close()


class EmbeddedStream:
    """The batches of one running statement, in carrier types; a ``BatchStream``."""

    def __init__(
        self,
        kernel: Kernel,
        reader: ShuffleReader,
        threads: ThreadPool,
        spec: TaskSpec,
        token: CancelToken,
        timeout: float | None,
        native_names: frozenset[str],
    ) -> None:
        self._spec = spec
        # A stream that is given up stops itself, not what was asked for.
        self._token = CancelToken()
        self._time_left = timeout
        self._sessions = TaskSessions(kernel, reader, spec, self._token, native_names)
        self._files = self._sessions.files
        self._stack = ExitStack()
        self._stack.enter_context(token.waking(self._token.cancel))
        self._rows: pa.RecordBatchReader | None = None
        self._threads = threads
        self._thread: WorkerThread | None = threads.take()
        self._session: Session | None = None
        self.kept: KeptRun | None = None
        self._ready: deque[pa.RecordBatch] = deque()
        self._ended = False
        self._freed = False
        self.schema: pa.Schema = pa.schema([])
        self.measured = False
        self.stage_runs: tuple[StageRun, ...] = ()
        self.statistics: QueryStatistics | None = None
        self._started = time.monotonic()
        self._processor_seconds = time.process_time()
        self._rows_out = self._bytes_out = 0
        self._clock = RunClock()
        self._tell_cost: Callable[[Cost], None] | None = None
        self.is_alone = True
        """Whether nothing else has run in this engine since it was opened."""

    def open(self, patience: Cost | None = None) -> None:
        """Run until the first batch is there; raises ``OutOfPatience`` if that takes more."""
        self._call(self._open, patience)

    @property
    def has_ended(self) -> bool:
        """Whether nothing runs any more."""
        return self._freed

    def tell_cost(self, tell: Callable[[Cost], None]) -> None:
        """When the statement ends, tell what it has cost, if it ran alone; at once if it has ended."""
        self._tell_cost = tell
        self._tell_end()

    def next_batch(self) -> pa.RecordBatch | None:
        """The next batch, or None at the end; raises the statement's error."""
        if not self._ready and not self._ended:
            self._call(self._next)
            self._tell_end()
        return self._ready.popleft() if self._ready else None

    def close(self) -> None:
        """Stop the statement if it still runs, and free what it holds. Idempotent."""
        thread, self._thread = self._thread, None
        self._ready.clear()
        self._ended = True
        if thread is None:
            return
        if self._freed:
            self._threads.give_back(thread)
            return
        self._token.cancel()
        if thread.is_current:
            self._free()
            thread.end()
            return
        try:
            thread.call(self._free, _STOP_SECONDS)
            self._threads.give_back(thread)
        except TimeoutError:
            thread.end()

    def _tell_end(self) -> None:
        tell = self._tell_cost
        if tell is not None and self.statistics is not None:
            self._tell_cost = None
            if self.is_alone:
                tell(self._clock.cost)

    def _call(self, function: Callable[[], None], patience: Cost | None = None) -> None:
        started = time.monotonic()
        self._clock.resume()
        processor_started = 0.0 if patience is None else time.process_time()
        cancelled_at: list[float] = []
        out_of_patience = False

        def given_up(waited: float) -> bool:
            nonlocal out_of_patience
            if self._token.cancelled:
                cancelled_at.append(waited)
                # An interrupt between two statements stops neither, so it is repeated.
                self._sessions.interrupt()
            elif patience is not None and waited >= patience.seconds:
                worked = time.process_time() - processor_started
                out_of_patience = worked >= patience.cpu_seconds or waited >= patience.seconds * _MOST_PATIENCE
            return out_of_patience or (bool(cancelled_at) and waited - cancelled_at[0] > _STOP_SECONDS)

        if self._thread is None:
            raise InterfaceError("the result is closed")
        try:
            asked_after = inf if patience is None else patience.seconds
            self._thread.call(function, self._time_left, given_up, asked_after)
        except TimeoutError:
            was_cancelled = self._token.cancelled
            self.close()
            if was_cancelled:
                raise QueryCancelled("the query was cancelled") from None
            if out_of_patience:
                raise OutOfPatience from None
            raise QueryTimeout("the query has used up its time (SET timeout)") from None
        finally:
            self._clock.pause()
            if self._time_left is not None:
                self._time_left = max(0.0, self._time_left - (time.monotonic() - started))

    def _open(self) -> None:
        spec = self._spec
        sql = encode_select(spec.sql, spec.columns)
        try:
            self._token.check()
            check_files(self._files)
            relation = None if self.kept is None else self.kept.start(self._sessions, sql, self._stack, self._clock)
            if relation is None:
                session = self._sessions.open(self._stack)
                if self.kept is not None:
                    self.kept.opened(session, spec)
                if self.measured:
                    start_measuring(session)
                    self._session = session
                self._token.check()
                self._clock.restart()
                relation = session.connection.sql(sql)
            if sql is spec.sql:
                check_types(spec.columns, [str(type_) for type_ in relation.types])
            self._rows = relation.to_arrow_reader(BATCH_ROWS)
            self.schema = self._rows.schema
            self._token.check()
        except Exception as error:  # noqa: BLE001 - raised again as an error of Shoal
            failed = self._failed(error, sql)
            raise failed from failed.cause(error)
        self._next()

    def _next(self) -> None:
        """Make a batch ready. A short one is probably the last: look, so that all is freed without another call."""
        try:
            self._read()
            if self._ready[-1].num_rows < BATCH_ROWS:
                self._read()
        except StopIteration:
            check_files(self._files)
            self._ended = True
            self._measure()
            self._free()
            if self.kept is not None:
                self.kept.give_back(self._bytes_out)
        except Exception as error:  # noqa: BLE001 - raised again as an error of Shoal
            failed = self._failed(error, encode_select(self._spec.sql, self._spec.columns))
            raise failed from failed.cause(error)

    def _read(self) -> None:
        self._token.check()
        assert self._rows is not None, "opened before it is read"
        batch = self._rows.read_next_batch()
        self._rows_out += batch.num_rows
        self._bytes_out += batch.nbytes
        self._ready.append(batch)

    def _measure(self) -> None:
        seconds = time.process_time() - self._processor_seconds
        self.statistics = QueryStatistics(1, 1, bytes_exchanged=0, spilled_bytes=None, cpu_seconds=seconds)
        if self._session is None or self._rows is None:
            return
        self._rows.close()
        metrics = replace(
            kernel_metrics(self._session),
            seconds=time.monotonic() - self._started,
            cpu_seconds=seconds,
            rows_out=self._rows_out,
            bytes_out=self._bytes_out,
        )
        task = TaskRun(self._spec.id, ExecutorId("this process"), metrics)
        self.stage_runs = (StageRun(self._spec.id.stage, 1, (task,)),)

    def _failed(self, error: Exception, sql: str) -> Error:
        """Free everything, telling the kernel why, and explain the error."""
        if self._token.cancelled:
            told: Error = QueryCancelled("the query was cancelled")
        else:
            told = explain_failure(error, self._spec.sql, sql, self._files)
        self._free(error)
        return told

    def _free(self, error: Exception | None = None) -> None:
        if self._freed:
            return
        self._freed = True
        if self.kept is not None and error is None and self._ended and not self._token.cancelled:
            self.kept.end(self._bytes_out)
        if self._rows is not None:
            self._rows.close()
            self._rows = None
        # The kernel raises again what it is told; whoever waits for the statement gets it explained.
        with suppress(Exception):
            self._stack.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)
