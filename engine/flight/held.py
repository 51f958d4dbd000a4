"""A result that the coordinator keeps for a client until it is released: files of executors, or rows held here."""

import threading
import time
from collections.abc import Callable, Iterator

import pyarrow as pa

from shoal.executor.shuffle.reader import ShuffleReader
from shoal.flight.borrowed import BorrowedQuery, BorrowedRunner
from shoal.flight.framing import stream_bytes
from shoal.planner.errors import FetchFailed, InterfaceError
from shoal.planner.ids import QueryId
from shoal.planner.source import Field
from shoal.planner.stage import OutputFile
from shoal.query_statistics import QueryStatistics
from shoal.result import Result
from shoal.settings import Values

_LOOKED_AT = 64
"""With more output files than this nobody looks whether all of them can be given as they are."""

_INLINE_BYTES = 64 << 10
"""A result of the coordinator's own that is not larger goes with the answer, and nothing is held."""

_Rows = Callable[[], Iterator[pa.RecordBatch]]


class HeldResult:
    """One result: files (``outputs``), the rows themselves (``inline``), or ``batches``. ``close`` frees everything."""

    def __init__(
        self,
        query: QueryId,
        columns: tuple[Field, ...],
        values: Values,
        schema: pa.Schema,
        *,
        outputs: tuple[OutputFile, ...] = (),
        inline: bytes = b"",
        rows: _Rows | None = None,
        free: Callable[[], None] | None = None,
    ) -> None:
        self.query = query
        self.columns = columns
        self.values = values
        self.schema = schema
        self.outputs = outputs
        self.inline = inline
        self.statistics: QueryStatistics | None = None
        self.changed: int | None = None
        self.used = time.monotonic()
        self._rows = rows
        self._free = free
        self._lock = threading.Lock()

    @property
    def rows_and_bytes(self) -> tuple[int, int]:
        """How large the result is; -1 where that is not known."""
        if not self.outputs:
            return -1, -1
        return sum(sum(file.rows) for file in self.outputs), sum(sum(file.bytes) for file in self.outputs)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows; raises ``InterfaceError`` if they are gone, or were read and cannot be read again."""
        self.used = time.monotonic()
        if self._rows is None:
            raise InterfaceError("the result is not here")
        return self._rows()

    def close(self) -> None:
        """Free the result; idempotent."""
        with self._lock:
            free, self._free = self._free, None
        self._rows = None
        if free is not None:
            free()


def hold_for_our_client(result: Result, runner: BorrowedRunner, query: QueryId, values: Values) -> HeldResult:
    """Hold a result as our own client reads it: in carrier types, from the executors' files where there are some."""
    statistics = result.statistics
    held = _held_as_it_travels(result, runner, query, values)
    held.statistics = statistics
    held.changed = result.changed
    return held


def hold_for_others(
    result: Result, runner: BorrowedRunner, query: QueryId, values: Values, reader: ShuffleReader
) -> HeldResult:
    """Hold a result as any client of Flight SQL reads it: with the names and Arrow types that DuckDB gives.

    Files of executors that hold just this are given out; other results are decoded here, while they are read.
    """
    schema = result.schema()
    kept = runner.keep(query)
    if kept is None:
        table = result.table()
        result.close()
        held = _holding(query, result.columns, values, table)
        held.changed = result.changed
        return held
    if _as_they_are(kept.outputs, schema, reader):
        result.close()
        return HeldResult(query, result.columns, values, schema, outputs=kept.outputs, free=kept.free)
    return HeldResult(query, result.columns, values, schema, rows=_once(result), free=lambda: _close_both(result, kept))


def _held_as_it_travels(result: Result, runner: BorrowedRunner, query: QueryId, values: Values) -> HeldResult:
    kept = runner.keep(query)
    if kept is not None:
        result.close()
        return HeldResult(query, result.columns, values, pa.schema([]), outputs=kept.outputs, free=kept.free)
    table = result.carrier_table()
    result.close()
    if table.nbytes <= _INLINE_BYTES:
        return HeldResult(query, result.columns, values, table.schema, inline=stream_bytes(table))
    return _holding(query, result.columns, values, table)


def _holding(query: QueryId, columns: tuple[Field, ...], values: Values, table: pa.Table) -> HeldResult:
    return HeldResult(query, columns, values, table.schema, rows=lambda: iter(table.to_batches()))


def _close_both(result: Result, kept: BorrowedQuery) -> None:
    result.close()
    kept.free()


def _once(result: Result) -> _Rows:
    """The rows of a result, for the first who asks."""
    lock = threading.Lock()
    readers = [result.reader()]

    def rows() -> Iterator[pa.RecordBatch]:
        with lock:
            if not readers:
                raise InterfaceError("the result was read already")
            return iter(readers.pop())

    return rows


def _as_they_are(outputs: tuple[OutputFile, ...], schema: pa.Schema, reader: ShuffleReader) -> bool:
    """Whether each file holds what the schema says, so that a client may read it where it is."""
    if len(outputs) > _LOOKED_AT:
        return False
    try:
        return all(reader.open_output(output, ()).schema.equals(schema) for output in outputs)
    except FetchFailed:
        return False
