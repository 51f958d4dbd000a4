"""A statement's answer: Arrow batches pulled from wherever they are made, and handed out as rows or as Arrow.

Batches arrive in carrier types (``shoal.executor.carrier``); a private DuckDB connection turns them into exactly the
Python values and Arrow types that plain DuckDB would have given.
"""

import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import duckdb
import pyarrow as pa

from shoal.executor.carrier import decode_select, needs_encoding
from shoal.executor.kernel_errors import translate_error
from shoal.planner.errors import DataError, InterfaceError
from shoal.planner.source import Field
from shoal.query_statistics import QueryStatistics, Told, untold

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

_ROWS_AT_ONCE = 2048
"""Rows decoded for ``fetchone``: enough to pay for the call, few enough to come at once."""

_FEW_VALUES = 512
"""Values of plain types that Arrow turns into Python's sooner than a kernel is set up for it."""

_PLAIN_TYPE = re.compile(r"U?(TINYINT|SMALLINT|INTEGER|BIGINT)|BOOLEAN|DOUBLE|VARCHAR|DECIMAL\(\d+,\d+\)")
"""Types whose Python values are the same whether Arrow or DuckDB makes them."""

Row = tuple[Any, ...]


class BatchStream(Protocol):
    """Where batches come from. ``cancel`` may be called from any thread, the rest from one at a time."""

    @property
    def schema(self) -> pa.Schema:
        """The schema of the batches, in carrier types."""

    def next_batch(self) -> pa.RecordBatch | None:
        """The next batch, or None at the end; blocks, and raises the query's error."""

    def close(self) -> None:
        """Stop the query if it still runs, and free what it holds. Idempotent."""


class TableStream:
    """A table that is already there."""

    def __init__(self, table: pa.Table) -> None:
        self.schema = table.schema
        self._batches: Iterator[pa.RecordBatch] = iter(table.to_batches())

    def next_batch(self) -> pa.RecordBatch | None:
        """The next batch, or None at the end."""
        return next(self._batches, None)

    def close(self) -> None:
        """Forget the table."""
        self._batches = iter(())


class Decoder:
    """Turns carrier batches into rows and Arrow, on a DuckDB cursor of its own. One thread at a time uses it."""

    def __init__(
        self, connect: Callable[[], duckdb.DuckDBPyConnection], columns: Sequence[Field], time_zone: str | None
    ) -> None:
        self._connect = connect
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._time_zone = time_zone
        self._closed = False
        self._columns = tuple(columns)
        self._is_plain = all(_PLAIN_TYPE.fullmatch(column.type) for column in columns)
        self._names = [f"column{index}" for index in range(len(columns))]
        self._select = decode_select("batch", columns, self._names)
        self._lock = threading.Lock()

    def rows(self, batch: pa.RecordBatch) -> list[Row]:
        """The rows of a batch as DuckDB's ``fetchall`` gives them."""
        if self._is_plain and batch.num_rows * batch.num_columns <= _FEW_VALUES:
            return list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
        with self._as_batch(batch) as connection:
            return connection.execute(self._select).fetchall()

    def arrow(self, table: pa.Table) -> pa.Table:
        """A table in the Arrow types that DuckDB gives these columns."""
        names = [column.name for column in self._columns]
        # Files of a shuffle hold no views (see ``storage_schema``), which DuckDB makes of blobs.
        stored = any("large_binary" in str(type_) for type_ in table.schema.types)
        if not stored and not any(needs_encoding(column.type) for column in self._columns):
            return table.rename_columns(names)
        with self._as_batch(table) as connection:
            return connection.sql(self._select).to_arrow_table().rename_columns(names)

    def data_frame(self, table: pa.Table) -> "pd.DataFrame":
        """A pandas frame as DuckDB makes it."""
        with self._as_batch(table) as connection:
            return connection.execute(self._select).df()

    @contextmanager
    def _as_batch(self, data: pa.RecordBatch | pa.Table) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with the data as its table ``batch`` for the block; raises errors of Shoal."""
        with self._lock:
            connection = self._opened()
            try:
                connection.register("batch", data.rename_columns(self._names))
                yield connection
            except OverflowError as error:
                raise DataError(f"a value is too large for its type in Python: {error}") from error
            except (duckdb.Error, RuntimeError, OSError) as error:
                raise translate_error(error, self._select) from error
            finally:
                # A statement that failed while its rows were read would keep the table.
                connection.abort()
                connection.unregister("batch")

    def _opened(self) -> duckdb.DuckDBPyConnection:
        """The cursor, made when it is first needed; small results of plain types never do."""
        if self._closed:
            raise InterfaceError("the result is closed")
        if self._connection is None:
            try:
                self._connection = self._connect()
            except duckdb.Error as error:
                raise InterfaceError("the connection was closed before its result was read") from error
            if self._time_zone is not None:
                self._connection.execute("SET SESSION TimeZone = " + self._time_zone)
        return self._connection

    def close(self) -> None:
        """Free the cursor; idempotent."""
        with self._lock:
            self._closed = True
            if self._connection is not None:
                self._connection.close()


class Result:
    """The rows that are still to be fetched. Rows and Arrow may be mixed: each takes what the others left."""

    def __init__(
        self,
        columns: tuple[Field, ...],
        stream: BatchStream,
        decoder: Decoder,
        statistics: Told = untold,
    ) -> None:
        self.columns = columns
        self._stream = stream
        self._decoder = decoder
        self._statistics = statistics
        self._batch: pa.RecordBatch | None = None
        self._decoded: deque[Row] = deque()
        self._decoded_batch: pa.RecordBatch | None = None
        self._closed = False
        self.rows_seen = 0
        self.is_exhausted = False
        self.changed: int | None = None
        """How many rows the statement has changed; None if it is a query."""
        self._held: object = None

    def hold(self, held: object) -> None:
        """Keep something alive until all rows are read or the result is closed."""
        self._held = held

    @property
    def stream(self) -> BatchStream:
        """Where the batches come from, for those who hand them on as they travel."""
        return self._stream

    @property
    def statistics(self) -> QueryStatistics | None:
        """What the query cost; None before its end, and where nothing was measured."""
        return self._statistics()

    def prefetch(self) -> None:
        """Wait for the first batch, so that an error shows now rather than at the first fetch."""
        if self._batch is None and not self.is_exhausted:
            self._batch = self._pull()

    def rows(self, count: int) -> list[Row]:
        """The next rows, at most ``count``; fewer only at the end."""
        rows: list[Row] = []
        while len(rows) < count:
            if not self._decoded and not self._decode(count - len(rows)):
                break
            wanted = min(count - len(rows), len(self._decoded))
            rows += [self._decoded.popleft() for _ in range(wanted)]
        return rows

    def all_rows(self) -> list[Row]:
        """All rows that are left."""
        rows = list(self._decoded)
        self._decoded.clear()
        while (batch := self._take()) is not None:
            rows += self._decoder.rows(batch)
        return rows

    def carrier_batches(self) -> Iterator[pa.RecordBatch]:
        """The batches that are left, as they travel."""
        if self._decoded and self._decoded_batch is not None:
            left = len(self._decoded)
            self._decoded.clear()
            yield self._decoded_batch.slice(self._decoded_batch.num_rows - left)
        while (batch := self._take()) is not None:
            yield batch

    def table(self) -> pa.Table:
        """All rows that are left, as one Arrow table."""
        return self._decoder.arrow(self.carrier_table())

    def reader(self) -> pa.RecordBatchReader:
        """All rows that are left, as a stream of batches that are fetched when they are asked for."""
        schema = self.schema()
        return pa.RecordBatchReader.from_batches(schema, self._arrow_batches(schema))

    def schema(self) -> pa.Schema:
        """The Arrow schema, as DuckDB gives it."""
        return self._decoder.arrow(pa.Table.from_batches([], self._stream.schema)).schema

    def data_frame(self) -> "pd.DataFrame":
        """All rows that are left, as pandas."""
        return self._decoder.data_frame(self.carrier_table())

    def polars(self) -> "pl.DataFrame":
        """All rows that are left, as polars."""
        import polars as pl

        found = pl.from_arrow(self.table())
        assert isinstance(found, pl.DataFrame)
        return found

    def close(self) -> None:
        """Stop the query if it still runs, and free what it holds. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._batch = self._decoded_batch = None
        self._decoded.clear()
        self._held = None
        self._stream.close()
        self._decoder.close()

    def __del__(self) -> None:
        # A reader that was handed out holds the result: dropping the cursor must not end it.
        if hasattr(self, "_decoded_batch"):
            self.close()

    def carrier_table(self) -> pa.Table:
        """All rows that are left, as they travel."""
        return pa.Table.from_batches(list(self.carrier_batches()), schema=self._stream.schema)

    def _arrow_batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        for batch in self.carrier_batches():
            decoded = self._decoder.arrow(pa.Table.from_batches([batch]))
            yield from decoded.cast(schema).to_batches() if decoded.schema != schema else decoded.to_batches()

    def _decode(self, wanted: int) -> bool:
        """Decode some of the current batch, leaving the rest of it where it is; whether there was any row."""
        self.prefetch()
        batch = self._batch
        if batch is None:
            return False
        count = min(batch.num_rows, max(wanted, _ROWS_AT_ONCE))
        self._batch = batch.slice(count) if count < batch.num_rows else None
        self._decoded_batch = batch.slice(0, count)
        self._decoded.extend(self._decoder.rows(self._decoded_batch))
        return True

    def _take(self) -> pa.RecordBatch | None:
        batch, self._batch = self._batch, None
        return batch if batch is not None else self._pull()

    def _pull(self) -> pa.RecordBatch | None:
        """The next batch that has rows."""
        if self._closed:
            raise InterfaceError("the result is closed: its cursor or its connection was closed before it was read")
        while not self.is_exhausted:
            batch = self._stream.next_batch()
            if batch is None:
                self.is_exhausted = True
                self._stream.close()
                self._held = None
            elif batch.num_rows:
                self.rows_seen += batch.num_rows
                return batch
        return None
