"""What a statement names more than once is computed once; what has no rows is not computed; when neither may be."""

from dataclasses import replace

import pytest

from shoal.planner.explain import render_text
from shoal.planner.options import PlanOptions
from shoal.planner.plan import PlannedQuery
from tests.planner.test_plan import ALWAYS, TABLES
from tests.planner.tpch_planning import EmptyKernel, InjectedTables, plan, tpch_query

ONCE = "t is computed once for all who read it"
CHECKED = replace(ALWAYS, check_plans=True)


@pytest.fixture(scope="module")
def kernel() -> EmptyKernel:
    return EmptyKernel(TABLES.tables)


def shown(sql: str, kernel: EmptyKernel, disabled: str = "") -> str:
    options = replace(CHECKED, disabled_rules=frozenset(disabled.split(",")))
    return render_text(plan(sql, options, TABLES, kernel))


def scans(planned: PlannedQuery, table: str) -> int:
    """How many stages read a table."""
    return sum(scan.name.startswith(f"scan_{table}") for stage in planned.staged.stages for scan in stage.scans)


@pytest.mark.parametrize(
    "definition",
    [
        "SELECT k, v FROM large LIMIT 5000",
        "SELECT k, v FROM large ORDER BY v LIMIT 5000",
        "SELECT k, row_number() OVER (ORDER BY v) AS v FROM large",
        "SELECT k, sum(v::DOUBLE) AS v FROM large GROUP BY k",
    ],
)
def test_what_may_differ_is_computed_once(kernel: EmptyKernel, definition: str) -> None:
    sql = f"WITH t AS ({definition}) SELECT a.k, b.v FROM t a JOIN t b ON a.k = b.k"
    planned = plan(sql, CHECKED, TABLES, kernel)
    assert render_text(planned).count(ONCE) == 2
    assert scans(planned, "large") == 1


def test_what_the_statement_wants_once(kernel: EmptyKernel) -> None:
    twice = (
        "(SELECT k, g, sum(v) AS n FROM large GROUP BY k, g) SELECT a.k FROM t a JOIN t b ON a.k = b.k WHERE a.n > 3"
    )
    assert shown(f"WITH t AS MATERIALIZED {twice}", kernel).count(ONCE) == 2
    assert ONCE not in shown(f"WITH t AS NOT MATERIALIZED {twice}", kernel)


def test_what_is_read_once_is_no_plan_of_its_own(kernel: EmptyKernel) -> None:
    sql = "WITH t AS MATERIALIZED (SELECT k, v FROM large LIMIT 5000) SELECT k FROM t WHERE v > 3"
    assert ONCE not in shown(sql, kernel)


def test_readers_share_the_key_that_most_of_them_want(kernel: EmptyKernel) -> None:
    sql = """WITH t AS MATERIALIZED (SELECT k, g, v FROM large)
    SELECT a.k, count(*) FROM t a JOIN t b ON a.k = b.k GROUP BY a.k"""
    text = shown(sql, kernel)
    assert text.count("by hash of k  ") == 2
    assert "both sides are parted alike already" in text


def test_only_what_some_reader_wants_is_computed(kernel: EmptyKernel) -> None:
    sql = """WITH t AS MATERIALIZED (SELECT k, g, v, s FROM large)
    SELECT a.k, b.v FROM t a JOIN t b ON a.k = b.k WHERE a.g = 1 AND b.g = 2"""
    text = shown(sql, kernel)
    assert 'Filter "g" = 1 OR "g" = 2' in text
    assert "Scan large (k, g, v)" in text
    assert " OR " not in shown(sql, kernel, "filter_shared")
    everything = shown(sql.replace("AND b.g = 2", ""), kernel)
    assert " OR " not in everything


def test_a_recursive_block_alone_is_gathered(kernel: EmptyKernel) -> None:
    sql = """WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 9),
    u AS (SELECT k, sum(v) AS total FROM large GROUP BY k) SELECT n, total FROM r JOIN u ON k = n"""
    planned = plan(sql, CHECKED, TABLES, kernel)
    assert planned.physical is not None
    block = next(stage for stage in planned.staged.stages if "RECURSIVE" in stage.sql)
    assert "large" not in block.sql
    assert block.tasks == 1
    assert block.kernel_join_order


def test_what_a_block_reads_is_computed_outside_of_it(kernel: EmptyKernel) -> None:
    sql = """WITH RECURSIVE s AS (SELECT k, sum(v) AS low FROM large GROUP BY k),
    r(n) AS (SELECT min(low) FROM s UNION ALL SELECT n + 1 FROM r WHERE n < 9)
    SELECT s.k, n FROM s JOIN r ON s.k = n"""
    planned = plan(sql, CHECKED, TABLES, kernel)
    block = next(stage for stage in planned.staged.stages if "RECURSIVE" in stage.sql)
    assert not block.scans
    assert len(block.exchanges) == 1
    assert 'WITH "s"("k", "low") AS' in block.sql
    assert planned.staged.stages[0].tasks == 3


def test_what_only_the_kernel_computes_is_in_the_block(kernel: EmptyKernel) -> None:
    sql = """WITH RECURSIVE s AS (SELECT DISTINCT ON (x) x AS low FROM (VALUES (0), (1)) AS v(x)),
    r(n) AS (SELECT low FROM s UNION ALL SELECT n + 1 FROM r WHERE n < 9) SELECT k, n FROM large JOIN r ON k = n"""
    planned = plan(sql, CHECKED, TABLES, kernel)
    assert any("RECURSIVE" in stage.sql and "DISTINCT ON" in stage.sql.upper() for stage in planned.staged.stages)


def test_a_part_that_a_task_needs_twice(kernel: EmptyKernel) -> None:
    tables = InjectedTables()
    options = PlanOptions(executors=2, threads=1, own_threads=4, check_plans=True)
    planned = plan(tpch_query(15), options, tables, EmptyKernel(tables.tables))
    text = render_text(planned)
    assert "[computed once, as once_1]" in text
    assert "once_1  ~94,322 rows" in text
    stage = planned.staged.stages[1]
    assert stage.sql.count('sum("sum') == 1
    assert len(stage.exchanges) == 1
    assert stage.sql.startswith("WITH once_1 AS MATERIALIZED (\n")
    off = plan(
        tpch_query(15), replace(options, disabled_rules=frozenset({"compute_once"})), tables, EmptyKernel(tables.tables)
    )
    assert "once_1" not in render_text(off)
    assert off.staged.stages[1].sql.count('sum("sum') == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("sum(v)", "sum(k)"),
        ("sum(v)", "sum(v) FILTER (WHERE k > 2)"),
        ("min(v)", "max(v)"),
    ],
)
def test_parts_that_only_look_alike(kernel: EmptyKernel, first: str, second: str) -> None:
    sql = f"""SELECT a.n, b.n FROM (SELECT g, {first} AS n FROM large GROUP BY g) a
    JOIN (SELECT g, {second} AS n FROM large GROUP BY g) b ON a.g = b.g"""
    assert "once_1" not in shown(sql, kernel)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT k FROM large WHERE k > 5 AND k < 3",
        "SELECT a.k FROM large a JOIN wide b ON a.k = b.k WHERE b.k = 2 AND b.k = 3",
        "SELECT k, count(*) FROM large WHERE false GROUP BY k",
        "SELECT k FROM large LIMIT 0",
        "SELECT k FROM large WHERE k IN (SELECT k FROM wide WHERE false)",
    ],
)
def test_nothing_is_read_for_no_rows(kernel: EmptyKernel, sql: str) -> None:
    (line,) = shown(sql, kernel).splitlines()[3:]
    assert line.startswith("  Values 0 rows  ~1 row, ")
    assert line.endswith("[it is known that there are none]")
    assert "Scan" in shown(sql, kernel, "prune_empty")


APART = """WITH t AS (SELECT 'x' AS kind, k, sum(v::DOUBLE) AS n FROM large GROUP BY k
UNION ALL SELECT 'y', k, sum(v::DOUBLE) FROM wide GROUP BY k)
SELECT a.k, a.n, b.n FROM t a JOIN t b ON a.k = b.k WHERE {filters}"""


@pytest.mark.parametrize(
    ("filters", "apart"),
    [
        ("a.kind = 'x' AND b.kind = 'y'", True),
        ("a.k = 7 AND b.k = 7 + 1", True),
        ("a.k < 5 AND b.k > 5 AND a.kind = b.kind", True),
        ("a.kind = 'x' AND b.kind = 'X'", False),
        ("a.kind = 'x'", False),
        ("a.k <= 5 AND b.k >= 5", False),
        ("a.n < 5 AND b.n > 5", False),
    ],
)
def test_readers_of_other_rows_compute_their_own(kernel: EmptyKernel, filters: str, apart: bool) -> None:
    sql = APART.format(filters=filters)
    assert (ONCE not in shown(sql, kernel)) == apart
    assert ONCE in shown(sql, kernel, "expand_apart")


FOLDED = """WITH t AS (SELECT k, sum(v) AS n FROM large GROUP BY k)
SELECT a.k, b.k FROM t a JOIN t b ON a.k = b.k + 0 WHERE a.n > 3"""


def test_what_all_readers_want_is_computed_once_if_that_is_cheaper(kernel: EmptyKernel) -> None:
    assert shown(FOLDED, kernel).count(ONCE) == 2
    assert shown(FOLDED, kernel).count("Scan large") == 1
    assert shown(FOLDED, kernel, "fold_plans").count("Scan large") == 2
    assert ONCE not in shown(FOLDED.replace("AS (", "AS NOT MATERIALIZED ("), kernel)


@pytest.mark.parametrize(
    "sql",
    [
        "WITH t AS (SELECT k, v FROM large) SELECT a.v, b.v FROM t a JOIN t b ON a.k = b.k WHERE a.v = 3",
        "WITH t AS (SELECT k, sum(v) AS n FROM small GROUP BY k) SELECT a.n, b.n FROM t a JOIN t b ON a.k = b.k + 1",
    ],
)
def test_what_each_reader_does_better_is_not(kernel: EmptyKernel, sql: str) -> None:
    assert ONCE not in shown(sql, kernel)
