"""Plans made by hand for tests of clusters, and their answers."""

from itertools import count
from pathlib import Path

import duckdb

from shoal.executor.shuffle.reader import ShuffleReader
from shoal.planner.ids import QueryId, StageId
from shoal.planner.source import Field, FileFormat, FileIdentity, FileSource
from shoal.planner.stage import (
    ExchangeInput,
    FileRange,
    OutputPartitioning,
    ReadMode,
    ScanInput,
    Split,
    Stage,
    StagedPlan,
)
from shoal.runner import QueryResult, Runner

NUMBERS = count()
ROWS = 60_000
GROUPS = 97
ANSWER = f"SELECT k, sum(v)::BIGINT AS s FROM (SELECT i % {GROUPS} AS k, i AS v FROM range({ROWS}) r(i)) GROUP BY k"

_COLUMNS = (Field("k", "BIGINT"), Field("s", "BIGINT"))


def write_numbers(folder: Path) -> FileIdentity:
    """A Parquet file of ``ROWS`` rows with columns k and v, in several row groups."""
    path = folder / "numbers.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT i % {GROUPS} AS k, i AS v FROM range({ROWS}) r(i)) TO '{path}' (ROW_GROUP_SIZE 4096)"
        )
    found = path.stat()
    return FileIdentity(str(path), found.st_size, found.st_mtime_ns)


def two_stages(file: FileIdentity, tasks: int = 4, partitions: int = 3) -> StagedPlan:
    """A group-by: partial sums of parts of the file, then sums by hash partition."""
    source = FileSource(FileFormat.PARQUET, (file,), (Field("k", "BIGINT"), Field("v", "BIGINT")))
    step = ROWS // tasks
    splits = tuple(Split((FileRange(file, i * step, (i + 1) * step - 1),), rows=step) for i in range(tasks))
    partial = Stage(
        StageId(0),
        f"SELECT k, sum(v)::BIGINT AS s, (hash(k) % {partitions})::UTINYINT AS p FROM t GROUP BY k",
        _COLUMNS,
        scans=(ScanInput("t", source, ("k", "v"), splits),),
        tasks=tasks,
        output=OutputPartitioning(partitions, "p"),
    )
    final = Stage(
        StageId(1),
        "SELECT k, sum(s)::BIGINT AS s FROM x GROUP BY k",
        _COLUMNS,
        exchanges=(ExchangeInput("x", StageId(0), ReadMode.ALIGNED),),
        tasks=partitions,
    )
    return StagedPlan((partial, final), final.columns)


def one_stage(sql: str, *columns: Field) -> StagedPlan:
    """A plan of one task."""
    return StagedPlan((Stage(StageId(0), sql, columns),), columns)


def expected() -> list[tuple[int, int]]:
    """The answer of ``two_stages``, by plain DuckDB."""
    with duckdb.connect() as connection:
        return sorted(connection.execute(ANSWER).fetchall())


def run(runner: Runner, plan: StagedPlan, timeout: float = 20.0, *, mmap: bool = True) -> list[tuple[object, ...]]:
    """Run a plan and return its rows, sorted; the query is released."""
    handle = runner.submit(plan, QueryId(f"query-{next(NUMBERS)}"), timeout)
    try:
        return read(handle.wait(timeout), mmap=mmap)
    finally:
        handle.release()


def read(result: QueryResult, *, mmap: bool = True) -> list[tuple[object, ...]]:
    """The rows of a result, sorted."""
    with ShuffleReader() as reader:
        tables = [reader.open_output(output, [0], mmap=mmap).table() for output in result.outputs]
        return sorted(row for table in tables for row in zip(*table.to_pydict().values(), strict=True))
