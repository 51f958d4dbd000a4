"""A statement that is repeated in one process finds its files in memory, and gives what it would give without."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

import shoal
from shoal import embedded
from shoal.executor.kernel import Kernel

SUMS = "SELECT k, count(*), sum(v) FROM facts GROUP BY k ORDER BY k"
STATEMENTS = [
    SUMS,
    "SELECT a.k, count(*) FROM facts AS a JOIN facts AS b ON a.id = b.id + 1 GROUP BY a.k ORDER BY a.k",
    "SELECT id, v FROM facts ORDER BY v % 5 DESC, id DESC LIMIT 7",
]


def write(path: Path, step: int) -> None:
    with duckdb.connect() as kernel:
        kernel.execute(f"COPY (SELECT i AS id, i % 7 AS k, i * {step} AS v FROM range(50000) AS r(i)) TO '{path}'")


@pytest.fixture
def facts(tmp_path: Path) -> Path:
    write(tmp_path / "facts.parquet", 1)
    return tmp_path / "facts.parquet"


@pytest.fixture
def connection(facts: Path) -> Iterator[shoal.Connection]:
    with shoal.connect(threads=2) as opened:
        opened.register("facts", facts)
        yield opened


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, int]]:
    """Of each run: whether it may keep its files, and how many blocks there were before it."""
    noted: list[tuple[bool, int]] = []
    enter = Kernel._enter

    def blocks(self: Kernel, session: Any) -> None:
        rows = session.connection.execute("SELECT count(*) FROM duckdb_external_file_cache()").fetchall()
        keeps = session.connection.execute("SELECT current_setting('cache_local_files')").fetchall()
        noted.append((keeps[0][0], rows[0][0]))
        enter(self, session)

    monkeypatch.setattr(Kernel, "_enter", blocks)
    return noted


def test_the_second_run_keeps_them_and_the_third_one_finds_them(
    connection: shoal.Connection, told: list[tuple[bool, int]]
) -> None:
    answers = [connection.execute(SUMS).fetchall() for _ in range(4)]
    assert answers == [answers[0]] * 4
    assert [keeps for keeps, _ in told] == [False, True, True, True]
    assert [found > 0 for _, found in told] == [False, False, True, True]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("", "it is repeated, and kept prepared, and its files in memory while they fit"),
        ("kept_files", "it is repeated, and kept prepared"),
        ("kept_statements", "in one process the kernel plans the whole statement itself"),
    ],
)
def test_it_shows_in_the_plan(connection: shoal.Connection, rule: str, reason: str) -> None:
    connection.execute(f"SET disabled_rules = '{rule}'")
    for run in range(3):
        explained = connection.execute(f"EXPLAIN {SUMS}").fetchall()[0][0].splitlines()[0]
        assert explained.endswith(reason if run else "the kernel plans the whole statement itself"), explained
        connection.execute(SUMS).fetchall()


@pytest.mark.parametrize("rule", ["kept_files", "kept_statements"])
def test_it_can_be_switched_off(
    connection: shoal.Connection, facts: Path, told: list[tuple[bool, int]], rule: str
) -> None:
    expected = [connection.execute(sql).fetchall() for sql in STATEMENTS for _ in range(4)]
    assert max(found for _, found in told) > 0
    told.clear()
    with shoal.connect(threads=2) as other:
        other.register("facts", facts)
        other.execute(f"SET disabled_rules = '{rule}'")
        assert [other.execute(sql).fetchall() for sql in STATEMENTS for _ in range(4)] == expected
    assert set(told) == {(False, 0)}


@pytest.mark.parametrize("parts", [0.9, 1.1])
def test_files_are_kept_if_they_fit(
    facts: Path, told: list[tuple[bool, int]], monkeypatch: pytest.MonkeyPatch, parts: float
) -> None:
    memory = 512 << 20
    monkeypatch.setattr(embedded, "_KEPT_SHARE", int(memory / (parts * facts.stat().st_size)))
    with shoal.connect(threads=1, memory=memory) as opened:
        opened.register("facts", facts)
        answers = [opened.execute(SUMS).fetchall() for _ in range(3)]
    assert answers == [answers[0]] * 3
    assert [keeps for keeps, _ in told] == ([False, True, True] if parts > 1 else [False] * 3)


def test_a_file_that_is_replaced_is_read_anew(connection: shoal.Connection, facts: Path) -> None:
    for step in range(1, 6):
        write(facts.with_name("new.parquet"), step)
        facts.with_name("new.parquet").replace(facts)
        with duckdb.connect() as plain:
            expected = plain.execute(SUMS.replace("facts", f"'{facts}'")).fetchall()
        for _ in range(3):
            assert connection.execute(SUMS).fetchall() == expected
