"""What happens to the coordinator: everything that its state machines can be told; data types only.

Executor events come from a transport, query events from a runner, ``Tick`` from the loop when a timer is due.
"""

from dataclasses import dataclass, field

from shoal.planner.errors import ERROR_CLASSES, Error, ErrorContext, ErrorKind, InvariantViolated
from shoal.planner.ids import ExecutorId, Incarnation, QueryId, TaskId
from shoal.planner.stage import OutputFile, StagedPlan, TaskMetrics


@dataclass(frozen=True, slots=True)
class ExecutorJoined:
    """An executor offers ``slots`` tasks side by side, sharing ``threads`` and ``memory_bytes``.

    ``host`` and ``location`` are those of its output files. Without any event from it for ``lease_seconds`` it counts
    as lost; None when its end is always noticed at once (the same process). An executor that was lost, or whose
    stream was closed, must join under a new incarnation. Executors of one ``core_pool`` share its ``cores``; empty
    where that is not known.
    """

    executor: ExecutorId
    incarnation: Incarnation
    threads: int
    slots: int
    memory_bytes: int
    host: str
    location: str
    lease_seconds: float | None = None
    core_pool: str = ""
    cores: int = 0


@dataclass(frozen=True, slots=True)
class ExecutorLost:
    """This life of an executor is over, whatever noticed it: a closed stream, a failed launch, a process's end."""

    executor: ExecutorId
    incarnation: Incarnation
    reason: str


@dataclass(frozen=True, slots=True)
class ExecutorDraining:
    """An executor wants no more tasks; it is disconnected once nothing that it runs or holds is needed."""

    executor: ExecutorId
    incarnation: Incarnation


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A sign of life; every other event from an executor is one too."""

    executor: ExecutorId
    incarnation: Incarnation


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """A launched task has begun to run. Transports may leave it out."""

    executor: ExecutorId
    incarnation: Incarnation
    task: TaskId


@dataclass(frozen=True, slots=True)
class TaskSucceeded:
    """A task has written its output; ``output.task`` names it."""

    executor: ExecutorId
    incarnation: Incarnation
    output: OutputFile
    metrics: TaskMetrics

    def __post_init__(self) -> None:
        """Refuse another executor's output."""
        if (self.output.executor, self.output.incarnation) != (self.executor, self.incarnation):
            raise InvariantViolated(f"{self.executor} delivers an output of {self.output.executor}")


@dataclass(frozen=True, slots=True)
class TaskFailure:
    """Why a task failed, as it travels: the kind, the error's class by name, its message and its context.

    For ``FETCH_FAILED`` the context's ``executor``, ``stage`` and ``partition`` name the output that cannot be read
    (``partition`` is the producing task's).
    """

    kind: ErrorKind
    error_class: str
    message: str
    context: ErrorContext = field(default_factory=ErrorContext)

    @classmethod
    def of(cls, error: BaseException) -> "TaskFailure":
        """Describe an error that ended a task; what is not of our tree is internal."""
        if isinstance(error, Error):
            return cls(error.kind, type(error).__name__, error.message, error.context)
        return cls(ErrorKind.INTERNAL, "InternalError", f"{type(error).__name__}: {error}")

    def error(self) -> Error:
        """Build the error again, of the same class."""
        known = ERROR_CLASSES.get(self.error_class, ERROR_CLASSES["InternalError"])
        return known(self.message, self.context)


@dataclass(frozen=True, slots=True)
class TaskFailed:
    """A task has ended without output; also the answer to a cancel (kind ``CANCELLED``)."""

    executor: ExecutorId
    incarnation: Incarnation
    task: TaskId
    failure: TaskFailure


@dataclass(frozen=True, slots=True)
class QuerySubmitted:
    """Run a plan; it fails with ``QueryTimeout`` after ``timeout`` seconds."""

    query: QueryId
    plan: StagedPlan
    timeout: float | None = None
    mmap: bool = True


@dataclass(frozen=True, slots=True)
class QueryCancelRequested:
    """Somebody wants a query to stop; nothing happens when it has ended."""

    query: QueryId
    reason: str = "the query was cancelled"


@dataclass(frozen=True, slots=True)
class QueryReleased:
    """Nobody will read a query's result any more: drop everything that it left. Cancels a query that still runs."""

    query: QueryId


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed: some timer may be due."""


ExecutorEvent = ExecutorJoined | ExecutorLost | ExecutorDraining | Heartbeat | TaskStarted | TaskSucceeded | TaskFailed
QueryEvent = QuerySubmitted | QueryCancelRequested | QueryReleased
Event = ExecutorEvent | QueryEvent | Tick
