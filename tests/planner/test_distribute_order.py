"""What is done on both sides of an exchange: partial aggregates where they shrink, first rows, windows, sorts."""

from dataclasses import replace

import pytest

from shoal.planner.explain import render_text
from shoal.planner.options import PlanOptions
from shoal.planner.plan import PlannedQuery
from tests.planner.test_plan import FOUR, TABLES, tasks
from tests.planner.tpch_planning import EmptyKernel, plan


@pytest.fixture(scope="module")
def kernel() -> EmptyKernel:
    return EmptyKernel(TABLES.tables)


def shown(planned: PlannedQuery) -> list[str]:
    """The text of EXPLAIN, a stage an item, in the order in which they run, without estimates."""
    lines = [line.partition("  ~")[0].lstrip(" │├└─") for line in render_text(planned).splitlines()]
    return "\n".join(lines).split("\n\n")[:0:-1]


def planned(sql: str, kernel: EmptyKernel, options: PlanOptions = FOUR) -> list[str]:
    return shown(plan(sql, options, TABLES, kernel))


def test_few_groups_are_made_before_they_move(kernel: EmptyKernel) -> None:
    first, last = planned("SELECT s, sum(v) FROM large GROUP BY s", kernel)
    assert "Aggregate partial" in first
    assert "Aggregate final" in last


def test_groups_of_few_rows_are_made_after_they_moved(kernel: EmptyKernel) -> None:
    first, last = planned("SELECT k, sum(v) FROM large GROUP BY k", kernel)
    assert "Aggregate" not in first
    assert 'Aggregate SUM("v") by k\nExchange from stage 0 by hash of k' in last


def test_the_first_rows_of_each_task_and_of_all(kernel: EmptyKernel) -> None:
    first, last = planned("SELECT k, s FROM large ORDER BY v LIMIT 10 OFFSET 5", kernel)
    assert 'Limit 15\nSort "v"' in first
    assert 'Limit 10 after 5\nSort "v"\nExchange from stage 0' in last


def test_any_rows_of_each_task_and_of_all(kernel: EmptyKernel) -> None:
    first, last = planned("SELECT k FROM large WHERE v > 3 LIMIT 7", kernel)
    assert first.splitlines()[1].startswith("Limit 7")
    assert "Limit 7\nExchange" in last


def test_a_limit_is_in_every_part_of_a_union(kernel: EmptyKernel) -> None:
    stages = planned("SELECT k FROM large UNION ALL SELECT k FROM wide LIMIT 7", kernel)
    assert all("Limit 7\nScan" in stage for stage in stages[:-1])
    assert stages[-1].count("Limit 7") == 3


def test_the_first_rows_of_a_union(kernel: EmptyKernel) -> None:
    first, last = planned("(SELECT k FROM large UNION ALL SELECT k FROM wide) ORDER BY k LIMIT 7", kernel)
    assert "Limit 7\nSort" in first
    assert "Union all" in first
    assert "Limit 7\nSort" in last


def test_a_limit_is_at_the_kept_side_of_a_left_join_and_above(kernel: EmptyKernel) -> None:
    stages = planned("SELECT a.k, b.v FROM large a LEFT JOIN wide b ON a.k = b.k LIMIT 7", kernel)
    assert stages[0].endswith("Limit 7\nScan a (k)")
    assert "Limit 7\nJoin left" in stages[-2]
    inner = planned("SELECT a.k, b.v FROM large a JOIN wide b ON a.k = b.k LIMIT 7", kernel)
    assert all("Limit 7\nScan" not in stage for stage in inner)


def test_windows_are_computed_where_their_partitions_are(kernel: EmptyKernel) -> None:
    both = "SELECT sum(v) OVER (PARTITION BY g, k) AS a, rank() OVER (PARTITION BY g ORDER BY v) AS b FROM large"
    for sql in ("SELECT k, sum(v) OVER (PARTITION BY g) AS r FROM large", both):
        first, last = planned(sql, kernel)
        assert "Window" not in first
        assert "Exchange from stage 0 by hash of g" in last
        assert tasks(plan(sql, FOUR, TABLES, kernel)) == [4, 4]


def test_a_window_without_partitions_is_computed_in_one_place(kernel: EmptyKernel) -> None:
    planned = plan("SELECT k, sum(v) OVER (ORDER BY k) AS r FROM large", FOUR, TABLES, kernel)
    assert tasks(planned)[-1] == 1


RANKED = "SELECT k, g, v FROM large QUALIFY row_number() OVER (PARTITION BY g ORDER BY v) <= 3"


def test_first_rows_of_few_partitions_are_cut_off_in_each_task(kernel: EmptyKernel) -> None:
    first, last = planned(RANKED, kernel)
    assert 'Filter "row_number$" <= 3\nWindow ROW_NUMBER() OVER (PARTITION BY "g" ORDER BY "v")' in first
    assert 'Filter "row_number" <= 3\nWindow' in last
    assert "expects 300 rows" in render_text(plan(RANKED, FOUR, TABLES, kernel))
    off = replace(FOUR, disabled_rules=frozenset({"limit_ranks"}))
    assert all("$" not in stage for stage in planned(RANKED, kernel, off))


def test_first_rows_of_many_partitions_are_not(kernel: EmptyKernel) -> None:
    """There are about as many rows in each partition as are asked for."""
    sql = "SELECT k, g, v FROM large QUALIFY row_number() OVER (PARTITION BY k ORDER BY v) <= 3"
    assert all("$" not in stage for stage in planned(sql, kernel))


def test_a_large_result_is_sorted_by_ranges(kernel: EmptyKernel) -> None:
    sql = "SELECT k, v FROM large ORDER BY k DESC, v"
    made = plan(sql, FOUR, TABLES, kernel)
    first, last = shown(made)
    assert "Sort" not in first
    assert 'Sort "k" DESC, "v"\nExchange from stage 0 by range of k' in last
    assert tasks(made) == [4, 4]
    assert 'WHEN "k" >= 1875000 THEN 0' in made.staged.stages[0].sql
    off = replace(FOUR, disabled_rules=frozenset({"sort_by_ranges"}))
    assert tasks(plan(sql, off, TABLES, kernel)) == [4, 1]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT k, v FROM large ORDER BY v + 1",
        "SELECT k, v FROM large ORDER BY v",
        "SELECT k, v FROM large ORDER BY s",
        "SELECT g, sum(v) AS total FROM large GROUP BY g ORDER BY g",
        "SELECT g, sum(v) AS total FROM large GROUP BY g ORDER BY total",
    ],
)
def test_results_that_one_task_sorts(kernel: EmptyKernel, sql: str) -> None:
    """Keys of whose values nothing is known, and few rows."""
    assert tasks(plan(sql, FOUR, TABLES, kernel))[-1] == 1


@pytest.mark.parametrize(
    ("sql", "key"),
    [
        ("SELECT k, v FROM large ORDER BY k + 1", "order_key"),
        ("SELECT k, count(*) AS n FROM large GROUP BY k ORDER BY n DESC", "count"),
    ],
)
def test_computed_keys_are_parted_where_they_are_likely_to_be(kernel: EmptyKernel, sql: str, key: str) -> None:
    made = plan(sql, FOUR, TABLES, kernel)
    assert f"by range of {key}" in render_text(made)
    assert tasks(made)[-1] == 4
    off = replace(FOUR, disabled_rules=frozenset({"sort_by_expressions"}))
    assert tasks(plan(sql, off, TABLES, kernel))[-1] == 1


def test_an_order_below_the_result_is_not_spread(kernel: EmptyKernel) -> None:
    planned = plan("SELECT k FROM (SELECT k FROM large ORDER BY k LIMIT 500000) WHERE k > 7", FOUR, TABLES, kernel)
    assert "by range" not in render_text(planned)
