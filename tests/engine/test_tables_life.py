"""What tables leave and what they keep: versions, files, failures, cancellation, and many who write at once."""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

import shoal
from shoal import table_writer
from shoal.planner.errors import FetchFailed
from shoal.session import Session
from shoal.table_statements import TableStatements
from shoal.table_store import TableVersion

ROWS = 1_000_000


@pytest.fixture
def connection() -> Iterator[shoal.Connection]:
    with shoal.connect(threads=2) as connection:
        yield connection


def session_of(connection: shoal.Connection) -> Session:
    backend = connection._backend
    assert isinstance(backend, Session)
    return backend


def files_of(connection: shoal.Connection) -> list[Path]:
    gc.collect()
    tables: TableStatements = session_of(connection)._tables
    return sorted(tables.store.files())


def version_of(connection: shoal.Connection, name: str) -> TableVersion:
    found = session_of(connection).catalog.snapshot().entry(name)
    assert isinstance(found, TableVersion)
    return found


def rows(connection: shoal.Connection, sql: str) -> list[tuple[object, ...]]:
    return connection.execute(sql).fetchall()


def test_files_go_with_the_last_who_reads_them(connection: shoal.Connection) -> None:
    connection.execute(f"CREATE TABLE t AS SELECT range AS a, range % 7 AS b FROM range({ROWS})")
    assert len(files_of(connection)) == len(version_of(connection, "t").files) == 2
    reader = connection.execute("SELECT a FROM t")
    assert reader.fetchone() == (0,)
    connection.execute("UPDATE t SET a = -1")
    assert len(files_of(connection)) == 4
    assert len(reader.fetchall()) == ROWS - 1
    assert len(files_of(connection)) == 2
    assert rows(connection, "SELECT sum(a), count(*) FROM t") == [(-ROWS, ROWS)]
    reader = connection.execute("SELECT a FROM t")
    connection.execute("DROP TABLE t")
    assert len(files_of(connection)) == 2
    reader.close()
    assert files_of(connection) == []


def test_only_files_that_change_are_written_anew(connection: shoal.Connection) -> None:
    connection.execute(f"CREATE TABLE t AS SELECT range AS a FROM range({ROWS})")
    before = version_of(connection, "t").files
    assert connection.execute(f"DELETE FROM t WHERE a = {ROWS - 1}").rowcount == 1
    after = version_of(connection, "t").files
    assert after[0] is before[0]
    assert after[1] is not before[1]
    connection.execute("UPDATE t SET a = 0 WHERE a < 0")
    assert version_of(connection, "t").files == after
    connection.execute(f"INSERT INTO t VALUES ({ROWS})")
    assert version_of(connection, "t").files[0] is before[0]
    connection.execute("ALTER TABLE t ALTER a SET DEFAULT 5")
    assert version_of(connection, "t").files[0] is before[0]


def test_many_small_inserts_make_few_files(connection: shoal.Connection) -> None:
    connection.execute("CREATE TABLE t(a INTEGER)")
    cursor = connection.cursor()
    cursor.executemany("INSERT INTO t VALUES (?)", [(number,) for number in range(50)])
    for _ in range(12):
        connection.execute("INSERT INTO t SELECT range FROM range(3000)")
    assert len(version_of(connection, "t").files) <= 5
    assert rows(connection, "SELECT count(*), sum(a) FROM t") == [(50 + 36_000, 1225 + 12 * 3000 * 2999 // 2)]
    assert rows(connection, "SELECT a FROM t LIMIT 3") == [(0,), (1,), (2,)]
    assert len(files_of(connection)) == len(version_of(connection, "t").files)


FAILING = [
    "INSERT INTO t SELECT CASE WHEN range = 1500000 THEN error('late') ELSE 1 END, 'x' FROM range(2000000)",
    "INSERT INTO t SELECT CASE WHEN range = 1500000 THEN NULL ELSE 1 END, 'x' FROM range(2000000)",
    "INSERT INTO t VALUES (1, 'x'), (-1, 'x')",
    "INSERT INTO t SELECT 'text', 'x'",
    "UPDATE t SET a = CASE WHEN a = 9 THEN error('late') ELSE a END",
    "UPDATE t SET a = NULL WHERE a = 9",
    "UPDATE t SET b = CAST(b AS INTEGER)",
    "DELETE FROM t WHERE CASE WHEN a = 9 THEN error('late') ELSE true END",
    "CREATE OR REPLACE TABLE t AS SELECT CASE WHEN range = 1500000 THEN error('late') ELSE 1 END FROM range(2000000)",
    "CREATE TABLE u AS SELECT CASE WHEN range = 1500000 THEN error('late') ELSE 1 END FROM range(2000000)",
    "ALTER TABLE t ALTER b TYPE INTEGER",
    "COPY t FROM 'nowhere.csv'",
]


@pytest.mark.parametrize("sql", FAILING)
def test_a_statement_that_fails_has_changed_nothing(connection: shoal.Connection, sql: str) -> None:
    connection.execute("CREATE TABLE t(a INTEGER NOT NULL CHECK (a >= 0), b VARCHAR)")
    connection.execute("INSERT INTO t SELECT range, 'r' || range FROM range(10)")
    before, files = version_of(connection, "t"), files_of(connection)
    with pytest.raises(shoal.Error):
        connection.execute(sql)
    assert version_of(connection, "t") is before
    assert files_of(connection) == files
    assert connection.tables() == ("t",)


@pytest.mark.parametrize("place", ["write", "run", "append", "updated", "without"])
def test_a_writer_that_breaks_leaves_nothing(
    connection: shoal.Connection, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    connection.execute("CREATE TABLE t AS SELECT range AS a FROM range(10)")
    before, files = version_of(connection, "t"), files_of(connection)
    original: Callable[..., object] = getattr(table_writer.TableWriter, place)

    def broken(*arguments: object, **named: object) -> object:
        original(*arguments, **named)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(table_writer.TableWriter, place, broken)
    only = {"append": "INSERT", "updated": "UPDATE", "without": "DELETE"}.get(place, "")
    for sql in ("INSERT INTO t SELECT * FROM t", "UPDATE t SET a = 1", "DELETE FROM t WHERE a > 3"):
        if not sql.startswith(only):
            continue
        with pytest.raises(shoal.Error):
            connection.execute(sql)
    monkeypatch.undo()
    assert version_of(connection, "t") is before
    assert files_of(connection) == files
    assert rows(connection, "SELECT count(*) FROM t") == [(10,)]


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t SELECT a.range + b.range FROM range(100000) a, range(100000) b",
        "CREATE OR REPLACE TABLE t AS SELECT a.range + b.range AS a FROM range(100000) a, range(100000) b",
        "UPDATE t SET a = (SELECT count(*) FROM range(100000) x, range(1000000) y WHERE x.range + y.range > t.a)",
        "DELETE FROM t WHERE a < (SELECT count(*) FROM range(100000) x, range(1000000) y WHERE x.range + y.range > 5)",
        "COPY (SELECT a.range + b.range FROM range(100000) a, range(100000) b) TO '{directory}/out.parquet'",
    ],
)
def test_a_cancelled_statement_has_changed_nothing(connection: shoal.Connection, sql: str, tmp_path: Path) -> None:
    connection.execute("CREATE TABLE t AS SELECT range AS a FROM range(10)")
    before, files = version_of(connection, "t"), files_of(connection)
    cursor = connection.cursor()
    timer = threading.Timer(0.7, cursor.cancel)
    timer.start()
    started = time.monotonic()
    with pytest.raises(shoal.QueryCancelled):
        cursor.execute(sql.format(directory=tmp_path))
    assert time.monotonic() - started < 20
    timer.join()
    assert version_of(connection, "t") is before
    assert files_of(connection) == files
    assert list(tmp_path.iterdir()) == []
    assert connection.execute("INSERT INTO t VALUES (1)").rowcount == 1


@pytest.mark.parametrize(
    "sql", ["INSERT INTO t SELECT * FROM t", "UPDATE t SET a = a + 1", "DELETE FROM t WHERE a > 3"]
)
def test_a_statement_whose_rows_are_gone_is_run_again(
    connection: shoal.Connection, monkeypatch: pytest.MonkeyPatch, sql: str
) -> None:
    connection.execute("CREATE TABLE t AS SELECT range AS a FROM range(10)")
    original, failures = table_writer.TableWriter.chunks, [FetchFailed("an executor is gone")]

    def chunks(writer: table_writer.TableWriter, *arguments: object) -> Iterator[object]:
        yield from original(writer, *arguments)  # type: ignore[arg-type]
        if failures:
            raise failures.pop()

    monkeypatch.setattr(table_writer.TableWriter, "chunks", chunks)
    with duckdb.connect() as plain:
        plain.execute("CREATE TABLE t AS SELECT range AS a FROM range(10)")
        assert connection.execute(sql).fetchall() == plain.execute(sql).fetchall()
        assert failures == []
        query = "SELECT a FROM t ORDER BY a"
        assert rows(connection, query) == plain.execute(query).fetchall()
    assert len(files_of(connection)) == 1


def test_no_update_is_lost(connection: shoal.Connection) -> None:
    connection.execute("CREATE TABLE t AS SELECT 0 AS n")
    connection.execute("CREATE TABLE log(who INTEGER, n INTEGER)")
    failures: list[BaseException] = []
    seen: list[int] = []

    def write(who: int) -> None:
        try:
            for _ in range(10):
                connection.execute("UPDATE t SET n = n + 1")
                connection.execute("INSERT INTO log SELECT ?, n FROM t", (who,))
        except BaseException as error:  # noqa: BLE001 - told by the test
            failures.append(error)

    def read() -> None:
        try:
            while len(seen) < 40:
                ((found,),) = rows(connection, "SELECT n FROM t")
                seen.append(int(str(found)))
        except BaseException as error:  # noqa: BLE001 - told by the test
            failures.append(error)

    threads = [threading.Thread(target=write, args=(who,)) for who in range(3)] + [threading.Thread(target=read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert rows(connection, "SELECT n FROM t") == [(30,)]
    assert rows(connection, "SELECT who, count(*) FROM log GROUP BY who ORDER BY who") == [(0, 10), (1, 10), (2, 10)]
    assert seen == sorted(seen)
    assert len(files_of(connection)) == 2


def test_a_table_that_is_dropped_or_altered_meanwhile(connection: shoal.Connection) -> None:
    connection.execute("CREATE TABLE t AS SELECT range AS a FROM range(100000)")
    outcomes: list[str] = []

    def write() -> None:
        for _ in range(10):
            try:
                connection.execute("INSERT INTO t SELECT range FROM range(1000)")
            except shoal.ProgrammingError as error:
                outcomes.append(type(error).__name__)
                return
            outcomes.append("done")

    thread = threading.Thread(target=write)
    thread.start()
    time.sleep(0.05)
    connection.execute("DROP TABLE t")
    thread.join()
    assert set(outcomes) <= {"done", "TableNotFound"}
    assert files_of(connection) == []


def test_a_million_rows(connection: shoal.Connection) -> None:
    script = [
        f"CREATE TABLE t AS SELECT range AS a, range % 1000 AS g, 'row ' || range AS s FROM range({ROWS})",
        f"INSERT INTO t SELECT a + {ROWS}, g, s FROM t WHERE g < 500",
        "UPDATE t SET s = 'changed' WHERE g = 7",
        "UPDATE t SET g = m.new FROM (SELECT range AS old, -range AS new FROM range(1, 10)) m WHERE t.g = m.old",
        "DELETE FROM t WHERE a % 3 = 0",
        "ALTER TABLE t ADD COLUMN d DOUBLE DEFAULT 0.5",
        "SELECT count(*), sum(a), sum(g), count(DISTINCT s), sum(d) FROM t",
    ]
    with duckdb.connect() as plain:
        for sql in script:
            found, expected = connection.execute(sql), plain.execute(sql).fetchall()
            assert found.description is None or found.fetchall() == expected, sql
    assert len(files_of(connection)) == len(version_of(connection, "t").files)


def test_a_scan_of_a_table_is_split_and_pruned(connection: shoal.Connection) -> None:
    connection.execute(f"CREATE TABLE t AS SELECT range AS a, range % 9 AS g FROM range({ROWS})")
    connection.execute("SET distribute = always")
    connection.execute("SET partitions = 3")
    plan = "\n".join(str(row[0]) for row in rows(connection, "EXPLAIN (FRAGMENTS) SELECT g, sum(a) FROM t GROUP BY g"))
    assert "rows 0 to " in plan
    assert rows(connection, "SELECT g, count(*) FROM t WHERE a < 9 GROUP BY g ORDER BY g") == [(g, 1) for g in range(9)]


def test_closing_removes_everything() -> None:
    with shoal.connect(threads=1) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS a")
        (file,) = files_of(connection)
        assert file.exists()
    assert not file.parent.exists()
