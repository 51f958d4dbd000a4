"""``cursor.statistics``: what a finished query cost, however it runs; and nothing where nobody measured."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

import shoal
from shoal.planner.ids import ExecutorId, QueryId, StageId, TaskId
from shoal.planner.stage import TaskMetrics
from shoal.query_statistics import sum_runs
from shoal.runner import StageRun, TaskRun
from tests.engine.remote_cluster import coordinator, executors, url_of

JOIN = (
    "SELECT o_orderpriority, count(*) AS n FROM customer JOIN orders ON c_custkey = o_custkey "
    "GROUP BY o_orderpriority ORDER BY 1"
)


def run_of(stage: int, *metrics: TaskMetrics) -> StageRun:
    tasks = [
        TaskRun(TaskId(QueryId("q"), StageId(stage), number, 0, 0), ExecutorId("e"), item)
        for number, item in enumerate(metrics)
    ]
    return StageRun(StageId(stage), 1, tuple(tasks))


def test_sums_over_all_stages() -> None:
    first = run_of(0, TaskMetrics(1.0, 0.5, 10, 100, 5, 50), TaskMetrics(1.0, 0.25, 10, 100, 5, 50, spilled_bytes=7))
    last = run_of(1, TaskMetrics(1.0, 1.0, 10, 130, 1, 8, bytes_exchanged=100))
    assert sum_runs((first, last)) == shoal.QueryStatistics(2, 3, 100, 7, 1.75)
    assert sum_runs(()) is None


def test_in_this_process_they_come_with_the_last_row() -> None:
    with shoal.connect(threads=1) as connection, connection.cursor() as cursor:
        assert cursor.statistics is None
        cursor.execute("SELECT * FROM range(1000000)")
        assert cursor.statistics is None
        cursor.fetchall()
        found = cursor.statistics
        assert found is not None
        assert (found.stages, found.tasks, found.bytes_exchanged, found.spilled_bytes) == (1, 1, 0, None)
        assert found.cpu_seconds > 0
        for sql in ("SET verify = on", "SHOW ALL", "EXPLAIN SELECT 1"):
            assert cursor.execute(sql).statistics is None
        assert cursor.execute("SELECT 1").statistics is not None


@pytest.fixture(params=["local", "remote"], scope="module")
def connection(request: pytest.FixtureRequest, tpch_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    if request.param == "local":
        with shoal.connect(executors=2, threads=1, data=str(tpch_folder), distribute="always") as opened:
            yield opened
        return
    folder = tmp_path_factory.mktemp("executors")
    with coordinator() as server, executors(server.port, 2, folder) as _:
        server.runner.wait_for_executors(2, 15.0)
        with shoal.connect(url_of(server), distribute="always") as opened:
            for table in ("customer", "orders"):
                opened.register(table, str(tpch_folder / f"{table}.parquet"))
            yield opened


@pytest.mark.cluster
def test_on_executors_they_are_there_with_the_first_row(connection: shoal.Connection) -> None:
    found = {}
    for strategy in ("partitioned", "broadcast"):
        connection.execute(f"SET join_strategy = {strategy}")
        with connection.cursor() as cursor:
            cursor.execute(JOIN)
            found[strategy] = statistics = cursor.statistics
            assert statistics is not None
            assert cursor.fetchall()
            assert cursor.statistics == statistics
    for statistics in found.values():
        assert statistics.stages >= 2
        assert statistics.tasks > statistics.stages
        assert statistics.spilled_bytes == 0
        assert statistics.cpu_seconds > 0
    # Customers' keys, 12 kB of them for each of two readers, against the keys and priorities of all orders as well.
    assert 1_000 < found["broadcast"].bytes_exchanged < found["partitioned"].bytes_exchanged < 2_000_000


@pytest.mark.cluster
def test_a_checked_answer_keeps_them(connection: shoal.Connection) -> None:
    connection.execute("SET verify = on")
    try:
        with connection.execute(JOIN) as cursor:
            assert cursor.statistics is not None
            assert cursor.statistics.stages >= 2
    finally:
        connection.execute("SET verify = off")


@pytest.mark.cluster
def test_what_no_executor_runs_costs_nothing(connection: shoal.Connection) -> None:
    connection.register("mine", pa.table({"k": [1, 2]}))
    with connection.execute("EXPLAIN SELECT * FROM mine") as cursor:
        assert cursor.statistics is None
