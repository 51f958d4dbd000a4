"""The seam between sessions, which plan, and whatever runs a plan: the coordinator, over any transport."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shoal.planner.ids import ExecutorId, QueryId, StageId, TaskId
from shoal.planner.source import Field
from shoal.planner.stage import OutputFile, StagedPlan, TaskMetrics


class QueryState(StrEnum):
    """Where a query is in its life."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Whether the query can change no more."""
        return self in (QueryState.FINISHED, QueryState.FAILED, QueryState.CANCELLED)


@dataclass(frozen=True, slots=True)
class QueryProgress:
    """How far a query is, in tasks."""

    state: QueryState
    tasks_done: int
    tasks_total: int
    seconds: float


@dataclass(frozen=True, slots=True)
class TaskRun:
    """One successful task: where it ran and what it measured."""

    task: TaskId
    executor: ExecutorId
    metrics: TaskMetrics


@dataclass(frozen=True, slots=True)
class StageRun:
    """One finished stage: its tasks in order of their partitions, and how often it had to be attempted.

    ``adapted`` says in words what was done otherwise than planned, when the stage's inputs were known.
    """

    stage: StageId
    attempts: int
    tasks: tuple[TaskRun, ...]
    adapted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The answer, still where it was made: the output files of the last stage, in order."""

    columns: tuple[Field, ...]
    outputs: tuple[OutputFile, ...]


@dataclass(frozen=True, slots=True)
class ClusterShape:
    """What the planner wants to know of the cluster; memory is the smallest executor's, in bytes.

    ``cores`` are those that all executors have together, as far as is known: 0 if they have one for each thread.
    ``local``: this process has started the executors for itself, and may as well run what is small itself.
    """

    executors: int
    threads: int
    memory_bytes: int
    local: bool = False
    cores: int = 0


class QueryHandle(Protocol):
    """One submitted query. Every method may be called from any thread."""

    @property
    def query_id(self) -> QueryId:
        """The query's id."""

    def wait(self, timeout: float | None = None) -> QueryResult:
        """Block until the query has ended; raises its error, or ``TimeoutError`` after ``timeout`` seconds."""

    def cancel(self) -> None:
        """Ask the query to stop; ``wait`` then raises ``QueryCancelled``. Does nothing after the end."""

    def progress(self) -> QueryProgress:
        """How far it is."""

    def runs(self) -> tuple[StageRun, ...]:
        """What the finished stages measured."""

    def release(self) -> None:
        """Free the result and everything else the query left; required once for each handle, idempotent."""


class Runner(Protocol):
    """Runs staged plans."""

    def submit(self, plan: StagedPlan, query: QueryId, timeout: float | None = None) -> QueryHandle:
        """Start a plan; it fails with ``QueryTimeout`` after ``timeout`` seconds. Raises ``NoExecutors``."""

    def shape(self) -> ClusterShape:
        """The cluster as it is now."""

    def close(self) -> None:
        """Cancel what runs, stop everything that this runner started, and leave nothing behind. Idempotent."""
