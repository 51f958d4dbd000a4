"""A join in which one key holds most of the rows, against the same join without skew."""

import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import duckdb
import pyarrow

import shoal
from shoal.tpch.bench_measures import Measured

EXECUTORS = 4
HEAVY_SHARE = 0.6
"""The part of all rows that the heavy key holds."""

_ROWS, _KEYS = 6_000_000, 1_500_000
_QUERY = (
    "SELECT count(*) AS n, sum(facts.value) AS value, sum(length(keys.name)) AS length, max(keys.rank) AS rank "
    "FROM {facts} AS facts JOIN keys ON facts.key = keys.key"
)
_MODES = (("auto", "as planned"), ("partitioned", "SET join_strategy = partitioned"))


@dataclass(slots=True)
class Timings:
    """The seconds of the join over each table, in turn."""

    even: list[float] = field(default_factory=list)
    skewed: list[float] = field(default_factory=list)


def write_skewed_tables(folder: Path, rows: int, keys: int) -> None:
    """Write ``even``, ``skewed`` (rows with a key each, in no order) and ``keys`` (each key once) as Parquet files."""
    scattered = f"(hash(i) % {keys})::BIGINT"
    heavy = f"CASE WHEN hash(i, 'heavy') % 1000 < {round(1000 * HEAVY_SHARE)} THEN 7 ELSE {scattered} END"
    tables = {
        "even": f"SELECT {scattered} AS key, i % 1000 AS value FROM range({rows}) AS t(i)",
        "skewed": f"SELECT {heavy} AS key, i % 1000 AS value FROM range({rows}) AS t(i)",
        "keys": f"SELECT i AS key, 'name of key ' || i AS name, hash(i) % 100000 AS rank FROM range({keys}) AS t(i) "
        "ORDER BY hash(i, 'order')",
    }
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        for name, sql in tables.items():
            path = str(folder / f"{name}.parquet").replace("'", "''")
            connection.execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet)")


def measure_skew(runs: int, rows: int = _ROWS, keys: int = _KEYS) -> list[Measured]:
    """How many times as long the join takes on four executors when one key holds 60 % of the rows; answers checked."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_skewed_tables(folder, rows, keys)
        right = {facts: _right_answer(folder, facts) for facts in ("even", "skewed")}
        with shoal.connect(executors=EXECUTORS, threads=1) as connection:
            for table in ("even", "skewed", "keys"):
                connection.register(table, str(folder / f"{table}.parquet"))
            lines = []
            for strategy, words in _MODES:
                connection.execute(f"SET join_strategy = {strategy}").close()
                timings = _timings(connection, right, runs)
                ratio = median(timings.skewed) / median(timings.even)
                seconds = f"{median(timings.skewed):.2f} s / {median(timings.even):.2f} s"
                what = f"join, {HEAVY_SHARE:.0%} of the rows in one key, {EXECUTORS} executors, {words}"
                lines.append(Measured(what, f"{ratio:.2f} ({seconds})", "1.50 times the join without skew"))
    return lines


def _timings(connection: "shoal.Connection", right: dict[str, pyarrow.Table], runs: int) -> Timings:
    timings = Timings()
    for run in range(runs + 1):
        for facts, seconds in (("even", timings.even), ("skewed", timings.skewed)):
            start = time.perf_counter()
            with connection.execute(_QUERY.format(facts=facts)) as cursor:
                answer = cursor.fetch_arrow_table()
            if run:
                seconds.append(time.perf_counter() - start)
            if answer.to_pylist() != right[facts].to_pylist():
                raise shoal.WrongAnswer(f"the join over {facts} gives {answer.to_pylist()}")
    return timings


def _right_answer(folder: Path, facts: str) -> pyarrow.Table:
    with duckdb.connect() as connection:
        for table in (facts, "keys"):
            path = str(folder / f"{table}.parquet").replace("'", "''")
            connection.execute(f"CREATE VIEW {table} AS FROM read_parquet('{path}')")
        return connection.sql(_QUERY.format(facts=facts)).to_arrow_table()
