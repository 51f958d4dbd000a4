"""Groups of a clustered key in ranges: where they are made so, what is written, and where they must not be."""

from dataclasses import replace

import pytest

from shoal.planner.explain import render_fragments, render_text
from shoal.planner.group_ranges import LEAST_GROUPS, MOST_RANGES
from shoal.planner.options import Distribute, PlanOptions
from tests.planner.tpch_planning import EmptyKernel, InjectedTables, plan

MARK = " ranges of "
LARGE = "SELECT l_orderkey, sum(l_quantity) FROM lineitem GROUP BY l_orderkey"


@pytest.fixture(scope="module")
def tables() -> InjectedTables:
    return InjectedTables()


@pytest.fixture(scope="module")
def kernel(tables: InjectedTables) -> EmptyKernel:
    return EmptyKernel(tables.tables)


def options(tasks: int = 1, disabled: str = "") -> PlanOptions:
    return PlanOptions(
        threads=2,
        partitions=tasks,
        memory_bytes=64 << 30,
        distribute=Distribute.ALWAYS,
        check_plans=True,
        disabled_rules=frozenset({disabled}),
    )


@pytest.mark.parametrize("tasks", [1, 3])
@pytest.mark.parametrize(
    "sql",
    [
        LARGE,
        "SELECT DISTINCT l_orderkey, l_suppkey FROM lineitem WHERE l_quantity < 30",
        "SELECT k, max(x) FROM (SELECT l_orderkey AS k, l_tax * 2 AS x FROM lineitem) GROUP BY k HAVING count(*) > 6",
    ],
)
def test_each_range_is_grouped_on_its_own(tables: InjectedTables, kernel: EmptyKernel, sql: str, tasks: int) -> None:
    planned = plan(sql, options(tasks), tables, kernel)
    assert f"in {MOST_RANGES}{MARK}" in render_text(planned)
    text = render_fragments(planned)
    assert text.count("UNION ALL") == MOST_RANGES
    assert text.count("GROUP BY") == MOST_RANGES + 1
    assert text.count("IS NULL") == 1
    assert MARK not in render_text(plan(sql, options(tasks, "group_by_ranges"), tables, kernel))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT l_orderkey + 1, sum(l_quantity) FROM lineitem GROUP BY ALL",
        "SELECT l_partkey, sum(l_quantity) FROM lineitem GROUP BY ALL",
        "SELECT l_orderkey, sum(p_size) FROM lineitem JOIN part ON l_partkey = p_partkey GROUP BY ALL",
        "SELECT n_nationkey, count(*) FROM nation GROUP BY ALL",
        "SELECT sum(l_quantity) FROM lineitem",
    ],
)
def test_one_hash_table_is_left_alone(tables: InjectedTables, kernel: EmptyKernel, sql: str) -> None:
    assert MARK not in render_text(plan(sql, options(), tables, kernel))


@pytest.mark.parametrize(("megabytes", "ranges"), [(64 << 10, MOST_RANGES), (256, 8), (64, 2), (16, 0)])
def test_hash_tables_begun_together_fit_into_memory(
    tables: InjectedTables, kernel: EmptyKernel, megabytes: int, ranges: int
) -> None:
    planned = plan(LARGE, replace(options(), memory_bytes=megabytes << 20), tables, kernel)
    assert render_fragments(planned).count("UNION ALL") == ranges


def test_many_tasks_have_few_groups_each(tables: InjectedTables, kernel: EmptyKernel) -> None:
    groups = 150_000_000
    assert MARK not in render_text(plan(LARGE, options(2 * groups // LEAST_GROUPS), tables, kernel))
