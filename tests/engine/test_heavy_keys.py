"""Heavy keys that producers notice are joined by tasks of their own, with the answers of plain DuckDB."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import shoal
from tests.engine.adaptation_tables import adapted, cluster, rows_of

NULL_HEAVY = "(SELECT id, v, CASE WHEN k = 7 THEN NULL ELSE k END AS k FROM facts)"
TEXTS = "(SELECT id, CASE WHEN k = 7 THEN 'seven' ELSE 'k' || k END AS s FROM facts)"
HEAVY = {
    "left": "SELECT d.name, f.id FROM dimension d LEFT JOIN facts f ON f.k = d.k",
    "right": "SELECT d.name, f.id FROM facts f RIGHT JOIN dimension d ON f.k = d.k",
    "full": "SELECT d.name, f.id FROM facts f FULL JOIN dimension d ON f.k = d.k",
    "full, turned": "SELECT d.name, f.id FROM dimension d FULL JOIN facts f ON f.k = d.k",
    "clustered rows": "SELECT d.name, f.id FROM dimension d LEFT JOIN sorted_facts f ON f.k = d.k",
    "groups": "SELECT d.name, count(f.id), sum(f.v) FROM dimension d LEFT JOIN facts f ON f.k = d.k GROUP BY d.name",
    "computed": "SELECT d.name, f.x FROM dimension d LEFT JOIN (SELECT k, v + 1 AS x FROM facts) f ON f.k = d.k",
    "a join above": "SELECT d.name, f.id, o.w FROM dimension d FULL JOIN facts f ON f.k = d.k "
    "LEFT JOIN other o ON o.w = f.v",
    "NULL": f"SELECT d.name, f.id FROM dimension d FULL JOIN {NULL_HEAVY} f ON f.k = d.k",
    "NULL, equal": f"SELECT d.name, f.id FROM dimension d LEFT JOIN {NULL_HEAVY} f ON f.k IS NOT DISTINCT FROM d.k",
    "texts": f"SELECT d.k, f.id FROM (SELECT k, 'k' || k AS s FROM dimension) d FULL JOIN {TEXTS} f ON f.s = d.s",
    "two keys": "SELECT d.name, f.id FROM (SELECT *, k % 2 AS c FROM dimension) d "
    "FULL JOIN (SELECT *, k % 2 AS c FROM facts) f ON f.k = d.k AND f.c = d.c",
    "no match": "SELECT d.name, f.id FROM (FROM dimension WHERE k <> 7) d FULL JOIN facts f ON f.k = d.k",
    "empty partitions": "SELECT d.name, f.id FROM dimension d FULL JOIN (FROM facts WHERE k IN (7, 8)) f ON f.k = d.k",
}
WHOLE = {
    "another condition": "SELECT d.name, f.id FROM dimension d LEFT JOIN facts f ON f.k = d.k AND f.v > d.k",
    "groups by the key": "SELECT d.k, count(f.id) FROM dimension d LEFT JOIN facts f ON f.k = d.k GROUP BY d.k",
    "floats": "SELECT d.name, f.id FROM (SELECT name, k::DOUBLE AS k FROM dimension) d "
    "FULL JOIN (SELECT id, k::DOUBLE AS k FROM facts) f ON f.k = d.k",
    "nothing": "SELECT n.w, f.id FROM nothing n FULL JOIN facts f ON f.k = n.k",
    "even": "SELECT e.g, f.id FROM odds f FULL JOIN evens e ON f.id = e.id",
}
NOTE = "of heavy keys of"


@pytest.fixture(scope="module")
def four(skewed_folder: Path) -> Iterator[shoal.Connection]:
    with cluster(skewed_folder) as connection:
        yield connection


@pytest.mark.parametrize("name", HEAVY)
def test_rows_of_a_heavy_key_are_joined_by_more_tasks(
    four: shoal.Connection, skewed_truth: duckdb.DuckDBPyConnection, name: str
) -> None:
    sql = HEAVY[name]
    assert any(NOTE in note for note in adapted(four, sql)), four.execute(f"EXPLAIN {sql}").fetchall()
    assert rows_of(four, sql) == rows_of(skewed_truth, sql)


@pytest.mark.parametrize("name", WHOLE)
def test_what_other_tasks_must_not_join(
    four: shoal.Connection, skewed_truth: duckdb.DuckDBPyConnection, name: str
) -> None:
    sql = WHOLE[name]
    assert not any(NOTE in note for note in adapted(four, sql))
    assert rows_of(four, sql) == rows_of(skewed_truth, sql)


@pytest.mark.parametrize(
    ("partitions", "disabled"),
    [("1", ""), ("2", "use_clustering"), ("3", "use_clustering,split_heavy_keys"), ("7", "use_clustering")],
)
def test_answers_are_the_same_with_and_without(
    skewed_folder: Path, skewed_truth: duckdb.DuckDBPyConnection, partitions: str, disabled: str
) -> None:
    with cluster(skewed_folder, partitions=partitions, disabled_rules=disabled) as connection:
        for sql in (HEAVY | WHOLE).values():
            assert rows_of(connection, sql) == rows_of(skewed_truth, sql), sql
        if "split_heavy_keys" in disabled:
            assert not any(NOTE in note for note in adapted(connection, HEAVY["full"]))


@pytest.mark.parametrize("mmap", ["on", "off"])
@pytest.mark.cluster
@pytest.mark.timeout(120)
def test_heavy_keys_survive_the_loss_of_executors(
    skewed_folder: Path,
    skewed_truth: duckdb.DuckDBPyConnection,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    mmap: str,
) -> None:
    (tmp_path / "faults").mkdir()
    monkeypatch.setenv("SHOAL_FAULTS_DIRECTORY", str(tmp_path / "faults"))
    monkeypatch.setenv(
        "SHOAL_FAULTS", "task.before_finish=exit(9)@3,task.batch=lost@5,shuffle.open=exit(9)@9,task.start=exit(9)@20"
    )
    with cluster(skewed_folder, executors=3, mmap=mmap) as connection:
        for name in ("left", "full", "groups", "NULL", "two keys"):
            assert rows_of(connection, HEAVY[name]) == rows_of(skewed_truth, HEAVY[name]), name
    assert len(list((tmp_path / "faults").iterdir())) >= 3
