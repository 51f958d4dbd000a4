"""The runner over the in-process transport, with executors that only pretend to work."""

import threading
from collections.abc import Callable, Iterator

import pytest

from shoal.coordinator.coordinator_runner import CoordinatorRunner
from shoal.coordinator.events import ExecutorJoined
from shoal.coordinator.inprocess_transport import InProcessTransport
from shoal.coordinator.policy import Policy
from shoal.executor.cancellation import CancelToken
from shoal.planner.errors import DataError, InterfaceError, InternalError, NoExecutors, QueryCancelled, QueryTimeout
from shoal.planner.ids import ExecutorId, Incarnation, QueryId, TaskId
from shoal.planner.stage import OutputFile, TaskMetrics, TaskSpec
from shoal.runner import QueryState
from tests.engine.coordinator_plans import METRICS, output_of, plan_of, query, scan_stage, shuffle_plan

SECONDS = 20.0
Work = Callable[[TaskSpec, CancelToken], None]


class Pretender:
    """Executors by name: what they hold, and whether they were closed; ``work`` is what each task does."""

    def __init__(self) -> None:
        self.work: Work = lambda spec, token: None
        self.lives: list[PretendedExecutor] = []

    def make(self, executor: ExecutorId, incarnation: Incarnation) -> "PretendedExecutor":
        life = PretendedExecutor(self, ExecutorJoined(executor, incarnation, 1, 2, 1 << 30, "host", "grpc://x"))
        self.lives.append(life)
        return life

    @property
    def files(self) -> set[TaskId]:
        return {task for life in self.lives for task in life.outputs}


class PretendedExecutor:
    """One life of one of them."""

    def __init__(self, owner: Pretender, offer: ExecutorJoined) -> None:
        self._owner = owner
        self.joined = offer
        self.outputs: set[TaskId] = set()
        self.closed = False

    def run(self, spec: TaskSpec, token: CancelToken) -> tuple[OutputFile, TaskMetrics]:
        self._owner.work(spec, token)
        self.outputs.add(spec.id)
        return output_of(spec.id, self.joined, spec.output.partitions), METRICS

    def drop_output(self, task: TaskId) -> None:
        self.outputs.discard(task)

    def drop_query(self, query: QueryId) -> None:
        self.outputs = {task for task in self.outputs if task.query != query}

    def close(self) -> None:
        self.closed = True
        self.outputs.clear()


@pytest.fixture
def pretender() -> Pretender:
    return Pretender()


@pytest.fixture
def transport(pretender: Pretender) -> InProcessTransport:
    return InProcessTransport(pretender.make, ("a", "b"))


@pytest.fixture
def runner(transport: InProcessTransport, pretender: Pretender) -> Iterator[CoordinatorRunner]:
    before = {thread for thread in threading.enumerate() if thread.name.startswith("shoal")}
    runner = CoordinatorRunner(transport)
    yield runner
    runner.close()
    assert all(life.closed for life in pretender.lives)
    assert {thread for thread in threading.enumerate() if thread.name.startswith("shoal")} <= before


def stuck(_: TaskSpec, token: CancelToken) -> None:
    """A task without end; it obeys a cancel."""
    token.wait(SECONDS)
    token.check()


def test_a_query_runs_and_leaves_nothing(runner: CoordinatorRunner, pretender: Pretender) -> None:
    handle = runner.submit(shuffle_plan(4), query(), 60.0)
    result = handle.wait(SECONDS)
    assert [output.task.stage for output in result.outputs] == [2]
    assert handle.wait() is result
    assert handle.progress().state is QueryState.FINISHED
    assert [len(run.tasks) for run in handle.runs()] == [4, 4, 1]
    assert {output.task for output in result.outputs} <= pretender.files
    handle.release()
    handle.release()
    runner.close()
    assert pretender.files == set()


def test_many_threads_submit_at_once(runner: CoordinatorRunner) -> None:
    failures: list[BaseException] = []

    def submit(first: int) -> None:
        try:
            for number in range(first, first + 25):
                handle = runner.submit(shuffle_plan(2), query(number))
                assert len(handle.wait(SECONDS).outputs) == 1
                handle.release()
        except BaseException as error:  # noqa: BLE001 - told by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=submit, args=(first,)) for first in range(0, 100, 25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert failures == []
    assert runner.ask(lambda machine, _: [len(member.running) for member in machine.members()]) == [0, 0]


def test_errors_keep_their_class_and_say_where(runner: CoordinatorRunner, pretender: Pretender) -> None:
    def divide(spec: TaskSpec, token: CancelToken) -> None:
        raise DataError("division by zero")

    pretender.work = divide
    handle = runner.submit(plan_of(scan_stage(0, 1)), query())
    with pytest.raises(DataError, match="division by zero") as caught:
        handle.wait(SECONDS)
    assert caught.value.query_id == "q0"
    assert caught.value.context.task == "q0.s0.0.p0.0"
    assert handle.progress().state is QueryState.FAILED


def test_a_defect_in_a_task_is_internal(runner: CoordinatorRunner, pretender: Pretender) -> None:
    def stumble(spec: TaskSpec, token: CancelToken) -> None:
        raise KeyError("x")

    pretender.work = stumble
    with pytest.raises(InternalError, match="KeyError"):
        runner.submit(plan_of(scan_stage(0, 1)), query()).wait(SECONDS)


def test_cancel_reaches_the_task_and_frees_its_slot(runner: CoordinatorRunner, pretender: Pretender) -> None:
    pretender.work = stuck
    handle = runner.submit(plan_of(scan_stage(0, 4)), query())
    with pytest.raises(TimeoutError):
        handle.wait(0.01)
    assert handle.progress().state is QueryState.RUNNING
    handle.cancel()
    with pytest.raises(QueryCancelled):
        handle.wait(SECONDS)
    pretender.work = lambda spec, token: None
    again = runner.submit(shuffle_plan(4), query(1))
    assert len(again.wait(SECONDS).outputs) == 1, "all slots are free again"


def test_a_deadline_ends_a_query_without_end(runner: CoordinatorRunner, pretender: Pretender) -> None:
    pretender.work = stuck
    with pytest.raises(QueryTimeout):
        runner.submit(plan_of(scan_stage(0, 1)), query(), 0.05).wait(SECONDS)


def test_a_crash_in_the_middle_of_a_query(
    runner: CoordinatorRunner, transport: InProcessTransport, pretender: Pretender
) -> None:
    """What ran on the lost executor runs again, on the other one or on its successor."""
    reached = threading.Event()

    def work(spec: TaskSpec, token: CancelToken) -> None:
        if spec.id.stage == 1 and spec.id.attempt == 0:
            reached.set()
            stuck(spec, token)

    pretender.work = work
    handle = runner.submit(shuffle_plan(4), query())
    assert reached.wait(SECONDS)
    transport.crash(ExecutorId("a"), "killed by a test")
    transport.crash(ExecutorId("b"), "killed by a test")
    assert len(handle.wait(SECONDS).outputs) == 1
    runner.wait_for_executors(2, SECONDS)
    assert len(pretender.lives) == 4
    assert {life.closed for life in pretender.lives[2:]} == {False}


def test_close_ends_what_runs_and_what_waits(pretender: Pretender) -> None:
    pretender.work = stuck
    runner = CoordinatorRunner(InProcessTransport(pretender.make))
    handle = runner.submit(plan_of(scan_stage(0, 4)), query())
    errors: list[BaseException] = []

    def wait() -> None:
        try:
            handle.wait(SECONDS)
        except QueryCancelled as error:
            errors.append(error)

    waiter = threading.Thread(target=wait)
    waiter.start()
    runner.close()
    runner.close()
    waiter.join(SECONDS)
    assert len(errors) == 1
    handle.cancel()
    handle.release()
    assert handle.progress().state is QueryState.CANCELLED
    assert handle.runs() == ()
    with pytest.raises(InterfaceError):
        runner.submit(plan_of(scan_stage(0, 1)), query(1))
    assert [life.closed for life in pretender.lives] == [True]


def test_without_executors_submit_says_so_at_once(pretender: Pretender) -> None:
    runner = CoordinatorRunner(InProcessTransport(pretender.make, ()), Policy())
    try:
        assert runner.shape().executors == 0
        with pytest.raises(NoExecutors, match="no executor has joined"):
            runner.submit(plan_of(scan_stage(0, 1)), query())
        with pytest.raises(NoExecutors, match="0 of 1 executors"):
            runner.wait_for_executors(1, 0.01)
    finally:
        runner.close()


def test_a_transport_that_cannot_start_leaves_no_thread() -> None:
    def refuse(executor: ExecutorId, incarnation: Incarnation) -> PretendedExecutor:
        raise InterfaceError("no port")

    with pytest.raises(InterfaceError, match="no port"):
        CoordinatorRunner(InProcessTransport(refuse))
    assert not [thread for thread in threading.enumerate() if thread.name == "shoal-coordinator"]


def test_a_defect_of_the_coordinator_is_an_error_and_no_hang(
    runner: CoordinatorRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr("shoal.coordinator.query_machine.QueryMachine.begin", stumble)
    with pytest.raises(InternalError, match="the coordinator failed: ZeroDivisionError"):
        runner.submit(plan_of(scan_stage(0, 1)), query()).wait(SECONDS)
    monkeypatch.undo()
    assert len(runner.submit(plan_of(scan_stage(0, 1)), query(1)).wait(SECONDS).outputs) == 1
