"""Random trees of joins of all kinds over small tables with NULLs, and all orders that a join graph lets them have."""

import random
from dataclasses import dataclass

from shoal.planner import logical
from shoal.planner.cost.cardinality import Estimator
from shoal.planner.cost.join_edges import build_graph
from shoal.planner.cost.join_enumeration import PairEnumerator
from shoal.planner.cost.join_graph import NO_JOIN, JoinGraph
from shoal.planner.cost.join_members import members_of
from shoal.planner.cost.join_region import collect_region
from shoal.planner.cost.join_tree import JoinTree
from shoal.planner.logical import JoinKind, Node
from shoal.planner.protocols import ColumnStatistics, TableStatistics, WithoutSamples
from shoal.planner.source import ArrowSource, TableSource
from tests.planner.small_tables import join, scan, where

KINDS = (JoinKind.INNER, JoinKind.LEFT, JoinKind.FULL, JoinKind.SEMI, JoinKind.ANTI)


class KeyStatistics(WithoutSamples):
    """Tables whose ``x`` is a key, and whose other columns have a tenth as many values."""

    def table(self, source: TableSource, columns: frozenset[str]) -> TableStatistics:
        """Statistics by the rows of the source."""
        assert isinstance(source, ArrowSource)
        found = {}
        for name in columns:
            distinct = float(source.rows) if name == "x" else max(1.0, source.rows / 10)
            found[name] = ColumnStatistics(0, int(distinct), 0.0, distinct)
        return TableStatistics(float(source.rows), float(source.bytes), found)


def labelled(index: int, rows: int, table: str = "a") -> logical.Scan:
    """A scan whose columns are ``t0_x`` and so on."""
    return scan(table, rows, f"t{index}")


def graph_of(node: Node) -> JoinGraph:
    """The join graph of the region that begins at a node."""
    region = collect_region(node)
    return build_graph(members_of(region), region.terms, Estimator(KeyStatistics()))


@dataclass
class RandomJoins:
    """Makes trees in which every join has a condition; equal for equal seeds."""

    seed: int
    kinds: tuple[JoinKind, ...] = KINDS
    count: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def tree(self, relations: int) -> Node:
        """A tree of so many relations."""
        return self._node(relations)[0]

    def _node(self, relations: int) -> tuple[Node, list[int]]:
        if relations == 1:
            self.count += 1
            index = self.count - 1
            return labelled(index, self.chance.randint(10, 10_000), "abcd"[index % 4]), [index]
        split = self.chance.choice([1, relations - 1, self.chance.randint(1, relations - 1)])
        left, lefts = self._node(relations - split)
        right, rights = self._node(split)
        kind = self.chance.choice(self.kinds)
        node: Node = join(left, right, self._condition(kind, lefts, rights), kind)
        visible = lefts if kind in (JoinKind.SEMI, JoinKind.ANTI) else lefts + rights
        if self.chance.random() < 0.2:
            node = where(node, self._filter(visible))
        return node, visible

    def _condition(self, kind: JoinKind, lefts: list[int], rights: list[int]) -> str:
        left, right = self._column(lefts), self._column(rights)
        equality = f"{left} = {right}"
        draw = self.chance.random()
        if kind is JoinKind.FULL:
            return equality if draw < 0.8 else f"{equality} AND {self._column(lefts)} <= {self._column(rights)}"
        if draw < 0.5:
            return equality
        if draw < 0.6:
            return f"{equality} AND {self._column(lefts)} <= {self._column(rights)}"
        if draw < 0.7:
            return f"{left} + {self._column(lefts)} = {right}"
        if draw < 0.8:
            return f"{left} IS NOT DISTINCT FROM {right}"
        if draw < 0.9:
            return f"{equality} OR {self._column(lefts + rights)} IS NULL"
        if draw < 0.95:
            return f"{equality} AND ({self._column(lefts + rights)} IS NULL OR {self._column(lefts + rights)} < 3)"
        return f"{self._column(self.chance.choice([lefts, rights]))} = 1"

    def _filter(self, visible: list[int]) -> str:
        first, second = self._column(visible), self._column(visible)
        return self.chance.choice([f"{first} IS NULL", f"{first} IS NULL OR {second} < 3", f"{first} <= {second}"])

    def _column(self, relations: list[int]) -> str:
        return f"t{self.chance.choice(relations)}_{self.chance.choice('xyz')}"


def all_trees(graph: JoinGraph, most: int = 1000) -> list[JoinTree]:
    """Every order that the enumeration offers and the rules of the graph allow; of each set at most so many."""
    found: dict[int, list[JoinTree]] = {1 << index: [JoinTree(1 << index)] for index in range(len(graph.relations))}

    def emit(first: int, second: int) -> bool:
        for left, right in ((first, second), (second, first)):
            way = graph.way(left, right)
            if way == NO_JOIN or left not in found or right not in found:
                continue
            trees = found.setdefault(left | right, [])
            trees += [JoinTree(left | right, 0.0, one, other, way) for one in found[left] for other in found[right]][
                : most - len(trees)
            ]
        return True

    assert PairEnumerator(graph, emit, found.__contains__).run()
    return found.get(graph.all, [])
