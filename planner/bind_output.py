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
from shoal.planner.scalar import column_ref, columns_of, unwrap

LARGEST_LIMIT = 2**31


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
    ids: ColumnIds,
    on: list[SortKey],
) -> BoundQuery:
    """The block over ``node``, with the columns by which it is ordered behind those of its select list.

    ``on``: the keys of DISTINCT ON, of each of which the first row in the order stays.
    """
    distinct = select.args.get("distinct")
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
    if keys:
        node = Sort(node, keys)
    limit = limit_of(select)
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


def limit_of(query: exp.Expression) -> tuple[int | None, int] | None:
    """The constant LIMIT and OFFSET of a query block, None without either."""
    limit, offset = query.args.get("limit"), query.args.get("offset")
    if limit is None and offset is None:
        return None
    options = limit.args.get("limit_options") if isinstance(limit, exp.Fetch) else None
    if isinstance(limit, exp.Fetch) and not (
        options and (options.args.get("percent") or options.args.get("with_ties"))
    ):
        counts = [limit.args.get("count") or exp.Literal(this="1", is_string=False)]
    elif limit is None or (isinstance(limit, exp.Limit) and not limit.args.get("limit_options")):
        counts = [limit.expression if limit is not None else None]
    else:
        raise NotDistributable("a LIMIT in percent")
    counts.append(offset.expression if offset is not None else None)
    numbers = [None if value is None else _integer(value) for value in counts]
    return numbers[0], numbers[1] or 0


def _integer(value: exp.Expression) -> int:
    """The number that a constant is; DuckDB's own arithmetic on larger ones is its own business."""
    found: int | None = None
    match value:
        case exp.Literal() if not value.is_string and str(value.this).isdigit():
            found = int(value.this)
        case exp.Paren():
            found = _integer(value.this)
        case exp.Add():
            found = _integer(value.this) + _integer(value.expression)
        case exp.Mul():
            found = _integer(value.this) * _integer(value.expression)
    if found is None or found >= LARGEST_LIMIT:
        raise NotDistributable("a LIMIT that is an expression")
    return found
