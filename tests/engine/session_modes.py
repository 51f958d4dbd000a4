"""Statements on a session, run on plain DuckDB and on Shoal: in this process, cut into tasks, and by executors."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

import shoal
from tests.engine.bad_input_modes import connect

TABLE = pa.table({"a": [1, 2, 3, 4, None], "g": ["x", "y", "x", "y", "z"]})


@contextmanager
def shoal_and_duckdb(mode: str) -> Iterator[tuple[shoal.Connection, duckdb.DuckDBPyConnection]]:
    """Both with the table ``t``."""
    with connect(mode) as ours, duckdb.connect() as plain:
        ours.register("t", TABLE)
        plain.register("t", TABLE)
        yield ours, plain


def same(
    ours: shoal.Connection, plain: duckdb.DuckDBPyConnection, sql: str, parameters: object = None
) -> list[tuple[object, ...]]:
    """Run a query on both; names, types and rows are the same. Returns the rows."""
    cursor = ours.execute(sql, parameters or ())  # type: ignore[arg-type]
    expected = plain.execute(sql, parameters)
    assert [(name, code) for name, code, *_ in cursor.description or ()] == [
        (name, str(code)) for name, code, *_ in expected.description
    ]
    rows = cursor.fetchall()
    assert sorted(map(repr, rows)) == sorted(map(repr, expected.fetchall())), sql
    return rows
