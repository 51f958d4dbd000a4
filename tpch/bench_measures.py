"""The single measurements of ``make bench``, each a median of several runs, with its goal."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median

from pyarrow import parquet

import shoal
from shoal.tpch.contenders import Duckdb, Shoal, ShoalOptions
from shoal.tpch.dataset import Dataset
from shoal.tpch.measure import Benchmark, run_benchmark
from shoal.tpch.queries import QUERY_NUMBERS
from shoal.tpch.results import BenchmarkResult, available_cores
from shoal.tpch.served_cluster import ServedCluster

_FETCHED_ROWS = 10_000_000
_LATENCY_RUNS = 50
_IMPORT_TIMER = "import time; start = time.perf_counter(); import shoal; print(time.perf_counter() - start)"
_FIRST_ANSWER = """
import time
start = time.perf_counter()
import shoal
with shoal.connect() as connection, connection.cursor() as cursor:
    cursor.execute("SELECT 1").fetchall()
    print(time.perf_counter() - start)
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """One line of the benchmark: what was measured, in words, and the goal."""

    what: str
    value: str
    goal: str = ""


def measure_import(runs: int) -> list[Measured]:
    """Milliseconds of ``import shoal`` in a fresh interpreter, and until it has answered there."""

    def once(code: str) -> float:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
        return float(done.stdout)

    return [
        Measured("import shoal", _milliseconds(median(once(_IMPORT_TIMER) for _ in range(runs))), "250 ms"),
        Measured("import, connect and a first answer", _milliseconds(median(once(_FIRST_ANSWER) for _ in range(runs)))),
    ]


def measure_start(runs: int) -> list[Measured]:
    """Milliseconds until ``connect(executors=2)`` returns, and until it has answered its first query."""
    ready: list[float] = []
    answered: list[float] = []
    for _ in range(runs):
        start = time.perf_counter()
        with shoal.connect(executors=2, threads=1) as connection:
            ready.append(time.perf_counter() - start)
            _answer(connection, "SELECT 1")
            answered.append(time.perf_counter() - start)
    return [
        Measured("connect(executors=2)", _milliseconds(median(ready)), "1500 ms"),
        Measured("connect(executors=2) and a first answer", _milliseconds(median(answered))),
    ]


def measure_latency() -> list[Measured]:
    """Milliseconds of ``SELECT 1``, in this process and through a coordinator."""
    with shoal.connect() as connection:
        embedded = _median_seconds(lambda: _answer(connection, "SELECT 1"), _LATENCY_RUNS)
    with ServedCluster(threads=1) as cluster, shoal.connect(cluster.url) as connection:
        served = _median_seconds(lambda: _answer(connection, "SELECT 1"), _LATENCY_RUNS)
    return [
        Measured("SELECT 1, embedded", _milliseconds(embedded), "3 ms"),
        Measured("SELECT 1, through a coordinator", _milliseconds(served), "10 ms"),
    ]


def measure_planning(dataset: Dataset, runs: int, goal: str = "20 ms") -> list[Measured]:
    """Milliseconds of planning a benchmark's queries: ``EXPLAIN`` for two executors, and what a text seen before costs.

    The second is what Shoal's time on tables without rows has above DuckDB's own, for there is nothing else to do.
    """
    suite, scale = dataset.suite, dataset.scale()
    texts = [suite.query_text(number, scale) for number in suite.numbers]
    with Shoal(dataset, ShoalOptions(executors=2, threads=1)) as engine:
        engine.answer(f"EXPLAIN {texts[0]}")
        first = [_seconds(partial(engine.answer, f"EXPLAIN {text}")) for _ in range(runs) for text in texts]
    with tempfile.TemporaryDirectory() as folder:
        empty = _without_rows(dataset, Path(folder))
        with Shoal(empty, ShoalOptions()) as engine, Duckdb(empty, available_cores()) as kernel:
            above = [
                _median_seconds(partial(engine.answer, text), runs)
                - _median_seconds(partial(kernel.answer, text), runs)
                for text in texts
            ]
    return [
        Measured(f"planning a {suite.title} query, median of {suite.queries}", _milliseconds(median(first)), goal),
        Measured("planning it, slowest", _milliseconds(max(first))),
        Measured("planning the same text again, embedded", _milliseconds(median(above)), "5 ms"),
    ]


def _without_rows(dataset: Dataset, folder: Path) -> Dataset:
    """The tables of a data set with their columns and no rows, in another folder."""
    for table in dataset.tables:
        schema = parquet.read_schema(dataset.files(table)[0])
        parquet.write_table(schema.empty_table(), folder / f"{table}.parquet")
    return Dataset(folder, dataset.suite)


def measure_fetch(runs: int, threads: int) -> list[Measured]:
    """Megabytes a second of ten million rows of six columns, as an Arrow table through a coordinator."""
    columns = "i AS a, i * 2 AS b, i + 0.5::DOUBLE AS c, i % 1000 AS d, i / 3.0::DOUBLE AS e, i + 7 AS f"
    sql = f"SELECT {columns} FROM range({_FETCHED_ROWS}) AS t(i)"
    rates: list[float] = []
    with ServedCluster(threads) as cluster, shoal.connect(cluster.url) as connection:
        for _ in range(runs):
            with connection.cursor() as cursor:
                start = time.perf_counter()
                cursor.execute(sql)
                table = cursor.fetch_arrow_table()
                rates.append(table.nbytes / 1e6 / (time.perf_counter() - start))
            if table.num_rows != _FETCHED_ROWS:
                raise shoal.InternalError(f"{table.num_rows} rows instead of {_FETCHED_ROWS}")
    return [Measured("10 M rows x 6 columns through a coordinator", f"{median(rates):.0f} MB/s", "500 MB/s")]


def measure_small_memory(dataset: Dataset, tell: Callable[[int, str], None]) -> tuple[BenchmarkResult, list[Measured]]:
    """The 22 queries on two executors of 1 GB each, checked, and how many directories are left afterwards."""
    before = _left_directories()
    options = ShoalOptions(executors=2, threads=1, memory="1GB")
    result = run_benchmark(Benchmark(dataset, options, QUERY_NUMBERS, runs=1, verify=True), tell)
    result = replace(result, mode=f"{result.mode} of 1 GB")
    left = _left_directories() - before
    right = sum(query.own.verified is True for query in result.queries)
    return result, [
        Measured("2 executors of 1 GB: right answers", f"{right} of {len(result.queries)}", "22 of 22"),
        Measured("2 executors of 1 GB: directories left", str(len(left)), "0"),
    ]


def _left_directories() -> set[Path]:
    """Shoal's own directories for shuffle outputs and spilled data."""
    return {path for base in (Path("/dev/shm"), Path(tempfile.gettempdir())) for path in base.glob("shoal-*")}  # noqa: S108


def _answer(connection: "shoal.Connection", sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        cursor.fetchall()


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _median_seconds(work: Callable[[], object], runs: int) -> float:
    work()
    return median(_seconds(work) for _ in range(runs))


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
