"""Running one task: bind its inputs, run its statement in the kernel, write its output.

Whatever a task leaves behind is its output file, and only if it succeeded: views, cursors and unfinished files end
with it.
"""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import duckdb
import pyarrow as pa

from shoal.executor.cancellation import CancelToken
from shoal.executor.carrier import encode_select
from shoal.executor.cpu_meter import CpuMeter
from shoal.executor.faults import fault
from shoal.executor.kernel import Kernel, Session, translate_error
from shoal.executor.scan import check_files, scanned_files
from shoal.executor.shuffle.host import host_identity
from shoal.executor.shuffle.reader import ShuffleReader
from shoal.executor.shuffle.store import ShuffleStore, StoredOutput
from shoal.executor.shuffle.writer import OutputWriter
from shoal.executor.task_inputs import TaskInputs
from shoal.planner.errors import Error, InvariantViolated, QueryCancelled, SourceError
from shoal.planner.ids import ExecutorId, Incarnation
from shoal.planner.source import FileIdentity
from shoal.planner.stage import OutputFile, TaskMetrics, TaskSpec

BATCH_ROWS = 131_072

_HEAP_SHARE = 8
"""One input may take this fraction of the kernel's memory outside of it before it is made a temporary table."""

_INTERRUPT_SECONDS = 0.05
_STRING_LIMIT = re.compile(r"maximum total string size|larger than 2147483647|arrow_large_buffer_size")


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """Who this executor is, and where its shuffle files can be fetched (a Flight address)."""

    executor: ExecutorId
    incarnation: Incarnation
    location: str


class TaskRunner:
    """Runs tasks, several at a time if called from several threads."""

    def __init__(self, kernel: Kernel, store: ShuffleStore, node: NodeInfo, reader: ShuffleReader) -> None:
        self._kernel = kernel
        self._store = store
        self._node = node
        self._reader = reader
        self._meter = CpuMeter()

    def run(self, spec: TaskSpec, cancelled: CancelToken) -> tuple[OutputFile, TaskMetrics]:
        """Run a task to its end and return its output, entered in the store, and what it measured.

        Raises only errors of Shoal, with the task in their context: ``QueryCancelled`` soon after ``cancelled``,
        ``FetchFailed`` when an input is gone, ``SourceError`` when a file is not as it was planned with, and what the
        statement itself raises. After an error nothing of the task is left.
        """
        started = time.monotonic()
        files = tuple(dict.fromkeys(file for scan in spec.scans for file in scanned_files(scan)))
        try:
            with self._meter.measure() as usage:
                fault("task.start")
                cancelled.check()
                check_files(files)
                stored, metrics = self._run(spec, files, cancelled)
        except Exception as error:
            told = _explain(error, files, cancelled)
            told.with_context(query=spec.id.query, stage=int(spec.id.stage), task=str(spec.id))
            if told is error:
                raise
            raise told from error
        metrics = replace(metrics, seconds=time.monotonic() - started, cpu_seconds=usage.seconds)
        return self._describe(stored), metrics

    def _run(
        self, spec: TaskSpec, files: tuple[FileIdentity, ...], cancelled: CancelToken
    ) -> tuple[StoredOutput, TaskMetrics]:
        try:
            return self._attempt(spec, files, cancelled, large_strings=False)
        except Exception as error:
            if _STRING_LIMIT.search(str(error)) is None:
                raise
        return self._attempt(spec, files, cancelled, large_strings=True)

    def _attempt(
        self, spec: TaskSpec, files: tuple[FileIdentity, ...], cancelled: CancelToken, *, large_strings: bool
    ) -> tuple[StoredOutput, TaskMetrics]:
        settings = [*spec.settings, *([("arrow_large_buffer_size", "true")] if large_strings else [])]
        with (
            self._kernel.session(settings, files, join_order=spec.kernel_join_order) as session,
            _interrupting(session, cancelled),
        ):
            inputs = TaskInputs(session, self._reader, spec, cancelled, self._kernel.memory_bytes // _HEAP_SHARE)
            try:
                inputs.bind()
                fault("task.before_run")
                stored = self._write(session, spec, files, cancelled)
            except Exception as error:
                if inputs.failure is not None and inputs.failure is not error:
                    raise inputs.failure from error
                raise
            return stored, _metrics(session, spec, stored, inputs.kept_rows)

    def _write(
        self, session: Session, spec: TaskSpec, files: tuple[FileIdentity, ...], cancelled: CancelToken
    ) -> StoredOutput:
        partitioned = spec.output.column is not None
        sql = encode_select(spec.sql, spec.columns, trailing=int(partitioned))
        session.connection.execute("PRAGMA enable_profiling = 'no_output'")
        session.connection.execute("SET SESSION tracked_metrics = ['query.*', 'system.*', 'io.*']")
        rows = session.connection.sql(sql).to_arrow_reader(BATCH_ROWS)
        try:
            _check_schema(rows.schema, spec)
            output = spec.output
            writer = OutputWriter(
                self._store, spec.id, rows.schema, output.partitions, partitioned=partitioned, keys=output.keys
            )
            with writer:
                for batch in rows:
                    cancelled.check()
                    fault("task.batch")
                    writer.write(batch)
                fault("task.before_finish")
                check_files(files)
                cancelled.check()
                return writer.finish()
        finally:
            rows.close()

    def _describe(self, stored: StoredOutput) -> OutputFile:
        manifest = stored.manifest
        heavy = tuple(entry.heavy_rows for entry in manifest.partitions)
        return OutputFile(
            manifest.task,
            self._node.executor,
            self._node.incarnation,
            host_identity(),
            str(stored.path),
            self._node.location,
            tuple(entry.rows for entry in manifest.partitions),
            tuple(entry.bytes for entry in manifest.partitions),
            heavy if any(heavy) else (),
        )


@contextmanager
def _interrupting(session: Session, cancelled: CancelToken) -> Iterator[None]:
    """Interrupt the session once the token is cancelled: again and again, for an interrupt between two statements of
    the task stops neither."""
    done = threading.Event()

    def interrupt() -> None:
        session.interrupt()
        while not done.wait(_INTERRUPT_SECONDS):
            session.interrupt()

    def wake() -> None:
        threading.Thread(target=interrupt, name="task-interrupt", daemon=True).start()

    with cancelled.waking(wake):
        try:
            yield
        finally:
            done.set()


def _check_schema(schema: pa.Schema, spec: TaskSpec) -> None:
    expected = len(spec.columns) + (spec.output.column is not None)
    if len(schema) != expected:
        raise InvariantViolated(f"the statement of {spec.id} gives {len(schema)} columns, {expected} are planned")
    if spec.output.column is not None and not pa.types.is_integer(schema.field(expected - 1).type):
        raise InvariantViolated(f"the partition column of {spec.id} is no integer")


def _explain(error: Exception, files: tuple[FileIdentity, ...], cancelled: CancelToken) -> Error:
    """The error to report: a cancelled task was cancelled whatever broke on the way, and a file that changed explains
    everything that reading it may raise."""
    if cancelled.cancelled:
        return QueryCancelled("the task was cancelled")
    told = translate_error(error)
    if told.retryable:
        return told
    try:
        check_files(files)
    except SourceError as changed:
        return changed
    return told


def _metrics(session: Session, spec: TaskSpec, stored: StoredOutput, kept_rows: int) -> TaskMetrics:
    """What the kernel measured; a kernel that tells nothing costs the numbers, not the task."""
    try:
        profile = json.loads(session.connection.get_profiling_information())
    except (duckdb.Error, ValueError):
        profile = {}
    query, system, files = (profile.get(part, {}) for part in ("query", "system", "io"))
    # Without files to scan, whatever was read from disk was spilled before.
    from_files = int(files.get("total_bytes_read", 0)) if any(map(scanned_files, spec.scans)) else 0
    rows_read, exchanged = _read_of_others(spec)
    return TaskMetrics(
        seconds=0.0,
        cpu_seconds=0.0,
        rows_in=max(0, int(query.get("total_rows_scanned", 0)) - kept_rows) + rows_read,
        bytes_in=from_files + exchanged,
        rows_out=sum(entry.rows for entry in stored.manifest.partitions),
        bytes_out=sum(entry.bytes for entry in stored.manifest.partitions),
        spilled_bytes=int(system.get("peak_temp_dir_size", 0)),
        peak_memory_bytes=int(system.get("peak_buffer_memory", 0)),
        bytes_exchanged=exchanged,
    )


def _read_of_others(spec: TaskSpec) -> tuple[int, int]:
    """The rows and bytes that a task reads of other stages; of a slice its share of the partition's bytes."""
    rows = size = 0
    for exchange in spec.exchanges:
        for place, file in enumerate(exchange.files):
            part = exchange.slices[place] if exchange.slices else None
            whole_rows = sum(file.rows[number] for number in exchange.partitions)
            whole_bytes = sum(file.bytes[number] for number in exchange.partitions)
            rows += whole_rows if part is None else part.rows
            size += whole_bytes if part is None else round(whole_bytes * part.rows / max(1, whole_rows))
    return rows, size
