"""Tables whose keys are skewed, missing or NULL, and plain DuckDB over the same files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

import shoal

TABLES = {
    "facts": """
        SELECT i AS id, CASE WHEN i % 10 < 6 THEN 7 WHEN i % 97 = 0 THEN NULL ELSE i % 400 END AS k,
            (i * 7919) % 1000 AS v, 'text ' || (i % 13) AS t
        FROM range(40000) r(i)""",
    "sorted_facts": """
        SELECT i AS id, CASE WHEN i < 24000 THEN 7 ELSE i % 400 END AS k, i % 1000 AS v
        FROM range(40000) r(i)""",
    "dimension": "SELECT CASE WHEN i = 399 THEN NULL ELSE i END AS k, 'name ' || i AS name FROM range(2, 400) r(i)",
    "other": "SELECT CASE WHEN i % 5 = 0 THEN 7 ELSE i END AS k, i * 3 AS w FROM range(600) r(i)",
    "evens": "SELECT i * 2 AS id, i AS k, i % 7 AS g FROM range(20000) r(i)",
    "odds": "SELECT CASE WHEN i < 15 THEN i * 2 ELSE i * 2 + 1 END AS id, i % 5 AS h FROM range(20000) r(i)",
    "nothing": "SELECT i AS k, i AS w FROM range(10) r(i) WHERE i > 100",
    "nulls": "SELECT NULL::BIGINT AS k, i AS w FROM range(3000) r(i)",
}
"""What each table holds."""


def write_tables(folder: Path) -> None:
    """Each table as a few Parquet files in a folder of its name."""
    with duckdb.connect() as connection:
        for name, sql in TABLES.items():
            (folder / name).mkdir()
            connection.execute(f"CREATE TABLE whole AS {sql}")
            rows = connection.execute("SELECT count(*) FROM whole").fetchall()[0][0]
            step = max(1, -(-rows // 3))
            for part in range(3):
                rowids = f"rowid BETWEEN {part * step} AND {(part + 1) * step - 1}"
                path = folder / name / f"{part}.parquet"
                connection.execute(f"COPY (FROM whole WHERE {rowids}) TO '{path}' (ROW_GROUP_SIZE 2048)")
            connection.execute("DROP TABLE whole")


@contextmanager
def oracle(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Plain DuckDB."""
    with duckdb.connect() as connection:
        for name in TABLES:
            connection.execute(f"CREATE VIEW {name} AS FROM read_parquet('{folder / name}/*.parquet')")
        yield connection


@contextmanager
def cluster(folder: Path, executors: int = 0, **settings: str) -> Iterator[shoal.Connection]:
    """Shoal, cutting every plan into tasks with partitioned joins; ``task_bytes`` are few.

    It does not learn how many rows there are, so that plans are as wrong the second time as the first, and does not
    group before it joins, which leaves little to skew.
    """
    connection = shoal.connect(threads=1, **({"executors": executors} if executors else {}))
    wanted = {
        "distribute": "always",
        "join_strategy": "partitioned",
        "partitions": "4",
        "task_bytes": "2000",
        "disabled_rules": "use_clustering",
        "check_plans": "on",
        **settings,
    }
    wanted["disabled_rules"] += ",observed_rows,push_aggregates"
    try:
        for name in TABLES:
            connection.register(name, folder / name)
        for name, value in wanted.items():
            connection.execute(f"SET {name} = '{value}'")
        yield connection
    finally:
        connection.close()


def rows_of(connection: shoal.Connection | duckdb.DuckDBPyConnection, sql: str) -> list[tuple[object, ...]]:
    """The rows of a query, sorted."""
    return sorted(connection.execute(sql).fetchall(), key=repr)


def adapted(connection: shoal.Connection, sql: str) -> list[str]:
    """What EXPLAIN ANALYZE says was done otherwise than planned."""
    lines = [line for row in connection.execute(f"EXPLAIN ANALYZE {sql}").fetchall() for line in row[0].splitlines()]
    return [line.partition("adapted: ")[2] for line in lines if "adapted: " in line]
