"""Whole plans: when statements are cut into tasks, what the stages are, and what EXPLAIN shows of them."""

import json
import re
from collections.abc import Mapping

import duckdb
import pytest

from shoal.planner.errors import ColumnNotFound
from shoal.planner.explain import render_fragments, render_json, render_text
from shoal.planner.options import Distribute, JoinStrategy, PlanOptions
from shoal.planner.plan import PlannedQuery
from shoal.planner.protocols import ColumnStatistics, KeyRange, RowGroup, TableStatistics
from shoal.planner.source import ArrowSource, Field, FileFormat, FileIdentity, FileSource, TableSource, ViewDefinition
from shoal.planner.stage import ReadMode
from tests.planner.tpch_planning import EmptyKernel, InjectedTables, plan

ROWS = {"large": 10_000_000, "wide": 4_000_000, "small": 200}


class Tables(InjectedTables):
    """Three tables of (k, g, v): two large ones in several files, and a small one."""

    def __init__(self) -> None:
        fields = (Field("k", "BIGINT"), Field("g", "INTEGER"), Field("v", "DECIMAL(9,2)"), Field("s", "VARCHAR"))
        self.tables = {}
        self.statistics = {}
        for name, rows in ROWS.items():
            file = FileIdentity(f"{name}.parquet", rows * 30, 0)
            self.tables[name] = FileSource(FileFormat.PARQUET, (file,), fields)
            columns = {
                "k": ColumnStatistics(0, rows // 4, 0.0, rows / 4, 8.0),
                "g": ColumnStatistics(0, 99, 0.0, min(100.0, rows), 4.0),
                "v": ColumnStatistics(None, None, 0.0, rows / 10, 8.0),
                "s": ColumnStatistics(None, None, 0.1, min(1000.0, rows), 12.0),
            }
            groups = tuple(RowGroup(rows // 20, rows * 30 // 20) for _ in range(20))
            self.statistics[name] = TableStatistics(rows, rows * 30.0, columns, {file.path: groups})

    def key_ranges(self, source: TableSource, column: str) -> tuple[KeyRange, ...]:
        """Nothing is clustered."""
        return ()


TABLES = Tables()
FOUR = PlanOptions(executors=4, threads=1, memory_bytes=4 << 30, check_plans=True)
ALWAYS = PlanOptions(threads=1, partitions=3, distribute=Distribute.ALWAYS, check_plans=True)


@pytest.fixture(scope="module")
def kernel() -> EmptyKernel:
    return EmptyKernel(TABLES.tables)


def tasks(planned: PlannedQuery) -> list[int]:
    return [stage.tasks for stage in planned.staged.stages]


def test_one_process_runs_everything_whole(kernel: EmptyKernel) -> None:
    planned = plan("SELECT count(*) FROM large", PlanOptions(executors=0), TABLES, kernel)
    assert tasks(planned) == [1]
    assert planned.reason == "in one process the kernel plans the whole statement itself"
    assert planned.staged.result.kernel_join_order


def test_never_is_never(kernel: EmptyKernel) -> None:
    options = PlanOptions(executors=4, distribute=Distribute.NEVER)
    planned = plan("SELECT g, count(*) FROM large GROUP BY g", options, TABLES, kernel)
    assert (tasks(planned), planned.reason) == ([1], "distribute is set to never")


def test_a_small_query_does_not_pay_for_a_cluster(kernel: EmptyKernel) -> None:
    planned = plan("SELECT g, count(*) FROM small GROUP BY g", FOUR, TABLES, kernel)
    assert tasks(planned) == [1]
    assert planned.reason.startswith("one executor is expected to take ")


def test_a_large_query_is_cut(kernel: EmptyKernel) -> None:
    planned = plan("SELECT s, sum(v), count(*) FROM large GROUP BY s", FOUR, TABLES, kernel)
    assert tasks(planned)[0] == 4
    assert planned.reason.startswith("4 tasks are expected to take ")
    assert not planned.staged.result.kernel_join_order


def test_what_cannot_be_cut_says_so(kernel: EmptyKernel) -> None:
    planned = plan("SELECT g, random() FROM large", ALWAYS, TABLES, kernel)
    assert (tasks(planned), planned.reason) == (
        [1],
        "one executor runs it whole: a function that gives another value at each call",
    )


def test_the_kernels_complaints_are_not_swallowed(kernel: EmptyKernel) -> None:
    with pytest.raises((ColumnNotFound, duckdb.BinderException)):
        plan("SELECT nothing_of_the_kind FROM large", ALWAYS, TABLES, kernel)


def test_groups_are_combined_by_their_hash(kernel: EmptyKernel) -> None:
    planned = plan("SELECT k, count(*) FROM large GROUP BY k", FOUR, TABLES, kernel)
    assert tasks(planned) == [4, 4]
    assert planned.staged.stages[0].output.partitions == 4


def test_a_global_aggregate_is_partial_everywhere(kernel: EmptyKernel) -> None:
    planned = plan("SELECT sum(v), avg(v), min(s) FROM large", ALWAYS, TABLES, kernel)
    assert tasks(planned) == [3, 1]
    assert "EXPORT_STATE" in planned.staged.stages[0].sql
    assert "combine_aggr" in planned.staged.stages[1].sql


def test_a_distinct_aggregate_is_not_split(kernel: EmptyKernel) -> None:
    planned = plan("SELECT g, count(DISTINCT s) FROM large GROUP BY g", ALWAYS, TABLES, kernel)
    assert not any("EXPORT_STATE" in stage.sql for stage in planned.staged.stages)
    assert planned.staged.stages[0].output.partitions == 3


def test_a_small_side_is_broadcast_and_two_large_ones_are_parted(kernel: EmptyKernel) -> None:
    small = plan("SELECT count(*) FROM large JOIN small USING (k)", FOUR, TABLES, kernel)
    large = plan("SELECT sum(a.v + b.v) FROM large a JOIN wide b ON a.k = b.k", FOUR, TABLES, kernel)
    assert "broadcast" in render_text(small)
    assert "partitioned" in render_text(large)


@pytest.mark.parametrize(
    ("strategy", "word"),
    [(JoinStrategy.BROADCAST, "broadcast, builds"), (JoinStrategy.PARTITIONED, "partitioned, builds")],
)
def test_a_strategy_that_is_set_is_taken(kernel: EmptyKernel, strategy: JoinStrategy, word: str) -> None:
    options = PlanOptions(threads=1, partitions=3, distribute=Distribute.ALWAYS, join_strategy=strategy)
    sql = "SELECT a.v, b.v FROM large a JOIN wide b ON a.k = b.k"
    assert word in render_text(plan(sql, options, TABLES, kernel))


@pytest.mark.parametrize("side", ["RIGHT", "FULL"])
def test_an_outer_join_does_not_broadcast_the_side_that_it_keeps(kernel: EmptyKernel, side: str) -> None:
    """Each task would deliver the rows of that side that found no match."""
    options = PlanOptions(threads=1, partitions=3, distribute=Distribute.ALWAYS, join_strategy=JoinStrategy.BROADCAST)
    sql = f"SELECT a.v, b.v FROM large a {side} JOIN wide b ON a.k = b.k"
    planned = plan(sql, options, TABLES, kernel)
    kept = [stage for stage in planned.staged.stages if any(scan.name == "scan_b" for scan in stage.scans)]
    if side == "FULL":
        assert "partitioned" in render_text(planned)
    else:
        assert kept[0].id == planned.staged.result.id


def test_a_join_by_the_group_key_moves_each_side_once(kernel: EmptyKernel) -> None:
    sql = "SELECT a.k, count(*) FROM large a JOIN wide b ON a.k = b.k GROUP BY a.k"
    options = PlanOptions(
        threads=1, partitions=3, distribute=Distribute.ALWAYS, join_strategy=JoinStrategy.PARTITIONED, check_plans=True
    )
    planned = plan(sql, options, TABLES, kernel)
    modes = [item.mode for stage in planned.staged.stages for item in stage.exchanges]
    assert modes == [ReadMode.ALIGNED] * 2


def test_keys_of_types_that_hash_differently_are_not_parted(kernel: EmptyKernel) -> None:
    options = PlanOptions(threads=1, partitions=3, distribute=Distribute.ALWAYS, join_strategy=JoinStrategy.PARTITIONED)
    planned = plan("SELECT a.k FROM large a JOIN wide b ON a.k = b.v", options, TABLES, kernel)
    assert "partitioned" not in render_text(planned)


def test_a_limit_is_cut_in_every_task(kernel: EmptyKernel) -> None:
    planned = plan("SELECT k FROM large ORDER BY v LIMIT 5 OFFSET 2", ALWAYS, TABLES, kernel)
    first, last = planned.staged.stages
    assert "LIMIT 7" in first.sql
    assert "LIMIT 5 OFFSET 2" in last.sql


def test_results_without_an_order_stay_where_they_are(kernel: EmptyKernel) -> None:
    assert tasks(plan("SELECT k, v FROM large WHERE g = 3", ALWAYS, TABLES, kernel)) == [3]


def test_an_ordered_result_comes_from_one_task(kernel: EmptyKernel) -> None:
    assert tasks(plan("SELECT k, v FROM large ORDER BY v", ALWAYS, TABLES, kernel)) == [3, 1]


def test_a_cut_off_subquery_is_computed_once(kernel: EmptyKernel) -> None:
    """Two computations of a LIMIT may give other rows: its one result goes to all tasks."""
    sql = "SELECT a.k FROM large a JOIN (SELECT k FROM wide LIMIT 10) b ON a.k = b.k"
    planned = plan(sql, ALWAYS, TABLES, kernel)
    limited = [stage for stage in planned.staged.stages if "LIMIT 10" in stage.sql]
    assert limited[-1].tasks == 1
    assert all(stage.tasks == 3 for stage in planned.staged.stages if stage.id == planned.staged.result.id)


TEXT = """\
2 stages: 3 tasks are expected to take # s, one executor # s, one process # s

stage 1, 1 task -> result, expects 1 row, 16 B
  Project  ~1 row, 16 B
  └─ Aggregate final SUM("v"), COUNT(*)  ~1 row, 16 B
     └─ Exchange from stage 0  ~3 rows, 48 B

stage 0, 3 tasks -> gather, expects 3 rows, 48 B
  Aggregate partial SUM("v"), COUNT(*)  ~3 rows, 48 B
  └─ Project  ~100,000 rows, 800.0 kB
     └─ Filter "g" = 3  ~100,000 rows, 1.2 MB
        └─ Scan large (g, v)  ~10,000,000 rows, 120.0 MB  [split among the tasks]"""

FRAGMENTS = """\
-- stage 0, 3 tasks -> gather, expects 3 rows, 48 B
-- scan_large = read_parquet(['large.parquet']) (g, v)
-- task 0: scan_large 'large.parquet' rows 0 to 3499999
-- task 1: scan_large 'large.parquet' rows 3500000 to 6499999
-- task 2: scan_large 'large.parquet' rows 6500000 to 9999999
SELECT SUM("v") AS "sum", COUNT(*) AS "count"
FROM "scan_large"
WHERE "g" = 3
HAVING true;

-- stage 1, 1 task -> result, expects 1 row, 16 B
-- exchange_0 = all partitions of stage 0
SELECT "sum" AS "sum(v)", "count" AS "count_star()"
FROM (
SELECT "sum", "count"
FROM (
  SELECT CAST(sum("sum") AS DECIMAL(38,2)) AS "sum", CAST(sum("count") AS BIGINT) AS "count"
  FROM "exchange_0"
  HAVING true
) AS t1
) AS rows;"""


def test_the_text_of_explain(kernel: EmptyKernel) -> None:
    planned = plan("SELECT sum(v), count(*) FROM large WHERE g = 3", ALWAYS, TABLES, kernel)
    assert re.sub(r"\d+\.\d{3} s", "# s", render_text(planned)) == TEXT
    assert render_fragments(planned) == FRAGMENTS


def test_the_json_of_explain(kernel: EmptyKernel) -> None:
    planned = plan("SELECT s, count(*) FROM large GROUP BY s", ALWAYS, TABLES, kernel)
    shown = json.loads(render_json(planned))
    assert [stage["tasks"] for stage in shown["stages"]] == tasks(planned)
    assert shown["stages"][1]["reads"][0]["stage"] == 0
    assert set(shown["seconds"]) == {"one process", "one executor", "3 tasks"}
    operator = shown["stages"][0]["plan"]
    while operator["inputs"]:
        operator = operator["inputs"][0]
    assert operator["operator"] == "Scan"
    assert operator["estimate"]["rows"] == ROWS["large"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT s, sum(v), avg(v), count(DISTINCT k) FROM large GROUP BY s",
        "SELECT s, avg(v) FROM large GROUP BY s",
        "SELECT a.k, b.s FROM large a JOIN wide b ON a.k = b.k WHERE a.s LIKE 'x\n%' ORDER BY 1 LIMIT 3",
        "SELECT k FROM large EXCEPT SELECT k FROM wide",
        "SELECT k, rank() OVER (PARTITION BY g ORDER BY v) FROM large WHERE k NOT IN (SELECT k FROM small)",
    ],
)
def test_fragments_can_be_pasted_into_duckdb(kernel: EmptyKernel, sql: str) -> None:
    planned = plan(sql, ALWAYS, TABLES, kernel)
    with duckdb.connect() as connection:
        for stage in planned.staged.stages:
            for scan in stage.scans:
                types = {column.name: column.type for column in scan.source.columns}
                _create(connection, scan.name, {name: types[name] for name in scan.columns})
        # What a stage delivers is what the next one reads.
        text = render_fragments(planned)
        for stage, statement in zip(planned.staged.stages, _statements(text), strict=True):
            view = f"CREATE TABLE exchange_{stage.id} AS {statement}"
            connection.execute(view)
        result = connection.execute(f"DESCRIBE exchange_{planned.staged.result.id}").fetchall()
    assert [(row[0], row[1]) for row in result] == [(field.name, field.type) for field in planned.columns]


def _create(connection: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str]) -> None:
    fields = ", ".join(f'"{column}" {type}' for column, type in columns.items()) or "nothing INTEGER"
    connection.execute(f"CREATE OR REPLACE TABLE {name} ({fields})")


def _statements(text: str) -> list[str]:
    parts = re.split(r";\n\n|;$", text)
    return [
        "\n".join(line for line in part.splitlines() if not line.startswith("--")) for part in parts if part.strip()
    ]


def test_views_and_arrow_data_are_planned_like_tables(kernel: EmptyKernel) -> None:
    class WithView(Tables):
        def lookup(self, name: str) -> TableSource | ViewDefinition | None:
            if name == "seen":
                return ViewDefinition("seen", "SELECT k AS a FROM large WHERE g = 1", ())
            if name == "held":
                return ArrowSource("key", (Field("k", "BIGINT"),), 10, 80)
            return super().lookup(name)

        def table(self, source: TableSource, columns: frozenset[str]) -> TableStatistics:
            return TableStatistics(10, 80.0) if isinstance(source, ArrowSource) else super().table(source, columns)

    kernel.connection.execute("CREATE OR REPLACE VIEW seen AS SELECT k AS a FROM large WHERE g = 1")
    kernel.connection.execute("CREATE OR REPLACE TABLE held (k BIGINT)")
    planned = plan("SELECT a FROM seen JOIN held ON a = k", ALWAYS, WithView(), kernel)
    assert planned.staged.result.tasks == 3
    held = [scan for stage in planned.staged.stages for scan in stage.scans if isinstance(scan.source, ArrowSource)]
    assert [len(scan.splits) for scan in held] == [1]


def test_the_order_of_rows_survives_the_naming_of_columns() -> None:
    """Names go on in a SELECT around an ordered one: the kernel keeps the order through it, with many threads too."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = 4")
        connection.execute("CREATE TABLE t AS SELECT hash(i) AS h, i FROM range(300000) AS r(i)")
        query = 'SELECT "h" AS "a name" FROM (SELECT h, i FROM t ORDER BY h) AS rows'
        values = connection.execute(query).fetchnumpy()["a name"]
    assert bool((values[1:] >= values[:-1]).all())
