"""Executors that die while queries run, on a cluster of three: right answers, a story, and nothing left."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

import shoal
from tests.engine.bad_input_modes import SOON, cancel_soon, check_text, eventually, leaves_nothing
from tests.engine.chaos_script import (
    QUERIES,
    Killer,
    executor_processes,
    expected_answers,
    joined,
    killing,
    run_queries,
)

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(120)]

OPTIONS = {"executors": 3, "threads": 1, "distribute": "always", "partitions": 4}


@pytest.fixture(scope="module")
def answers(tpch_folder: Path) -> list[list[tuple[object, ...]]]:
    return expected_answers(tpch_folder)


@pytest.fixture
def faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Rules fire once among all executors that are started from now on."""
    (tmp_path / "faults").mkdir()
    monkeypatch.setenv("SHOAL_FAULTS_DIRECTORY", str(tmp_path / "faults"))
    return monkeypatch


@pytest.mark.parametrize(
    "rules",
    [
        "task.start=exit(9)@1,task.before_finish=exit(9)@2,shuffle.open=exit(9)@3",
        "task.batch=lost@1,task.before_finish=lost@3,shuffle.open=exit(9)@4",
    ],
)
def test_several_die_at_fixed_points(
    rules: str, faults: pytest.MonkeyPatch, tpch_folder: Path, answers: list[list[tuple[object, ...]]], tmp_path: Path
) -> None:
    faults.setenv("SHOAL_FAULTS", rules)
    with leaves_nothing():
        with shoal.connect(data=str(tpch_folder), **OPTIONS) as connection:  # type: ignore[arg-type]
            for query, answer in zip(QUERIES, answers, strict=True):
                assert connection.execute(query).fetchall() == answer
            text = "\n".join(str(row[0]) for row in connection.execute(f"EXPLAIN ANALYZE {QUERIES[1]}"))
            assert "stage 1" in text
        fired = list((tmp_path / "faults").iterdir())
    assert len(fired) == len(rules.split(","))


def test_killed_in_random_moments(tpch_folder: Path, answers: list[list[tuple[object, ...]]]) -> None:
    with leaves_nothing(), shoal.connect(data=str(tpch_folder), **OPTIONS) as connection:  # type: ignore[arg-type]
        killer = Killer(random.Random(7), 0.4, 0.9, lambda: joined(connection) >= 2, all_at_once=0.0)
        with killing(killer):
            outcome = run_queries(connection, answers, 6.0, random.Random(11))
        assert connection.execute(QUERIES[0]).fetchall() == answers[0]
    assert killer.kills >= 2
    assert not outcome.wrong
    assert not outcome.given_up
    assert outcome.right >= 3
    assert outcome.slowest < 3 * SOON


def test_all_killed_at_once_come_back(
    faults: pytest.MonkeyPatch, tpch_folder: Path, answers: list[list[tuple[object, ...]]], tmp_path: Path
) -> None:
    faults.setenv("SHOAL_FAULTS", "task.before_finish=hang(30)@1")
    with leaves_nothing(), shoal.connect(data=str(tpch_folder), **OPTIONS) as connection:  # type: ignore[arg-type]

        def kill_all() -> None:
            deadline = time.monotonic() + SOON
            while not any((tmp_path / "faults").iterdir()) and time.monotonic() < deadline:
                time.sleep(0.02)
            for process in executor_processes():
                os.kill(process.pid, signal.SIGKILL)

        timer = cancel_soon(kill_all, 0.0)
        started = time.monotonic()
        assert connection.execute(QUERIES[1]).fetchall() == answers[1]
        assert time.monotonic() - started < 2 * SOON
        timer.join()
        eventually(lambda: len(executor_processes()) == 3)


def test_killed_after_the_query_but_before_its_rows_are_read(tpch_folder: Path) -> None:
    """Its rows went with the executors; what a cursor has given out cannot be taken back, so nobody tries again."""
    with leaves_nothing(), shoal.connect(data=str(tpch_folder), **OPTIONS) as connection:  # type: ignore[arg-type]
        cursor = connection.execute("SELECT l_orderkey, l_comment FROM lineitem")
        assert cursor.fetchone() is not None
        killed = {process.pid for process in executor_processes()}
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        # What they left can be read on this host until whoever starts them again has removed it.
        eventually(lambda: len({process.pid for process in executor_processes()} - killed) == 3)
        with pytest.raises(shoal.OperationalError, match="is gone with a part of the answer") as caught:
            cursor.fetchall()
        check_text(caught.value)
        assert caught.value.retryable
        assert caught.value.hint == "run the statement again"
        cursor.close()
        assert connection.execute("SELECT count(*) FROM lineitem").fetchall() == [(60175,)]
