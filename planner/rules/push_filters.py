"""Push filters down to where their columns come from."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.ids import ColumnId
from shoal.planner.logical import ApplyKind, JoinKind, Node
from shoal.planner.null_rejection import rejects_nulls
from shoal.planner.rules.context import RuleContext
from shoal.planner.scalar import columns_of, conjunction, conjuncts, is_volatile, rename, substitute, unwrap
from shoal.planner.tree import transform_down

Predicates = list[exp.Expression]

DROPS_LEFT = (JoinKind.INNER, JoinKind.RIGHT, JoinKind.SEMI)
DROPS_RIGHT = (JoinKind.INNER, JoinKind.LEFT, JoinKind.SEMI, JoinKind.ANTI)
"""The kinds of joins in which a row without a partner on the other side has no effect at all."""


def push_filters(node: Node, context: RuleContext) -> Node:
    """Evaluate every predicate as early as its columns are there.

        Filter(a.x = b.x AND a.y > 1, Join(inner, a, b))  ->  Join(inner on a.x = b.x, Filter(a.y > 1, a), b)

    A filter goes through projections, windows (on partition keys), aggregates (on group keys), sorts, set operations
    and the sides of joins that do not supply NULLs; a null-rejecting one makes an outer join an inner one. Does not
    fire below a ``Limit``, into a null-supplying side, below an aggregate without keys, nor for volatile predicates.
    """
    return transform_down(node, _push_at)


def _push_at(node: Node) -> Node:
    if isinstance(node, logical.Filter):
        return _push_filter(node)
    if isinstance(node, logical.Join):
        return _push_condition(node)
    return node


def _push_filter(node: logical.Filter) -> Node:
    below, terms = _collect(node)
    if not terms:
        return _push_at(below)
    match below:
        case logical.Project():
            pushed, kept = _split(terms, lambda term: _can_substitute(term, below))
            mapping = {item.column.id: item.expression for item in below.assignments}
            moved = [substitute(term, mapping) for term in pushed]
            result: Node = replace(below, input=_filter(moved, below.input)) if moved else below
        case logical.Join():
            result, kept = _into_join(below, terms)
        case logical.Apply():
            result, kept = _into_apply(below, terms)
        case logical.Aggregate() if below.keys:
            keys = frozenset(column.id for column in below.keys)
            pushed, kept = _split(terms, lambda term: _movable(term, keys))
            result = replace(below, input=_filter(pushed, below.input)) if pushed else below
        case logical.Window():
            shared = _partition_columns(below)
            pushed, kept = _split(terms, lambda term: _movable(term, shared))
            result = replace(below, input=_filter(pushed, below.input)) if pushed else below
        case logical.Unnest():
            own = frozenset(column.id for column in logical.schema(below.input))
            pushed, kept = _split(terms, lambda term: _movable(term, own))
            result = replace(below, input=_filter(pushed, below.input)) if pushed else below
        case logical.Sort():
            pushed, kept = _split(terms, lambda term: not is_volatile(term))
            result = replace(below, input=_filter(pushed, below.input)) if pushed else below
        case logical.SetOperation():
            result, kept = _into_set_operation(below, terms)
        case _:
            result, kept = below, terms
    if result is below and len(kept) == len(terms) and below is node.input:
        return node
    if not kept and isinstance(result, logical.Join):
        return _push_condition(result)
    return _filter(kept, result)


def _collect(node: logical.Filter) -> tuple[Node, Predicates]:
    """The first node below a stack of filters, and all their terms; those of lower filters first."""
    stack: list[logical.Filter] = []
    below: Node = node
    while isinstance(below, logical.Filter):
        stack.append(below)
        below = below.input
    terms: Predicates = []
    for item in reversed(stack):
        terms += [term for term in conjuncts(item.predicate) if term not in terms or is_volatile(term)]
    return below, terms


def _filter(terms: Sequence[exp.Expression], below: Node) -> Node:
    """A filter of terms over a node, joined with the filter that is already there."""
    if not terms:
        return below
    if isinstance(below, logical.Filter):
        present = conjuncts(below.predicate)
        terms = [*present, *(term for term in terms if term not in present)]
        below = below.input
    predicate = conjunction(terms)
    return below if predicate is None else logical.Filter(below, predicate)


def _split(terms: Predicates, wanted: Callable[[exp.Expression], bool]) -> tuple[Predicates, Predicates]:
    yes = [term for term in terms if wanted(term)]
    return yes, [term for term in terms if not any(term is item for item in yes)]


def _movable(term: exp.Expression, columns: frozenset[ColumnId]) -> bool:
    """Whether a term needs only these columns, at least one of them, and is the same wherever it is evaluated."""
    used = columns_of(term)
    return bool(used) and used <= columns and not is_volatile(term)


def _can_substitute(term: exp.Expression, project: logical.Project) -> bool:
    used = columns_of(term)
    return not is_volatile(term) and not any(
        is_volatile(item.expression) for item in project.assignments if item.column.id in used
    )


def _partition_columns(window: logical.Window) -> frozenset[ColumnId]:
    """The columns by which every window of the node partitions: equal in all rows that a row's value depends on."""
    shared: frozenset[ColumnId] | None = None
    for item in window.assignments:
        partition = item.expression.args.get("partition_by") or []
        plain = frozenset(ColumnId(unwrap(key).name) for key in partition if isinstance(unwrap(key), exp.Column))
        shared = plain if shared is None else shared & plain
    return shared or frozenset()


def _into_set_operation(node: logical.SetOperation, terms: Predicates) -> tuple[Node, Predicates]:
    pushed, kept = _split(terms, lambda term: _movable(term, logical.column_ids(node)))
    if not pushed:
        return node, terms
    sides: list[Node] = []
    for side in (node.left, node.right):
        mapping = {own.id: theirs.id for own, theirs in zip(node.columns, logical.schema(side), strict=True)}
        sides.append(_filter([rename(term, mapping) for term in pushed], side))
    return replace(node, left=sides[0], right=sides[1]), kept


def _into_apply(node: logical.Apply, terms: Predicates) -> tuple[Node, Predicates]:
    left = logical.column_ids(node.left)
    pushed, kept = _split(terms, lambda term: _movable(term, left))
    result = replace(node, left=_filter(pushed, node.left)) if pushed else node
    if node.kind is ApplyKind.INNER:
        pushed, kept = _split(kept, lambda term: _movable(term, logical.column_ids(node)))
        if pushed:
            condition = conjunction([*conjuncts(node.condition), *pushed])
            result = replace(result, condition=condition)
    return result, kept


def _into_join(node: logical.Join, terms: Predicates) -> tuple[Node, Predicates]:
    """Push the terms of a filter above a join into its sides or, when it is inner, into its condition."""
    node = _strengthen(node, terms)
    left, right = logical.column_ids(node.left), logical.column_ids(node.right)
    to_left: Predicates = []
    to_right: Predicates = []
    if node.kind in (JoinKind.INNER, JoinKind.LEFT, JoinKind.SEMI, JoinKind.ANTI):
        to_left, terms = _split(terms, lambda term: _movable(term, left))
    if node.kind in (JoinKind.INNER, JoinKind.RIGHT):
        to_right, terms = _split(terms, lambda term: _movable(term, right))
    result = node
    if to_left or to_right:
        result = replace(node, left=_filter(to_left, node.left), right=_filter(to_right, node.right))
    if node.kind is JoinKind.INNER:
        both, terms = _split(terms, lambda term: _movable(term, left | right))
        if both:
            result = replace(result, condition=conjunction([*conjuncts(node.condition), *both]))
    return result, terms


def _strengthen(node: logical.Join, terms: Predicates) -> logical.Join:
    """An outer join as an inner or a one-sided one, when the terms above drop the rows it would add."""
    if node.kind not in (JoinKind.LEFT, JoinKind.RIGHT, JoinKind.FULL):
        return node
    left, right = logical.column_ids(node.left), logical.column_ids(node.right)
    drops_unmatched_left = any(rejects_nulls(term, right) for term in terms)
    drops_unmatched_right = any(rejects_nulls(term, left) for term in terms)
    keeps_left = node.kind in (JoinKind.LEFT, JoinKind.FULL) and not drops_unmatched_left
    keeps_right = node.kind in (JoinKind.RIGHT, JoinKind.FULL) and not drops_unmatched_right
    if keeps_left and keeps_right:
        return node
    kind = JoinKind.LEFT if keeps_left else JoinKind.RIGHT if keeps_right else JoinKind.INNER
    return node if kind is node.kind else replace(node, kind=kind)


def _strengthen_inputs(node: logical.Join, terms: Predicates) -> logical.Join:
    """The join over strengthened outer joins, where its condition is never true for the rows that they add."""
    left, right = node.left, node.right
    if isinstance(left, logical.Join) and node.kind in DROPS_LEFT:
        left = _strengthen(left, terms)
    if isinstance(right, logical.Join) and node.kind in DROPS_RIGHT:
        right = _strengthen(right, terms)
    return node if left is node.left and right is node.right else replace(node, left=left, right=right)


def _push_condition(node: logical.Join) -> logical.Join:
    """Push the one-sided terms of a join condition into the side that does not keep its unmatched rows."""
    terms = list(conjuncts(node.condition))
    node = _strengthen_inputs(node, terms)
    to_left: Predicates = []
    to_right: Predicates = []
    if node.kind in DROPS_LEFT:
        left = logical.column_ids(node.left)
        to_left, terms = _split(terms, lambda term: _movable(term, left))
    if node.kind in DROPS_RIGHT:
        right = logical.column_ids(node.right)
        to_right, terms = _split(terms, lambda term: _movable(term, right))
    if not to_left and not to_right:
        return node
    return replace(
        node,
        left=_filter(to_left, node.left),
        right=_filter(to_right, node.right),
        condition=conjunction(terms),
    )
