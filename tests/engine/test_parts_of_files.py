"""Tasks that read parts of one Parquet file together read every row once, whatever its columns are called."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet

import shoal

SIZES = [300, 0, 200, 1, 0, 499, 0]
"""Rows of the row groups."""


def write(path: Path, name: str) -> None:
    """A sorted column, one of ever the same value under a name, and one to add up."""
    rows = sum(SIZES)
    table = pa.table({"k": range(rows), name: [7] * rows, "v": [number % 13 for number in range(rows)]})
    with parquet.ParquetWriter(path, table.schema) as writer:
        start = 0
        for size in SIZES:
            writer.write_table(table.slice(start, size))
            start += size


@pytest.mark.parametrize("tasks", [2, 3, 7])
@pytest.mark.parametrize("name", ["other", "file_row_number", "FILE_ROW_GROUP_NUMBER", "filename", "file_index"])
def test_every_row_is_read_once(tmp_path: Path, name: str, tasks: int) -> None:
    path = tmp_path / "t.parquet"
    write(path, name)
    statements = [
        f"SELECT count(*), sum(k), sum(v), min({name}), max({name}) FROM t",
        f"SELECT v, count(*), sum({name}) FROM t GROUP BY v ORDER BY v",
        f"SELECT a.k, count(*) FROM t AS a JOIN t AS b ON a.k = b.k AND b.{name} = 7 GROUP BY a.k ORDER BY a.k",
        "SELECT sum(k) FROM t",
    ]
    with shoal.connect() as connection, duckdb.connect() as plain:
        plain.execute(f"CREATE VIEW t AS FROM '{path}'")
        connection.register("t", path)
        connection.execute("SET distribute = 'always'")
        connection.execute(f"SET partitions = {tasks}")
        for sql in statements:
            assert connection.execute(sql).fetchall() == plain.execute(sql).fetchall(), sql
        fragments = "\n".join(
            row[0] for row in connection.execute("EXPLAIN (FRAGMENTS) SELECT sum(k) FROM t").fetchall()
        )
        assert (" rows " in fragments) is not name.lower().startswith("file_row")


@pytest.mark.parametrize("name", ["file_row_number", "file_row_group_number", "filename"])
def test_a_table_of_a_session_may_have_such_a_column(name: str) -> None:
    with shoal.connect() as connection:
        connection.execute("SET distribute = 'always'")
        connection.execute("SET partitions = 3")
        connection.execute(f"CREATE TABLE t AS SELECT i AS k, 5 AS {name} FROM range(300000) AS r(i)")
        assert connection.execute(f"SELECT count(*), sum(k), sum({name}) FROM t").fetchall() == [
            (300_000, sum(range(300_000)), 1_500_000)
        ]
        connection.execute(f"UPDATE t SET {name} = k WHERE k < 10")
        assert connection.execute(f"SELECT count(*), sum({name}) FROM t WHERE {name} <> 5").fetchall() == [(9, 40)]
