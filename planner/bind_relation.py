"""Puts an item of FROM into the scope of its query block."""

from sqlglot import exp

from shoal.planner.bind_expression import BoundQuery, ExpressionBinder
from shoal.planner.column_ids import ColumnIds
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Assignment, Column, Node, Project, Scan, Values, schema
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.protocols import Kernel
from shoal.planner.scalar import column_ref, sql_of
from shoal.planner.scope import Relation, Scope, ScopeColumn
from shoal.planner.source import TableSource


def add_relation(
    scope: Scope,
    ids: ColumnIds,
    item: exp.Expression,
    default: str,
    node: Node,
    outputs: tuple[tuple[str, ColumnId], ...],
    names: tuple[str, ...],
) -> Node:
    """Let a scope know an item of FROM: its outputs under its alias or ``default``, named by the alias or ``names``.

    Returns the node, with a column of its own for each that is delivered twice.
    """
    alias = item.args.get("alias")
    renamed = [column.name for column in alias.args.get("columns") or []] if alias is not None else []
    labels = [name for name, _ in outputs]
    for position, name in enumerate((renamed or names)[: len(labels)]):
        labels[position] = name
    types = {column.id: column.type for column in schema(node)}
    columns: list[ScopeColumn] = []
    extra: list[Assignment] = []
    seen: set[ColumnId] = set()
    for label, (_, id) in zip(labels, outputs, strict=True):
        if id in seen:  # the same column delivered twice needs two ids to be told apart outside
            copy = ids.fresh(label)
            extra.append(Assignment(Column(copy, types[id]), column_ref(id)))
            id = copy
        seen.add(id)
        columns.append(ScopeColumn(label, id, types.get(id, "")))
    if extra:
        kept = tuple(Assignment(column, column_ref(column.id)) for column in schema(node))
        node = Project(node, (*kept, *extra))
    scope.relations.append(Relation(alias.name if alias is not None else default, tuple(columns)))
    return node


def add_scan(scope: Scope, ids: ColumnIds, item: exp.Expression, source: TableSource, alias: str) -> Node:
    """A table or files as an item of FROM."""
    columns = tuple(Column(ids.fresh(field.name), field.type) for field in source.columns)
    names = tuple(field.name for field in source.columns)
    outputs = tuple(zip(names, (column.id for column in columns), strict=True))
    return add_relation(scope, ids, item, alias, Scan(source, columns, names, alias), outputs, ())


def add_values(scope: Scope, ids: ColumnIds, kernel: Kernel, item: exp.Values) -> Node:
    """VALUES as an item of FROM."""
    bare = exp.Values(expressions=[row.copy() for row in item.expressions])
    fields = kernel.describe(sql_of(bare))
    expressions = ExpressionBinder(ids, _no_subquery, Scope())
    rows = tuple(tuple(expressions.bind(cell) for cell in row.expressions) for row in item.expressions)
    columns = tuple(Column(ids.fresh(field.name), field.type) for field in fields)
    outputs = tuple((field.name, column.id) for field, column in zip(fields, columns, strict=True))
    return add_relation(scope, ids, item, item.alias or "values", Values(columns, rows), outputs, ())


def _no_subquery(query: exp.Expression, scope: Scope) -> BoundQuery:
    raise NotDistributable("a subquery in VALUES")
