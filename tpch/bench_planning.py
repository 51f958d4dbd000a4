"""What planning costs: joins of twelve relations in three shapes, thousands of files, and the queries of TPC-H."""

import tempfile
import time
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from statistics import median

import duckdb
import pyarrow
from pyarrow import parquet

import shoal
from shoal.tpch.bench_measures import Measured

RELATIONS = 12
FILES = 2000
_FILE_ROWS = 5000


def join_text(shape: str, relations: int = RELATIONS) -> str:
    """A join of relations ``r0``, ``r1`` ... in a ``chain``, a ``star`` around the first, or a ``clique``."""
    pairs: Iterator[tuple[int, int]]
    match shape:
        case "chain":
            pairs = ((one, one + 1) for one in range(relations - 1))
        case "star":
            pairs = ((0, one) for one in range(1, relations))
        case _:
            pairs = combinations(range(relations), 2)
    edges = " AND ".join(f"r{one}.k{other} = r{other}.k{one}" for one, other in pairs)
    tables = ", ".join(f"r{number}" for number in range(relations))
    return f"SELECT count(*) AS n, sum(r0.v) AS v FROM {tables} WHERE {edges}"


def write_relations(folder: Path, relations: int = RELATIONS) -> None:
    """Write ``r0`` ... as Parquet files of different sizes, each with a key for each of the others."""
    with duckdb.connect() as connection:
        for number in range(relations):
            keys = ", ".join(
                f"(hash(i, {other}) % {100 * (other + 1)})::BIGINT AS k{other}" for other in range(relations)
            )
            path = str(folder / f"r{number}.parquet").replace("'", "''")
            rows = 1000 * (1 + number % 5) ** 3
            connection.execute(f"COPY (SELECT i AS v, {keys} FROM range({rows}) AS t(i)) TO '{path}' (FORMAT parquet)")


def measure_join_planning(runs: int) -> list[Measured]:
    """Milliseconds of EXPLAIN of joins of twelve relations: the first time, and the median of later ones."""
    lines = []
    with tempfile.TemporaryDirectory() as name:
        write_relations(Path(name))
        for shape in ("chain", "star", "clique"):
            with shoal.connect(executors=2, threads=1) as connection:
                for number in range(RELATIONS):
                    connection.register(f"r{number}", str(Path(name) / f"r{number}.parquet"))
                _explain(connection, "SELECT 1")
                first = _explain(connection, join_text(shape))
                later = median(_explain(connection, join_text(shape)) for _ in range(runs))
            value = f"{_milliseconds(later)}, first {_milliseconds(first)}"
            lines.append(Measured(f"planning a {shape} join of {RELATIONS} relations", value, "100 ms"))
    return lines


def measure_file_planning(runs: int, files: int = FILES) -> list[Measured]:
    """Seconds of EXPLAIN over a table of thousands of files: in a new session, and again with another text."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder, files)
        texts = [
            f"SELECT part, count(*) AS n, sum(value) AS v FROM many WHERE value > {limit} GROUP BY part"
            for limit in range(runs + 1)
        ]
        with shoal.connect(executors=2, threads=1) as connection:
            start = time.perf_counter()
            connection.register("many", str(folder / "*.parquet"))
            _explain(connection, texts[0])
            cold = time.perf_counter() - start
            warm = median(_explain(connection, text) for text in texts[1:])
    return [
        Measured(f"planning over {files} files, cold", f"{cold:.2f} s", "2 s"),
        Measured(f"planning over {files} files, warm", f"{warm:.2f} s", "0.2 s"),
    ]


def write_files(folder: Path, files: int) -> None:
    """Write so many small Parquet files, each of the next values."""
    for number in range(files):
        first = number * _FILE_ROWS
        values = pyarrow.array(range(first, first + _FILE_ROWS), pyarrow.int64())
        table = pyarrow.table({"value": values, "part": pyarrow.array([number % 50] * _FILE_ROWS, pyarrow.int32())})
        parquet.write_table(table, folder / f"part-{number:05}.parquet", compression="none")


def _explain(connection: "shoal.Connection", sql: str) -> float:
    start = time.perf_counter()
    with connection.execute(f"EXPLAIN {sql}") as cursor:
        cursor.fetchall()
    return time.perf_counter() - start


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
