"""A statement that is repeated in one process is run by the kernel's plan or by Shoal's, whichever was faster."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import shoal
from shoal import plan_choice, plan_trials
from shoal.plan_choice import OwnPlan, PlanChoice
from shoal.run_clock import Cost

SQL = """SELECT a.k, count(*), sum(b.v) FROM facts AS a JOIN facts AS b ON a.id = b.id JOIN names ON a.k = names.k
GROUP BY a.k ORDER BY a.k"""


@pytest.fixture
def connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[shoal.Connection]:
    """Two tables, and no statement too short for a trial."""
    monkeypatch.setattr(plan_choice, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(plan_choice, "SPENT_SECONDS", 0.0)
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

    def kernel(choice: PlanChoice, cost: Cost) -> None:
        told.append((False, cost.cpu_seconds))
        kernel_took(choice, cost_of(1.0))

    def own(choice: PlanChoice, cost: Cost) -> None:
        told.append((True, cost.cpu_seconds))
        own_took(choice, cost_of(OWN_SECONDS["own"]))

    monkeypatch.setattr(PlanChoice, "kernel_took", kernel)
    monkeypatch.setattr(PlanChoice, "own_took", own)
    return told


OWN_SECONDS = {"own": 0.5}


def cost_of(cpu_seconds: float, seconds: float | None = None) -> Cost:
    """A run of two threads, or one that took longer."""
    return Cost(cpu_seconds / 2 if seconds is None else seconds, cpu_seconds)


@pytest.mark.parametrize(("seconds", "is_kept"), [(0.5, True), (2.0, False)])
def test_the_faster_plan_is_kept(
    connection: shoal.Connection, monkeypatch: pytest.MonkeyPatch, seconds: float, is_kept: bool
) -> None:
    monkeypatch.setitem(OWN_SECONDS, "own", seconds)
    told = choices(monkeypatch)
    answers = [connection.execute(SQL).fetchall() for _ in range(6)]
    expected = [False, True, True, True, True, False] if is_kept else [False, True, False, False, False, False]
    assert [is_own for is_own, _ in told] == expected
    assert all(answer == answers[0] for answer in answers)
    explained = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {SQL}").fetchall())
    own, kernel = (f"{cpu / 2:.3f} s ({cpu:.3f} s of CPU)" for cpu in (seconds, 1.0))
    assert (f"by measurement: {own}, against {kernel} by the kernel's own plan" in explained) is is_kept
    assert (f"Shoal's own plan took {own}, the kernel's {kernel}" in explained) is not is_kept


@pytest.mark.parametrize(
    ("runs", "is_own"),
    [
        # One run by each plan decides where Shoal's is much better or worse; in between each has another.
        ("k1 o.6", "ooo"),
        ("k1 o.8", "ooo"),
        ("k1 o.9 k1", "ooo"),
        ("k1 o1.2 k1", "kkk"),
        ("k1 o.97 k1 o.9", "ooo"),
        ("k1 o.97 k1 o1.05", "kkk"),
        ("k1 o1 k1", "kkk"),
        ("k1 o.96 k1 o.97", "kkk"),
        # The first run of the kernel's plan may have read cold files.
        ("k5 o1.2 o1.2 o1.2 o1.2 k1", "kkk"),
        ("k5 o.9 o.9 o.9 o.9 k1", "ooo"),
        # What one run takes too long tells nothing, what most take does.
        ("k1 o.6 o3 o.6", "ooo"),
        ("k1 o.6 o1.1 o1.2 k1", "kkk"),
    ],
)
def test_medians_of_runs_decide(runs: str, is_own: str) -> None:
    choice = PlanChoice(1)
    taken, wanted = "", ""
    for run in runs.split():
        wanted += run[0]
        taken += "o" if choice.wants_trial or choice.runs_own else "k"
        if choice.wants_trial:
            choice.is_planned, choice.own = True, OwnPlan(None, None)  # type: ignore[arg-type]
        (choice.own_took if run[0] == "o" else choice.kernel_took)(cost_of(float(run[1:])))
    assert taken == wanted
    for _ in range(3):
        taken += "o" if choice.wants_trial or choice.runs_own else "k"
    assert taken == wanted + is_own


@pytest.mark.parametrize(("is_simple", "runs"), [(True, 5), (False, 1)])
def test_what_reads_one_table_is_tried_when_it_has_taken_long_in_all(is_simple: bool, runs: int) -> None:
    choice = PlanChoice(1, is_simple=is_simple)
    wanted = []
    for _ in range(5):
        choice.kernel_took(cost_of(0.4))
        wanted.append(choice.wants_trial)
    assert wanted == [False] * (runs - 1) + [True] * (6 - runs)


def test_which_statements_read_one_table(connection: shoal.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_choice, "LONG_SECONDS", 0.0)
    monkeypatch.setattr(plan_choice, "SPENT_SECONDS", 1000.0)
    told = choices(monkeypatch)
    for sql, tried in {"SELECT k, sum(v) FROM facts GROUP BY k": False, SQL: True}.items():
        told.clear()
        for _ in range(2):
            connection.execute(sql).fetchall()
        assert [is_own for is_own, _ in told] == [False, tried], sql


def test_a_plan_that_lets_its_caller_wait_is_not_taken() -> None:
    choice = PlanChoice(1, is_planned=True, own=OwnPlan(None, None))  # type: ignore[arg-type]
    for _ in range(2):
        choice.kernel_took(cost_of(1.0))
    trials = 0
    while choice.wants_trial:
        trials += 1
        choice.own_took(cost_of(0.8, seconds=0.7))
    assert trials == 3
    assert not choice.prefers_own


def test_a_machine_that_was_busy_during_a_trial_is_tried_again() -> None:
    choice = PlanChoice(1, is_planned=True, own=OwnPlan(None, None))  # type: ignore[arg-type]
    for _ in range(2):
        choice.kernel_took(cost_of(1.0))
    for seconds in (0.9, 0.8, 0.4):
        assert choice.wants_trial
        choice.own_took(cost_of(0.8, seconds))
    assert choice.prefers_own


def test_the_plan_does_not_change_for_ever() -> None:
    choice = PlanChoice(1, is_planned=True, own=OwnPlan(None, None))  # type: ignore[arg-type]
    for _ in range(10):
        for cpu in (1.0, 1.0, 1.0):
            choice.kernel_took(cost_of(cpu))
        for cpu in (0.5, 0.5, 0.5):
            choice.own_took(cost_of(cpu))
        for cpu in (2.0, 2.0, 2.0):
            choice.own_took(cost_of(cpu))
    assert choice.changes == 4
    assert not choice.prefers_own


def test_what_ran_beside_another_tells_nothing(connection: shoal.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    told = choices(monkeypatch)
    with connection.cursor() as other:
        other.execute("SELECT a.id FROM facts AS a, facts AS b, facts AS c WHERE a.k = b.k AND a.k + b.id = c.id")
        other.fetchone()
        for _ in range(3):
            connection.execute(SQL).fetchall()
    assert told == []


def test_it_can_be_switched_off(connection: shoal.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    told = choices(monkeypatch)
    connection.execute("SET disabled_rules = 'own_plans'")
    for _ in range(5):
        connection.execute(SQL).fetchall()
    assert told == []


def test_a_trial_without_patience_falls_back(connection: shoal.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_trials, "PATIENCE", 0.0)
    monkeypatch.setattr(plan_trials, "GRACE_SECONDS", 0.0)
    told = choices(monkeypatch)
    answers = [connection.execute(SQL).fetchall() for _ in range(5)]
    assert [is_own for is_own, _ in told] == [False] * 5
    assert all(answer == answers[0] for answer in answers)
    explained = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {SQL}").fetchall())
    assert "Shoal's own plan was given up: no row after 0.000 s (0.000 s of CPU)" in explained


@pytest.mark.parametrize("constant", ["LEAST_SECONDS", "SPENT_SECONDS"])
def test_short_statements_are_not_tried(
    connection: shoal.Connection, monkeypatch: pytest.MonkeyPatch, constant: str
) -> None:
    monkeypatch.setattr(plan_choice, constant, 1000.0)
    monkeypatch.setattr(plan_choice, "LONG_SECONDS", 500.0)
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
    assert [is_own for is_own, _ in told] == [False, True, True, True, False]
