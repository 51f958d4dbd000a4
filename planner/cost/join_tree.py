"""Join trees, and the table of the cheapest one for each set of relations."""

from dataclasses import dataclass, field

from shoal.planner.cost.join_graph import INNER_JOIN, NO_JOIN, JoinGraph


@dataclass(frozen=True, slots=True)
class JoinTree:
    """A join tree over relations: a leaf has one member. The right side of an inner join is the build side.

    ``way`` is how the two sides are joined, as ``JoinGraph.way`` says it.
    """

    members: int
    seconds: float = 0.0
    left: "JoinTree | None" = None
    right: "JoinTree | None" = None
    way: int = INNER_JOIN


@dataclass(slots=True)
class TreeTable:
    """The cheapest way found so far to make each set; it takes at most so many pairs.

    ``best`` has for each set the seconds, the sets on the left and on the right, and how they are joined: thousands of
    sets are made that no tree is written of.
    """

    graph: JoinGraph
    most_pairs: int = 1 << 62
    best: dict[int, tuple[float, int, int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for index in range(len(self.graph.relations)):
            self.best[1 << index] = (0.0, 0, 0, INNER_JOIN)

    def tree(self, members: int) -> JoinTree | None:
        """The cheapest tree of a set; None if there is no way to make it."""
        known = self.best.get(members)
        if known is None:
            return None
        seconds, left, right, way = known
        if not left:
            return JoinTree(members)
        return JoinTree(members, seconds, self.tree(left), self.tree(right), way)

    def offer(self, first: int, second: int) -> bool:
        """Consider joining two sets, either way round; False once there were too many pairs."""
        self.most_pairs -= 1
        one, other = self.best.get(first), self.best.get(second)
        if one is None or other is None:
            return self.most_pairs > 0
        way = INNER_JOIN if self.graph.only_inner else self.graph.way(first, second)
        paid = one[0] + other[0]
        if way == INNER_JOIN:
            both = first | second
            known = self.best.get(both)
            if known is not None and paid + self.graph.joined(first, second).output >= known[0]:
                return self.most_pairs > 0  # nothing that the join itself costs can make up for its inputs
            building_second, building_first = self.graph.inner_prices(first, second)
            if building_second <= building_first:
                self._keep(paid + building_second, first, second, way)
            else:
                self._keep(paid + building_first, second, first, way)
            return self.most_pairs > 0
        if way == NO_JOIN:
            first, second = second, first
            way = self.graph.way(first, second)
        if way != NO_JOIN:
            self._keep(paid + self.graph.operator_price(first, second, way), first, second, way)
        return self.most_pairs > 0

    def _keep(self, seconds: float, left: int, right: int, way: int) -> None:
        known = self.best.get(left | right)
        if known is None or seconds < known[0]:
            self.best[left | right] = seconds, left, right, way
