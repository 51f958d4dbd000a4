"""The machine of one attempt at a task: from its launch to its one end."""

from collections.abc import Mapping
from enum import StrEnum

from shoal.coordinator.story import Story
from shoal.planner.ids import ExecutorId, Incarnation, TaskId


class TaskState(StrEnum):
    """Where an attempt is. An attempt that is not terminal holds a slot of its executor."""

    LAUNCHED = "launched"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def is_terminal(self) -> bool:
        """Whether the attempt can change no more."""
        return self in _TERMINAL


_TERMINAL = frozenset({TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED, TaskState.LOST})


class TaskTrigger(StrEnum):
    """What can happen to an attempt."""

    START = "started"
    SUCCEED = "succeeded"
    FAIL = "failed"
    CANCEL = "cancel asked for"
    LOSE = "executor lost"


TASK_TRANSITIONS: Mapping[tuple[TaskState, TaskTrigger], TaskState] = {
    (TaskState.LAUNCHED, TaskTrigger.START): TaskState.RUNNING,
    (TaskState.LAUNCHED, TaskTrigger.SUCCEED): TaskState.SUCCEEDED,
    (TaskState.LAUNCHED, TaskTrigger.FAIL): TaskState.FAILED,
    (TaskState.LAUNCHED, TaskTrigger.CANCEL): TaskState.CANCELLING,
    (TaskState.LAUNCHED, TaskTrigger.LOSE): TaskState.LOST,
    (TaskState.RUNNING, TaskTrigger.SUCCEED): TaskState.SUCCEEDED,
    (TaskState.RUNNING, TaskTrigger.FAIL): TaskState.FAILED,
    (TaskState.RUNNING, TaskTrigger.CANCEL): TaskState.CANCELLING,
    (TaskState.RUNNING, TaskTrigger.LOSE): TaskState.LOST,
    (TaskState.CANCELLING, TaskTrigger.SUCCEED): TaskState.CANCELLED,
    (TaskState.CANCELLING, TaskTrigger.FAIL): TaskState.CANCELLED,
    (TaskState.CANCELLING, TaskTrigger.LOSE): TaskState.LOST,
}
"""A pair that is not here changes nothing: a late, doubled or reordered update."""


class TaskAttempt:
    """One attempt: where it runs, its state and its story. ``alone``: nothing else may run on its executor."""

    __slots__ = ("alone", "executor", "id", "incarnation", "launched", "state", "story")

    def __init__(self, task: TaskId, executor: ExecutorId, incarnation: Incarnation, now: float, alone: bool) -> None:
        self.id = task
        self.executor = executor
        self.incarnation = incarnation
        self.alone = alone
        self.launched = now
        self.state = TaskState.LAUNCHED
        self.story = Story(now)
        self.story.tell(now, f"launched on {executor}" + (" alone" if alone else ""))

    def apply(self, trigger: TaskTrigger, now: float) -> bool:
        """Let a trigger act; False if it changes nothing in this state."""
        after = TASK_TRANSITIONS.get((self.state, trigger))
        if after is None:
            return False
        self.state = after
        self.story.tell(now, trigger.value)
        return True
