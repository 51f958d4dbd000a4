"""A local cluster of real processes: right answers, whatever dies, and nothing left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from shoal.cluster import LocalCluster
from shoal.executor import worker_process
from shoal.executor.resources import core_pool, cores
from shoal.planner.errors import DataError, NoExecutors, QueryCancelled
from shoal.planner.ids import QueryId
from shoal.planner.source import Field, FileIdentity
from tests.engine.cluster_plans import NUMBERS, expected, one_stage, run, two_stages, write_numbers

pytestmark = pytest.mark.cluster

SECONDS = 15.0

MakeCluster = Callable[..., LocalCluster]


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> FileIdentity:
    return write_numbers(tmp_path_factory.mktemp("numbers"))


@pytest.fixture
def make_cluster(tmp_path: Path) -> Iterator[MakeCluster]:
    """Makes clusters; processes or files that they leave fail the test."""
    memory, disk = tmp_path / "memory", tmp_path / "disk"
    memory.mkdir()
    disk.mkdir()
    seen: set[int] = set()

    def make(executors: int = 2, **options: object) -> LocalCluster:
        folders = {"memory_directory": str(memory), "disk_directory": str(disk)}
        cluster = LocalCluster(executors, **{"memory_bytes": 512 << 20, **folders, **options})  # type: ignore[arg-type]
        stack.callback(cluster.close)
        stack.callback(lambda: seen.update(cluster.processes().values()))
        seen.update(cluster.processes().values())
        return cluster

    with ExitStack() as stack:
        yield make
    assert not [pid for pid in seen if psutil.pid_exists(pid)]
    assert not list(memory.iterdir())
    assert not list(disk.iterdir())


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def inject(monkeypatch: pytest.MonkeyPatch, folder: Path, rules: str) -> Path:
    """Make each rule fire once in one of the executors that are started from now on."""
    tokens = folder / "faults"
    tokens.mkdir()
    monkeypatch.setenv("SHOAL_FAULTS", rules)
    monkeypatch.setenv("SHOAL_FAULTS_DIRECTORY", str(tokens))
    return tokens


def test_executors_of_one_machine_share_its_cores(make_cluster: MakeCluster) -> None:
    count = min(3, cores() + 1)
    assert make_cluster(count).shape().cores == min(count, cores())


def test_processes_on_other_cores_have_a_pool_of_their_own() -> None:
    told = "import os; from shoal.executor.resources import core_pool; "
    mask = sorted(os.sched_getaffinity(0))

    def pool(allowed: list[int]) -> str:
        script = f"{told}os.sched_setaffinity(0, {allowed}); print(core_pool())"
        return subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
        ).stdout

    assert pool(mask) == pool(mask) == f"{core_pool()}\n"
    if len(mask) > 1:
        assert pool(mask[:1]) != pool(mask)


def test_runs_queries_and_frees_what_they_leave(
    make_cluster: MakeCluster, numbers: FileIdentity, tmp_path: Path
) -> None:
    cluster = make_cluster(2)
    shape = cluster.shape()
    assert (shape.executors, shape.threads, shape.memory_bytes) == (2, 1, 512 << 20)
    for _ in range(3):
        assert run(cluster, two_stages(numbers)) == expected()
    with pytest.raises(DataError, match="abc"):
        run(cluster, one_stage("SELECT 'abc'::INTEGER AS a", Field("a", "INTEGER")))
    eventually(lambda: not list((tmp_path / "memory").rglob("*.arrow*")))


def test_reads_over_flight_without_mmap(make_cluster: MakeCluster, numbers: FileIdentity) -> None:
    assert run(make_cluster(2, mmap=False), two_stages(numbers), mmap=False) == expected()


def test_cancels_a_query_that_would_not_end(make_cluster: MakeCluster) -> None:
    cluster = make_cluster(1)
    endless = one_stage("SELECT count(*) AS n FROM range(10000000) a, range(10000000) b", Field("n", "BIGINT"))
    handle = cluster.submit(endless, QueryId(f"query-{next(NUMBERS)}"), 60.0)
    time.sleep(0.3)
    handle.cancel()
    with pytest.raises(QueryCancelled):
        handle.wait(SECONDS)
    handle.release()
    assert run(cluster, one_stage("SELECT 7 AS a", Field("a", "INTEGER"))) == [(7,)]


@pytest.mark.parametrize("rules", ["task.batch=exit(9)@2", "task.before_finish=exit(9)@2", "shuffle.open=exit(9)@3"])
def test_an_executor_that_dies_in_the_middle_costs_nothing_but_time(
    rules: str, make_cluster: MakeCluster, numbers: FileIdentity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = inject(monkeypatch, tmp_path, rules)
    cluster = make_cluster(2)
    assert run(cluster, two_stages(numbers)) == expected()
    assert len(list(tokens.iterdir())) == 1
    eventually(lambda: cluster.shape().executors == 2)
    assert [end.code for end in cluster.ends()] == [9]
    assert run(cluster, two_stages(numbers)) == expected()


def test_all_executors_killed_while_a_query_runs(
    make_cluster: MakeCluster, numbers: FileIdentity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = inject(monkeypatch, tmp_path, "task.before_run=hang(60)@1")
    cluster = make_cluster(2)
    handle = cluster.submit(two_stages(numbers), QueryId(f"query-{next(NUMBERS)}"), 60.0)
    eventually(lambda: any(tokens.iterdir()))
    for process in cluster.processes().values():
        os.kill(process, signal.SIGKILL)
    assert sum(sum(output.rows) for output in handle.wait(SECONDS).outputs) == len(expected())
    handle.release()
    assert [end.reason for end in cluster.ends()] == ["was killed by SIGKILL"] * 2
    # One of them alone may have ended the query before the other was back.
    eventually(lambda: cluster.shape().executors == 2)


def test_executors_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    script = f"""
import time
from shoal.cluster import LocalCluster
cluster = LocalCluster(2, memory_bytes=1 << 28, memory_directory={str(tmp_path)!r}, disk_directory={str(tmp_path)!r})
print(*cluster.processes().values(), flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        workers = [int(pid) for pid in process.stdout.readline().split()]
        assert len(workers) == 2
        assert len(list(tmp_path.iterdir())) == 6
        process.kill()
    eventually(lambda: not any(psutil.pid_exists(pid) for pid in workers))
    assert not list(tmp_path.iterdir())


def test_a_process_that_forgets_to_close_still_leaves_nothing(tmp_path: Path) -> None:
    script = f"""
from shoal.cluster import LocalCluster
cluster = LocalCluster(1, memory_bytes=1 << 28, memory_directory={str(tmp_path)!r}, disk_directory={str(tmp_path)!r})
print(*cluster.processes().values())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert not psutil.pid_exists(int(done.stdout))
    assert not list(tmp_path.iterdir())


def test_two_clusters_in_one_process(make_cluster: MakeCluster, numbers: FileIdentity) -> None:
    first, second = make_cluster(1), make_cluster(1)
    assert run(first, two_stages(numbers)) == run(second, two_stages(numbers)) == expected()
    first.close()
    first.close()
    assert run(second, two_stages(numbers)) == expected()


def test_executors_that_cannot_start_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "MODULE", "shoal.no_such_module")
    with pytest.raises(NoExecutors, match=r"No module named shoal\.no_such_module"):
        LocalCluster(1)


def test_serve_runs_until_it_is_told_to_stop() -> None:
    script = "from shoal.serve import serve_coordinator; serve_coordinator(port=0)"
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("shoal coordinator listens on 127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
        assert process.stderr.read() == ""
