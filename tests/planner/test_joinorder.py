"""The search for join orders: what it may change, what it must keep, and what it prefers."""

import functools
import itertools
import random
import time
from collections.abc import Callable

import pytest

from shoal.planner import logical
from shoal.planner.cost.cardinality import Estimator
from shoal.planner.cost.join_edges import build_graph
from shoal.planner.cost.join_enumeration import PairEnumerator
from shoal.planner.cost.join_graph import INNER_JOIN, NO_JOIN, JoinGraph
from shoal.planner.cost.join_members import members_of
from shoal.planner.cost.join_region import collect_region, is_region
from shoal.planner.cost.join_search import MOST_PAIRS, MOST_RELATIONS, least_pairs, search_join_order
from shoal.planner.cost.join_tree import JoinTree, TreeTable
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Column, Join, JoinKind, Node, SetOperator, schema
from shoal.planner.options import Distribute, PlanOptions
from shoal.planner.rules.order_joins import order_joins
from shoal.planner.source import ArrowSource, Field
from shoal.planner.tree import find
from tests.planner.random_joins import KeyStatistics, graph_of, labelled
from tests.planner.small_tables import CountedStatistics, apply, context, group, join, predicates, project, scan, where
from tests.planner.tpch_planning import EmptyKernel, InjectedTables, plan

A, B, C, D = (scan(name) for name in "abcd")


def graph_with(node: Node, estimator: Estimator) -> JoinGraph:
    region = collect_region(node)
    return build_graph(members_of(region), region.terms, estimator)


def pairs_of(graph: JoinGraph) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    planned = {1 << index for index in range(len(graph.relations))}

    def emit(first: int, second: int) -> bool:
        found.append((first, second))
        planned.add(first | second)
        return True

    assert PairEnumerator(graph, emit, planned.__contains__).run()
    return found


def found_tree(graph: JoinGraph) -> JoinTree:
    tree = search_join_order(graph)
    assert tree is not None
    return tree


def chain(count: int, rows: int = 1000) -> Node:
    node: Node = labelled(0, rows)
    for index in range(1, count):
        node = join(node, labelled(index, rows + index), f"t{index - 1}_y = t{index}_x")
    return node


def clique(count: int) -> Node:
    node: Node = labelled(0, 100)
    for index in range(1, count):
        condition = " AND ".join(f"t{other}_y < t{index}_z" for other in range(index))
        node = join(node, labelled(index, 100 * (index + 1)), condition)
    return node


def leaves(tree: JoinTree) -> list[int]:
    if tree.left is None or tree.right is None:
        return [tree.members]
    return leaves(tree.left) + leaves(tree.right)


def cheapest_by_trying(graph: JoinGraph) -> float:
    """The price of the best tree without cross products, by trying all of them."""
    best: dict[int, float] = {1 << index: 0.0 for index in range(len(graph.relations))}
    for members in sorted(range(1, graph.all + 1), key=int.bit_count):
        if members.bit_count() < 2:
            continue
        prices = []
        first = (members - 1) & members
        while first:
            second = members & ~first
            if first in best and second in best and graph.connected(first, second):
                way = graph.way(first, second)
                if way != NO_JOIN:
                    prices.append(best[first] + best[second] + graph.price(first, second, way))
            first = (first - 1) & members
        if prices:
            best[members] = min(prices)
    return best[graph.all]


@pytest.mark.parametrize(("count", "pairs"), [(2, 1), (3, 4), (5, 20), (10, 165)])
def test_a_chain_has_the_published_number_of_pairs(count: int, pairs: int) -> None:
    assert len(pairs_of(graph_of(chain(count)))) == pairs


@pytest.mark.parametrize(("count", "pairs"), [(2, 1), (3, 6), (5, 90), (8, 3025)])
def test_a_clique_has_the_published_number_of_pairs(count: int, pairs: int) -> None:
    assert len(pairs_of(graph_of(clique(count)))) == pairs


def test_each_pair_comes_once_and_after_its_parts() -> None:
    seen: set[frozenset[int]] = set()
    planned = {1 << index for index in range(6)}
    for first, second in pairs_of(graph_of(clique(6))):
        assert not first & second
        assert frozenset((first, second)) not in seen
        seen.add(frozenset((first, second)))
        assert {first, second} <= planned
        planned.add(first | second)


def random_region(seed: int) -> Node:
    """A random tree of inner, semi-, anti- and left joins over up to seven tables."""
    chance = random.Random(seed)
    node: Node = labelled(0, chance.randint(10, 10_000))
    visible = [0]
    for index in range(1, chance.randint(3, 7)):
        kind = chance.choice([JoinKind.INNER, JoinKind.INNER, JoinKind.SEMI, JoinKind.ANTI, JoinKind.LEFT])
        other = chance.choice(visible)
        condition = f"t{other}_{chance.choice('xyz')} = t{index}_{chance.choice('xyz')}"
        if chance.random() < 0.3:
            condition += f" AND t{chance.choice(visible)}_y < t{index}_z + 3"
        node = join(node, labelled(index, chance.randint(10, 10_000)), condition, kind)
        if kind in (JoinKind.INNER, JoinKind.LEFT):
            visible.append(index)
        if chance.random() < 0.4:
            term = f"t{chance.choice(visible)}_y IS NULL"
            node = where(node, chance.choice([term, f"{term} OR t{chance.choice(visible)}_z < 3"]))
    return node


@pytest.mark.parametrize("seed", range(80))
def test_random_regions_keep_their_rows(seed: int) -> None:
    node = random_region(seed)
    apply(order_joins, node, statistics=KeyStatistics())


@pytest.mark.parametrize("seed", range(12))
def test_the_search_finds_the_cheapest_tree(seed: int) -> None:
    graph = graph_of(random_region(seed))
    tree = found_tree(graph)
    assert sorted(leaves(tree)) == [1 << index for index in range(len(graph.relations))]
    assert tree.seconds == pytest.approx(cheapest_by_trying(graph))


def random_hypergraph(seed: int) -> Node:
    """Inner joins over conditions between two and more relations; some relations may not be connected at all."""
    chance = random.Random(seed)
    count = chance.randint(3, 6)
    node: Node = labelled(0, chance.randint(10, 10_000))
    for index in range(1, count):
        node = join(node, labelled(index, chance.choice([1, 20, 500, 10_000])))
    columns = [f"t{index}_{name}" for index in range(count) for name in "xyz"]
    terms = []
    for _ in range(count):
        one, two, three, four = chance.sample(columns, 4)
        shapes = [
            f"{one} = {two}",
            f"{one} = {two}",
            f"{one} < {two}",
            f"{one} + {two} = {three}",
            f"{one} + {two} = {three} + {four}",
            f"{one} + {two} > {three}",
        ]
        terms.append(chance.choice(shapes))
    return where(node, " AND ".join(terms))


@pytest.mark.parametrize("seed", range(60))
def test_the_cheapest_order_of_a_hypergraph_is_found(seed: int) -> None:
    graph = graph_of(random_hypergraph(seed))
    tree = found_tree(graph)
    assert sorted(leaves(tree)) == [1 << index for index in range(len(graph.relations))]
    assert tree.seconds == pytest.approx(cheapest_by_trying(graph))


@pytest.mark.parametrize("seed", range(20))
def test_the_pairs_of_a_hypergraph_come_once(seed: int) -> None:
    graph = graph_of(random_hypergraph(seed))
    pairs = [frozenset(pair) for pair in pairs_of(graph)]
    assert len(set(pairs)) == len(pairs)


def test_a_filter_on_the_right_of_a_left_join_stays_above_it() -> None:
    node = where(join(A, B, "a_x = b_x", JoinKind.LEFT), "b_y IS NULL")
    after = apply(order_joins, join(node, C, "a_z = c_z"), statistics=KeyStatistics())
    kept = [item for item in find(after, logical.Filter) if isinstance(item.input, Join)]
    assert predicates(kept[0])[0] == "b_y IS NULL"


def test_many_relations_are_ordered_greedily_and_soon() -> None:
    graph = graph_of(chain(30))
    assert len(graph.relations) > MOST_RELATIONS
    tree = found_tree(graph)
    assert sorted(leaves(tree)) == [1 << index for index in range(30)]


def test_a_dense_graph_within_the_budget_of_pairs() -> None:
    graph = graph_of(clique(12))
    assert found_tree(graph).members == graph.all


def test_a_condition_over_three_relations_is_hashed_when_two_of_them_are_joined() -> None:
    node = where(join(join(scan("a", 9000), scan("b", 9000), "a_x = b_x"), scan("c", 50)), "a_y + b_y = c_x")
    after = apply(order_joins, node, statistics=KeyStatistics())
    assert isinstance(after, Join)
    assert predicates(after)[0] == "a_y + b_y = c_x"


def test_tiny_relations_are_multiplied_when_that_saves_a_join_with_a_large_one() -> None:
    large = join(scan("a", 10_000_000), scan("b", 3), "a_y = b_x")
    after = apply(order_joins, join(large, scan("c", 3), "a_z = c_x"), statistics=KeyStatistics())
    products = [item for item in find(after, Join) if item.condition is None]
    assert [sorted(column.id[0] for column in schema(item))[::3] for item in products] == [["b", "c"]]


@pytest.mark.parametrize(("rows", "filtered"), [(100, False), (10_000, True)])
def test_relations_that_are_or_may_be_large_are_not_multiplied(rows: int, filtered: bool) -> None:
    sides = [where(scan(name, rows), f"{name}_x = 1") if filtered else scan(name, rows) for name in "bc"]
    large = join(scan("a", 10_000_000), sides[0], "a_y = b_y")
    after = order_joins(join(large, sides[1], "a_z = c_z"), context(KeyStatistics()))
    assert all(item.condition is not None for item in find(after, Join))


def star(count: int) -> Node:
    """A large table and others that are joined with it by a column each."""
    names = tuple(f"k{index}" for index in range(count))
    columns = tuple(Column(ColumnId(name), "INTEGER") for name in names)
    source = ArrowSource("fact", tuple(Field(name, "INTEGER") for name in names), 1_000_000, 50_000_000)
    node: Node = logical.Scan(source, columns, names, "fact")
    for index in range(1, count):
        node = join(node, labelled(index, 100 * index), f"k{index} = t{index}_x")
    return node


@pytest.mark.parametrize(("shape", "exact"), [(chain, True), (star, True), (clique, False)])
def test_twelve_relations_are_ordered_soon(shape: Callable[[int], Node], exact: bool) -> None:
    graph = graph_of(shape(12))
    assert len(graph.relations) == 12
    started = time.process_time()
    tree = found_tree(graph)
    assert time.process_time() - started < 0.3, "0.1 s on a machine that does nothing else"
    assert tree.members == graph.all
    table = TreeTable(graph, MOST_PAIRS)
    assert PairEnumerator(graph, table.offer, table.best.__contains__).run() == exact


@pytest.mark.parametrize(("shape", "count"), [(chain, 12), (star, 12), (clique, 2), (clique, 7)])
def test_pairs_are_not_thought_to_be_more_than_there_are(shape: Callable[[int], Node], count: int) -> None:
    graph = graph_of(shape(count))
    pairs = len(pairs_of(graph))
    assert least_pairs(graph) == pairs if shape is clique else 0 < least_pairs(graph) <= pairs


def test_hundreds_of_relations_are_ordered_soon() -> None:
    started = time.process_time()
    for node in (chain(300), functools.reduce(join, (labelled(index, 10) for index in range(300)))):
        assert found_tree(graph_of(node)).members == (1 << 300) - 1
    assert time.process_time() - started < 5


@pytest.mark.parametrize(("count", "whole"), [(60, False), (700, True)])
def test_too_many_joins_to_walk_run_whole(count: int, whole: bool) -> None:
    tables = InjectedTables()
    names = ", ".join(f"nation AS n{index}" for index in range(count))
    terms = " AND ".join(f"n{index}.n_nationkey = n{index + 1}.n_nationkey" for index in range(count - 1))
    options = PlanOptions(executors=2, distribute=Distribute.ALWAYS)
    sql = f"SELECT count(*) FROM {names} WHERE {terms}"
    planned = plan(sql, options, tables, EmptyKernel(tables.tables))
    assert (planned.reason == "one executor runs it whole: its plan is nested too deeply") == whole


def test_a_build_side_that_memory_does_not_hold_costs_what_it_spills() -> None:
    region = collect_region(join(scan("a", 1000), scan("b", 900), "a_x = b_x"))
    graphs = [
        build_graph(members_of(region), region.terms, Estimator(KeyStatistics()), memory) for memory in (1e9, 5_400, 0)
    ]
    prices = [graph.price(0b01, 0b10, INNER_JOIN) for graph in graphs]
    assert prices[0] < prices[1] < prices[2]


def test_the_smaller_side_is_built_on() -> None:
    after = apply(order_joins, join(scan("a", 10), scan("b", 10_000), "a_x = b_x"), statistics=KeyStatistics())
    assert isinstance(after, Join)
    assert schema(after.right)[0].id == "a_x"


def test_a_good_order_stays_the_same_object() -> None:
    node = join(scan("b", 10_000), scan("a", 10), "a_x = b_x")
    assert order_joins(node, context(KeyStatistics())) is node


def test_a_selective_semi_join_moves_down() -> None:
    many = join(scan("a", 100_000), scan("b", 100_000), "a_x = b_x")
    node = join(many, scan("c", 5), "a_y = c_x", JoinKind.SEMI)
    after = apply(order_joins, node, statistics=KeyStatistics())
    assert isinstance(after, Join)
    assert after.kind is JoinKind.INNER
    assert [item.kind for item in find(after, Join)].count(JoinKind.SEMI) == 1


def test_equalities_are_closed_and_checked_no_more_than_needed() -> None:
    node = join(join(scan("b", 100_000), scan("a", 10), "a_x = b_x"), scan("c", 20), "b_x = c_x")
    after = apply(order_joins, node, statistics=KeyStatistics())
    assert len(predicates(after)) == 2


def test_two_columns_of_one_table_in_one_class_are_compared() -> None:
    node = join(A, B, "a_x = b_x AND a_y = b_x")
    after = apply(order_joins, node)
    assert "a_x = a_y" in predicates(after) or "a_y = a_x" in predicates(after)


def test_columns_of_different_types_are_not_closed() -> None:
    wide = logical.Scan(B.source, tuple(Column(column.id, "BIGINT") for column in B.columns), B.names, B.alias)
    node = join(join(A, wide, "a_x = b_x"), C, "b_x = c_x")
    assert set(predicates(apply(order_joins, node))) == {"a_x = b_x", "b_x = c_x"}


def test_set_operations_keep_the_order_of_columns() -> None:
    sides = [join(scan(one, 10), scan(other, 9000), f"{one}_x = {other}_x") for one, other in ("ab", "cd")]
    names = tuple(Column(ColumnId(f"u{index}"), "INTEGER") for index in range(6))
    node = logical.SetOperation(SetOperator.UNION, True, sides[0], sides[1], names)
    after = apply(order_joins, node, statistics=KeyStatistics())
    assert [schema(side) for side in logical.children(after)] == [schema(side) for side in sides]


@pytest.mark.parametrize(
    "node",
    [
        join(A, B, "a_x = b_x", JoinKind.FULL),
        join(A, B, "a_x = b_x", JoinKind.RIGHT),
        join(A, B, "a_x < random()"),
        where(A, "a_x = 1"),
        group(A, "a_x"),
        where(join(A, B, "a_x = b_x"), "random() > 0.5"),
    ],
)
def test_no_region_begins_here(node: Node) -> None:
    assert not is_region(node)


def test_full_joins_are_not_crossed() -> None:
    node = join(join(A, B, "a_x = b_x", JoinKind.FULL), C, "a_y = c_y")
    after = apply(order_joins, node)
    assert next(item for item in find(after, Join) if item.kind is JoinKind.FULL).condition is not None


def test_regions_inside_leaves_are_ordered_too() -> None:
    inner = project(join(scan("a", 10), scan("b", 9000), "a_x = b_x"), p="a_x", q="b_y")
    node = join(inner, scan("c", 20_000), "p = c_x")
    after = apply(order_joins, node, statistics=KeyStatistics())
    below = next(find(after, logical.Project)).input
    assert isinstance(below, Join)
    assert schema(below.right)[0].id == "a_x"


def test_relations_that_nothing_connects_become_cross_products() -> None:
    after = apply(order_joins, join(join(A, B), C, "a_x = c_x"))
    assert sum(item.condition is None for item in find(after, Join)) == 1


def test_rows_do_not_depend_on_the_order() -> None:
    graph = graph_of(random_region(3))
    for members in itertools.islice(range(1, graph.all + 1), 64):
        assert graph.rows(members) == pytest.approx(graph_of(random_region(3)).rows(members))


def test_composite_keys_are_not_taken_for_independent() -> None:
    statistics = CountedStatistics(1000.0)
    node = join(scan("a", 1_000_000), scan("b", 10_000), "a_x = b_x AND a_y = b_y")
    graph = graph_with(node, Estimator(statistics))
    assert graph.rows(0b11) == pytest.approx(1_000_000)
    assert Estimator(statistics).rows(node) == pytest.approx(1_000_000)
