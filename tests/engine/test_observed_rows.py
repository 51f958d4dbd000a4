"""Rows of past runs: later plans use them, for the same files only, and no answer changes."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import shoal
from shoal.observed_rows import ObservableStages, ObservedRows
from shoal.planner import physical as p
from shoal.planner.cost.canonical import CanonicalPlans
from shoal.planner.ids import ExecutorId, QueryId, StageId, TaskId
from shoal.planner.stage import Estimate, Stage, StagedPlan, StageVariant, TaskMetrics
from shoal.runner import StageRun, TaskRun
from tests.planner.small_tables import scan, where

QUERY = """
SELECT s.name, count(*) AS n FROM facts f JOIN small s ON f.k = s.k AND f.v < 50
WHERE s.name LIKE 'a%' GROUP BY s.name ORDER BY s.name
"""


def write(path: Path, rows: int = 20_000, limit: int = 40) -> None:
    chance = random.Random(1)
    pq.write_table(
        pa.table(
            {
                "k": [chance.randrange(limit) for _ in range(rows)],
                "v": [chance.randrange(100) for _ in range(rows)],
            }
        ),
        path / "facts.parquet",
        row_group_size=5000,
    )
    names = ["a" if key % 7 == 0 else "b" for key in range(2000)]
    pq.write_table(pa.table({"k": list(range(2000)), "name": names}), path / "small.parquet")


@pytest.fixture
def con(tmp_path: Path) -> Iterator[shoal.Connection]:
    write(tmp_path)
    found = shoal.connect()
    for name in ("facts", "small"):
        found.register(name, str(tmp_path / f"{name}.parquet"))
    found.execute("SET distribute = 'always'")
    found.execute("SET partitions = 2")
    found.execute("SET disabled_rules = 'runtime_filters,switch_joins'")
    yield found
    found.close()


def explained(con: shoal.Connection, query: str = QUERY) -> list[str]:
    return [row[0] for row in con.execute("EXPLAIN " + query).fetchall()]


def observed(con: shoal.Connection, query: str = QUERY) -> list[int]:
    found = [re.search(r"~([\d,]+) rows?, [^(]*\(observed\)", line) for line in explained(con, query)]
    return [int(match[1].replace(",", "")) for match in found if match is not None]


def test_what_ran_is_known_afterwards(con: shoal.Connection, tmp_path: Path) -> None:
    assert not observed(con)
    answer = con.execute(QUERY).fetchall()
    small = f"'{tmp_path / 'small.parquet'}'"
    right = duckdb.sql(f"SELECT count(*) FROM {small} WHERE name LIKE 'a%'").fetchall()
    assert right[0][0] in observed(con)
    assert con.execute(QUERY).fetchall() == answer
    facts = f"'{tmp_path / 'facts.parquet'}'"
    sql = QUERY.replace("FROM facts", f"FROM {facts}").replace("JOIN small", f"JOIN {small}")
    assert answer == duckdb.sql(sql).fetchall()


def test_another_text_with_the_same_part_uses_it(con: shoal.Connection) -> None:
    con.execute(QUERY).fetchall()
    other = "SELECT max(x.k) FROM small x JOIN facts y ON x.k = y.k WHERE x.name LIKE 'a%' AND y.v = 3"
    assert observed(con, other)


def test_a_replaced_file_is_another_table(con: shoal.Connection, tmp_path: Path) -> None:
    con.execute(QUERY).fetchall()
    assert observed(con)
    write(tmp_path, rows=10_000)
    names = ["a"] * 3000
    pq.write_table(pa.table({"k": list(range(3000)), "name": names}), tmp_path / "small.parquet")
    assert not observed(con)
    con.execute(QUERY).fetchall()
    assert observed(con)


def test_the_switch(con: shoal.Connection) -> None:
    con.execute("SET disabled_rules = 'observed_rows'")
    answer = con.execute(QUERY).fetchall()
    con.execute("SET disabled_rules = 'runtime_filters,switch_joins'")
    assert not observed(con)
    assert con.execute(QUERY).fetchall() == answer
    assert observed(con)
    con.execute("SET disabled_rules = 'observed_rows'")
    assert not observed(con)


@pytest.mark.parametrize(("adapted", "filtered", "rows"), [((), True, 7.0), (("split",), False, 7.0)])
def test_what_stages_deliver_is_kept(adapted: tuple[str, ...], filtered: bool, rows: float) -> None:
    found = ObservedRows()
    stages, key = staged(filtered)
    assert found.record(stages, (ran(7, adapted),))
    assert found.find(key) == rows
    assert not found.record(stages, (ran(8, adapted),))
    assert found.find(key) == rows + 1


def test_what_a_runtime_filter_has_dropped_is_not_kept() -> None:
    found = ObservedRows()
    stages, key = staged(True)
    assert not found.record(stages, (ran(7, ("reads the keys of stage 1",)),))
    assert found.find(key) is None
    assert not found.tables


def staged(filtered: bool) -> tuple[ObservableStages, str]:
    """A plan of one stage that filters a table, and the key of its subplan."""
    node = where(scan("a"), "a_x = 1")
    root = p.Filter(p.TableScan(scan("a"), True, Estimate(1000.0, 8.0)), node.predicate, Estimate(1000.0, 8.0))
    stage = Stage(StageId(0), "SELECT 1", (), estimate=root.estimate)
    variants = (StageVariant(stage, stage.id, (), 1),) if filtered else ()
    key = CanonicalPlans().key(node)
    assert key is not None
    return ObservableStages(StagedPlan((stage,), (), variants=variants), (root,)), key


def ran(rows: int, adapted: tuple[str, ...]) -> StageRun:
    """A run of the stage."""
    metrics = TaskMetrics(0.0, 0.0, 0, 0, rows, 0)
    task = TaskRun(TaskId(QueryId("q"), StageId(0), 0, 0, 0), ExecutorId("one"), metrics)
    return StageRun(StageId(0), 1, (task,), adapted)


def test_nothing_is_asked_before_anything_ran() -> None:
    rows = ObservedRows()
    assert not rows.tables
    assert rows.find("nothing") is None
