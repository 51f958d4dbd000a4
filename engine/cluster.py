"""A cluster on this machine: a coordinator in this process, executors in processes of their own."""

import atexit
import os
import threading
import time
from dataclasses import replace
from functools import partial

from shoal.coordinator.coordinator_runner import CoordinatedQuery, CoordinatorRunner
from shoal.coordinator.grpc_transport import GrpcTransport
from shoal.coordinator.policy import Policy
from shoal.executor.directories import reclaim_directories
from shoal.executor.resources import default_memory_bytes
from shoal.executor.supervisor import Settings, Supervisor
from shoal.executor.worker_options import WorkerOptions
from shoal.executor.worker_process import WorkerEnd
from shoal.planner.errors import ErrorContext, InterfaceError, NoExecutors
from shoal.planner.ids import ExecutorId, QueryId
from shoal.planner.stage import StagedPlan
from shoal.runner import ClusterShape

START_SECONDS = 30.0
STOP_SECONDS = 5.0


class LocalCluster:
    """A ``Runner`` over ``executors`` processes with ``threads`` each; ready when it is made.

    ``memory_bytes`` are of one executor (default: an equal share of most of this machine's). ``mmap`` false: they read
    each other's files over Flight too. ``memory_directory`` and ``disk_directory`` say where their files go (default:
    ``/dev/shm`` and the usual directory for temporary files). Raises ``NoExecutors`` with what the processes said when
    they do not start. ``close`` stops and reaps everything; the end of this process does, if nobody did before.
    """

    def __init__(
        self,
        executors: int,
        threads: int = 1,
        memory_bytes: int | None = None,
        mmap: bool = True,
        policy: Policy | None = None,
        *,
        memory_directory: str = "",
        disk_directory: str = "",
    ) -> None:
        if executors < 1 or threads < 1:
            raise InterfaceError("a cluster needs at least one executor with one thread")
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._closed = False
        transport = GrpcTransport()
        self._runner = CoordinatorRunner(transport, policy, mmap=mmap)
        memory = memory_bytes or default_memory_bytes(executors)
        workers = [
            WorkerOptions(
                name=ExecutorId(f"local-{number}"),
                coordinator=f"127.0.0.1:{transport.port}",
                threads=threads,
                slots=threads,
                memory_bytes=memory,
                memory_directory=memory_directory,
                disk_directory=disk_directory,
                drain_seconds=1.0,
            )
            for number in range(1, executors + 1)
        ]
        self._supervisor = Supervisor(
            workers, Settings(reclaim=partial(reclaim_directories, memory_directory, disk_directory))
        )
        atexit.register(self.close)
        try:
            self._supervisor.start()
            self._wait(executors)
        except BaseException:
            self.close()
            raise

    @property
    def runner(self) -> CoordinatorRunner:
        """The coordinator."""
        return self._runner

    def processes(self) -> dict[ExecutorId, int]:
        """The process ids of the executors that run now."""
        return self._supervisor.processes()

    def ends(self) -> tuple[WorkerEnd, ...]:
        """How the latest executors that died did so."""
        return self._supervisor.ends()

    def submit(self, plan: StagedPlan, query: QueryId, timeout: float | None = None) -> CoordinatedQuery:
        """Start a plan; see ``Runner``."""
        return self._runner.submit(plan, query, timeout)

    def shape(self) -> ClusterShape:
        """The cluster as it is now; see ``Runner``."""
        return replace(self._runner.shape(), local=True)

    def close(self) -> None:
        """Cancel what runs, end the executors, and leave nothing behind; see ``Runner``."""
        with self._lock:
            if self._closed or os.getpid() != self._owner:
                return
            self._closed = True
        atexit.unregister(self.close)
        self._supervisor.request_stop(STOP_SECONDS)
        try:
            self._runner.close()
        finally:
            self._supervisor.wait(STOP_SECONDS + 5.0)

    def _wait(self, executors: int) -> None:
        """Wait until all executors have joined; the first one that dies before that ends the attempt."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return self._runner.wait_for_executors(executors, 0.1)
            except NoExecutors as error:
                joined = self._runner.shape().executors
                if self._supervisor.ends() or time.monotonic() > deadline:
                    message = f"{joined} of {executors} executors have started"
                    raise NoExecutors(message, ErrorContext(story=self._supervisor.story())) from error
