"""What a query block delivers: the select list as columns, DISTINCT, the order and the limit."""

from dataclasses import dataclass, field

from sqlglot import exp

from shoal.planner.bind_expression import BoundQuery
from shoal.planner.column_ids import ColumnIds
from shoal.planner.ids import ColumnId
from shoal.planner.logical import (
    Aggregate,
    Assignment,
    Column,
    Limit,
    Node,
    Project,
    Sort,
    SortKey,
    schema,
)
from shoal.planner.not_distributable import NotDistributable
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
    select: exp.Expression, node: Node, items: list[SelectItem], order: list[SortKey], ids: ColumnIds
) -> BoundQuery:
    """The block over ``node``, with the columns by which it is ordered behind those of its select list."""
    distinct = select.args.get("distinct")
    if distinct is not None and distinct.args.get("on") is not None:
        raise NotDistributable("DISTINCT ON")
    columns = _Columns(ids, {column.id: column for column in schema(node)})
    outputs = tuple((item.name, columns.add(item.expression, item.name)) for item in items)
    delivered = len(columns.assignments)
    keys = tuple(
        SortKey(column_ref(columns.add(key.expression, "order_key")), key.descending, key.nulls_first)
        for key in order
        if columns_of(key.expression)
    )
    if distinct is not None and len(columns.assignments) > delivered:
        raise NotDistributable("DISTINCT ordered by something that is not selected")
    node = Project(node, tuple(columns.assignments.values()))
    if distinct is not None:
        node = Aggregate(node, schema(node), ())
    if keys:
        node = Sort(node, keys)
    limit = limit_of(select)
    return BoundQuery(node if limit is None else Limit(node, *limit), outputs)


def limit_of(query: exp.Expression) -> tuple[int | None, int] | None:
    """The constant LIMIT and OFFSET of a query block, None without either."""
    limit, offset = query.args.get("limit"), query.args.get("offset")
    if limit is None and offset is None:
        return None
    if limit is not None and (not isinstance(limit, exp.Limit) or limit.args.get("limit_options")):
        raise NotDistributable("a LIMIT in percent")
    numbers: list[int | None] = []
    for clause in (limit, offset):
        value = clause.expression if clause is not None else None
        if value is not None and not (
            isinstance(value, exp.Literal) and not value.is_string and str(value.this).isdigit()
        ):
            raise NotDistributable("a LIMIT that is an expression")
        numbers.append(int(value.this) if value is not None else None)
    return numbers[0], numbers[1] or 0
