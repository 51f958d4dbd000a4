"""The stages of one query together: which partitions may run next, and what runs again after a loss."""

import heapq
from random import Random

from shoal.coordinator import recovery
from shoal.coordinator.attempt_book import AttemptBook
from shoal.coordinator.events import TaskFailure
from shoal.coordinator.policy import Policy
from shoal.coordinator.stage_choices import StageChoices
from shoal.coordinator.stage_machine import Partition, PartitionState, StageMachine, StageTrigger
from shoal.coordinator.story import Story
from shoal.coordinator.task_machine import TaskAttempt
from shoal.coordinator.turn import DelayOver, Suspicion, Turn
from shoal.planner.errors import Error, FetchFailed, InvariantViolated
from shoal.planner.ids import ExecutorId, Incarnation, QueryId, StageId, TaskId
from shoal.planner.stage import OutputFile, StagedPlan


class StageGraph:
    """The stage machines of a query, the queue of what can be launched, and the budgets of retries.

    Methods that can use up a budget return the error with which the query then has to fail, None otherwise.
    """

    def __init__(
        self,
        query: QueryId,
        plan: StagedPlan,
        policy: Policy,
        random: Random,
        attempts: AttemptBook,
        story: Story,
        now: float,
    ) -> None:
        self.stages = [StageMachine(stage, now) for stage in plan.stages]
        self._by_id = {machine.stage.id: machine for machine in self.stages}
        self._query = query
        self._choices = StageChoices(plan, self.stages)
        self._policy = policy
        self._random = random
        self._attempts = attempts
        self._story = story
        self._ready: list[tuple[StageId, int]] = []

    @property
    def is_complete(self) -> bool:
        """Whether the result is there."""
        return self.stages[-1].is_complete

    @property
    def has_ready(self) -> bool:
        """Whether ``take_ready`` may find something."""
        return bool(self._ready)

    def skips(self, machine: StageMachine) -> bool:
        """Whether a stage is never run, because the one that would read it does without."""
        return self._choices.skips(machine.stage.id)

    def find(self, stage: StageId) -> StageMachine | None:
        """The machine of a stage, if there is one of that number."""
        return self._by_id.get(stage)

    def machine(self, task: TaskId) -> StageMachine:
        """The machine of a task that was launched."""
        return self._by_id[task.stage]

    def holds(self, output: OutputFile) -> bool:
        """Whether an output is the one that counts for its partition."""
        machine = self._by_id.get(output.task.stage)
        if machine is None or not 0 <= output.task.partition < len(machine.partitions):
            return False
        held = machine.partitions[output.task.partition].output
        return held is not None and (held.task, held.incarnation) == (output.task, output.incarnation)

    def take_ready(self) -> tuple[StageMachine, Partition] | None:
        """Take the next partition that can be launched out of the queue."""
        while self._ready:
            found = self.queued(*heapq.heappop(self._ready))
            if found is not None:
                return found
        return None

    def queued(self, stage: StageId, number: int) -> tuple[StageMachine, Partition] | None:
        """A partition, if it can be launched now."""
        machine = self._by_id[stage]
        if number >= len(machine.partitions):
            return None
        partition = machine.partitions[number]
        return (machine, partition) if machine.can_launch and partition.state is PartitionState.QUEUED else None

    def advance(self, turn: Turn) -> Error | None:
        """Queue all that can run of the stages that are needed.

        To be called whenever what is complete may have changed.
        """
        for machine in self._choices.choose(turn.now):
            self._forget(machine, turn)
        waiting = self._choices.waiting
        needed = recovery.needed_stages(self.stages)
        while (broken := recovery.find_broken(self.stages, needed)) is not None:
            if (error := self._restart(broken, turn)) is not None:
                return error
            needed = recovery.needed_stages(self.stages)
        for machine in self.stages:
            if machine.is_complete:
                continue
            if not recovery.inputs_complete(machine, self._by_id):
                machine.block(turn.now)
            elif machine.stage.id in waiting:
                continue
            elif machine.stage.id in needed and (error := self._start(machine, turn)) is not None:
                return error
        return None

    def accepted(self, machine: StageMachine) -> None:
        """A task of a stage has succeeded: what it read was made in vain no longer."""
        for exchange in machine.stage.exchanges:
            producer = self._by_id[exchange.stage]
            if machine.is_complete or producer.stage.deterministic:
                producer.recoveries = 0

    def lose_outputs(self, executor: ExecutorId, incarnation: Incarnation, error: Error, now: float) -> None:
        """Forget all outputs of one life of an executor."""
        for machine in self.stages:
            machine.lose_outputs(executor, incarnation, error, now)

    def retry(
        self, partition: Partition, attempt: TaskAttempt, error: Error, turn: Turn, *, delayed: bool
    ) -> Error | None:
        """Launch a partition once more, elsewhere if possible; ``error`` is what has ended its attempt."""
        machine = self.machine(attempt.id)
        partition.failures += 1
        partition.avoid.add(attempt.executor)
        if partition.failures >= self._policy.task_attempts or partition.launches >= self._policy.task_launches:
            message = f"{error.message} (the task has failed {partition.failures} times)"
            return type(error)(message, error.context)
        if delayed and machine.can_launch:
            self._delay(machine, partition, partition.failures, turn)
        else:
            self.requeue(machine, partition)
        return None

    def requeue(self, machine: StageMachine, partition: Partition) -> None:
        """Launch a partition once more, as soon as its stage can run."""
        machine.rest(partition)
        if machine.can_launch:
            machine.queue(partition)
            heapq.heappush(self._ready, (machine.stage.id, partition.number))

    def delay_over(self, timer: DelayOver, now: float) -> None:
        """Queue a partition that has waited before its next attempt."""
        machine = self._by_id[timer.stage]
        if timer.partition < len(machine.partitions) and machine.delay_over(machine.partitions[timer.partition], now):
            heapq.heappush(self._ready, (timer.stage, timer.partition))

    def suspect(self, attempt: TaskAttempt, failure: TaskFailure, turn: Turn) -> bool:
        """Forget the output that a task could not read; False if the failure names none of its inputs."""
        context = failure.context
        reader = self.machine(attempt.id).stage
        if all(context.stage != exchange.stage for exchange in reader.exchanges):
            return False
        producer = self._by_id[StageId(context.stage or 0)]
        if context.partition is None:
            return self._suspect_executor(producer, failure, turn)
        if not 0 <= context.partition < len(producer.partitions):
            return False
        partition = producer.partitions[context.partition]
        output = partition.output
        if output is not None and partition.since <= attempt.launched:
            producer.lose_output(partition, FetchFailed(failure.message, context), turn.now)
            turn.drop([output])
            turn.suspicions.append(Suspicion(output.executor, output.incarnation, output.task, failure.message))
        return True

    def end(self, now: float) -> None:
        """The query has ended: nothing changes any more."""
        self._ready.clear()
        for machine in self.stages:
            machine.apply(StageTrigger.END, now)

    def _suspect_executor(self, producer: StageMachine, failure: TaskFailure, turn: Turn) -> bool:
        for output in producer.outputs():
            if output.executor == failure.context.executor:
                turn.suspicions.append(Suspicion(output.executor, output.incarnation, None, failure.message))
                return True
        return False

    def _forget(self, machine: StageMachine, turn: Turn) -> None:
        outputs, attempts = machine.reset(turn.now)
        turn.drop(outputs)
        self._attempts.cancel(attempts, turn)

    def _start(self, machine: StageMachine, turn: Turn) -> Error | None:
        """Queue a stage's idle partitions; if they were lost again and again, after a while."""
        if machine.lost:
            machine.attempts += 1
            if machine.broken and (error := self._count_recovery(machine)) is not None:
                return error
        if machine.may_adapt:
            self._choices.lay_out(machine, turn.now)
        delayed = machine.broken and machine.recoveries > 1
        for number in machine.start(turn.now):
            partition = machine.partitions[number]
            if partition.launches >= self._policy.task_launches:
                return self._give_up(machine, f"partition {number} was launched {partition.launches} times")
            if delayed:
                self._delay(machine, partition, machine.recoveries, turn)
            else:
                heapq.heappush(self._ready, (machine.stage.id, number))
        return None

    def _restart(self, broken: StageMachine, turn: Turn) -> Error | None:
        """Run a stage that is not deterministic, and all that has started from it, as new stage attempts."""
        if broken.broken and (error := self._count_recovery(broken)) is not None:
            return error
        for machine in recovery.started_after(broken, self.stages):
            self._story.tell(turn.now, f"stage {machine.stage.id} starts all over")
            self._forget(machine, turn)
            machine.attempts += 1
        return None

    def _count_recovery(self, machine: StageMachine) -> Error | None:
        machine.recoveries += 1
        if machine.recoveries < self._policy.stage_attempts:
            return None
        return self._give_up(machine, f"its outputs were lost {machine.recoveries} times in a row")

    def _give_up(self, machine: StageMachine, why: str) -> Error:
        loss = machine.last_loss or InvariantViolated("no output was lost")
        told = type(loss)(f"stage {machine.stage.id} cannot be completed: {why}; the last time: {loss.message}")
        return told.with_context(stage=machine.stage.id, story=self._story.lines() + machine.story.lines())

    def _delay(self, machine: StageMachine, partition: Partition, failures: int, turn: Turn) -> None:
        due = turn.now + self._policy.delay(failures, self._random)
        machine.delay(partition, due)
        turn.timers.set(due, DelayOver(self._query, machine.stage.id, partition.number))
