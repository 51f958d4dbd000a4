"""The domain of a dependent join: the distinct combinations of the left columns that its right side refers to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.column_ids import ColumnIds
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Aggregate, Column, Filter, JoinKind, Node, Project, Schema
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.rules.decorrelate_columns import copy_fresh, count_references, may_fail, references, size_of
from shoal.planner.rules.decorrelate_repeatable import is_exact_number, why_unrepeatable
from shoal.planner.scalar import columns_of, conjuncts, equality, unwrap
from shoal.planner.tree import walk

LARGEST_COPY = 250
"""Nodes of a left side beyond which it is not copied: nesting would double the plan at every level."""

_IDENTICAL_WHEN_EQUAL = frozenset({"BOOLEAN", "VARCHAR", "BLOB", "DATE", "TIME", "TIMESTAMP", "UUID", "BIT"})
_GROUPED_AS_COMPARED = frozenset({"FLOAT", "DOUBLE", "INTERVAL"})
_COMPARED_EXACTLY = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
)
"""Any two of these are compared as integers; decimals of different widths may be compared with less precision."""


@dataclass(frozen=True, slots=True)
class Domain:
    """The domain of one ``Apply``: its left side as far as it matters, and the columns that the right side uses.

    ``replaceable`` are those that the right side uses only in equalities with a column of its own; an inner column
    may then stand for one even if the two are equal without being the same (0.0 and -0.0, INTEGER and BIGINT);
    the latter not with ``same_types``, when a node of the right side needs the type to be the domain's.
    ``exact``: the right side checks something, and must see no other values than the left side's.
    """

    source: Node
    columns: Schema
    replaceable: frozenset[ColumnId]
    same_types: bool
    exact: bool
    ids: ColumnIds

    @staticmethod
    def of(left: Node, right: Node, ids: ColumnIds) -> "Domain":
        """The domain of a right side over a left side."""
        used = references(right)
        columns = tuple(column for column in logical.schema(left) if column.id in used)
        outer = frozenset(column.id for column in columns)
        total, equal = count_references(right), _count_equalities(right, outer)
        replaceable = frozenset(column for column in outer if total[column] == equal[column])
        same_types = any(_combines_columns(node) for node in walk(right))
        exact = any(may_fail(node) for node in walk(right))
        return Domain(narrow_to(left, outer, widen=not exact), columns, replaceable, same_types, exact, ids)

    @property
    def outer(self) -> frozenset[ColumnId]:
        """The ids of the columns."""
        return frozenset(column.id for column in self.columns)

    def build(self) -> tuple[Node, Schema]:
        """A relation of the distinct values under fresh ids, and its columns in the order of ``columns``.

        Raises ``NotDistributable`` when the left side would not give the same values a second time.
        """
        reason = why_unrepeatable(self.source)
        if reason is not None:
            raise NotDistributable(f"a correlated subquery over rows that cannot be computed twice: {reason}")
        if size_of(self.source) > LARGEST_COPY:
            raise NotDistributable("correlated subqueries are nested too deep")
        copied, renamed = copy_fresh(self.source, self.ids)
        columns = tuple(replace(column, id=renamed[column.id]) for column in self.columns)
        return Aggregate(copied, columns, ()), columns

    def stand_ins(self, node: Node, terms: Sequence[exp.Expression]) -> Schema | None:
        """Columns of ``node`` that the terms equate with the domain's columns, one for each; None if one has none."""
        if self.exact:
            return None
        found: dict[ColumnId, Column] = {}
        inner = {column.id: column for column in logical.schema(node)}
        outer = {column.id: column for column in self.columns}
        for term in terms:
            for own, other in _column_pairs(term):
                known = own in inner and other in outer and other not in found
                if known and self._may_stand_in(inner[own], outer[other]):
                    found[other] = inner[own]
        return tuple(found[column.id] for column in self.columns) if len(found) == len(self.columns) else None

    def _may_stand_in(self, inner: Column, outer: Column) -> bool:
        same = inner.type == outer.type
        if same and (outer.type in _IDENTICAL_WHEN_EQUAL or is_exact_number(outer.type)):
            return True
        if outer.id not in self.replaceable:
            return False
        if same:
            return outer.type in _GROUPED_AS_COMPARED
        return not self.same_types and inner.type in _COMPARED_EXACTLY and outer.type in _COMPARED_EXACTLY


def _combines_columns(node: Node) -> bool:
    return isinstance(node, logical.SetOperation) or (isinstance(node, logical.Join) and node.kind is JoinKind.FULL)


def _column_pairs(term: exp.Expression) -> tuple[tuple[ColumnId, ColumnId], ...]:
    """The two columns of ``a = b``, both ways round; nothing for other terms."""
    sides = equality(term)
    if sides is None:
        return ()
    left, right = unwrap(sides[0]), unwrap(sides[1])
    if not isinstance(left, exp.Column) or not isinstance(right, exp.Column):
        return ()
    first, second = ColumnId(left.name), ColumnId(right.name)
    return ((first, second), (second, first))


def _count_equalities(node: Node, outer: frozenset[ColumnId]) -> dict[ColumnId, int]:
    """How often each outer column stands in a top-level equality with an inner column of a filter or inner join."""
    counts = dict.fromkeys(outer, 0)
    for item in walk(node):
        terms: tuple[exp.Expression, ...] = ()
        if isinstance(item, Filter):
            terms = conjuncts(item.predicate)
        elif isinstance(item, logical.Join) and item.kind is JoinKind.INNER:
            terms = conjuncts(item.condition)
        for term in terms:
            for own, other in _column_pairs(term):
                if other in outer and own not in outer:
                    counts[other] += 1
    return counts


def narrow_to(node: Node, needed: frozenset[ColumnId], *, widen: bool) -> Node:
    """A smaller plan with the same distinct combinations of the needed columns (it may deliver others too).

        Project(a, b := f(c), LEFT JOIN(t, u))  ->  Project(a, t)

    when only ``a`` of ``t`` is needed. What may drop rows stays, but with ``widen`` not where it would drop others the
    next time: values that the left side does not have do no harm, as nothing is joined with what comes of them.
    """
    needed &= logical.column_ids(node)
    if not needed:
        return node
    match node:
        case Project():
            kept = tuple(item for item in node.assignments if item.column.id in needed)
            below = frozenset().union(*(columns_of(item.expression) for item in kept))
            return Project(narrow_to(node.input, below, widen=widen), kept)
        case logical.Window() if needed <= logical.column_ids(node.input):
            return narrow_to(node.input, needed, widen=widen)
        case logical.Sort():
            return narrow_to(node.input, needed, widen=widen)
        case Filter():
            narrow = replace(node, input=narrow_to(node.input, needed | columns_of(node.predicate), widen=widen))
            return narrow_to(node.input, needed, widen=True) if widen and why_unrepeatable(narrow) else narrow
        case Aggregate() if node.keys and needed <= {key.id for key in node.keys}:
            return Aggregate(node.input, tuple(key for key in node.keys if key.id in needed), ())
        case logical.Join():
            return _narrow_join(node, needed, widen)
        case _:
            return node


def _narrow_join(node: logical.Join, needed: frozenset[ColumnId], widen: bool) -> Node:
    from_right = not needed.isdisjoint(logical.column_ids(node.right))
    match node.kind:
        case JoinKind.LEFT if not from_right:
            return narrow_to(node.left, needed, widen=widen)
        case JoinKind.INNER if not from_right and node.condition is None and _is_one_row(node.right):
            return narrow_to(node.left, needed, widen=widen)
        case JoinKind.SEMI | JoinKind.ANTI:
            if widen and why_unrepeatable(node.right):
                return narrow_to(node.left, needed, widen=True)
            return replace(node, left=narrow_to(node.left, needed | columns_of(node.condition), widen=widen))
        case _:
            return node


def _is_one_row(node: Node) -> bool:
    while isinstance(node, Project):
        node = node.input
    return isinstance(node, Aggregate) and not node.keys
