"""Aggregates below joins in whole statements: EXPLAIN shows them, and the answers stay DuckDB's."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import shoal
from tests.engine.test_range_sorts import explained

TABLES = {
    "sales": """SELECT i AS id, CASE WHEN i % 97 = 0 THEN NULL ELSE (i * 7919) % 300 END::INTEGER AS item,
        ((i * 31) % 1000 / 100)::DECIMAL(9,2) AS price, (i % 13)::INTEGER AS pieces, i / 7.0 AS real,
        CASE WHEN i % 5 = 0 THEN NULL ELSE 'n' || (i % 17) END AS note FROM range(60000) AS t(i)""",
    "items": """SELECT j::INTEGER AS item, 'item ' || (j % 40) AS name, (j % 7)::INTEGER AS kind
        FROM range(20, 400) AS t(j)""",
    "kinds": "SELECT k::INTEGER AS kind, 'kind ' || k AS title FROM range(5) AS t(k)",
}

FIRES = [
    "SELECT name, sum(price), count(*), min(price), max(note) FROM sales JOIN items USING (item) GROUP BY name",
    "SELECT name, sum(price * pieces) FROM sales JOIN items USING (item) GROUP BY name",
    "SELECT sum(price), count(note), count(*) FROM sales JOIN items USING (item)",
    "SELECT items.item, count(sales.id), sum(price) FROM items LEFT JOIN sales USING (item) GROUP BY ALL",
    "SELECT kind, title, sum(pieces) FROM sales JOIN items USING (item) LEFT JOIN kinds USING (kind) GROUP BY ALL",
    "SELECT upper(name) AS n, kind + 1 AS k, max(price) FROM sales JOIN items USING (item) GROUP BY ALL",
]

STAYS = [
    "SELECT sum(price), count(note), count(*) FROM sales JOIN items USING (item) WHERE name = 'nothing'",
    "SELECT name, max(real) FROM sales JOIN items USING (item) GROUP BY name",
    "SELECT name, avg(price) FROM sales JOIN items USING (item) GROUP BY name",
    "SELECT name, count(DISTINCT note) FROM sales JOIN items USING (item) GROUP BY name",
    "SELECT name, sum(price) FILTER (WHERE pieces > 3) FROM sales JOIN items USING (item) GROUP BY name",
    "SELECT sales.id, sum(price) FROM sales JOIN items USING (item) GROUP BY sales.id",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("eager")
    kernel = duckdb.connect()
    for name, sql in TABLES.items():
        kernel.execute(f"COPY ({sql}) TO '{path / name}.parquet' (ROW_GROUP_SIZE 8192)")
    kernel.close()
    return path


@pytest.fixture(scope="module")
def oracle(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    kernel = duckdb.connect()
    for name in TABLES:
        kernel.execute(f"CREATE VIEW {name} AS FROM '{folder / name}.parquet'")
    yield kernel
    kernel.close()


@pytest.fixture(scope="module", params=[1, 3])
def connection(folder: Path, request: pytest.FixtureRequest) -> Iterator[shoal.Connection]:
    options = {"distribute": "always", "partitions": str(request.param), "check_plans": "on", "task_bytes": "1"}
    with shoal.connect(threads=1, data=folder, **options) as made:
        yield made


@pytest.mark.parametrize("sql", [*FIRES, *STAYS])
def test_answers_stay(connection: shoal.Connection, oracle: duckdb.DuckDBPyConnection, sql: str) -> None:
    theirs = sorted(map(str, oracle.execute(sql).fetchall()))
    described = [row[:2] for row in oracle.execute(f"DESCRIBE {sql}").fetchall()]
    for disabled in ("", "push_aggregates"):
        connection.execute(f"SET disabled_rules = '{disabled}'")
        cursor = connection.execute(sql)
        assert [column[:2] for column in cursor.description] == described
        assert sorted(map(str, cursor.fetchall())) == theirs
        shown = explained(connection, sql)
        assert ("_part" in shown) == (sql in FIRES and not disabled), shown
    connection.execute("RESET disabled_rules")
