"""A statement that is cancelled while it is planned, or between the statements of a text, stops there."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

import shoal
from shoal.running import Running, check_cancelled, interrupting
from shoal.session import Session

SOON = 5.0


def test_between_two_statements() -> None:
    with shoal.connect(threads=1) as connection:
        cursor = connection.cursor()
        timer = threading.Timer(0.2, cursor.cancel)
        timer.start()
        with pytest.raises(shoal.QueryCancelled):
            cursor.execute("SELECT 1; " * 10_000 + "SET VARIABLE reached = 1")
        timer.join()
        assert cursor.execute("SELECT getvariable('reached')").fetchall() == [(None,)]


def test_before_it_is_planned() -> None:
    session = Session(threads=1, memory_bytes=1 << 28)
    try:
        running = Running()
        running.cancel()
        with pytest.raises(shoal.QueryCancelled):
            session.execute("SELECT 1", (), running)
    finally:
        session.close()


@pytest.mark.parametrize("options", [{}, {"distribute": "always", "partitions": 2}])
def test_while_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, object]) -> None:
    with duckdb.connect() as duck:
        duck.execute(f"COPY (SELECT 1 AS a) TO '{tmp_path}/t.parquet'")
    with shoal.connect(threads=1, **options) as connection:  # type: ignore[arg-type]
        binder = connection.backend._binder
        described = type(binder).describe
        cursor = connection.cursor()

        def slow(self: object, sql: str, parameters: Sequence[object], catalog: object) -> object:
            threading.Timer(0.2, cursor.cancel).start()
            self._scratch.rows("SELECT count(*) FROM range(100000000000) AS a, range(1000) AS b")  # type: ignore[attr-defined]
            return described(self, sql, parameters, catalog)  # type: ignore[arg-type]

        monkeypatch.setattr(type(binder), "describe", slow)
        started = time.monotonic()
        with pytest.raises(shoal.QueryCancelled):
            cursor.execute(f"SELECT sum(a) FROM '{tmp_path}/t.parquet'")
        assert time.monotonic() - started < SOON
        monkeypatch.undo()
        assert connection.execute(f"SELECT sum(a) FROM '{tmp_path}/t.parquet'").fetchall() == [(1,)]


def test_only_the_own_statement_is_asked() -> None:
    running = Running()
    check_cancelled()
    with running.current():
        check_cancelled()
        with pytest.raises(ValueError, match="another"), interrupting(lambda: None):
            raise ValueError("another")
        running.cancel()
        with pytest.raises(shoal.QueryCancelled):
            check_cancelled()
        with pytest.raises(shoal.QueryCancelled), interrupting(lambda: None):
            raise ValueError("what an interrupt causes")
    check_cancelled()
