"""Where plans run: in this process's kernel, or on a runner's executors."""

import threading
from collections.abc import Callable

from shoal.distributed import run_distributed
from shoal.embedded import EmbeddedEngine
from shoal.executor.shuffle.reader import ShuffleReader
from shoal.executor.shuffle.registry import ArrowRegistry
from shoal.plan_cache import SessionPlan
from shoal.planner.errors import InterfaceError
from shoal.planner.options import PlanOptions
from shoal.planner.stage import StagedPlan
from shoal.result import BatchStream
from shoal.runner import Runner
from shoal.running import Running
from shoal.settings import Values

RunnerMaker = Callable[[], Runner]


class Execution:
    """Owns the kernel of this process and the runners. Every method may be called from any thread.

    ``cluster`` is None to run in this process; ``in_process`` then makes a runner for plans of several stages, when
    the first of them comes.
    """

    def __init__(
        self,
        threads: int,
        memory_bytes: int,
        registry: ArrowRegistry,
        cluster: Runner | None,
        in_process: RunnerMaker | None,
    ) -> None:
        self.engine = EmbeddedEngine(threads, memory_bytes, registry)
        self.reader = ShuffleReader(registry)
        self._cluster = cluster
        self._make_in_process = in_process
        self._in_process: Runner | None = None
        self._lock = threading.Lock()

    def start(self, plan: SessionPlan, values: Values, running: Running) -> BatchStream:
        """Run a plan until its first rows are there; raises the statement's error."""
        runner = self._runner_for(plan.staged)
        if runner is None:
            return self.engine.start(
                plan.staged, running.query, running.token, timeout=values.timeout, native_names=plan.native_names
            )
        return run_distributed(runner, self.reader, plan.staged, running, timeout=values.timeout, mmap=values.mmap)

    def options(self, values: Values) -> PlanOptions:
        """What the planner is told of the cluster as it is now."""
        if self._cluster is None:
            return values.plan_options(executors=0, threads=self.engine.threads, memory_bytes=self.engine.memory_bytes)
        shape = self._cluster.shape()
        return values.plan_options(executors=shape.executors, threads=shape.threads, memory_bytes=shape.memory_bytes)

    def close(self) -> None:
        """Stop everything; called once."""
        self.engine.close()
        for runner in (self._cluster, self._in_process):
            if runner is not None:
                runner.close()
        self.reader.close()

    def _runner_for(self, plan: StagedPlan) -> Runner | None:
        """The cluster if there is one; in this process a plan of several stages needs the in-process runner."""
        if self._cluster is not None:
            return self._cluster
        if len(plan.stages) == 1:
            return None
        with self._lock:
            if self._in_process is None:
                if self._make_in_process is None:
                    raise InterfaceError("this session cannot run plans of several stages")
                self._in_process = self._make_in_process()
            return self._in_process
