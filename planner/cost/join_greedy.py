"""Greedy operator ordering: join the two sets with the smallest result, over and over (GOO; Fegaras, "A New Heuristic
for Optimizing Large Queries", DEXA 1998). Of two orders of the same size the cheaper one is taken."""

import heapq
from dataclasses import dataclass, field

from shoal.planner.cost.join_graph import INNER_JOIN, NO_JOIN, JoinGraph, bits
from shoal.planner.cost.join_tree import JoinTree

Entry = tuple[float, float, int, int]
"""The rows and the price of a join of two sets, left and right."""


def join_greedily(graph: JoinGraph) -> JoinTree | None:
    """A tree that contains every relation once; None when the rules leave no way to join what is left."""
    greedy = _Greedy(graph)
    while len(greedy.trees) > 1:
        pair = greedy.next_pair() or greedy.next_product()
        if pair is None:
            return None
        greedy.merge(*pair)
    return next(iter(greedy.trees.values()))


@dataclass(slots=True)
class _Greedy:
    """The trees made so far, by their sets, and which set each relation is in."""

    graph: JoinGraph
    trees: dict[int, JoinTree] = field(default_factory=dict)
    home: list[int] = field(default_factory=list)
    heap: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.home = [1 << index for index in range(len(self.graph.relations))]
        self.trees = {members: JoinTree(members) for members in self.home}
        for members in self.home:
            self._push_pairs(members, above=members)

    def next_pair(self) -> tuple[int, int] | None:
        """The pair of connected sets with the smallest result."""
        while self.heap:
            _, _, left, right = heapq.heappop(self.heap)
            if left in self.trees and right in self.trees:
                return left, right
        return None

    def next_product(self) -> tuple[int, int] | None:
        """The smallest two sets that may be multiplied."""
        smallest = sorted(self.trees, key=lambda members: (self.graph.rows(members), members))
        for place, right in enumerate(smallest):
            for left in smallest[place + 1 :]:
                if self.graph.way(left, right) != NO_JOIN:
                    return left, right
                if self.graph.way(right, left) != NO_JOIN:
                    return right, left
        return None

    def merge(self, left: int, right: int) -> None:
        """Make one tree of two."""
        one, other, both = self.trees.pop(left), self.trees.pop(right), left | right
        way = self.graph.way(left, right)
        seconds = one.seconds + other.seconds + self.graph.price(left, right, way)
        self.trees[both] = JoinTree(both, seconds, one, other, way)
        for index in bits(both):
            self.home[index] = both
        self._push_pairs(both, above=0)

    def _push_pairs(self, members: int, above: int) -> None:
        """Remember the joins of a set with the sets next to it, of which those below ``above`` know it already."""
        near = {self.home[index] for index in bits(self.graph.around(members))}
        for one, other in self.graph.hyperedges:
            for mine, theirs in ((one, other), (other, one)):
                if not mine & ~members and not theirs & ~self.home[theirs.bit_length() - 1] and not theirs & members:
                    near.add(self.home[theirs.bit_length() - 1])
        for other in near:
            if other > above:
                self._push(members, other)

    def _push(self, first: int, second: int) -> None:
        way = self.graph.way(first, second)
        if way == INNER_JOIN:
            building_second, building_first = self.graph.inner_prices(first, second)
            if building_first < building_second:
                first, second = second, first
            price = min(building_second, building_first)
        else:
            if way == NO_JOIN:
                first, second = second, first
                way = self.graph.way(first, second)
            if way == NO_JOIN:
                return
            price = self.graph.operator_price(first, second, way)
        heapq.heappush(self.heap, (self.graph.joined(first, second).rows, price, first, second))
