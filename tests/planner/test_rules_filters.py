"""Rules about predicates: simplifying, deriving, pushing and inferring them."""

import pytest

from shoal.planner import logical
from shoal.planner.logical import JoinKind, Node, SetOperator
from shoal.planner.null_rejection import rejects_nulls
from shoal.planner.rules.derive_group_filters import derive_group_filters
from shoal.planner.rules.derive_side_filters import derive_side_filters
from shoal.planner.rules.infer_predicates import infer_predicates
from shoal.planner.rules.push_filters import push_filters
from shoal.planner.rules.simplify_predicates import simplify, simplify_predicates
from shoal.planner.tree import find
from tests.planner.small_tables import apply, context, expression, group, join, predicates, project, scan, where

A, B, C = scan("a"), scan("b"), scan("c")


def columns(*names: str) -> frozenset[logical.ColumnId]:
    return frozenset(logical.ColumnId(name) for name in names)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("(a_x = 1 AND a_y = 2) OR (a_x = 1 AND a_z = 3)", "a_x = 1 AND (a_y = 2 OR a_z = 3)"),
        ("(a_x = 1 AND a_y = 2) OR a_x = 1", "a_x = 1"),
        ("NOT (a_x = 1 OR a_y < 2)", "a_x <> 1 AND a_y >= 2"),
        ("NOT NOT a_x = 1", "a_x = 1"),
        ("TRUE AND a_x = 1", "a_x = 1"),
        ("a_x = 1 AND 1 = 2", "FALSE"),
        ("a_x = 1 OR 2 > 1", "TRUE"),
        ("('s' = 's' AND a_x = 1) OR ('s' = 'c' AND a_x = 2) OR ('s' <> 'c' AND a_x = 3)", "a_x = 1 OR a_x = 3"),
        ("a_x = 1 AND NULL", "FALSE"),
        ("a_x = 1 AND a_x = 1", "a_x = 1"),
        ("NOT (a_x = 1 AND a_y = 2)", "a_x <> 1 OR a_y <> 2"),
        ("NOT a_x IN (1, 2)", "NOT (a_x IN (1, 2))"),
    ],
)
def test_simplify(before: str, after: str) -> None:
    assert simplify(expression(before)).sql("duckdb").replace('"', "") == after
    apply(simplify_predicates, where(A, before))


@pytest.mark.parametrize(
    "text",
    [
        "random() > 0.5 AND random() > 0.5",
        "a_x = 1",
        "a_x = 1 OR a_y = 2",
        "1.0 = 1",
        "a_x LIKE 'b%'",
        "'a' < 'b'",
        "'1' = 1",
    ],
)
def test_simplify_does_not_fire(text: str) -> None:
    node = where(A, text)
    assert simplify_predicates(node, context()) is node


def test_simplify_drops_a_true_filter() -> None:
    assert simplify_predicates(where(A, "1 = 1"), context()) is A


def test_group_filters_are_derived_from_a_disjunction() -> None:
    node = where(group(A, "a_x", "a_y", total="sum(a_z)"), "(a_x = 1 AND total > 0) OR (a_x = 2 AND a_y = 3)")
    after = apply(derive_group_filters, node)
    assert predicates(after)[0].endswith(" AND (a_x = 1 OR (a_x = 2 AND a_y = 3))")
    assert "a_x = 1 OR (a_x = 2 AND a_y = 3)" in predicates(apply(push_filters, after))


@pytest.mark.parametrize(
    "term",
    [
        "a_x = 1 OR total > 0",
        "a_x = 1 OR a_y = 2",
        "a_x = 1 AND total > 0",
        "(a_x = 1 AND random() > total) OR a_x = 2",
    ],
)
def test_group_filters_are_not_derived(term: str) -> None:
    node = where(group(A, "a_x", "a_y", total="sum(a_z)"), term)
    assert derive_group_filters(node, context()) is node


def test_side_filters_are_derived_from_a_disjunction() -> None:
    term = "(a_x = 1 AND b_x = 2) OR (a_x = 2 AND b_x = 1)"
    after = apply(derive_side_filters, where(join(A, B), term))
    assert predicates(after) == [f"({term}) AND (a_x = 1 OR a_x = 2) AND (b_x = 2 OR b_x = 1)"]


@pytest.mark.parametrize(
    "text", ["(a_x = 1 AND b_x = 2) OR c_x = 1", "a_x = 1 OR a_x = 2", "(a_x = 1 AND b_x = 2) OR (a_y = random())"]
)
def test_side_filters_are_not_derived(text: str) -> None:
    node = where(join(join(A, B), C), text)
    assert not any("OR a_x" in item and "AND (" in item for item in predicates(derive_side_filters(node, context())))


def test_side_filters_stay_out_of_the_kept_side_of_a_left_join() -> None:
    node = join(A, B, "(a_x = 1 AND b_x = 2) OR (a_x = 2 AND b_x = 1)", JoinKind.LEFT)
    after = apply(derive_side_filters, node)
    assert predicates(after)[0].endswith("AND (b_x = 2 OR b_x = 1)")


def test_a_cross_join_and_a_filter_become_an_inner_join() -> None:
    after = apply(push_filters, where(join(A, B), "a_x = b_x AND a_y > 1 AND b_y < 5"))
    assert isinstance(after, logical.Join)
    assert predicates(after) == ["a_x = b_x", "a_y > 1", "b_y < 5"]


def test_filters_pass_projections_aggregates_and_sorts() -> None:
    inner = group(project(A, k="a_x + 1", v="a_y"), "k", total="sum(v)")
    after = apply(push_filters, where(inner, "k = 2 AND total > 3"))
    assert predicates(after)[0] == "total > 3"
    assert "(a_x + 1) = 2" in predicates(after)


def test_filters_pass_set_operations() -> None:
    columns_ = (logical.Column(logical.ColumnId("u"), "INTEGER"),)
    sides = project(A, p="a_x"), project(B, q="b_x")
    for operator in SetOperator:
        for everything in (True, False):
            node = logical.SetOperation(operator, everything, *sides, columns_)
            after = apply(push_filters, where(node, "u > 1"))
            assert isinstance(after, logical.SetOperation)
            assert {"a_x > 1", "b_x > 1"} <= set(predicates(after))


@pytest.mark.parametrize(
    ("kind", "predicate", "result"),
    [
        (JoinKind.LEFT, "b_y > 1", JoinKind.INNER),
        (JoinKind.LEFT, "b_y IS NULL", JoinKind.LEFT),
        (JoinKind.LEFT, "coalesce(b_y, 2) > 1", JoinKind.LEFT),
        (JoinKind.LEFT, "b_y > 1 OR a_y > 1", JoinKind.LEFT),
        (JoinKind.RIGHT, "a_y > 1", JoinKind.INNER),
        (JoinKind.RIGHT, "b_y > 1", JoinKind.RIGHT),
        (JoinKind.FULL, "a_y > 1", JoinKind.LEFT),
        (JoinKind.FULL, "b_y > 1", JoinKind.RIGHT),
        (JoinKind.FULL, "a_y > b_y", JoinKind.INNER),
        (JoinKind.FULL, "a_y IS NOT NULL", JoinKind.LEFT),
    ],
)
def test_outer_joins_are_strengthened_by_null_rejecting_filters(
    kind: JoinKind, predicate: str, result: JoinKind
) -> None:
    after = apply(push_filters, where(join(A, B, "a_x = b_x", kind), predicate))
    assert next(find(after, logical.Join)).kind is result


def test_an_inner_join_strengthens_the_outer_join_below_it() -> None:
    after = apply(push_filters, join(join(A, B, "a_x = b_x", JoinKind.LEFT), C, "b_y = c_y"))
    assert [item.kind for item in find(after, logical.Join)] == [JoinKind.INNER, JoinKind.INNER]


@pytest.mark.parametrize("kind", list(JoinKind))
def test_one_sided_conditions_go_only_where_unmatched_rows_do_not_matter(kind: JoinKind) -> None:
    after = apply(push_filters, join(A, B, "a_x = b_x AND a_y > 2 AND b_y > 3", kind))
    assert isinstance(after, logical.Join)
    pushed_left, pushed_right = (isinstance(side, logical.Filter) for side in (after.left, after.right))
    assert pushed_left is (kind in (JoinKind.INNER, JoinKind.RIGHT, JoinKind.SEMI))
    assert pushed_right is (kind in (JoinKind.INNER, JoinKind.LEFT, JoinKind.SEMI, JoinKind.ANTI))


@pytest.mark.parametrize("kind", list(JoinKind))
def test_filters_above_joins_keep_the_rows(kind: JoinKind) -> None:
    visible = "a_y > 2 AND a_z < 3" if kind in (JoinKind.SEMI, JoinKind.ANTI) else "a_y > 2 AND b_z < 3"
    apply(push_filters, where(join(A, B, "a_x = b_x", kind), visible))


@pytest.mark.parametrize(
    "node",
    [
        where(logical.Limit(A, 3), "a_x > 1"),
        where(group(A, n="count(*)"), "n > 1000"),
        where(project(A, r="random()"), "r > 0.5"),
        where(A, "random() > 0.5"),
        where(join(A, B, "a_x = b_x", JoinKind.LEFT), "b_x IS NULL"),
        where(join(A, B, "a_x = b_x", JoinKind.INNER), "random() > a_x"),
    ],
    ids=["limit", "no keys", "volatile column", "volatile", "null-supplying side", "volatile above a join"],
)
def test_push_filters_does_not_fire(node: Node) -> None:
    assert push_filters(node, context()) is node


def test_windows_let_filters_on_partition_keys_through_only() -> None:
    call = expression("row_number() OVER (PARTITION BY a_z ORDER BY a_x, a_y)")
    window = logical.Window(A, (logical.Assignment(logical.Column(logical.ColumnId("n"), "BIGINT"), call),))
    after = apply(push_filters, where(window, "a_z = 1 AND a_x = 2 AND n < 4"))
    assert predicates(after)[0] == "a_x = 2 AND n < 4"
    assert predicates(after)[-1] == "a_z = 1"


def test_constants_travel_over_equalities() -> None:
    node = join(join(where(A, "a_x = 2"), B, "a_x = b_x"), C, "b_x = c_x")
    assert predicates(apply(infer_predicates, node)) == ["b_x = c_x", "a_x = b_x", "a_x = 2", "b_x = 2", "c_x = 2"]


@pytest.mark.parametrize(("kind", "expected"), [(JoinKind.LEFT, True), (JoinKind.ANTI, True), (JoinKind.SEMI, True)])
def test_constants_travel_to_the_right_of_dependent_joins(kind: JoinKind, expected: bool) -> None:
    after = apply(infer_predicates, join(where(A, "a_x BETWEEN 1 AND 3"), B, "a_x = b_x", kind))
    assert ("b_x BETWEEN 1 AND 3" in predicates(after)) is expected


@pytest.mark.parametrize("kind", [JoinKind.LEFT, JoinKind.ANTI, JoinKind.FULL, JoinKind.RIGHT])
def test_constants_do_not_travel_to_rows_that_stay_anyway(kind: JoinKind) -> None:
    node = join(A, where(B, "b_x = 2"), "a_x = b_x", kind)
    assert apply(infer_predicates, node) is node


def test_nothing_is_inferred_from_terms_over_two_columns() -> None:
    node = join(where(A, "a_x = a_y"), B, "a_x < b_x")
    assert infer_predicates(node, context()) is node


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        ("b_x = 1", True),
        ("b_x + 1 > a_x", True),
        ("NOT b_x = 1", True),
        ("b_x IS NOT NULL", True),
        ("b_x IN (1, 2)", True),
        ("b_x = 1 AND a_x = 2", True),
        ("b_x = 1 OR b_y = 2", True),
        ("b_x = 1 OR a_x = 2", False),
        ("b_x IS NULL", False),
        ("coalesce(b_x, 1) = 1", False),
        ("CASE WHEN b_x IS NULL THEN TRUE ELSE FALSE END", False),
        ("b_x IS DISTINCT FROM 1", False),
        ("NOT (b_x = 1 AND a_x = 2)", False),
        ("a_x = 1", False),
    ],
)
def test_null_rejection(predicate: str, expected: bool) -> None:
    assert rejects_nulls(expression(predicate), columns("b_x", "b_y", "b_z")) is expected
