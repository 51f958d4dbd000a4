"""Takes a region apart into relations, and the operators that join them in another way than inner joins do.

Relations are numbered, and sets of relations are bit masks: bit ``i`` stands for relation ``i``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.cost.join_region import Region, is_full_join
from shoal.planner.logical import JoinKind, Node
from shoal.planner.scalar import conjuncts, is_volatile


@dataclass(frozen=True, slots=True)
class Operator:
    """A join that is no inner one: its condition, and all relations of its left and its right side."""

    kind: JoinKind
    terms: tuple[exp.Expression, ...]
    left: int
    right: int


@dataclass(slots=True)
class Members:
    """The relations of a region, those of them that are only joined by inner joins, and all operators."""

    relations: list[Node] = field(default_factory=list)
    inner: int = 0
    operators: list[Operator] = field(default_factory=list)


def members_of(region: Region) -> Members:
    """Relations and operators; full joins among the leaves are taken apart, as far as something in them may move."""
    found = Members()
    leaves = [_add_leaf(leaf, found) for leaf in region.leaves]
    dependents: list[int] = []
    for item in region.dependents:
        left = sum(leaves[index] for index in item.leaves) | sum(dependents[index] for index in item.dependents)
        right = _add_relation(item.node, found)
        dependents.append(right)
        found.operators.append(Operator(item.kind, item.terms, left, right))
    return found


def _add_leaf(leaf: Node, found: Members) -> int:
    if is_full_join(leaf):
        return _add_outer(leaf, found)
    mask = _add_relation(leaf, found)
    found.inner |= mask
    return mask


def _add_outer(node: Node, found: Members) -> int:
    """Add a side of a full join: of all operators only full and left joins may ever leave it."""
    terms = conjuncts(node.condition) if isinstance(node, logical.Join) else ()
    if not isinstance(node, logical.Join) or not _is_steady(terms):
        return _add_relation(node, found)
    if node.kind is not JoinKind.FULL and node.kind is not JoinKind.LEFT:
        return _add_relation(node, found)
    left = _add_outer(node.left, found)
    right = _add_outer(node.right, found) if node.kind is JoinKind.FULL else _add_relation(node.right, found)
    found.operators.append(Operator(node.kind, terms, left, right))
    return left | right


def _add_relation(node: Node, found: Members) -> int:
    found.relations.append(node)
    return 1 << (len(found.relations) - 1)


def _is_steady(terms: Sequence[exp.Expression]) -> bool:
    return not any(is_volatile(term) for term in terms)
