"""The staged plans of the 22 TPC-H queries at scale 100, on four executors: a change here is reviewed like code."""

from pathlib import Path

import pytest

from shoal.planner.explain import render_text
from shoal.planner.options import PlanOptions
from tests.planner.tpch_planning import EmptyKernel, InjectedTables, plan, tpch_query

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def tables() -> InjectedTables:
    return InjectedTables()


@pytest.fixture(scope="module")
def kernel(tables: InjectedTables) -> EmptyKernel:
    return EmptyKernel(tables.tables)


@pytest.mark.parametrize("number", range(1, 23))
def test_plan_is_the_golden_one(
    number: int, tables: InjectedTables, kernel: EmptyKernel, request: pytest.FixtureRequest
) -> None:
    options = PlanOptions(executors=4, threads=4, own_threads=4, check_plans=True)
    planned = plan(tpch_query(number), options, tables, kernel)
    assert planned.physical is not None, planned.reason
    text = render_text(planned) + "\n"
    path = GOLDEN / f"q{number:02}.txt"
    if request.config.getoption("--golden"):
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


def test_planning_twice_gives_the_same_plan(tables: InjectedTables, kernel: EmptyKernel) -> None:
    options = PlanOptions(executors=3, threads=2)
    for number in (2, 5, 8, 9, 21):
        sql = tpch_query(number)
        assert plan(sql, options, tables, kernel) == plan(sql, options, tables, kernel)
