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

SUMS = "WITH c AS (SELECT id, sum(v) AS s FROM facts GROUP BY id)"
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
    "one table on both sides": "WITH t AS MATERIALIZED (SELECT k, v FROM facts), u AS MATERIALIZED (SELECT k, count(*) "
    "AS n FROM t GROUP BY k) SELECT u.k, u.n, w.n FROM u JOIN u w ON u.n = w.n + 1 WHERE u.k IN (SELECT k FROM t)",
    "read twice": f"{SUMS} SELECT c.*, e.n FROM {FEW} e LEFT JOIN c ON c.id = e.n UNION ALL SELECT *, 0 FROM c",
    "read by itself": f"{SUMS} SELECT c.id, d.s FROM {FEW} e LEFT JOIN c ON c.id = e.n FULL JOIN c d ON c.s = d.id",
    "another partition": f"{NUMBERED} {FEW} e LEFT JOIN "
    "(SELECT id, sum(v) OVER (PARTITION BY t) AS s FROM facts) f ON f.id = e.n",
    "a limit": f"{NUMBERED} {FEW} e LEFT JOIN (SELECT id, v AS s FROM facts LIMIT 40000) f ON f.id = e.n",
    "the side that may be missing": f"{NUMBERED} {FEW} e LEFT JOIN (SELECT f.id AS s, o.w FROM facts f "
    "LEFT JOIN other o ON f.k = o.k) f ON f.w IS NOT DISTINCT FROM e.n",
}
UNITS = {"B": 1.0, "kB": 1e3, "MB": 1e6}
NOTE = "only rows that match"


@pytest.fixture(scope="module")
def four(skewed_folder: Path) -> Iterator[shoal.Connection]:
    with cluster(skewed_folder) as connection:
        yield connection


def bytes_read(connection: shoal.Connection, sql: str) -> dict[int, float]:
    """The bytes that each stage has read: of files not those of row groups that the kernel left out."""
    text = "\n".join(row[0] for row in connection.execute(f"EXPLAIN ANALYZE {sql}").fetchall())
    found = re.findall(r"^stage (\d+): .* rows out, ([\d.]+) (B|kB|MB) in", text, re.MULTILINE)
    return {int(stage): float(size) * UNITS[unit] for stage, size, unit in found}


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
    """The keys are below 15; the table is in the order of the key, 2,048 of 40,000 rows in a row group."""
    sql = CHAINS["no partial aggregate"]
    read = {}
    for disabled in ("", "runtime_filters"):
        with cluster(skewed_folder, disabled_rules=f"use_clustering,turn_builds,{disabled}") as connection:
            read[disabled] = bytes_read(connection, sql)
    table = max(read["runtime_filters"], key=lambda stage: read["runtime_filters"][stage] - read[""].get(stage, 0.0))
    assert read[""][table] < 0.3 * read["runtime_filters"][table], read


@pytest.mark.parametrize("strategy", ["broadcast", "partitioned"])
def test_few_keys_prune_row_groups_of_either_kind_of_join(skewed_folder: Path, strategy: str) -> None:
    few = "SELECT f.v, o.w FROM facts f JOIN other o ON f.id = o.w WHERE length((o.k * o.w)::VARCHAR) < 3"
    with cluster(skewed_folder, join_strategy=strategy, disabled_rules="use_clustering") as connection:
        read, whole = (sum(bytes_read(connection, sql).values()) for sql in (few, "SELECT v, id FROM facts"))
        assert read < 0.3 * whole


@pytest.mark.parametrize(
    ("partitions", "disabled"), [("1", ""), ("2", ""), ("3", "runtime_filters"), ("7", "use_clustering")]
)
def test_answers_are_the_same_with_and_without(
    skewed_folder: Path, skewed_truth: duckdb.DuckDBPyConnection, partitions: str, disabled: str
) -> None:
    with cluster(skewed_folder, partitions=partitions, disabled_rules=disabled, join_strategy="auto") as connection:
        for sql in (CHAINS | KEPT).values():
            assert rows_of(connection, sql) == rows_of(skewed_truth, sql), sql
