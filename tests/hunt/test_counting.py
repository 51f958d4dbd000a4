"""What the hunt counts, and when it ends with an error."""

import argparse
import json
import sys

import pytest

import shoal
from tests.hunt import __main__ as hunt
from tests.hunt.answers import Answer
from tests.hunt.cases import Case, Oracle
from tests.hunt.configurations import Backend
from tests.hunt.hunter import Finding, Ground, Tried
from tests.hunt.plain import Plain
from tests.hunt.world import make_world

_SLEEP = "import time; time.sleep(60)"
_DIE = "import os; os.abort()"
_LEAVE = "pass"


@pytest.fixture
def options(tmp_path):
    return argparse.Namespace(seed=7, count=3, minutes=1, processes=1, clusters=0, shrink=0, keep=tmp_path)


def _run(options, monkeypatch, code):
    """The totals after a worker that runs some Python."""
    monkeypatch.setattr(hunt, "MOST_DEATHS", 1)
    monkeypatch.setattr(hunt.Worker, "_command", lambda *_: [sys.executable, "-c", code])
    totals = hunt.Totals()
    hunt.Worker(options, 0, totals).run()
    return totals


@pytest.mark.parametrize(("code", "name"), [(_DIE, "crashes"), ("raise ValueError", "crashes"), (_SLEEP, "hangs")])
def test_a_worker_that_dies_or_falls_silent_is_counted(options, monkeypatch, code, name):
    monkeypatch.setattr(hunt, "SILENCE", 1.0)
    totals = _run(options, monkeypatch, code)
    assert totals.counts[name] == totals.wrong == 1


def test_a_worker_that_leaves_is_no_finding(options, monkeypatch):
    assert _run(options, monkeypatch, _LEAVE).wrong == 0


@pytest.mark.parametrize("what", ["findings", "hangs", "crashes"])
def test_what_a_worker_finds_is_counted_and_kept(options, monkeypatch, capfd, what):
    told = {"seed": 7, "statements": 2, "distributed": 1, "errors": 0, "passed_over": False}
    told |= {"what": what, "kind": "rows", "text": "one row differs", "file": "SELECT 1;"}
    totals = _run(options, monkeypatch, f"print({json.dumps(told)!r})")
    assert totals.counts[what] == totals.wrong == 1
    assert (options.keep / "seed_7.sql").read_text() == "SELECT 1;"
    assert "one row differs" in capfd.readouterr().out
    assert "2 statements, 1 of them in several tasks" in str(totals)


def test_hangs_and_deaths_are_told_apart_from_differences(monkeypatch):
    """A timeout is a hang even where DuckDB fails too, and an executor that died is one even if the answer is right."""
    case = Case("query", Oracle.DUCKDB, ("SELECT count(*) AS n FROM a",))
    with Ground(make_world(3), Backend()) as ground:

        def finding(case: Case) -> Finding:
            found = ground.try_case(0, case, ()).finding
            assert found is not None
            return found

        monkeypatch.setattr(ground, "_deaths", lambda: "crash: executor local-1 was killed by SIGSEGV")
        assert finding(case).what == "crashes"
        monkeypatch.setattr(ground, "_deaths", lambda: None)
        assert ground.try_case(0, case, ()) == Tried(0, 1, 0, 0, passed_over=False)
        late = Answer(error=shoal.QueryTimeout("it took too long"))
        monkeypatch.setattr("tests.hunt.hunter.our_answer", lambda *_: late)
        failing = Case("query", Oracle.DUCKDB, ("SELECT error('no') FROM a",))
        assert [finding(one).what for one in (case, failing)] == ["hangs", "hangs"]


@pytest.mark.parametrize("deleted", [True, False])
def test_only_rows_that_are_deleted_are_excused(tmp_path, deleted):
    plain = Plain(make_world(1), tmp_path)
    try:
        plain.duck.execute("CREATE TABLE x1 AS SELECT 9223372036854775807 AS k")
        if deleted:
            plain.duck.execute("DELETE FROM x1")
        sql = "ALTER TABLE x1 ALTER COLUMN k TYPE SMALLINT"
        assert plain.change(sql).error is not None
        assert plain.minds_deleted_rows(sql) is deleted
        assert not plain.minds_deleted_rows("DELETE FROM x1")
    finally:
        plain.close()
