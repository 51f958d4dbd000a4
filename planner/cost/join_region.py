"""Finds the largest parts of a plan whose joins may change places.

A region is a tree of inner joins, and of semi-joins, anti-joins and left joins whose left side is in the region. The
right side of these three becomes a *dependent* of the region: a relation that joins from the right, once all columns of
its condition are there. A left join on the right side of another one is brought into the region with it when it is the
same to do one after the other:

    a LEFT JOIN (b LEFT JOIN c ON q) ON p  =  (a LEFT JOIN b ON p) LEFT JOIN c ON q

if ``q`` is never true where all of ``b`` is NULL, and ``p`` needs nothing of ``c``. Everything else is a leaf, full
joins among them; ``shoal.planner.cost.join_members`` takes those apart for the search of an order.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.logical import JoinKind, Node
from shoal.planner.null_rejection import rejects_nulls
from shoal.planner.scalar import columns_of, conjuncts, is_volatile

DEPENDENT_KINDS = (JoinKind.SEMI, JoinKind.ANTI, JoinKind.LEFT)


@dataclass(frozen=True, slots=True)
class Dependent:
    """The right side of a semi-, anti- or left join; the left side are those leaves and dependents of the region."""

    kind: JoinKind
    node: Node
    terms: tuple[exp.Expression, ...]
    leaves: range
    dependents: range


@dataclass(slots=True)
class Region:
    """Leaves in their order, dependents, and the terms of all inner conditions and filters."""

    leaves: list[Node] = field(default_factory=list)
    dependents: list[Dependent] = field(default_factory=list)
    terms: list[exp.Expression] = field(default_factory=list)


def is_region(node: Node) -> bool:
    """Whether a region begins at a node: a join that may move, perhaps under filters that may."""
    found = _below_filters(node)
    return found is not None and _is_member(found)


def is_full_region(node: Node) -> bool:
    """Whether a node is a full join, perhaps under filters that may move."""
    found = _below_filters(node)
    return found is not None and is_full_join(found)


def is_full_join(node: Node) -> bool:
    """Whether a node is a full join that may change places with what is next to it."""
    if not isinstance(node, logical.Join) or node.kind is not JoinKind.FULL:
        return False
    return not any(is_volatile(term) for term in conjuncts(node.condition))


def _below_filters(node: Node) -> Node | None:
    """The join below filters that may move; None if one may not, or there is no join."""
    below = node
    while isinstance(below, logical.Filter):
        below = below.input
    if not isinstance(below, logical.Join):
        return None  # most filters stand above tables, and what they say need not be looked at
    while isinstance(node, logical.Filter):
        if not _may_move(conjuncts(node.predicate)):
            return None
        node = node.input
    return below


def collect_region(root: Node) -> Region:
    """The region that begins at a node for which ``is_region`` holds; any other node below filters is its one leaf."""
    region = Region()
    _collect(root, region)
    return region


def leaves_of(root: Node) -> Iterator[Node]:
    """Leaves and right sides of dependents, left to right."""
    region = collect_region(root)
    yield from region.leaves
    yield from (item.node for item in region.dependents)


def _collect(node: Node, region: Region) -> None:
    if isinstance(node, logical.Filter) and (is_region(node) or is_full_region(node)):
        region.terms += conjuncts(node.predicate)
        _collect(node.input, region)
    elif isinstance(node, logical.Join) and _is_member(node):
        first = len(region.leaves), len(region.dependents)
        _collect(node.left, region)
        if node.kind is JoinKind.INNER:
            region.terms += conjuncts(node.condition)
            _collect(node.right, region)
        else:
            _add_dependents(node.kind, node.right, conjuncts(node.condition), first, region)
    else:
        region.leaves.append(node)


def _add_dependents(
    kind: JoinKind, right: Node, terms: tuple[exp.Expression, ...], first: tuple[int, int], region: Region
) -> None:
    """Add the right side of a join, whose left side is what the region has got since it was as large as ``first``."""
    if kind is JoinKind.LEFT and isinstance(right, logical.Join) and _comes_apart(terms, right):
        _add_dependents(kind, right.left, terms, first, region)
        _add_dependents(kind, right.right, conjuncts(right.condition), first, region)
    else:
        leaves, dependents = range(first[0], len(region.leaves)), range(first[1], len(region.dependents))
        region.dependents.append(Dependent(kind, right, terms, leaves, dependents))


def _comes_apart(terms: Sequence[exp.Expression], right: logical.Join) -> bool:
    """Whether the two sides of a left join can be left-joined one after the other, the first one under these terms."""
    if right.kind is not JoinKind.LEFT or not _is_member(right):
        return False
    first, second = logical.column_ids(right.left), logical.column_ids(right.right)
    used = frozenset(column for term in terms for column in columns_of(term))
    return used.isdisjoint(second) and any(rejects_nulls(term, first) for term in conjuncts(right.condition))


def _is_member(node: Node) -> bool:
    if not isinstance(node, logical.Join):
        return False
    terms = conjuncts(node.condition)
    if node.kind is JoinKind.INNER:
        return _may_move(terms)
    return node.kind in DEPENDENT_KINDS and not any(is_volatile(term) for term in terms)


def _may_move(terms: Sequence[exp.Expression]) -> bool:
    return not any(is_volatile(term) or not columns_of(term) for term in terms)
