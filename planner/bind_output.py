"""What a query block delivers: the select list as columns, DISTINCT, the order and the limit."""

from dataclasses import dataclass, field

from sqlglot import exp

from shoal.planner.bind_expression import BoundQuery, ExpressionBinder
from shoal.planner.bind_limit import ComputedLimit, limit_of, limited
from shoal.planner.column_ids import ColumnIds
from shoal.planner.ids import ColumnId
from shoal.planner.logical import (
    Aggregate,
    Assignment,
    Column,
    Filter,
    Limit,
    Node,
    Project,
    Sort,
    SortKey,
    Window,
    schema,
)
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.protocols import Kernel
from shoal.planner.scalar import column_ref, columns_of, unwrap


@dataclass(slots=True)
class SelectItem:
    """One item of the select list: its name and its bound expression."""

    name: str
    expression: exp.Expression


@dataclass(slots=True)
class _Columns:
    """The columns put together so far; equal expressions share one."""

    ids: ColumnIds
    input: dict[ColumnId, Column]
    assignments: dict[ColumnId, Assignment] = field(default_factory=dict)
    texts: dict[str, ColumnId] = field(default_factory=dict)

    def add(self, expression: exp.Expression, name: str) -> ColumnId:
        """The id of the column that an expression is delivered as."""
        bare = unwrap(expression)
        if isinstance(bare, exp.Column) and ColumnId(bare.name) in self.input:
            id = ColumnId(bare.name)
            self.assignments.setdefault(id, Assignment(self.input[id], column_ref(id)))
            return id
        text = bare.sql("duckdb")
        if text not in self.texts:
            column = Column(self.ids.fresh(name))
            self.assignments[column.id] = Assignment(column, bare)
            self.texts[text] = column.id
        return self.texts[text]


def deliver(
    select: exp.Expression,
    node: Node,
    items: list[SelectItem],
    order: list[SortKey],
    on: list[SortKey],
    expressions: ExpressionBinder,
    kernel: Kernel,
) -> BoundQuery:
    """The block over ``node``, with the columns by which it is ordered behind those of its select list.

    ``on``: the keys of DISTINCT ON, of each of which the first row in the order stays.
    """
    distinct, ids = select.args.get("distinct"), expressions.ids
    columns = _Columns(ids, {column.id: column for column in schema(node)})
    outputs = tuple((item.name, columns.add(item.expression, item.name)) for item in items)
    delivered = len(columns.assignments)
    keys = tuple(
        SortKey(column_ref(columns.add(key.expression, "order_key")), key.descending, key.nulls_first)
        for key in order
        if columns_of(key.expression)
    )
    if on:
        partition = [columns.add(key.expression, "distinct_key") for key in on if columns_of(key.expression)]
        node = _first_rows(Project(node, tuple(columns.assignments.values())), partition, keys, ids)
    else:
        if distinct is not None and len(columns.assignments) > delivered:
            raise NotDistributable("DISTINCT ordered by something that is not selected")
        node = Project(node, tuple(columns.assignments.values()))
        if distinct is not None:
            node = Aggregate(node, schema(node), ())
    limit = limit_of(select, kernel)
    if isinstance(limit, ComputedLimit):
        node, limit = limited(node, keys, limit, expressions), None
    if keys:
        node = Sort(node, keys)
    return BoundQuery(node if limit is None else Limit(node, *limit), outputs)


def _first_rows(node: Node, partition: list[ColumnId], keys: tuple[SortKey, ...], ids: ColumnIds) -> Node:
    """The first row of each partition."""
    ordered = [exp.Ordered(this=key.expression, desc=key.descending, nulls_first=key.nulls_first) for key in keys]
    window = exp.Window(
        this=exp.RowNumber(),
        partition_by=[column_ref(column) for column in partition],
        order=exp.Order(expressions=ordered) if ordered else None,
    )
    number = Column(ids.fresh("row_number"), "BIGINT")
    first = exp.EQ(this=column_ref(number.id), expression=exp.Literal(this="1", is_string=False))
    kept = tuple(Assignment(column, column_ref(column.id)) for column in schema(node))
    return Project(Filter(Window(node, (Assignment(number, window),)), first), kept)
