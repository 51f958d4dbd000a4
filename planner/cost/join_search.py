"""Searches the cheapest order of joins in a join graph.

Up to ``MOST_RELATIONS`` relations, as long as there are at most ``MOST_PAIRS`` pairs of connected sets: all bushy trees
without needless cross products, by dynamic programming (see ``join_enumeration``). A chain of 12 relations has 286
pairs, a star 11,264, a clique 261,625. Beyond that: greedy operator ordering (see ``join_greedy``), and then the best
bushy tree over the greedy tree's sequence of relations (linearised dynamic programming; Neumann and Radke, "Adaptive
Optimization of Very Large Join Queries", SIGMOD 2018).
"""

from collections.abc import Iterator

from shoal.planner.cost.join_enumeration import PairEnumerator
from shoal.planner.cost.join_graph import JoinGraph, bits
from shoal.planner.cost.join_greedy import join_greedily
from shoal.planner.cost.join_tree import JoinTree, TreeTable

MOST_RELATIONS = 12
"""Relations up to which all trees are considered."""

MOST_PAIRS = 12_000
"""Pairs of connected sets up to which all trees are considered."""

MOST_LINEAR = 30
"""Relations up to which the greedy tree is improved; the effort grows with the third power."""


def search_join_order(graph: JoinGraph) -> JoinTree | None:
    """The cheapest tree that the search finds; it contains every relation once. None: keep the original order."""
    if len(graph.relations) <= MOST_RELATIONS and least_pairs(graph) < MOST_PAIRS:
        table = TreeTable(graph, MOST_PAIRS)
        complete = PairEnumerator(graph, table.offer, table.best.__contains__).run()
        if complete and graph.all in table.best:
            return table.tree(graph.all)
    greedy = join_greedily(graph)
    if greedy is None or len(graph.relations) > MOST_LINEAR:
        return greedy
    return _linearised(graph, greedy)


def least_pairs(graph: JoinGraph) -> int:
    """Pairs of connected sets that there are at least: those within relations that are all next to each other.

    To look at thousands of them only to find that there are too many is most of what the order of a clique costs. Where
    not every join is an inner one it is not known which sets can be made.
    """
    if not graph.only_inner:
        return 0
    near = graph.neighbours
    size, left = 0, graph.all
    while left:
        best = max(bits(left), key=lambda index: (near[index] & left).bit_count())
        left &= near[best]
        size += 1
    return int(3**size - 2 ** (size + 1) + 1) // 2


def _linearised(graph: JoinGraph, greedy: JoinTree) -> JoinTree:
    """The cheapest tree whose leaves are in the greedy tree's order: never dearer than the greedy tree."""
    table = TreeTable(graph)
    prefix = [0]
    for members in _sequence(greedy):
        prefix.append(prefix[-1] | members)
    count = len(prefix) - 1
    for length in range(2, count + 1):
        for start in range(count - length + 1):
            end = start + length
            for middle in range(start + 1, end):
                table.offer(prefix[middle] & ~prefix[start], prefix[end] & ~prefix[middle])
    found = table.tree(graph.all)
    # The greedy tree's price is without the network.
    return found if found is not None and (graph.network or found.seconds < greedy.seconds) else greedy


def _sequence(tree: JoinTree) -> Iterator[int]:
    if tree.left is None or tree.right is None:
        yield tree.members
    else:
        yield from _sequence(tree.left)
        yield from _sequence(tree.right)
