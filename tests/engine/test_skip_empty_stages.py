"""Stages that can deliver nothing are not run, with the answers of plain DuckDB."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import shoal
from tests.engine.adaptation_tables import adapted, cluster, rows_of

NONE = "(SELECT k, w FROM other WHERE length((k * w)::VARCHAR) > 50)"
"""No rows, which the planner cannot know."""

SKIPPED = {
    "inner": f"SELECT f.t, avg(e.w) FROM facts f JOIN other o ON f.k = o.k JOIN {NONE} e ON e.k = f.k GROUP BY f.t",
    "semi": f"SELECT f.t, max(f.v) FROM facts f WHERE f.k IN (SELECT k FROM {NONE}) GROUP BY f.t",
    "the kept side is empty": f"SELECT f.t, avg(e.w) FROM {NONE} e LEFT JOIN facts f ON f.k = e.k GROUP BY f.t",
    "sorted": f"SELECT f.id, e.w FROM facts f JOIN {NONE} e ON f.k = e.k ORDER BY f.id LIMIT 3",
    "beside others": f"SELECT o.w, f.a FROM other o LEFT JOIN (SELECT f.v, max(f.id) AS a FROM facts f JOIN {NONE} e "
    "ON f.k = e.k GROUP BY f.v) f ON f.v = o.w",
}
KEPT = {
    "counted": f"SELECT count(*), sum(f.v) FROM facts f JOIN {NONE} e ON f.k = e.k",
    "united": f"SELECT f.id FROM facts f JOIN {NONE} e ON f.k = e.k UNION ALL SELECT k FROM other",
    "except": f"SELECT k FROM other EXCEPT SELECT f.k FROM facts f JOIN {NONE} e ON f.k = e.k",
    "left": f"SELECT f.t, count(e.w), count(*) FROM facts f LEFT JOIN {NONE} e ON f.k = e.k GROUP BY f.t",
    "full": f"SELECT f.id, e.w FROM facts f FULL JOIN {NONE} e ON f.k = e.k",
    "anti": f"SELECT f.t, count(*) FROM facts f WHERE NOT EXISTS (FROM {NONE} e WHERE e.k = f.k) GROUP BY f.t",
    "in nothing": "SELECT f.id FROM facts f WHERE f.k IN (SELECT k FROM nothing)",
}
SKIP = "not run, because stage"


@pytest.fixture(scope="module")
def four(skewed_folder: Path) -> Iterator[shoal.Connection]:
    with cluster(skewed_folder) as connection:
        yield connection


@pytest.mark.parametrize("name", SKIPPED)
def test_what_can_only_be_empty_is_not_run(
    four: shoal.Connection, skewed_truth: duckdb.DuckDBPyConnection, name: str
) -> None:
    sql = SKIPPED[name]
    assert any(SKIP in note for note in adapted(four, sql)), four.execute(f"EXPLAIN {sql}").fetchall()
    assert rows_of(four, sql) == rows_of(skewed_truth, sql)


@pytest.mark.parametrize("name", KEPT)
def test_what_keeps_rows_is_run(four: shoal.Connection, skewed_truth: duckdb.DuckDBPyConnection, name: str) -> None:
    assert rows_of(four, KEPT[name]) == rows_of(skewed_truth, KEPT[name])


@pytest.mark.parametrize(
    ("partitions", "disabled", "strategy"),
    [("1", "", "auto"), ("2", "", "auto"), ("3", "skip_empty_stages", "partitioned"), ("7", "", "partitioned")],
)
def test_answers_are_the_same_with_and_without(
    skewed_folder: Path, skewed_truth: duckdb.DuckDBPyConnection, partitions: str, disabled: str, strategy: str
) -> None:
    with cluster(skewed_folder, partitions=partitions, disabled_rules=disabled, join_strategy=strategy) as connection:
        for sql in (SKIPPED | KEPT).values():
            assert rows_of(connection, sql) == rows_of(skewed_truth, sql), sql
            if "skip_empty_stages" in disabled:
                assert not any(SKIP in note for note in adapted(connection, sql))


@pytest.mark.cluster
@pytest.mark.timeout(120)
def test_skipped_stages_survive_the_loss_of_executors(
    skewed_folder: Path, skewed_truth: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "faults").mkdir()
    monkeypatch.setenv("SHOAL_FAULTS_DIRECTORY", str(tmp_path / "faults"))
    monkeypatch.setenv("SHOAL_FAULTS", "task.before_finish=exit(9)@3,shuffle.open=exit(9)@6,task.start=exit(9)@14")
    with cluster(skewed_folder, executors=3) as connection:
        for name, sql in SKIPPED.items():
            assert rows_of(connection, sql) == rows_of(skewed_truth, sql), name
    assert len(list((tmp_path / "faults").iterdir())) >= 2
