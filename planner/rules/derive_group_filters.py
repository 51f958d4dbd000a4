"""Derive filters of groups' keys from disjunctions that mention aggregates as well."""

from dataclasses import replace

from shoal.planner import logical
from shoal.planner.logical import Node
from shoal.planner.rules.context import RuleContext
from shoal.planner.rules.derive_side_filters import LARGEST_DISJUNCTION, restrict_branches
from shoal.planner.scalar import columns_of, conjunction, conjuncts, disjuncts, is_volatile
from shoal.planner.tree import transform_up


def derive_group_filters(node: Node, context: RuleContext) -> Node:
    """Let the keys of an aggregate be filtered by their part of an OR above it; the OR itself stays.

        Filter((y = 1 AND sum > 0) OR y = 2, Aggregate(sum by y, t))
        ->  Filter(... AND (y = 1 OR y = 2), Aggregate(sum by y, t))

    Pushing filters then sinks the new term below the aggregate. It is what several readers of one common table, each
    with a filter of its own, leave behind. Does not fire when one branch says nothing of a key (then every group may
    count), nor for volatile predicates, nor where the OR is of keys alone (it sinks as it is).
    """
    return transform_up(node, _derive_at)


def _derive_at(node: Node) -> Node:
    if not isinstance(node, logical.Filter) or not isinstance(node.input, logical.Aggregate):
        return node
    keys = frozenset(column.id for column in node.input.keys)
    terms = conjuncts(node.predicate)
    found = []
    for term in terms:
        branches = disjuncts(term)
        if not 1 < len(branches) <= LARGEST_DISJUNCTION or is_volatile(term) or columns_of(term) <= keys:
            continue
        derived = restrict_branches(branches, keys)
        if derived is not None and derived not in terms and derived not in found:
            found.append(derived)
    predicate = conjunction([*terms, *found])
    return replace(node, predicate=predicate) if found and predicate is not None else node
