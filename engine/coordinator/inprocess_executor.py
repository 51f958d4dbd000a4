"""Real executors inside this process: each with a kernel, a shuffle store and a Flight server of its own."""

from contextlib import ExitStack
from pathlib import Path

from shoal.coordinator.coordinator_runner import CoordinatorRunner
from shoal.coordinator.events import ExecutorJoined
from shoal.coordinator.inprocess_transport import InProcessTransport
from shoal.coordinator.policy import Policy
from shoal.executor.cancellation import CancelToken
from shoal.executor.directories import disk_base, memory_base
from shoal.executor.kernel import Kernel
from shoal.executor.shuffle.flight import FlightService
from shoal.executor.shuffle.host import host_identity
from shoal.executor.shuffle.reader import ShuffleReader
from shoal.executor.shuffle.registry import ArrowRegistry
from shoal.executor.shuffle.store import ShuffleStore
from shoal.executor.task import NodeInfo, TaskRunner
from shoal.planner.ids import ExecutorId, Incarnation, QueryId, TaskId
from shoal.planner.stage import OutputFile, TaskMetrics, TaskSpec

KERNEL_SHARE = 0.75
"""The part of an executor's memory that its kernel may use; the rest is for shuffle files in memory."""


class KernelExecutor:
    """One life of an executor with a kernel; an ``InProcessExecutor``.

    ``registry`` has the Arrow tables of this process, which tasks read without a copy. ``memory_directory`` and
    ``disk_directory`` None: the usual places.
    """

    def __init__(
        self,
        executor: ExecutorId,
        incarnation: Incarnation,
        threads: int,
        memory_bytes: int,
        registry: ArrowRegistry,
        memory_directory: Path | None = None,
        disk_directory: Path | None = None,
    ) -> None:
        disk = disk_directory or disk_base()
        kernel_bytes = int(memory_bytes * KERNEL_SHARE)
        with ExitStack() as stack:
            kernel = Kernel(threads, kernel_bytes, disk)
            stack.callback(kernel.close)
            store_bytes = memory_bytes - kernel_bytes
            self._store = ShuffleStore(incarnation, memory_directory or memory_base(), disk, store_bytes)
            stack.callback(self._store.close)
            reader = ShuffleReader(registry)
            stack.callback(reader.close)
            flight = FlightService(self._store, registry)
            stack.callback(flight.close)
            self._runner = TaskRunner(kernel, self._store, NodeInfo(executor, incarnation, flight.location), reader)
            self._owned = stack.pop_all()
        self.joined = ExecutorJoined(
            executor, incarnation, threads, threads, memory_bytes, host_identity(), flight.location
        )

    def run(self, spec: TaskSpec, token: CancelToken) -> tuple[OutputFile, TaskMetrics]:
        """Run a task; see ``TaskRunner``."""
        return self._runner.run(spec, token)

    def drop_output(self, task: TaskId) -> None:
        """Delete one output, if it is there."""
        self._store.drop_output(task)

    def drop_query(self, query: QueryId) -> None:
        """Delete everything of a query."""
        self._store.drop_query(query)

    def close(self) -> None:
        """Free everything and remove all files. Idempotent."""
        self._owned.close()


def in_process_runner(
    threads: int,
    memory_bytes: int,
    registry: ArrowRegistry,
    *,
    executors: int = 1,
    mmap: bool = True,
    policy: Policy | None = None,
    memory_directory: Path | None = None,
    disk_directory: Path | None = None,
) -> CoordinatorRunner:
    """A runner with its executors in this process; ``threads`` and ``memory_bytes`` are of each of them."""

    def make(executor: ExecutorId, incarnation: Incarnation) -> KernelExecutor:
        return KernelExecutor(executor, incarnation, threads, memory_bytes, registry, memory_directory, disk_directory)

    names = [f"inprocess-{number}" for number in range(1, executors + 1)]
    return CoordinatorRunner(InProcessTransport(make, names), policy, mmap=mmap)
