"""The running attempts of one query, and every life of an executor at which the query may have left something."""

from collections.abc import Iterable

from shoal.coordinator.instructions import CancelTasks, DropQuery
from shoal.coordinator.policy import Policy
from shoal.coordinator.task_machine import TaskAttempt, TaskTrigger
from shoal.coordinator.turn import CancelGraceOver, Turn
from shoal.planner.ids import ExecutorId, Incarnation, QueryId, TaskId

ExecutorLife = tuple[ExecutorId, Incarnation]


class AttemptBook:
    """Who runs what for a query. Once ``release`` was called, each executor is told to drop the query as soon as
    nothing of it runs there; when that is so everywhere, the book is empty."""

    __slots__ = ("_lives", "_policy", "_query", "_released", "_running")

    def __init__(self, query: QueryId, policy: Policy) -> None:
        self._query = query
        self._policy = policy
        self._running: dict[TaskId, TaskAttempt] = {}
        self._lives: dict[ExecutorLife, int] = {}
        self._released = False

    @property
    def has_running(self) -> bool:
        """Whether any attempt holds a slot."""
        return bool(self._running)

    @property
    def is_released(self) -> bool:
        """Whether nothing of the query is wanted any more."""
        return self._released

    @property
    def is_empty(self) -> bool:
        """Whether the query has left nothing anywhere."""
        return not self._lives

    def holds(self, life: ExecutorLife) -> bool:
        """Whether something of the query may be there."""
        return life in self._lives

    def open(self, attempt: TaskAttempt) -> None:
        """Enter an attempt that is being launched."""
        life = (attempt.executor, attempt.incarnation)
        self._running[attempt.id] = attempt
        self._lives[life] = self._lives.get(life, 0) + 1

    def find(self, task: TaskId, life: ExecutorLife) -> TaskAttempt | None:
        """A running attempt, if that life of an executor runs it."""
        attempt = self._running.get(task)
        return attempt if attempt is not None and (attempt.executor, attempt.incarnation) == life else None

    def close(self, task: TaskId, life: ExecutorLife) -> TaskAttempt | None:
        """Strike out an attempt that has ended; None if that life of an executor runs no such attempt.

        ``settle`` must follow, when what the attempt left has been dealt with.
        """
        attempt = self.find(task, life)
        if attempt is not None:
            del self._running[task]
            self._lives[life] -= 1
        return attempt

    def lose(self, life: ExecutorLife, now: float) -> list[TaskAttempt] | None:
        """Strike out a life of an executor with all that runs there; None if there was nothing of the query."""
        if self._lives.pop(life, None) is None:
            return None
        lost = [attempt for attempt in self._running.values() if (attempt.executor, attempt.incarnation) == life]
        for attempt in lost:
            attempt.apply(TaskTrigger.LOSE, now)
            del self._running[attempt.id]
        return lost

    def cancel(self, attempts: Iterable[TaskAttempt], turn: Turn) -> None:
        """Have attempts stopped; each keeps its slot until its executor answers or is lost."""
        by_life: dict[ExecutorLife, list[TaskId]] = {}
        for attempt in attempts:
            if attempt.apply(TaskTrigger.CANCEL, turn.now):
                life = (attempt.executor, attempt.incarnation)
                by_life.setdefault(life, []).append(attempt.id)
                turn.timers.set(turn.now + self._policy.cancel_grace, CancelGraceOver(*life, attempt.id))
        for life, tasks in by_life.items():
            turn.instruct(CancelTasks(*life, tuple(tasks)))

    def cancel_all(self, turn: Turn) -> None:
        """Have everything stopped that runs."""
        self.cancel(list(self._running.values()), turn)

    def release(self, turn: Turn) -> None:
        """Nothing of the query is wanted any more."""
        self._released = True
        for life in list(self._lives):
            self.settle(life, turn)

    def settle(self, life: ExecutorLife, turn: Turn) -> None:
        """Drop the query at an executor, if it is released and nothing of it runs there."""
        if self._released and self._lives.get(life) == 0:
            del self._lives[life]
            turn.instruct(DropQuery(*life, self._query))
