"""Rules about right joins, and left joins that are not needed."""

import pytest

from shoal.planner import logical
from shoal.planner.explain import render_text
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Column, Join, JoinKind, Node, SetOperator, schema
from shoal.planner.options import Distribute, PlanOptions
from shoal.planner.rules.remove_left_joins import remove_left_joins
from shoal.planner.rules.turn_right_joins import turn_right_joins
from shoal.planner.tree import find
from tests.planner.small_tables import apply, context, group, join, project, scan, where
from tests.planner.tpch_planning import EmptyKernel, InjectedTables, plan

A, B, C = scan("a"), scan("b"), scan("c")
GROUPS = group(B, "b_x", b_total="sum(b_y)")


def test_a_right_join_becomes_a_left_join() -> None:
    after = apply(turn_right_joins, join(A, B, "a_x = b_x", JoinKind.RIGHT))
    assert after == join(B, A, "a_x = b_x", JoinKind.LEFT)


def test_right_joins_below_others_are_turned() -> None:
    node = join(join(A, B, "a_x = b_x", JoinKind.RIGHT), C, "b_y = c_y", JoinKind.RIGHT)
    after = apply(turn_right_joins, node)
    assert {item.kind for item in find(after, Join)} == {JoinKind.LEFT}


def test_set_operations_keep_the_order_of_their_columns() -> None:
    turned = join(A, B, "a_x = b_x", JoinKind.RIGHT)
    other = join(scan("c"), scan("d"), "c_x = d_x")
    columns = tuple(Column(ColumnId(f"u{index}"), "INTEGER") for index in range(6))
    node = logical.SetOperation(SetOperator.UNION, True, turned, other, columns)
    after = apply(turn_right_joins, node)
    assert isinstance(after, logical.SetOperation)
    assert schema(after.left) == schema(turned)


@pytest.mark.parametrize("kind", [kind for kind in JoinKind if kind is not JoinKind.RIGHT])
def test_other_joins_are_not_turned(kind: JoinKind) -> None:
    node = join(A, B, "a_x = b_x", kind)
    assert turn_right_joins(node, context()) is node


@pytest.mark.parametrize(
    "right",
    [
        GROUPS,
        where(GROUPS, "b_total > 3"),
        project(GROUPS, b_x="b_x", p="b_total + 1"),
    ],
)
def test_an_unused_left_join_on_a_key_goes(right: Node) -> None:
    node = project(join(A, right, "a_x = b_x", JoinKind.LEFT), p="a_y")
    assert apply(remove_left_joins, node) == project(A, p="a_y")


def test_left_joins_on_left_joins_go() -> None:
    groups = group(C, "c_x", c_total="sum(c_y)")
    both = join(join(A, GROUPS, "a_x = b_x", JoinKind.LEFT), groups, "a_z = c_x", JoinKind.LEFT)
    assert apply(remove_left_joins, project(both, p="a_y")) == project(A, p="a_y")


def test_a_left_join_of_a_single_row_goes() -> None:
    one = group(B, b_total="sum(b_y)")
    node = project(join(A, one, "", JoinKind.LEFT), p="a_y")
    assert apply(remove_left_joins, node) == project(A, p="a_y")


@pytest.mark.parametrize(
    "node",
    [
        project(join(A, GROUPS, "a_x = b_x", JoinKind.LEFT), p="a_y", q="b_total"),
        project(where(join(A, GROUPS, "a_x = b_x", JoinKind.LEFT), "b_total IS NULL"), p="a_y"),
        project(join(A, B, "a_x = b_x", JoinKind.LEFT), p="a_y"),
        project(join(A, group(B, "b_x", "b_y"), "a_x = b_x", JoinKind.LEFT), p="a_y"),
        project(join(A, GROUPS, "a_x < b_x", JoinKind.LEFT), p="a_y"),
        project(join(A, GROUPS, "a_x = b_x", JoinKind.INNER), p="a_y"),
        project(join(A, GROUPS, "a_x = b_x AND random() < 0.5", JoinKind.LEFT), p="a_y"),
        project(join(A, project(GROUPS, b_x="b_x", p="error('two rows')"), "a_x = b_x", JoinKind.LEFT), p="a_y"),
    ],
)
def test_left_joins_that_are_needed_stay(node: Node) -> None:
    assert remove_left_joins(node, context(outputs=["p"])) is node


def test_a_key_of_another_type_is_none() -> None:
    keys = tuple(Column(column.id, "VARCHAR") for column in GROUPS.keys)
    node = project(
        join(A, logical.Aggregate(GROUPS.input, keys, GROUPS.assignments), "a_x = b_x", JoinKind.LEFT), p="a_y"
    )
    assert remove_left_joins(node, context(outputs=["p"])) is node


@pytest.mark.parametrize(
    ("rule", "sql", "word", "shown"),
    [
        (
            "remove_left_joins",
            "SELECT n_name FROM nation LEFT JOIN (SELECT s_nationkey AS k FROM supplier GROUP BY 1) ON k = n_nationkey",
            "Join left",
            False,
        ),
        ("turn_right_joins", "SELECT * FROM nation RIGHT JOIN region ON n_regionkey = r_regionkey", "Join left", True),
        (
            "order_joins",
            "SELECT * FROM nation, orders, customer WHERE n_nationkey = c_nationkey AND o_custkey = c_custkey",
            "3,750,000,000 rows",
            False,
        ),
    ],
)
def test_explain_shows_what_a_rule_does_and_that_it_can_be_disabled(
    rule: str, sql: str, word: str, shown: bool
) -> None:
    tables = InjectedTables()
    texts = []
    for disabled in (frozenset[str](), frozenset({rule})):
        options = PlanOptions(executors=2, distribute=Distribute.ALWAYS, disabled_rules=disabled)
        texts.append(render_text(plan(sql, options, tables, EmptyKernel(tables.tables))))
    assert texts[0] != texts[1]
    assert [word in text for text in texts] == [shown, not shown]
