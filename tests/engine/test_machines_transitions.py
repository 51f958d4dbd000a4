"""The transition tables, pair by pair, and what each machine does with a pair that is not in its table."""

from collections.abc import Mapping
from enum import StrEnum
from itertools import product

import pytest

from shoal.coordinator.query_machine import QUERY_TRANSITIONS, QueryTrigger
from shoal.coordinator.stage_machine import STAGE_TRANSITIONS, StageMachine, StageState, StageTrigger
from shoal.coordinator.task_machine import TASK_TRANSITIONS, TaskAttempt, TaskState, TaskTrigger
from shoal.planner.ids import ExecutorId, Incarnation, StageId, TaskId
from shoal.runner import QueryState
from tests.engine.coordinator_plans import query, scan_stage

TABLES: list[tuple[Mapping[tuple[StrEnum, StrEnum], StrEnum], type[StrEnum], StrEnum]] = [
    (TASK_TRANSITIONS, TaskState, TaskState.LAUNCHED),  # type: ignore[list-item]
    (STAGE_TRANSITIONS, StageState, StageState.WAITING),  # type: ignore[list-item]
    (QUERY_TRANSITIONS, QueryState, QueryState.QUEUED),  # type: ignore[list-item]
]


@pytest.mark.parametrize(("table", "states", "first"), TABLES)
def test_terminal_states_have_no_way_out_and_all_others_a_way_to_the_end(
    table: Mapping[tuple[StrEnum, StrEnum], StrEnum], states: type[StrEnum], first: StrEnum
) -> None:
    ways: dict[StrEnum, set[StrEnum]] = {state: set() for state in states}
    for (before, _), after in table.items():
        ways[before].add(after)
    for state in states:
        assert bool(ways[state]) != state.is_terminal  # type: ignore[attr-defined]
        reached, front = {state}, [state]
        while front:
            new = ways[front.pop()] - reached
            reached |= new
            front += new
        assert any(each.is_terminal for each in reached)  # type: ignore[attr-defined]
        if state is first:
            assert reached == set(states)


@pytest.mark.parametrize(("state", "trigger"), list(product(TaskState, TaskTrigger)))
def test_task_attempt_follows_its_table(state: TaskState, trigger: TaskTrigger) -> None:
    task = TaskId(query(), StageId(0), 0, 0, 0)
    attempt = TaskAttempt(task, ExecutorId("x"), Incarnation("x.0"), 1.0, alone=False)
    attempt.state = state
    told = len(attempt.story.lines())
    expected = TASK_TRANSITIONS.get((state, trigger))
    assert attempt.apply(trigger, 2.0) is (expected is not None)
    assert attempt.state is (expected or state)
    assert len(attempt.story.lines()) == told + (expected is not None)


@pytest.mark.parametrize(("state", "trigger"), list(product(StageState, StageTrigger)))
def test_stage_follows_its_table(state: StageState, trigger: StageTrigger) -> None:
    machine = StageMachine(scan_stage(0, 2), 0.0)
    machine.state = state
    expected = STAGE_TRANSITIONS.get((state, trigger))
    assert machine.apply(trigger, 1.0) is (expected is not None)
    assert machine.state is (expected or state)


def test_every_end_of_an_attempt_is_final() -> None:
    """However updates are doubled and reordered, the first end counts."""
    ends = {
        TaskTrigger.SUCCEED: TaskState.SUCCEEDED,
        TaskTrigger.FAIL: TaskState.FAILED,
        TaskTrigger.LOSE: TaskState.LOST,
    }
    for (first, state), later in product(ends.items(), TaskTrigger):
        attempt = TaskAttempt(
            TaskId(query(), StageId(0), 0, 0, 0), ExecutorId("x"), Incarnation("x.0"), 0.0, alone=False
        )
        assert attempt.apply(first, 1.0)
        assert not attempt.apply(later, 2.0)
        assert attempt.state is state


def test_query_table_has_one_start_and_three_ends() -> None:
    triggers = {(before, trigger) for before, trigger in QUERY_TRANSITIONS}
    assert (QueryState.QUEUED, QueryTrigger.FINISH) not in triggers
    assert {after for after in QUERY_TRANSITIONS.values() if after.is_terminal} == {
        QueryState.FINISHED,
        QueryState.FAILED,
        QueryState.CANCELLED,
    }
