"""The machine of one query: what becomes of each success and each failure, and its one end."""

from collections.abc import Mapping
from enum import StrEnum
from random import Random
from typing import assert_never

from shoal.coordinator.attempt_book import AttemptBook, ExecutorLife
from shoal.coordinator.events import QuerySubmitted, TaskFailed, TaskFailure, TaskSucceeded
from shoal.coordinator.instructions import QueryFailed, QueryFinished
from shoal.coordinator.policy import Policy
from shoal.coordinator.stage_graph import StageGraph
from shoal.coordinator.stage_machine import Partition, StageMachine
from shoal.coordinator.story import Story
from shoal.coordinator.task_machine import TaskAttempt, TaskState, TaskTrigger
from shoal.coordinator.task_specs import build_task
from shoal.coordinator.turn import DelayOver, Turn
from shoal.planner.errors import Error, ErrorKind, ExecutorLost, InternalError
from shoal.planner.ids import StageId, TaskId
from shoal.planner.stage import OutputFile, Stage, TaskSpec
from shoal.runner import QueryProgress, QueryResult, QueryState, StageRun


class QueryTrigger(StrEnum):
    """What can happen to a query."""

    START = "first task launched"
    FINISH = "finished"
    FAIL = "failed"
    CANCEL = "cancelled"


QUERY_TRANSITIONS: Mapping[tuple[QueryState, QueryTrigger], QueryState] = {
    (QueryState.QUEUED, QueryTrigger.START): QueryState.RUNNING,
    (QueryState.QUEUED, QueryTrigger.FAIL): QueryState.FAILED,
    (QueryState.QUEUED, QueryTrigger.CANCEL): QueryState.CANCELLED,
    (QueryState.RUNNING, QueryTrigger.FINISH): QueryState.FINISHED,
    (QueryState.RUNNING, QueryTrigger.FAIL): QueryState.FAILED,
    (QueryState.RUNNING, QueryTrigger.CANCEL): QueryState.CANCELLED,
}
"""A pair that is not here changes nothing."""


class QueryMachine:
    """A query from its submission until everything that it left is dropped.

    It says what may run next (``take_ready``) and is told where it was placed (``launched``); slots and executors are
    not its business.
    """

    def __init__(self, submitted: QuerySubmitted, policy: Policy, random: Random, now: float) -> None:
        self.id = submitted.query
        self.state = QueryState.QUEUED
        self.attempts = AttemptBook(submitted.query, policy)
        self._story = Story(now)
        self._submitted = submitted
        self.graph = StageGraph(self.id, submitted.plan, policy, random, self.attempts, self._story, now)
        self._began = now
        self._ended: float | None = None

    def begin(self, turn: Turn) -> None:
        """Queue the stages that need no other."""
        self._advance(turn)

    @property
    def is_forgettable(self) -> bool:
        """Whether nothing of the query is left anywhere, and nobody wants it."""
        return self.attempts.is_released and self.attempts.is_empty

    def next_task(self, machine: StageMachine, partition: Partition) -> TaskSpec:
        """Say what the next attempt at a queued partition runs; ``launched`` must follow."""
        inputs: dict[StageId, tuple[Stage, tuple[OutputFile, ...]]] = {}
        for exchange in machine.stage.exchanges:
            producer = self.graph.find(exchange.stage)
            if producer is not None:
                inputs[exchange.stage] = (producer.stage, producer.outputs())
        task = machine.launch(partition, self.id)
        share = machine.layout.shares[partition.number]
        return build_task(task, machine.stage, share, inputs, self._submitted.plan.settings, self._submitted.mmap)

    def launched(self, task: TaskId, life: ExecutorLife, alone: bool, now: float) -> TaskAttempt:
        """Note where an attempt was placed."""
        attempt = TaskAttempt(task, *life, now, alone)
        self.graph.machine(task).partitions[task.partition].attempt = attempt
        self.attempts.open(attempt)
        self._apply(QueryTrigger.START)
        return attempt

    def task_started(self, task: TaskId, life: ExecutorLife, now: float) -> None:
        """An attempt has begun to run."""
        attempt = self.attempts.find(task, life)
        if attempt is not None:
            attempt.apply(TaskTrigger.START, now)

    def task_succeeded(self, event: TaskSucceeded, turn: Turn) -> TaskAttempt | None:
        """Take the first success of a partition, and drop every other output; returns the attempt that ended."""
        output, life = event.output, (event.executor, event.incarnation)
        attempt = self.attempts.close(output.task, life)
        if attempt is None:
            if not self.graph.holds(output) or self.attempts.is_released:
                turn.drop([output])
            return None
        attempt.apply(TaskTrigger.SUCCEED, turn.now)
        machine = self.graph.machine(output.task)
        if attempt.state is not TaskState.SUCCEEDED or machine.current(attempt) is None:
            turn.drop([output])
        elif not len(output.rows) == len(output.bytes) == machine.stage.output.partitions:
            turn.drop([output])
            self._fail(InternalError(f"a task delivered {len(output.rows)} partitions"), attempt, turn)
        elif machine.accept(output, event.metrics, turn.now):
            self.graph.accepted(machine)
            if machine.is_complete:
                self._advance(turn)
        self.attempts.settle(life, turn)
        return attempt

    def task_failed(self, event: TaskFailed, turn: Turn) -> TaskAttempt | None:
        """Retry, recover or fail, as the kind of the failure asks for; returns the attempt that ended."""
        life = (event.executor, event.incarnation)
        attempt = self.attempts.close(event.task, life)
        if attempt is None:
            return None
        attempt.apply(TaskTrigger.FAIL, turn.now)
        partition = self.graph.machine(event.task).current(attempt)
        if attempt.state is TaskState.FAILED and partition is not None:
            self._story.tell(turn.now, f"{attempt.id} on {attempt.executor}: {event.failure.message[:200]}")
            self._triage(partition, attempt, event.failure, turn)
        self.attempts.settle(life, turn)
        return attempt

    def executor_lost(self, life: ExecutorLife, reason: str, turn: Turn) -> None:
        """Run again what ran or was held there and is still needed."""
        lost = self.attempts.lose(life, turn.now)
        if lost is None or self.state.is_terminal:
            return
        self._story.tell(turn.now, f"lost {life[0]}: {reason}")
        error = ExecutorLost(f"executor {life[0]} was lost: {reason}")
        self.graph.lose_outputs(*life, error, turn.now)
        for attempt in lost:
            partition = self.graph.machine(attempt.id).current(attempt)
            if partition is not None:
                failed = self.graph.retry(partition, attempt, error, turn, delayed=False)
                if failed is not None:
                    self._fail(failed, attempt, turn)
                    return
        self._advance(turn)

    def delay_over(self, timer: DelayOver, turn: Turn) -> None:
        """Queue a partition that has waited before its next attempt."""
        if not self.state.is_terminal:
            self.graph.delay_over(timer, turn.now)

    def fail(self, error: Error, turn: Turn) -> None:
        """End the query with an error, unless it has ended."""
        self._end(QueryTrigger.FAIL, error, turn)

    def cancel(self, error: Error, turn: Turn) -> None:
        """End the query because somebody asked for it, unless it has ended."""
        self._end(QueryTrigger.CANCEL, error, turn)

    def progress(self, now: float) -> QueryProgress:
        """How far the query is."""
        done = sum(machine.done for machine in self.graph.stages)
        total = sum(len(machine.partitions) for machine in self.graph.stages if not self.graph.skips(machine))
        return QueryProgress(self.state, done, total, (now if self._ended is None else self._ended) - self._began)

    def runs(self) -> tuple[StageRun, ...]:
        """What the finished stages measured."""
        return tuple(machine.run() for machine in self.graph.stages if machine.done == len(machine.partitions))

    def _apply(self, trigger: QueryTrigger) -> bool:
        after = QUERY_TRANSITIONS.get((self.state, trigger))
        if after is None:
            return False
        self.state = after
        return True

    def _advance(self, turn: Turn) -> None:
        if self.state.is_terminal:
            return
        if self.graph.is_complete:
            self._finish(turn)
            return
        error = self.graph.advance(turn)
        if error is not None:
            self.fail(error, turn)

    def _triage(self, partition: Partition, attempt: TaskAttempt, failure: TaskFailure, turn: Turn) -> None:
        machine = self.graph.machine(attempt.id)
        match failure.kind:
            case ErrorKind.USER | ErrorKind.INTERNAL:
                self._fail(failure.error(), attempt, turn)
            case ErrorKind.OUT_OF_MEMORY:
                if partition.alone:
                    self._fail(failure.error(), attempt, turn)
                else:
                    partition.alone = True
                    self.graph.requeue(machine, partition)
            case ErrorKind.FETCH_FAILED:
                if self.graph.suspect(attempt, failure, turn):
                    machine.rest(partition)
                    self._advance(turn)
                else:
                    self._retry(partition, attempt, failure, turn)
            case ErrorKind.RETRYABLE | ErrorKind.CANCELLED:
                self._retry(partition, attempt, failure, turn)
            case _:
                assert_never(failure.kind)

    def _retry(self, partition: Partition, attempt: TaskAttempt, failure: TaskFailure, turn: Turn) -> None:
        failed = self.graph.retry(partition, attempt, failure.error(), turn, delayed=True)
        if failed is not None:
            self._fail(failed, attempt, turn)

    def _fail(self, error: Error, attempt: TaskAttempt, turn: Turn) -> None:
        told = error.with_context(stage=attempt.id.stage, task=str(attempt.id), executor=attempt.executor)
        if error.kind is not ErrorKind.USER:
            told = told.with_context(story=self._story.lines() + attempt.story.lines())
        self.fail(told, turn)

    def _finish(self, turn: Turn) -> None:
        result = QueryResult(self._submitted.plan.columns, self.graph.stages[-1].outputs())
        self._apply(QueryTrigger.FINISH)
        turn.instruct(QueryFinished(self.id, result, self.runs(), self.progress(turn.now)))
        self._stop(turn)
        for machine in self.graph.stages[:-1]:
            turn.drop(machine.outputs())

    def _end(self, trigger: QueryTrigger, error: Error, turn: Turn) -> None:
        if self._apply(trigger):
            turn.instruct(QueryFailed(self.id, error.with_context(query=self.id), self.runs(), self.progress(turn.now)))
            self._stop(turn)
            self.attempts.release(turn)

    def _stop(self, turn: Turn) -> None:
        self._ended = turn.now
        self.graph.end(turn.now)
        self.attempts.cancel_all(turn)
