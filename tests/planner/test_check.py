"""Each invariant of logical plans is noticed when it is broken."""

from dataclasses import replace

import pytest

from shoal.planner.check import check
from shoal.planner.column_ids import LONGEST_ID, RESERVED_NAMES, ColumnIds
from shoal.planner.errors import InvariantViolated
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Apply, ApplyKind, Column, JoinKind, Limit, Node, Query, SetOperation, SetOperator
from tests.planner.small_tables import group, join, project, scan, where

A, B = scan("a"), scan("b")
U = (Column(ColumnId("u"), "INTEGER"),)


def query(root: Node, *outputs: str) -> Query:
    return Query(root, tuple(map(ColumnId, outputs)), outputs, ("INTEGER",) * len(outputs))


@pytest.mark.parametrize(
    ("root", "message"),
    [
        (where(A, "b_x = 1"), "no input delivers"),
        (join(A, B, "a_x = c_x"), "no input delivers"),
        (join(A, B, "a_x = b_x", JoinKind.SEMI), ""),
        (where(join(A, B, "a_x = b_x", JoinKind.SEMI), "b_y = 1"), "no input delivers"),
        (join(A, A), "both sides deliver"),
        (SetOperation(SetOperator.UNION, True, A, project(B, p="b_x"), U), "an input delivers 3 columns"),
        (SetOperation(SetOperator.UNION, True, project(A, u="a_x"), project(B, q="b_x"), U), "defined twice"),
        (replace(group(A, "a_x"), keys=(Column(ColumnId("b_x"), "INTEGER"),)), "not columns of the input"),
        (project(A, p="a_x", P="a_y"), "occur twice"),
        (Apply(ApplyKind.SEMI, A, where(B, "b_x = a_x")), ""),
        (Apply(ApplyKind.SEMI, where(A, "b_x = 1"), B), "no input delivers"),
        (project(A, a_x="a_x"), ""),
        (Limit(A, 1), ""),
    ],
)
def test_malformed_plans_are_refused(root: Node, message: str) -> None:
    if message:
        with pytest.raises(InvariantViolated, match=message):
            check(query(root), after="a test")
    else:
        check(query(root), after="a test")


def test_types_outputs_and_decorrelation() -> None:
    with pytest.raises(InvariantViolated, match="root does not"):
        check(query(A, "b_x"))
    with pytest.raises(InvariantViolated, match="differ in number"):
        check(replace(query(A, "a_x"), names=()))
    with pytest.raises(InvariantViolated, match="after decorrelation"):
        check(query(Apply(ApplyKind.SEMI, A, B)), decorrelated=True)
    untyped = replace(A, columns=tuple(Column(column.id) for column in A.columns))
    with pytest.raises(InvariantViolated, match="without a type"):
        check(query(untyped), typed=True)
    wide = replace(
        project(B, q="b_x"),
        assignments=tuple(
            replace(item, column=Column(ColumnId("q"), "BIGINT")) for item in project(B, q="b_x").assignments
        ),
    )
    with pytest.raises(InvariantViolated, match="types are not"):
        check(query(SetOperation(SetOperator.UNION, True, project(A, p="a_x"), wide, U)))


def test_the_error_says_after_what() -> None:
    with pytest.raises(InvariantViolated, match="after push_filters"):
        check(query(where(A, "b_x = 1")), after="push_filters")


def test_column_ids_are_fresh_readable_and_short() -> None:
    ids = ColumnIds()
    assert [ids.fresh("l_orderkey"), ids.fresh("L_ORDERKEY"), ids.fresh("l_orderkey")] == [
        "l_orderkey",
        "l_orderkey_2",
        "l_orderkey_3",
    ]
    assert ids.fresh("l_orderkey_2") == "l_orderkey_2_2"
    assert ids.fresh("sum(a + b)") == "sum_a_b"
    assert ids.fresh("2024") == "c_2024"
    assert ids.fresh("été") == "t"
    assert ids.fresh("") == "column"
    long = [ids.fresh("x" * 100) for _ in range(12)]
    assert len(set(long)) == 12
    assert max(map(len, long)) <= LONGEST_ID
    assert ids.fresh("filename") not in RESERVED_NAMES


def test_column_ids_are_deterministic() -> None:
    names = ["a", "A", "b", "a", "a_2", ""]
    first, second = ColumnIds(), ColumnIds()
    assert [first.fresh(name) for name in names] == [second.fresh(name) for name in names]
