"""Rules about columns and projections: pruning, merging, narrowing."""

import pytest

from shoal.planner import logical
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Column, JoinKind, Node, SetOperator, schema
from shoal.planner.rules.merge_projects import merge_projects
from shoal.planner.rules.narrow_rows import narrow_rows
from shoal.planner.rules.prune_columns import prune_columns
from shoal.planner.tree import find
from tests.planner.small_tables import apply, context, expression, group, join, predicates, project, scan, where

A, B = scan("a"), scan("b")


def scanned(node: Node) -> list[list[str]]:
    """The columns of each scan."""
    return [[str(column.id) for column in item.columns] for item in find(node, logical.Scan)]


def union(left: Node, right: Node, operator: SetOperator = SetOperator.UNION, everything: bool = True) -> Node:
    names = (Column(ColumnId("u"), "INTEGER"), Column(ColumnId("v"), "INTEGER"))
    return logical.SetOperation(operator, everything, left, right, names)


def test_scans_keep_what_is_needed_above() -> None:
    node = project(where(join(A, B, "a_x = b_x"), "a_y > 1"), p="b_z")
    assert scanned(apply(prune_columns, node)) == [["a_x", "a_y"], ["b_x", "b_z"]]


def test_a_count_keeps_the_narrowest_column() -> None:
    assert scanned(apply(prune_columns, group(A, n="count(*)"))) == [["a_x"]]


def test_unused_aggregates_windows_and_projections_go() -> None:
    call = expression("row_number() OVER (PARTITION BY a_z ORDER BY a_x, a_y)")
    window = logical.Window(A, (logical.Assignment(Column(ColumnId("n"), "BIGINT"), call),))
    node = group(project(window, p="a_x", q="a_y", r="n"), "p", s="sum(q)", t="max(r)")
    after = apply(prune_columns, node, ["p", "s"])
    assert next(find(after, logical.Window), None) is None
    assert scanned(after) == [["a_x", "a_y"]]
    assert [column.id for column in schema(after)] == ["p", "s"]


def test_union_all_loses_columns_on_both_sides() -> None:
    node = union(project(A, p="a_x", q="a_y"), project(B, r="b_x", s="b_z"))
    after = apply(prune_columns, node, ["v"])
    assert scanned(after) == [["a_y"], ["b_z"]]
    assert [column.id for column in schema(after)] == ["v"]


@pytest.mark.parametrize(
    ("operator", "everything"),
    [(SetOperator.UNION, False), (SetOperator.EXCEPT, True), (SetOperator.INTERSECT, False)],
)
def test_set_operations_over_whole_rows_keep_their_columns(operator: SetOperator, everything: bool) -> None:
    node = union(project(A, p="a_x", q="a_y"), project(B, r="b_x", s="b_z"), operator, everything)
    after = apply(prune_columns, node, ["v"])
    assert scanned(after) == [["a_x", "a_y"], ["b_x", "b_z"]]


def test_a_side_of_a_set_operation_delivers_exactly_its_columns() -> None:
    node = union(project(A, p="a_x", q="a_y"), where(project(B, r="b_x", s="b_z"), "r > 1"))
    after = apply(prune_columns, node, ["v"])
    assert isinstance(after, logical.SetOperation)
    assert [column.id for column in schema(after.right)] == ["s"]


def test_group_keys_stay_when_nobody_reads_them() -> None:
    after = apply(prune_columns, group(A, "a_x", "a_y", n="count(*)"), ["n"])
    assert scanned(after) == [["a_x", "a_y"]]


@pytest.mark.parametrize("kind", list(JoinKind))
def test_pruning_below_every_kind_of_join(kind: JoinKind) -> None:
    assert scanned(apply(prune_columns, join(A, B, "a_x = b_x", kind), ["a_y"])) == [["a_x", "a_y"], ["b_x"]]


def test_correlated_columns_are_needed() -> None:
    mark = Column(ColumnId("m"), "BOOLEAN")
    node = logical.Apply(logical.ApplyKind.EXISTS, A, where(B, "b_x = a_x"), mark)
    after = prune_columns(node, context(outputs=["a_y", "m"]))
    assert scanned(after) == [["a_x", "a_y"], ["b_x"]]
    assert scanned(prune_columns(node, context(outputs=["a_y"]))) == [["a_y"]]


def test_pruning_what_is_pruned_changes_nothing() -> None:
    after = apply(prune_columns, project(where(A, "a_y > 1"), p="a_x"))
    assert prune_columns(after, context(outputs=["p"])) is after


def test_two_projections_become_one() -> None:
    after = apply(merge_projects, project(project(A, p="a_x + 1", q="a_y"), r="p * 2", s="q"))
    assert predicates(after) == ["(a_x + 1) * 2", "a_y"]


def test_projections_that_pass_on_go_from_between_joins() -> None:
    passing = project(join(A, B, "a_x = b_x"), a_x="a_x", b_y="b_y")
    after = apply(merge_projects, join(passing, scan("c"), "b_y = c_y"), ["a_x", "c_z"])
    assert next(find(after, logical.Project), None) is None


@pytest.mark.parametrize(
    "node",
    [
        project(project(A, p="a_x + 1"), q="p * p"),
        project(project(A, p="random()"), q="p"),
        union(project(A, a_y="a_y", a_x="a_x"), project(B, b_x="b_x", b_y="b_y")),
        logical.Limit(project(A, a_x="a_x"), 3),
        project(project(A, p="CAST(NULL AS DATE)"), q="extract(dow FROM p)"),
        project(project(A, p="CAST(NULL AS DATE)"), q="date_part('dow', (p)::TIMESTAMP)"),
    ],
    ids=["computed twice", "volatile", "set operation", "limit", "part of NULL", "part of NULL by name"],
)
def test_merge_projects_does_not_fire(node: Node) -> None:
    expected = len(list(find(node, logical.Project)))
    if isinstance(node, logical.Project) and "random" in predicates(node)[1]:
        assert predicates(merge_projects(node, context()))[0] == "RANDOM()"
    else:
        assert merge_projects(node, context()) is node
        assert len(list(find(node, logical.Project))) == expected


def test_set_operations_see_their_columns_where_they_were() -> None:
    passing = project(scan("c"), c_y="c_y", c_x="c_x")
    left = where(join(project(A, a_y="a_y"), project(B, b_x="b_x"), "a_y < b_x"), "a_y > 1")
    after = apply(merge_projects, union(left, where(passing, "c_x > 2")))
    assert isinstance(after, logical.SetOperation)
    assert [[column.id for column in schema(side)] for side in (after.left, after.right)] == [
        ["a_y", "b_x"],
        ["c_y", "c_x"],
    ]


def test_rows_are_narrowed_where_they_are_kept() -> None:
    node = project(join(where(A, "a_y > 1"), B, "a_x = b_x"), p="b_y")
    after = apply(narrow_rows, node)
    narrowed = [item for item in find(after, logical.Project) if isinstance(item.input, logical.Filter)]
    assert [column.id for column in schema(narrowed[0])] == ["a_x"]


@pytest.mark.parametrize(
    "node",
    [project(where(A, "a_y > 1"), p="a_x"), group(A, "a_x", n="count(*)"), where(join(A, B, "a_x = b_x"), "a_y = b_y")],
    ids=["below a projection", "above a scan", "below a filter"],
)
def test_narrow_rows_does_not_fire(node: Node) -> None:
    assert narrow_rows(node, context(outputs=[column.id for column in schema(node)])) is node
