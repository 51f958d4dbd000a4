"""Stages that drop what cannot match before they deliver it, with the answers of plain DuckDB."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import shoal
from tests.engine.adaptation_tables import adapted, cluster, rows_of

FEW = "(SELECT DISTINCT evens.k FROM evens JOIN odds USING (id))"
"""Expected to be 20,000 rows, and 15."""

NONE = "(SELECT DISTINCT evens.k FROM evens JOIN odds USING (id) WHERE evens.id > 30)"
MANY = "(SELECT DISTINCT evens.k FROM evens JOIN evens other USING (id))"
FEW_OR_NULL = "(SELECT DISTINCT nullif(evens.k, 7) AS k FROM evens JOIN odds USING (id))"
NUMBERED = "SELECT {0}.k, f.id, row_number() OVER (PARTITION BY {0}.k ORDER BY f.id) FROM"
FILTERED = {
    "the side that is not kept": f"{NUMBERED.format('e')} {FEW} e LEFT JOIN facts f ON f.k = e.k",
    "nothing": f"{NUMBERED.format('e')} {NONE} e LEFT JOIN facts f ON f.k = e.k",
    "NULL keys": f"{NUMBERED.format('e')} {FEW_OR_NULL} e LEFT JOIN facts f ON f.k = e.k",
    "NULL keys match": f"{NUMBERED.format('e')} {FEW_OR_NULL} e LEFT JOIN facts f ON f.k IS NOT DISTINCT FROM e.k",
    "more conditions": f"{NUMBERED.format('e')} {FEW} e LEFT JOIN facts f ON f.k = e.k AND f.v < 990 AND f.id > e.k",
    "turned": f"{NUMBERED.format('e')} facts f RIGHT JOIN {FEW} e ON f.k = e.k",
}
PLANNED = {
    "the kept side": f"{NUMBERED.format('f')} facts f LEFT JOIN {FEW} e ON f.k = e.k",
    "both sides kept": f"{NUMBERED.format('e')} {FEW} e FULL JOIN facts f ON f.k = e.k",
    "many keys": f"{NUMBERED.format('e')} {MANY} e LEFT JOIN facts f ON f.k = e.k",
    "read twice": f"WITH f AS MATERIALIZED (SELECT k, max(id) AS id FROM facts GROUP BY k, v) "
    f"{NUMBERED.format('e')} {FEW} e LEFT JOIN f ON f.k = e.k UNION ALL SELECT k, id, 0 FROM f",
}
FILTER = "only rows that match"


@pytest.fixture(scope="module")
def four(skewed_folder: Path) -> Iterator[shoal.Connection]:
    with cluster(skewed_folder) as connection:
        yield connection


@pytest.mark.parametrize("name", FILTERED)
def test_few_keys_filter_what_is_not_sent_yet(
    four: shoal.Connection, skewed_truth: duckdb.DuckDBPyConnection, name: str
) -> None:
    sql = FILTERED[name]
    assert "only rows that match it are delivered)" in str(four.execute(f"EXPLAIN {sql}").fetchall())
    assert any(FILTER in note for note in adapted(four, sql)), four.execute(f"EXPLAIN {sql}").fetchall()
    assert rows_of(four, sql) == rows_of(skewed_truth, sql)


@pytest.mark.parametrize("name", PLANNED)
def test_what_is_not_filtered(four: shoal.Connection, skewed_truth: duckdb.DuckDBPyConnection, name: str) -> None:
    sql = PLANNED[name]
    assert not any(FILTER in note for note in adapted(four, sql))
    assert rows_of(four, sql) == rows_of(skewed_truth, sql)


@pytest.mark.parametrize(
    ("partitions", "disabled"),
    [("1", ""), ("2", "use_clustering"), ("3", "use_clustering,runtime_filters"), ("7", "use_clustering")],
)
def test_answers_are_the_same_with_and_without(
    skewed_folder: Path, skewed_truth: duckdb.DuckDBPyConnection, partitions: str, disabled: str
) -> None:
    with cluster(skewed_folder, partitions=partitions, disabled_rules=disabled, join_strategy="auto") as connection:
        for sql in (FILTERED | PLANNED).values():
            assert rows_of(connection, sql) == rows_of(skewed_truth, sql), sql
        if "runtime_filters" in disabled:
            assert not any(FILTER in note for note in adapted(connection, next(iter(FILTERED.values()))))


@pytest.mark.cluster
@pytest.mark.timeout(120)
def test_filters_survive_the_loss_of_executors(
    skewed_folder: Path, skewed_truth: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "faults").mkdir()
    monkeypatch.setenv("SHOAL_FAULTS_DIRECTORY", str(tmp_path / "faults"))
    monkeypatch.setenv("SHOAL_FAULTS", "task.before_finish=exit(9)@3,shuffle.open=exit(9)@6,task.start=exit(9)@14")
    with cluster(skewed_folder, executors=3) as connection:
        for name, sql in FILTERED.items():
            assert rows_of(connection, sql) == rows_of(skewed_truth, sql), name
    assert len(list((tmp_path / "faults").iterdir())) >= 2
