"""What the search for join orders knows of the network: what lies parted, what moves, what is sent to every task."""

import pytest

from shoal.planner import logical
from shoal.planner.cost.as_logical import as_logical
from shoal.planner.cost.cardinality import Estimator
from shoal.planner.cost.join_edges import build_graph
from shoal.planner.cost.join_graph import INNER_JOIN, JoinGraph, meeting
from shoal.planner.cost.join_members import members_of
from shoal.planner.cost.join_network import ONE_TASK, Cluster
from shoal.planner.cost.join_region import collect_region
from shoal.planner.cost.join_search import search_join_order
from shoal.planner.cost.join_tree import JoinTree
from shoal.planner.distribute import Distributor
from shoal.planner.distribute_join import join_candidates
from shoal.planner.logical import JoinKind, Node
from shoal.planner.options import PlanOptions
from shoal.planner.physical import AggregatePhase, HashAggregate
from shoal.planner.protocols import KeyRange
from shoal.planner.rules.order_joins import order_joins
from shoal.planner.source import ArrowSource, FileIdentity, TableSource
from tests.planner.random_joins import KeyStatistics, RandomJoins
from tests.planner.small_tables import context, group, join, rows, scan, where

FOUR = Cluster(4, 4, 0.001)
GROUPS = 8


class ClusteredStatistics(KeyStatistics):
    """Tables of which some are sorted by ``x``."""

    def __init__(self, *clustered: str) -> None:
        self.clustered = clustered

    def key_ranges(self, source: TableSource, column: str) -> tuple[KeyRange, ...]:
        """Row groups that follow each other, or all have the same bounds."""
        assert isinstance(source, ArrowSource)
        rows = source.rows // GROUPS
        bounds = [
            (rows * number, rows * (number + 1) - 1) if column == "x" and source.key in self.clustered else (0, 10**9)
            for number in range(GROUPS)
        ]
        file = FileIdentity(source.key, 1, 1)
        return tuple(KeyRange(file, rows * place, rows, *bounds[place]) for place in range(GROUPS))


def graph_of(node: Node, *clustered: str, cluster: Cluster = FOUR, above: logical.Aggregate | None = None) -> JoinGraph:
    region = collect_region(node)
    estimator = Estimator(ClusteredStatistics(*clustered))
    return build_graph(members_of(region), region.terms, estimator, cluster=cluster, above=above)


def first_joined(tree: JoinTree | None) -> set[int]:
    """The relations of the lowest join."""
    assert tree is not None
    while tree.left is not None and tree.right is not None and tree.members.bit_count() > 2:
        tree = max(tree.left, tree.right, key=lambda side: side.members.bit_count())
    return {index for index in range(8) if tree.members >> index & 1}


def triangle() -> Node:
    """Two large tables with a common key, and a smaller, filtered one that the first refers to."""
    small = where(scan("c", 1_000_000), "c_z < 60000")
    return join(join(scan("a", 8_000_000), scan("b", 6_000_000), "a_x = b_x"), small, "a_y = c_x")


def test_one_task_has_no_network() -> None:
    assert graph_of(triangle(), cluster=ONE_TASK).network is None
    assert graph_of(triangle()).network is not None


def test_tables_that_are_clustered_alike_meet_for_nothing() -> None:
    for clustered, parted in (("ab", True), ("a", False), ("", False)):
        graph = graph_of(triangle(), *clustered)
        assert graph.network is not None
        masks = graph.network.parted
        seconds, left = meeting(graph.of(0b001), graph.of(0b010), masks[0], masks[1])
        assert (seconds == 0) == parted
        assert left == graph.of(0b001).keys & graph.of(0b010).keys


def test_only_what_is_not_parted_by_the_key_moves() -> None:
    graphs = [graph_of(triangle(), *clustered) for clustered in ("", "a", "b")]
    prices = []
    for graph in graphs:
        assert graph.network is not None
        masks = graph.network.parted
        prices.append(meeting(graph.of(0b001), graph.of(0b010), masks[0], masks[1])[0])
    both, other, mine = prices
    assert other == graphs[0].of(0b010).move
    assert mine == graphs[0].of(0b001).move
    assert both == pytest.approx(other + mine)


def test_sides_without_a_common_key_cannot_meet() -> None:
    graph = graph_of(triangle())
    assert meeting(graph.of(0b010), graph.of(0b100), 0, 0) == (float("inf"), 0)


def test_what_leaves_fewer_rows_comes_before_they_move() -> None:
    assert first_joined(search_join_order(graph_of(triangle(), cluster=ONE_TASK))) == {0, 1}
    assert first_joined(search_join_order(graph_of(triangle()))) == {0, 2}
    assert first_joined(search_join_order(graph_of(triangle(), "a", "b"))) == {0, 1}, "here nothing moves"


def test_the_price_of_the_network_can_be_left_out() -> None:
    def ordered(options: PlanOptions) -> Node:
        return order_joins(triangle(), context(ClusteredStatistics(), options=options))

    alone = ordered(PlanOptions(executors=1))
    assert ordered(PlanOptions(executors=4)) != alone
    assert ordered(PlanOptions(executors=4, disabled_rules=frozenset({"price_network"}))) == alone


def test_the_price_of_the_network_changes_no_rows() -> None:
    for seed in range(20):
        node = RandomJoins(seed).tree(5)
        wanted = [column.id for column in logical.schema(node)]
        after = order_joins(node, context(ClusteredStatistics("a", "b"), options=PlanOptions(executors=4)))
        assert rows(after, wanted) == rows(node, wanted)


def test_filters_and_groups_keep_how_rows_lie() -> None:
    filtered = where(scan("a", 8_000), "a_z > 1")
    grouped = where(group(scan("b", 8_000), "b_x", n="count(b_y)"), "n > 1")
    graph = graph_of(join(filtered, grouped, "a_x = b_x"), "a")
    assert graph.network is not None
    assert graph.network.parted == (1, 1)


def test_the_groups_above_want_rows_that_are_parted_by_their_key() -> None:
    node = join(join(scan("a", 800_000), scan("b", 600_000), "a_x = b_x"), scan("c", 500_000), "a_y = c_x")
    above = group(node, "a_x", n="count(c_z)")
    graph = graph_of(node, "a", "b", above=above)
    assert graph.network is not None
    assert graph.network.wanted == graph.network.parted[0]
    assert graph.network.regroup(1000.0, 8000.0) <= graph.network.move(1000.0, 8000.0)
    assert graph_of(node, "a", "b").network != graph.network


def test_semi_joins_are_priced_too() -> None:
    node = join(triangle(), scan("d", 4_000_000), "a_x = d_x", JoinKind.SEMI)
    near, far = (search_join_order(graph_of(node, *clustered)) for clustered in ("abd", "ab"))
    assert near is not None
    assert far is not None
    assert near.seconds < far.seconds
    assert near.way == INNER_JOIN or near.right is not None


def test_groups_in_pieces_are_no_observation_of_groups() -> None:
    grouped = group(scan("a", 1_000_000), "a_y", n="count(a_z)")
    estimator = Estimator(KeyStatistics())
    for partial in (False, True):
        node = logical.Aggregate(grouped.input, grouped.keys, grouped.assignments, partial=partial)
        plans = [item.plan for item in Distributor(estimator, PlanOptions(executors=2)).candidates(node)]
        complete = [item for item in plans if isinstance(item, HashAggregate) and item.phase is AggregatePhase.COMPLETE]
        assert complete
        assert all((as_logical(item) is None) == item.pieces for item in complete)
        assert any(item.pieces for item in complete) == partial


def test_a_build_side_that_memory_does_not_hold_costs_more_where_joins_are_placed() -> None:
    node = join(scan("a", 3_000_000), scan("b", 1_000_000), "a_y = b_y")
    estimator = Estimator(ClusteredStatistics())
    found = []
    for memory in (1 << 30, 1 << 20):
        options = PlanOptions(executors=4, memory_bytes=memory)
        sides = [Distributor(estimator, options).candidates(side) for side in (node.left, node.right)]
        joins = join_candidates(node, *sides, Distributor(estimator, options).estimate(node), options, lambda *_: 0.0)
        found.append(min(item.seconds for item in joins))
    assert found[1] > found[0]
