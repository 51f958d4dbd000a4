"""Clients of a coordinator: the same answers and errors as in one process, and nothing left behind."""

import datetime as dt
import decimal
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

import shoal
from shoal import remote
from shoal.executor.shuffle.reader import ShuffleReader
from shoal.flight import statements
from shoal.flight.service import flight_services
from shoal.planner.errors import FetchFailed
from shoal.planner.source import ArrowSource
from shoal.queries import Queries
from shoal.result import Result
from shoal.serve import CoordinatorServer
from tests.engine.remote_cluster import SECONDS, coordinator, executors, url_of

pytestmark = pytest.mark.cluster

ENDLESS = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = -1"
TYPES = """
    SELECT i, i::HUGEINT * 170141183460469231731 AS h, i::DECIMAL(18, 3) AS d, 'text ' || i AS s, NULL::DATE AS n,
           INTERVAL (i) DAY AS v, [i, NULL] AS l, {'a': i, 'b': 'x'} AS t, MAP {'k': i} AS m,
           uuid '00000000-0000-0000-0000-00000000000a' AS u, ('a' || i)::BLOB AS b,
           TIMESTAMPTZ '2024-02-03 04:05:06+00' AS z, 'x'::ENUM ('x', 'y') AS e
    FROM range(3) r(i) ORDER BY i
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("executors")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[CoordinatorServer]:
    with coordinator() as server, executors(server.port, 2, folder):
        server.runner.wait_for_executors(2, SECONDS)
        yield server


@pytest.fixture
def connection(server: CoordinatorServer) -> Iterator[shoal.Connection]:
    with shoal.connect(url_of(server)) as connection:
        yield connection


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("data") / "numbers.parquet")
    duckdb.sql(f"COPY (SELECT i % 97 AS k, i AS v FROM range(60000) r(i)) TO '{path}' (ROW_GROUP_SIZE 4096)")
    return path


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def shuffle_files(folder: Path) -> list[Path]:
    return list(folder.rglob("*.arrow*"))


@pytest.mark.parametrize("mmap", ["on", "off"])
def test_rows_are_those_of_plain_duckdb(server: CoordinatorServer, mmap: str) -> None:
    with shoal.connect(url_of(server, f"?mmap={mmap}&timezone=UTC")) as connection, duckdb.connect() as plain:
        plain.execute("SET timezone = 'UTC'")
        assert connection.execute("SHOW mmap").fetchall() == [(mmap,)]
        cursor = connection.execute(TYPES)
        assert cursor.fetchall() == plain.execute(TYPES).fetchall()
        assert [(column[0], column[1]) for column in cursor.description or ()] == [
            (column[0], str(column[1])) for column in plain.description or ()
        ]


@pytest.mark.parametrize("mmap", ["on", "off"])
def test_a_distributed_query_and_its_verification(connection: shoal.Connection, numbers: str, mmap: str) -> None:
    sql = f"SELECT k, sum(v) AS s, count(*) AS n FROM '{numbers}' GROUP BY k ORDER BY s DESC"
    connection.execute(f"SET distribute = always; SET mmap = {mmap}")
    expected = duckdb.sql(sql).fetchall()
    assert connection.execute(sql).fetchall() == expected
    connection.execute("SET verify = on")
    assert connection.execute(sql).fetchall() == expected
    assert "stage" in str(connection.execute(f"EXPLAIN ANALYZE {sql}").fetchall())


def test_parameters_of_every_type(connection: shoal.Connection) -> None:
    values = [
        None, True, 7, 2**40, -(2**100), 1.5, float("inf"), "it's", b"\x00\xff", decimal.Decimal("12.50"),
        uuid.UUID(int=5), dt.date(2024, 2, 29), dt.time(1, 2, 3),
        dt.datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=dt.UTC), dt.datetime.fromisoformat("2024-02-29T01:02:03.000004"),
        dt.timedelta(days=1, seconds=2), [1, None], {"a": 1, "b": ["x"]},
    ]  # fmt: skip
    marks = ", ".join("?" for _ in values)
    with shoal.connect() as embedded:
        expected = embedded.execute(f"SELECT {marks}", values).fetchall()
    assert connection.execute(f"SELECT {marks}", values).fetchall() == expected
    with pytest.raises(shoal.ParameterError, match="has no SQL type"):
        connection.execute("SELECT ?", [object()])
    with pytest.raises(shoal.ParameterError, match="2 values were given"):
        connection.execute("SELECT ?", [1, 2])


def test_settings_views_and_scripts_belong_to_the_session(
    connection: shoal.Connection, server: CoordinatorServer
) -> None:
    assert connection.execute("CREATE VIEW v AS SELECT 41 AS x").description is None
    assert connection.execute("SET partitions = 3; SELECT x + 1 FROM v").fetchall() == [(42,)]
    assert connection.tables() == ("v",)
    assert [(column.name, column.type) for column in connection.columns("v")] == [("x", "INTEGER")]
    assert connection.execute("DESCRIBE v").fetchall() == [("x", "INTEGER", "YES", None, None, None)]
    with shoal.connect(url_of(server)) as other:
        assert other.tables() == ()
        assert other.execute("SHOW partitions").fetchall() == [("auto",)]
    with pytest.raises(shoal.TableNotFound, match="nothing"):
        connection.columns("nothing")


def test_register_sends_a_table_and_names_files(connection: shoal.Connection, numbers: str) -> None:
    table = pa.table({"a": list(range(200_000)), "s": ["x" * 60] * 200_000})
    connection.register("sent", table).register("files", numbers)
    assert connection.execute("SELECT sum(a), min(s) FROM sent").fetchall() == [(sum(range(200_000)), "x" * 60)]
    assert connection.execute("SELECT count(*) FROM files").fetchall() == [(60_000,)]
    connection.unregister("sent")
    assert connection.tables() == ("files",)
    with pytest.raises(shoal.TableNotFound, match="sent"):
        connection.execute("SELECT * FROM sent")
    with pytest.raises(shoal.InterfaceError, match="cannot register"):
        connection.register("number", 7)
    with pytest.raises(shoal.SourceNotFound):
        connection.register("missing", "/nowhere/x.parquet")


def test_a_sent_table_is_served_to_other_hosts(connection: shoal.Connection, server: CoordinatorServer) -> None:
    table = pa.table({"a": [1, 2, 3]})
    connection.register("sent", table)
    session = flight_of(server).sessions.all()[-1].session
    source = session.catalog.snapshot().entry("sent")
    assert isinstance(source, ArrowSource)
    with ShuffleReader() as reader:
        assert reader.open_arrow(source, mmap=False).table() == table
        with pytest.raises(shoal.SourceError):
            reader.open_arrow(ArrowSource("no-such-key", source.columns, 0, 0, location=source.location))


def flight_of(server: CoordinatorServer):
    return server._closers[0].__self__  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("sql", "kind", "line", "column", "hint"),
    [
        ("SELECT nme\nFROM (SELECT 1 AS name)", shoal.ColumnNotFound, 1, 8, "did you mean name?"),
        ("SELECT 1;\nSELECT lenght('x')", shoal.FunctionNotFound, 2, 8, None),
        ("SELEC 1", shoal.SyntaxError_, 1, 1, "did you mean SELECT?"),
        ("SELECT * FROM nothing", shoal.TableNotFound, 1, 15, None),
        ("INSERT INTO t VALUES (1)", shoal.TableNotFound, 1, 13, None),
        ("SET nothing = 1", shoal.SettingError, 1, 5, "SHOW ALL lists the settings"),
        ("SELECT 'abc'::INTEGER", shoal.DataError, 1, 13, None),
        ("SELECT '" + "é" * 20_000 + "', nme", shoal.ColumnNotFound, 1, 20_012, None),
    ],
)
def test_errors_are_those_of_a_session_here(
    connection: shoal.Connection, sql: str, kind: type[shoal.Error], line: int | None, column: int | None, hint: str
) -> None:
    cursor = connection.cursor()
    with pytest.raises(kind) as caught:
        cursor.execute(sql).fetchall()
    error = caught.value
    assert type(error) is kind
    assert (error.line, error.column) == (line, column)
    assert hint is None or error.hint == hint
    assert error.query_id == cursor.query_id
    assert line is None or "^" in str(error)


def test_released_results_leave_no_files(connection: shoal.Connection, numbers: str, folder: Path) -> None:
    connection.execute("SET distribute = always")
    cursors = [connection.execute(f"SELECT k, sum(v) FROM '{numbers}' GROUP BY k") for _ in range(3)]
    assert shuffle_files(folder)
    cursors[0].fetchall()
    cursors[1].close()
    del cursors
    eventually(lambda: not shuffle_files(folder))


def test_closing_the_connection_frees_everything(server: CoordinatorServer, numbers: str, folder: Path) -> None:
    connection = shoal.connect(url_of(server))
    cursor = connection.execute(f"SELECT * FROM '{numbers}'")
    sessions = flight_of(server).sessions
    assert len(sessions.all()) == 1
    connection.close()
    connection.close()
    assert sessions.all() == ()
    eventually(lambda: not shuffle_files(folder))
    with pytest.raises(shoal.InterfaceError):
        cursor.fetchall()
    with pytest.raises(shoal.InterfaceError):
        connection.execute("SELECT 1")


def test_cancel_from_another_thread_and_progress(connection: shoal.Connection) -> None:
    cursor = connection.cursor()
    seen = []

    def cancel() -> None:
        eventually(lambda: cursor.progress() is not None and cursor.progress().tasks_total > 0)  # type: ignore[union-attr]
        seen.append(cursor.progress())
        cursor.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    started = time.monotonic()
    with pytest.raises(shoal.QueryCancelled):
        cursor.execute(ENDLESS)
    thread.join()
    assert seen
    assert time.monotonic() - started < SECONDS
    assert connection.execute("SELECT 7").fetchall() == [(7,)]


def test_timeout(connection: shoal.Connection) -> None:
    connection.execute("SET timeout = '300ms'")
    with pytest.raises(shoal.QueryTimeout):
        connection.execute(ENDLESS)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_client_that_is_interrupted_or_vanishes_leaves_no_query(
    server: CoordinatorServer, number: signal.Signals
) -> None:
    script = f"import shoal; shoal.connect({url_of(server)!r}).execute({ENDLESS!r})"
    sessions = flight_of(server).sessions
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL) as process:
        eventually(lambda: any(each.statements for each in sessions.all()))
        eventually(lambda: bool(server.runner._running))
        started = time.monotonic()
        process.send_signal(number)
        eventually(lambda: not server.runner._running)
        process.wait(SECONDS)
    assert time.monotonic() - started < 10.0
    for left in sessions.all():
        sessions.end(left)


def test_a_statement_that_is_run_again_keeps_its_name(
    connection: shoal.Connection, numbers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, failures = Queries._run, [FetchFailed("an executor is gone")]

    def fail_once(session: Queries, *arguments: object) -> Result:
        if failures:
            raise failures.pop()
        # Longer than a client waits in one call, so that it asks again by the name.
        time.sleep(0.2)
        return run(session, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Queries, "_run", fail_once)
    monkeypatch.setattr(statements, "POLL_SECONDS", 0.02)
    cursor = connection.execute(f"SELECT v FROM '{numbers}' WHERE v < 5")
    assert len(cursor.fetchall()) == 5
    assert failures == []


def test_two_clients_at_once(server: CoordinatorServer, numbers: str) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with shoal.connect(url_of(server)) as connection:
                connection.execute(f"CREATE VIEW mine AS SELECT {number} AS x")
                for _ in range(5):
                    sql = f"SELECT sum(v) + min(x) FROM '{numbers}', mine"
                    assert connection.execute(sql).fetchall() == [(59_999 * 30_000 + number,)]
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_an_idle_session_ends_and_says_so(server: CoordinatorServer) -> None:
    with shoal.connect(url_of(server)) as connection:
        sessions = flight_of(server).sessions
        (session,) = sessions.all()
        session.used -= 301.0
        eventually(lambda: not sessions.all())
        with pytest.raises(shoal.ConnectionFailed, match="idle too long"):
            connection.execute("SELECT 1")


def test_without_executors_only_what_needs_none_runs() -> None:
    with coordinator() as server, shoal.connect(url_of(server)) as connection:
        assert connection.execute("SHOW mmap").fetchall() == [("on",)]
        with pytest.raises(shoal.NoExecutors, match="no executor has joined"):
            connection.execute("SELECT 1")


def test_another_version_is_refused(server: CoordinatorServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "VERSION", "9.9.9")
    with pytest.raises(shoal.VersionMismatch, match=r"client is of version 9\.9\.9") as caught:
        shoal.connect(url_of(server))
    assert "same version" in (caught.value.hint or "")


def test_wrong_settings_and_options_of_the_coordinator(server: CoordinatorServer) -> None:
    with pytest.raises(shoal.SettingError, match="mmap"):
        shoal.connect(url_of(server, "?mmap=perhaps"))
    with pytest.raises(shoal.InterfaceError, match="threads"):
        shoal.connect(url_of(server, "?threads=2"))
    assert flight_of(server).sessions.all() == ()


def test_nobody_is_there() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(shoal.ConnectionFailed) as caught:
            shoal.connect(f"shoal://{address}")
    assert time.monotonic() - started < 6.0
    assert address in caught.value.message
    assert "shoal serve --port" in (caught.value.hint or "")


def test_a_coordinator_that_dies_in_the_middle(tmp_path: Path) -> None:
    script = "from shoal.serve import serve_coordinator; serve_coordinator(port=0)"
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        port = int(process.stderr.readline().rpartition(":")[2])
        with executors(port, 1, tmp_path), shoal.connect(f"shoal://127.0.0.1:{port}") as connection:
            eventually(lambda: has_executors(connection))
            killer = threading.Timer(0.5, os.kill, (process.pid, signal.SIGKILL))
            killer.start()
            started = time.monotonic()
            with pytest.raises(shoal.ConnectionFailed):
                connection.execute(ENDLESS)
            assert time.monotonic() - started < 5.0
            with pytest.raises(shoal.ConnectionFailed):
                connection.execute("SELECT 1")


def has_executors(connection: shoal.Connection) -> bool:
    try:
        return connection.execute("SELECT 1").fetchall() == [(1,)]
    except shoal.NoExecutors:
        return False


def test_a_taken_port_leaves_nothing(server: CoordinatorServer) -> None:
    with pytest.raises(shoal.ConnectionFailed, match="cannot listen"):
        CoordinatorServer(port=server.port, services=flight_services)
