"""Gives every column of a bound query its DuckDB type, by asking the kernel once."""

from dataclasses import replace

from sqlglot import exp

from shoal.planner import logical, tree
from shoal.planner.errors import ProgrammingError
from shoal.planner.ids import ColumnId
from shoal.planner.logical import ApplyKind, Assignment, Column, Node, Query, Schema
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.protocols import Kernel
from shoal.planner.scalar import column_ref, columns_of, sql_of
from shoal.planner.source import Field


def assign_types(query: Query, kernel: Kernel) -> Query:
    """The query with all types filled; the same object if they were there already."""
    known: dict[ColumnId, str] = {}
    unknown: dict[ColumnId, exp.Expression] = {}
    for node in tree.walk(query.root):
        _collect(node, known, unknown)
    pending = {id: value for id, value in unknown.items() if id not in known}
    if not pending and all(_is_typed(node) for node in tree.walk(query.root)):
        return query
    types = dict(known)
    if pending:
        layers = _layers(pending, known)
        # Of all columns of all tables those that the expressions use: the kernel takes time for each.
        used = frozenset().union(*(columns_of(value) for value in pending.values()))
        fields = [Field(str(id), type) for id, type in known.items() if id in used]
        texts = [{str(id): sql_of(value) for id, value in layer.items()} for layer in layers]
        try:
            found = kernel.types(fields, texts)
        except ProgrammingError as error:
            raise NotDistributable("the kernel does not take an expression as the planner wrote it") from error
        types |= {ColumnId(name): type for name, type in found.items()}
    return replace(query, root=tree.transform_up(query.root, lambda node: _typed(node, types)))


def _collect(node: Node, known: dict[ColumnId, str], unknown: dict[ColumnId, exp.Expression]) -> None:
    match node:
        case logical.Scan() | logical.KernelBlock() | logical.SharedScan() | logical.Values() | logical.SetOperation():
            known.update((column.id, column.type) for column in node.columns)
        case logical.Project() | logical.Aggregate() | logical.Window():
            for item in node.assignments:
                passed = isinstance(item.expression, exp.Column) and item.expression.name == item.column.id
                if item.column.type:
                    known[item.column.id] = item.column.type
                elif not passed:
                    unknown[item.column.id] = item.expression
        case logical.Unnest():
            for item in node.assignments:
                if item.column.type:
                    known[item.column.id] = item.column.type
                else:
                    unknown[item.column.id] = first_element(item.expression)
        case logical.Apply(mark=Column() as mark):
            if node.kind is not ApplyKind.SCALAR:
                known[mark.id] = "BOOLEAN"
            else:
                unknown[mark.id] = column_ref(logical.schema(node.right)[0].id)
        case _:
            pass


def _is_typed(node: Node) -> bool:
    match node:
        case logical.Project() | logical.Window() | logical.Unnest():
            columns = tuple(item.column for item in node.assignments)
        case logical.Aggregate():
            columns = node.keys + tuple(item.column for item in node.assignments)
        case logical.Apply(mark=Column() as mark):
            columns = (mark,)
        case _:
            columns = ()
    return all(column.type for column in columns)


def _layers(
    pending: dict[ColumnId, exp.Expression], known: dict[ColumnId, str]
) -> list[dict[ColumnId, exp.Expression]]:
    layers: list[dict[ColumnId, exp.Expression]] = []
    done = set(known)
    rest = dict(pending)
    while rest:
        layer = {id: value for id, value in rest.items() if columns_of(value) <= done}
        if not layer:
            layer = rest
        layers.append(layer)
        done |= set(layer)
        rest = {id: value for id, value in rest.items() if id not in layer}
    return layers


def _typed(node: Node, types: dict[ColumnId, str]) -> Node:
    def column(item: Column) -> Column:
        return item if item.type else Column(item.id, types[item.id])

    def assignments(items: tuple[Assignment, ...]) -> tuple[Assignment, ...]:
        return tuple(item if item.column.type else Assignment(column(item.column), item.expression) for item in items)

    def columns(items: Schema) -> Schema:
        return tuple(column(item) for item in items)

    match node:
        case logical.Project() | logical.Window() | logical.Unnest():
            return replace(node, assignments=assignments(node.assignments))
        case logical.Aggregate():
            return replace(node, keys=columns(node.keys), assignments=assignments(node.assignments))
        case logical.Apply(mark=Column() as mark):
            return replace(node, mark=column(mark))
        case _:
            return node


def first_element(unnest: exp.Expression) -> exp.Expression:
    """An expression of the type of the elements: of anything but a list the kernel does not take it."""
    arguments = [unnest.this.copy(), exp.Literal.number(1)]
    return exp.Anonymous(this="list_extract", expressions=arguments)
