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
    """The cheapest tree found so far for each set; it takes at most so many pairs."""

    graph: JoinGraph
    most_pairs: int = 1 << 62
    best: dict[int, JoinTree] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for index in range(len(self.graph.relations)):
            self.best[1 << index] = JoinTree(1 << index)

    def offer(self, first: int, second: int) -> bool:
        """Consider joining two sets, either way round; False once there were too many pairs."""
        self.most_pairs -= 1
        one, other = self.best.get(first), self.best.get(second)
        if one is None or other is None:
            return self.most_pairs > 0
        way = self.graph.way(first, second)
        paid = one.seconds + other.seconds
        if way == INNER_JOIN:
            building_second, building_first = self.graph.inner_prices(first, second)
            if building_second <= building_first:
                self._keep(paid + building_second, one, other, way)
            else:
                self._keep(paid + building_first, other, one, way)
            return self.most_pairs > 0
        if way == NO_JOIN:
            one, other = other, one
            way = self.graph.way(second, first)
        if way != NO_JOIN:
            self._keep(paid + self.graph.operator_price(one.members, other.members, way), one, other, way)
        return self.most_pairs > 0

    def _keep(self, seconds: float, left: JoinTree, right: JoinTree, way: int) -> None:
        both = left.members | right.members
        known = self.best.get(both)
        if known is None or seconds < known.seconds:
            self.best[both] = JoinTree(both, seconds, left, right, way)
