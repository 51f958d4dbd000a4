"""COPY TO and COPY FROM: files that plain DuckDB writes and reads alike, and none that are not whole."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import shoal

TABLE = "SELECT range AS i, 'r' || range AS s, range / 4 AS d, [range] AS l, DATE '2020-01-01' AS day FROM range(3000)"
OPTIONS = [
    ("csv", ""),
    ("csv", "(HEADER false, DELIMITER '|', NULLSTR 'nothing')"),
    ("csv", "(FORMAT csv, QUOTE '\"', FORCE_QUOTE (s), COMPRESSION gzip)"),
    ("csv", "WITH (HEADER, DATEFORMAT '%d.%m.%Y')"),
    ("parquet", ""),
    ("parquet", "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 2048)"),
    ("json", ""),
    ("json", "(ARRAY true)"),
    ("data", "(FORMAT parquet)"),
]


@pytest.fixture(params=["embedded", "cluster"], scope="module")
def connection(request: pytest.FixtureRequest) -> Iterator[shoal.Connection]:
    with shoal.connect(threads=1, executors=2 if request.param == "cluster" else 0) as connection:
        if request.param == "cluster":
            connection.execute("SET distribute = always")
        yield connection


@pytest.fixture
def plain() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.mark.parametrize(("suffix", "options"), OPTIONS)
def test_copy_to(
    connection: shoal.Connection, plain: duckdb.DuckDBPyConnection, tmp_path: Path, suffix: str, options: str
) -> None:
    connection.execute(f"CREATE OR REPLACE TABLE t AS {TABLE}")
    plain.execute(f"CREATE TABLE t AS {TABLE}")
    ours, theirs = tmp_path / f"ours.{suffix}", tmp_path / f"theirs.{suffix}"
    assert connection.execute(f"COPY t TO '{ours}' {options}").fetchall() == [(3000,)]
    plain.execute(f"COPY t TO '{theirs}' {options}")
    if suffix in ("csv", "json"):
        assert ours.read_bytes() == theirs.read_bytes()
    else:
        assert plain.read_parquet(str(ours)).fetchall() == plain.read_parquet(str(theirs)).fetchall()
    assert sorted(path.name for path in tmp_path.iterdir()) == [ours.name, theirs.name]


def test_copy_of_a_query_and_of_columns(
    connection: shoal.Connection, plain: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    connection.execute(f"CREATE OR REPLACE TABLE t AS {TABLE}")
    path = tmp_path / "q.parquet"
    cursor = connection.execute(f"COPY (SELECT i % 3 AS g, count(*) AS n FROM t GROUP BY g ORDER BY g) TO '{path}'")
    assert cursor.rowcount == 3
    assert plain.read_parquet(str(path)).fetchall() == [(0, 1000), (1, 1000), (2, 1000)]
    connection.execute(f"COPY t(s, i) TO '{path}'")
    assert plain.read_parquet(str(path)).columns == ["s", "i"]
    connection.execute(f"COPY (SELECT 1 AS a, 2 AS a WHERE false) TO '{path}'")
    assert plain.read_parquet(str(path)).fetchall() == []
    cursor = connection.cursor().execute(f"COPY (SELECT i FROM t WHERE i < ?) TO '{path}'", (5,))
    assert cursor.rowcount == 5


def test_copy_in_parts(connection: shoal.Connection, plain: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    connection.execute(f"CREATE OR REPLACE TABLE t AS {TABLE}")
    parts = tmp_path / "parts"
    statement = f"COPY (SELECT i % 3 AS g, i FROM t) TO '{parts}' (FORMAT parquet, PARTITION_BY (g))"
    connection.execute(statement)
    assert sorted(path.name for path in parts.iterdir()) == ["g=0", "g=1", "g=2"]
    found = plain.execute(f"SELECT g, count(*), sum(i) FROM '{parts}/*/*.parquet' GROUP BY g ORDER BY g").fetchall()
    assert found == [(0, 1000, 1498500), (1, 1000, 1499500), (2, 1000, 1500500)]
    with pytest.raises(shoal.Error):
        connection.execute(statement)
    connection.execute(f"{statement[:-1]}, OVERWRITE_OR_IGNORE)")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts"]


@pytest.mark.parametrize(
    ("suffix", "options"), [("csv", ""), ("csv", "(HEADER, DELIMITER ';')"), ("parquet", ""), ("json", "")]
)
def test_copy_from(
    connection: shoal.Connection, plain: duckdb.DuckDBPyConnection, tmp_path: Path, suffix: str, options: str
) -> None:
    path = tmp_path / f"in.{suffix}"
    plain.execute(f"COPY (SELECT range AS a, 'x' || range AS b FROM range(2000)) TO '{path}' {options}")
    for each in (plain, connection):
        each.execute("CREATE OR REPLACE TABLE t(a INTEGER CHECK (a < 5000), b VARCHAR, c DOUBLE DEFAULT 2)")
        assert each.execute(f"COPY t(a, b) FROM '{path}' {options}").fetchall() == [(2000,)]
    query = "SELECT * FROM t ORDER BY a"
    assert connection.execute(query).fetchall() == plain.execute(query).fetchall()
    plain.execute(f"COPY (SELECT 9999 AS a, 'x' AS b) TO '{path}' {options}")
    with pytest.raises(shoal.IntegrityError):
        connection.execute(f"COPY t(a, b) FROM '{path}' {options}")
    with pytest.raises(shoal.Error):
        connection.execute(f"COPY t FROM '{tmp_path}/nowhere.{suffix}'")
    assert connection.execute("SELECT count(*) FROM t").fetchall() == [(2000,)]


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT CASE WHEN range = 250000 THEN error('late') ELSE 1 END FROM range(300000)) TO '{path}'",
        "COPY (SELECT nothing) TO '{path}'",
        "COPY (SELECT 1) TO '{path}' (FORMAT nothing)",
        "COPY (SELECT 1) TO '{path}' (NOTHING 3)",
        "COPY (SELECT 1) TO '{path}/inside/x.csv'",
        "COPY nowhere TO '{path}'",
        "COPY nowhere FROM '{path}'",
        "COPY (SELECT 1) TO 'http://nowhere/x.csv'",
        "COPY (SELECT 1) FROM '{path}'",
    ],
)
def test_copies_that_fail_leave_nothing(connection: shoal.Connection, tmp_path: Path, sql: str) -> None:
    with pytest.raises(shoal.Error) as caught:
        connection.execute(sql.format(path=tmp_path / "out.csv"))
    assert not isinstance(caught.value, shoal.InternalError)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_only_by_a_whole_one(connection: shoal.Connection, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    connection.execute(f"COPY (SELECT 1 AS a) TO '{path}'")
    before = path.read_text()
    with pytest.raises(shoal.Error):
        connection.execute(
            f"COPY (SELECT CASE WHEN range = 250000 THEN error('late') END FROM range(300000)) TO '{path}'"
        )
    assert path.read_text() == before
    connection.execute(f"COPY (SELECT 2 AS a) TO '{path}'")
    assert path.read_text() == "a\n2\n"
