"""The join graph of a region: what joins relations, and the rows and prices of every set of them (as bit masks).

It is a hypergraph: a condition over more than two relations, or a join that is no inner one, connects two *sets*. The
rows of a set are a product over what it contains, so they do not depend on the order in which it is joined.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlglot import exp

from shoal.planner.cost.cardinality import RelationEstimate
from shoal.planner.cost.join_conflicts import Placement, Rule, holds
from shoal.planner.cost.join_members import Operator
from shoal.planner.cost.join_network import Network
from shoal.planner.cost.model import (
    BUILD_BYTE,
    BUILD_LEFT_FACTOR,
    BUILD_ROW,
    NESTED_PAIR,
    OUTPUT_BYTE,
    OUTPUT_ROW,
    PROBE_ROW,
    SPILL_BYTE,
    miss_seconds,
)
from shoal.planner.ids import ColumnId
from shoal.planner.logical import JoinKind, Node
from shoal.planner.scalar import equality, unwrap

WIDTH_SHARE = 0.5
"""The share of the columns below that a joined row still carries, on average: keys and filters are done with."""

NO_JOIN = -2
"""What ``JoinGraph.way`` says of two sets that must not be joined."""

INNER_JOIN = -1
"""What it says of two sets that are joined by an inner join; for any other join it says the index of the operator."""


@dataclass(frozen=True, slots=True)
class Relation:
    """What is joined, and what is known of it."""

    node: Node
    estimate: RelationEstimate


@dataclass(slots=True)
class EqualityClass:
    """Columns that are all equal: per relation the member with the fewest values."""

    mask: int = 0
    members: dict[int, list[ColumnId]] = field(default_factory=dict)
    distinct: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Edge:
    """A term of an inner join or a filter that is no equality of two plain columns of leaves.

    ``mask`` are the relations that must be there for it; ``sides`` the pairs of sets that it connects.
    """

    term: exp.Expression
    mask: int
    selectivity: float
    hashed: bool
    sides: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class JoinOperator:
    """An operator, where it may stand, whether it can hash, and what is known of the rows that it delivers.

    ``factor`` is what it multiplies the left rows by; of a full join the share of all pairs of rows that match.
    """

    operator: Operator
    placement: Placement
    hashed: bool
    factor: float

    @property
    def mask(self) -> int:
        """The relations that must be there."""
        return self.placement.left | self.placement.right


@dataclass(slots=True)
class SetOfRelations:
    """Rows and bytes of the join of a set; the seconds to build on it, that a match in it costs more, to deliver it.

    ``raw`` are the rows before they are made at least one. ``spill`` are the seconds for each byte of the other side
    when the set is built on and memory cannot hold it; ``width`` is that of all columns of its relations; ``least`` is
    for each equality class the fewest values that a member has in the set. In a cluster ``keys`` are the classes of
    columns by which the set can be parted, ``move`` and ``send`` the seconds for taking its rows to the tasks of their
    keys, or to every task, ``again`` those for making it in another task as well.
    """

    raw: float
    rows: float
    bytes: float
    build: float
    miss: float
    output: float
    spill: float
    width: float
    least: dict[int, float]
    keys: int = 0
    move: float = 0.0
    send: float = 0.0
    again: float = 0.0


@dataclass(slots=True)
class JoinGraph:
    """All that the search asks: neighbours, validity, rows and prices of sets of relations."""

    relations: list[Relation]
    classes: list[EqualityClass]
    edges: list[Edge]
    operators: list[JoinOperator]
    rules: tuple[Rule, ...]
    memory_bytes: float
    network: Network | None = None
    corrections: list[tuple[int, float]] = field(default_factory=list)
    neighbours: list[int] = field(default_factory=list)
    hash_neighbours: list[int] = field(default_factory=list)
    hyperedges: list[tuple[int, int]] = field(default_factory=list)
    only_equalities: bool = False
    sets: dict[int, SetOfRelations] = field(default_factory=dict)
    """What is known of sets so far; of all sets of one relation."""
    _factors: list[list[tuple[int, float]]] = field(default_factory=list)
    _hash_hyperedges: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._factors = [[] for _ in self.relations]
        for mask, factor in [*((edge.mask, edge.selectivity) for edge in self.edges), *self.corrections]:
            for index in bits(mask):
                self._factors[index].append((mask, factor))
        for index, relation in enumerate(self.relations):
            least = {number: item.distinct[index] for number, item in enumerate(self.classes) if item.mask >> index & 1}
            rows = relation.estimate.rows
            for mask, factor in self._factors[index]:
                rows *= factor if mask == 1 << index else 1.0
            width = relation.estimate.width
            found = self._describe(rows, width, width, least)
            if self.network is not None:
                self._place(found, self.network.keys[index], self.network.again[index])
            self.sets[1 << index] = found
        self._hash_hyperedges = [
            sides for edge in self.edges if edge.hashed for sides in edge.sides if edge.mask.bit_count() > 2
        ]

    @property
    def only_inner(self) -> bool:
        """Whether every join of two sets is an inner one, and none is forbidden."""
        return not self.operators and not self.rules

    @property
    def all(self) -> int:
        """The set of all relations."""
        return (1 << len(self.relations)) - 1

    def of(self, members: int) -> SetOfRelations:
        """What is known of a set."""
        known = self.sets.get(members)
        if known is None:
            rest = members & (members - 1)
            known = self.joined(members ^ rest, rest)
        return known

    def rows(self, members: int) -> float:
        """The rows of the join of a set."""
        return self.of(members).rows

    def joined(self, first: int, second: int) -> SetOfRelations:
        """What is known of the join of two sets."""
        known = self.sets.get(first | second)
        if known is None:
            known = self._join(first, second)
            self.sets[first | second] = known
        return known

    def around(self, members: int) -> int:
        """The relations next to a set by conditions between two relations."""
        found = 0
        for index in bits(members):
            found |= self.neighbours[index]
        return found & ~members

    def connected(self, first: int, second: int) -> bool:
        """Whether anything is between two sets that can join them."""
        return bool(self.around(first) & second) or any(
            (not one & ~first and not other & ~second) or (not one & ~second and not other & ~first)
            for one, other in self.hyperedges
        )

    def way(self, first: int, second: int) -> int:
        """How two sets are joined when the first one is on the left: an operator's index, INNER_JOIN, or NO_JOIN."""
        both = first | second
        found = INNER_JOIN
        for index, item in enumerate(self.operators):
            mask = item.mask
            if mask & ~both or not mask & ~first or not mask & ~second:
                continue
            if found != INNER_JOIN or item.placement.left & ~first or item.placement.right & ~second:
                return NO_JOIN
            found = index
        rules = self.rules if found == INNER_JOIN else self.operators[found].placement.rules
        return found if not rules or holds(both, rules) else NO_JOIN

    def inner_prices(self, first: int, second: int) -> tuple[float, float]:
        """The prices of an inner join of two sets, with the second one and with the first one as the build side."""
        sets = self.sets
        both, one, other = self.joined(first, second), sets[first], sets[second]
        if not self.only_equalities and not self.has_equality(first, second):
            compared = one.rows * other.rows * NESTED_PAIR + both.output
            return compared + other.build, compared + one.build
        return _hashed(one, other, both), _hashed(other, one, both)

    def operator_price(self, left: int, right: int, index: int) -> float:
        """The price of joining two sets by an operator, which builds on the side that is better."""
        both, one, other = self.joined(left, right), self.of(left), self.of(right)
        if one.rows * BUILD_LEFT_FACTOR < other.rows:
            one, other = other, one
        if not self.operators[index].hashed:
            return one.rows * other.rows * NESTED_PAIR + other.build + both.output
        return _hashed(one, other, both)

    def price(self, left: int, right: int, way: int) -> float:
        """The price of joining two sets; an inner join builds on the right one."""
        return self.inner_prices(left, right)[0] if way == INNER_JOIN else self.operator_price(left, right, way)

    def has_equality(self, left: int, right: int) -> bool:
        """Whether an inner join of two sets, between which there is an edge, can hash."""
        for index in bits(left if left.bit_count() <= right.bit_count() else right):
            if self.hash_neighbours[index] & (left if right >> index & 1 else right):
                return True
        return any(
            (not one & ~left and not other & ~right) or (not one & ~right and not other & ~left)
            for one, other in self._hash_hyperedges
        )

    def _join(self, first: int, second: int) -> SetOfRelations:
        one, other = self.of(first), self.of(second)
        both = first | second
        rows = one.raw * other.raw
        for item in self.operators:
            if not item.mask & ~both and item.mask & ~first and item.mask & ~second:
                rows = self._joined_by(item, rows, one.raw, other.raw)
        fewer, more, inside, rival = first, second, one, other
        if first.bit_count() > second.bit_count():
            fewer, more, inside, rival = second, first, other, one
        for index in bits(fewer):
            below = (1 << index) - 1
            for mask, factor in self._factors[index]:
                if not mask & ~both and mask & more and not mask & fewer & below:
                    rows *= factor
        least = {**one.least, **other.least}
        for number, distinct in inside.least.items():
            theirs = rival.least.get(number)
            if theirs is not None:
                rows /= max(distinct, theirs)
                least[number] = min(distinct, theirs)
        width = one.width + other.width
        found = self._describe(rows, width * WIDTH_SHARE, width, least)
        if self.network is not None:
            self._place(
                found, one.keys | other.keys, one.again + other.again + min(one.build, other.build) + found.output
            )
        return found

    def _place(self, found: SetOfRelations, keys: int, again: float) -> None:
        if self.network is not None:
            found.keys = keys
            found.again = again
            found.move = self.network.move(found.rows, found.bytes)
            found.send = self.network.send(found.bytes, found.build, again)

    def _joined_by(self, item: JoinOperator, rows: float, first: float, second: float) -> float:
        if item.operator.kind is JoinKind.FULL:
            matched = rows * item.factor
            return max(matched, first, second) if item.hashed else matched + first + second
        right = item.operator.right.bit_length() - 1
        return rows * item.factor / self.relations[right].estimate.rows

    def _describe(self, raw: float, width: float, full: float, least: dict[int, float]) -> SetOfRelations:
        rows = max(1.0, raw)
        size = rows * width
        spilled = 1.0 - self.memory_bytes / size if size > self.memory_bytes else 0.0
        build = rows * BUILD_ROW + size * (BUILD_BYTE + spilled * SPILL_BYTE)
        output = rows * (OUTPUT_ROW + width * OUTPUT_BYTE)
        return SetOfRelations(raw, rows, size, build, miss_seconds(size), output, spilled * SPILL_BYTE, full, least)


def meeting(one: SetOfRelations, other: SetOfRelations, parted: int, other_parted: int) -> tuple[float, int]:
    """The seconds for bringing the rows of two sets together by a key, and the classes they are parted by then.

    ``parted`` are the classes by which either set lies parted already; infinite without a key.
    """
    shared = one.keys & other.keys
    if not shared:
        return math.inf, 0
    both = parted & other_parted & shared
    if both:
        return 0.0, both
    seconds, left = one.move + other.move, 0 if shared & (shared - 1) else shared
    if parted & shared and other.move < seconds:
        seconds, left = other.move, parted & shared
    if other_parted & shared and one.move < seconds:
        seconds, left = one.move, other_parted & shared
    return seconds, left


def _hashed(probe: SetOfRelations, build: SetOfRelations, both: SetOfRelations) -> float:
    seconds = build.build + probe.rows * PROBE_ROW + both.rows * build.miss + both.output
    return seconds + probe.bytes * build.spill if build.spill else seconds


def bits(members: int) -> Iterable[int]:
    """The indexes of the relations in a set."""
    while members:
        lowest = members & -members
        yield lowest.bit_length() - 1
        members ^= lowest


def class_columns(term: exp.Expression) -> tuple[ColumnId, ColumnId] | None:
    """The two columns of an equality of plain columns, or None; ``x = x`` only says that x is not NULL."""
    sides = equality(term)
    if sides is None:
        return None
    left, right = unwrap(sides[0]), unwrap(sides[1])
    if not (isinstance(left, exp.Column) and isinstance(right, exp.Column)) or left.name == right.name:
        return None
    return ColumnId(left.name), ColumnId(right.name)
