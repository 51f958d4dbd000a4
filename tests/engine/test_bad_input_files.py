"""Files that are missing, corrupt, unreadable, or change while they are read, in every mode."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import shoal
from tests.engine.bad_input_modes import MODES, connect, fails


@pytest.fixture(scope="module", params=MODES)
def connection(request: pytest.FixtureRequest) -> Iterator[shoal.Connection]:
    with connect(request.param) as opened:
        yield opened


def write(path: Path, query: str, rows: int = 2048) -> Path:
    with duckdb.connect() as duck:
        duck.execute(f"COPY ({query}) TO '{path}' (ROW_GROUP_SIZE {rows})")
    return path


@pytest.fixture
def items(tmp_path: Path) -> Path:
    return write(tmp_path / "items.parquet", "SELECT i AS id, i % 7 AS grp, 'x' || i AS name FROM range(20000) AS r(i)")


def damaged(path: Path, kind: str) -> Path:
    """A copy of a Parquet file with something wrong."""
    content = bytearray(path.read_bytes())
    match kind:
        case "empty":
            content = bytearray()
        case "cut":
            content = content[: len(content) // 2]
        case "garbage":
            content = bytearray(b"hello world" * 100)
        case "footer":
            content[-200:-8] = b"\xff" * 192
        case "footer length":
            content[-8:-4] = b"\xff\xff\xff\x7f"
        case "pages":
            content[100:3000] = bytes(byte ^ 0x5A for byte in content[100:3000])
    target = path.with_name(f"{kind.replace(' ', '_')}.parquet")
    target.write_bytes(content)
    return target


@pytest.mark.parametrize("kind", ["empty", "cut", "garbage", "footer", "footer length", "pages"])
def test_corrupt_parquet_is_named(connection: shoal.Connection, items: Path, kind: str) -> None:
    path = damaged(items, kind)
    sql = f"SELECT sum(id), max(name) FROM '{path}'"
    error = fails(connection, sql, shoal.SourceCorrupt)
    assert path.name in error.message
    assert error.message.count(path.name) == 1
    assert kind == "pages" or error.context.sql == sql


def test_one_corrupt_file_of_many(connection: shoal.Connection, tmp_path: Path, items: Path) -> None:
    for number in range(4):
        (tmp_path / f"part{number}.parquet").write_bytes(items.read_bytes())
    damaged(items, "pages").rename(tmp_path / "part2.parquet")
    error = fails(connection, f"SELECT sum(id), max(name) FROM '{tmp_path}/part*.parquet'", shoal.SourceCorrupt)
    assert "part2.parquet" in error.message


def test_other_formats(connection: shoal.Connection, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"a": 1}\n{"a": \n')
    (tmp_path / "bad.csv").write_text("a,b\n1,2\nx,y\n")
    (tmp_path / "bad.csv.gz").write_bytes(b"this is not gzip")
    assert "bad.json" in fails(connection, f"FROM '{tmp_path}/bad.json'", shoal.SourceCorrupt).message
    typed = f"FROM read_csv('{tmp_path}/bad.csv', columns = {{'a': 'INT', 'b': 'INT'}})"
    with pytest.raises(shoal.SourceCorrupt, match=r"bad\.csv|line|Line"):
        connection.execute(typed).fetchall()
    assert "bad.csv.gz" in fails(connection, f"FROM '{tmp_path}/bad.csv.gz'", shoal.SourceCorrupt).message


def test_missing_files(connection: shoal.Connection, items: Path, tmp_path: Path) -> None:
    error = fails(connection, f"SELECT *\nFROM '{tmp_path}/itmes.parquet'", shoal.SourceNotFound)
    assert error.message == f"there is no file {tmp_path}/itmes.parquet"
    assert error.line == 2
    assert error.hint == "did you mean items.parquet?"
    error = fails(connection, f"FROM '{tmp_path}/nowhere/items.parquet'", shoal.SourceNotFound)
    assert error.hint == f"there is no directory {tmp_path}/nowhere"
    for call in ("read_parquet", "read_csv", "read_json"):
        fails(connection, f"FROM {call}('{tmp_path}/no*.x')", shoal.SourceNotFound)
    (tmp_path / "folder.parquet").mkdir()
    fails(connection, f"FROM '{tmp_path}/folder.parquet'", shoal.SourceNotFound)
    with pytest.raises(shoal.SourceNotFound):
        connection.register("t", tmp_path / "itmes.parquet")


def test_a_registered_file_that_goes(connection: shoal.Connection, items: Path) -> None:
    connection.register("going", items)
    assert connection.execute("SELECT count(*) FROM going").fetchall() == [(20000,)]
    items.unlink()
    error = fails(connection, "SELECT count(*) FROM going", shoal.SourceNotFound)
    assert "items.parquet" in error.message
    connection.unregister("going")


@pytest.mark.parametrize("change", ["replaced", "cut", "removed"])
def test_a_file_that_changes_during_the_query(connection: shoal.Connection, tmp_path: Path, change: str) -> None:
    """The answer is that of the old file, or an error that names the file; never a mixture."""
    path = write(tmp_path / "t.parquet", "SELECT i AS id, 'a' || i AS v FROM range(600000) AS r(i)", 20480)
    connection.register("changing", path)
    cursor = connection.execute("SELECT id, v FROM changing")
    assert cursor.fetchone() is not None
    match change:
        case "replaced":
            write(tmp_path / "new.parquet", "SELECT i + 5 AS id, 'b' || i AS v FROM range(100000) AS r(i)").rename(path)
        case "cut":
            content = path.read_bytes()
            path.write_bytes(content[: len(content) // 3])
        case _:
            path.unlink()
    failed: shoal.SourceError | None = None
    rows = []
    try:
        rows = cursor.fetchall()
    except shoal.SourceError as error:
        failed = error
    if failed is None:
        assert len(rows) == 599_999
        assert {str(row[1])[0] for row in rows} == {"a"}
    else:
        assert isinstance(failed, shoal.SourceChanged | shoal.SourceNotFound)
        assert "t.parquet" in failed.message
    cursor.close()
    connection.unregister("changing")
    assert connection.execute("SELECT 1").fetchall() == [(1,)]
