"""A statement that is repeated in one process is run by the kernel's plan or by Shoal's, whichever was faster."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import shoal
from shoal import plan_choice, plan_trials
from shoal.plan_choice import PlanChoice

SQL = """SELECT a.k, count(*), sum(b.v) FROM facts AS a JOIN facts AS b ON a.id = b.id JOIN names ON a.k = names.k
GROUP BY a.k ORDER BY a.k"""


@pytest.fixture
def connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[shoal.Connection]:
    """Two tables, and no statement too short for a trial."""
    monkeypatch.setattr(plan_choice, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(plan_trials, "PATIENCE", 10_000.0)
    with duckdb.connect() as kernel:
        kernel.execute(
            f"COPY (SELECT i AS id, i % 7 AS k, i AS v FROM range(5000) AS r(i)) TO '{tmp_path}/facts.parquet'"
        )
        kernel.execute(f"COPY (SELECT i AS k, 'n' || i AS name FROM range(5) AS r(i)) TO '{tmp_path}/names.parquet'")
    with shoal.connect() as opened:
        for name in ("facts", "names"):
            opened.register(name, tmp_path / f"{name}.parquet")
        yield opened


def choices(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, float]]:
    """Records which plan each run took, and may change what it is said to have taken."""
    told: list[tuple[bool, float]] = []
    kernel_took, own_took = PlanChoice.kernel_took, PlanChoice.own_took

    def kernel(choice: PlanChoice, seconds: float) -> None:
        told.append((False, seconds))
        kernel_took(choice, 1.0)

    def own(choice: PlanChoice, seconds: float) -> None:
        told.append((True, seconds))
        own_took(choice, OWN_SECONDS["own"])

    monkeypatch.setattr(PlanChoice, "kernel_took", kernel)
    monkeypatch.setattr(PlanChoice, "own_took", own)
    return told


OWN_SECONDS = {"own": 0.5}


@pytest.mark.parametrize(("seconds", "is_kept"), [(0.5, True), (2.0, False), (0.96, False)])
def test_the_faster_plan_is_kept(
    connection: shoal.Connection, monkeypatch: pytest.MonkeyPatch, seconds: float, is_kept: bool
) -> None:
    monkeypatch.setitem(OWN_SECONDS, "own", seconds)
    told = choices(monkeypatch)
    answers = [connection.execute(SQL).fetchall() for _ in range(6)]
    assert [is_own for is_own, _ in told] == [False, False, True, is_kept, is_kept, is_kept]
    assert all(answer == answers[0] for answer in answers)
    explained = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {SQL}").fetchall())
    assert ("by measurement: 0.500 s, against 1.000 s by the kernel's own plan" in explained) is is_kept
    assert (f"Shoal's own plan took {seconds:.3f} s, the kernel's 1.000 s" in explained) is not is_kept


def test_it_can_be_switched_off(connection: shoal.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    told = choices(monkeypatch)
    connection.execute("SET disabled_rules = 'own_plans'")
    for _ in range(5):
        connection.execute(SQL).fetchall()
    assert told == []


def test_a_trial_without_patience_falls_back(connection: shoal.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_trials, "PATIENCE", 0.0)
    told = choices(monkeypatch)
    answers = [connection.execute(SQL).fetchall() for _ in range(5)]
    assert [is_own for is_own, _ in told] == [False] * 5
    assert all(answer == answers[0] for answer in answers)
    explained = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {SQL}").fetchall())
    assert "Shoal's own plan was given up: no row after 0.000 s" in explained


def test_short_statements_are_not_tried(connection: shoal.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_choice, "LEAST_SECONDS", 1000.0)
    told = choices(monkeypatch)
    for _ in range(5):
        connection.execute(SQL).fetchall()
    assert [is_own for is_own, _ in told] == [False] * 5


def test_what_is_read_in_part_tells_nothing(connection: shoal.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    told = choices(monkeypatch)
    for _ in range(4):
        with connection.cursor() as cursor:
            cursor.execute("SELECT a.id FROM facts AS a, facts AS b, facts AS c WHERE a.k = b.k AND a.k + b.id = c.id")
            cursor.fetchone()
    assert told == []


def test_a_changed_file_starts_anew(
    connection: shoal.Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = choices(monkeypatch)
    for _ in range(4):
        connection.execute(SQL).fetchall()
    with duckdb.connect() as kernel:
        kernel.execute(f"COPY (SELECT 0 AS id, 1 AS k, 5 AS v) TO '{tmp_path}/facts.parquet'")
    assert connection.execute(SQL).fetchall() == [(1, 1, 5)]
    assert [is_own for is_own, _ in told] == [False, False, True, True, False]
