"""Filter both sides of an equality by what is known of one."""

from collections.abc import Iterable, Mapping, Sequence

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.cost.constants import constant_value
from shoal.planner.cost.join_graph import class_columns
from shoal.planner.cost.join_region import Region, collect_region, is_region
from shoal.planner.ids import ColumnId
from shoal.planner.logical import JoinKind, Node
from shoal.planner.rules.context import RuleContext
from shoal.planner.scalar import columns_of, conjunction, conjuncts, rename, unwrap
from shoal.planner.tree import with_children

COMPARISONS = (exp.EQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In)

Facts = dict[ColumnId, list[exp.Expression]]
"""For each column the terms that compare it with constants."""


def infer_predicates(node: Node, context: RuleContext) -> Node:
    """Carry comparisons with constants over the equalities of joins.

        Join(a.x = b.x, Filter(a.x = 5, a), b)  ->  Join(a.x = b.x, Filter(a.x = 5, a), Filter(b.x = 5, b))

    Over inner and semi-joins both ways, over left and anti-joins from left to right only: there the left side's rows
    stay even when they find no partner. Does not fire between columns of different types, where a value of the one may
    not be one of the other, nor for terms over several columns.
    """
    # A region is handled as a whole, which the transforms of the tree module cannot do: they see one join at a time.
    if not is_region(node):
        return with_children(node, tuple(infer_predicates(child, context) for child in logical.children(node)))
    region = collect_region(node)
    members = [*region.leaves, *(item.node for item in region.dependents)]
    inferred = _infer(region)
    replaced: dict[int, Node] = {}
    for member in members:
        below = infer_predicates(member, context)
        present = conjuncts(member.predicate) if isinstance(member, logical.Filter) else ()
        own = [term for column in logical.schema(member) for term in inferred.get(column.id, [])]
        predicate = conjunction([term for term in own if term not in present])
        replaced[id(member)] = below if predicate is None else logical.Filter(below, predicate)
    return _rebuilt(node, replaced)


def _rebuilt(node: Node, replaced: Mapping[int, Node]) -> Node:
    if id(node) in replaced:
        return replaced[id(node)]
    return with_children(node, tuple(_rebuilt(child, replaced) for child in logical.children(node)))


def _infer(region: Region) -> Facts:
    """What the region's equalities say of each column besides what is said already."""
    types = {column.id: column.type for leaf in region.leaves for column in logical.schema(leaf)}
    known = _facts((term for leaf in region.leaves for term in _filters_of(leaf)), types)
    semi = [item for item in region.dependents if item.kind is JoinKind.SEMI]
    both_ways = [*region.terms, *(term for item in semi for term in item.terms)]
    for item in region.dependents:
        own = {column.id: column.type for column in logical.schema(item.node)}
        types |= own
        if item.kind is JoinKind.SEMI:
            known = _joined(known, _facts(_filters_of(item.node), own))
    inferred: Facts = {}
    for column, terms in _closed(known, _pairs(both_ways, types)).items():
        inferred[column] = [term for term in terms if term not in known.get(column, [])]
    everything = _joined(known, inferred)
    for item in region.dependents:
        right = logical.column_ids(item.node)
        for one, other in _pairs(item.terms, types):
            left_column, right_column = (one, other) if other in right else (other, one)
            if item.kind is not JoinKind.SEMI and right_column in right and left_column not in right:
                moved = [rename(term, {left_column: right_column}) for term in everything.get(left_column, [])]
                inferred[right_column] = [*inferred.get(right_column, []), *moved]
    return inferred


def _filters_of(node: Node) -> Sequence[exp.Expression]:
    return conjuncts(node.predicate) if isinstance(node, logical.Filter) else ()


def _facts(terms: Iterable[exp.Expression], types: Mapping[ColumnId, str]) -> Facts:
    found: Facts = {}
    for term in terms:
        column = _compared_column(term)
        if column is not None and column in types:
            found.setdefault(column, []).append(term)
    return found


def _compared_column(term: exp.Expression) -> ColumnId | None:
    """The one column that a term compares with constants."""
    bare = unwrap(term)
    if not isinstance(bare, COMPARISONS):
        return None
    used = columns_of(bare)
    operands = [bare.this, bare.args.get("expression"), bare.args.get("low"), bare.args.get("high"), *bare.expressions]
    sides = [unwrap(item) for item in operands if item is not None]
    plain = [item for item in sides if isinstance(item, exp.Column)]
    constant = [item for item in sides if constant_value(item) is not None]
    if len(used) != 1 or len(plain) != 1 or len(plain) + len(constant) != len(sides):
        return None
    return next(iter(used))


def _pairs(terms: Iterable[exp.Expression], types: Mapping[ColumnId, str]) -> list[tuple[ColumnId, ColumnId]]:
    found = (class_columns(term) for term in terms)
    return [
        pair
        for pair in found
        if pair is not None and pair[0] in types and types[pair[0]] and types[pair[0]] == types.get(pair[1])
    ]


def _closed(known: Facts, pairs: Sequence[tuple[ColumnId, ColumnId]]) -> Facts:
    """Facts carried over equalities until nothing is new."""
    facts = {column: list(terms) for column, terms in known.items()}
    changed = True
    while changed:
        changed = False
        for pair in pairs:
            for source, target in (pair, pair[::-1]):
                for term in facts.get(source, []):
                    moved = rename(term, {source: target})
                    if moved not in facts.setdefault(target, []):
                        facts[target].append(moved)
                        changed = True
    return facts


def _joined(first: Facts, second: Facts) -> Facts:
    return {column: [*first.get(column, []), *second.get(column, [])] for column in {**first, **second}}
