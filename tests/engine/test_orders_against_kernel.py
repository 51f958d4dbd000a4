"""Shapes of joins for which the kernel's own plan makes many more rows than ours: counted, never timed.

The measure is C_out, the rows that all joins of a plan deliver (Cluet and Moerkotte, "On the Complexity of Generating
Optimal Left-Deep Processing Trees with Cross Products", ICDT 1995), from the kernel's profile of either plan.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import shoal
from shoal.executor.kernel import WRITTEN_ORDER

ROWS = 200_000

TABLES = {
    "fact": "SELECT i AS id, hash(i) % 2000 AS a, hash(i, 1) % 2000 AS b, hash(i, 2) % 2000 AS c,"
    f" hash(i, 3) % 50 AS kind, i % 1000 AS v FROM range({ROWS}) AS t(i)",
    "wide": f"SELECT i % {ROWS // 4} AS id, 'item ' || i % 997 AS label, i % 13 AS place FROM range({ROWS}) AS t(i)",
    "a": "SELECT i AS k, 'a ' || i AS name, i % 20 AS g, (i % 20) * 3 AS same FROM range(2000) AS t(i)",
    "b": "SELECT i AS k, 'b ' || i AS name, i % 20 AS g FROM range(2000) AS t(i)",
    "c": "SELECT i AS k, 'c ' || i AS name, i % 20 AS g FROM range(2000) AS t(i)",
}

SHAPES = {
    "a pattern that keeps more than it seems to": "SELECT count(*) FROM fact JOIN wide USING (id) JOIN a ON a = a.k"
    " WHERE label LIKE '%item%' AND a.name LIKE 'a 19%'",
    "a pattern that keeps less than it seems to": "SELECT count(*) FROM fact JOIN a ON a = a.k JOIN b ON b = b.k"
    " JOIN wide USING (id) WHERE a.g < 15 AND b.g < 12 AND label LIKE '%996%'",
    "filters that say the same": "SELECT count(*) FROM fact JOIN a ON a = a.k JOIN b ON b = b.k JOIN c ON c = c.k"
    " WHERE a.g = 3 AND a.same = 9 AND a.name LIKE 'a %' AND b.g < 2 AND c.g < 19",
    "several filtered dimensions": "SELECT count(*) FROM fact JOIN a ON a = a.k JOIN b ON b = b.k JOIN c ON c = c.k"
    " WHERE a.name LIKE '%99' AND b.name LIKE '%7%' AND c.g <> 3",
    "a chain of semi joins": "SELECT count(*) FROM fact JOIN wide USING (id) WHERE a IN (SELECT k FROM a WHERE g < 18)"
    " AND b IN (SELECT k FROM b WHERE name LIKE '%77')",
    "a function of a column": "SELECT count(*) FROM fact JOIN wide USING (id) JOIN b ON b = b.k"
    " WHERE length(label) > 3 AND kind % 50 = 1 AND b.g < 19",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("orders")
    with duckdb.connect() as connection:
        for name, sql in TABLES.items():
            connection.execute(f"COPY ({sql}) TO '{found / name}.parquet' (FORMAT parquet, ROW_GROUP_SIZE 20480)")
    return found


@pytest.fixture(scope="module")
def session(folder: Path) -> Iterator[shoal.Connection]:
    with shoal.connect() as connection:
        for name in TABLES:
            connection.register(name, str(folder / f"{name}.parquet"))
        connection.execute("SET distribute = 'always'")
        yield connection


def rows_of_joins(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[float, object]:
    """C_out of a statement as this kernel runs it, and its one value."""
    connection.execute("PRAGMA enable_profiling = 'no_output'")
    value = connection.execute(sql).fetchall()[0][0]
    profile = json.loads(connection.get_profiling_information(format="json"))
    ahead, total = list(profile["operator"]), 0.0
    while ahead:
        node = ahead.pop()
        ahead += node.get("children", [])
        if "JOIN" in node["type"]:
            total += node["intermediate_rows"]
    return total, value


def kernel_plan(folder: Path, sql: str) -> tuple[float, object]:
    with duckdb.connect(config={"threads": 1}) as connection:
        for name in TABLES:
            connection.execute(f"CREATE VIEW {name} AS FROM '{folder / name}.parquet'")
        return rows_of_joins(connection, sql)


def own_plan(session: shoal.Connection, sql: str) -> tuple[float, object]:
    """What our one fragment makes in the kernel that executors run it in."""
    text = "\n".join(str(row[0]) for row in session.execute(f"EXPLAIN (FRAGMENTS) {sql}").fetchall())
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(f"SET disabled_optimizers = '{WRITTEN_ORDER}'")
        for name, source in re.findall(r"^-- (\S+) = (read_parquet\(\[.*?\]\))", text, re.MULTILINE):
            connection.execute(f"CREATE VIEW {name} AS FROM {source}")
        return rows_of_joins(connection, re.sub(r"^--.*$", "", text, flags=re.MULTILINE))


@pytest.mark.parametrize("shape", SHAPES)
def test_our_joins_make_no_more_rows_than_the_kernels(shape: str, folder: Path, session: shoal.Connection) -> None:
    theirs, expected = kernel_plan(folder, SHAPES[shape])
    ours, value = own_plan(session, SHAPES[shape])
    assert value == expected
    assert theirs > 0
    assert ours <= theirs * 1.05


def test_over_all_shapes_our_joins_make_much_fewer_rows(folder: Path, session: shoal.Connection) -> None:
    theirs = sum(kernel_plan(folder, sql)[0] for sql in SHAPES.values())
    ours = sum(own_plan(session, sql)[0] for sql in SHAPES.values())
    assert ours < theirs * 0.7
