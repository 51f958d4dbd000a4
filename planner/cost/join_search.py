"""Searches the cheapest order of joins in a join graph.

Up to ``MOST_RELATIONS`` relations, as long as the graph has at most ``MOST_PAIRS`` pairs of connected sets: all bushy
trees without cross products, after Moerkotte and Neumann, "Analysis of Two Existing and One New Dynamic Programming
Algorithm for the Generation of Optimal Bushy Join Trees without Cross Products" (VLDB 2006, DPccp). Beyond that: greedy
operator ordering, and then the best bushy tree over the greedy tree's sequence of relations (linearised dynamic
programming; Neumann and Radke, "Adaptive Optimization of Very Large Join Queries", SIGMOD 2018).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from shoal.planner.cost.join_graph import JoinGraph, bits
from shoal.planner.errors import InvariantViolated

MOST_RELATIONS = 12
"""Relations up to which all trees are considered."""

MOST_PAIRS = 8_000
"""Pairs of connected sets up to which all trees are considered: about 25 ms; a clique of 9 relations has 9,330."""

MOST_LINEAR = 30
"""Relations up to which the greedy tree is improved; the effort grows with the third power."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A join tree over relations: a leaf has one member; otherwise the right side is the build side."""

    members: int
    seconds: float = 0.0
    left: "Tree | None" = None
    right: "Tree | None" = None


@dataclass(slots=True)
class _Table:
    """The cheapest tree found so far for each set."""

    graph: JoinGraph
    best: dict[int, Tree] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for index in range(len(self.graph.relations)):
            self.best[1 << index] = Tree(1 << index)

    def offer(self, first: int, second: int) -> None:
        """Consider joining two sets, either way round."""
        one, other = self.best.get(first), self.best.get(second)
        if one is None or other is None:
            return
        for left, right in ((one, other), (other, one)):
            if not self.graph.joinable(left.members, right.members):
                continue
            seconds = one.seconds + other.seconds + self.graph.price(left.members, right.members)
            known = self.best.get(first | second)
            if known is None or seconds < known.seconds:
                self.best[first | second] = Tree(first | second, seconds, left, right)


def search_join_order(graph: JoinGraph) -> Tree:
    """The cheapest tree that the search finds; it contains every relation once."""
    if len(graph.relations) <= MOST_RELATIONS:
        table = _Table(graph)
        complete = True
        for count, (first, second) in enumerate(connected_pairs(graph.neighbours)):
            if count >= MOST_PAIRS:
                complete = False
                break
            table.offer(first, second)
        found = table.best.get(graph.all)
        if complete and found is not None:
            return found
    greedy = _greedy(graph)
    return _linearised(graph, greedy) if len(graph.relations) <= MOST_LINEAR else greedy


def connected_pairs(neighbours: list[int]) -> Iterator[tuple[int, int]]:
    """All pairs of disjoint connected sets with an edge between them, each once, smaller sets before larger ones."""
    for index in reversed(range(len(neighbours))):
        start, excluded = 1 << index, (2 << index) - 1
        for first in _connected_sets(start, excluded, neighbours):
            yield from ((first, second) for second in _complements(first, neighbours))


def _around(members: int, neighbours: list[int]) -> int:
    found = 0
    for index in bits(members):
        found |= neighbours[index]
    return found & ~members


def _connected_sets(start: int, excluded: int, neighbours: list[int]) -> Iterator[int]:
    """The start, and every connected set that contains it and nothing excluded otherwise."""
    yield start
    yield from _grown(start, excluded, neighbours)


def _grown(members: int, excluded: int, neighbours: list[int]) -> Iterator[int]:
    around = _around(members, neighbours) & ~excluded
    if not around:
        return
    subset = -around & around
    while subset:
        yield members | subset
        subset = (subset - around) & around
    subset = -around & around
    while subset:
        yield from _grown(members | subset, excluded | around, neighbours)
        subset = (subset - around) & around


def _complements(first: int, neighbours: list[int]) -> Iterator[int]:
    """The connected sets next to a connected set, whose lowest relation is above the lowest one of the set."""
    excluded = (((first & -first) << 1) - 1) | first
    around = _around(first, neighbours) & ~excluded
    for index in sorted(bits(around), reverse=True):
        below = ((1 << (index + 1)) - 1) & around
        yield from _connected_sets(1 << index, excluded | below, neighbours)


def _greedy(graph: JoinGraph) -> Tree:
    """Join the two sets with the fewest joined rows, over and over; cross products only when nothing else is left."""
    trees = [Tree(1 << index) for index in range(len(graph.relations))]
    while len(trees) > 1:
        best: tuple[bool, float, float] | None = None
        chosen: tuple[Tree, Tree] | None = None
        for left in trees:
            around = _around(left.members, graph.neighbours)
            for right in trees:
                if left is right or not graph.joinable(left.members, right.members):
                    continue
                rank = (
                    not around & right.members,
                    graph.rows(left.members | right.members),
                    graph.price(left.members, right.members),
                )
                if best is None or rank < best:
                    best, chosen = rank, (left, right)
        if chosen is None:
            raise InvariantViolated("a dependent relation needs something that its region does not have")
        left, right = chosen
        price = graph.price(left.members, right.members)
        joined = Tree(left.members | right.members, left.seconds + right.seconds + price, left, right)
        trees = [tree for tree in trees if tree is not left and tree is not right] + [joined]
    return trees[0]


def _sequence(tree: Tree) -> Iterator[int]:
    if tree.left is None or tree.right is None:
        yield tree.members
    else:
        yield from _sequence(tree.left)
        yield from _sequence(tree.right)


def _linearised(graph: JoinGraph, greedy: Tree) -> Tree:
    """The cheapest tree whose leaves are in the greedy tree's order: never dearer than the greedy tree."""
    sequence = list(_sequence(greedy))
    table = _Table(graph)
    prefix = [0]
    for members in sequence:
        prefix.append(prefix[-1] | members)
    for length in range(2, len(sequence) + 1):
        for start in range(len(sequence) - length + 1):
            end = start + length
            for middle in range(start + 1, end):
                first, second = prefix[middle] & ~prefix[start], prefix[end] & ~prefix[middle]
                table.offer(first, second)
    found = table.best.get(graph.all)
    return found if found is not None and found.seconds < greedy.seconds else greedy
