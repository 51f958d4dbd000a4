"""A node to run tasks on, without the process around it, and the pieces that tasks are described with."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import duckdb
import pyarrow as pa

from shoal.executor.cancellation import CancelToken
from shoal.executor.carrier import decode_select
from shoal.executor.kernel import Kernel
from shoal.executor.shuffle.flight import FlightService
from shoal.executor.shuffle.reader import ShuffleReader
from shoal.executor.shuffle.registry import ArrowRegistry
from shoal.executor.shuffle.store import ShuffleStore
from shoal.executor.task import NodeInfo, TaskRunner
from shoal.planner.ids import ExecutorId, Incarnation, QueryId, StageId, TaskId
from shoal.planner.source import Field, FileFormat, FileIdentity, FileSource
from shoal.planner.stage import OutputFile, OutputPartitioning, Split, TaskExchange, TaskMetrics, TaskScan, TaskSpec

NUMBERS = count()


@dataclass
class Node:
    """One executor, without the process around it."""

    name: str
    kernel: Kernel
    store: ShuffleStore
    registry: ArrowRegistry
    reader: ShuffleReader
    flight: FlightService
    runner: TaskRunner
    metrics: list[TaskMetrics] = field(default_factory=list)

    def task(self, sql: str, columns: Sequence[Field] | None = None, **fields: object) -> TaskSpec:
        """A task of a query of its own; columns are found out when the statement has no inputs."""
        columns = describe(sql) if columns is None else tuple(columns)
        identity = TaskId(QueryId(f"query-{next(NUMBERS)}"), StageId(0), 0, 0, 0)
        parts: dict[str, object] = {
            "scans": (), "exchanges": (), "setup": (), "output": OutputPartitioning(), "kernel_join_order": False,
        }  # fmt: skip
        return TaskSpec(**{"id": identity, "sql": sql, "columns": columns, **parts, **fields})  # type: ignore[arg-type]

    def run(self, spec: TaskSpec, token: CancelToken | None = None) -> OutputFile:
        """Run a task and keep its metrics."""
        output, metrics = self.runner.run(spec, token or CancelToken())
        self.metrics.append(metrics)
        return output

    def table(self, output: OutputFile, partitions: Sequence[int] | None = None, *, mmap: bool = True) -> pa.Table:
        """The rows of an output as they travel."""
        wanted = range(len(output.rows)) if partitions is None else partitions
        return self.reader.open_output(output, list(wanted), mmap=mmap).table()

    def rows(self, spec: TaskSpec) -> list[tuple[object, ...]]:
        """Run a task and decode its rows."""
        table = self.table(self.run(spec))
        names = [f"c{index}" for index in range(table.num_columns)]
        with duckdb.connect() as connection:
            connection.register("arrived", table.rename_columns(names))
            return connection.execute(decode_select("arrived", spec.columns, names)).fetchall()

    def exchange(self, name: str, output: OutputFile, columns: Sequence[Field], *partitions: int) -> TaskExchange:
        """Partitions of an output (all if none is named) as an input."""
        return TaskExchange(name, tuple(columns), (output,), partitions or tuple(range(len(output.rows))))


def describe(sql: str) -> tuple[Field, ...]:
    """The columns of a statement without inputs, as plain DuckDB has them."""
    with duckdb.connect() as connection:
        return tuple(Field(row[0], row[1]) for row in connection.execute(f"DESCRIBE {sql}").fetchall())


def identity(path: Path | str) -> FileIdentity:
    """A file as it is now."""
    found = Path(path).stat()
    return FileIdentity(str(path), found.st_size, found.st_mtime_ns)


def parquet(path: Path | str, *more: Path | str) -> FileSource:
    """Parquet files of one schema."""
    paths = [path, *more]
    return FileSource(FileFormat.PARQUET, tuple(map(identity, paths)), describe(f"SELECT * FROM '{path}'"))


def whole(name: str, source: FileSource, *columns: str) -> TaskScan:
    """A scan of everything."""
    return TaskScan(name, source, columns or tuple(column.name for column in source.columns), Split(whole=True))


@contextmanager
def open_node(
    folder: Path,
    name: str = "one",
    *,
    threads: int = 2,
    memory_bytes: int = 512 << 20,
    shuffle_bytes: int = 64 << 20,
    disk_budget: int | None = None,
) -> Iterator[Node]:
    """A node that keeps its files below ``folder``; closed at the end of the block."""
    incarnation = Incarnation(f"life{next(NUMBERS)}")
    for base in ("spill", "memory", "shuffle"):
        (folder / base).mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        kernel = stack.enter_context(Kernel(threads, memory_bytes, folder / "spill"))
        store = stack.enter_context(
            ShuffleStore(incarnation, folder / "memory", folder / "shuffle", shuffle_bytes, disk_budget)
        )
        registry = ArrowRegistry()
        flight = stack.enter_context(FlightService(store, registry))
        reader = stack.enter_context(ShuffleReader(registry))
        who = NodeInfo(ExecutorId(name), incarnation, flight.location)
        yield Node(name, kernel, store, registry, reader, flight, TaskRunner(kernel, store, who, reader))
