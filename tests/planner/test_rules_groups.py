"""Rules about limits, distinct rows and groups."""

import pytest

from shoal.planner import logical
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Column, JoinKind, Limit, Node, SetOperator
from shoal.planner.protocols import ColumnStatistics, TableStatistics, WithoutSamples
from shoal.planner.rules.push_limits import push_limits
from shoal.planner.rules.reduce_aggregates import reduce_aggregates
from shoal.planner.rules.remove_distinct import remove_distinct
from shoal.planner.rules.unique_keys import is_unique, unique_keys
from shoal.planner.source import ArrowSource, TableSource
from shoal.planner.tree import find
from tests.planner.small_tables import apply, context, expression, group, join, project, scan, where

A, B = scan("a"), scan("b")
ONE_COLUMN = (Column(ColumnId("u"), "INTEGER"),)


class LargeAndSmall(WithoutSamples):
    """A table of a million rows with 100,000 keys; every other table has 1,000 rows that are keys."""

    def table(self, source: TableSource, columns: frozenset[str]) -> TableStatistics:
        """The same statistics for each column of a table."""
        assert isinstance(source, ArrowSource)
        rows, distinct = (1e6, 1e5) if source.key == "a" else (1e5, 1e5)
        known = ColumnStatistics(0, int(distinct) - 1, 0.0, distinct)
        return TableStatistics(rows, rows * 12, dict.fromkeys(columns, known))


def test_a_limit_passes_projections() -> None:
    after = push_limits(Limit(project(A, p="a_x"), 10, 5), context())
    assert after == project(Limit(A, 10, 5), p="a_x")


def test_a_limit_goes_into_both_sides_of_union_all() -> None:
    union = logical.SetOperation(SetOperator.UNION, True, project(A, p="a_x"), project(B, q="b_x"), ONE_COLUMN)
    after = push_limits(Limit(union, 10, 5), context())
    assert isinstance(after, Limit)
    assert after.count == 10
    assert [item.count for item in find(after.input, Limit)] == [15, 15]
    assert push_limits(after, context()) is not None
    assert len(list(find(push_limits(after, context()), Limit))) == 3


def test_a_limit_goes_to_the_kept_side_of_a_left_join() -> None:
    after = push_limits(Limit(join(A, B, "a_x = b_x", JoinKind.LEFT), 3), context())
    assert next(find(after, logical.Join)).left == Limit(A, 3)


def test_two_limits_become_one() -> None:
    assert push_limits(Limit(Limit(A, 20, 4), 10, 3), context()) == Limit(A, 10, 7)
    assert push_limits(Limit(Limit(A, 5, 4), 10, 3), context()) == Limit(A, 2, 7)
    assert push_limits(Limit(Limit(A, None, 4), None, 3), context()) == Limit(A, None, 7)


@pytest.mark.parametrize("kind", [JoinKind.SEMI, JoinKind.ANTI])
@pytest.mark.parametrize("condition", ["true", "a_x > 1"])
def test_one_row_tells_whether_there_is_any(kind: JoinKind, condition: str) -> None:
    node = join(A, B, condition, kind)
    after = push_limits(node, context())
    assert next(find(after, logical.Join)).right == Limit(B, 1)
    assert push_limits(after, context()) is after
    matched = join(A, B, "a_x = b_x", kind)
    assert push_limits(matched, context()) is matched


@pytest.mark.parametrize(
    "below",
    [
        where(A, "a_x > 1"),
        join(A, B, "a_x = b_x"),
        group(A, "a_x"),
        logical.Sort(A, (logical.SortKey(expression("a_x")),)),
        project(logical.Sort(A, (logical.SortKey(expression("a_x")),)), p="a_x"),
        logical.SetOperation(SetOperator.UNION, False, project(A, p="a_x"), project(B, q="b_x"), ONE_COLUMN),
        logical.SetOperation(SetOperator.EXCEPT, True, project(A, p="a_x"), project(B, q="b_x"), ONE_COLUMN),
        join(A, B, "a_x = b_x", JoinKind.RIGHT),
    ],
)
def test_push_limits_does_not_fire(below: Node) -> None:
    node = Limit(below, 10)
    assert push_limits(node, context()) is node


def test_distinct_over_group_keys_goes() -> None:
    after = apply(remove_distinct, group(group(A, "a_x", n="count(*)"), "a_x", "n"))
    assert isinstance(after, logical.Project)


@pytest.mark.parametrize(
    "node",
    [group(A, "a_x"), group(group(A, "a_x", "a_y"), "a_x"), group(group(A, "a_x"), "a_x", n="count(*)")],
    ids=["unknown", "part of a key", "computes"],
)
def test_remove_distinct_does_not_fire(node: Node) -> None:
    assert remove_distinct(node, context()) is node


@pytest.mark.parametrize(
    ("node", "keys", "unique"),
    [
        (A, "a_x", False),
        (group(A, "a_x", "a_y"), "a_x a_y", True),
        (group(A, "a_x", "a_y"), "a_x", False),
        (group(A, n="count(*)"), "", True),
        (where(group(A, "a_x"), "a_x > 1"), "a_x", True),
        (project(group(A, "a_x"), p="a_x"), "p", True),
        (project(group(A, "a_x"), p="a_x + 1"), "p", False),
        (Limit(A, 1), "", True),
        (join(group(A, "a_x"), group(B, "b_x"), "a_x = b_x"), "a_x", True),
        (join(group(A, "a_x"), B, "a_x = b_x"), "a_x", False),
        (join(group(A, "a_x"), group(B, "b_x"), "a_x < b_x"), "a_x", False),
        (join(group(A, "a_x"), group(B, "b_x"), "a_x < b_x"), "a_x b_x", True),
        (join(group(A, "a_x"), B, "a_x = b_x", JoinKind.SEMI), "a_x", True),
        (join(group(A, "a_x"), group(B, "b_x"), "a_x = b_x", JoinKind.FULL), "a_x b_x", False),
        (join(group(A, "a_x"), group(B, "b_x", "b_y"), "a_x = b_x AND a_x = b_y", JoinKind.LEFT), "a_x", True),
        (join(group(A, "a_x"), group(B, "b_x"), "a_x = a_x + b_x", JoinKind.LEFT), "a_x", False),
    ],
)
def test_uniqueness_is_proved_from_the_plan(node: Node, keys: str, unique: bool) -> None:
    assert is_unique(node, frozenset(map(ColumnId, keys.split()))) is unique


def test_a_scan_has_no_proved_key() -> None:
    assert unique_keys(A) == ()


def restricted(kind: JoinKind = JoinKind.INNER, predicate: str = "b_y = 3") -> Node:
    grouped, table = group(A, "a_x", total="sum(a_y)"), where(B, predicate)
    return join(grouped, table, "a_x = b_x") if kind is JoinKind.INNER else join(table, grouped, "a_x = b_x", kind)


@pytest.mark.parametrize("kind", [JoinKind.INNER, JoinKind.LEFT, JoinKind.SEMI, JoinKind.ANTI])
def test_aggregates_are_reduced_to_the_groups_asked_for(kind: JoinKind) -> None:
    after = apply(reduce_aggregates, restricted(kind), statistics=LargeAndSmall())
    aggregate = next(find(after, logical.Aggregate))
    assert isinstance(aggregate.input, logical.Join)
    assert aggregate.input.kind is JoinKind.SEMI


@pytest.mark.parametrize(
    "node",
    [
        restricted(predicate="b_y > 3"),
        join(group(A, n="count(*)"), where(B, "b_y = 3"), "n = b_x"),
        join(group(A, "a_x"), B, "a_x = b_x"),
        join(group(A, "a_x"), where(B, "b_y = 3"), "a_x < b_x"),
        join(where(B, "b_y = 3"), group(A, "a_x", n="count(*)"), "b_x = n"),
        join(group(A, "a_x"), where(B, "b_y = 3"), "a_x = b_x", JoinKind.LEFT),
    ],
    ids=["keeps most keys", "no keys", "no filter", "no equality", "not a key", "the kept side of a left join"],
)
def test_reduce_aggregates_does_not_fire(node: Node) -> None:
    assert reduce_aggregates(node, context(LargeAndSmall())) is node
