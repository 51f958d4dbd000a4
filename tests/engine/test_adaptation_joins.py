"""Joins that become broadcasts when a side turns out small, with the answers of plain DuckDB."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import shoal
from tests.engine.adaptation_tables import adapted, cluster, rows_of

FEW = "(SELECT evens.k, evens.g FROM evens JOIN odds USING (id))"
"""A join that is expected to keep 200,000 rows, and keeps 15."""

NONE = "(SELECT evens.k, evens.g FROM evens JOIN odds USING (id) WHERE evens.id > 30)"
MANY = "(SELECT evens.k, evens.g FROM evens JOIN evens other USING (id))"
SWITCHED = {
    "left": f"SELECT f.id, f.v, e.g FROM facts f LEFT JOIN {FEW} e ON f.k = e.k",
    "left, to nothing": f"SELECT f.id, f.v, e.g FROM facts f LEFT JOIN {NONE} e ON f.k = e.k",
    "right": f"SELECT f.id, f.v, e.g FROM {FEW} e RIGHT JOIN facts f ON f.k = e.k",
    "anti": f"SELECT id, v, t FROM facts f WHERE NOT EXISTS (FROM {FEW} e WHERE e.k = f.k)",
    "groups above": f"SELECT f.t, e.g, sum(f.v - e.g) FROM facts f LEFT JOIN {FEW} e ON f.k = e.k GROUP BY ALL",
    "a join below": "SELECT f.id, f.v, o.w, e.g FROM facts f LEFT JOIN other o ON f.v = o.w "
    f"LEFT JOIN {FEW} e ON f.k = e.k",
    "NULL keys": f"SELECT f.id, f.v, e.g FROM facts f LEFT JOIN {FEW} e ON f.k IS NOT DISTINCT FROM e.k",
}
PLANNED = {
    "left": f"SELECT f.id, f.v, e.g FROM facts f LEFT JOIN {MANY} e ON f.k = e.k",
    "full": f"SELECT f.id, f.v, e.g FROM facts f FULL JOIN {FEW} e ON f.k = e.k",
    "groups by the key": f"SELECT f.k, count(e.g), max(f.id) FROM facts f LEFT JOIN {FEW} e ON f.k = e.k GROUP BY f.k",
}
SWITCH = "need not move"


@pytest.fixture(scope="module")
def four(skewed_folder: Path) -> Iterator[shoal.Connection]:
    with cluster(skewed_folder, join_strategy="auto") as connection:
        yield connection


@pytest.mark.parametrize("name", SWITCHED)
def test_a_join_with_a_small_side_is_switched(
    four: shoal.Connection, skewed_truth: duckdb.DuckDBPyConnection, name: str
) -> None:
    sql = SWITCHED[name]
    assert "goes to every task, and stage" in str(four.execute(f"EXPLAIN {sql}").fetchall())
    notes = adapted(four, sql)
    assert any(SWITCH in note for note in notes), four.execute(f"EXPLAIN {sql}").fetchall()
    assert rows_of(four, sql) == rows_of(skewed_truth, sql)


@pytest.mark.parametrize("name", PLANNED)
def test_a_join_that_stays_as_planned(
    four: shoal.Connection, skewed_truth: duckdb.DuckDBPyConnection, name: str
) -> None:
    sql = PLANNED[name]
    assert not any(SWITCH in note for note in adapted(four, sql))
    assert rows_of(four, sql) == rows_of(skewed_truth, sql)


def test_switching_can_be_switched_off(skewed_folder: Path, skewed_truth: duckdb.DuckDBPyConnection) -> None:
    with cluster(skewed_folder, join_strategy="auto", disabled_rules="use_clustering,switch_joins") as connection:
        assert not any(SWITCH in note for note in adapted(connection, SWITCHED["left"]))
        for sql in SWITCHED.values():
            assert rows_of(connection, sql) == rows_of(skewed_truth, sql), sql


@pytest.mark.parametrize("partitions", ["1", "2", "3", "7"])
def test_any_number_of_tasks(skewed_folder: Path, skewed_truth: duckdb.DuckDBPyConnection, partitions: str) -> None:
    with cluster(skewed_folder, join_strategy="auto", partitions=partitions, disabled_rules="") as connection:
        for sql in (SWITCHED | PLANNED).values():
            assert rows_of(connection, sql) == rows_of(skewed_truth, sql), sql


@pytest.mark.cluster
@pytest.mark.timeout(120)
def test_switched_joins_survive_the_loss_of_executors(
    skewed_folder: Path, skewed_truth: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "faults").mkdir()
    monkeypatch.setenv("SHOAL_FAULTS_DIRECTORY", str(tmp_path / "faults"))
    monkeypatch.setenv("SHOAL_FAULTS", "task.before_finish=exit(9)@3,shuffle.open=exit(9)@6,task.start=exit(9)@14")
    with cluster(skewed_folder, executors=3, join_strategy="auto") as connection:
        for name in ("left", "groups above", "anti", "left, to nothing", "right"):
            assert rows_of(connection, SWITCHED[name]) == rows_of(skewed_truth, SWITCHED[name]), name
    assert len(list((tmp_path / "faults").iterdir())) >= 2
