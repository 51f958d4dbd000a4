"""The first rows of each partition are cut off in each task: EXPLAIN shows it, and the answers stay DuckDB's."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import shoal
from tests.engine.test_range_sorts import TABLE, explained

BY_FEW = "OVER (PARTITION BY few ORDER BY whole, id)"

FIRES = [
    f"SELECT id, few FROM t QUALIFY row_number() {BY_FEW} <= 3",
    "SELECT id, few, rank() OVER (PARTITION BY few ORDER BY whole DESC) AS r FROM t QUALIFY r < 5",
    "SELECT * FROM (SELECT id, dense_rank() OVER (PARTITION BY few ORDER BY whole) AS r FROM t) WHERE r = 2",
    "SELECT * FROM (SELECT id, row_number() OVER (ORDER BY day, id) AS r FROM t) WHERE 7 >= r AND id > 5",
    f"SELECT id, rank() {BY_FEW} AS a, row_number() {BY_FEW} AS b FROM t QUALIFY a <= 4 AND b <= 9",
    "SELECT id FROM t QUALIFY row_number() OVER (PARTITION BY few, flag ORDER BY amount NULLS FIRST, id) <= 0",
    "SELECT few, sum(id) FROM (FROM t QUALIFY rank() OVER (PARTITION BY few ORDER BY day) = 1) GROUP BY ALL",
]

STAYS = [
    f"SELECT id, count(*) OVER (PARTITION BY few) AS n FROM t QUALIFY row_number() {BY_FEW} <= 3",
    f"SELECT id FROM t QUALIFY row_number() {BY_FEW} >= 1990",
    f"SELECT id FROM t QUALIFY row_number() {BY_FEW} IN (1, 2)",
    f"SELECT id FROM t QUALIFY ntile(3) {BY_FEW} <= 1",
    f"SELECT id, rank() OVER (PARTITION BY few ORDER BY id DESC) AS r FROM t QUALIFY row_number() {BY_FEW} <= 3",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ranks")
    with duckdb.connect() as kernel:
        kernel.execute(f"COPY ({TABLE}) TO '{path}/t.parquet' (ROW_GROUP_SIZE 2048)")
    return path


@pytest.fixture(scope="module")
def oracle(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"python_enable_replacements": "false"}) as kernel:
        kernel.execute(f"CREATE VIEW t AS FROM '{folder}/t.parquet'")
        yield kernel


@pytest.fixture(scope="module", params=[1, 2, 3, 7])
def connection(folder: Path, request: pytest.FixtureRequest) -> Iterator[shoal.Connection]:
    options = {"distribute": "always", "partitions": str(request.param), "check_plans": "on", "task_bytes": "1"}
    with shoal.connect(threads=1, data=folder, **options) as made:
        yield made


@pytest.mark.parametrize("sql", [*FIRES, *STAYS])
def test_answers_stay(connection: shoal.Connection, oracle: duckdb.DuckDBPyConnection, sql: str) -> None:
    theirs = sorted(map(str, oracle.execute(sql).fetchall()))
    several = connection.execute("SHOW partitions").fetchall()[0][0] != "1"
    for disabled in ("", "limit_ranks"):
        connection.execute(f"SET disabled_rules = '{disabled}'")
        assert sorted(map(str, connection.execute(sql).fetchall())) == theirs
        assert ('$" <= ' in explained(connection, sql)) == (sql in FIRES and several and not disabled)
    connection.execute("RESET disabled_rules")
