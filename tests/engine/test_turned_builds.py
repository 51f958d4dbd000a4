"""Joins that build on the side that has turned out the smaller one, with the answers of plain DuckDB."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import shoal
from tests.engine.adaptation_tables import adapted, cluster, rows_of

FEW = "(SELECT evens.k, evens.g FROM evens JOIN odds USING (id))"
"""A join that is expected to keep 200,000 rows, and keeps 15."""

NONE = "(SELECT evens.k, evens.g FROM evens JOIN odds USING (id) WHERE evens.id > 30)"
TURNED = {
    "left": f"SELECT f.id, f.v, e.g FROM facts f LEFT JOIN {FEW} e ON f.k = e.k",
    "right": f"SELECT f.id, f.v, e.g FROM {FEW} e RIGHT JOIN facts f ON f.k = e.k",
    "full": f"SELECT f.id, f.v, e.g FROM facts f FULL JOIN {FEW} e ON f.k = e.k",
    "NULL keys": f"SELECT f.id, f.v, e.g FROM facts f FULL JOIN {FEW} e ON f.k IS NOT DISTINCT FROM e.k",
    "groups": f"SELECT f.t, count(e.g), sum(f.v) FROM facts f LEFT JOIN {FEW} e ON f.k = e.k GROUP BY f.t",
    "nothing": f"SELECT f.id, e.g FROM facts f FULL JOIN {NONE} e ON f.k = e.k",
}
PLANNED = {
    "ordered": f"SELECT f.id, f.v, e.g FROM facts f JOIN {FEW} e ON f.k = e.k",
    "as expected": "SELECT f.id, d.name FROM facts f LEFT JOIN dimension d ON f.k = d.k",
    "semi": f"SELECT f.id FROM facts f WHERE f.k IN (SELECT k FROM {FEW})",
}
NOTE = "a join builds on the"


@pytest.fixture(scope="module")
def four(skewed_folder: Path) -> Iterator[shoal.Connection]:
    with cluster(skewed_folder, disabled_rules="use_clustering,runtime_filters") as connection:
        yield connection


@pytest.mark.parametrize("name", TURNED)
def test_a_join_builds_on_the_smaller_side(
    four: shoal.Connection, skewed_truth: duckdb.DuckDBPyConnection, name: str
) -> None:
    sql = TURNED[name]
    assert "far fewer rows than the other, it builds on that" in str(four.execute(f"EXPLAIN {sql}").fetchall())
    assert any(NOTE in note for note in adapted(four, sql)), four.execute(f"EXPLAIN {sql}").fetchall()
    assert rows_of(four, sql) == rows_of(skewed_truth, sql)


@pytest.mark.parametrize("name", PLANNED)
def test_a_join_that_stays_as_planned(
    four: shoal.Connection, skewed_truth: duckdb.DuckDBPyConnection, name: str
) -> None:
    assert not any(NOTE in note for note in adapted(four, PLANNED[name]))
    assert rows_of(four, PLANNED[name]) == rows_of(skewed_truth, PLANNED[name])


@pytest.mark.parametrize(
    ("partitions", "disabled", "strategy"),
    [("1", "", "auto"), ("2", "", "auto"), ("3", "turn_builds", "partitioned"), ("7", "", "partitioned")],
)
def test_answers_are_the_same_with_and_without(
    skewed_folder: Path, skewed_truth: duckdb.DuckDBPyConnection, partitions: str, disabled: str, strategy: str
) -> None:
    settings = {"partitions": partitions, "disabled_rules": f"runtime_filters,{disabled}", "join_strategy": strategy}
    with cluster(skewed_folder, **settings) as connection:
        for sql in (TURNED | PLANNED).values():
            assert rows_of(connection, sql) == rows_of(skewed_truth, sql), sql
            if disabled:
                assert not any(NOTE in note for note in adapted(connection, sql))
