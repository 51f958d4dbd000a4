"""The supervisor with real worker processes: restarts, memory, hangs, refusals; and ``shoal executor``'s function."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil
import pytest

from shoal.executor import supervisor as supervisor_module
from shoal.executor import worker_process
from shoal.executor.directories import reclaim_directories
from shoal.executor.resources import parse_size, split_address
from shoal.executor.supervisor import Settings, Supervisor, run_executor
from shoal.executor.worker_options import ExitCode, WorkerOptions
from shoal.planner.errors import ConnectionFailed, InterfaceError
from shoal.planner.ids import ExecutorId
from shoal.planner.source import Field
from shoal.serve import CoordinatorServer
from tests.engine.cluster_plans import one_stage, run

pytestmark = pytest.mark.cluster

SECONDS = 15.0


@pytest.fixture
def server() -> Iterator[CoordinatorServer]:
    server = CoordinatorServer(port=0)
    yield server
    server.close()


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def worker(server: CoordinatorServer, folder: Path, name: str = "w") -> WorkerOptions:
    return WorkerOptions(
        name=ExecutorId(name),
        coordinator=f"127.0.0.1:{server.port}",
        threads=1,
        slots=1,
        memory_bytes=256 << 20,
        memory_directory=str(folder),
        disk_directory=str(folder),
        join_seconds=5.0,
    )


@contextmanager
def supervising(options: WorkerOptions) -> Iterator[Supervisor]:
    """A started supervisor of one worker; whatever that leaves fails the test."""
    reclaim = partial(reclaim_directories, options.memory_directory, options.disk_directory)
    supervisor = Supervisor([options], Settings(reclaim=reclaim))
    seen: set[int] = set()
    with ExitStack() as stack:
        stack.callback(supervisor.stop)
        stack.callback(lambda: seen.update(supervisor.processes().values()))
        supervisor.start()
        yield supervisor
    assert supervisor.wait(0)
    assert not [process for process in seen if psutil.pid_exists(process)]
    assert not list(Path(options.disk_directory).iterdir())


def test_a_crashed_worker_starts_again_as_a_new_incarnation(server: CoordinatorServer, tmp_path: Path) -> None:
    with supervising(worker(server, tmp_path)) as supervisor:
        server.runner.wait_for_executors(1, SECONDS)
        first = server.runner.executors()[0]
        os.kill(supervisor.processes()[first.executor], signal.SIGSEGV)
        eventually(lambda: [each.incarnation for each in server.runner.executors()] not in ([], [first.incarnation]))
        (end,) = supervisor.ends()
        assert (end.code, end.reason, end.incarnation) == (-11, "was killed by SIGSEGV", first.incarnation)
        assert len(list(tmp_path.iterdir())) == 3
        assert server.runner.executors()[0].executor == "w"


def test_a_worker_that_uses_too_much_memory_is_killed(
    server: CoordinatorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = 0
    monkeypatch.setattr(worker_process, "private_bytes", lambda _: used)
    with supervising(worker(server, tmp_path)) as supervisor:
        server.runner.wait_for_executors(1, SECONDS)
        used = 2 << 30
        eventually(lambda: bool(supervisor.ends()))
        used = 0
        assert supervisor.ends()[0].reason == "was killed: out of memory, it used 2048 MiB of 1120 MiB"


def test_a_worker_that_hangs_as_a_whole_is_killed(
    server: CoordinatorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_process, "SILENT_SECONDS", 3.0)
    with supervising(worker(server, tmp_path)) as supervisor:
        server.runner.wait_for_executors(1, SECONDS)
        os.kill(supervisor.processes()[ExecutorId("w")], signal.SIGSTOP)
        eventually(lambda: bool(supervisor.ends()))
        assert supervisor.ends()[0].reason == "was killed: it gave no sign of life for 3 s"


def test_another_version_is_refused_and_not_tried_again(server: CoordinatorServer, tmp_path: Path) -> None:
    with supervising(replace(worker(server, tmp_path), version="0.0.1")) as supervisor:
        assert supervisor.wait(SECONDS)
        assert supervisor.exit_code() == ExitCode.REFUSED
        assert re.search(r"the coordinator runs Shoal \S+, this executor 0\.0\.1", "\n".join(supervisor.story()))
        assert server.runner.shape().executors == 0


def test_stopping_before_anything_has_started(server: CoordinatorServer, tmp_path: Path) -> None:
    supervisor = Supervisor([worker(server, tmp_path)])
    supervisor.stop()
    assert supervisor.wait(0)
    with pytest.raises(InterfaceError, match="same name"):
        Supervisor([worker(server, tmp_path), worker(server, tmp_path)])


def test_nobody_answers(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert run_executor(address, threads=1, memory="256MiB", join_seconds=0.2) == ExitCode.REFUSED
    assert f"no coordinator answers at {address}" in capfd.readouterr().err


@pytest.mark.parametrize(
    "arguments", [{"join": "nowhere"}, {"join": "a:99999"}, {"join": "a:1", "memory": "much"}], ids=str
)
def test_wrong_arguments_are_refused(arguments: dict[str, str]) -> None:
    with pytest.raises(InterfaceError):
        run_executor(**arguments)


@contextmanager
def command(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """``run_executor`` in a process of its own."""
    call = f"run_executor('127.0.0.1:{port}', 1, '256MiB', join_seconds=20)"
    script = f"import sys; from shoal.executor.supervisor import run_executor; sys.exit({call})"
    with subprocess.Popen([sys.executable, "-c", script]) as process:
        try:
            yield process
        finally:
            process.kill()


def test_an_executor_finds_a_coordinator_that_comes_back_and_drains() -> None:
    first = CoordinatorServer(port=0)
    port = first.port
    with command(port) as process:
        try:
            first.runner.wait_for_executors(1, SECONDS)
            before = first.runner.executors()[0]
        finally:
            first.close()
        second = CoordinatorServer(port=port)
        try:
            second.runner.wait_for_executors(1, SECONDS)
            after = second.runner.executors()[0]
            assert before.executor == after.executor
            assert before.incarnation != after.incarnation
            assert run(second.runner, one_stage("SELECT 1 AS a", Field("a", "INTEGER"))) == [(1,)]
            children = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGTERM)
            assert process.wait(SECONDS) == ExitCode.DONE
            assert not [child for child in children if child.is_running()]
            eventually(lambda: second.runner.shape().executors == 0)
        finally:
            second.close()


def test_a_taken_port_is_a_clear_error(server: CoordinatorServer) -> None:
    with pytest.raises(ConnectionFailed, match=f"cannot listen on 127.0.0.1:{server.port}"):
        CoordinatorServer(port=server.port)


@pytest.mark.parametrize(
    ("text", "size"), [("4GB", 4 * 10**9), ("512 MiB", 512 << 20), ("1.5g", 3 << 29), ("1000000", 10**6)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


def test_addresses() -> None:
    assert split_address("[::1]:80") == ("::1", 80)
    assert split_address("host:7432") == ("host", 7432)


def test_delays_grow_to_a_bound() -> None:
    assert max(supervisor_module._delay(failures) for failures in range(1, 40)) <= supervisor_module.LARGEST_DELAY
    assert min(supervisor_module._delay(failures) for failures in range(1, 40)) >= supervisor_module.FIRST_DELAY
