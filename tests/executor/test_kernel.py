"""The kernel: settings, sessions that do not disturb each other, interrupts, join order as written."""

import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from shoal.executor.kernel import WRITTEN_ORDER, Kernel, translate_error
from shoal.planner.errors import (
    DataError,
    InterfaceError,
    OutOfMemory,
    QueryCancelled,
    SettingError,
    TableNotFound,
)
from shoal.planner.names import qualified
from tests.executor.node import Node


@pytest.fixture
def kernel(make_node: Callable[..., Node]) -> Kernel:
    return make_node().kernel


def test_settings(kernel: Kernel) -> None:
    wanted = {
        "python_enable_replacements": "false",
        "enable_progress_bar": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "arrow_output_version": "1.5",
        "parquet_metadata_cache": "true",
        "threads": "2",
    }
    for join_order in (True, False):
        with kernel.session(join_order=join_order) as session:
            found = dict(session.execute("SELECT name, value FROM duckdb_settings()").fetchall())
        assert {name: found[name] for name in wanted} == wanted
        assert set(filter(None, found["disabled_optimizers"].split(","))) == (
            set() if join_order else set(WRITTEN_ORDER.split(","))
        )


def test_variables_of_python_are_not_tables(kernel: Kernel) -> None:
    secret = [1, 2, 3]
    with kernel.session() as session, pytest.raises(TableNotFound):
        session.execute("SELECT * FROM secret")
    assert secret


def test_temporary_objects_belong_to_their_session(kernel: Kernel) -> None:
    with kernel.session() as one, kernel.session() as two:
        one.execute("CREATE TEMP VIEW v AS SELECT 1 AS a")
        two.execute("CREATE TEMP VIEW v AS SELECT 2 AS a")
        assert one.execute("FROM v").fetchall() == [(1,)]
        assert two.execute("FROM v").fetchall() == [(2,)]
    with kernel.session() as three, pytest.raises(TableNotFound):
        three.execute("FROM v")


def test_session_settings_belong_to_their_session(kernel: Kernel) -> None:
    with kernel.session([("TimeZone", "'Asia/Tokyo'")]) as one, kernel.session() as two:
        sql = "SELECT current_setting('TimeZone')"
        assert one.execute(sql).fetchall() != two.execute(sql).fetchall()
    with pytest.raises(SettingError, match="no_such_setting"), kernel.session([("no_such_setting", "1")]):
        pass


def test_sessions_are_closed_and_then_refuse(kernel: Kernel) -> None:
    with kernel.session() as session:
        pass
    session.interrupt()
    session.close()
    with pytest.raises(Exception, match=r"[Cc]losed"):
        session.execute("SELECT 1")


JOIN = """
    SELECT count(*) FROM big JOIN small ON big.k = small.k JOIN middle ON small.k = middle.k
"""


def tables(session: object) -> None:
    for name, rows in (("big", 100_000), ("middle", 1_000), ("small", 10)):
        session.execute(f"CREATE TEMP TABLE {name} AS SELECT range AS k FROM range({rows})")  # type: ignore[attr-defined]


def scan_order(session: object, sql: str) -> list[str]:
    (row,) = session.execute(f"EXPLAIN (FORMAT json) {sql}").fetchall()  # type: ignore[attr-defined]
    return re.findall(r'"Table": "[^\n]*main\.(\w+)"', row[1])


def test_joins_run_as_written_without_join_order(kernel: Kernel) -> None:
    written = "SELECT count(*) FROM small JOIN big ON big.k = small.k JOIN middle ON small.k = middle.k"
    with kernel.session(join_order=False) as session:
        tables(session)
        assert scan_order(session, written) == ["small", "big", "middle"]
        assert scan_order(session, JOIN) == ["big", "small", "middle"]
        assert session.execute(written).fetchall() == [(10,)]
    with kernel.session() as session:
        tables(session)
        assert scan_order(session, written) == scan_order(session, JOIN)
        assert scan_order(session, written)[0] == "big"


def test_sessions_of_both_kinds_side_by_side(kernel: Kernel) -> None:
    """Each keeps its join order while the other plans: the setting is the database's, so there are two databases."""
    written = "SELECT count(*) FROM small JOIN big ON big.k = small.k JOIN middle ON small.k = middle.k"
    orders: dict[bool, set[tuple[str, ...]]] = {True: set(), False: set()}
    barrier = threading.Barrier(2, timeout=30)

    def work(join_order: bool) -> None:
        with kernel.session(join_order=join_order) as session:
            tables(session)
            barrier.wait()
            for _ in range(20):
                orders[join_order].add(tuple(scan_order(session, written)))

    threads = [threading.Thread(target=work, args=(order,)) for order in (True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert orders[False] == {("small", "big", "middle")}
    assert len(orders[True]) == 1
    assert orders[True] != orders[False]


def test_both_databases_share_the_memory(tmp_path: Path) -> None:
    limit = "SELECT current_setting('memory_limit')"
    with Kernel(1, 1 << 30, tmp_path) as kernel:
        with kernel.session() as one:
            assert one.execute(limit).fetchall() == [("1.0 GiB",)]
            with kernel.session(join_order=False) as two:
                assert one.execute(limit).fetchall() == two.execute(limit).fetchall() == [("512.0 MiB",)]
            assert one.execute(limit).fetchall() == [("1.0 GiB",)]
        with kernel.session(join_order=False) as two:
            assert two.execute(limit).fetchall() == [("1.0 GiB",)]


ENDLESS = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range % 7 = 1"


def test_interrupt_stops_one_session_only(kernel: Kernel) -> None:
    with kernel.session() as session, kernel.session() as other:
        timer = threading.Timer(0.2, session.interrupt)
        timer.start()
        started = time.monotonic()
        with pytest.raises(QueryCancelled):
            session.execute(ENDLESS)
        assert time.monotonic() - started < 5
        timer.join()
        assert other.execute("SELECT 42").fetchall() == [(42,)]
        assert session.execute("SELECT 42").fetchall() == [(42,)]


def test_close_stops_what_runs(tmp_path: Path) -> None:
    kernel = Kernel(1, 256 << 20, tmp_path)
    running = threading.Event()
    raised: list[Exception] = []

    def work() -> None:
        try:
            with kernel.session() as session:
                running.set()
                session.execute(ENDLESS)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at below
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert running.wait(10)
    time.sleep(0.2)
    kernel.close()
    thread.join(10)
    assert not thread.is_alive()
    assert len(raised) == 1
    assert not list(tmp_path.iterdir())
    with pytest.raises(InterfaceError), kernel.session():
        pass


SPILLING = "CREATE TEMP TABLE t AS SELECT range AS k, md5(range::VARCHAR) AS s FROM range(3000000)"


def test_spills_into_its_own_directory_and_leaves_nothing(tmp_path: Path) -> None:
    with Kernel(1, 80 << 20, tmp_path) as kernel, kernel.session() as session:
        session.execute(SPILLING)
        assert sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()) > 1 << 20
        assert session.execute("SELECT count(*), max(k) FROM t").fetchall() == [(3_000_000, 2_999_999)]
    assert not list(tmp_path.iterdir())


def test_memory_and_disk_budgets_are_kept(tmp_path: Path) -> None:
    with Kernel(1, 80 << 20, tmp_path, spill_bytes=16 << 20) as kernel:
        with kernel.session() as session, pytest.raises(OutOfMemory) as caught:
            session.execute(SPILLING)
        assert "disk space for spilling" in (caught.value.hint or "")
        with kernel.session() as session:
            assert session.execute("SELECT 1").fetchall() == [(1,)]


def test_exceptions_leave_the_block_as_they_are(kernel: Kernel) -> None:
    sql = "SELECT 9223372036854775807 + range FROM range(3)"
    with pytest.raises(Exception, match="Overflow") as caught, kernel.session() as session:
        session.connection.execute(sql).fetchall()
    assert isinstance(translate_error(caught.value, sql), DataError)


@pytest.mark.parametrize("end", ["", "BEGIN TRANSACTION; CREATE TABLE s.left_open(a INTEGER)", "SELECT error('x')"])
def test_qualified_views_are_seen_by_their_session_alone(kernel: Kernel, end: str) -> None:
    databases = "SELECT count(*) FROM duckdb_databases()"
    with kernel.session() as session:
        before = session.execute(databases).fetchall()
    with kernel.session() as session, kernel.session() as other:
        session.create_view(qualified("s", "t"), "SELECT 1 AS a")
        session.create_view("t", "SELECT 2 AS a")
        assert session.execute("SELECT s.t.a, u.a FROM s.t, t AS u").fetchall() == [(1, 2)]
        with pytest.raises(TableNotFound):
            other.execute("FROM s.t")
        if end:
            with suppress(DataError):
                session.execute(end)
    with kernel.session() as session:
        assert session.execute(databases).fetchall() == before
