"""Files of one table that are unlike, damaged, empty or replaced: plain DuckDB's rows, or an error of the same kind."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import shoal
from tests.engine.bad_input_modes import connect, fails

MODES = ("embedded", "stages")

NUMBERS = "FROM range(1500) AS r(i)"
TABLES: Mapping[str, tuple[str, ...]] = {
    "orders": (f"SELECT i::INTEGER AS a, i * 2 AS b {NUMBERS}", f"SELECT i * 3 AS b, i::INTEGER AS a {NUMBERS}"),
    "wider": (f"SELECT i::INTEGER AS a {NUMBERS}", f"SELECT i + 10 AS a {NUMBERS}"),
    "narrower": (f"SELECT i + 10 AS a {NUMBERS}", f"SELECT i::INTEGER AS a {NUMBERS}"),
    "too_wide": (f"SELECT i::INTEGER AS a {NUMBERS}", f"SELECT i + 10000000000 AS a {NUMBERS}"),
    "double": (f"SELECT i::INTEGER AS a {NUMBERS}", f"SELECT (i + 0.5)::DOUBLE AS a {NUMBERS}"),
    "double_first": (f"SELECT (i + 0.5)::DOUBLE AS a {NUMBERS}", f"SELECT i::INTEGER AS a {NUMBERS}"),
    "digits": (f"SELECT i::INTEGER AS a {NUMBERS}", f"SELECT (i + 7)::VARCHAR AS a {NUMBERS}"),
    "text": (f"SELECT i::INTEGER AS a {NUMBERS}", f"SELECT 'x' || i AS a {NUMBERS}"),
    "text_first": (f"SELECT 'x' || i AS a {NUMBERS}", f"SELECT i::INTEGER AS a {NUMBERS}"),
    "decimals": (f"SELECT i::DECIMAL(9,2) AS a {NUMBERS}", f"SELECT (i + 0.125)::DECIMAL(12,4) AS a {NUMBERS}"),
    "times": (
        f"SELECT DATE '2020-01-01' + i::INTEGER AS a {NUMBERS}",
        f"SELECT TIMESTAMP '2020-01-01 10:00:00' + to_days(i::INTEGER) AS a {NUMBERS}",
    ),
    "missing": (f"SELECT i::INTEGER AS a, i AS b {NUMBERS}", f"SELECT i::INTEGER AS a {NUMBERS}"),
    "further": (f"SELECT i::INTEGER AS a {NUMBERS}", f"SELECT i::INTEGER AS a, i AS b {NUMBERS}"),
    "letters": (f"SELECT i::INTEGER AS a {NUMBERS}", f"SELECT i::INTEGER AS A {NUMBERS}"),
    "nested": (f"SELECT {{'x': i}} AS a {NUMBERS}", f"SELECT {{'x': i, 'y': 2}} AS a {NUMBERS}"),
    "no_rows_first": ("SELECT i::INTEGER AS a FROM range(0) AS r(i)", f"SELECT i::INTEGER AS a {NUMBERS}"),
    "no_rows_last": (f"SELECT i::INTEGER AS a {NUMBERS}", "SELECT i::INTEGER AS a FROM range(0) AS r(i)"),
    "no_rows": ("SELECT i::INTEGER AS a FROM range(0) AS r(i)", "SELECT i::INTEGER AS a FROM range(0) AS r(i)"),
    "null": (f"SELECT NULL::INTEGER AS a {NUMBERS}", f"SELECT NULL::INTEGER AS a {NUMBERS}"),
}
"""Tables by what is odd about them: the queries that their files hold."""

QUERIES = (
    "SELECT a, count(*) FROM {table} GROUP BY a",
    "SELECT count(*) FROM {table}",
    "SELECT x.a, count(*) FROM {table} AS x LEFT JOIN {table} AS y ON x.a = y.a GROUP BY x.a",
    "SELECT * FROM {table}",
)
KINDS: Mapping[type[duckdb.Error], type[shoal.Error]] = {
    duckdb.ConversionException: shoal.DataError,
    duckdb.InvalidInputException: shoal.SourceCorrupt,
}
"""Whose fault it is when DuckDB refuses the files."""


@pytest.fixture(scope="module", params=MODES)
def connection(request: pytest.FixtureRequest) -> Iterator[shoal.Connection]:
    with connect(request.param) as opened:
        yield opened


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("unlike")
    for name, queries in TABLES.items():
        (root / name).mkdir()
        for number, query in enumerate(queries):
            write(root / name / f"part{number}.parquet", query)
    return root


def write(path: Path, query: str) -> None:
    with duckdb.connect() as duck:
        duck.execute(f"COPY ({query}) TO '{path}' (FORMAT PARQUET)")


def duckdbs(sql: str) -> list[tuple[object, ...]] | type[duckdb.Error]:
    """DuckDB's rows, sorted, or the class of its error."""
    with duckdb.connect() as duck:
        try:
            return sorted(duck.execute(sql).fetchall(), key=repr)
        except duckdb.Error as error:
            return type(error)


@pytest.mark.parametrize("options", ["", ", union_by_name = true"], ids=["", "by_name"])
@pytest.mark.parametrize("name", TABLES)
def test_unlike_files_are_read_as_duckdb_reads_them(
    connection: shoal.Connection, tables: Path, name: str, options: str
) -> None:
    for query in QUERIES:
        sql = query.format(table=f"read_parquet('{tables / name}/*.parquet'{options})")
        theirs = duckdbs(sql)
        if isinstance(theirs, list):
            assert sorted(connection.execute(sql).fetchall(), key=repr) == theirs
        else:
            error = fails(connection, sql, KINDS[theirs])
            assert "part1.parquet" in error.message


@pytest.mark.parametrize("name", ["wider", "missing", "letters", "orders"])
def test_unlike_files_are_read_together(tables: Path, name: str) -> None:
    """What a task would see of one file alone is not what the table says, so no task reads one alone."""
    with connect("stages") as connection:
        connection.register("t", tables / name)
        text = str(connection.execute("EXPLAIN SELECT a, count(*) FROM t GROUP BY a").fetchall())
    assert "split among the tasks" not in text
    assert "clustered" not in text


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("damage", ["empty", "cut", "footer", "text"])
def test_a_damaged_file_among_others_is_named(
    connection: shoal.Connection, tmp_path: Path, damage: str, place: int
) -> None:
    for number in range(3):
        write(tmp_path / f"part{number}.parquet", f"SELECT i + {number} AS a, 'x' || i AS b {NUMBERS}")
    path = tmp_path / f"part{place}.parquet"
    content = path.read_bytes()
    match damage:
        case "empty":
            path.write_bytes(b"")
        case "cut":
            path.write_bytes(content[: len(content) // 2])
        case "footer":
            path.write_bytes(content[:-100] + b"\xff" * 92 + content[-8:])
        case _:
            path.write_bytes(b"hello world" * 100)
    error = fails(connection, f"SELECT a, count(*), max(b) FROM '{tmp_path}/*.parquet' GROUP BY a", shoal.SourceCorrupt)
    assert path.name in error.message
    path.write_bytes(content)
    sql = f"SELECT count(*), sum(a), max(b) FROM '{tmp_path}/*.parquet'"
    assert connection.execute(sql).fetchall() == duckdbs(sql)


def sorted_keys(path: Path, first: int, text: str) -> None:
    """A file of 4,000 rows in row groups of 100, sorted by ``k``; files of equal ``text`` lengths are of equal size."""
    keys = pa.array(range(first, first + 4000), pa.int64())
    table = pa.table({"k": keys, "v": pa.array([text] * 4000)})
    pq.write_table(table, path, row_group_size=100, compression="none", use_dictionary=False)


@pytest.mark.parametrize("how", ["later", "same time", "renamed"])
def test_a_replaced_file_is_read_anew(connection: shoal.Connection, tmp_path: Path, how: str) -> None:
    """Its other bounds decide which task reads what, even if size and time stamp are the old ones."""
    path = tmp_path / "t.parquet"
    sorted_keys(path, 1000, "old")
    before = path.stat()
    connection.register("replaced", path)
    sql = "SELECT a.k, a.v, count(*) FROM replaced AS a JOIN replaced AS b ON a.k = b.k GROUP BY a.k, a.v ORDER BY a.k"
    assert connection.execute(sql).fetchall() == [(key, "old", 1) for key in range(1000, 5000)]
    other = tmp_path / "other.parquet"
    sorted_keys(other, 3000, "new")
    if how == "renamed":
        os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
        other.rename(path)
    else:
        path.write_bytes(other.read_bytes())
        if how == "same time":
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert connection.execute(sql).fetchall() == [(key, "new", 1) for key in range(3000, 7000)]
    connection.unregister("replaced")


def test_files_that_come_and_go(connection: shoal.Connection, tmp_path: Path) -> None:
    sql = f"SELECT count(*), min(k), max(k), count(DISTINCT k) FROM '{tmp_path}/*.parquet'"
    for number in range(3):
        sorted_keys(tmp_path / f"{number}.parquet", number * 4000, "x")
    assert connection.execute(sql).fetchall() == [(12000, 0, 11999, 12000)]
    sorted_keys(tmp_path / "3.parquet", 12000, "x")
    assert connection.execute(sql).fetchall() == [(16000, 0, 15999, 16000)]
    (tmp_path / "0.parquet").unlink()
    assert connection.execute(sql).fetchall() == [(12000, 4000, 15999, 12000)]


def test_ten_thousand_columns(connection: shoal.Connection, tmp_path: Path) -> None:
    columns = {f"c{number}": pa.array(range(number, number + 1200), pa.int32()) for number in range(10_000)}
    pq.write_table(pa.table(columns), tmp_path / "wide.parquet", row_group_size=600, use_dictionary=False)
    path = tmp_path / "wide.parquet"
    sql = f"SELECT c9999 % 10 AS k, sum(c0), max(c5000) FROM '{path}' GROUP BY k ORDER BY k"
    assert connection.execute(sql).fetchall() == duckdbs(sql)
    sql = f"SELECT * FROM '{path}' WHERE c7 = 500"
    assert connection.execute(sql).fetchall() == duckdbs(sql)


def test_a_file_named_twice_is_read_twice(connection: shoal.Connection, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    sorted_keys(path, 0, "x")
    sql = f"SELECT k, count(*) FROM read_parquet(['{path}', '{path}']) GROUP BY k"
    assert sorted(connection.execute(sql).fetchall(), key=repr) == duckdbs(sql)
