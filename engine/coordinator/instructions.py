"""What the coordinator's state machines want done; data types only. The loop carries them out, in order."""

from dataclasses import dataclass, field

from shoal.planner.errors import Error
from shoal.planner.ids import ExecutorId, Incarnation, QueryId, TaskId
from shoal.planner.stage import TaskSpec
from shoal.runner import QueryProgress, QueryResult, QueryState, StageRun


@dataclass(frozen=True, slots=True)
class LaunchTask:
    """Run a task; the executor answers with ``TaskSucceeded`` or ``TaskFailed``, or is lost."""

    executor: ExecutorId
    incarnation: Incarnation
    spec: TaskSpec


@dataclass(frozen=True, slots=True)
class CancelTasks:
    """Stop tasks; each is still answered, with whatever came first, so that its slot is free only when it is."""

    executor: ExecutorId
    incarnation: Incarnation
    tasks: tuple[TaskId, ...]


@dataclass(frozen=True, slots=True)
class DropOutputs:
    """Delete the outputs of tasks; those that are not there are dropped already."""

    executor: ExecutorId
    incarnation: Incarnation
    tasks: tuple[TaskId, ...]


@dataclass(frozen=True, slots=True)
class DropQuery:
    """Delete everything that a query left at an executor; none of its tasks runs there any more."""

    executor: ExecutorId
    incarnation: Incarnation
    query: QueryId


@dataclass(frozen=True, slots=True)
class DisconnectExecutor:
    """Part with one life of an executor (fenced off, silent for too long, or drained); close its stream."""

    executor: ExecutorId
    incarnation: Incarnation
    reason: str


@dataclass(frozen=True, slots=True)
class QueryFinished:
    """The answer is there; its files stay until the query is released."""

    query: QueryId
    result: QueryResult
    runs: tuple[StageRun, ...]
    progress: QueryProgress


@dataclass(frozen=True, slots=True)
class QueryFailed:
    """The query has ended with an error; ``QueryCancelled`` and ``QueryTimeout`` are such errors too."""

    query: QueryId
    error: Error
    runs: tuple[StageRun, ...] = ()
    progress: QueryProgress = field(default_factory=lambda: QueryProgress(QueryState.FAILED, 0, 0, 0.0))


ExecutorInstruction = LaunchTask | CancelTasks | DropOutputs | DropQuery | DisconnectExecutor
QueryInstruction = QueryFinished | QueryFailed
Instruction = ExecutorInstruction | QueryInstruction
