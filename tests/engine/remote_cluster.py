"""A coordinator that clients connect to, with executor processes, for tests; whatever it leaves fails them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import psutil

from shoal.executor.directories import reclaim_directories
from shoal.executor.supervisor import Settings, Supervisor
from shoal.executor.worker_options import WorkerOptions
from shoal.flight.service import flight_services
from shoal.planner.ids import ExecutorId
from shoal.serve import CoordinatorServer

SECONDS = 15.0


@contextmanager
def coordinator(port: int = 0) -> Iterator[CoordinatorServer]:
    """A coordinator without executors."""
    server = CoordinatorServer(port=port, services=flight_services)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def executors(port: int, count: int, folder: Path, memory_bytes: int = 256 << 20) -> Iterator[Supervisor]:
    """Executor processes that join the coordinator at that port and keep their files in a folder."""
    workers = [
        WorkerOptions(
            name=ExecutorId(f"executor-{number}"),
            coordinator=f"127.0.0.1:{port}",
            threads=1,
            slots=1,
            memory_bytes=memory_bytes,
            memory_directory=str(folder),
            disk_directory=str(folder),
            join_seconds=10.0,
        )
        for number in range(count)
    ]
    supervisor = Supervisor(workers, Settings(reclaim=partial(reclaim_directories, str(folder), str(folder))))
    seen: set[int] = set()
    with ExitStack() as stack:
        stack.callback(supervisor.stop)
        stack.callback(lambda: seen.update(supervisor.processes().values()))
        supervisor.start()
        yield supervisor
    assert not [process for process in seen if psutil.pid_exists(process)]
    assert not list(folder.iterdir())


def url_of(server: CoordinatorServer, options: str = "") -> str:
    """The address for ``shoal.connect``."""
    return f"shoal://127.0.0.1:{server.port}{options}"
