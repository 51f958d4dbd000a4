"""One stage makes rows for all that read the same ones; when it must not, and what EXPLAIN shows."""

from dataclasses import replace

import pytest

from shoal.planner.plan import PlannedQuery
from tests.planner.test_plan import ALWAYS, TABLES
from tests.planner.tpch_planning import EmptyKernel, plan

TWICE = """WITH totals AS (SELECT k, sum(v) AS total FROM large GROUP BY k)
SELECT k, total FROM totals WHERE total = (SELECT max(total) FROM totals)"""


@pytest.fixture(scope="module")
def kernel() -> EmptyKernel:
    return EmptyKernel(TABLES.tables)


def scans(planned: PlannedQuery, table: str) -> int:
    """How many stages read a table."""
    return sum(scan.name.startswith(f"scan_{table}") for stage in planned.staged.stages for scan in stage.scans)


def test_a_table_expression_named_twice_is_made_once(kernel: EmptyKernel) -> None:
    assert scans(plan(TWICE, ALWAYS, TABLES, kernel), "large") == 1


def test_it_can_be_switched_off(kernel: EmptyKernel) -> None:
    options = replace(ALWAYS, disabled_rules=frozenset({"share_exchanges", "fold_plans"}))
    assert scans(plan(TWICE, options, TABLES, kernel), "large") == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("SELECT sum(v) AS t FROM large GROUP BY k", "SELECT sum(v) AS t FROM large GROUP BY g"),
        ("SELECT sum(v) AS t FROM large GROUP BY k", "SELECT sum(k) AS t FROM large GROUP BY k"),
        (
            "SELECT sum(v) AS t FROM large WHERE g = 1 GROUP BY k",
            "SELECT sum(v) AS t FROM large WHERE g = 2 GROUP BY k",
        ),
        ("SELECT sum(v) AS t FROM large GROUP BY k", "SELECT sum(v) AS t FROM wide GROUP BY k"),
    ],
)
def test_what_only_looks_alike_is_made_for_each(kernel: EmptyKernel, first: str, second: str) -> None:
    planned = plan(f"SELECT * FROM ({first}) UNION ALL SELECT * FROM ({second})", ALWAYS, TABLES, kernel)
    assert sum(scans(planned, table) for table in ("large", "wide")) == 2


def test_rows_that_move_before_they_are_grouped_move_once(kernel: EmptyKernel) -> None:
    sql = "SELECT min(v) FROM large GROUP BY k UNION ALL SELECT max(v) FROM large GROUP BY k"
    assert scans(plan(sql, ALWAYS, TABLES, kernel), "large") == 1


def test_a_gather_reads_what_is_parted(kernel: EmptyKernel) -> None:
    sql = """WITH t AS (SELECT k, sum(v) AS total FROM large GROUP BY k)
    SELECT a.k FROM t AS a JOIN wide ON a.k = wide.k WHERE a.total > (SELECT avg(total) FROM t)"""
    planned = plan(sql, ALWAYS, TABLES, kernel)
    assert scans(planned, "large") == 1
    assert all(item.stage < stage.id for stage in planned.staged.stages for item in stage.exchanges)


def test_one_task_may_read_a_stage_twice(kernel: EmptyKernel) -> None:
    sql = "WITH t AS (SELECT g, count(*) AS n FROM large GROUP BY g) SELECT * FROM t AS a JOIN t AS b ON a.n = b.n + 1"
    planned = plan(sql, ALWAYS, TABLES, kernel)
    assert scans(planned, "large") == 1
    for stage in planned.staged.stages:
        names = [item.name for item in stage.exchanges]
        assert len(set(names)) == len(names)
