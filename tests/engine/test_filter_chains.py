"""Rows are dropped some stages before the join that does not want them, and what is not read is seen."""

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import shoal
from tests.engine.adaptation_tables import adapted, cluster, rows_of

FEW = "(SELECT DISTINCT evens.k AS n FROM evens JOIN odds USING (id))"
"""Expected to be 20,000 rows, and 15, the numbers below 15."""

NUMBERED = "SELECT e.n, f.s, row_number() OVER (PARTITION BY e.n ORDER BY f.s) FROM"
CHAINS = {
    "an aggregate": f"{NUMBERED} {FEW} e LEFT JOIN (SELECT id, sum(v) AS s FROM facts GROUP BY id) f ON f.id = e.n",
    "no partial aggregate": f"{NUMBERED} {FEW} e LEFT JOIN "
    "(SELECT id, string_agg(t, ',' ORDER BY t) AS s FROM facts GROUP BY id) f ON f.id = e.n",
    "a window": f"{NUMBERED} {FEW} e LEFT JOIN "
    "(SELECT id, v + sum(v) OVER (PARTITION BY id) AS s FROM facts) f ON f.id = e.n",
    "a distinct": f"{NUMBERED} {FEW} e LEFT JOIN (SELECT DISTINCT id, v AS s FROM facts) f ON f.id = e.n",
    "another join": f"{NUMBERED} {FEW} e LEFT JOIN "
    "(SELECT f.id, max(o.w) AS s FROM facts f LEFT JOIN other o ON f.k = o.k GROUP BY f.id) f ON f.id = e.n",
}
KEPT = {
    "another partition": f"{NUMBERED} {FEW} e LEFT JOIN "
    "(SELECT id, sum(v) OVER (PARTITION BY t) AS s FROM facts) f ON f.id = e.n",
    "a limit": f"{NUMBERED} {FEW} e LEFT JOIN (SELECT id, v AS s FROM facts LIMIT 40000) f ON f.id = e.n",
    "the side that may be missing": f"{NUMBERED} {FEW} e LEFT JOIN (SELECT f.id AS s, o.w FROM facts f "
    "LEFT JOIN other o ON f.k = o.k) f ON f.w IS NOT DISTINCT FROM e.n",
}
NOTE = "only rows that match"


@pytest.fixture(scope="module")
def four(skewed_folder: Path) -> Iterator[shoal.Connection]:
    with cluster(skewed_folder) as connection:
        yield connection


def rows_read(connection: shoal.Connection, sql: str) -> dict[int, int]:
    """The rows that each stage has read, as the kernel counts them: not those of row groups that it left out."""
    text = "\n".join(row[0] for row in connection.execute(f"EXPLAIN ANALYZE {sql}").fetchall())
    found = re.findall(r"^stage (\d+): .* ([\d,]+) rows in", text, re.MULTILINE)
    return {int(stage): int(rows.replace(",", "")) for stage, rows in found}


@pytest.mark.parametrize("name", CHAINS)
def test_keys_filter_the_stage_that_reads_the_table(
    four: shoal.Connection, skewed_truth: duckdb.DuckDBPyConnection, name: str
) -> None:
    sql = CHAINS[name]
    assert any(NOTE in note for note in adapted(four, sql)), four.execute(f"EXPLAIN {sql}").fetchall()
    assert rows_of(four, sql) == rows_of(skewed_truth, sql)


@pytest.mark.parametrize("name", KEPT)
def test_what_other_rows_depend_on_is_not_dropped(
    four: shoal.Connection, skewed_truth: duckdb.DuckDBPyConnection, name: str
) -> None:
    assert rows_of(four, KEPT[name]) == rows_of(skewed_truth, KEPT[name])


def test_row_groups_that_cannot_match_are_not_read(skewed_folder: Path) -> None:
    """The table has 40,000 rows in row groups of 2,048, in the order of the key."""
    sql = CHAINS["no partial aggregate"]
    read = {}
    for disabled in ("", "runtime_filters"):
        with cluster(skewed_folder, disabled_rules=f"use_clustering,turn_builds,{disabled}") as connection:
            read[disabled] = rows_read(connection, sql)
    saved = {stage: rows - read[""][stage] for stage, rows in read["runtime_filters"].items() if stage in read[""]}
    assert max(saved.values()) >= 35_000, read


@pytest.mark.parametrize("strategy", ["broadcast", "partitioned"])
def test_few_keys_prune_row_groups_of_either_kind_of_join(skewed_folder: Path, strategy: str) -> None:
    sql = "SELECT f.v, o.w FROM facts f JOIN other o ON f.id = o.w WHERE length((o.k * o.w)::VARCHAR) < 3"
    with cluster(skewed_folder, join_strategy=strategy) as connection:
        assert max(rows_read(connection, sql).values()) <= 10_000


@pytest.mark.parametrize(
    ("partitions", "disabled"), [("1", ""), ("2", ""), ("3", "runtime_filters"), ("7", "use_clustering")]
)
def test_answers_are_the_same_with_and_without(
    skewed_folder: Path, skewed_truth: duckdb.DuckDBPyConnection, partitions: str, disabled: str
) -> None:
    with cluster(skewed_folder, partitions=partitions, disabled_rules=disabled, join_strategy="auto") as connection:
        for sql in (CHAINS | KEPT).values():
            assert rows_of(connection, sql) == rows_of(skewed_truth, sql), sql
