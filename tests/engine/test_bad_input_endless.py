"""Queries without end, in every mode: cancelled, timed out, interrupted, short of memory; nothing keeps running."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import psutil
import pytest

import shoal
from tests.engine.bad_input_modes import ENDLESS, MODES, STOPS, cancel_soon, check_text, connect, eventually, fails

GROUPED = "SELECT b.range % 5 AS k, count(*) FROM range(100000000000) AS a, range(1000000) AS b GROUP BY k ORDER BY k"


@pytest.fixture(scope="module", params=MODES)
def connection(request: pytest.FixtureRequest) -> Iterator[shoal.Connection]:
    with connect(request.param) as opened:
        yield opened


def is_idle() -> bool:
    """Whether neither this process nor one that it started computes."""

    def used() -> float:
        processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
        times = [process.cpu_times() for process in processes]
        return sum(each.user + each.system for each in times)

    before = used()
    time.sleep(0.3)
    return used() - before < 0.15


@pytest.mark.parametrize("sql", [ENDLESS, GROUPED], ids=["count", "grouped"])
@pytest.mark.parametrize("whole_connection", [True, False], ids=["connection", "cursor"])
def test_cancelling(connection: shoal.Connection, sql: str, whole_connection: bool) -> None:
    cursor = connection.cursor()
    timer = cancel_soon(connection.cancel if whole_connection else cursor.cancel)
    started = time.monotonic()
    with pytest.raises(shoal.QueryCancelled) as caught:
        cursor.execute(sql)
    assert time.monotonic() - started < STOPS
    timer.join()
    assert caught.value.query_id == cursor.query_id
    check_text(caught.value)
    assert cursor.execute("SELECT 1").fetchall() == [(1,)]
    eventually(is_idle)


def test_a_timeout(connection: shoal.Connection) -> None:
    connection.execute("SET timeout = '400ms'")
    started = time.monotonic()
    with pytest.raises(shoal.QueryTimeout) as caught:
        connection.execute(ENDLESS)
    assert time.monotonic() - started < STOPS
    check_text(caught.value)
    connection.execute("RESET timeout")
    assert connection.execute("SELECT 1").fetchall() == [(1,)]
    eventually(is_idle)


def test_closing_a_cursor_that_has_not_read_everything(connection: shoal.Connection) -> None:
    for _ in range(3):
        with connection.execute("SELECT * FROM range(3000000)") as cursor:
            assert cursor.fetchone() == (0,)
    eventually(is_idle)


def test_closing_the_connection_while_a_query_runs(connection: shoal.Connection) -> None:
    """Another connection of this process, as the fixture's is still needed."""
    other = shoal.connect(threads=1, distribute="always", partitions=2)
    timer = cancel_soon(other.close)
    with pytest.raises(shoal.Error) as caught:
        other.execute(ENDLESS)
    timer.join()
    assert isinstance(caught.value, shoal.QueryCancelled | shoal.InterfaceError)
    with pytest.raises(shoal.InterfaceError, match="closed"):
        other.execute("SELECT 1")
    assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_many_at_once_are_cancelled_together(connection: shoal.Connection) -> None:
    errors: list[shoal.Error] = []

    def work() -> None:
        try:
            connection.execute(ENDLESS)
        except shoal.Error as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    started = time.monotonic()
    connection.cancel()
    for thread in threads:
        thread.join(STOPS)
    assert time.monotonic() - started < STOPS
    assert [type(error) for error in errors] == [shoal.QueryCancelled] * 4
    assert connection.execute("SELECT 1").fetchall() == [(1,)]


SCRIPT = """
import sys, time, shoal
from tests.engine.bad_input_modes import connect
connection = connect(sys.argv[1])
print("ready", flush=True)
try:
    connection.execute(sys.argv[2])
except KeyboardInterrupt:
    print(connection.execute("SELECT 7").fetchall(), flush=True)
    connection.close()
    sys.exit(130)
"""


@pytest.mark.parametrize("mode", MODES)
def test_ctrl_c(mode: str) -> None:
    command = [sys.executable, "-W", "error", "-c", SCRIPT, mode, ENDLESS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        children = psutil.Process(process.pid).children(recursive=True)
        time.sleep(0.5)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "[(7,)]\n"
        assert time.monotonic() - started < STOPS
        _, err = process.communicate(timeout=STOPS)
        assert (process.returncode, err) == (130, "")
    assert not [child for child in children if child.is_running()]


@pytest.fixture(scope="module", params=MODES)
def small_connection(request: pytest.FixtureRequest) -> Iterator[shoal.Connection]:
    with connect(request.param, memory="100MB") as opened:
        yield opened


def test_too_little_memory(small_connection: shoal.Connection) -> None:
    error = fails(small_connection, "SELECT list(range) FROM range(40000000)", shoal.OutOfMemory)
    assert error.hint is not None
    assert "more memory" in error.hint


def test_little_memory_is_enough_when_it_can_spill(small_connection: shoal.Connection) -> None:
    sql = "SELECT * FROM range(2000000) ORDER BY hash(range) LIMIT 1 OFFSET 1999999"
    assert len(small_connection.execute(sql).fetchall()) == 1
    sql = "SELECT count(*), max(n) FROM (SELECT range % 700000 AS k, count(*) AS n FROM range(2000000) GROUP BY k)"
    assert small_connection.execute(sql).fetchall() == [(700000, 3)]
