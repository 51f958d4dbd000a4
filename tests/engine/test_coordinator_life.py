"""A query's life without failures of tasks: stages, slots, fairness, deadlines, cancels, releases, executors that come
and go."""

from dataclasses import replace

from shoal.coordinator.events import (
    ExecutorDraining,
    Heartbeat,
    QueryCancelRequested,
    QueryReleased,
    QuerySubmitted,
    TaskStarted,
    Tick,
)
from shoal.coordinator.instructions import (
    CancelTasks,
    DisconnectExecutor,
    DropOutputs,
    DropQuery,
    QueryFailed,
    QueryFinished,
)
from shoal.planner.errors import ErrorKind, InvariantViolated, NoExecutors, QueryCancelled, QueryTimeout
from shoal.planner.ids import ExecutorId, Incarnation
from shoal.planner.stage import ReadMode
from shoal.runner import QueryState
from tests.engine.coordinator_plans import joined, plan_of, query, read_stage, scan_stage, shuffle_plan
from tests.engine.coordinator_script import Script


def finish(script: Script) -> None:
    """Let every task succeed until nothing runs."""
    while script.running:
        script.succeed(min(script.running))


def test_executors_that_share_cores_take_no_more_tasks_than_these() -> None:
    sharing = [replace(joined(name), core_pool="one machine", cores=3) for name in "abcd"]
    script = Script(*sharing, joined("e"))
    script.submit(plan_of(scan_stage(0, 12), read_stage(1, {0: ReadMode.ALL})))
    places = sorted(script.where(task) for task in script.running)
    assert places == ["a", "b", "c", "e", "e"]
    script.succeed(next(task for task in script.running if script.where(task) == "b"))
    assert [script.where(task) for task in script.launched()] == ["d"], "the one that has had no task"
    script.lose("a")
    assert len(script.launched()) == 1
    finish(script)
    (finished,) = script.got(QueryFinished)
    assert [len(run.tasks) for run in finished.runs] == [12, 1]


def test_stages_run_when_their_inputs_are_complete() -> None:
    script = Script(joined("a", slots=8))
    plan = plan_of(
        scan_stage(0, 2, 3),
        scan_stage(1, 1),
        read_stage(2, {0: ReadMode.ALIGNED, 1: ReadMode.ALL}, tasks=3),
        read_stage(3, {2: ReadMode.ALL}),
    )
    script.submit(plan)
    assert script.launched() == ["0.0.0.0", "0.0.1.0", "1.0.0.0"], "independent stages side by side"
    script.succeed("0.0.0.0")
    script.succeed("0.0.1.0")
    assert script.launched() == []
    script.succeed("1.0.0.0")
    assert script.launched() == ["2.0.0.0", "2.0.1.0", "2.0.2.0"]
    aligned, whole = script.spec("2.0.1.0").exchanges
    assert (aligned.partitions, whole.partitions) == ((1,), (0,))
    assert [file.task.partition for file in aligned.files] == [0, 1]
    for partition in range(3):
        script.succeed(f"2.0.{partition}.0")
    assert script.spec("3.0.0.0").exchanges[0].partitions == (0,)
    script.succeed("3.0.0.0")
    (finished,) = script.got(QueryFinished)
    assert [output.task.stage for output in finished.result.outputs] == [3]
    assert [(run.stage, run.attempts, len(run.tasks)) for run in finished.runs] == [
        (0, 1, 2),
        (1, 1, 1),
        (2, 1, 3),
        (3, 1, 1),
    ]
    assert finished.progress.tasks_done == finished.progress.tasks_total == 7


def test_at_the_end_only_the_result_stays_until_it_is_released() -> None:
    script = Script(joined("a"))
    name = script.submit(shuffle_plan(2))
    finish(script)
    dropped = {task.stage for drop in script.got(DropOutputs) for task in drop.tasks}
    assert dropped == {0, 1}
    assert script.machine.queries() != []
    script.post(QueryReleased(name))
    assert [drop.query for drop in script.got(DropQuery)] == [name]
    assert script.machine.queries() == []
    assert script.post(QueryReleased(name)) == []


def test_slots_are_never_exceeded_and_queries_take_turns() -> None:
    script = Script(joined("a", slots=2))
    script.submit(plan_of(scan_stage(0, 10)), 0)
    script.submit(plan_of(scan_stage(0, 1)), 1)
    script.succeed("0.0.0.0")
    script.succeed("0.0.1.0")
    ran = [launch.spec.id.query for launch in script.running.values()]
    assert "q1" in ran, "a short query does not wait for all of a long one"


def test_a_deadline_ends_a_query_and_frees_everything() -> None:
    script = Script(joined("a"))
    script.submit(shuffle_plan(2), timeout=5.0)
    script.wait(4.9)
    assert script.last == []
    script.wait(0.2)
    (failed,) = script.got(QueryFailed)
    assert isinstance(failed.error, QueryTimeout)
    assert failed.progress.state is QueryState.FAILED
    for name in list(script.running):
        script.fail(name, ErrorKind.CANCELLED)
    assert script.machine.queries() == []


def test_cancel_before_and_after_the_end() -> None:
    script = Script(joined("a"))
    name = script.submit(shuffle_plan(2))
    script.post(QueryCancelRequested(name))
    (failed,) = script.got(QueryFailed)
    assert isinstance(failed.error, QueryCancelled)
    assert failed.progress.state is QueryState.CANCELLED
    assert len(script.got(CancelTasks)[0].tasks) == 2
    assert script.post(QueryCancelRequested(name)) == []
    script.succeed("0.0.0.0")
    script.fail("0.0.1.0", ErrorKind.CANCELLED)
    assert len(script.got(DropQuery)) == 1
    assert script.post(QueryCancelRequested(name)) == []


def test_release_of_a_running_query_cancels_it() -> None:
    script = Script(joined("a"))
    name = script.submit(shuffle_plan(1))
    script.post(QueryReleased(name))
    assert isinstance(script.got(QueryFailed)[0].error, QueryCancelled)


def test_an_executor_that_does_not_stop_a_task_is_lost() -> None:
    script = Script(joined("a", lease=None))
    name = script.submit(shuffle_plan(1))
    script.post(QueryCancelRequested(name))
    script.wait(31.0)
    assert [parted.executor for parted in script.got(DisconnectExecutor)] == ["a"]
    assert script.machine.queries() == []


def test_no_executor_ever_is_told_at_once() -> None:
    script = Script()
    script.submit(shuffle_plan(1))
    (failed,) = script.got(QueryFailed)
    assert isinstance(failed.error, NoExecutors)
    assert "shoal executor --join" in str(failed.error)
    assert script.machine.queries() == []


def test_no_executor_any_more_is_told_after_a_grace_with_the_reason() -> None:
    script = Script(joined("a"))
    script.submit(shuffle_plan(1))
    script.lose("a")
    script.wait(9.9)
    assert not script.got(QueryFailed)
    script.wait(0.2)
    (failed,) = script.got(QueryFailed)
    assert isinstance(failed.error, NoExecutors)
    assert "died" in failed.error.context.story


def test_an_executor_that_comes_within_the_grace_takes_over() -> None:
    script = Script(joined("a"))
    script.submit(shuffle_plan(1))
    script.lose("a")
    script.wait(6.0)
    script.join("b")
    assert script.launched() == ["0.0.0.1"]
    script.lose("b")
    script.wait(6.0)
    assert not script.got(QueryFailed), "the grace begins anew"
    script.join("c")
    finish(script)
    assert script.got(QueryFinished)


def test_silence_ends_a_lease() -> None:
    script = Script(joined("a", lease=5.0))
    script.wait(3.0)
    script.post(Heartbeat(ExecutorId("a"), Incarnation("a.0")))
    script.wait(4.9)
    assert not script.got(DisconnectExecutor)
    script.wait(0.2)
    (parted,) = script.got(DisconnectExecutor)
    assert "silent for 5.0 s" in parted.reason


def test_a_coordinator_that_stood_still_does_not_blame_its_executors() -> None:
    script = Script(joined("a", lease=5.0))
    script.now = 60.0
    script.post(Tick())
    assert not script.got(DisconnectExecutor)
    script.wait(5.1)
    assert script.got(DisconnectExecutor)


def test_a_draining_executor_finishes_and_leaves_when_nothing_of_it_is_needed() -> None:
    script = Script(joined("a", slots=1), joined("b", slots=1))
    name = script.submit(shuffle_plan(2))
    draining = ExecutorDraining(ExecutorId("a"), Incarnation("a.0"))
    assert script.post(draining) == []
    script.succeed("0.0.0.0")
    script.succeed("0.0.1.0")
    assert {launch.executor for launch in script.running.values()} == {"b"}
    finish(script)
    assert not script.got(DisconnectExecutor), "the query is not released yet"
    script.post(QueryReleased(name))
    assert [parted.executor for parted in script.got(DisconnectExecutor)] == ["a"]
    assert [member.executor for member in script.machine.members()] == ["b"]


def test_a_plan_that_cannot_run_is_refused() -> None:
    script = Script(joined("a"))
    script.submit(plan_of(read_stage(0, {5: ReadMode.ALL})))
    assert isinstance(script.got(QueryFailed)[0].error, InvariantViolated)
    script.submit(plan_of(scan_stage(0, 1, 3), read_stage(1, {0: ReadMode.ALIGNED}, tasks=2)), 1)
    assert isinstance(script.got(QueryFailed)[0].error, InvariantViolated)
    script.submit(shuffle_plan(1), 2)
    script.post(QuerySubmitted(query(2), shuffle_plan(1)))
    assert isinstance(script.got(QueryFailed)[0].error, InvariantViolated)


def test_progress_and_members_tell_what_runs() -> None:
    script = Script(joined("a", slots=2))
    name = script.submit(shuffle_plan(2))
    task = script.spec("0.0.0.0").id
    script.post(TaskStarted(ExecutorId("a"), Incarnation("a.0"), task))
    script.succeed("0.0.0.0")
    script.now = 3.0
    progress = script.machine.progress(name, script.now)
    assert progress is not None
    assert (progress.state, progress.tasks_done, progress.tasks_total, progress.seconds) == (
        QueryState.RUNNING,
        1,
        5,
        3.0,
    )
    assert script.machine.progress(query(9), 3.0) is None
    assert [len(member.running) for member in script.machine.members()] == [1]


def test_thousands_of_deadlines_do_not_pile_up() -> None:
    script = Script(joined("a"))
    for number in range(5000):
        name = script.submit(plan_of(scan_stage(0, 1)), number, timeout=3600.0)
        finish(script)
        script.post(QueryReleased(name))
    assert len(script.machine._timers) < 2100
