"""Derive filters for single tables from disjunctions that mention several."""

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.ids import ColumnId
from shoal.planner.logical import JoinKind, Node
from shoal.planner.rules.context import RuleContext
from shoal.planner.scalar import columns_of, conjunction, conjuncts, disjunction, disjuncts, is_volatile
from shoal.planner.tree import transform_up

LARGEST_DISJUNCTION = 32
"""Branches of an OR beyond which a derived filter would cost more than it saves."""


def derive_side_filters(node: Node, context: RuleContext) -> Node:
    """Let each table of a join filter by its own part of an OR; the OR itself stays.

        Filter((a.x = 1 AND b.y = 2) OR (a.x = 2 AND b.y = 1), Join(a, b))
        ->  Filter(... AND (a.x = 1 OR a.x = 2) AND (b.y = 2 OR b.y = 1), Join(a, b))

    Pushing filters then sinks the new terms. Does not fire when one branch says nothing of the table (then every row of
    it may count), nor for volatile predicates, nor where the OR lies within one table already.
    """
    return transform_up(node, _derive_at)


def _derive_at(node: Node) -> Node:
    match node:
        case logical.Filter():
            terms = conjuncts(node.predicate)
            derived = _derived(terms, _join_leaves(node.input))
            predicate = conjunction([*terms, *derived])
            return replace(node, predicate=predicate) if derived and predicate is not None else node
        case logical.Join() if node.condition is not None:
            if node.kind is JoinKind.FULL:
                return node
            terms = conjuncts(node.condition)
            sides = {
                JoinKind.INNER: (node.left, node.right),
                JoinKind.SEMI: (node.left, node.right),
                JoinKind.LEFT: (node.right,),
                JoinKind.ANTI: (node.right,),
                JoinKind.RIGHT: (node.left,),
            }[node.kind]
            derived = _derived(terms, [leaf for side in sides for leaf in _join_leaves(side)])
            return replace(node, condition=conjunction([*terms, *derived])) if derived else node
    return node


def _join_leaves(node: Node) -> list[frozenset[ColumnId]]:
    """The columns of each input of the joins right below a node."""
    if isinstance(node, logical.Filter):
        return _join_leaves(node.input)
    if isinstance(node, (logical.Join, logical.Apply)):
        return _join_leaves(node.left) + _join_leaves(node.right)
    return [logical.column_ids(node)]


def _derived(terms: Sequence[exp.Expression], leaves: Sequence[frozenset[ColumnId]]) -> list[exp.Expression]:
    found: list[exp.Expression] = []
    for term in terms:
        branches = disjuncts(term)
        if not 1 < len(branches) <= LARGEST_DISJUNCTION or is_volatile(term):
            continue
        used = columns_of(term)
        for leaf in leaves:
            if used <= leaf or used.isdisjoint(leaf):
                continue
            derived = restrict_branches(branches, leaf)
            if derived is not None and derived not in terms and derived not in found:
                found.append(derived)
    return found


def restrict_branches(branches: Sequence[exp.Expression], leaf: frozenset[ColumnId]) -> exp.Expression | None:
    """The OR of what each branch says of one table alone; None when a branch says nothing."""
    parts: list[exp.Expression] = []
    for branch in branches:
        own = [term for term in conjuncts(branch) if columns_of(term) and columns_of(term) <= leaf]
        part = conjunction(own)
        if part is None:
            return None
        if part not in parts:
            parts.append(part)
    return disjunction(parts)
