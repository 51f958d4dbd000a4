"""What a worker runs tasks with: kernel, shuffle store, reader and Flight server, opened and closed together."""

from contextlib import ExitStack

import pyarrow as pa

from shoal.executor.cancellation import CancelToken
from shoal.executor.directories import disk_base, memory_base
from shoal.executor.kernel import Kernel
from shoal.executor.resources import address_towards, split_address
from shoal.executor.shuffle.flight import FlightService
from shoal.executor.shuffle.host import host_identity
from shoal.executor.shuffle.reader import ShuffleReader
from shoal.executor.shuffle.registry import ArrowRegistry
from shoal.executor.shuffle.store import ShuffleStore
from shoal.executor.task import NodeInfo, TaskRunner
from shoal.executor.worker_options import WorkerOptions
from shoal.planner.errors import ConnectionFailed
from shoal.planner.ids import Incarnation, QueryId, TaskId
from shoal.planner.stage import OutputFile, TaskMetrics, TaskSpec

KERNEL_SHARE = 0.75
"""The part of a worker's memory that the kernel may use; the rest is for shuffle files in memory."""


class WorkerServices:
    """Everything that one life of an executor runs tasks with. ``close`` frees it and removes all files."""

    def __init__(self, options: WorkerOptions) -> None:
        incarnation = Incarnation(options.incarnation)
        disk = disk_base(options.disk_directory)
        memory = memory_base(options.memory_directory)
        kernel_bytes = int(options.memory_bytes * KERNEL_SHARE)
        pa.set_cpu_count(options.threads)
        with ExitStack() as stack:
            self._kernel = Kernel(options.threads, kernel_bytes, disk)
            stack.callback(self._kernel.close)
            self._store = ShuffleStore(incarnation, memory, disk, options.memory_bytes - kernel_bytes)
            stack.callback(self._store.close)
            registry = ArrowRegistry()
            reader = ShuffleReader(registry)
            stack.callback(reader.close)
            flight = FlightService(self._store, registry, options.bind_host)
            stack.callback(flight.close)
            self.host = host_identity()
            self.location = f"grpc://{_bracketed(_advertised(options))}:{flight.port}"
            self._runner = TaskRunner(
                self._kernel, self._store, NodeInfo(options.name, incarnation, self.location), reader
            )
            self._owned = stack.pop_all()

    def warm_up(self) -> None:
        """Start the kernel before the first task needs it."""
        for join_order in (False, True):
            with self._kernel.session(join_order=join_order):
                pass

    def run(self, spec: TaskSpec, token: CancelToken) -> tuple[OutputFile, TaskMetrics]:
        """Run one task; see ``TaskRunner``."""
        return self._runner.run(spec, token)

    def drop_output(self, task: TaskId) -> None:
        """Delete one output."""
        self._store.drop_output(task)

    def drop_query(self, query: QueryId) -> None:
        """Delete everything of a query."""
        self._store.drop_query(query)

    def close(self) -> None:
        """Free everything and remove all files. Idempotent."""
        self._owned.close()


def _advertised(options: WorkerOptions) -> str:
    if options.advertise_host:
        return options.advertise_host
    host, port = split_address(options.coordinator)
    try:
        return address_towards(host, port)
    except OSError as error:
        raise ConnectionFailed(f"no way to the coordinator {options.coordinator}: {error}") from error


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
