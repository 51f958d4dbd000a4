"""Every script on every engine: plain DuckDB, whose answers they hold, Shoal in one process and on three executors."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from unittest import mock

import pytest

import shoal
from shoal.cluster import LocalCluster
from shoal.connection import Connection
from shoal.session import Session
from tests.slt.engines import Engine, PlainDuckDB, Shoal, StatementFailed
from tests.slt.script import ScriptError, read_script, show

SCRIPTS = sorted(Path(__file__).parent.glob("*.slt"))
LEAST_SPLIT_ROWS = 3
"""Rows from which tables are split here, so that small ones will do."""

Opens = Callable[[], Connection]


@pytest.fixture(scope="module")
def session_on_cluster() -> Iterator[Opens]:
    """Opens sessions that share three executors."""
    cluster = LocalCluster(3, 1, 256 << 20)
    try:
        yield lambda: Connection(Session(threads=1, memory_bytes=256 << 20, runner=cluster, owns_runner=False))
    finally:
        cluster.close()


def run_script(text: str, engine: Engine) -> list[str]:
    """What is wrong, a record each."""
    wrong = []
    with mock.patch("shoal.planner.distribute.LEAST_SPLIT_ROWS", LEAST_SPLIT_ROWS):
        for record in read_script(text):
            if not any(record.runs_on(name) for name in engine.names):
                continue
            try:
                rows = engine.run(record.sql)
            except StatementFailed as error:
                problem = None if record.fails else str(error)
            else:
                problem = "it does not fail" if record.fails else record.compare(rows) if record.is_query else None
            if problem is not None:
                wrong.append(f"line {record.line}: {record.sql}\n{problem}")
    return wrong


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.stem)
def test_on_plain_duckdb(script):
    with closing(PlainDuckDB()) as engine:
        assert run_script(script.read_text(), engine) == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.stem)
def test_in_one_process(script):
    with closing(Shoal("embedded", shoal.connect(threads=1))) as engine:
        assert run_script(script.read_text(), engine) == []


@pytest.mark.cluster
@pytest.mark.xdist_group("slt on executors")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.stem)
def test_on_three_executors(script, session_on_cluster):
    with closing(Shoal("cluster", session_on_cluster())) as engine:
        assert run_script(script.read_text(), engine) == []


def test_statements_are_cut_into_tasks():
    """The scripts would prove little if every statement ran whole."""
    scripts = [file for file in SCRIPTS if file.stem.startswith(("joins_", "group", "subqueries_"))]
    with closing(Shoal("embedded", shoal.connect(threads=1))) as engine:
        for script in scripts[:4]:
            run_script(script.read_text(), engine)
        assert engine.distributed > 20


SCRIPT = """
# a comment
hash-threshold 4

statement ok
CREATE TABLE t AS SELECT i FROM range(3) AS r(i)

query I rowsort
SELECT i FROM t
----
0
1
2

query IT nosort
SELECT i, 'v' FROM t WHERE i = 1
----
1
v

statement error
SELECT nothing FROM t

skipif duckdb
statement ok
THIS IS FOR OTHERS

onlyif other
query I
SELECT 1
----
2

query I valuesort
SELECT i + 10 FROM t UNION ALL SELECT i FROM t
----
6 values hashing to 5eaebeb2a2a16a7f4fcdcf0dd6ab5e7e

loop n 0 2

foreach word x yy

query T
SELECT '${word}' || ${n}
----
${word}${n}

endloop

endloop

halt

nonsense
"""


def test_a_script_is_read_and_run():
    with closing(PlainDuckDB()) as engine:
        (wrong,) = run_script(SCRIPT, engine)
        assert "6 values hashing to" in wrong
        records = read_script(SCRIPT)
    assert [record.sql for record in records[-4:]] == [
        "SELECT 'x' || 0",
        "SELECT 'yy' || 0",
        "SELECT 'x' || 1",
        "SELECT 'yy' || 1",
    ]
    assert [record.line for record in records[:2]] == [5, 8]


def test_what_is_wrong_is_told():
    with closing(PlainDuckDB()) as engine:
        wrong = run_script("query I\nSELECT 1\n----\n2\n\nstatement error\nSELECT 1\n\nstatement ok\nSELECT x", engine)
    assert [problem.splitlines()[1] for problem in wrong[:2]] == ["expected", "it does not fail"]
    assert "Binder Error" in wrong[2]


@pytest.mark.parametrize(
    "text", ["nonsense", "statement perhaps\nSELECT 1", "query I randomsort\nSELECT 1\n----", "query I\nSELECT 1"]
)
def test_what_is_no_script(text):
    with pytest.raises(ScriptError):
        read_script(text)


def test_values_as_they_are_written():
    values = (None, True, 1, 0.1 + 0.2, float("nan"), -0.0, "", "a\tb", b"\x00a", [1, None], {"k": "v"})
    shown = ["NULL", "true", "1", "0.3", "nan", "0", "(empty)", "a\\tb", "\\x00a", "[1, NULL]", "{k: v}"]
    assert [show(value) for value in values] == shown
