"""The staged plans of the 99 TPC-DS queries at scale 100, on four executors: a change here is reviewed like code."""

from pathlib import Path

import pytest

from shoal.planner.explain import render_text
from shoal.planner.options import PlanOptions
from shoal.tpcds.tables import TPCDS
from tests.planner.tpcds_planning import tpcds_query, tpcds_tables
from tests.planner.tpch_planning import EmptyKernel, InjectedTables, plan

GOLDEN = Path(__file__).parent / "golden_tpcds"
SMALL = {41}
"""Queries that read so little, even at this scale, that one process answers them faster than any cluster."""
OPTIONS = PlanOptions(executors=4, threads=4, own_threads=4, check_plans=True)


@pytest.fixture(scope="module")
def tables() -> InjectedTables:
    return tpcds_tables()


@pytest.fixture(scope="module")
def kernel(tables: InjectedTables) -> EmptyKernel:
    return EmptyKernel(tables.tables)


@pytest.mark.parametrize("number", TPCDS.numbers)
def test_plan_is_the_golden_one(
    number: int, tables: InjectedTables, kernel: EmptyKernel, request: pytest.FixtureRequest
) -> None:
    planned = plan(tpcds_query(number), OPTIONS, tables, kernel)
    assert (planned.physical is None) is (number in SMALL), planned.reason
    text = render_text(planned) + "\n"
    path = GOLDEN / f"q{number:02}.txt"
    if request.config.getoption("--golden"):
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")
