"""The machine of one stage of one query: its partitions, their outputs, and its attempts."""

from collections.abc import Mapping
from enum import StrEnum

from shoal.coordinator.story import Story
from shoal.coordinator.task_machine import TaskAttempt
from shoal.planner.adapt import Layout, planned_layout
from shoal.planner.errors import Error, InvariantViolated
from shoal.planner.ids import ExecutorId, Incarnation, QueryId, TaskId
from shoal.planner.stage import OutputFile, Stage, TaskMetrics
from shoal.runner import StageRun, TaskRun


class StageState(StrEnum):
    """Where a stage is. ``COMPLETE`` is not the end: an output may get lost while somebody still needs it."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"
    ENDED = "ended"

    @property
    def is_terminal(self) -> bool:
        """Whether the stage can change no more, because its query has ended."""
        return self is StageState.ENDED


class StageTrigger(StrEnum):
    """What can happen to a stage."""

    START = "started"
    BLOCK = "an input is incomplete"
    COMPLETE = "complete"
    LOSE = "an output was lost"
    RESET = "starts all over"
    END = "the query has ended"


STAGE_TRANSITIONS: Mapping[tuple[StageState, StageTrigger], StageState] = {
    (StageState.WAITING, StageTrigger.START): StageState.RUNNING,
    (StageState.WAITING, StageTrigger.COMPLETE): StageState.COMPLETE,
    (StageState.WAITING, StageTrigger.LOSE): StageState.WAITING,
    (StageState.WAITING, StageTrigger.RESET): StageState.WAITING,
    (StageState.WAITING, StageTrigger.END): StageState.ENDED,
    (StageState.RUNNING, StageTrigger.BLOCK): StageState.WAITING,
    (StageState.RUNNING, StageTrigger.COMPLETE): StageState.COMPLETE,
    (StageState.RUNNING, StageTrigger.LOSE): StageState.RUNNING,
    (StageState.RUNNING, StageTrigger.RESET): StageState.WAITING,
    (StageState.RUNNING, StageTrigger.END): StageState.ENDED,
    (StageState.COMPLETE, StageTrigger.LOSE): StageState.WAITING,
    (StageState.COMPLETE, StageTrigger.RESET): StageState.WAITING,
    (StageState.COMPLETE, StageTrigger.END): StageState.ENDED,
}
"""A pair that is not here changes nothing. A waiting stage becomes complete when tasks that were already running when
an input was lost turn out to have read it before."""


class PartitionState(StrEnum):
    """Where the work on one partition is."""

    IDLE = "idle"
    QUEUED = "queued"
    DELAYED = "delayed"
    RUNNING = "running"
    DONE = "done"


class Partition:
    """One partition of a stage: its attempt if one runs, its output if there is one, and what it has cost so far."""

    __slots__ = (
        "alone", "attempt", "avoid", "due", "failures", "launches", "metrics", "number", "output", "since", "state",
    )  # fmt: skip

    def __init__(self, number: int) -> None:
        self.number = number
        self.state = PartitionState.IDLE
        self.attempt: TaskAttempt | None = None
        self.output: OutputFile | None = None
        self.metrics: TaskMetrics | None = None
        self.since = 0.0
        self.due = 0.0
        self.launches = 0
        self.failures = 0
        self.alone = False
        self.avoid: set[ExecutorId] = set()


class StageMachine:
    """A stage while its query runs; ``layout`` says what each of its tasks reads.

    ``attempt`` is the present stage attempt; only its outputs count. ``recoveries`` counts how often in a row outputs
    of the complete stage were lost and made again, ``attempts`` how often any were. ``idle`` counts partitions that
    nobody works on and that have no output, ``lost`` the outputs that were lost since the stage was last started, and
    ``broken`` tells whether it was complete then.
    """

    __slots__ = (
        "_files", "attempt", "attempts", "broken", "done", "idle", "last_loss", "layout", "lost", "partitions",
        "recoveries", "stage", "started", "state", "story", "switched",
    )  # fmt: skip

    def __init__(self, stage: Stage, now: float) -> None:
        self.stage = stage
        self.state = StageState.WAITING
        self.attempt = 0
        self.attempts = 1
        self.recoveries = 0
        self.layout = planned_layout(stage)
        self.switched: tuple[str, ...] = ()
        self.partitions = [Partition(number) for number in range(stage.tasks)]
        self.done = 0
        self.idle = stage.tasks
        self.lost = 0
        self.broken = False
        self.started = False
        self.last_loss: Error | None = None
        self._files: tuple[OutputFile, ...] | None = None
        self.story = Story(now)

    @property
    def is_complete(self) -> bool:
        """Whether every partition has its output."""
        return self.state is StageState.COMPLETE

    @property
    def can_launch(self) -> bool:
        """Whether queued partitions may be launched now."""
        return self.state is StageState.RUNNING

    def apply(self, trigger: StageTrigger, now: float) -> bool:
        """Let a trigger act; False if it changes nothing in this state."""
        after = STAGE_TRANSITIONS.get((self.state, trigger))
        if after is None:
            return False
        if after is not self.state:
            self.state = after
            self.story.tell(now, f"attempt {self.attempt}: {trigger.value}")
        return True

    @property
    def may_adapt(self) -> bool:
        """Whether no task was launched yet, or all were forgotten, so that the stage can be laid out anew."""
        return self.state is StageState.WAITING and not self.started

    def switch(self, stage: Stage, note: str, now: float) -> None:
        """Run another statement over other inputs than planned, with the same output."""
        self.stage = stage
        self.switched = (note,)
        self.story.tell(now, note)
        self.adapt(planned_layout(stage), now)

    def skip(self, note: str, now: float) -> None:
        """Deliver nothing, without a task; what was to be read may change only if the stage starts all over."""
        self.layout = Layout((), (note,))
        self.partitions = []
        self.done = self.idle = 0
        self.started = True
        self.story.tell(now, note)
        self.apply(StageTrigger.COMPLETE, now)

    def adapt(self, layout: Layout, now: float) -> None:
        """Take other tasks than before; each new one inherits what those before it have cost."""
        self.layout = layout
        for note in layout.notes:
            self.story.tell(now, f"attempt {self.attempt}: {note}")
        if len(layout.shares) == len(self.partitions):
            return
        worst = max(self.partitions, key=lambda each: each.launches)
        for number in range(len(self.partitions), len(layout.shares)):
            partition = Partition(number)
            partition.launches, partition.failures, partition.alone = worst.launches, worst.failures, worst.alone
            self.partitions.append(partition)
        del self.partitions[len(layout.shares) :]
        self.idle = len(self.partitions)

    def start(self, now: float) -> list[int]:
        """Queue every idle partition, and return their numbers."""
        self.apply(StageTrigger.START, now)
        if not self.can_launch or not self.idle:
            return []
        queued = [partition.number for partition in self.partitions if partition.state is PartitionState.IDLE]
        for number in queued:
            self.partitions[number].state = PartitionState.QUEUED
        self.idle = self.lost = 0
        self.broken = False
        return queued

    def block(self, now: float) -> None:
        """Stop launching, because an input is incomplete; what runs goes on."""
        if not self.apply(StageTrigger.BLOCK, now):
            return
        for partition in self.partitions:
            if partition.state in (PartitionState.QUEUED, PartitionState.DELAYED):
                self._rest(partition)

    def launch(self, partition: Partition, query: QueryId) -> TaskId:
        """Name the next attempt at a queued partition."""
        if partition.state is not PartitionState.QUEUED or not self.can_launch:
            raise InvariantViolated(f"stage {self.stage.id} partition {partition.number} is {partition.state}")
        task = TaskId(query, self.stage.id, self.attempt, partition.number, partition.launches)
        partition.launches += 1
        partition.state = PartitionState.RUNNING
        self.started = True
        return task

    def accept(self, output: OutputFile, metrics: TaskMetrics, now: float) -> bool:
        """Take the first success of a partition in the present attempt; False if this is not it."""
        partition = self.partitions[output.task.partition]
        if output.task.stage_attempt != self.attempt or partition.output is not None or self.state.is_terminal:
            return False
        partition.attempt = None
        partition.output, partition.metrics, partition.since = output, metrics, now
        partition.state = PartitionState.DONE
        self.done += 1
        if self.done == len(self.partitions):
            self.apply(StageTrigger.COMPLETE, now)
        return True

    def current(self, attempt: TaskAttempt) -> Partition | None:
        """The partition that an attempt works for, if it is still the one that counts."""
        number = attempt.id.partition
        partition = self.partitions[number] if number < len(self.partitions) else None
        return partition if partition is not None and partition.attempt is attempt else None

    def rest(self, partition: Partition) -> None:
        """Nobody works on a partition any more, and it has no output."""
        partition.attempt = None
        self._rest(partition)

    def queue(self, partition: Partition) -> None:
        """An idle partition may be launched again."""
        partition.state = PartitionState.QUEUED
        self.idle -= 1

    def delay(self, partition: Partition, due: float) -> None:
        """The next attempt at a partition is to wait until ``due``."""
        partition.attempt = None
        partition.state = PartitionState.DELAYED
        partition.due = due

    def delay_over(self, partition: Partition, now: float) -> bool:
        """Queue a partition whose delay is over; False if there was none, or it is not over."""
        if partition.state is not PartitionState.DELAYED or now < partition.due:
            return False
        partition.state = PartitionState.QUEUED
        return True

    def lose_outputs(self, executor: ExecutorId, incarnation: Incarnation, error: Error, now: float) -> int:
        """Forget the outputs of one life of an executor; returns how many there were."""
        held = [
            partition
            for partition in self.partitions
            if partition.output is not None
            and partition.output.executor == executor
            and partition.output.incarnation == incarnation
        ]
        for partition in held:
            self.lose_output(partition, error, now)
        return len(held)

    def lose_output(self, partition: Partition, error: Error, now: float) -> OutputFile | None:
        """Forget one output, and return it."""
        output = partition.output
        if output is None or self.state.is_terminal:
            return None
        partition.output = partition.metrics = None
        self._rest(partition)
        self.done -= 1
        self.lost += 1
        self.broken = self.broken or self.is_complete
        self._files = None
        self.last_loss = error
        self.apply(StageTrigger.LOSE, now)
        self.story.tell(now, f"lost output {output.task} of {output.executor}")
        return output

    def reset(self, now: float) -> tuple[list[OutputFile], list[TaskAttempt]]:
        """Begin a new stage attempt; returns the outputs to drop and the attempts to cancel."""
        outputs = [partition.output for partition in self.partitions if partition.output is not None]
        attempts = [partition.attempt for partition in self.partitions if partition.attempt is not None]
        self.apply(StageTrigger.RESET, now)
        self.attempt += 1
        self.started = self.broken = False
        self._files = None
        if not self.partitions:
            self.layout = planned_layout(self.stage)
            self.partitions = [Partition(number) for number in range(self.stage.tasks)]
        for partition in self.partitions:
            partition.output = partition.metrics = partition.attempt = None
            partition.state = PartitionState.IDLE
        self.done = self.lost = 0
        self.idle = len(self.partitions)
        return outputs, attempts

    def outputs(self) -> tuple[OutputFile, ...]:
        """The outputs that are there, by partition; the same object as long as the stage stays complete."""
        if self._files is not None:
            return self._files
        files = tuple(partition.output for partition in self.partitions if partition.output is not None)
        if self.is_complete:
            self._files = files
        return files

    def run(self) -> StageRun:
        """What the tasks that count have measured."""
        tasks = tuple(
            TaskRun(partition.output.task, partition.output.executor, partition.metrics)
            for partition in self.partitions
            if partition.output is not None and partition.metrics is not None
        )
        return StageRun(self.stage.id, self.attempts, tasks, self.switched + self.layout.notes)

    def _rest(self, partition: Partition) -> None:
        partition.state = PartitionState.IDLE
        self.idle += 1
