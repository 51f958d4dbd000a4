"""COUNT(DISTINCT) over rows that are made distinct first: when it must not."""

import pytest

from shoal.planner.explain import render_text
from tests.planner.test_plan import FOUR, TABLES
from tests.planner.tpch_planning import EmptyKernel, plan

MARK = "distinct by"


@pytest.fixture(scope="module")
def kernel() -> EmptyKernel:
    return EmptyKernel(TABLES.tables)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(DISTINCT v) FROM large",
        "SELECT g, count(DISTINCT s) FROM large GROUP BY g",
    ],
)
def test_all_tasks_make_rows_distinct(kernel: EmptyKernel, sql: str) -> None:
    assert MARK in render_text(plan(sql, FOUR, TABLES, kernel))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(DISTINCT v), count(*) FROM large",
        "SELECT count(DISTINCT v), count(DISTINCT k) FROM large",
        "SELECT count(DISTINCT v) FILTER (WHERE k > 7) FROM large",
        "SELECT count(DISTINCT v::DOUBLE) FROM large",
        "SELECT count(v) FROM large",
    ],
)
def test_what_else_is_counted_needs_all_rows(kernel: EmptyKernel, sql: str) -> None:
    assert MARK not in render_text(plan(sql, FOUR, TABLES, kernel))
