"""Fragments' kernel SQL: the kernel keeps the order of joins and build sides, and turned joins mean the same."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from shoal.executor.kernel import WRITTEN_ORDER
from shoal.planner import physical as p
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Assignment, Column, JoinKind, Scan, SortKey, Values
from shoal.planner.lower import Lowering, finished, partition_expression
from shoal.planner.physical import (
    ExchangeKind,
    HashJoin,
    JoinStrategy,
    LimitRows,
    PhysicalNode,
    Project,
    SortRows,
    TableScan,
)
from shoal.planner.scalar import column_ref
from shoal.planner.source import ArrowSource, Field
from shoal.planner.stage import Estimate

SIZE = Estimate(1.0, 8.0)
ROWS = {"big": 20_000, "mid": 2_000, "tiny": 20}


@pytest.fixture
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for name, rows in ROWS.items():
            connection.execute(
                f"CREATE TABLE {name} AS SELECT CASE WHEN i % 9 > 0 THEN i % 50 END AS k, i AS v "
                f"FROM range({rows}) AS r(i)"
            )
        yield connection


def scan(table: str) -> TableScan:
    fields = (Field("k", "BIGINT"), Field("v", "BIGINT"))
    columns = tuple(Column(ColumnId(f"{table}_{field.name}"), field.type) for field in fields)
    return TableScan(Scan(ArrowSource(table, fields, 1, 8), columns, ("k", "v"), table), False, SIZE)


def condition(text: str) -> exp.Expression:
    return sqlglot.parse_one(text, dialect="duckdb")


def join(
    kind: JoinKind, left: PhysicalNode, right: PhysicalNode, text: str | None, *, build_left: bool = False
) -> HashJoin:
    on = condition(text) if text is not None else None
    return HashJoin(kind, left, right, on, JoinStrategy.LOCAL, build_left, "", SIZE)


def names(node: PhysicalNode) -> dict[int, str]:
    found = {id(node): node.scan.alias} if isinstance(node, TableScan) else {}
    for child in p.children(node):
        found |= names(child)
    return found


def lowered(node: PhysicalNode) -> str:
    return finished(Lowering(names(node)).select(node).text())


def join_tree(plan: dict[str, Any]) -> Any:
    """Tables and joins of a kernel plan: a table's name, or (probe side, build side)."""
    inputs = [tree for child in plan["children"] if (tree := join_tree(child)) is not None]
    if "JOIN" in plan["name"] or "CROSS_PRODUCT" in plan["name"]:
        return tuple(inputs)
    if plan["name"].strip() in ("SEQ_SCAN", "TABLE_SCAN"):
        return str(plan["extra_info"]["Table"]).rsplit(".", 1)[-1]
    return inputs[0] if inputs else None


def kernel_tree(duck: duckdb.DuckDBPyConnection, sql: str) -> Any:
    text = duck.execute(f"EXPLAIN (FORMAT json) {sql}").fetchall()[0][1]
    return join_tree(json.loads(text)[0])


def inner(left: PhysicalNode, right: PhysicalNode, text: str, *, build_left: bool = False) -> HashJoin:
    return join(JoinKind.INNER, left, right, text, build_left=build_left)


BIG_MID, MID_BIG = (inner(scan(one), scan(other), "big_k = mid_k") for one, other in (("big", "mid"), ("mid", "big")))
TREES = [
    (inner(scan("tiny"), scan("big"), "tiny_k = big_k"), ("tiny", "big")),
    (inner(scan("big"), scan("tiny"), "tiny_k = big_k"), ("big", "tiny")),
    (inner(scan("big"), scan("tiny"), "tiny_k = big_k", build_left=True), ("tiny", "big")),
    (inner(BIG_MID, scan("tiny"), "mid_v = tiny_v"), (("big", "mid"), "tiny")),
    (inner(scan("tiny"), MID_BIG, "mid_v = tiny_v"), ("tiny", ("mid", "big"))),
    (inner(MID_BIG, scan("tiny"), "big_v = tiny_v"), (("mid", "big"), "tiny")),
]


@pytest.mark.parametrize(("node", "expected"), TREES)
def test_the_kernel_keeps_the_order_of_joins_and_their_build_sides(
    duck: duckdb.DuckDBPyConnection, node: PhysicalNode, expected: object
) -> None:
    duck.execute(f"SET disabled_optimizers = '{WRITTEN_ORDER}'")
    assert kernel_tree(duck, lowered(node)) == expected


def test_with_its_optimizers_the_kernel_would_choose_by_itself(duck: duckdb.DuckDBPyConnection) -> None:
    """Otherwise the test above could not fail."""
    assert any(kernel_tree(duck, lowered(node)) != expected for node, expected in TREES)


@pytest.mark.parametrize("text", ["tiny_k = mid_k", "tiny_k = mid_k AND tiny_v < mid_v", "tiny_v < mid_k", None])
@pytest.mark.parametrize("kind", list(JoinKind))
@pytest.mark.parametrize("empty", [False, True])
def test_a_turned_join_gives_the_same_rows(
    duck: duckdb.DuckDBPyConnection, kind: JoinKind, text: str | None, empty: bool
) -> None:
    if empty:
        duck.execute("DELETE FROM mid")
    texts = [lowered(join(kind, scan("tiny"), scan("mid"), text, build_left=turned)) for turned in (False, True)]
    written, turned = (Counter(duck.execute(f"SELECT * FROM ({sql})").fetchall()) for sql in texts)
    assert turned == written


def test_doubled_rows_stay_doubled_in_a_turned_semi_join(duck: duckdb.DuckDBPyConnection) -> None:
    duck.execute("INSERT INTO tiny SELECT * FROM tiny")
    sql = lowered(join(JoinKind.SEMI, scan("tiny"), scan("mid"), "tiny_k = mid_k", build_left=True))
    expected = "SELECT count(*) FROM tiny WHERE k IN (SELECT k FROM mid)"
    assert duck.execute(f"SELECT count(*) FROM ({sql})").fetchall() == duck.execute(expected).fetchall()


def test_a_semi_join_without_columns_counts_rows(duck: duckdb.DuckDBPyConnection) -> None:
    semi = join(JoinKind.SEMI, scan("tiny"), scan("mid"), "tiny_k = mid_k", build_left=True)
    sql = lowered(Project(semi, (), SIZE))
    assert duck.execute(f"SELECT count(*) FROM ({sql})").fetchall() == [(17,)]


def test_a_sort_and_a_limit_are_one_select(duck: duckdb.DuckDBPyConnection) -> None:
    keys = (SortKey(column_ref(ColumnId("tiny_v")), descending=True, nulls_first=False),)
    sql = lowered(LimitRows(SortRows(scan("tiny"), keys, SIZE), 3, 1, SIZE))
    assert duck.execute(f"SELECT tiny_v FROM ({sql})").fetchall() == [(18,), (17,), (16,)]
    assert sql.count("SELECT") == 1


def test_a_sort_over_a_limit_does_not_sort_before_the_cut(duck: duckdb.DuckDBPyConnection) -> None:
    keys = [(SortKey(column_ref(ColumnId("tiny_v")), descending=down, nulls_first=False),) for down in (True, False)]
    cut = LimitRows(SortRows(scan("tiny"), keys[0], SIZE), 3, 0, SIZE)
    sql = lowered(SortRows(cut, keys[1], SIZE))
    assert duck.execute(f"SELECT tiny_v FROM ({sql})").fetchall() == [(17,), (18,), (19,)]


def test_literals_with_line_ends_are_not_indented(duck: duckdb.DuckDBPyConnection) -> None:
    text = "first\n  second 'quoted'\n"
    values = p.Literals(Values((Column(ColumnId("t"), "VARCHAR"),), ((exp.Literal.string(text),),)), SIZE)
    twice = Project(Project(values, (Assignment(Column(ColumnId("u"), "VARCHAR"), condition("t || ''")),), SIZE),
                    (Assignment(Column(ColumnId("w"), "VARCHAR"), condition("u || 'a\nb'")),), SIZE)  # fmt: skip
    assert duck.execute(lowered(twice)).fetchall() == [(f"{text}a\nb",)]


@pytest.mark.parametrize("partitions", [1, 2, 7, 200])
def test_partition_numbers_are_all_there_and_never_null(duck: duckdb.DuckDBPyConnection, partitions: int) -> None:
    exchange = p.Exchange(scan("mid"), ExchangeKind.HASH, SIZE, (ColumnId("k"), ColumnId("v")), ("BIGINT", "BIGINT"))
    number = partition_expression(exchange, partitions)
    found = {row[0] for row in duck.execute(f"SELECT DISTINCT {number} FROM mid").fetchall()}
    assert found == set(range(partitions))


def test_equal_keys_of_two_types_go_to_the_same_partition(duck: duckdb.DuckDBPyConnection) -> None:
    numbers = []
    for type in ("SMALLINT", "BIGINT", "INTEGER"):
        exchange = p.Exchange(scan("mid"), ExchangeKind.HASH, SIZE, (ColumnId("k"),), ("BIGINT",))
        sql = f"SELECT {partition_expression(exchange, 5)} FROM (SELECT CAST(i AS {type}) AS k FROM range(100) AS r(i))"
        numbers.append(duck.execute(sql).fetchall())
    assert numbers[0] == numbers[1] == numbers[2]


def test_a_null_key_is_in_the_first_range(duck: duckdb.DuckDBPyConnection) -> None:
    exchange = p.Exchange(scan("mid"), ExchangeKind.HASH, SIZE, (ColumnId("k"),), ("BIGINT",), ("10", "20"))
    number = partition_expression(exchange, 3)
    rows = duck.execute(f"SELECT k, {number} FROM (VALUES (NULL), (9), (10), (19), (20), (99)) AS t(k)").fetchall()
    assert [row[1] for row in rows] == [0, 0, 1, 1, 2, 2]
