"""Binding a task's inputs: what each name of its statement stands for, as temporary views of one kernel session."""

from collections.abc import Iterator, Sequence
from itertools import chain

import pyarrow as pa

from shoal.executor.cancellation import CancelToken
from shoal.executor.carrier import decode_select, empty_select
from shoal.executor.kernel import Session
from shoal.executor.kernel_types import quote
from shoal.executor.scan import scan_sql
from shoal.executor.shuffle.reader import OpenedInput, ShuffleReader
from shoal.planner.errors import Error, InvariantViolated
from shoal.planner.source import ArrowSource, Field
from shoal.planner.stage import TaskExchange, TaskScan, TaskSpec


class TaskInputs:
    """The inputs of one task. ``heap_bytes`` of rows that are not mapped stay Arrow; more than that goes into a
    temporary table of the kernel, which can spill it."""

    def __init__(
        self, session: Session, reader: ShuffleReader, spec: TaskSpec, cancelled: CancelToken, heap_bytes: int
    ) -> None:
        self._session = session
        self._reader = reader
        self._spec = spec
        self._cancelled = cancelled
        self._heap_bytes = heap_bytes
        self._registered = 0
        self.kept_rows = 0
        """Rows that went into temporary tables, which the kernel counts once more when it scans them."""
        self.failure: Error | None = None
        """What a stream raised while the kernel pulled it; the kernel itself only tells that something did."""

    def bind(self) -> None:
        """Make all views; raises what opening an input raises, and DuckDB's own exceptions."""
        for scan in self._spec.scans:
            self._cancelled.check()
            self._bind_scan(scan)
        for exchange in self._spec.exchanges:
            self._cancelled.check()
            self._bind_exchange(exchange)
        for name, sql in self._spec.setup:
            if name:
                self._create_view(name, sql)
            else:
                self._session.connection.execute(sql)

    def _bind_scan(self, scan: TaskScan) -> None:
        relation = ""
        if isinstance(scan.source, ArrowSource) and scan.split.whole:
            opened = self._reader.open_arrow(scan.source, mmap=self._spec.mmap, cancelled=self._cancelled)
            relation = self._register([opened], scan.source.bytes, [field.name for field in scan.source.columns])
        self._create_view(scan.name, scan_sql(scan, relation))

    def _bind_exchange(self, exchange: TaskExchange) -> None:
        opened, size = [], 0
        for number, file in enumerate(exchange.files):
            wanted = [partition for partition in exchange.partitions if file.rows[partition]]
            if wanted:
                rows = exchange.slices[number] if exchange.slices else None
                size += sum(file.bytes[partition] for partition in wanted)
                mmap, cancelled = self._spec.mmap, self._cancelled
                opened.append(self._reader.open_output(file, wanted, rows=rows, mmap=mmap, cancelled=cancelled))
        if not opened and exchange.files and not all(column.type for column in exchange.columns):
            # Aggregate states have no DuckDB type that could be cast to; the file itself tells what they look like.
            file = exchange.files[0]
            opened.append(self._reader.open_output(file, [], mmap=self._spec.mmap, cancelled=self._cancelled))
        if not opened:
            self._create_view(exchange.name, empty_select(exchange.columns))
            return
        names = [f"column{index}" for index in range(len(exchange.columns))]
        relation = self._register(opened, size, names)
        self._create_view(exchange.name, _decoding(relation, exchange.columns, names))

    def _register(self, opened: Sequence[OpenedInput], size: int, names: Sequence[str]) -> str:
        """Give rows to the kernel under a name of their own, with their columns named ``names``."""
        relation = f"shoal input {self._registered}"
        self._registered += 1
        schemas = [one.schema for one in opened]
        schema = schemas[0]
        if not all(other.equals(schema) for other in schemas):
            schema = pa.unify_schemas(schemas, promote_options="permissive")
        if len(schema) != len(names):
            raise InvariantViolated(f"an input has {len(schema)} columns where {len(names)} are expected")
        batches = self._pull(chain.from_iterable(one.batches for one in opened), schema)
        connection = self._session.connection
        renamed = pa.schema([field.with_name(name) for field, name in zip(schema, names, strict=True)], schema.metadata)
        if all(one.in_place for one in opened) or size <= self._heap_bytes:
            table = pa.Table.from_batches(list(batches), schema)
            connection.register(relation, table.rename_columns(list(names)))
            return relation
        rows = (batch.rename_columns(list(names)) for batch in batches)
        connection.register(f"{relation} stream", pa.RecordBatchReader.from_batches(renamed, rows))
        made = f"CREATE TEMP TABLE {quote(relation)} AS SELECT * FROM {quote(relation + ' stream')}"
        self.kept_rows += connection.execute(made).fetchall()[0][0]
        connection.unregister(f"{relation} stream")
        return relation

    def _pull(self, batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        try:
            for batch in batches:
                self._cancelled.check()
                yield batch if batch.schema.equals(schema) else batch.cast(schema)
        except Error as error:
            self.failure = error
            raise

    def _create_view(self, name: str, sql: str) -> None:
        self._session.create_view(name, sql)


def _decoding(relation: str, columns: Sequence[Field], names: Sequence[str]) -> str:
    return decode_select(quote(relation), columns, names) if columns else f"SELECT 1 AS nothing FROM {quote(relation)}"
