"""Common tables that are computed once because that is cheaper: the answers are DuckDB's, with and without."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import shoal

ROWS = 120_000

STATEMENTS = (
    """WITH t AS (SELECT k, sum(v) AS n, count(*) AS c FROM t GROUP BY k)
    SELECT a.k, b.n FROM t a JOIN t b ON a.k = b.k + 1 WHERE a.n > 100""",
    """WITH t AS (SELECT k, g, sum(v) AS n FROM t GROUP BY k, g)
    SELECT a.k, a.n, b.n FROM t a JOIN t b ON a.k = b.k WHERE a.g = 1 AND b.g = 2""",
    """WITH t AS (SELECT k, max(v) AS n FROM t GROUP BY k), u AS (SELECT n, count(*) AS c FROM t GROUP BY n)
    SELECT (SELECT count(*) FROM t), (SELECT max(c) FROM u), count(*) FROM t
    WHERE n IN (SELECT n FROM u WHERE c > 2)""",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("folded")
    with duckdb.connect() as kernel:
        for part in range(3):
            rows = "SELECT (hash(i) % 20000)::INTEGER AS k, (i % 7)::INTEGER AS g, (hash(i, 1) % 100)::INTEGER AS v"
            low, high = part * ROWS // 3, (part + 1) * ROWS // 3
            kernel.execute(f"COPY ({rows} FROM range({low}, {high}) r(i)) TO '{path}/{part}.parquet'")
    return path


@pytest.fixture(scope="module", params=[1, 2, 3, 7])
def connection(folder: Path, request: pytest.FixtureRequest) -> Iterator[shoal.Connection]:
    options = {"distribute": "always", "partitions": str(request.param), "check_plans": "on"}
    with shoal.connect(threads=1, **options) as made:
        made.register("t", folder)
        yield made


@pytest.mark.parametrize("sql", STATEMENTS)
def test_the_answer_is_duckdbs(connection: shoal.Connection, folder: Path, sql: str) -> None:
    with duckdb.connect() as oracle:
        oracle.execute(f"CREATE VIEW t AS FROM read_parquet('{folder}/*.parquet')")
        theirs = sorted(map(repr, oracle.execute(sql).fetchall()))
    several = connection.execute("SHOW partitions").fetchall()[0][0] != "1"
    for disabled in ("", "fold_plans"):
        connection.execute(f"SET disabled_rules = '{disabled}'")
        assert sorted(map(repr, connection.execute(sql).fetchall())) == theirs
        plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {sql}").fetchall())
        assert ("computed once for all who read it" in plan) == (several and not disabled)
