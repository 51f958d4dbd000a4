"""What becomes of failures and losses: retries, budgets, lost outputs, fencing; one small script each."""

import pytest

from shoal.coordinator.events import Heartbeat, TaskSucceeded
from shoal.coordinator.instructions import (
    CancelTasks,
    DisconnectExecutor,
    DropOutputs,
    DropQuery,
    QueryFailed,
    QueryFinished,
)
from shoal.coordinator.policy import Policy
from shoal.planner.errors import ErrorContext, ErrorKind, ExecutorLost, FetchFailed, OutOfMemory
from shoal.planner.ids import ExecutorId, Incarnation, QueryId
from shoal.planner.stage import ReadMode
from tests.engine.coordinator_plans import joined, output_of, plan_of, read_stage, scan_stage, shuffle_plan
from tests.engine.coordinator_script import Script, success

ONE_SCAN = plan_of(scan_stage(0, 1))


def failure_of(script: Script) -> QueryFailed:
    (failed,) = script.got(QueryFailed)
    return failed


def test_a_retryable_failure_is_tried_again_elsewhere_and_four_times_in_all() -> None:
    script = Script(joined("a"), joined("b"))
    script.submit(ONE_SCAN)
    places, waits = [], []
    for attempt in range(3):
        places.append(script.where(f"0.0.0.{attempt}"))
        script.fail(f"0.0.0.{attempt}", ErrorKind.RETRYABLE)
        assert script.machine.wake_at is not None
        waits.append(script.machine.wake_at - script.now)
        script.wait(waits[-1])
        assert script.launched() == [f"0.0.0.{attempt + 1}"]
    assert places[:2] == ["a", "b"]
    assert all(0.1 <= wait <= 0.2 * 2**number for number, wait in enumerate(waits))
    script.fail("0.0.0.3", ErrorKind.RETRYABLE)
    error = failure_of(script).error
    assert "failed 4 times" in error.message
    assert error.context.task == "q0.s0.0.p0.3"
    assert any("it failed" in line for line in error.context.story)


@pytest.mark.parametrize("kind", [ErrorKind.USER, ErrorKind.INTERNAL])
def test_some_failures_are_never_tried_again(kind: ErrorKind) -> None:
    script = Script(joined("a"))
    script.submit(plan_of(scan_stage(0, 2)))
    script.fail("0.0.0.0", kind, "DataError")
    assert failure_of(script).error.context.query == "q0"
    assert [cancel.tasks for cancel in script.got(CancelTasks)] == [(script.spec("0.0.1.0").id,)]
    assert not script.got(DropQuery), "a task of it still runs there"
    script.fail("0.0.1.0", ErrorKind.CANCELLED)
    assert len(script.got(DropQuery)) == 1
    assert script.machine.queries() == []


def test_out_of_memory_is_tried_once_more_alone() -> None:
    script = Script(joined("a", slots=2))
    script.submit(plan_of(scan_stage(0, 3)))
    script.fail("0.0.0.0", ErrorKind.OUT_OF_MEMORY, "OutOfMemory")
    assert script.launched() == [], "nothing new may start where it is to run alone"
    script.succeed("0.0.1.0")
    assert script.launched() == ["0.0.0.1"]
    script.succeed("0.0.0.1")
    assert script.launched() == ["0.0.2.0"]


def test_out_of_memory_alone_is_the_end() -> None:
    script = Script(joined("a"))
    script.submit(ONE_SCAN)
    script.fail("0.0.0.0", ErrorKind.OUT_OF_MEMORY, "OutOfMemory")
    script.fail("0.0.0.1", ErrorKind.OUT_OF_MEMORY, "OutOfMemory")
    assert isinstance(failure_of(script).error, OutOfMemory)


def test_an_executor_kept_free_is_let_go_when_the_query_ends() -> None:
    script = Script(joined("a"), joined("b"))
    script.submit(plan_of(scan_stage(0, 4)))
    script.fail("0.0.0.0", ErrorKind.OUT_OF_MEMORY, "OutOfMemory")
    script.fail("0.0.1.0", ErrorKind.USER, "DataError")
    assert all(member.alone_for is None for member in script.machine.members())


def test_running_tasks_of_a_lost_executor_run_elsewhere_at_once() -> None:
    script = Script(joined("a", slots=1), joined("b", slots=1))
    script.submit(plan_of(scan_stage(0, 2)))
    assert script.where("0.0.0.0") == "a"
    script.lose("a")
    assert script.launched() == []
    script.succeed("0.0.1.0")
    assert script.launched() == ["0.0.0.1"]
    script.succeed("0.0.0.1")
    assert script.got(QueryFinished)


def test_what_kills_its_executors_fails_in_the_end() -> None:
    script = Script(*(joined(name) for name in "abcde"))
    script.submit(ONE_SCAN)
    for attempt in range(4):
        script.lose(script.where(f"0.0.0.{attempt}"))
    assert isinstance(failure_of(script).error, ExecutorLost)


def test_only_the_lost_outputs_are_made_again() -> None:
    script = Script(joined("a", slots=1), joined("b", slots=1))
    script.submit(shuffle_plan(2))
    script.succeed("0.0.0.0")
    script.succeed("0.0.1.0")
    assert sorted(script.launched()) == ["1.0.0.0", "1.0.1.0"]
    assert {file.executor for file in script.spec("1.0.0.0").exchanges[0].files} == {"a", "b"}
    script.lose("a")
    script.succeed("1.0.1.0")
    assert script.launched() == ["0.0.0.1"], "and not the consumer, whose input is incomplete"
    script.succeed("0.0.0.1")
    assert script.launched() == ["1.0.0.1"]
    assert {file.executor for file in script.spec("1.0.0.1").exchanges[0].files} == {"b"}


def test_a_complete_consumer_needs_its_producer_no_more() -> None:
    script = Script(joined("a", slots=1))
    script.submit(plan_of(scan_stage(0, 1), read_stage(1, {0: ReadMode.ALL}), read_stage(2, {1: ReadMode.ALL})))
    script.succeed("0.0.0.0")
    script.join("b", slots=1)
    script.fail("1.0.0.0", ErrorKind.RETRYABLE)
    script.wait(0.3)
    assert script.where("1.0.0.1") == "b"
    script.succeed("1.0.0.1")
    assert script.where("2.0.0.0") == "b"
    script.lose("a")
    assert script.launched() == [], "stage 0 has lost its output, and nobody needs it"
    script.succeed("2.0.0.0")
    assert script.got(QueryFinished)


def fetch_failure(script: Script, name: str, producer: int, partition: int | None) -> None:
    files = script.spec(name).exchanges[0].files
    executor = files[partition or 0].executor
    context = ErrorContext(executor=executor, stage=producer, partition=partition)
    script.fail(name, ErrorKind.FETCH_FAILED, "FetchFailed", context)


def test_a_fetch_failure_makes_the_output_again_then_its_reader() -> None:
    script = Script(joined("a"))
    script.submit(shuffle_plan(2))
    script.succeed("0.0.0.0")
    script.succeed("0.0.1.0")
    fetch_failure(script, "1.0.0.0", producer=0, partition=1)
    assert [drop.tasks[0].partition for drop in script.got(DropOutputs)] == [1]
    assert script.launched() == ["0.0.1.1"]
    script.fail("1.0.1.0", ErrorKind.FETCH_FAILED, "FetchFailed", ErrorContext(executor="a", stage=0, partition=1))
    assert script.launched() == [], "the output is being made already"
    script.succeed("0.0.1.1")
    assert sorted(script.launched()) == ["1.0.0.1", "1.0.1.1"]


def test_a_fetch_failure_that_names_no_input_is_an_ordinary_failure() -> None:
    script = Script(joined("a"))
    script.submit(shuffle_plan(1))
    script.succeed("0.0.0.0")
    script.fail("1.0.0.0", ErrorKind.FETCH_FAILED, "FetchFailed", ErrorContext(stage=7, partition=0))
    assert script.launched() == []
    script.wait(0.3)
    assert script.launched() == ["1.0.0.1"]


def test_fetch_failures_in_a_row_end_the_query() -> None:
    script = Script(*(joined(name) for name in "abcdefgh"), policy=Policy(executor_fetch_failures=100))
    script.submit(plan_of(scan_stage(0, 1), read_stage(1, {0: ReadMode.ALL})))
    for attempt in range(4):
        script.succeed(f"0.0.0.{attempt}")
        script.wait(20.0) if not script.launched() else None
        fetch_failure(script, f"1.0.0.{attempt}", producer=0, partition=0)
        if attempt < 3 and not script.launched():
            script.wait(20.0)
    error = failure_of(script).error
    assert isinstance(error, FetchFailed)
    assert "4 times in a row" in error.message


def test_an_executor_whose_outputs_cannot_be_read_is_lost() -> None:
    script = Script(joined("a", slots=2), joined("b", slots=4))
    script.submit(shuffle_plan(6))
    for partition in range(6):
        script.succeed(f"0.0.{partition}.0")
    files = script.spec("1.0.0.0").exchanges[0].files
    of_a = [number for number, file in enumerate(files) if file.executor == "a"]
    readers = [name for name, launch in script.running.items() if launch.executor == "b"]
    fetch_failure(script, readers[0], producer=0, partition=of_a[0])
    assert not script.got(DisconnectExecutor)
    fetch_failure(script, readers[1], producer=0, partition=of_a[1])
    assert [parted.executor for parted in script.got(DisconnectExecutor)] == ["a"]


def test_an_executor_that_cannot_be_reached_is_lost_at_once() -> None:
    script = Script(joined("a", slots=1), joined("b", slots=1))
    script.submit(shuffle_plan(2))
    script.succeed("0.0.0.0")
    script.succeed("0.0.1.0")
    reader = next(name for name, launch in script.running.items() if launch.executor == "b")
    context = ErrorContext(executor="a", stage=0)
    script.fail(reader, ErrorKind.FETCH_FAILED, "FetchFailed", context)
    assert [parted.executor for parted in script.got(DisconnectExecutor)] == ["a"]


def test_a_lost_output_that_is_not_deterministic_starts_everything_after_it_anew() -> None:
    script = Script(joined("a", slots=2), joined("b", slots=2))
    script.submit(shuffle_plan(2, deterministic=False))
    script.succeed("0.0.0.0")
    script.succeed("0.0.1.0")
    script.succeed("1.0.0.0")
    loser = script.where("1.0.1.0")
    left = next(name for name in "ab" if name != loser)
    script.lose(loser)
    assert sorted(script.launched()) == ["0.1.0.1", "0.1.1.1"], "a new stage attempt of all partitions"
    assert {drop.executor for drop in script.got(DropOutputs)} == {left}
    for name in list(script.launched()):
        script.succeed(name)
    assert {name.rsplit(".", 1)[0] for name in script.running} == {"1.1.0", "1.1.1"}
    for name in list(script.running):
        assert {file.task.stage_attempt for file in script.spec(name).exchanges[0].files} == {1}


def test_a_late_success_of_a_cancelled_attempt_is_dropped_and_frees_its_slot() -> None:
    script = Script(joined("a", slots=1), joined("b", slots=1))
    script.submit(shuffle_plan(2, deterministic=False))
    script.succeed("0.0.0.0")
    script.succeed("0.0.1.0")
    stays = next(name for name, launch in script.running.items() if launch.executor == "b")
    script.lose("a")
    assert [cancel.tasks for cancel in script.got(CancelTasks)] == [(script.spec(stays).id,)]
    assert script.launched() == [], "the slot is not free before the answer"
    task = script.spec(stays).id
    script.succeed(stays)
    assert [drop.tasks for drop in script.got(DropOutputs)] == [(task,)]
    assert script.launched() == ["0.1.0.1"]


def test_a_doubled_success_changes_nothing_and_drops_nothing() -> None:
    script = Script(joined("a"))
    script.submit(shuffle_plan(1))
    launch = script.running["0.0.0.0"]
    script.succeed("0.0.0.0")
    assert script.post(success(launch, script.offers[launch.executor])) == []


def test_an_output_that_nobody_asked_for_is_dropped() -> None:
    script = Script(joined("a"))
    script.submit(shuffle_plan(1))
    stray = output_of(script.spec("0.0.0.0").id, joined("a"))
    for task in (
        stray.task.__class__(QueryId("unknown"), stray.task.stage, 0, 0, 0),
        stray.task.__class__(stray.task.query, stray.task.stage, 0, 0, 99),
        stray.task.__class__(stray.task.query, stray.task.stage, 0, 77, 0),
    ):
        launch = script.running["0.0.0.0"]
        output = output_of(task, joined("a"))
        script.post(TaskSucceeded(launch.executor, launch.incarnation, output, success(launch, joined("a")).metrics))
        assert [drop.tasks for drop in script.got(DropOutputs)] == [(task,)]


def test_an_old_incarnation_is_fenced_off() -> None:
    script = Script(joined("a"))
    script.submit(ONE_SCAN)
    zombie = script.running["0.0.0.0"]
    script.join("a", life=1)
    assert [(parted.executor, parted.incarnation) for parted in script.got(DisconnectExecutor)] == [("a", "a.0")]
    assert script.launched() == ["0.0.0.1"]
    script.post(success(zombie, joined("a")))
    assert [parted.incarnation for parted in script.got(DisconnectExecutor)] == ["a.0"]
    script.post(Heartbeat(ExecutorId("a"), Incarnation("a.0")))
    assert [parted.incarnation for parted in script.got(DisconnectExecutor)] == ["a.0"]
    assert script.post(joined("a", life=0)) == [
        DisconnectExecutor(ExecutorId("a"), Incarnation("a.0"), script.got(DisconnectExecutor)[0].reason)
    ]
    script.succeed("0.0.0.1")
    assert script.got(QueryFinished)


def test_an_output_with_the_wrong_number_of_partitions_is_our_own_fault() -> None:
    script = Script(joined("a"))
    script.submit(shuffle_plan(2))
    launch = script.running.pop("0.0.0.0")
    output = output_of(launch.spec.id, joined("a"), partitions=5)
    script.post(TaskSucceeded(launch.executor, launch.incarnation, output, success(launch, joined("a")).metrics))
    assert failure_of(script).error.kind is ErrorKind.INTERNAL
