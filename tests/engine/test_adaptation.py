"""Stages that adapt to what they read give the answers of plain DuckDB, and EXPLAIN ANALYZE says what they did."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import shoal
from tests.engine.adaptation_tables import adapted, cluster, rows_of

INNER = "SELECT d.name, count(*), sum(f.v) FROM facts f JOIN dimension d ON f.k = d.k GROUP BY d.name"
SKEWED = {
    "inner": INNER,
    "inner rows": "SELECT f.id, d.name FROM facts f JOIN dimension d ON f.k = d.k WHERE f.v < 900",
    "left": "SELECT f.t, count(d.name), sum(f.v) FROM facts f LEFT JOIN dimension d ON f.k = d.k GROUP BY f.t",
    "right": "SELECT d.name, count(f.id) FROM dimension d RIGHT JOIN facts f ON f.k = d.k GROUP BY d.name",
    "semi": "SELECT count(*), sum(v) FROM facts WHERE k IN (SELECT k FROM dimension)",
    "anti": "SELECT count(*), sum(v) FROM facts f WHERE NOT EXISTS (FROM dimension d WHERE d.k = f.k)",
    "two joins": "SELECT d.name, sum(f.v), sum(o.w) FROM facts f JOIN dimension d ON f.k = d.k "
    "LEFT JOIN other o ON f.k = o.k GROUP BY d.name",
    "top": "SELECT f.id, d.name FROM facts f JOIN dimension d ON f.k = d.k ORDER BY f.v, f.id LIMIT 20",
    "cut rows": "SELECT d.name, count(*), sum(f.v) FROM sorted_facts f JOIN dimension d ON f.k = d.k GROUP BY d.name",
}
WHOLE = {
    "full": "SELECT d.name, count(f.id) FROM facts f FULL JOIN dimension d ON f.k = d.k GROUP BY d.name",
    "right side kept": "SELECT d.name, count(f.id) FROM facts f RIGHT JOIN dimension d ON f.k = d.k GROUP BY d.name",
    "groups by the key": "SELECT f.k, count(*), sum(f.v) FROM facts f JOIN dimension d ON f.k = d.k GROUP BY f.k",
    "window": "SELECT f.id, row_number() OVER (PARTITION BY f.k ORDER BY f.id) FROM facts f JOIN dimension d USING (k)",
    "except": "SELECT k FROM facts EXCEPT SELECT k FROM dimension",
}
EMPTY = {
    "nothing": "SELECT f.id, n.w FROM facts f JOIN nothing n ON f.k = n.k",
    "nulls": "SELECT f.id, n.w FROM facts f JOIN nulls n ON f.k = n.k",
    "null safe": "SELECT count(*) FROM facts f JOIN nulls n ON f.k IS NOT DISTINCT FROM n.k",
}


@pytest.fixture(scope="module")
def four(skewed_folder: Path) -> Iterator[shoal.Connection]:
    with cluster(skewed_folder) as connection:
        yield connection


@pytest.mark.parametrize("name", SKEWED)
def test_a_skewed_partition_is_split(
    four: shoal.Connection, skewed_truth: duckdb.DuckDBPyConnection, name: str
) -> None:
    sql = SKEWED[name]
    notes = adapted(four, sql)
    assert any("tasks share its rows of" in note for note in notes), notes
    assert rows_of(four, sql) == rows_of(skewed_truth, sql)


@pytest.mark.parametrize("name", WHOLE)
def test_what_must_stay_together_is_not_split(
    four: shoal.Connection, skewed_truth: duckdb.DuckDBPyConnection, name: str
) -> None:
    sql = WHOLE[name]
    assert not any("tasks share its rows of" in note for note in adapted(four, sql))
    assert rows_of(four, sql) == rows_of(skewed_truth, sql)


@pytest.mark.parametrize(
    ("partitions", "disabled", "task_bytes"),
    [
        ("1", "", "2 kB"),
        ("2", "use_clustering", "2 kB"),
        ("3", "", "2 kB"),
        ("7", "use_clustering", "2 kB"),
        ("7", "", "4 MB"),
        ("3", "use_clustering,split_skew,coalesce_partitions", "2 kB"),
    ],
)
def test_answers_are_the_same_with_and_without(
    skewed_folder: Path, skewed_truth: duckdb.DuckDBPyConnection, partitions: str, disabled: str, task_bytes: str
) -> None:
    settings = {"partitions": partitions, "disabled_rules": disabled, "task_bytes": task_bytes}
    with cluster(skewed_folder, **settings) as connection:
        for sql in (SKEWED | WHOLE | EMPTY).values():
            assert rows_of(connection, sql) == rows_of(skewed_truth, sql), sql
        if "split_skew" in disabled:
            assert adapted(connection, INNER) == []


def test_what_moves_to_clustered_files_is_split(skewed_folder: Path, skewed_truth: duckdb.DuckDBPyConnection) -> None:
    """Each task that shares the skewed partition scans the same part of the clustered table."""
    with cluster(skewed_folder, disabled_rules="") as connection:
        assert "its files are clustered on" in str(connection.execute(f"EXPLAIN {INNER}").fetchall())
        assert any("tasks share its rows of" in note for note in adapted(connection, INNER))
        assert rows_of(connection, INNER) == rows_of(skewed_truth, INNER)


def test_small_partitions_are_read_by_one_task(skewed_folder: Path, skewed_truth: duckdb.DuckDBPyConnection) -> None:
    with cluster(skewed_folder, task_bytes="4 MB") as connection:
        notes = adapted(connection, INNER)
        assert any("partitions of" in note and note.endswith("read by 1 task") for note in notes), notes
        assert rows_of(connection, INNER) == rows_of(skewed_truth, INNER)
        connection.execute("SET disabled_rules = 'use_clustering,coalesce_partitions,push_aggregates'")
        assert adapted(connection, INNER) == []


@pytest.mark.parametrize("mmap", ["on", "off"])
@pytest.mark.cluster
@pytest.mark.timeout(120)
def test_split_stages_survive_the_loss_of_executors(
    skewed_folder: Path,
    skewed_truth: duckdb.DuckDBPyConnection,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    mmap: str,
) -> None:
    """Executors die, and fail, in the middle of split stages, also of those that read some rows of a file."""
    (tmp_path / "faults").mkdir()
    monkeypatch.setenv("SHOAL_FAULTS_DIRECTORY", str(tmp_path / "faults"))
    monkeypatch.setenv(
        "SHOAL_FAULTS", "task.before_finish=exit(9)@3,task.batch=lost@5,shuffle.open=exit(9)@9,task.start=exit(9)@20"
    )
    with cluster(skewed_folder, executors=3, mmap=mmap) as connection:
        for name in ("cut rows", "inner", "left", "cut rows", "two joins"):
            assert rows_of(connection, SKEWED[name]) == rows_of(skewed_truth, SKEWED[name]), name
    assert len(list((tmp_path / "faults").iterdir())) >= 3
