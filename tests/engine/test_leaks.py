"""What a connection leaves after everything that can go wrong: no process, thread, descriptor, directory or view."""

import gc
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import psutil
import pyarrow as pa
import pytest

import shoal
from tests.engine.bad_input_modes import (
    ENDLESS,
    MODES,
    STOPS,
    cancel_soon,
    connect,
    eventually,
    held,
    leaves_nothing,
)


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    """Modules that are loaded late, and threads of libraries that live as long as the process, are no leaks."""
    for mode in ("embedded", "stages"):
        with connect(mode) as connection:
            connection.execute("SELECT count(*), max(range) FROM range(100000)").fetch_arrow_table()
            with pytest.raises(shoal.Error):
                connection.execute("SELECT error('x') FROM range(3)")


def misuse(connection: shoal.Connection) -> None:
    """Everything that ends otherwise than it should."""
    connection.register("t", pa.table({"a": list(range(5000)), "b": ["x"] * 5000}))
    connection.execute("SELECT b, sum(a) FROM t GROUP BY b").fetchall()
    for sql in (
        "selec",
        "SELECT nowhere FROM t",
        "FROM 'nowhere.parquet'",
        "SELECT error('x' || a) FROM t",
        "SELECT sum(a % (a - a)) FROM t GROUP BY b",
        "SELECT b::INT FROM t",
    ):
        with pytest.raises(shoal.Error):
            connection.execute(sql).fetchall()
    cursor = connection.cursor()
    timer = cancel_soon(cursor.cancel, 0.3)
    with pytest.raises(shoal.QueryCancelled):
        cursor.execute(ENDLESS)
    timer.join()
    connection.execute("SET timeout = '200ms'")
    with pytest.raises(shoal.QueryTimeout):
        connection.execute(ENDLESS)
    connection.execute("RESET timeout")
    connection.execute("SELECT * FROM range(1000000)").fetchone()
    reader = connection.execute("SELECT * FROM t").fetch_record_batch()
    reader.read_next_batch()


@pytest.mark.parametrize("mode", MODES)
def test_a_misused_connection_leaves_nothing(mode: str) -> None:
    with leaves_nothing():
        with connect(mode) as connection:
            misuse(connection)
        del connection
        gc.collect()


@pytest.mark.parametrize("mode", MODES)
def test_queries_that_are_over_hold_nothing(mode: str) -> None:
    """While the connection stays open: no descriptor and no file more after a hundred statements than after ten."""
    with connect(mode) as connection:
        connection.register("t", pa.table({"a": list(range(5000))}))

        def run(times: int) -> None:
            for number in range(times):
                connection.execute(f"SELECT a % 3, sum(a) FROM t WHERE a > {number} GROUP BY 1").fetchall()
                with pytest.raises(shoal.DataError):
                    connection.execute(f"SELECT error('{number}' || a) FROM t").fetchall()

        run(5)
        before = held()
        files = shuffle_files()
        run(25)
        gc.collect()
        eventually(lambda: held().descriptors <= before.descriptors + 4, lambda: (before, held()))
        eventually(lambda: len(held().threads) <= len(before.threads) + 2, lambda: (before, held()))
        eventually(lambda: len(shuffle_files()) <= len(files), shuffle_files)


def shuffle_files() -> list[Path]:
    """The shuffle files of this process and of those that it started."""
    pids = [psutil.Process().pid, *(child.pid for child in psutil.Process().children(recursive=True))]
    return [path for pid in pids for path in Path("/dev/shm").glob(f"shoal-{pid}-*/**/*.arrow*")]


@pytest.mark.parametrize("mode", MODES[:3])
def test_connections_that_cannot_be_made_leave_nothing(mode: str, tmp_path: Path) -> None:
    for options in ({"data": str(tmp_path / "nowhere")}, {"timeout": "soon"}, {"memory": "much"}, {"no_such": 1}):
        with leaves_nothing(), pytest.raises(shoal.Error):
            connect(mode, **options)


@pytest.mark.cluster
def test_a_forgotten_cluster_is_closed_and_says_so() -> None:
    with leaves_nothing():
        connection = connect("cluster")
        connection.execute("SELECT 1").fetchall()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del connection
            gc.collect()
        assert [str(each.message) for each in caught if each.category is ResourceWarning] == [
            "a connection was not closed"
        ]


SCRIPT = """
import sys
from tests.engine.bad_input_modes import connect
connection = connect("cluster")
connection.execute("SELECT sum(range) FROM range(100000)").fetchall()
print("ready", flush=True)
connection.execute(sys.argv[1])
"""


@pytest.mark.cluster
def test_a_process_killed_in_the_middle_of_a_query_takes_its_executors_with_it() -> None:
    command = [sys.executable, "-c", SCRIPT, ENDLESS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        children = psutil.Process(process.pid).children(recursive=True)
        names = tuple(f"shoal-{pid}-" for pid in (process.pid, *(child.pid for child in children)))
        assert len(children) >= 2
        time.sleep(0.3)
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + STOPS
    while [child for child in children if child.is_running()]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with connect("cluster") as connection:
        connection.execute("SELECT 1").fetchall()

        def left() -> list[str]:
            bases = (Path("/dev/shm"), Path("/tmp"))
            return [path.name for base in bases for path in base.glob("shoal-*") if path.name.startswith(names)]

        eventually(lambda: not left(), left)
