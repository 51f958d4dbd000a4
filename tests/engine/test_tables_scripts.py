"""Statements on tables answer as plain DuckDB does: rows, their types, counts and errors, wherever they run."""

import re
from collections.abc import Iterator

import duckdb
import pytest

import shoal
from tests.engine.table_scripts import SCRIPTS, TYPES

_ORDERED = re.compile(r"ORDER BY|LIMIT|^FROM", re.IGNORECASE)
Answer = tuple[list[str], list[object]]


@pytest.fixture(scope="module")
def cluster() -> Iterator[shoal.Connection]:
    with shoal.connect(executors=2, threads=1) as connection:
        connection.execute("SET distribute = always")
        yield connection


@pytest.fixture(params=["embedded", "stages", "cluster"])
def connection(request: pytest.FixtureRequest) -> Iterator[shoal.Connection]:
    """A connection that has no tables: of this process, with every plan distributed in it, or with two executors."""
    if request.param != "cluster":
        with shoal.connect(threads=1) as connection:
            if request.param == "stages":
                connection.execute("SET distribute = always")
            yield connection
        return
    connection = request.getfixturevalue("cluster")
    yield connection
    connection.execute("USE main")
    rows = connection.execute("SELECT table_schema, table_name, table_type FROM information_schema.tables").fetchall()
    # Temporary ones first: "main.t" is the temporary table t as long as there is one.
    for schema, name, kind in sorted(rows, key=lambda row: str(row[2]) != "LOCAL TEMPORARY"):
        where = "temp" if kind == "LOCAL TEMPORARY" else schema
        connection.execute(f'DROP {"VIEW" if kind == "VIEW" else "TABLE"} {where}."{name}"')
    for (name,) in connection.execute("SELECT schema_name FROM information_schema.schemata").fetchall():
        if name not in ("main", "information_schema", "pg_catalog"):
            connection.execute(f"DROP SCHEMA IF EXISTS {name}")


def statements(script: str) -> list[str]:
    return [statement.strip() for statement in script.split(";\n")]


def answer(connection: shoal.Connection | duckdb.DuckDBPyConnection, sql: str) -> Answer | str:
    """Names and rows; for an error, that it is one."""
    try:
        cursor = connection.execute(sql)
        if cursor.description is None:
            return [], []
        rows: list[object] = list(cursor.fetchall())
    except (duckdb.Error, shoal.Error) as error:
        if isinstance(error, shoal.InternalError):
            return str(error)
        return "error"
    names = [str(column[0]) for column in cursor.description]
    if not rows and names in (["Count"], ["Success"]):
        return [], []
    return names, rows if _ORDERED.search(sql) else sorted(rows, key=str)


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts(connection: shoal.Connection, name: str) -> None:
    with duckdb.connect() as plain:
        for sql in statements(SCRIPTS[name]):
            expected, found = answer(plain, sql), answer(connection, sql)
            assert str(found) == str(expected), sql


@pytest.mark.parametrize("type_", TYPES)
def test_types(connection: shoal.Connection, type_: str) -> None:
    values = TYPES[type_]
    script = [
        f"CREATE TABLE t(i INTEGER, v {type_})",
        f"INSERT INTO t(v) VALUES {values}, (NULL)",
        "INSERT INTO t SELECT row_number() OVER (ORDER BY CAST(v AS VARCHAR)), v FROM t",
        "INSERT INTO t SELECT 10 + i, v FROM t",
        "UPDATE t SET i = 100 WHERE i = 11",
        "CREATE TABLE u AS SELECT * FROM t ORDER BY i",
        "DESCRIBE u",
        "SELECT typeof(v), v, CAST(v AS VARCHAR) FROM u ORDER BY i, CAST(v AS VARCHAR)",
        "DELETE FROM u WHERE i < 10 RETURNING v",
        "SELECT count(*), count(v), min(CAST(v AS VARCHAR)), count(DISTINCT v) FROM u",
        "ALTER TABLE u ADD COLUMN w INTEGER DEFAULT 1",
        "SELECT v, w FROM u ORDER BY i, CAST(v AS VARCHAR)",
    ]
    with duckdb.connect() as plain:
        for sql in script:
            expected, found = answer(plain, sql), answer(connection, sql)
            assert str(found) == str(expected), sql
            assert expected != "error", sql
