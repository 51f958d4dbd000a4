"""The join graph of a region: relations as bits, conditions as edges, and the rows of every set of relations.

The rows of a set are a product over what it contains, so they do not depend on the order in which it is joined.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.cost.cardinality import Estimator, RelationEstimate
from shoal.planner.cost.join_cardinality import DEFAULT_KEY_SHARE, join_rows
from shoal.planner.cost.join_region import Region
from shoal.planner.cost.model import hash_join_seconds, nested_join_seconds
from shoal.planner.cost.selectivity import selectivity
from shoal.planner.ids import ColumnId
from shoal.planner.logical import JoinKind, Node
from shoal.planner.protocols import ColumnStatistics
from shoal.planner.scalar import columns_of, equality, unwrap

WIDTH_SHARE = 0.5
"""The share of the columns below that a joined row still carries, on average: keys and filters are done with."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A leaf or a dependent: ``kind`` is INNER for leaves; ``needs`` are the relations that must be there before."""

    node: Node
    estimate: RelationEstimate
    kind: JoinKind = JoinKind.INNER
    terms: tuple[exp.Expression, ...] = ()
    needs: int = 0
    factor: float = 1.0
    """What a dependent multiplies the rows by."""
    hashed: bool = True
    """Whether a dependent's condition has an equality to hash by."""


@dataclass(slots=True)
class EqualityClass:
    """Columns that are all equal: per relation the member with the fewest values."""

    mask: int = 0
    members: dict[int, list[ColumnId]] = field(default_factory=dict)
    distinct: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Edge:
    """A term that is no equality of two plain columns: the relations it needs, and what it keeps."""

    term: exp.Expression
    mask: int
    selectivity: float
    hashed: bool


@dataclass(slots=True)
class JoinGraph:
    """All that the search asks: neighbours, validity, rows and prices of sets of relations (as bit masks)."""

    relations: list[Relation]
    classes: list[EqualityClass]
    edges: list[Edge]
    neighbours: list[int]
    dependents: int
    _rows: dict[int, float] = field(default_factory=dict)
    _widths: dict[int, float] = field(default_factory=dict)
    _shared: list[tuple[int, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._shared = _shared_keys(self)

    @property
    def all(self) -> int:
        """The set of all relations."""
        return (1 << len(self.relations)) - 1

    def rows(self, members: int) -> float:
        """The rows of the join of a set."""
        known = self._rows.get(members)
        if known is None:
            known = self._compute_rows(members)
            self._rows[members] = known
        return known

    def width(self, members: int) -> float:
        """The bytes of one row of the join of a set."""
        known = self._widths.get(members)
        if known is None:
            known = sum(self.relations[index].estimate.width for index in bits(members))
            known = known * WIDTH_SHARE if members & (members - 1) else known
            self._widths[members] = known
        return known

    def dependent(self, members: int) -> Relation | None:
        """The dependent that a set consists of, or None for any other set."""
        if members & self.dependents and not members & (members - 1):
            return self.relations[members.bit_length() - 1]
        return None

    def joinable(self, left: int, right: int) -> bool:
        """Whether the two sets may be joined with the second one on the right."""
        if self.dependent(left) is not None:
            return False
        alone = self.dependent(right)
        return alone is None or alone.needs & ~left == 0

    def price(self, left: int, right: int) -> float:
        """The price of joining two sets, with the right one as the build side."""
        both = left | right
        rows, width = self.rows(both), self.width(both)
        alone = self.dependent(right)
        hashed = self.has_equality(left, right) if alone is None else alone.hashed
        if not hashed:
            return nested_join_seconds(self.rows(left), self.rows(right), rows, width)
        return hash_join_seconds(self.rows(left), self.rows(right), self.width(right), rows, width)

    def has_equality(self, left: int, right: int) -> bool:
        """Whether a hash join is possible."""
        if any(item.mask & left and item.mask & right for item in self.classes):
            return True
        both = left | right
        return any(
            edge.hashed and edge.mask & left and edge.mask & right and edge.mask & ~both == 0 for edge in self.edges
        )

    def _compute_rows(self, members: int) -> float:
        alone = self.dependent(members)
        if alone is not None:
            return alone.estimate.rows
        rows = 1.0
        for index in bits(members):
            relation = self.relations[index]
            rows *= relation.factor if relation.kind is not JoinKind.INNER else relation.estimate.rows
        for item in self.classes:
            rows *= _class_selectivity(item, members)
        for pair, correction in self._shared:
            if pair & ~members == 0:
                rows *= correction
        for edge in self.edges:
            if edge.mask & ~members == 0:
                rows *= edge.selectivity
        return max(1.0, rows)


def bits(members: int) -> Iterable[int]:
    """The indexes of the relations in a set."""
    while members:
        lowest = members & -members
        yield lowest.bit_length() - 1
        members ^= lowest


def _class_selectivity(item: EqualityClass, members: int) -> float:
    """One over the distinct counts of all members but the smallest: each further equality divides once."""
    common = item.mask & members
    if not common & (common - 1):
        return 1.0
    product, least = 1.0, float("inf")
    for index, distinct in item.distinct.items():
        if common >> index & 1:
            product *= distinct
            least = min(least, distinct)
    return least / product


def _shared_keys(graph: JoinGraph) -> list[tuple[int, float]]:
    """For relations joined by several keys at once: what the product of the keys' selectivities is too small by.

    The combinations that exist are no more than the smaller relation has rows, before any filter on it.
    """
    corrections: list[tuple[int, float]] = []
    leaves = [index for index, relation in enumerate(graph.relations) if relation.kind is JoinKind.INNER]
    for position, first in enumerate(leaves):
        for second in leaves[position + 1 :]:
            pair = 1 << first | 1 << second
            keys = [item for item in graph.classes if item.mask & pair == pair]
            if len(keys) < 2:
                continue
            combinations = 1.0
            for item in keys:
                combinations *= max(item.distinct[first], item.distinct[second])
            largest = max(max(item.distinct[first], item.distinct[second]) for item in keys)
            existing = min(graph.relations[index].estimate.domain for index in (first, second))
            corrections.append((pair, combinations / min(combinations, max(largest, existing))))
    return corrections


def build_graph(region: Region, estimator: Estimator) -> JoinGraph:
    """The graph of a region; terms over a single leaf must have been pushed into it."""
    estimates = [estimator.estimate(leaf) for leaf in region.leaves]
    relations = [Relation(leaf, estimate) for leaf, estimate in zip(region.leaves, estimates, strict=True)]
    home: dict[ColumnId, int] = {}
    types: dict[ColumnId, str] = {}
    for index, leaf in enumerate(region.leaves):
        for column in logical.schema(leaf):
            home[column.id], types[column.id] = index, column.type
    columns: dict[ColumnId, ColumnStatistics] = {}
    for estimate in estimates:
        columns |= estimate.columns
    _add_dependents(region, estimator, relations, home, columns)
    leaf_columns = frozenset(types)
    classes = _equality_classes(region.terms, home, types, columns, relations)
    edges = [_edge(term, home, columns) for term in region.terms if not _is_class_term(term, types, leaf_columns)]
    dependents = sum(1 << index for index, relation in enumerate(relations) if relation.kind is not JoinKind.INNER)
    return JoinGraph(relations, classes, edges, _neighbours(relations, classes, edges), dependents)


def _add_dependents(
    region: Region,
    estimator: Estimator,
    relations: list[Relation],
    home: dict[ColumnId, int],
    columns: dict[ColumnId, ColumnStatistics],
) -> None:
    for item in region.dependents:
        index = len(relations)
        estimate = estimator.estimate(item.node)
        own = logical.column_ids(item.node)
        used = frozenset(column for term in item.terms for column in columns_of(term)) - own
        needs = mask_of(used, home) or 1 << item.anchor
        left_rows = max(relations[bit].estimate.rows for bit in bits(needs))
        left_domain = max(relations[bit].estimate.domain for bit in bits(needs))
        left = {column: columns.get(column, ColumnStatistics()) for column in used}
        rows = join_rows(
            item.kind, item.terms, (left_rows, left, left_domain), (estimate.rows, estimate.columns, estimate.domain)
        )
        hashed = any(_splits(term, own) for term in item.terms)
        factor = rows / max(left_rows, 1.0)
        relations.append(Relation(item.node, estimate, item.kind, item.terms, needs, factor, hashed))
        if item.kind is JoinKind.LEFT:
            home |= dict.fromkeys(own, index)
            columns |= estimate.columns


def _splits(term: exp.Expression, side: frozenset[ColumnId]) -> bool:
    """Whether a term is an equality between something of one side and something of the other."""
    sides = equality(term)
    if sides is None:
        return isinstance(unwrap(term), exp.NullSafeEQ)
    first, second = columns_of(sides[0]), columns_of(sides[1])
    if not first or not second:
        return False
    return (first <= side and second.isdisjoint(side)) or (second <= side and first.isdisjoint(side))


def mask_of(columns: Iterable[ColumnId], home: Mapping[ColumnId, int]) -> int:
    """The relations that deliver these columns."""
    mask = 0
    for column in columns:
        mask |= 1 << home[column]
    return mask


def class_columns(term: exp.Expression) -> tuple[ColumnId, ColumnId] | None:
    """The two columns of an equality of plain columns, or None."""
    sides = equality(term)
    if sides is None:
        return None
    left, right = unwrap(sides[0]), unwrap(sides[1])
    if not (isinstance(left, exp.Column) and isinstance(right, exp.Column)):
        return None
    return ColumnId(left.name), ColumnId(right.name)


def _is_class_term(term: exp.Expression, types: Mapping[ColumnId, str], leaf_columns: frozenset[ColumnId]) -> bool:
    """Whether a term may be closed transitively: columns of leaves (never NULL-extended) of one and the same type."""
    pair = class_columns(term)
    return (
        pair is not None and leaf_columns.issuperset(pair) and bool(types[pair[0]]) and types[pair[0]] == types[pair[1]]
    )


def _equality_classes(
    terms: Iterable[exp.Expression],
    home: Mapping[ColumnId, int],
    types: Mapping[ColumnId, str],
    columns: Mapping[ColumnId, ColumnStatistics],
    relations: list[Relation],
) -> list[EqualityClass]:
    groups: dict[ColumnId, list[ColumnId]] = {}
    for term in terms:
        pair = class_columns(term)
        if pair is None or not _is_class_term(term, types, frozenset(types)):
            continue
        first, second = (groups.setdefault(column, [column]) for column in pair)
        if first is not second:
            first += second
            for column in second:
                groups[column] = first
    found: list[EqualityClass] = []
    for group in {id(group): group for group in groups.values()}.values():
        item = EqualityClass()
        for column in group:
            index = home[column]
            rows = relations[index].estimate.rows
            distinct = columns[column].distinct or max(1.0, rows * DEFAULT_KEY_SHARE)
            item.mask |= 1 << index
            item.members.setdefault(index, []).append(column)
            item.distinct[index] = min(distinct, item.distinct.get(index, distinct))
        found.append(item)
    return found


def _edge(term: exp.Expression, home: Mapping[ColumnId, int], columns: Mapping[ColumnId, ColumnStatistics]) -> Edge:
    sides = equality(term)
    hashed = False
    if sides is not None:
        first, second = (mask_of(columns_of(side), home) for side in sides)
        hashed = bool(first) and bool(second) and not first & second
    return Edge(term, mask_of(columns_of(term), home), selectivity(term, columns), hashed)


def _neighbours(relations: list[Relation], classes: list[EqualityClass], edges: list[Edge]) -> list[int]:
    """For each relation those that a condition connects it with, if it connects just two, or all members of a class."""
    found = [0] * len(relations)
    masks = [item.mask for item in classes] + [edge.mask for edge in edges if edge.mask.bit_count() == 2]
    for mask in masks:
        for index in bits(mask):
            found[index] |= mask & ~(1 << index)
    for index, relation in enumerate(relations):
        for other in bits(relation.needs):
            found[index] |= 1 << other
            found[other] |= 1 << index
    leaves = sum(1 << index for index, relation in enumerate(relations) if relation.kind is JoinKind.INNER)
    for index in bits(leaves):
        # What nothing connects has to be a cross product somewhere, so it may be one anywhere.
        if not found[index] and leaves & ~(1 << index):
            found[index] = leaves & ~(1 << index)
            for other in bits(found[index]):
                found[other] |= 1 << index
    return found
