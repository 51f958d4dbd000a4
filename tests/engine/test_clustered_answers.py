"""Joins and groups over clustered files: plain DuckDB's answers, whatever the layout, the key's type and the tasks."""

import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

import shoal
from shoal.planner import group_ranges
from tests.engine.answer_oracle import Answer, difference, explained, run
from tests.engine.clustered_tables import KEYS, LAYOUTS, write_layout

QUERIES = (
    "SELECT k, count(*), sum(v), min(g) FROM t GROUP BY k",
    "SELECT k, g, count(*), max(v) FROM t GROUP BY k, g",
    "SELECT count(*) FROM (SELECT DISTINCT k FROM t)",
    "SELECT count(DISTINCT k), count(k), count(*) FROM t",
    "SELECT k, v, row_number() OVER (PARTITION BY k ORDER BY v) FROM t",
    "SELECT t.k, t.v, u.v FROM t JOIN u ON t.k = u.k",
    "SELECT t.k, t.v, u.v FROM t LEFT JOIN u ON t.k = u.k",
    "SELECT t.v, u.k, u.v FROM t RIGHT JOIN u ON t.k = u.k",
    "SELECT t.k, t.v, u.k, u.v FROM t FULL JOIN u ON t.k = u.k",
    "SELECT k, v FROM t SEMI JOIN u ON t.k = u.k",
    "SELECT k, v FROM t ANTI JOIN u ON t.k = u.k",
    "SELECT k, v FROM t WHERE k IN (SELECT k FROM u WHERE g < 7)",
    "SELECT k, v FROM t WHERE k NOT IN (SELECT k FROM u WHERE g < 3)",
    "SELECT count(*), sum(t.v), sum(u.v) FROM t JOIN u ON t.k IS NOT DISTINCT FROM u.k WHERE u.g < 2 AND t.g = 4",
    "SELECT t.k, u.v FROM t LEFT JOIN u ON t.k IS NOT DISTINCT FROM u.k AND t.g = u.g AND t.v = u.v",
    "SELECT t.v, u.v FROM t JOIN u ON t.k = u.k AND t.g = u.g",
    "SELECT t.k, count(*), sum(u.v) FROM t JOIN u ON t.k = u.k WHERE t.g < 8 GROUP BY t.k",
    "SELECT t.k, count(u.v), sum(u.v) FROM t LEFT JOIN u ON t.k = u.k GROUP BY t.k",
    "SELECT u.k, count(t.v) FROM t RIGHT JOIN u ON t.k = u.k GROUP BY u.k",
    "SELECT k, count(*) FROM (SELECT coalesce(t.k, u.k) AS k FROM t FULL JOIN u ON t.k = u.k) GROUP BY k",
    "SELECT t.k, count(*) FROM t JOIN u USING (k) WHERE k >= (SELECT min(k) FROM t WHERE v > 600) GROUP BY t.k",
    "SELECT t.k, count(*), sum(u.v) FROM t JOIN u ON t.k = u.k WHERE t.v BETWEEN 900 AND 1100 GROUP BY t.k",
    "SELECT k, count(*), max(v) FROM t WHERE v >= 1000 AND g < 5 GROUP BY k",
    "SELECT g, count(*), sum(v) FROM t WHERE v < 300 GROUP BY g",
    "SELECT a.k, count(*), sum(b.v) FROM t AS a JOIN t AS b ON a.k = b.k AND a.v < b.v GROUP BY a.k",
    "SELECT k, sum(c) FROM (SELECT k, g, count(*) AS c FROM t GROUP BY k, g) GROUP BY k",
)
SETTINGS = (
    ("1", ""),
    ("2", ""),
    ("3", ""),
    ("7", ""),
    ("3", "use_clustering"),
    ("3", "balance_splits"),
    ("1", "group_by_ranges"),
    ("3", "group_by_ranges"),
)
"""Numbers of tasks, each with the rules that are off; each statement is run with two of them.

Set ``SHOAL_EVERY_CONFIGURATION`` in the environment to run it with all.
"""
CLUSTERED = frozenset(LAYOUTS) - {"all_null", "without_statistics", "shuffled"}
"""Layouts whose files can be cut into three."""


@dataclass(frozen=True)
class Pair:
    """Two tables, ``t`` and ``u``, in Shoal and in plain DuckDB; ``name`` tells how they lie."""

    name: str
    shoal: shoal.Connection
    duck: duckdb.DuckDBPyConnection

    def check(self, sql: str) -> None:
        """The answers are the same, with any number of tasks."""
        start = zlib.crc32(f"{self.name} {sql}".encode()) % len(SETTINGS)
        settings = (SETTINGS * 2)[start : start + 2]
        if "SHOAL_EVERY_CONFIGURATION" in os.environ:
            settings = SETTINGS
        theirs = Answer(
            tuple((str(row[0]), str(row[1])) for row in self.duck.execute(f"DESCRIBE {sql}").fetchall()),
            self.duck.sql(sql).to_arrow_table(),
        )
        for partitions, disabled in settings:
            self.set(partitions, disabled)
            found = difference(run(self.shoal, sql), theirs, sql)
            told = f"{partitions} tasks, without {disabled or 'nothing'}: {sql}\n{found}"
            assert found is None, f"{told}\n{explained(self.shoal, sql)}"

    def set(self, partitions: str, disabled: str = "") -> None:
        """Set the number of tasks and the rules that are off."""
        self.shoal.execute(f"SET partitions = {partitions}")
        self.shoal.execute(f"SET disabled_rules = '{disabled}'")


def open_pair(name: str, folder: Path) -> Iterator[Pair]:
    """The tables in two folders ``t`` and ``u``; joins are partitioned where they can be."""
    settings = {"arrow_output_version": "1.5", "python_enable_replacements": "false"}
    with shoal.connect(threads=1) as connection, duckdb.connect(config=settings) as duck:
        duck.execute("SET TimeZone = 'UTC'")
        for table in ("t", "u"):
            connection.register(table, folder / table)
            duck.execute(f"CREATE VIEW {table} AS FROM read_parquet('{folder / table}/*.parquet')")
        for setting in ("timezone = 'UTC'", "distribute = always", "check_plans = on", "join_strategy = partitioned"):
            connection.execute(f"SET {setting}")
        yield Pair(name, connection, duck)


@pytest.fixture(scope="module", autouse=True)
def few_groups() -> Iterator[None]:
    """Groups are made in ranges from a few of them on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(group_ranges, "LEAST_GROUPS", 3)
        patch.setattr(group_ranges, "RANGE_GROUPS", 20)
        yield


@pytest.fixture(scope="module", params=LAYOUTS)
def layouts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp(request.param)
    write_layout(folder / "t", request.param, "INTEGER", 2)
    write_layout(folder / "u", "few_nulls", "INTEGER", 3)
    yield from open_pair(request.param, folder)


@pytest.fixture(scope="module", params=KEYS)
def types(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp(request.param)
    write_layout(folder / "t", "few_nulls", request.param, 2)
    write_layout(folder / "u", "overlapping", request.param, 3)
    yield from open_pair(request.param, folder)


@pytest.mark.parametrize("sql", QUERIES)
def test_any_layout(layouts: Pair, sql: str) -> None:
    layouts.check(sql)


@pytest.mark.parametrize("sql", QUERIES[::3])
def test_any_type(types: Pair, sql: str) -> None:
    types.check(sql)


def test_layouts_that_are_clustered_are_cut(layouts: Pair) -> None:
    layouts.set("3")
    sql = "SELECT k, count(*) FROM t WHERE k IS NOT NULL GROUP BY k"
    clustered = layouts.name in CLUSTERED
    assert ("its files are clustered on" in explained(layouts.shoal, sql)) == clustered
    layouts.set("3", "use_clustering")
    assert "clustered on" not in explained(layouts.shoal, sql)


@pytest.mark.parametrize("tasks", ["1", "2"])
def test_groups_of_clustered_keys_are_made_in_ranges(layouts: Pair, tasks: str) -> None:
    sql = "SELECT k, count(*), sum(v) FROM t WHERE g < 9 AND k IS NOT NULL GROUP BY k"
    layouts.set(tasks)
    assert ("ranges of k" in explained(layouts.shoal, sql)) == (layouts.name in CLUSTERED)
    layouts.check(sql)
    layouts.set(tasks, "group_by_ranges")
    assert "ranges of" not in explained(layouts.shoal, sql)


def test_every_type_is_cut_and_needs_no_exchange(types: Pair) -> None:
    types.set("3")
    text = explained(types.shoal, "SELECT t.k, count(*), sum(u.v) FROM t JOIN u ON t.k = u.k GROUP BY t.k")
    assert text.count("its files are clustered on") == 2, text
    assert "hash of" not in text


@pytest.mark.parametrize("key", ["g", "k"])
def test_what_filters_leave_is_parted_evenly(layouts: Pair, key: str) -> None:
    if layouts.name != "sorted":
        pytest.skip("its rows do not come in the order of v")
    sql = f"SELECT {key}, sum(v) FROM t WHERE v BETWEEN 200 AND 499 GROUP BY {key}"
    layouts.set("3")
    assert _most_rows(layouts, sql) <= 150
    layouts.set("3", "balance_splits")
    assert _most_rows(layouts, sql) == 300
    layouts.check(sql)


def _most_rows(pair: Pair, sql: str) -> int:
    """The most rows with 200 <= v < 500 that a task reads, as EXPLAIN shows its splits; ``v`` are the row numbers."""
    text = "\n".join(row[0] for row in pair.shoal.execute(f"EXPLAIN (FRAGMENTS) {sql}").fetchall())
    tasks = re.findall(r"-- task \d+: scan_t (.*)", text)
    assert len(tasks) == 3, text
    ranges = [re.findall(r"rows (\d+) to (\d+)", task) for task in tasks]
    return max(sum(max(0, min(500, int(last) + 1) - max(200, int(first))) for first, last in task) for task in ranges)


def test_composite_keys_are_cut_on_the_first_column(types: Pair) -> None:
    types.set("3")
    text = explained(
        types.shoal, "SELECT t.k, t.g, count(*) FROM t JOIN u ON t.k = u.k AND t.g = u.g GROUP BY t.k, t.g"
    )
    assert text.count("its files are clustered on") == 2, text
    assert "hash of" not in text
