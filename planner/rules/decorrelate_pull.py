"""Takes correlated filters out of the right side of an ``Apply``, and what does not matter to an existence test."""

from dataclasses import dataclass, replace

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Filter, JoinKind, Node
from shoal.planner.rules.decorrelate_columns import can_fail, is_correlated, pass_on
from shoal.planner.scalar import columns_of, conjunction, conjuncts


@dataclass(frozen=True, slots=True)
class Pulled:
    """``Filter(predicates, node)`` has the rows of the tree it came from; ``node`` may deliver more columns."""

    node: Node
    predicates: tuple[exp.Expression, ...] = ()


def pull_filters(node: Node, outer: frozenset[ColumnId]) -> Pulled:
    """Take every correlated filter up that can be, past projections, joins and group keys.

        Project(a, Filter(b = outer.x AND c > 1, t))  ->  Filter(b = outer.x, Project(a, b, Filter(c > 1, t)))

    Stays below limits, windows, set operations, the side of an outer join that is padded with NULLs, and checks that
    raise an error.
    """
    if not is_correlated(node, outer) or can_fail(node):
        return Pulled(node)
    match node:
        case Filter():
            return _pull_filter(node, outer)
        case logical.Project():
            below = pull_filters(node.input, outer)
            more = _more_columns(below, logical.column_ids(node))
            projected = logical.Project(below.node, node.assignments + pass_on(more))
            return Pulled(projected, below.predicates)
        case logical.Join():
            return _pull_join(node, outer)
        case logical.Aggregate() if node.keys:
            below = pull_filters(node.input, outer)
            keys = {key.id for key in node.keys}
            inner = logical.column_ids(below.node)
            if all(columns_of(term) & inner <= keys for term in below.predicates):
                return Pulled(replace(node, input=below.node), below.predicates)
            return Pulled(node)
        case logical.Sort():
            return pull_filters(node.input, outer)
        case _:
            return Pulled(node)


def _pull_filter(node: Filter, outer: frozenset[ColumnId]) -> Pulled:
    below = pull_filters(node.input, outer)
    local, correlated = split_terms(conjuncts(node.predicate), outer)
    predicate = conjunction(local)
    kept = below.node if predicate is None else Filter(below.node, predicate)
    return Pulled(kept, below.predicates + correlated)


def _pull_join(node: logical.Join, outer: frozenset[ColumnId]) -> Pulled:
    match node.kind:
        case JoinKind.INNER:
            left, right = pull_filters(node.left, outer), pull_filters(node.right, outer)
            local, correlated = split_terms(conjuncts(node.condition), outer)
            joined = replace(node, left=left.node, right=right.node, condition=conjunction(local))
            return Pulled(joined, left.predicates + right.predicates + correlated)
        case JoinKind.LEFT | JoinKind.SEMI | JoinKind.ANTI:
            left = pull_filters(node.left, outer)
            return Pulled(replace(node, left=left.node), left.predicates)
        case JoinKind.RIGHT:
            right = pull_filters(node.right, outer)
            return Pulled(replace(node, right=right.node), right.predicates)
        case JoinKind.FULL:
            return Pulled(node)


def split_terms(
    terms: tuple[exp.Expression, ...], outer: frozenset[ColumnId]
) -> tuple[tuple[exp.Expression, ...], tuple[exp.Expression, ...]]:
    """The terms that refer to no outer column, and those that do."""
    local = tuple(term for term in terms if columns_of(term).isdisjoint(outer))
    return local, tuple(term for term in terms if not columns_of(term).isdisjoint(outer))


def _more_columns(below: Pulled, delivered: frozenset[ColumnId]) -> logical.Schema:
    """Columns that the predicates need and that are not delivered yet."""
    needed = frozenset().union(*(columns_of(term) for term in below.predicates)) - delivered
    return tuple(column for column in logical.schema(below.node) if column.id in needed)


def simplify_existence(node: Node, used: frozenset[ColumnId]) -> Node:
    """What is left of a right side when only the existence of rows counts, and of their columns only ``used``.

        Project(1, Sort(Limit(5, t)))  ->  t

    A limit stays when columns are used: it picks the rows that are compared.
    """
    while True:
        match node:
            case logical.Sort():
                node = node.input
            case logical.Project() | logical.Window() if used <= logical.column_ids(node.input) | (
                used - logical.column_ids(node)
            ):
                node = node.input
            case logical.Aggregate() if node.keys and used.isdisjoint(item.column.id for item in node.assignments):
                node = node.input
            case logical.Limit() if not node.offset and node.count != 0 and used.isdisjoint(logical.column_ids(node)):
                node = node.input
            case logical.Join(kind=JoinKind.LEFT) if used.isdisjoint(logical.column_ids(node.right)):
                node = node.left
            case _:
                return node
