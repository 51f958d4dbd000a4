"""One turn of the machines: what a single event leads to, and the timers that it sets."""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from shoal.coordinator.instructions import DropOutputs, Instruction
from shoal.planner.ids import ExecutorId, Incarnation, QueryId, StageId, TaskId
from shoal.planner.stage import OutputFile


@dataclass(frozen=True, slots=True)
class DelayOver:
    """A partition has waited long enough for its next attempt."""

    query: QueryId
    stage: StageId
    partition: int


@dataclass(frozen=True, slots=True)
class DeadlineReached:
    """A query's time is over."""

    query: QueryId


@dataclass(frozen=True, slots=True)
class NoExecutorGraceOver:
    """A query has waited long enough for an executor to come."""

    query: QueryId


@dataclass(frozen=True, slots=True)
class LeaseOver:
    """An executor has perhaps been silent for too long."""

    executor: ExecutorId
    incarnation: Incarnation


@dataclass(frozen=True, slots=True)
class CancelGraceOver:
    """A task that was told to stop should have been answered by now."""

    executor: ExecutorId
    incarnation: Incarnation
    task: TaskId


Timer = DelayOver | DeadlineReached | NoExecutorGraceOver | LeaseOver | CancelGraceOver


class Timers:
    """Timers by the time at which they are due, in the order in which they were set where that is the same.

    Nothing is ever taken back: who gets a timer looks whether it still means anything.
    """

    __slots__ = ("_heap", "_sequence")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._sequence = 0

    def set(self, when: float, timer: Timer) -> None:
        """Add a timer."""
        self._sequence += 1
        heapq.heappush(self._heap, (when, self._sequence, timer))

    @property
    def next(self) -> float | None:
        """When the next timer is due."""
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> list[tuple[float, Timer]]:
        """Take out all timers that are due, with their times."""
        found: list[tuple[float, Timer]] = []
        while self._heap and self._heap[0][0] <= now:
            when, _, timer = heapq.heappop(self._heap)
            found.append((when, timer))
        return found

    def prune(self, *, is_live: Callable[[Timer], bool]) -> None:
        """Forget timers that mean nothing any more."""
        self._heap = [entry for entry in self._heap if is_live(entry[2])]
        heapq.heapify(self._heap)

    def __len__(self) -> int:
        return len(self._heap)


@dataclass(frozen=True, slots=True)
class Suspicion:
    """An output of an executor could not be read; ``task`` None: the executor could not be reached at all."""

    executor: ExecutorId
    incarnation: Incarnation
    task: TaskId | None
    reason: str


class Turn:
    """Collects what the machines want done because of one event."""

    __slots__ = ("instructions", "now", "suspicions", "timers")

    def __init__(self, now: float, timers: Timers) -> None:
        self.now = now
        self.timers = timers
        self.instructions: list[Instruction] = []
        self.suspicions: list[Suspicion] = []

    def instruct(self, instruction: Instruction) -> None:
        """Have something done, after everything that was asked for before."""
        self.instructions.append(instruction)

    def drop(self, outputs: Iterable[OutputFile]) -> None:
        """Have outputs deleted where they are."""
        by_executor: dict[tuple[ExecutorId, Incarnation], list[TaskId]] = {}
        for output in outputs:
            by_executor.setdefault((output.executor, output.incarnation), []).append(output.task)
        for (executor, incarnation), tasks in by_executor.items():
            self.instruct(DropOutputs(executor, incarnation, tuple(tasks)))
