"""Orders of joins of all kinds: every order that the rules allow gives the same rows, and what they must not allow."""

import random

import pytest

from shoal.planner import logical
from shoal.planner.cost.join_conflicts import Placement, place_operators
from shoal.planner.cost.join_members import members_of
from shoal.planner.cost.join_order import plan_of
from shoal.planner.cost.join_region import collect_region, is_full_region, is_region
from shoal.planner.ids import ColumnId
from shoal.planner.logical import JoinKind, Node, schema
from shoal.planner.rules.order_joins import order_joins
from tests.planner.random_joins import KeyStatistics, RandomJoins, all_trees, graph_of
from tests.planner.small_tables import apply, context, join, rows, scan, where

INNER, LEFT, FULL, SEMI, ANTI = JoinKind.INNER, JoinKind.LEFT, JoinKind.FULL, JoinKind.SEMI, JoinKind.ANTI
A, B, C, D = (scan(name) for name in "abcd")

MOST_ORDERS = 12
"""Orders of one tree that are run."""

MOST_ROWS = 4000
"""Trees with more rows are left out: they take long and tell no more."""


def orders_of(node: Node) -> list[Node]:
    """Every order of the region that begins at a node."""
    graph, region = graph_of(node), collect_region(node)
    return [plan_of(tree, graph, region.terms) for tree in all_trees(graph)]


def placements(node: Node) -> list[tuple[JoinKind, Placement]]:
    """Where the operators of a region may stand; relations are numbered from the left."""
    found = members_of(collect_region(node))
    columns = [logical.column_ids(item) for item in found.relations]
    places = place_operators(found.operators, columns)
    return [(item.kind, place) for item, place in zip(found.operators, places, strict=True)]


@pytest.mark.parametrize("relations", [3, 4, 5])
@pytest.mark.parametrize("seed", range(40))
def test_every_order_gives_the_same_rows(seed: int, relations: int) -> None:
    node = RandomJoins(1000 * relations + seed).tree(relations)
    if not is_region(node) and not is_full_region(node):
        return
    outputs = [column.id for column in schema(node)]
    expected = rows(node, outputs)
    orders = orders_of(node)
    assert orders, "the original order at least"
    if len(expected) > MOST_ROWS:
        return
    for order in random.Random(seed).sample(orders, min(len(orders), MOST_ORDERS)):
        assert rows(order, outputs) == expected


@pytest.mark.parametrize("seed", range(40))
def test_the_chosen_order_gives_the_same_rows(seed: int) -> None:
    node = RandomJoins(seed, (INNER, INNER, LEFT, FULL, SEMI, ANTI)).tree(4)
    if len(rows(node, [column.id for column in schema(node)])) <= MOST_ROWS:
        apply(order_joins, node, statistics=KeyStatistics())


def chained(first: JoinKind, second: JoinKind, nested: str, condition: str = "b_y = c_y") -> Node:
    """``(a first b) second c`` or ``a first (b second c)``, the second join between b and c."""
    if nested == "left":
        return join(join(A, B, "a_x = b_x", first), C, condition, second)
    return join(A, join(B, C, condition, second), "a_x = b_x", first)


@pytest.mark.parametrize(
    ("first", "second", "nested", "condition", "orders"),
    [
        # Left joins one after the other, if the second rejects the rows that the first has made up.
        (LEFT, LEFT, "left", "b_y = c_y", 2),
        (LEFT, LEFT, "right", "b_y = c_y", 2),
        (LEFT, LEFT, "left", "b_y IS NOT DISTINCT FROM c_y", 1),
        (LEFT, LEFT, "left", "b_y = c_y OR b_y IS NULL", 1),
        (INNER, LEFT, "left", "b_y = c_y", 2),
        (INNER, LEFT, "right", "b_y = c_y", 2),
        (INNER, SEMI, "left", "b_y = c_y", 2),
        (INNER, SEMI, "right", "b_y = c_y", 2),
        (INNER, ANTI, "left", "b_y = c_y", 2),
        (INNER, ANTI, "right", "b_y = c_y", 2),
        # An inner join never goes below the side that an outer join fills with NULLs.
        (LEFT, INNER, "left", "b_y = c_y OR b_y IS NULL", 1),
        (LEFT, SEMI, "left", "b_y = c_y", 1),
        (LEFT, ANTI, "left", "b_y = c_y", 1),
        (FULL, INNER, "left", "b_y = c_y OR b_y IS NULL", 1),
        (FULL, SEMI, "left", "b_y = c_y", 1),
        (FULL, ANTI, "left", "b_y = c_y", 1),
        (LEFT, FULL, "left", "b_y = c_y", 1),
        (FULL, LEFT, "left", "b_y = c_y", 2),
        (FULL, LEFT, "right", "b_y = c_y", 2),
        (FULL, LEFT, "left", "b_y = c_y OR b_y IS NULL", 1),
        (FULL, FULL, "left", "b_y = c_y", 2),
        (FULL, FULL, "right", "b_y = c_y", 2),
    ],
)
def test_pairs_of_kinds(first: JoinKind, second: JoinKind, nested: str, condition: str, orders: int) -> None:
    node = chained(first, second, nested, condition)
    outputs = [column.id for column in schema(node)]
    found = orders_of(node)
    shapes = {frozenset(frozenset(map(str, _relations(item))) for item in _joins(order)) for order in found}
    assert len(shapes) == orders
    assert all(rows(order, outputs) == rows(node, outputs) for order in found)


def _joins(node: Node) -> list[logical.Join]:
    below = [item for child in logical.children(node) for item in _joins(child)]
    return [node, *below] if isinstance(node, logical.Join) else below


def _relations(node: Node) -> list[ColumnId]:
    if isinstance(node, logical.Scan):
        return [node.columns[0].id]
    return [item for child in logical.children(node) for item in _relations(child)]


@pytest.mark.parametrize(
    ("second", "condition", "orders"),
    [
        # Both joins look at a alone, so they change places, unless a full join fills a with NULLs.
        (LEFT, "a_y = c_y", 2),
        (SEMI, "a_y = c_y", 2),
        (ANTI, "a_y = c_y", 2),
        (FULL, "a_y = c_y", 2),
        (FULL, "a_y = c_y OR a_y IS NULL", 2),
    ],
)
def test_a_left_join_and_what_stands_beside_it(second: JoinKind, condition: str, orders: int) -> None:
    node = join(join(A, B, "a_x = b_x", LEFT), C, condition, second)
    if second is FULL and "OR" in condition:
        node = join(join(A, B, "a_x IS NOT DISTINCT FROM b_x", LEFT), C, "a_y = c_y", FULL)
        orders = 1
    found = orders_of(node)
    outputs = [column.id for column in schema(node)]
    assert (
        len({frozenset(frozenset(map(str, _relations(item))) for item in _joins(order)) for order in found}) == orders
    )
    assert all(rows(order, outputs) == rows(node, outputs) for order in found)


def test_a_condition_without_columns_of_one_side_needs_all_of_it() -> None:
    node = join(join(A, B, "a_x = b_x"), C, "c_y = 3", LEFT)
    assert placements(node) == [(LEFT, Placement(0b011, 0b100))]


def test_a_condition_over_both_relations_of_a_side_needs_both() -> None:
    node = join(join(A, B, "a_x = b_x"), C, "a_y + b_y = c_y", SEMI)
    assert placements(node) == [(SEMI, Placement(0b011, 0b100))]


def test_a_condition_over_what_another_join_fills_with_nulls_needs_that_join() -> None:
    node = join(join(A, B, "a_x = b_x", LEFT), C, "b_y IS NOT DISTINCT FROM c_y", SEMI)
    assert placements(node)[1] == (SEMI, Placement(0b011, 0b100))


def test_a_left_join_that_needs_nothing_of_another_moves_below_it() -> None:
    node = join(join(A, B, "a_x = b_x", LEFT), C, "a_y = c_y", LEFT)
    assert placements(node)[1] == (LEFT, Placement(0b001, 0b100))


def test_an_anti_join_is_not_taken_apart() -> None:
    node = join(A, join(B, C, "b_y = c_y", LEFT), "a_x = b_x", ANTI)
    assert order_joins(node, context(KeyStatistics())) is node


def test_a_volatile_outer_join_is_a_wall() -> None:
    node = join(join(A, B, "a_x = b_x AND random() < 2", LEFT), C, "a_y = c_y")
    after = order_joins(node, context(KeyStatistics()))
    assert any(item.kind is LEFT and item.left == A for item in _joins(after))


def test_a_filter_over_a_full_join_stays_above_it() -> None:
    node = where(join(A, B, "a_x = b_x", FULL), "a_y IS NULL")
    assert apply(order_joins, node) is node


def test_a_small_semi_join_goes_below_a_left_join() -> None:
    left = join(scan("a", 100_000), scan("b", 100_000), "a_y = b_x", LEFT)
    node = join(left, scan("c", 5), "a_x = c_x", SEMI)
    after = apply(order_joins, node, statistics=KeyStatistics())
    assert isinstance(after, logical.Join)
    assert after.kind is LEFT


def test_a_small_left_join_inside_the_right_side_comes_last() -> None:
    inside = join(scan("b", 100_000), scan("c", 100_000), "b_y = c_x", LEFT)
    node = join(scan("a", 10), inside, "a_x = b_x", LEFT)
    after = apply(order_joins, node, statistics=KeyStatistics())
    assert isinstance(after, logical.Join)
    assert [item.id for item in schema(after.right)] == ["c_x", "c_y", "c_z"]
