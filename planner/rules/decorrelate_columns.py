"""Which columns a tree refers to, and copies of trees over other columns; what decorrelation needs of both."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import assert_never

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.column_ids import ColumnIds
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Assignment, Column, Node, Schema, SortKey
from shoal.planner.scalar import column_ref, columns_of, rename
from shoal.planner.tree import transform_up, walk


def references(node: Node) -> frozenset[ColumnId]:
    """Every column that the node or something below it refers to, its own and outer ones."""
    found: set[ColumnId] = set()
    for item in walk(node):
        for expression in logical.expressions(item):
            found |= columns_of(expression)
        if isinstance(item, logical.Aggregate):
            found |= {key.id for key in item.keys}
    return frozenset(found)


def count_references(node: Node) -> Counter[ColumnId]:
    """How often each column is referred to in the expressions of the node and below it."""
    return Counter(
        ColumnId(column.name)
        for item in walk(node)
        for expression in logical.expressions(item)
        for column in expression.find_all(exp.Column)
    )


def is_correlated(node: Node, outer: frozenset[ColumnId]) -> bool:
    """Whether the node or something below it refers to one of the outer columns."""
    return not references(node).isdisjoint(outer)


def size_of(node: Node) -> int:
    """The number of nodes of a tree."""
    return sum(1 for _ in walk(node))


def can_fail(node: Node) -> bool:
    """Whether the node itself raises an error by intent: it must not see rows that the statement does not have."""
    found = (call for item in logical.expressions(node) for call in item.find_all(exp.Anonymous))
    return any(call.name.lower() == "error" for call in found)


def may_fail(node: Node) -> bool:
    """Whether the node itself raises an error for some values: a filter that hides them must stay below it."""
    return can_fail(node) or any(
        _fails_for_some(part)
        for item in logical.expressions(node)
        for part in item.find_all(exp.Cast, exp.IntDiv, exp.Mod)
    )


def _fails_for_some(part: exp.Expression) -> bool:
    if part.find(exp.Column) is None or isinstance(part, exp.TryCast):
        return False
    if isinstance(part, exp.Cast):
        return part.to.this not in exp.DataType.TEXT_TYPES
    return not isinstance(part.expression, exp.Literal) or part.expression.name == "0"


def pass_on(columns: Iterable[Column]) -> tuple[Assignment, ...]:
    """Assignments that deliver columns under their own ids."""
    return tuple(Assignment(column, column_ref(column.id)) for column in columns)


def deliver(node: Node, assignments: tuple[Assignment, ...]) -> Node:
    """A projection; none when it would change nothing, one instead of two when it only selects and renames.

        deliver(Project(x, [a := f(b), c := c]), [d := a])  ->  Project(x, [d := f(b)])

    No column of the lower projection is to be delivered twice.
    """
    if all(isinstance(item.expression, exp.Column) for item in assignments):
        if assignments == pass_on(logical.schema(node)):
            return node
        if isinstance(node, logical.Project):
            below = {item.column.id: item.expression for item in node.assignments}
            composed = (replace(item, expression=below[ColumnId(item.expression.name)]) for item in assignments)
            return logical.Project(node.input, tuple(composed))
    return logical.Project(node, assignments)


def unique(columns: Iterable[Column]) -> Schema:
    """The columns without repetitions, in order."""
    return tuple({column.id: column for column in columns}.values())


def rename_references(node: Node, mapping: Mapping[ColumnId, ColumnId]) -> Node:
    """The tree with references to outer columns replaced; what it defines keeps its ids."""
    return transform_up(node, lambda item: _renamed(item, mapping))


def copy_fresh(
    node: Node, ids: ColumnIds, names: Mapping[ColumnId, ColumnId] | None = None
) -> tuple[Node, Mapping[ColumnId, ColumnId]]:
    """A copy of a tree that defines only new ids, and which of them stands for which old one; ``names`` are given.

    References to columns that the tree does not define stay: the copy is as correlated as the original.
    """
    mapping = dict(names or {})
    for item in walk(node):
        for column in _defined(item):
            if column.id not in mapping:
                mapping[column.id] = ids.fresh(column.id)
    return transform_up(node, lambda item: _redefined(_renamed(item, mapping), mapping)), mapping


def _defined(node: Node) -> Schema:
    match node:
        case logical.Scan() | logical.KernelBlock() | logical.SharedScan() | logical.Values() | logical.SetOperation():
            return node.columns
        case logical.Project() | logical.Aggregate() | logical.Window() | logical.Unnest():
            return tuple(item.column for item in node.assignments)
        case logical.Apply():
            return () if node.mark is None else (node.mark,)
        case logical.Filter() | logical.Join() | logical.Sort() | logical.Limit():
            return ()
        case _:
            assert_never(node)


def _redefined(node: Node, mapping: Mapping[ColumnId, ColumnId]) -> Node:
    match node:
        case logical.Scan() | logical.KernelBlock() | logical.SharedScan() | logical.Values() | logical.SetOperation():
            return replace(node, columns=_columns(node.columns, mapping))
        case logical.Project() | logical.Aggregate() | logical.Window() | logical.Unnest():
            items = (replace(item, column=_column(item.column, mapping)) for item in node.assignments)
            return replace(node, assignments=tuple(items))
        case logical.Apply():
            return node if node.mark is None else replace(node, mark=_column(node.mark, mapping))
        case logical.Filter() | logical.Join() | logical.Sort() | logical.Limit():
            return node
        case _:
            assert_never(node)


def _renamed(node: Node, mapping: Mapping[ColumnId, ColumnId]) -> Node:
    """The node itself, not its inputs, with the references of its expressions replaced."""
    keys = node.keys if isinstance(node, logical.Aggregate) else ()
    used = frozenset().union(*(columns_of(item) for item in logical.expressions(node)), (key.id for key in keys))
    if used.isdisjoint(mapping):
        return node
    match node:
        case logical.Scan() | logical.KernelBlock() | logical.SharedScan() | logical.Limit() | logical.SetOperation():
            return node
        case logical.Values():
            return replace(node, rows=tuple(tuple(rename(cell, mapping) for cell in row) for row in node.rows))
        case logical.Filter():
            return replace(node, predicate=rename(node.predicate, mapping))
        case logical.Project() | logical.Window() | logical.Unnest():
            return replace(node, assignments=rename_assignments(node.assignments, mapping))
        case logical.Aggregate():
            renamed = rename_assignments(node.assignments, mapping)
            return replace(node, keys=unique(_columns(node.keys, mapping)), assignments=renamed)
        case logical.Join():
            return replace(node, condition=_rename_optional(node.condition, mapping))
        case logical.Apply():
            needle, condition = _rename_optional(node.needle, mapping), _rename_optional(node.condition, mapping)
            return replace(node, needle=needle, condition=condition)
        case logical.Sort():
            return replace(node, keys=rename_sort_keys(node.keys, mapping))
        case _:
            assert_never(node)


def rename_assignments(items: Iterable[Assignment], mapping: Mapping[ColumnId, ColumnId]) -> tuple[Assignment, ...]:
    """The assignments with the references on their right replaced."""
    return tuple(replace(item, expression=rename(item.expression, mapping)) for item in items)


def rename_sort_keys(keys: Iterable[SortKey], mapping: Mapping[ColumnId, ColumnId]) -> tuple[SortKey, ...]:
    """The keys of an order with their references replaced."""
    return tuple(replace(key, expression=rename(key.expression, mapping)) for key in keys)


def _rename_optional(expression: exp.Expression | None, mapping: Mapping[ColumnId, ColumnId]) -> exp.Expression | None:
    return None if expression is None else rename(expression, mapping)


def _columns(columns: Iterable[Column], mapping: Mapping[ColumnId, ColumnId]) -> Schema:
    return tuple(_column(column, mapping) for column in columns)


def _column(column: Column, mapping: Mapping[ColumnId, ColumnId]) -> Column:
    return replace(column, id=mapping.get(column.id, column.id))
