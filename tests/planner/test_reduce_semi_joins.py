"""A semi or anti join of few rows with many brings the matches to the few; when it must not."""

from dataclasses import replace

import pytest

from shoal.planner.explain import render_text
from shoal.planner.options import JoinStrategy
from tests.planner.test_plan import FOUR, TABLES
from tests.planner.tpch_planning import EmptyKernel, plan

ANTI = "SELECT s FROM wide WHERE g = 7 AND k < 90000 AND NOT EXISTS (SELECT 1 FROM large WHERE large.v = wide.v)"
MARK = "is less than all"


@pytest.fixture(scope="module")
def kernel() -> EmptyKernel:
    return EmptyKernel(TABLES.tables)


@pytest.mark.parametrize("word", ["NOT EXISTS", "EXISTS"])
def test_few_rows_are_sent_to_the_many(kernel: EmptyKernel, word: str) -> None:
    planned = plan(ANTI.replace("NOT EXISTS", word), FOUR, TABLES, kernel)
    assert MARK in render_text(planned)
    readers = [stage for stage in planned.staged.stages if any("large" in scan.name for scan in stage.scans)]
    assert [len(scan.splits) for stage in readers for scan in stage.scans] == [4]


def test_it_can_be_switched_off(kernel: EmptyKernel) -> None:
    options = replace(FOUR, disabled_rules=frozenset({"reduce_semi_joins"}))
    assert MARK not in render_text(plan(ANTI, options, TABLES, kernel))


def test_a_strategy_that_is_asked_for_is_taken(kernel: EmptyKernel) -> None:
    options = replace(FOUR, join_strategy=JoinStrategy.PARTITIONED)
    assert MARK not in render_text(plan(ANTI, options, TABLES, kernel))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT s FROM wide WHERE NOT EXISTS (SELECT 1 FROM large WHERE large.v = wide.v)",
        "SELECT s FROM wide WHERE g = 7 AND NOT EXISTS (SELECT 1 FROM small WHERE small.v = wide.v)",
        "SELECT s FROM wide WHERE g = 7 AND NOT EXISTS (SELECT 1 FROM large WHERE large.v > wide.v)",
        "SELECT wide.s FROM wide LEFT JOIN large ON large.v = wide.v WHERE wide.g = 7",
    ],
)
def test_it_needs_few_rows_many_rows_and_an_equality(kernel: EmptyKernel, sql: str) -> None:
    assert MARK not in render_text(plan(sql, FOUR, TABLES, kernel))
