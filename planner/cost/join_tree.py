"""Join trees, and the table of the cheapest one for each set of relations."""

import math
from dataclasses import dataclass, field

from shoal.planner.cost.join_graph import INNER_JOIN, NO_JOIN, JoinGraph, meeting
from shoal.planner.cost.model import NESTED_PAIR, PROBE_ROW
from shoal.planner.logical import JoinKind


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


Way = tuple[float, int, int, int, int]
"""Seconds, the sets on the left and on the right, how they are joined, and by which classes the rows lie parted."""


@dataclass(slots=True)
class TreeTable:
    """The cheapest way found so far to make each set; it takes at most so many pairs.

    Thousands of sets are made that no tree is written of.
    """

    graph: JoinGraph
    most_pairs: int = 1 << 62
    best: dict[int, Way] = field(default_factory=dict)
    _only_inner: bool = False
    _regrouped: float | None = None
    """What it costs more to end with rows that are not parted as the aggregate above wants them."""

    def __post_init__(self) -> None:
        network = self.graph.network
        self._only_inner = self.graph.only_inner
        for index in range(len(self.graph.relations)):
            self.best[1 << index] = (0.0, 0, 0, INNER_JOIN, 0 if network is None else network.parted[index])

    def tree(self, members: int) -> JoinTree | None:
        """The cheapest tree of a set; None if there is no way to make it."""
        known = self.best.get(members)
        if known is None:
            return None
        seconds, left, right, way, _ = known
        if not left:
            return JoinTree(members)
        return JoinTree(members, seconds, self.tree(left), self.tree(right), way)

    def offer(self, first: int, second: int) -> bool:
        """Consider joining two sets, either way round; False once there were too many pairs."""
        self.most_pairs -= 1
        one, other = self.best.get(first), self.best.get(second)
        if one is None or other is None:
            return self.most_pairs > 0
        way = INNER_JOIN if self._only_inner else self.graph.way(first, second)
        if way == INNER_JOIN:
            self._offer_inner(first, second, one, other)
            return self.most_pairs > 0
        paid = one[0] + other[0]
        if way == NO_JOIN:
            first, second = second, first
            way = self.graph.way(first, second)
        if way != NO_JOIN:
            seconds, parted = paid + self.graph.operator_price(first, second, way), 0
            if self.graph.network is not None:
                moved, parted = self._moved_by(first, second, way)
                seconds += moved
            self._keep(seconds, first, second, way, parted)
        return self.most_pairs > 0

    def _offer_inner(self, first: int, second: int, one: Way, other: Way) -> None:
        """Consider an inner join of two sets, of which either may be the build side; most prices end with a glance."""
        graph = self.graph
        whole = graph.sets.get(first | second) or graph.joined(first, second)
        known = self.best.get(first | second)
        paid = one[0] + other[0] + whole.output
        most = math.inf if known is None else known[0]
        if paid >= most:
            return
        left, right = graph.sets[first], graph.sets[second]
        building_second, building_first = paid + right.build, paid + left.build
        if graph.only_equalities or graph.has_equality(first, second):
            building_second += left.rows * PROBE_ROW + whole.rows * right.miss + left.bytes * right.spill
            building_first += right.rows * PROBE_ROW + whole.rows * left.miss + right.bytes * left.spill
        else:
            compared = left.rows * right.rows * NESTED_PAIR
            building_second, building_first = building_second + compared, building_first + compared
        if building_second >= most and building_first >= most:
            return
        turned = building_first < building_second
        if graph.network is None:
            if turned:
                self._keep(building_first, second, first, INNER_JOIN)
            else:
                self._keep(building_second, first, second, INNER_JOIN)
            return
        for seconds, left_side, right_side, parted in (
            (building_second + right.send, first, second, one[4]),
            (building_first + left.send, second, first, other[4]),
        ):
            if seconds < most:
                self._keep(seconds, left_side, right_side, INNER_JOIN, parted)
        cheaper = building_first if turned else building_second
        known = self.best.get(first | second)
        if known is not None and cheaper >= known[0]:
            return
        moved, parted = meeting(left, right, one[4], other[4])
        if turned:
            self._keep(cheaper + moved, second, first, INNER_JOIN, parted)
        else:
            self._keep(cheaper + moved, first, second, INNER_JOIN, parted)

    def _moved_by(self, left: int, right: int, way: int) -> tuple[float, int]:
        """What an operator's join moves, and how its rows are parted then: only its right side may be sent to all."""
        parted = self.best[left][4]
        one, other = self.graph.of(left), self.graph.of(right)
        moved = meeting(one, other, parted, self.best[right][4])
        sent = other.send
        if self.graph.operators[way].operator.kind is not JoinKind.FULL and sent < moved[0]:
            return sent, parted
        return moved if moved[0] < math.inf else (sent + one.send, 0)

    def _keep(self, seconds: float, left: int, right: int, way: int, parted: int = 0) -> None:
        both = left | right
        network = self.graph.network
        if network is not None and network.wanted and not parted & network.wanted and both == self.graph.all:
            if self._regrouped is None:
                whole = self.graph.of(both)
                self._regrouped = network.regroup(whole.rows, whole.bytes)
            seconds += self._regrouped
        known = self.best.get(both)
        if known is None or seconds < known[0]:
            self.best[both] = seconds, left, right, way, parted
