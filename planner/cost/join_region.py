"""Finds the largest parts of a plan whose joins may change places.

A region is a tree of inner joins, and of semi-joins, anti-joins and left joins whose left side is in the region. Inner
joins commute with those three, as none of them changes the rows of a left side but by dropping or, in a left join,
repeating some: ``(a JOIN b) SEMI JOIN r  =  (a SEMI JOIN r) JOIN b`` when its condition needs no column of ``b``. So
the right side ``r`` becomes a *dependent* of the region: a relation that joins alone, and from the right, once all
columns of its condition are there. Everything else is a leaf.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.logical import JoinKind, Node
from shoal.planner.scalar import columns_of, conjuncts, is_volatile

DEPENDENT_KINDS = (JoinKind.SEMI, JoinKind.ANTI, JoinKind.LEFT)


@dataclass(frozen=True, slots=True)
class Dependent:
    """The right side of a semi-, anti- or left join, and the first leaf of its left side."""

    kind: JoinKind
    node: Node
    terms: tuple[exp.Expression, ...]
    anchor: int


@dataclass(slots=True)
class Region:
    """Leaves in their order, dependents, and the terms of all inner conditions and filters."""

    leaves: list[Node] = field(default_factory=list)
    dependents: list[Dependent] = field(default_factory=list)
    terms: list[exp.Expression] = field(default_factory=list)


def is_region(node: Node) -> bool:
    """Whether a region begins at a node: a join that may move, perhaps under filters that may."""
    while isinstance(node, logical.Filter):
        if not _may_move(conjuncts(node.predicate)):
            return False
        node = node.input
    return _is_member(node)


def collect_region(root: Node) -> Region:
    """The region that begins at a node for which ``is_region`` holds."""
    region = Region()
    _collect(root, region)
    return region


def leaves_of(root: Node) -> Iterator[Node]:
    """Leaves and right sides of dependents, left to right."""
    region = collect_region(root)
    yield from region.leaves
    yield from (item.node for item in region.dependents)


def _collect(node: Node, region: Region) -> None:
    if isinstance(node, logical.Filter) and is_region(node):
        region.terms += conjuncts(node.predicate)
        _collect(node.input, region)
    elif isinstance(node, logical.Join) and _is_member(node):
        first = len(region.leaves)
        _collect(node.left, region)
        if node.kind is JoinKind.INNER:
            region.terms += conjuncts(node.condition)
            _collect(node.right, region)
        else:
            region.dependents.append(Dependent(node.kind, node.right, conjuncts(node.condition), first))
    else:
        region.leaves.append(node)


def _is_member(node: Node) -> bool:
    if not isinstance(node, logical.Join):
        return False
    terms = conjuncts(node.condition)
    if node.kind is JoinKind.INNER:
        return _may_move(terms)
    return node.kind in DEPENDENT_KINDS and not any(is_volatile(term) for term in terms)


def _may_move(terms: Sequence[exp.Expression]) -> bool:
    return not any(is_volatile(term) or not columns_of(term) for term in terms)
