"""Running a plan on a runner's executors, and reading the answer from where they left it."""

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa

from shoal.executor.shuffle.reader import ShuffleReader
from shoal.planner.errors import Error, FetchFailed, QueryCancelled
from shoal.planner.stage import OutputFile, StagedPlan
from shoal.query_statistics import QueryStatistics, sum_runs
from shoal.runner import QueryHandle, QueryResult, Runner, StageRun
from shoal.running import Running

_WAIT_SECONDS = 0.25
"""How often a waiting thread looks up, so that Ctrl-C is noticed."""


def run_distributed(
    runner: Runner, reader: ShuffleReader, plan: StagedPlan, running: Running, *, timeout: float | None, mmap: bool
) -> "DistributedStream":
    """Run a plan to its end and return the stream of its answer; raises the query's error."""
    handle = runner.submit(plan, running.query, timeout)
    try:
        running.watch(handle.progress)
        with running.token.waking(handle.cancel):
            result = _wait(handle)
        return DistributedStream(handle, result, reader, running, mmap)
    except BaseException:
        handle.cancel()
        handle.release()
        running.watch(None)
        raise


def _wait(handle: QueryHandle) -> QueryResult:
    """Wait for the end; the query's own deadline, its cancellation or the close of the runner ends the wait."""
    while True:
        try:
            return handle.wait(_WAIT_SECONDS)
        except TimeoutError:
            continue


class DistributedStream:
    """The batches of a finished query's outputs, in order; a ``BatchStream``. Owns the query until ``close``."""

    def __init__(
        self, handle: QueryHandle, result: QueryResult, reader: ShuffleReader, running: Running, mmap: bool
    ) -> None:
        self._handle = handle
        self._reader = reader
        self._running = running
        self._mmap = mmap
        self.outputs = result.outputs
        self._outputs = iter(result.outputs)
        self._released = False
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self.schema: pa.Schema = pa.schema([])
        self._batches = self._open(next(self._outputs))

    @property
    def stage_runs(self) -> tuple[StageRun, ...]:
        """What the stages measured."""
        return self._handle.runs()

    @property
    def statistics(self) -> QueryStatistics | None:
        """What the query cost."""
        return sum_runs(self._handle.runs())

    def next_batch(self) -> pa.RecordBatch | None:
        """The next batch, or None at the end; raises ``FetchFailed`` if an executor took its output with it."""
        while True:
            if self._running.token.cancelled:
                raise QueryCancelled("the query was cancelled")
            try:
                batch = next(self._batches, None)
                if batch is not None:
                    return batch if batch.schema.equals(self.schema) else batch.cast(self.schema)
                output = next(self._outputs, None)
                if output is None:
                    return None
                self._batches = self._open(output)
            except FetchFailed as error:
                who = error.context.executor or "an executor"
                message = f"{who} is gone with a part of the answer that was not read yet"
                context = replace(error.context, query=self._running.query, hint="run the statement again")
                raise FetchFailed(message, context) from error
            except Error as error:
                raise error.with_context(query=self._running.query) from error

    def close(self) -> None:
        """Free the answer and everything else the query left; idempotent."""
        if not self._released:
            self._released = True
            self._batches = iter(())
            self._running.watch(None)
            self._handle.cancel()
            self._handle.release()

    def _open(self, output: OutputFile) -> Iterator[pa.RecordBatch]:
        partitions = tuple(range(len(output.rows)))
        opened = self._reader.open_output(output, partitions, mmap=self._mmap, cancelled=self._running.token)
        if not self.schema.names:
            self.schema = opened.schema
        return opened.batches
