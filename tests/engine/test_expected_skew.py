"""Plans expect one key that holds more than a task's share of the rows, with the answers of plain DuckDB."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import shoal
from tests.engine.adaptation_tables import adapted, cluster, rows_of

NULL_HEAVY = "(SELECT CASE WHEN k = 7 THEN NULL ELSE k END AS k, v FROM facts)"
GROUPS = {
    "above a join": "SELECT f.k, count(*), sum(f.v) FROM facts f JOIN dimension d ON f.k = d.k GROUP BY f.k",
    "above a left join": "SELECT f.k, count(d.k), avg(f.v) FROM facts f LEFT JOIN dimension d ON f.k = d.k GROUP BY 1",
    "alone": "SELECT k, count(*), avg(v), min(t) FROM facts GROUP BY k",
}
PLANNED = {
    "not in two steps": "SELECT f.k, count(DISTINCT f.v) FROM facts f JOIN dimension d ON f.k = d.k GROUP BY f.k",
    "not skewed": "SELECT e.id, count(*), sum(o.h) FROM evens e JOIN odds o ON e.id = o.id GROUP BY e.id",
    "NULL": f"SELECT k, count(*), sum(v) FROM {NULL_HEAVY} GROUP BY k",
    "no rows": "SELECT f.k, count(*), avg(n.w) FROM facts f JOIN nothing n ON f.k = n.k GROUP BY f.k",
}
JOIN = "SELECT d.name, f.id FROM facts f JOIN dimension d ON f.k = d.k"


@pytest.fixture(scope="module")
def four(skewed_folder: Path) -> Iterator[shoal.Connection]:
    with cluster(skewed_folder) as connection:
        connection.execute("ANALYZE facts")
        yield connection


def explained(connection: shoal.Connection, sql: str) -> str:
    """The plan."""
    return "\n".join(row[0] for row in connection.execute(f"EXPLAIN {sql}").fetchall())


@pytest.mark.parametrize("name", GROUPS)
def test_a_heavy_group_is_made_in_two_steps(
    four: shoal.Connection, skewed_truth: duckdb.DuckDBPyConnection, name: str
) -> None:
    sql = GROUPS[name]
    assert "one group has 60 % of the rows" in explained(four, sql)
    assert rows_of(four, sql) == rows_of(skewed_truth, sql)


def test_the_join_below_is_shared_out(four: shoal.Connection) -> None:
    assert any("tasks share its rows of" in note for note in adapted(four, GROUPS["above a join"]))


def test_a_join_tells_of_its_heavy_key(four: shoal.Connection, skewed_truth: duckdb.DuckDBPyConnection) -> None:
    assert "one key holds 60 % of the left rows, which tasks share if they can" in explained(four, JOIN)
    assert rows_of(four, JOIN) == rows_of(skewed_truth, JOIN)


@pytest.mark.parametrize("name", PLANNED)
def test_what_stays_as_it_is(four: shoal.Connection, skewed_truth: duckdb.DuckDBPyConnection, name: str) -> None:
    assert "one group has" not in explained(four, PLANNED[name])
    assert rows_of(four, PLANNED[name]) == rows_of(skewed_truth, PLANNED[name])


@pytest.mark.parametrize(("partitions", "disabled"), [("1", ""), ("2", ""), ("3", "expect_skew"), ("7", "")])
def test_answers_are_the_same_with_and_without(
    skewed_folder: Path, skewed_truth: duckdb.DuckDBPyConnection, partitions: str, disabled: str
) -> None:
    with cluster(skewed_folder, partitions=partitions, disabled_rules=f"use_clustering,{disabled}") as connection:
        connection.execute("ANALYZE facts")
        for sql in (*GROUPS.values(), *PLANNED.values(), JOIN):
            assert rows_of(connection, sql) == rows_of(skewed_truth, sql), sql
            if disabled:
                assert "60 % of" not in explained(connection, sql)
