"""What an OR over aggregates says of the keys of groups is filtered below them: it shows, and changes no answer."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import shoal

TABLE = """
SELECT i AS id, CASE WHEN i % 7 = 0 THEN NULL ELSE i % 5 END AS k, (i * 7919) % 101 - 50 AS v
FROM range(4000) r(i)"""
GROUPS = "SELECT k, sum(v) AS s, count(*) AS n FROM t GROUP BY k"
QUERIES = {
    f"SELECT * FROM ({GROUPS}) WHERE (k = 1 AND s > 0) OR k = 2": True,
    f"SELECT * FROM ({GROUPS}) WHERE (k = 1 AND s <> 3) OR (k IS NULL AND n > 5)": True,
    f"{GROUPS} HAVING (k IN (1, 3) AND sum(v) IS NOT NULL) OR (k = 4 AND count(*) > 1)": True,
    f"SELECT * FROM ({GROUPS}) WHERE (k = 1 AND s > 0) OR n > 5": False,
}
"""Statements, and whether each branch says something of a key, so that rows can be dropped before they are grouped."""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("groups") / "t.parquet"
    with duckdb.connect() as kernel:
        kernel.execute(f"COPY ({TABLE}) TO '{path}' (ROW_GROUP_SIZE 2048)")
    return path


@pytest.fixture(scope="module", params=["1", "2", "3", "7"])
def connection(file: Path, request: pytest.FixtureRequest) -> Iterator[shoal.Connection]:
    with shoal.connect(threads=1, distribute="always", partitions=request.param, check_plans="on") as made:
        made.register("t", file)
        yield made


@pytest.mark.parametrize("disabled", ["", "derive_group_filters"])
@pytest.mark.parametrize("sql", QUERIES)
def test_it_fires_and_changes_no_answer(connection: shoal.Connection, file: Path, sql: str, disabled: str) -> None:
    connection.execute(f"SET disabled_rules = '{disabled}'")
    ours = connection.execute(sql).fetchall()
    with duckdb.connect() as kernel:
        assert sorted(map(str, ours)) == sorted(
            map(str, kernel.sql(sql.replace("FROM t", f"FROM '{file}'")).fetchall())
        )
    lines = [row[0] for row in connection.execute(f"EXPLAIN {sql}").fetchall()]
    grouped = max(number for number, line in enumerate(lines) if "Aggregate" in line)
    below = any("Filter" in line for line in lines[grouped:])
    assert below == (QUERIES[sql] and not disabled), "\n".join(lines)
