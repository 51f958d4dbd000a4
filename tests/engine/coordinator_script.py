"""A machine under a script: events one by one, by short names, and the instructions that each gave."""

from random import Random
from typing import TypeVar

from shoal.coordinator.cluster_machine import ClusterMachine
from shoal.coordinator.events import (
    Event,
    ExecutorJoined,
    ExecutorLost,
    QuerySubmitted,
    TaskFailed,
    TaskFailure,
    TaskSucceeded,
    Tick,
)
from shoal.coordinator.instructions import Instruction, LaunchTask
from shoal.coordinator.policy import Policy
from shoal.planner.errors import ErrorContext, ErrorKind
from shoal.planner.ids import QueryId, TaskId
from shoal.planner.stage import StagedPlan, TaskSpec
from tests.engine.coordinator_plans import METRICS, joined, output_of, query

_I = TypeVar("_I", bound=Instruction)


class Script:
    """Drives a machine; ``running`` has the tasks that were launched and not yet answered, by their short names."""

    def __init__(self, *executors: ExecutorJoined, policy: Policy | None = None) -> None:
        self.machine = ClusterMachine(policy, Random(0))
        self.now = 0.0
        self.last: list[Instruction] = []
        self.offers = {offer.executor: offer for offer in executors}
        self.running: dict[str, LaunchTask] = {}
        for offer in executors:
            self.post(offer)

    def post(self, event: Event) -> list[Instruction]:
        """Hand in an event."""
        self.last = self.machine.handle(event, self.now)
        for launch in self.got(LaunchTask):
            self.running[short(launch.spec.id)] = launch
        return self.last

    def got(self, kind: type[_I]) -> list[_I]:
        """The latest instructions of one kind."""
        return [instruction for instruction in self.last if isinstance(instruction, kind)]

    def launched(self) -> list[str]:
        """The short names of the tasks that the latest event launched."""
        return [short(launch.spec.id) for launch in self.got(LaunchTask)]

    def spec(self, name: str) -> TaskSpec:
        """What a launched task runs."""
        return self.running[name].spec

    def where(self, name: str) -> str:
        """The executor on which a task runs."""
        return self.running[name].executor

    def wait(self, seconds: float) -> list[Instruction]:
        """Let time pass, with a tick for each timer on the way."""
        end = self.now + seconds
        found: list[Instruction] = []
        while self.machine.wake_at is not None and self.machine.wake_at <= end:
            self.now = max(self.now, self.machine.wake_at)
            found += self.post(Tick())
        self.now = end
        self.last = found
        return found

    def submit(self, plan: StagedPlan, number: int = 0, timeout: float | None = None) -> QueryId:
        """Submit a plan."""
        self.post(QuerySubmitted(query(number), plan, timeout))
        return query(number)

    def succeed(self, name: str) -> list[Instruction]:
        """A launched task succeeds."""
        launch = self.running.pop(name)
        return self.post(success(launch, self.offers[launch.executor]))

    def fail(
        self, name: str, kind: ErrorKind, error_class: str = "OperationalError", context: ErrorContext | None = None
    ) -> list[Instruction]:
        """A launched task fails."""
        launch = self.running.pop(name)
        failure = TaskFailure(kind, error_class, "it failed", context or ErrorContext())
        return self.post(TaskFailed(launch.executor, launch.incarnation, launch.spec.id, failure))

    def lose(self, name: str) -> list[Instruction]:
        """An executor is lost, and what ran there with it."""
        offer = self.offers.pop(name)  # type: ignore[call-overload]
        self.running = {key: launch for key, launch in self.running.items() if launch.executor != name}
        return self.post(ExecutorLost(offer.executor, offer.incarnation, "died"))

    def join(self, name: str, life: int = 0, slots: int = 2) -> list[Instruction]:
        """An executor joins."""
        offer = joined(name, slots, life)
        self.offers[offer.executor] = offer
        return self.post(offer)


def short(task: TaskId) -> str:
    """A task's name without its query: stage.stage_attempt.partition.attempt."""
    return f"{task.stage}.{task.stage_attempt}.{task.partition}.{task.attempt}"


def success(launch: LaunchTask, offer: ExecutorJoined) -> TaskSucceeded:
    """The report of a task's success."""
    output = output_of(launch.spec.id, offer, launch.spec.output.partitions)
    return TaskSucceeded(offer.executor, offer.incarnation, output, METRICS)
