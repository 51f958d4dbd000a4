"""Canonical texts: the same for subplans that deliver the same rows, different for others."""

import pytest

from shoal.planner import logical
from shoal.planner import physical as p
from shoal.planner.cost.as_logical import as_logical
from shoal.planner.cost.canonical import CanonicalPlans
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Column, JoinKind, Node, SetOperator
from shoal.planner.physical import AggregatePhase, ExchangeKind
from shoal.planner.stage import Estimate
from tests.planner.small_tables import expression, group, join, project, scan, where

A, B, C = scan("a"), scan("b"), scan("c")
OTHER_A = scan("a", label="other")
SIZE = Estimate(1.0, 8.0)


def key(node: Node) -> str | None:
    return CanonicalPlans().key(node)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (A, OTHER_A),
        (where(A, "a_x = 1 AND a_y = 2"), where(where(OTHER_A, "other_y = 2"), "other_x = 1")),
        (join(A, B, "a_x = b_x"), join(B, A, "b_x = a_x")),
        (
            join(join(A, B, "a_x = b_x"), C, "b_x = c_x AND a_y < c_y"),
            join(A, join(C, B, "c_x = b_x"), "a_x = c_x AND a_y < c_y"),
        ),
        (join(where(A, "a_x = 1"), B, "a_y = b_y"), where(join(A, B, "a_y = b_y"), "a_x = 1")),
        (
            join(join(A, C, "a_z = c_z", JoinKind.SEMI), B, "a_x = b_x"),
            join(join(B, A, "a_x = b_x"), C, "a_z = c_z", JoinKind.SEMI),
        ),
        (project(where(A, "a_x = 1"), p="a_x + 1"), where(OTHER_A, "other_x = 1")),
        (group(A, "a_x", "a_y", n="sum(a_z)"), group(OTHER_A, "other_y", "other_x")),
        (where(group(A, "a_x", n="sum(a_z)"), "n > 3"), where(group(OTHER_A, "other_x", m="sum(other_z)"), "m > 3")),
        (where(project(A, p="a_x + 1"), "p = 3"), where(project(OTHER_A, q="other_x + 1"), "q = 3")),
        (logical.Sort(A, ()), A),
    ],
)
def test_the_same_rows_have_the_same_key(one: Node, other: Node) -> None:
    assert key(one) is not None
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (A, B),
        (where(A, "a_x = 1"), where(A, "a_x = 2")),
        (where(A, "a_x = 1"), where(A, "a_y = 1")),
        (where(A, "a_x = 1"), A),
        (join(A, B, "a_x = b_x"), join(A, B, "a_x = b_y")),
        (join(A, B, "a_x = b_x"), join(A, B)),
        (join(A, B, "a_x = b_x", JoinKind.SEMI), join(A, B, "a_x = b_x", JoinKind.ANTI)),
        (join(A, B, "a_x = b_x", JoinKind.LEFT), join(B, A, "a_x = b_x", JoinKind.LEFT)),
        (join(A, OTHER_A, "a_x = other_x AND a_y = 1"), join(A, A, "a_x = a_x")),
        (group(A, "a_x"), group(A, "a_y")),
        (where(group(A, "a_x", n="sum(a_z)"), "n > 3"), where(group(A, "a_x", n="max(a_z)"), "n > 3")),
        (logical.Limit(A, 3), logical.Limit(A, 4)),
        (scan("a", rows=10), scan("e", rows=10)),
    ],
)
def test_other_rows_have_another_key(one: Node, other: Node) -> None:
    assert key(one) != key(other)


@pytest.mark.parametrize(
    "node",
    [
        where(A, "random() < a_x"),
        project(A, p="random()"),
        logical.Values((Column(ColumnId("v"), "INTEGER"),), ((expression("1"),),)),
        join(A, where(B, "random() < b_x"), "a_x = b_x"),
    ],
)
def test_what_may_differ_from_run_to_run_has_no_key(node: Node) -> None:
    assert key(node) is None


def test_set_operations_go_by_position() -> None:
    out = (Column(ColumnId("u"), "INTEGER"),)
    first = logical.SetOperation(SetOperator.UNION, True, project(A, p="a_x"), project(B, q="b_x"), out)
    second = logical.SetOperation(SetOperator.UNION, True, project(OTHER_A, p="other_x"), project(B, q="b_x"), out)
    third = logical.SetOperation(SetOperator.UNION, True, project(A, p="a_y"), project(B, q="b_x"), out)
    assert key(first) == key(second) != key(third)


def test_two_halves_of_an_aggregate_are_one() -> None:
    node = group(A, "a_x", n="sum(a_z)")
    below = p.TableScan(A, True, SIZE)
    partial = p.HashAggregate(below, node.keys, node.assignments, AggregatePhase.PARTIAL, SIZE)
    moved = p.Exchange(partial, ExchangeKind.HASH, SIZE, (ColumnId("a_x"),), ("INTEGER",))
    final = p.HashAggregate(moved, node.keys, node.assignments, AggregatePhase.FINAL, SIZE)
    assert as_logical(final) == node
    assert as_logical(partial) is None
    assert as_logical(p.LimitRows(final, 3, 0, SIZE)) is None
    assert as_logical(p.Filter(partial, expression("a_x = 1"), SIZE)) is None
