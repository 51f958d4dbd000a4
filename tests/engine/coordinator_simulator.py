"""A seeded world around the coordinator's machines: executors that die, stall, join and lie; late, doubled and
reordered updates; lost files; clients that cancel. Invariants are checked after every event.

Data is simulated too: an output carries which run of every stage that is not deterministic it was made from, so that
an answer mixed from two runs of one is noticed as the wrong answer that it would be. Every run of a task leaves its
rows in another order, which counts for those who read only some of them.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from shoal.coordinator.cluster_machine import ClusterMachine
from shoal.coordinator.events import (
    Event,
    ExecutorDraining,
    ExecutorJoined,
    ExecutorLost,
    Heartbeat,
    QueryCancelRequested,
    QueryReleased,
    QuerySubmitted,
    TaskFailed,
    TaskFailure,
    TaskStarted,
    TaskSucceeded,
    Tick,
)
from shoal.coordinator.instructions import (
    CancelTasks,
    DisconnectExecutor,
    DropOutputs,
    DropQuery,
    Instruction,
    LaunchTask,
    QueryFailed,
    QueryFinished,
)
from shoal.coordinator.membership import MemberState
from shoal.coordinator.policy import Policy
from shoal.coordinator.stage_graph import StageGraph
from shoal.coordinator.task_machine import TaskState
from shoal.planner.errors import ErrorContext, ErrorKind
from shoal.planner.ids import ExecutorId, Incarnation, QueryId, StageId, TaskId
from shoal.planner.stage import OutputFile, Stage, StagedPlan, TaskExchange, TaskSpec
from tests.engine.coordinator_plans import METRICS, joined, output_of, random_plan, random_sizes

LEASE = 3.0
ORDER = -1
Version = Mapping[tuple[StageId, int], int]
"""Which run of each partition of a stage that is not deterministic something was made from.

Under ``ORDER`` - the partition: in which order the rows were.
"""


@dataclass
class Executor:
    """One life of a simulated executor."""

    offer: ExecutorJoined
    running: set[TaskId] = field(default_factory=set)
    stages: dict[TaskId, Stage] = field(default_factory=dict)
    outputs: dict[TaskId, Version] = field(default_factory=dict)
    orders: dict[TaskId, int] = field(default_factory=dict)
    alive: bool = True
    connected: bool = True
    draining: bool = False


@dataclass(frozen=True)
class Faults:
    """How probable each fault is; for each task or each second."""

    crash: float = 0.03
    silent: float = 0.02
    drain: float = 0.02
    lose_file: float = 0.02
    fail: float = 0.05
    out_of_memory: float = 0.02
    user: float = 0.003
    cancel: float = 0.03
    duplicate: float = 0.1
    until: float = 20.0


class World:
    """Runs queries on simulated executors until nothing happens any more; ``trace`` has every instruction."""

    def __init__(self, seed: int, faults: Faults, executors: int = 4, queries: int = 4) -> None:
        self.random = Random(seed)
        self.faults = faults
        self.policy = Policy()
        self.machine = ClusterMachine(self.policy, Random(seed + 1))
        self.now = 0.0
        self.trace: list[str] = []
        self.ends: dict[QueryId, list[QueryFinished | QueryFailed]] = {}
        self.plans: dict[QueryId, StagedPlan] = {}
        self.launches: Counter[tuple[QueryId, StageId, int]] = Counter()
        self.accepted: dict[tuple[QueryId, StageId, int, int], TaskId] = {}
        self.released: set[QueryId] = set()
        self.lives: dict[tuple[ExecutorId, Incarnation], Executor] = {}
        self._born: Counter[str] = Counter()
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = 0
        self._nonce = 0
        self.cut_reads = 0
        self._tick_at: float | None = None
        for number in range(executors):
            self.at(0.0, lambda name=f"x{number}": self.join(name))
        for number in range(queries):
            self.at(self.random.uniform(0.01, 8.0), lambda name=f"q{number}": self.submit(QueryId(name)))
        self.at(1.0, self.misfortune)

    def at(self, delay: float, action: Callable[[], None]) -> None:
        """Let something happen later."""
        self._sequence += 1
        heapq.heappush(self._heap, (self.now + delay, self._sequence, action))

    def run(self, until: float = 90.0) -> None:
        """Let everything happen."""
        while self._heap and self.now < until:
            self.now, _, action = heapq.heappop(self._heap)
            action()

    # Clients

    def submit(self, name: QueryId) -> None:
        plan = self.plans[name] = random_plan(self.random)
        self.ends[name] = []
        self.post(QuerySubmitted(name, plan, self.random.choice([None, 60.0])))
        if self.random.random() < self.faults.cancel * 5:
            self.at(self.random.uniform(0, 3), lambda: self.post(QueryCancelRequested(name)))
        if self.random.random() < self.faults.cancel:
            self.at(self.random.uniform(0, 3), lambda: self.release(name))

    def release(self, name: QueryId) -> None:
        self.released.add(name)
        self.post(QueryReleased(name))

    # Executors

    def join(self, name: str) -> None:
        life = self._born[name]
        self._born[name] += 1
        offer = joined(name, slots=self.random.randint(1, 3), life=life, lease=LEASE)
        executor = self.lives[offer.executor, offer.incarnation] = Executor(offer)
        self.post(offer)
        self.beat(executor)

    def beat(self, executor: Executor) -> None:
        if executor.alive and executor.connected:
            self.send(executor, Heartbeat(executor.offer.executor, executor.offer.incarnation))
            self.at(1.0, lambda: self.beat(executor))

    def misfortune(self) -> None:
        """Once a second something may befall each executor; after ``until``, the world is kind."""
        if self.now > self.faults.until:
            return
        for executor in [each for each in self.lives.values() if each.alive]:
            dice = self.random.random()
            if dice < self.faults.crash:
                self.die(executor, told=True)
            elif dice < self.faults.crash + self.faults.silent:
                self.die(executor, told=False)
            elif dice < self.faults.crash + self.faults.silent + self.faults.drain and not executor.draining:
                executor.draining = True
                self.send(executor, ExecutorDraining(executor.offer.executor, executor.offer.incarnation))
            elif dice > 1 - self.faults.lose_file and executor.outputs:
                del executor.outputs[self.random.choice(list(executor.outputs))]
        self.at(1.0, self.misfortune)

    def die(self, executor: Executor, *, told: bool) -> None:
        executor.alive = False
        executor.outputs.clear()
        if told:
            offer = executor.offer
            self.at(
                self.random.uniform(0, 0.5), lambda: self.post(ExecutorLost(offer.executor, offer.incarnation, "died"))
            )
        self.at(self.random.uniform(0.2, 4.0), lambda: self.join(str(executor.offer.executor)))

    def send(self, executor: Executor, event: Event) -> None:
        """Deliver an update after a while, perhaps twice, perhaps after a later one."""
        if not executor.connected:
            return
        self.at(self.random.expovariate(100.0), lambda: self.post(event))
        if self.random.random() < self.faults.duplicate:
            self.at(self.random.expovariate(1.0), lambda: self.post(event))

    # The coordinator

    def post(self, event: Event) -> None:
        """Hand an event to the machine, carry its instructions out, and check the invariants."""
        instructions = self.machine.handle(event, self.now)
        for instruction in instructions:
            self.trace.append(f"{self.now:.6f} {instruction}")
            self.obey(instruction)
        self.check()
        wake_at = self.machine.wake_at
        if wake_at is not None and (self._tick_at is None or wake_at < self._tick_at):
            self._tick_at = wake_at
            self.at(max(0.0, wake_at - self.now), self.tick)

    def tick(self) -> None:
        self._tick_at = None
        self.post(Tick())

    def obey(self, instruction: Instruction) -> None:
        match instruction:
            case LaunchTask(executor, incarnation, spec):
                self.launch(executor, incarnation, spec)
            case CancelTasks(executor, incarnation, tasks):
                life = self.lives[executor, incarnation]
                for task in tasks:
                    self.at(self.random.uniform(0, 0.2), lambda task=task: self.stop(life, task))
            case DropOutputs(executor, incarnation, tasks):
                for task in tasks:
                    self.lives[executor, incarnation].outputs.pop(task, None)
                    for end in self.ends.get(task.query, ()):
                        if isinstance(end, QueryFinished) and task.query not in self.released:
                            assert task not in [output.task for output in end.result.outputs], "a wanted result dropped"
            case DropQuery(executor, incarnation, name):
                life = self.lives[executor, incarnation]
                assert not any(task.query == name for task in life.running), "dropped while it runs"
                life.outputs = {task: version for task, version in life.outputs.items() if task.query != name}
            case DisconnectExecutor(executor, incarnation):
                self.part(self.lives[executor, incarnation])
            case QueryFinished() | QueryFailed():
                self.end(instruction)

    def part(self, executor: Executor) -> None:
        executor.connected = False
        executor.running.clear()
        executor.outputs.clear()
        if executor.alive:
            executor.alive = False
            self.at(self.random.uniform(0.1, 2.0), lambda: self.join(str(executor.offer.executor)))

    def launch(self, name: ExecutorId, incarnation: Incarnation, spec: TaskSpec) -> None:
        member = next(each for each in self.machine.members() if each.executor == name)
        assert member.incarnation == incarnation, "I5: launched on a dead incarnation"
        assert member.state is MemberState.ACTIVE, "I5: launched on a draining executor"
        for exchange in spec.exchanges:
            attempts = {file.task.stage_attempt for file in exchange.files}
            assert len(attempts) <= 1, "I3: a task reads two stage attempts"
            self.check_files(spec.id.query, exchange)
        self.launches[spec.id.query, spec.id.stage, spec.id.partition] += 1
        life = self.lives[name, incarnation]
        if life.alive:
            life.running.add(spec.id)
            life.stages[spec.id] = self.graph(spec.id.query).machine(spec.id).stage
            self.at(self.random.uniform(0, 0.05), lambda: self.begin(life, spec))

    def begin(self, life: Executor, spec: TaskSpec) -> None:
        if life.alive and spec.id in life.running:
            self.send(life, TaskStarted(life.offer.executor, life.offer.incarnation, spec.id))
            self.at(self.random.expovariate(2.0), lambda: self.work(life, spec))

    def work(self, life: Executor, spec: TaskSpec) -> None:
        """Read the inputs, perhaps fail, write the output."""
        if not life.alive or spec.id not in life.running:
            return
        version: dict[tuple[StageId, int], int] = {}
        for exchange in spec.exchanges:
            for number, file in enumerate(exchange.files):
                holder = self.lives[file.executor, file.incarnation]
                found = holder.outputs.get(file.task) if holder.alive else None
                if found is None:
                    self.fail_fetch(life, spec.id, file)
                    return
                if exchange.slices and exchange.slices[number] is not None:
                    order = (file.task.stage, ORDER - file.task.partition)
                    found = {**found, order: holder.orders[file.task]}
                    self.cut_reads += 1
                for key, nonce in found.items():
                    assert version.setdefault(key, nonce) == nonce, "a task mixes two runs of one stage"
        kind = self.pick_failure()
        if kind is not None:
            self.fail(life, spec.id, TaskFailure(kind, _CLASSES[kind], "simulated"))
            return
        stage = life.stages[spec.id]
        self._nonce += 1
        if not stage.deterministic:
            version[stage.id, spec.id.partition] = self._nonce
        life.running.discard(spec.id)
        life.outputs[spec.id] = version
        life.orders[spec.id] = self._nonce
        seed = (spec.id.query, spec.id.stage, spec.id.partition, stage.deterministic or self._nonce)
        sizes = random_sizes(Random(str(seed)), stage.output.partitions)
        output = output_of(spec.id, life.offer, sizes=sizes)
        self.send(life, TaskSucceeded(life.offer.executor, life.offer.incarnation, output, METRICS))

    def pick_failure(self) -> ErrorKind | None:
        if self.now > self.faults.until:
            return None
        dice = self.random.random()
        for kind, chance in (
            (ErrorKind.RETRYABLE, self.faults.fail),
            (ErrorKind.OUT_OF_MEMORY, self.faults.out_of_memory),
            (ErrorKind.USER, self.faults.user),
        ):
            if dice < chance:
                return kind
            dice -= chance
        return None

    def fail_fetch(self, life: Executor, task: TaskId, file: OutputFile) -> None:
        partition = None if self.random.random() < 0.1 else file.task.partition
        context = ErrorContext(executor=file.executor, stage=file.task.stage, partition=partition)
        self.fail(life, task, TaskFailure(ErrorKind.FETCH_FAILED, "FetchFailed", "not there", context))

    def fail(self, life: Executor, task: TaskId, failure: TaskFailure) -> None:
        life.running.discard(task)
        self.send(life, TaskFailed(life.offer.executor, life.offer.incarnation, task, failure))

    def stop(self, life: Executor, task: TaskId) -> None:
        if life.alive and task in life.running:
            self.fail(life, task, TaskFailure(ErrorKind.CANCELLED, "QueryCancelled", "cancelled"))

    def end(self, end: QueryFinished | QueryFailed) -> None:
        """A client hears of its query's end, and releases it after a while."""
        self.ends[end.query].append(end)
        if isinstance(end, QueryFinished):
            version: dict[tuple[StageId, int], int] = {}
            for output in end.result.outputs:
                holder = self.lives[output.executor, output.incarnation]
                for key, nonce in holder.outputs.get(output.task, {}).items():
                    assert version.setdefault(key, nonce) == nonce, "an answer mixed from two runs of one stage"
            assert [output.task.partition for output in end.result.outputs] == list(range(len(end.result.outputs)))
        self.at(self.random.uniform(0, 2.0), lambda: self.release(end.query))

    # Invariants

    def graph(self, name: QueryId) -> StageGraph:
        """The stages of a query that runs."""
        return next(machine.graph for machine in self.machine.queries() if machine.id == name)

    def check_files(self, name: QueryId, exchange: TaskExchange) -> None:
        """A task reads every file of a stage, or pieces of the files of one partition."""
        numbers = [file.task.partition for file in exchange.files]
        graph = self.graph(name)
        whole = numbers == list(range(len(graph.machine(exchange.files[0].task).partitions))) if numbers else True
        assert whole or len(exchange.partitions) == 1, "a file is missing"
        assert numbers == sorted(set(numbers)), "a file is read twice"
        for piece, file in zip(exchange.slices, exchange.files, strict=False):
            if piece is not None:
                assert piece.rows > 0
                assert piece.first + piece.rows <= file.rows[exchange.partitions[0]]

    def check(self) -> None:
        """What must hold after every event."""
        running = {task for member in self.machine.members() for task in member.running}
        expected: set[TaskId] = set()
        for member in self.machine.members():
            attempts = member.running.values()
            assert len(attempts) <= member.joined.slots, "I4: more tasks than slots"
            assert not any(each.state.is_terminal for each in attempts), "I4: a slot for a task that has ended"
            assert len(attempts) == 1 or not any(each.alone for each in attempts), "a task that was to be alone is not"
            real = self.lives[member.executor, member.incarnation].running
            assert real <= set(member.running), "I4: a task runs without a slot"
        for machine in self.machine.queries():
            assert len(self.ends[machine.id]) == int(machine.state.is_terminal), "I1: one end for each query"
            for stage in machine.graph.stages:
                done = 0
                for partition in stage.partitions:
                    if partition.attempt is not None and not partition.attempt.state.is_terminal:
                        expected.add(partition.attempt.id)
                    elif partition.attempt is not None:
                        assert machine.state.is_terminal, "a partition waits for an attempt that has ended"
                    if partition.output is not None:
                        done += 1
                        self.check_accepted(machine.id, stage.attempt, partition.output)
                    assert partition.launches <= self.policy.task_launches, "I7: too many launches"
                    assert partition.failures <= self.policy.task_attempts, "I7: too many attempts"
                assert done == stage.done
                assert stage.recoveries <= self.policy.stage_attempts, "I7: too many stage attempts"
        cancelling = {
            attempt.id
            for member in self.machine.members()
            for attempt in member.running.values()
            if attempt.state is TaskState.CANCELLING
        }
        assert running - cancelling <= expected, "I4: a slot for a task that nobody waits for"
        assert expected - running == set(), "I4: a task without a slot"

    def check_accepted(self, name: QueryId, stage_attempt: int, output: OutputFile) -> None:
        task = output.task
        assert task.stage_attempt == stage_attempt, "I3: an output of an old stage attempt"
        holder = next((each for each in self.machine.members() if each.incarnation == output.incarnation), None)
        ended = bool(self.ends[name])
        assert holder is not None or ended, "I6: an output of a lost executor is still referred to"

    def check_rest(self) -> None:
        """What must hold when nothing happens any more."""
        for name in self.plans:
            assert len(self.ends[name]) == 1, f"I1: {name} has {len(self.ends[name])} ends"
        assert self.machine.queries() == [], "queries are left"
        for member in self.machine.members():
            assert not member.running, "I4: slots are taken at rest"
            assert member.alone_for is None, "an executor is kept free at rest"
            outputs = self.lives[member.executor, member.incarnation].outputs
            assert not outputs, f"I6: files are left on {member.executor}: {[str(task) for task in outputs]}"


_CLASSES = {
    ErrorKind.RETRYABLE: "SourceError",
    ErrorKind.OUT_OF_MEMORY: "OutOfMemory",
    ErrorKind.USER: "DataError",
}
