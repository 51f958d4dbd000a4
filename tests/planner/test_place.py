"""Where a statement runs: the cheapest of one process, one executor and several tasks, and what EXPLAIN says of it."""

import json
from dataclasses import replace

import pytest

from shoal.planner.candidate import prices_of
from shoal.planner.distribution import Arbitrary, Whole
from shoal.planner.explain import render_json, render_text
from shoal.planner.options import Distribute, PlanOptions
from shoal.planner.place import MOST_OWN_SECONDS, TASKS_LEAD, Offers, Place, price_places
from tests.planner.test_plan import FOUR, TABLES
from tests.planner.tpch_planning import EmptyKernel, plan

SMALL = "SELECT g, count(*) FROM small GROUP BY g"
LARGE = "SELECT s, sum(v), count(*) FROM large GROUP BY s"


@pytest.fixture(scope="module")
def kernel() -> EmptyKernel:
    return EmptyKernel(TABLES.tables)


@pytest.mark.parametrize(
    ("process", "executor", "tasks", "expected"),
    [
        (0.01, 0.02, 0.1, Place.PROCESS),
        (None, 0.02, 0.1, Place.EXECUTOR),
        (0.01, 0.2, 0.1, Place.PROCESS),
        (2 * MOST_OWN_SECONDS, 5.0, 4.0, Place.TASKS),
        (2 * MOST_OWN_SECONDS, 5.0, 6.0, Place.EXECUTOR),
        (0.04, 0.02, 0.1, Place.EXECUTOR),
        (None, 0.1, 0.1 - TASKS_LEAD / 2, Place.EXECUTOR),
        (None, 0.1, 0.1 - TASKS_LEAD * 2, Place.TASKS),
    ],
)
def test_the_cheapest_place(process: float | None, executor: float, tasks: float, expected: Place) -> None:
    offers = Offers(process, executor, tasks, 4)
    assert offers.choose(Distribute.AUTO) is expected
    assert offers.choose(Distribute.ALWAYS) is Place.TASKS


def test_threads_of_the_process_count() -> None:
    one = price_places(1.0, 0.5, 4, PlanOptions(executors=4, threads=1, own_threads=1))
    two = price_places(1.0, 0.5, 4, PlanOptions(executors=4, threads=1, own_threads=2))
    assert (one.process, two.process) == (1.0, 0.5)
    assert price_places(1.0, 0.5, 4, PlanOptions(executors=4)).process is None


def test_executors_that_share_cores_do_not_each_count_in_full(kernel: EmptyKernel) -> None:
    alone, shared = (prices_of(replace(FOUR, cores=cores)) for cores in (0, 2))
    assert [prices.share(Arbitrary()) for prices in (alone, shared)] == [4.0, 2.0]
    assert [prices.share(Whole()) for prices in (alone, shared)] == [1.0, 1.0]
    assert shared.stage_seconds == 2 * alone.stage_seconds
    seconds = [dict(plan(LARGE, replace(FOUR, cores=cores), TABLES, kernel).seconds)["4 tasks"] for cores in (0, 2, 1)]
    assert seconds == sorted(seconds)
    assert seconds[0] < seconds[1] < seconds[2]
    assert plan(LARGE, replace(FOUR, cores=1), TABLES, kernel).place is Place.EXECUTOR


def test_explain_shows_three_numbers(kernel: EmptyKernel) -> None:
    planned = plan(SMALL, replace(FOUR, own_threads=1), TABLES, kernel)
    assert planned.place is Place.PROCESS
    first = render_text(planned).splitlines()[0]
    assert first.startswith("1 stage: one process is expected to take 0.000 s, 4 tasks 0.")
    assert ", one executor 0." in first
    assert set(json.loads(render_json(planned))["seconds"]) == {"one process", "one executor", "4 tasks"}


def test_a_process_does_not_take_what_is_long(kernel: EmptyKernel) -> None:
    planned = plan(LARGE, replace(FOUR, own_threads=6), TABLES, kernel)
    assert planned.place is Place.TASKS
    assert f"s (its limit is {MOST_OWN_SECONDS} s)" in planned.reason


def test_a_process_that_only_plans_says_so(kernel: EmptyKernel) -> None:
    for sql in (SMALL, LARGE):
        planned = plan(sql, FOUR, TABLES, kernel)
        assert planned.reason.endswith(", one process: the one that plans runs nothing")
        assert [name for name, _ in planned.seconds] == ["one executor", "4 tasks"]
