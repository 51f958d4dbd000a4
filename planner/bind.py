"""Binds a parsed query into the logical algebra: query blocks, set operations, common table expressions.

The kernel has already accepted the statement (``Kernel.describe``), so nothing here reports a user's error: what the
planner cannot follow raises ``NotDistributable`` and the kernel runs it whole.
"""

from dataclasses import dataclass

from sqlglot import exp

from shoal.planner.bind_expression import BoundQuery, ExpressionBinder
from shoal.planner.bind_from import FromBinder
from shoal.planner.bind_limit import ComputedLimit, limit_of
from shoal.planner.bind_pivot import unpivot_statement
from shoal.planner.bind_select import SelectBinder
from shoal.planner.bind_sets import PairedColumn, paired_by_name, paired_by_place, union_sides
from shoal.planner.bind_shared import SharedTables
from shoal.planner.column_ids import ColumnIds
from shoal.planner.common_tables import CommonTables, with_clause
from shoal.planner.functions import function_name
from shoal.planner.ids import ColumnId
from shoal.planner.logical import (
    Aggregate,
    Assignment,
    Column,
    Limit,
    Node,
    Project,
    Query,
    SetOperation,
    SetOperator,
    Sort,
    SortKey,
    schema,
)
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.parse import QueryReader
from shoal.planner.protocols import Catalog, Kernel
from shoal.planner.scalar import column_ref, is_volatile
from shoal.planner.scope import Relation, Scope, ScopeColumn
from shoal.planner.shared_plans import expand_free
from shoal.planner.source import Field
from shoal.planner.types import data_type
from shoal.planner.typing import assign_types

_OPERATORS: dict[type[exp.Expression], SetOperator] = {
    exp.Union: SetOperator.UNION,
    exp.Intersect: SetOperator.INTERSECT,
    exp.Except: SetOperator.EXCEPT,
}


def bind_query(
    query: exp.Expression,
    fields: tuple[Field, ...],
    catalog: Catalog,
    kernel: Kernel,
    ids: ColumnIds,
    reader: QueryReader | None = None,
) -> Query:
    """The bound form of a parsed query whose result has the given names and types (from ``Kernel.describe``).

    Raises ``NotDistributable`` for what the kernel must run whole.
    """
    if is_volatile(query):
        raise NotDistributable("a function that gives another value at each call")
    shared = SharedTables(kernel, ids)
    binder = QueryBinder(catalog, kernel, ids, shared, reader or QueryReader(kernel))
    bound = binder.query(query, None, {})
    if len(bound.outputs) != len(fields):
        raise NotDistributable("the kernel counts other columns than the planner")
    outputs = tuple(id for _, id in bound.outputs)
    names, types = tuple(field.name for field in fields), tuple(field.type for field in fields)
    typed = assign_types(shared.resolve(Query(bound.node, outputs, names, types)), kernel)
    found = {column.id: column.type for column in schema(typed.root)}
    for id, known in zip(outputs, fields, strict=True):
        if found[id] != known.type:
            raise NotDistributable(f"the kernel gives {known.name} the type {known.type}, the planner {found[id]}")
    return expand_free(typed, ids)


@dataclass(slots=True)
class QueryBinder:
    """Binds query blocks; one for a statement."""

    catalog: Catalog
    kernel: Kernel
    ids: ColumnIds
    shared: SharedTables
    reader: QueryReader

    def query(self, query: exp.Expression, parent: Scope | None, visible: CommonTables) -> BoundQuery:
        """Bind a query block inside a scope, with the common tables that it sees."""
        visible = with_clause(query, visible)
        match query:
            case exp.Pivot() if (unpivot := unpivot_statement(query)) is not None:
                return self.query(unpivot, parent, visible)
            case exp.Subquery():
                return self._subquery(query, parent, visible)
            case exp.Select():
                return self._select(query, parent, visible)
            case exp.SetOperation():
                return self._set_operation(query, parent, visible)
            case exp.Values():
                return self._ordered(self._values(query, parent, visible), query, parent)
            case exp.Table():
                return self.query(exp.select("*").from_(query.copy()), parent, visible)
            case _:
                raise NotDistributable(f"a query that starts with {type(query).__name__}")

    def _subquery(self, query: exp.Subquery, parent: Scope | None, visible: CommonTables) -> BoundQuery:
        if any(query.args.get(name) for name in ("pivots", "sample", "joins", "laterals", "where", "group")):
            raise NotDistributable("a subquery with clauses of its own")
        bound = self.query(query.this, parent, visible)
        return self._ordered(bound, query, None)

    def _values(self, query: exp.Values, parent: Scope | None, visible: CommonTables) -> BoundQuery:
        bare = exp.Values(expressions=[row.copy() for row in query.expressions])
        return self.query(exp.select("*").from_(bare), parent, visible)

    def _select(self, select: exp.Select, parent: Scope | None, visible: CommonTables) -> BoundQuery:
        if any(sample.find_ancestor(exp.Select) is select for sample in select.find_all(exp.TableSample)):
            raise NotDistributable("a sample")
        scope = Scope(parent=parent)
        node = FromBinder(self, scope, visible).bind(select)
        expressions = ExpressionBinder(
            self.ids, lambda query, around: self.query(query, around, visible), scope, self.kernel
        )
        return SelectBinder(self.ids, self.kernel, expressions, select, node).bind()

    def _set_operation(self, query: exp.SetOperation, parent: Scope | None, visible: CommonTables) -> BoundQuery:
        if query.args.get("side") or query.args.get("on"):
            raise NotDistributable("a set operation of an unusual kind")
        operator = _OPERATORS[type(query)]
        union = operator is SetOperator.UNION
        texts = union_sides(query) if union else [query.this, query.expression]
        sides = [self.query(side, parent, visible) for side in texts]
        typed = [
            assign_types(Query(side.node, tuple(id for _, id in side.outputs), (), ()), self.kernel) for side in sides
        ]
        pairs = paired_by_name(sides) if query.args.get("by_name") else paired_by_place(sides)
        types = self._common_types(typed, pairs)
        inputs = [
            self._coerced(item, [pair.columns[place] for pair in pairs], types) for place, item in enumerate(typed)
        ]
        names = [pair.name for pair in pairs]
        distinct = bool(query.args.get("distinct"))
        node, columns = inputs[0], tuple[Column, ...]()
        for item in inputs[1:]:
            columns = tuple(Column(self.ids.fresh(name), type) for name, type in zip(names, types, strict=True))
            node = SetOperation(operator, union or not distinct, node, item, columns)
        if union and distinct:
            node = Aggregate(node, columns, ())
        outputs = tuple((name, column.id) for name, column in zip(names, columns, strict=True))
        return self._ordered(BoundQuery(node, outputs), query, parent)

    def _common_types(self, sides: list[Query], columns: list[PairedColumn]) -> list[str]:
        found = [{column.id: column.type for column in schema(side.root)} for side in sides]
        pairs = [
            tuple(dict.fromkeys(known[id] for known, id in zip(found, item.columns, strict=True) if id is not None))
            for item in columns
        ]
        if all(len(set(types)) == 1 for types in pairs):
            return [types[0] for types in pairs]
        layer = {
            f"c{number}": f"({' UNION ALL '.join(f'SELECT CAST(NULL AS {type})' for type in types)})"
            for number, types in enumerate(pairs)
        }
        types = self.kernel.types([], [layer])
        return [types[f"c{number}"] for number in range(len(pairs))]

    def _coerced(self, side: Query, columns: list[ColumnId | None], types: list[str]) -> Node:
        found = {column.id: column.type for column in schema(side.root)}
        assignments: list[Assignment] = []
        for id, type in zip(columns, types, strict=True):
            value: exp.Expression = exp.Null() if id is None else column_ref(id)
            if id is None or found[id] != type:
                value = exp.Cast(this=value, to=data_type(type))
            assignments.append(Assignment(Column(self.ids.fresh(str(id or "missing")), type), value))
        return Project(side.root, tuple(assignments))

    def _ordered(self, bound: BoundQuery, query: exp.Expression, parent: Scope | None) -> BoundQuery:
        order, limit = query.args.get("order"), limit_of(query, self.kernel)
        if isinstance(limit, ComputedLimit):
            raise NotDistributable("a computed LIMIT of a set operation")
        node = bound.node
        if order is not None:
            node, keys = self._output_keys(bound, order.expressions)
            node = Sort(node, keys)
        if limit is not None:
            node = Limit(node, *limit)
        return BoundQuery(node, bound.outputs)

    def _output_keys(self, bound: BoundQuery, items: list[exp.Expression]) -> tuple[Node, tuple[SortKey, ...]]:
        """The node of a set operation, with columns for the expressions that it is ordered by, and the keys."""
        scope = Scope([Relation("", tuple(ScopeColumn(name, id) for name, id in bound.outputs))])
        expressions = ExpressionBinder(self.ids, _no_subquery, scope)
        keys: list[SortKey] = []
        computed: list[Assignment] = []
        for item in items:
            if not isinstance(item, exp.Ordered) or item.args.get("with_fill"):
                raise NotDistributable(f"ORDER BY {function_name(item)}")
            descending, nulls_first = bool(item.args.get("desc")), bool(item.args.get("nulls_first"))
            if isinstance(item.this, exp.Var) and item.this.name.upper() == "ALL":
                keys += [SortKey(column_ref(id), descending, nulls_first) for _, id in bound.outputs]
                continue
            if isinstance(item.this, exp.Literal) and not item.this.is_string:
                key: exp.Expression = column_ref(bound.outputs[int(item.this.this) - 1][1])
            else:
                key = expressions.bind(item.this)
            if not isinstance(key, exp.Column):
                computed.append(Assignment(Column(self.ids.fresh("order_key")), key))
                key = column_ref(computed[-1].column.id)
            keys.append(SortKey(key, descending, nulls_first))
        if not computed:
            return bound.node, tuple(keys)
        kept = tuple(Assignment(column, column_ref(column.id)) for column in schema(bound.node))
        return Project(bound.node, (*kept, *computed)), tuple(keys)


def _no_subquery(query: exp.Expression, scope: Scope) -> BoundQuery:
    raise NotDistributable("the order of a set operation by a subquery")
