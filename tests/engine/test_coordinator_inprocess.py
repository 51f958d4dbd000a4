"""The coordinator over real executors in this process: real kernels, real shuffle files, losses in the middle."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from shoal.coordinator.coordinator_runner import CoordinatorRunner
from shoal.coordinator.inprocess_executor import KernelExecutor
from shoal.coordinator.inprocess_transport import InProcessTransport
from shoal.executor.cancellation import CancelToken
from shoal.executor.shuffle.reader import ShuffleReader
from shoal.executor.shuffle.registry import ArrowRegistry
from shoal.planner.errors import DataError, QueryCancelled
from shoal.planner.ids import ExecutorId, Incarnation, QueryId, StageId
from shoal.planner.source import Field
from shoal.planner.stage import (
    ExchangeInput,
    OutputFile,
    OutputPartitioning,
    ReadMode,
    Stage,
    StagedPlan,
    TaskMetrics,
    TaskSpec,
)

SECONDS = 60.0
ROWS = 20_000
ENDLESS = "SELECT count(*) AS n FROM range(1000000000000) t(i) WHERE i % 7 = 3 AND hash(i) % 11 = 5"


def count_plan(tasks: int = 3) -> StagedPlan:
    """Numbers by their remainder: hashed to ``tasks`` partitions, counted, gathered."""
    numbers = (Field("k", "BIGINT"), Field("i", "BIGINT"))
    counts = (Field("k", "BIGINT"), Field("n", "BIGINT"))
    make = f"SELECT i % 10 AS k, i, (hash(i % 10) % {tasks})::UTINYINT AS p FROM range({ROWS}) t(i)"
    return StagedPlan(
        (
            Stage(StageId(0), make, numbers, tasks=tasks, output=OutputPartitioning(tasks, "p")),
            Stage(
                StageId(1),
                "SELECT k, count(*) AS n FROM e GROUP BY k",
                counts,
                exchanges=(ExchangeInput("e", StageId(0), ReadMode.ALIGNED),),
                tasks=tasks,
            ),
            Stage(
                StageId(2),
                "SELECT k, n FROM e ORDER BY k",
                counts,
                exchanges=(ExchangeInput("e", StageId(1), ReadMode.ALL),),
            ),
        ),
        counts,
    )


def answer(runner: CoordinatorRunner, plan: StagedPlan, query: str, *, mmap: bool = True) -> list[tuple[object, ...]]:
    """Run a plan, read its answer, and free it."""
    handle = runner.submit(plan, QueryId(query), SECONDS)
    try:
        result = handle.wait(SECONDS)
        rows: list[tuple[object, ...]] = []
        with ShuffleReader() as reader:
            for output in result.outputs:
                table = reader.open_output(output, [0], mmap=mmap).table()
                rows += list(zip(*(column.to_pylist() for column in table.columns), strict=True))
        return rows
    finally:
        handle.release()


EXPECTED = [(k, ROWS // 10 * 3) for k in range(10)]


class Watched(KernelExecutor):
    """A real executor that a test can interfere with."""

    transport: InProcessTransport | None = None
    crash_at: tuple[int, int] | None = None
    corrupt_at: int | None = None

    def run(self, spec: TaskSpec, token: CancelToken) -> tuple[OutputFile, TaskMetrics]:
        cls = type(self)
        if cls.crash_at == (spec.id.stage, spec.id.partition) and cls.transport is not None:
            cls.crash_at = None
            cls.transport.crash(self.joined.executor, "killed by a test")
            token.wait(SECONDS)
        output, metrics = super().run(spec, token)
        if cls.corrupt_at == spec.id.stage:
            cls.corrupt_at = None
            Path(output.path).unlink()
        return output, metrics


@pytest.fixture(params=[True, False], ids=["mmap", "flight"])
def runner(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CoordinatorRunner]:
    registry = ArrowRegistry()
    memory, disk = tmp_path / "memory", tmp_path / "disk"
    memory.mkdir()
    disk.mkdir()

    def make(executor: ExecutorId, incarnation: Incarnation) -> KernelExecutor:
        return Watched(executor, incarnation, 1, 1 << 30, registry, memory, disk)

    transport = InProcessTransport(make, ("a", "b"))
    Watched.transport, Watched.crash_at, Watched.corrupt_at = transport, None, None
    runner = CoordinatorRunner(transport, mmap=request.param)
    yield runner
    runner.close()
    left = [path for base in (memory, disk) for path in base.rglob("*") if path.is_file()]
    assert left == [], "files are left"


def test_an_answer_is_that_of_plain_duckdb(runner: CoordinatorRunner) -> None:
    with duckdb.connect() as connection:
        sql = f"SELECT i % 10 AS k, 3 * count(*) FROM range({ROWS}) t(i) GROUP BY k ORDER BY k"
        assert connection.execute(sql).fetchall() == EXPECTED
    assert answer(runner, count_plan(), "plain") == EXPECTED


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_an_executor_is_lost_in_each_stage(runner: CoordinatorRunner, stage: int) -> None:
    Watched.crash_at = (stage, 0)
    assert answer(runner, count_plan(), f"lost-{stage}") == EXPECTED
    assert Watched.crash_at is None, "the fault has fired"


@pytest.mark.parametrize("stage", [0, 1])
def test_a_lost_file_is_made_again(runner: CoordinatorRunner, stage: int) -> None:
    """Also the first partition of the first stage: that its numbers are zero does not hide them."""
    Watched.corrupt_at = stage
    handle = runner.submit(count_plan(), QueryId(f"file-{stage}"), SECONDS)
    result = handle.wait(SECONDS)
    assert sum(sum(output.rows) for output in result.outputs) == 10
    attempts = {run.stage: run.attempts for run in handle.runs()}
    assert attempts[StageId(stage)] == 2, "the stage that lost a file was attempted again"
    handle.release()


def test_an_error_of_the_data_is_not_tried_again(runner: CoordinatorRunner) -> None:
    column = (Field("x", "INTEGER"),)
    plan = StagedPlan((Stage(StageId(0), "SELECT 'x'::VARCHAR::INTEGER AS x", column),), column)
    with pytest.raises(DataError):
        answer(runner, plan, "cast")


def test_cancel_reaches_the_kernel(runner: CoordinatorRunner) -> None:
    column = (Field("n", "BIGINT"),)
    handle = runner.submit(StagedPlan((Stage(StageId(0), ENDLESS, column, tasks=4),), column), QueryId("endless"))
    with pytest.raises(TimeoutError):
        handle.wait(0.2)
    handle.cancel()
    with pytest.raises(QueryCancelled):
        handle.wait(SECONDS)
    assert answer(runner, count_plan(), "after") == EXPECTED
