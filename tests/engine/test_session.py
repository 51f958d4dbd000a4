"""Statements end to end in this process: views, files, EXPLAIN, changes, cancellation, limits, nothing left behind."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

import shoal
from shoal.planner.errors import Place

ENDLESS = "SELECT count(*) FROM range(100000000000) AS a(i), range(1000) AS b(j) WHERE (i * j) % 7 = 3"
WAIT_SECONDS = 20.0


@pytest.fixture
def connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[shoal.Connection]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with shoal.connect(threads=1) as opened:
        yield opened


def write(path: Path, query: str) -> Path:
    with duckdb.connect() as duck:
        duck.execute(f"COPY ({query}) TO '{path}'")
    return path


def rows(connection: shoal.Connection, sql: str, *parameters: object) -> list[tuple[object, ...]]:
    with connection.execute(sql, parameters) as cursor:
        return cursor.fetchall()


def test_views(connection: shoal.Connection) -> None:
    connection.execute("CREATE VIEW v(n) AS SELECT i, i * 2 AS d FROM range(3) AS r(i)")
    connection.execute("CREATE TEMP VIEW w AS SELECT sum(n) AS total FROM v")
    assert rows(connection, "FROM w") == [(3,)]
    assert rows(connection, "DESCRIBE v") == [(name, "BIGINT", "YES", None, None, None) for name in ("n", "d")]
    assert rows(connection, "SHOW v") == rows(connection, "DESCRIBE v")
    with pytest.raises(shoal.ProgrammingError, match="already"):
        connection.execute("CREATE VIEW V AS SELECT 1")
    connection.execute("CREATE VIEW IF NOT EXISTS v AS SELECT 1")
    connection.execute("CREATE OR REPLACE VIEW v AS SELECT 10 AS n")
    assert rows(connection, "FROM w") == [(10,)]
    assert connection.tables() == ("v", "w")
    assert rows(connection, "SHOW TABLES") == [("v",), ("w",)]
    connection.execute("DROP VIEW v")
    connection.execute("DROP VIEW IF EXISTS v")
    with pytest.raises(shoal.TableNotFound):
        connection.execute("DROP VIEW v")
    with pytest.raises(shoal.TableNotFound):
        connection.execute("FROM w")


def test_wrong_views_leave_nothing(connection: shoal.Connection) -> None:
    for sql in (
        "CREATE VIEW v AS SELECT missing",
        "CREATE VIEW v AS FROM v",
        "CREATE VIEW v(a, b) AS SELECT 1",
        "CREATE OR REPLACE VIEW v AS SELECT 1 FROM nowhere",
    ):
        with pytest.raises(shoal.ProgrammingError):
            connection.execute(sql)
    assert connection.tables() == ()
    connection.execute("CREATE VIEW v AS SELECT 1 AS a")
    with pytest.raises(shoal.ProgrammingError, match="itself"):
        connection.execute("CREATE OR REPLACE VIEW v AS FROM v")
    assert rows(connection, "FROM v") == [(1,)]


@pytest.mark.parametrize("kind", ["table", "batch", "reader", "pandas", "polars", "path", "Path"])
def test_registering(connection: shoal.Connection, tmp_path: Path, kind: str) -> None:
    table = pa.table({"a": [1, 2], "b": ["x", None]})
    path = write(tmp_path / "t.parquet", "SELECT * FROM (VALUES (1::BIGINT, 'x'), (2, NULL)) AS t(a, b)")
    data: object
    match kind:
        case "table":
            data = table
        case "batch":
            data = table.to_batches()[0]
        case "reader":
            data = table.to_reader()
        case "pandas":
            data = pytest.importorskip("pandas").DataFrame({"a": [1, 2], "b": ["x", None]})
        case "polars":
            data = pytest.importorskip("polars").DataFrame({"a": [1, 2], "b": ["x", None]})
        case "path":
            data = str(path)
        case _:
            data = path
    connection.register("T", data)
    assert rows(connection, "SELECT a, b FROM t ORDER BY a") == [(1, "x"), (2, None)]
    assert [(field.name, field.type) for field in connection.columns("t")] == [("a", "BIGINT"), ("b", "VARCHAR")]
    connection.register("t", pa.table({"c": [1.5]}))
    assert rows(connection, "FROM t") == [(1.5,)]
    connection.unregister("t")
    with pytest.raises(shoal.TableNotFound):
        connection.execute("FROM t")


def test_what_cannot_be_registered(connection: shoal.Connection) -> None:
    with pytest.raises(shoal.InterfaceError, match="int"):
        connection.register("t", 5)
    with pytest.raises(shoal.SourceNotFound):
        connection.register("t", "nowhere.parquet")
    with pytest.raises(shoal.TableNotFound):
        connection.unregister("t")


def test_files(connection: shoal.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.parquet", "SELECT 1 AS a")
    write(tmp_path / "b.parquet", "SELECT 2 AS a")
    (tmp_path / "c.csv").write_text("a;b\n3;x\n")
    (tmp_path / "d.ndjson").write_text('{"a": 4}\n')
    monkeypatch.chdir(tmp_path)
    assert rows(connection, "FROM 'a.parquet'") == [(1,)]
    assert rows(connection, "SELECT sum(a) FROM '*.parquet'") == [(3,)]
    assert rows(connection, "SELECT a FROM read_parquet(['a.parquet', 'b.parquet']) ORDER BY 1 DESC") == [(2,), (1,)]
    assert rows(connection, "FROM read_csv('c.csv', delim = ';')") == [(3, "x")]
    assert rows(connection, "FROM read_ndjson('d.ndjson')") == [(4,)]
    assert rows(connection, "SELECT filename FROM 'a.parquet'") == [("a.parquet",)]
    connection.execute("CREATE VIEW v AS FROM 'a.parquet'")
    assert rows(connection, "SELECT v.a + c.a FROM v, 'c.csv' AS c") == [(4,)]


def test_a_data_directory(tmp_path: Path) -> None:
    write(tmp_path / "orders.parquet", "SELECT 1 AS a")
    with shoal.connect(threads=1, data=str(tmp_path)) as connection:
        assert connection.tables() == ("orders",)
    with pytest.raises(shoal.SourceNotFound):
        shoal.connect(threads=1, data=str(tmp_path / "missing"))


def test_a_replaced_file_is_read_anew(connection: shoal.Connection, tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", "SELECT 1 AS a")
    connection.register("t", path)
    for sql in ("FROM t", f"FROM '{path}'", f"FROM read_parquet('{path}')"):
        write(path, "SELECT 1 AS a")
        assert rows(connection, sql) == [(1,)]
        write(path, "SELECT 'x' AS b, 2 AS c")
        assert rows(connection, sql) == [("x", 2)]
        write(path, "SELECT 'longer' AS b, 3 AS c")
        assert rows(connection, sql) == [("longer", 3)]


def test_a_file_that_changes_while_it_is_read(connection: shoal.Connection, tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", "SELECT i AS a FROM range(2000000) AS r(i)")
    connection.register("t", path)
    cursor = connection.execute("FROM t")
    assert cursor.fetchone() == (0,)
    os.utime(path, (1, 1))
    with pytest.raises(shoal.SourceChanged, match=r"t\.parquet"):
        cursor.fetchall()


def test_a_removed_file(connection: shoal.Connection, tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", "SELECT 1 AS a")
    connection.register("t", path)
    assert rows(connection, "FROM t") == [(1,)]
    path.unlink()
    with pytest.raises(shoal.SourceNotFound):
        connection.execute("FROM t")


@pytest.mark.parametrize(
    ("sql", "kind", "place"),
    [
        ("SELET 1", shoal.SyntaxError_, Place(1, 1, 5)),
        ("SELECT 1;\nSELECT  foo", shoal.ColumnNotFound, Place(2, 9, 3)),
        ("EXPLAIN SELECT\n foo", shoal.ColumnNotFound, Place(2, 2, 3)),
        ("CREATE VIEW v AS\nSELECT foo", shoal.ColumnNotFound, Place(2, 8, 3)),
        ("DESCRIBE nowhere", shoal.TableNotFound, Place(1, 10, 7)),
        ("SELECT CAST('a' AS INT)", shoal.DataError, Place(1, 8, 16)),
        ("SELECT 9223372036854775807::BIGINT + 1::BIGINT", shoal.DataError, None),
        ("SELECT INTERVAL 1 DAY,\n CAST('a' AS INT)", shoal.DataError, Place(2, 2, 16)),
        ("SELECT error('boom')", shoal.DataError, None),
        ("INSTALL httpfs", shoal.NotSupportedError, Place(1, 1, 7)),
        ("SELECT " + "(" * 10_000 + "1" + ")" * 10_000, shoal.StatementTooLarge, Place(1, 208)),
        ("SELECT '" + "x" * 1_000_000 + "'", shoal.StatementTooLarge, Place(1, 1_000_001)),
        ("", shoal.SyntaxError_, None),
        ("SET verfy = on", shoal.SettingError, None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_errors(connection: shoal.Connection, sql: str, kind: type[shoal.Error], place: Place | None) -> None:
    with pytest.raises(kind) as caught:
        connection.execute(sql)
    assert place is None or caught.value.context.place == place
    assert rows(connection, "SELECT 1") == [(1,)]


def test_an_error_after_the_first_batch(connection: shoal.Connection) -> None:
    sql = "SELECT CAST(CASE WHEN i = 999999 THEN 'x' ELSE '1' END AS INT) FROM range(1000000) AS r(i)"
    cursor = connection.execute(sql)
    with pytest.raises(shoal.DataError, match="'x'"):
        cursor.fetchall()
    with pytest.raises(shoal.DataError, match="'x'"):
        connection.execute(sql).fetch_record_batch().read_all()


def test_explain(connection: shoal.Connection) -> None:
    connection.register("t", pa.table({"a": [1, 2, 3]}))
    for sql, expected in (
        ("EXPLAIN SELECT count(*) FROM t", "stage 0"),
        ("EXPLAIN (FRAGMENTS) SELECT count(*) FROM t", "SELECT count(*) FROM t"),
        ("EXPLAIN (FORMAT json) SELECT count(*) FROM t", '"stages"'),
        ("EXPLAIN ANALYZE SELECT count(*) FROM t", "1 rows"),
    ):
        cursor = connection.execute(sql)
        assert [column[0] for column in cursor.description or ()] == ["plan"]
        assert expected in "\n".join(row[0] for row in cursor)


def test_a_distributed_plan_in_this_process(connection: shoal.Connection, tmp_path: Path) -> None:
    for part in range(3):
        write(tmp_path / f"t{part}.parquet", f"SELECT i % 10 AS a, i + {part} AS b FROM range(20000) AS r(i)")
    connection.register("t", tmp_path / "*.parquet")
    sql = "SELECT a, sum(b) AS s FROM t GROUP BY a ORDER BY a"
    expected = rows(connection, sql)
    connection.execute("SET distribute = always; SET partitions = 3; SET verify = on")
    assert rows(connection, sql) == expected
    assert "stage 1" in "\n".join(str(row[0]) for row in rows(connection, f"EXPLAIN ANALYZE {sql}"))


def test_a_pivot_gets_its_columns_from_the_data(connection: shoal.Connection) -> None:
    connection.register("t", pa.table({"k": ["x", "y", "x"], "v": [1, 2, 3]}))
    cursor = connection.execute("PIVOT t ON k USING sum(v)")
    assert [column[0] for column in cursor.description or ()] == ["x", "y"]
    assert cursor.fetchall() == [(4, 2)]


def test_a_timeout(connection: shoal.Connection) -> None:
    connection.execute("SET timeout = '200ms'")
    started = time.monotonic()
    with pytest.raises(shoal.QueryTimeout):
        rows(connection, ENDLESS)
    assert time.monotonic() - started < WAIT_SECONDS
    assert rows(connection, "SELECT 1") == [(1,)]


def after(seconds: float, action: Callable[[], object]) -> threading.Timer:
    timer = threading.Timer(seconds, action)
    timer.start()
    return timer


@pytest.mark.parametrize("whole_connection", [True, False])
def test_cancelling(connection: shoal.Connection, whole_connection: bool) -> None:
    cursor = connection.cursor()
    timer = after(0.2, connection.cancel if whole_connection else cursor.cancel)
    with pytest.raises(shoal.QueryCancelled):
        cursor.execute(ENDLESS).fetchall()
    timer.join()
    cursor.cancel()
    assert cursor.execute("SELECT 1").fetchall() == [(1,)]


def test_cancelling_while_rows_are_fetched(connection: shoal.Connection) -> None:
    cursor = connection.execute("SELECT * FROM range(100000000000)")
    cursor.fetchone()
    cursor.cancel()
    with pytest.raises(shoal.QueryCancelled):
        cursor.fetchall()


def test_ctrl_c(connection: shoal.Connection) -> None:
    main = threading.main_thread().ident
    assert main is not None
    timer = after(0.3, lambda: signal.pthread_kill(main, signal.SIGINT))
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        connection.execute(ENDLESS)
    timer.join()
    assert time.monotonic() - started < WAIT_SECONDS
    assert rows(connection, "SELECT 1") == [(1,)]


def test_closing_while_a_query_runs(tmp_path: Path) -> None:
    connection = shoal.connect(threads=1)
    timer = after(0.2, connection.close)
    with pytest.raises(shoal.Error):
        connection.execute(ENDLESS)
    timer.join(WAIT_SECONDS)
    assert not timer.is_alive()


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    threads = set(threading.enumerate())
    with shoal.connect(threads=1, verify=True) as connection:
        connection.register("t", pa.table({"a": [1]}))
        rows(connection, "FROM t")
        connection.execute("SELECT * FROM range(1000000)")
    deadline = time.monotonic() + WAIT_SECONDS
    while set(threading.enumerate()) - threads and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not set(threading.enumerate()) - threads
    assert list(tmp_path.iterdir()) == []


def test_a_repeated_text_is_planned_once(connection: shoal.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    described: list[str] = []
    binder = connection.backend._binder
    original = binder.describe
    monkeypatch.setattr(binder, "describe", lambda sql, *rest: described.append(sql) or original(sql, *rest))
    for _ in range(3):
        assert rows(connection, "SELECT ?::INT + 1", 1) == [(2,)]
    assert len(described) == 1
    assert rows(connection, "SELECT ?::INT + 1", 2) == [(3,)]
    connection.execute("SET partitions = 2")
    rows(connection, "SELECT ?::INT + 1", 1)
    assert len(described) == 3
