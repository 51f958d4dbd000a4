"""A repeated statement of one process is run as the kernel has planned it before, over the very same files."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

import shoal
from shoal import embedded, kept_statements
from shoal.executor.kernel import Kernel

JOIN = "SELECT a.k, count(*), sum(b.v) FROM facts AS a JOIN facts AS b ON a.id = b.id GROUP BY a.k ORDER BY a.k"
REPEATED = [
    JOIN,
    "SELECT id, v FROM facts ORDER BY v % 5 DESC, id DESC LIMIT 7",
    "SELECT k, v, row_number() OVER (PARTITION BY k ORDER BY v DESC) AS n FROM facts QUALIFY n <= 2 ORDER BY k, n",
    "WITH big AS (SELECT * FROM facts WHERE v > 4000) SELECT count(*) FROM big, names WHERE big.k = names.k",
    "SELECT name FROM names WHERE k IN (SELECT k FROM facts WHERE v < 3) ORDER BY name",
    "SELECT k FROM odd ORDER BY k",
    "SELECT k, CAST(count(*) AS HUGEINT) AS n FROM facts GROUP BY k ORDER BY k",
]
NOT_KEPT = [
    "SELECT count(*) FROM '{folder}/facts.parquet'",
    "SELECT filename IS NULL, count(*) FROM '{folder}/facts.parquet' GROUP BY ALL",
    "SELECT count(*) FROM glob('{folder}/*.parquet')",
    "SELECT count(*) FROM facts, range(3)",
    "SELECT current_query() FROM names LIMIT 1",
    "SELECT count(*) FROM delimited",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two tables and a delimited one, as files."""
    with duckdb.connect() as kernel:
        for name, query in {
            "facts.parquet": "SELECT i AS id, i % 7 AS k, i AS v FROM range(5000) AS r(i)",
            "names.parquet": "SELECT i AS k, 'n' || i AS name FROM range(5) AS r(i)",
            "delimited.csv": "SELECT 1 AS a",
        }.items():
            kernel.execute(f"COPY ({query}) TO '{tmp_path}/{name}'")
    return tmp_path


@pytest.fixture
def connection(folder: Path) -> Iterator[shoal.Connection]:
    """The tables, and a view."""
    with shoal.connect(threads=2) as opened:
        for name in ("facts.parquet", "names.parquet", "delimited.csv"):
            opened.register(name.split(".")[0], folder / name)
        opened.execute("CREATE VIEW odd AS SELECT * FROM names WHERE k % 2 = 1")
        yield opened


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes each session that is made, and each that is used again."""
    noted: list[str] = []
    session, resumed = Kernel.session, Kernel.resumed
    monkeypatch.setattr(Kernel, "session", lambda *given, **named: noted.append("new") or session(*given, **named))
    monkeypatch.setattr(Kernel, "resumed", lambda *given, **named: noted.append("kept") or resumed(*given, **named))
    return noted


def test_answers_stay_what_they_are(connection: shoal.Connection, opened: list[str]) -> None:
    for sql in REPEATED:
        opened.clear()
        first, *others = (connection.execute(sql).fetch_arrow_table() for _ in range(5))
        assert opened == ["new", "kept", "kept", "kept", "kept"], sql
        assert all(other.equals(first) for other in others), sql


def test_what_depends_on_more_than_registered_files_is_not_kept(
    connection: shoal.Connection, opened: list[str], folder: Path
) -> None:
    for sql in NOT_KEPT:
        text = sql.format(folder=folder)
        first, *others = (connection.execute(text).fetchall() for _ in range(3))
        assert others == [first, first]
    (folder / "more.parquet").write_bytes((folder / "names.parquet").read_bytes())
    assert connection.execute(NOT_KEPT[2].format(folder=folder)).fetchall() == [(3,)]
    assert "kept" not in opened


def test_it_can_be_switched_off(connection: shoal.Connection, opened: list[str]) -> None:
    connection.execute("SET disabled_rules = 'kept_statements'")
    for _ in range(4):
        connection.execute(JOIN).fetchall()
    assert opened == ["new"] * 4


def test_large_results_are_streamed(
    connection: shoal.Connection, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_statements, "_MOST_BYTES", 1000)
    for _ in range(3):
        assert len(connection.execute("SELECT * FROM facts").fetchall()) == 5000
    assert opened == ["new"] * 3


def test_a_replaced_file_is_noticed(connection: shoal.Connection, folder: Path) -> None:
    sql = "SELECT sum(v) FROM facts"
    times = (folder / "facts.parquet").stat()
    for _ in range(4):
        assert connection.execute(sql).fetchall() == [(12497500,)]
    for value in (1, 2):
        with duckdb.connect() as kernel:
            query = f"SELECT i AS id, i % 7 AS k, {value}::BIGINT AS v FROM range(5000) AS r(i)"
            kernel.execute(f"COPY ({query}) TO '{folder}/facts.parquet'")
        # Also if it looks as old as the first one.
        os.utime(folder / "facts.parquet", ns=(times.st_atime_ns, times.st_mtime_ns + value))
        for _ in range(4):
            assert connection.execute(sql).fetchall() == [(5000 * value,)]


def test_two_runs_at_once_and_one_that_is_left(connection: shoal.Connection, opened: list[str]) -> None:
    for _ in range(3):
        connection.execute(REPEATED[1]).fetchall()
    opened.clear()
    with connection.cursor() as one, connection.cursor() as other:
        one.execute(JOIN)
        other.execute(JOIN)
        assert one.fetchall() == other.fetchall()
    with connection.cursor() as left:
        left.execute(REPEATED[0])
    assert len(connection.execute(REPEATED[0]).fetchall()) == 7


def test_time_is_that_of_each_run(connection: shoal.Connection) -> None:
    times: list[datetime] = [connection.execute("SELECT now() FROM names LIMIT 1").fetchall()[0][0] for _ in range(4)]
    assert sorted(set(times)) == times


def test_few_sessions_are_kept_and_all_are_closed_in_the_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_statements, "_MOST_KEPT", 2)
    engines: list[embedded.EmbeddedEngine] = []
    made = embedded.EmbeddedEngine.__init__
    monkeypatch.setattr(
        embedded.EmbeddedEngine, "__init__", lambda self, *given: engines.append(self) or made(self, *given)
    )
    with shoal.connect() as connection:
        connection.register("names", folder / "names.parquet")
        for number in range(5):
            for _ in range(3):
                connection.execute(f"SELECT {number}, * FROM names").fetchall()
        kept = engines[0]._kept
        assert len(kept._latest) == 2
    assert not kept._latest
