"""Where plans run: in this process's kernel, or on a runner's executors."""

import threading
from dataclasses import replace

from shoal.distributed import DistributedStream, run_distributed
from shoal.embedded import EmbeddedEngine, EmbeddedStream, OutOfPatience
from shoal.executor.shuffle.reader import ShuffleReader
from shoal.executor.shuffle.registry import ArrowRegistry
from shoal.plan_cache import SessionPlan
from shoal.planner.options import PlanOptions
from shoal.planner.stage import StagedPlan
from shoal.run_clock import Cost
from shoal.runner import Runner
from shoal.running import Running
from shoal.settings import Values

SMALL_PATIENCE = Cost(0.5, 0.0)
"""What a statement may take which was expected to be done in this process at once."""


class Execution:
    """Owns the kernel of this process and the runners. Every method may be called from any thread.

    ``cluster`` is None to run in this process; plans of several tasks then go to a coordinator and an executor that
    live in this process too, and start when the first such plan comes.
    """

    def __init__(
        self, threads: int, memory_bytes: int, registry: ArrowRegistry, cluster: Runner | None, *, owns_cluster: bool
    ) -> None:
        self.engine = EmbeddedEngine(threads, memory_bytes, registry)
        self.reader = ShuffleReader(registry)
        self._cluster = cluster
        self._owns_cluster = owns_cluster
        self._registry = registry
        self._in_process: Runner | None = None
        self._lock = threading.Lock()

    def start(
        self,
        plan: SessionPlan,
        values: Values,
        running: Running,
        *,
        measured: bool = False,
        patience: Cost | None = None,
    ) -> EmbeddedStream | DistributedStream:
        """Run a plan until its first rows are there; raises the statement's error.

        ``measured``: for EXPLAIN. ``patience``: what a plan of this process alone may take before it is given up, with
        ``OutOfPatience``.
        """
        if plan.is_small and self._cluster is not None:
            try:
                return self._start_here(plan, values, running, measured, SMALL_PATIENCE)
            except OutOfPatience:
                # It was not so small: the executors have the memory for it, and can be watched.
                running.renew()
        runner = self._runner_for(plan.staged)
        if runner is None:
            return self._start_here(plan, values, running, measured, patience)
        staged = replace(plan.staged, mmap=values.mmap)
        return run_distributed(runner, self.reader, staged, running, timeout=values.timeout, mmap=values.mmap)

    def _start_here(
        self, plan: SessionPlan, values: Values, running: Running, measured: bool, patience: Cost | None
    ) -> EmbeddedStream:
        return self.engine.start(
            plan.staged,
            running.query,
            running.token,
            timeout=values.timeout,
            native_names=plan.native_names,
            measured=measured,
            patience=patience,
            kept=plan.kept,
        )

    def options(self, values: Values) -> PlanOptions:
        """What the planner is told of the cluster as it is now."""
        if self._cluster is None:
            return values.plan_options(executors=0, threads=self.engine.threads, memory_bytes=self.engine.memory_bytes)
        shape = self._cluster.shape()
        return values.plan_options(
            executors=shape.executors,
            threads=shape.threads,
            memory_bytes=shape.memory_bytes,
            own_threads=self.engine.threads if shape.local else 0,
            cores=shape.cores,
        )

    def close(self) -> None:
        """Stop everything; called once."""
        self.engine.close()
        for runner in (self._cluster if self._owns_cluster else None, self._in_process):
            if runner is not None:
                runner.close()
        self.reader.close()

    def _runner_for(self, plan: StagedPlan) -> Runner | None:
        """The cluster if there is one; in this process a plan of several tasks needs the in-process runner."""
        if self._cluster is not None:
            return self._cluster
        if len(plan.stages) == 1 and plan.result.tasks == 1:
            return None
        with self._lock:
            if self._in_process is None:
                # Only plans of several tasks need a coordinator, and with it asyncio and gRPC.
                from shoal.coordinator.inprocess_executor import in_process_runner

                threads, memory = self.engine.threads, self.engine.memory_bytes
                self._in_process = in_process_runner(threads, memory, self._registry)
            return self._in_process
