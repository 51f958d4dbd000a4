"""Enumerates the pairs of sets of relations whose joins make up all bushy trees without needless cross products.

This is DPhyp of Moerkotte and Neumann, "Dynamic Programming Strikes Back" (SIGMOD 2008): connected subgraphs of the
join hypergraph, each with all connected subgraphs that an edge leads to, so that every pair comes once and after all
pairs within its two sets. A set grows by its neighbours; of a hyperedge's far side the lowest relation stands for all.
"""

from collections.abc import Callable, Iterator

from shoal.planner.cost.join_graph import JoinGraph

Emit = Callable[[int, int], bool]
"""Takes a pair; False ends the enumeration."""


class Exhausted(Exception):
    """There are more pairs than may be looked at."""


class PairEnumerator:
    """One run over one graph; ``known`` says whether a set has a plan, by which it is connected."""

    def __init__(self, graph: JoinGraph, emit: Emit, known: Callable[[int], bool]) -> None:
        self.graph = graph
        self.emit = emit
        self.known = known
        self._around: dict[int, int] = {}

    def run(self) -> bool:
        """Emit all pairs; False if ``emit`` ended it."""
        try:
            for index in reversed(range(len(self.graph.relations))):
                start = 1 << index
                self._pairs_of(start)
                self._grow_first(start, (start << 1) - 1)
        except Exhausted:
            return False
        return True

    def _grow_first(self, first: int, excluded: int) -> None:
        around = self._neighbourhood(first, excluded)
        if not around:
            return
        for part in subsets(around):
            if self.known(first | part):
                self._pairs_of(first | part)
        excluded |= around
        for part in subsets(around):
            self._grow_first(first | part, excluded)

    def _pairs_of(self, first: int) -> None:
        """All pairs with this first set; their second sets have only relations above its lowest one."""
        excluded = first | ((first & -first) - 1)
        around = left = self._neighbourhood(first, excluded)
        simple = self._simple(first)
        while left:
            second = 1 << (left.bit_length() - 1)
            left ^= second
            if (second & simple or self._connected(first, second)) and not self.emit(first, second):
                raise Exhausted
            beyond = excluded | (around & ((second << 1) - 1))
            # Most relations at the end of a row have no other neighbours.
            if self.graph.hyperedges or self._simple(second) & ~beyond:
                self._grow_second(first, second, beyond)

    def _grow_second(self, first: int, second: int, excluded: int) -> None:
        around = self._neighbourhood(second, excluded)
        if not around:
            return
        for part in subsets(around):
            grown = second | part
            if self.known(grown) and self._connected(first, grown) and not self.emit(first, grown):
                raise Exhausted
        excluded |= around
        for part in subsets(around):
            self._grow_second(first, second | part, excluded)

    def _connected(self, first: int, second: int) -> bool:
        if self._simple(first) & second:
            return True
        return bool(self.graph.hyperedges) and self.graph.connected(first, second)

    def _simple(self, members: int) -> int:
        known = self._around.get(members)
        if known is None:
            known = self._around[members] = self.graph.around(members)
        return known

    def _neighbourhood(self, members: int, excluded: int) -> int:
        found = self._around.get(members)
        found = (self._simple(members) if found is None else found) & ~excluded
        for edge in self.graph.hyperedges:
            for one, other in (edge, edge[::-1]):
                if not one & ~members and not other & (members | excluded | found):
                    found |= other & -other
        return found


def subsets(members: int) -> Iterator[int]:
    """All subsets but the empty one, each after its own subsets."""
    subset = -members & members
    while subset:
        yield subset
        subset = (subset - members) & members
