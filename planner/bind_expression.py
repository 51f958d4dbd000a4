"""Binds scalar expressions: names become unique columns, subqueries become placeholders that are applied later."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from shoal.planner import tree
from shoal.planner.bind_collations import compared_without_collation
from shoal.planner.bind_quantified import (
    COMPARISONS,
    agree,
    as_membership,
    compared,
    is_quantified,
    over_list,
    summary_of,
)
from shoal.planner.bind_unnest import is_row_making
from shoal.planner.column_ids import ColumnIds
from shoal.planner.functions import function_name, is_aggregate
from shoal.planner.ids import ColumnId
from shoal.planner.kernel_text import carried_text, lambdas_with_fields
from shoal.planner.logical import Aggregate, Apply, ApplyKind, Assignment, Column, Node, Project, Query, schema
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.protocols import Kernel
from shoal.planner.safe_nodes import CARRIED_NODES, KERNEL_ONLY, SAFE_NODES
from shoal.planner.scalar import column_ref, columns_of, is_volatile, sql_of
from shoal.planner.scope import Scope, ScopeColumn
from shoal.planner.source import Field
from shoal.planner.typing import assign_types

_SAFE = frozenset({*SAFE_NODES, *CARRIED_NODES})


@dataclass(frozen=True, slots=True)
class BoundQuery:
    """A bound query block: its node and its outputs as (name, column), in order."""

    node: Node
    outputs: tuple[tuple[str, ColumnId], ...]


@dataclass(frozen=True, slots=True)
class PendingSubquery:
    """A subquery inside an expression: what it makes of its plan, and the operand of IN."""

    kind: ApplyKind
    plan: Node
    needle: exp.Expression | None = None


QueryBinder = Callable[[exp.Expression, Scope], BoundQuery]
"""Binds a subquery inside a scope; given by the binder of query blocks."""


@dataclass(slots=True)
class ExpressionBinder:
    """Binds the expressions of one query block; placeholders of its subqueries wait in ``pending``."""

    ids: ColumnIds
    bind_query: QueryBinder
    scope: Scope
    kernel: Kernel | None = None
    pending: dict[ColumnId, PendingSubquery] = field(default_factory=dict)

    def bind(
        self,
        expression: exp.Expression,
        aliases: Mapping[str, exp.Expression] | None = None,
        *,
        prefer_alias: bool = False,
    ) -> exp.Expression:
        """A bound copy. ``aliases`` (lower case) are the select list's bound expressions that may be named here."""
        names = aliases or {}

        def change(node: exp.Expression) -> exp.Expression:
            if isinstance(node, exp.Column):
                return self._column(node, names, prefer_alias)
            if isinstance(node, (exp.Exists, exp.Subquery)) or node.args.get("query") is not None:
                return self._subquery(node, names, prefer_alias)
            if isinstance(node, exp.IgnoreNulls) and isinstance(node.this, exp.AnyValue):
                return node.this  # sqlglot's own addition: the kernel's any_value knows no other way
            if isinstance(node, COMPARISONS):
                return self._comparison(node, names, prefer_alias)
            if isinstance(node, exp.Var) and any(
                self.scope.resolve(None, name) for name in lambdas_with_fields(node.name)
            ):
                raise NotDistributable("a lambda's parameter of a column's name")
            if isinstance(node, exp.Dot) and isinstance(node.this, exp.Identifier):
                raise NotDistributable(f"the name {sql_of(node)} is resolved by the kernel only")
            if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
                raise NotDistributable("a star in an expression")
            if is_row_making(node):
                return node
            if isinstance(node, exp.Anonymous) and function_name(node) == "bitstring_agg" and len(node.expressions) < 2:
                raise NotDistributable("bitstring_agg without bounds, which the kernel takes from statistics")
            if isinstance(node, exp.In) and [type(item) for item in node.expressions] == [exp.Values]:
                rows = exp.In(this=node.this.copy(), query=exp.Subquery(this=node.expressions[0].copy()))
                return self._subquery(rows, names, prefer_alias)
            if type(node) not in _SAFE or (isinstance(node, exp.Anonymous) and function_name(node) in KERNEL_ONLY):
                raise NotDistributable(f"{sql_of(node)[:60]} ({type(node).__name__}) is left to the kernel")
            return node

        bound = expression.transform(change)
        if is_volatile(bound):
            raise NotDistributable("a function that gives another value at each call")
        return bound

    def _column(self, node: exp.Column, aliases: Mapping[str, exp.Expression], prefer_alias: bool) -> exp.Expression:
        names = [part.name for part in node.parts]
        if isinstance(node.this, exp.Star):
            raise NotDistributable(f"the name {sql_of(node)}")
        alias = aliases.get(names[0].lower()) if len(names) == 1 else None
        if prefer_alias and alias is not None:
            return exp.Paren(this=alias.copy())
        found, fields = None, names[2:]
        if len(names) > 1 and self.scope.has_relation(names[0]):
            found = self.scope.resolve(names[0], names[1])
        if found is None and (len(names) == 1 or not self.scope.has_relation(names[0])):
            found, fields = self.scope.resolve(None, names[0]), names[1:]
        if found is None:
            if alias is not None:
                return exp.Paren(this=alias.copy())
            row = self.scope.row(names[0]) if len(names) == 1 else ()
            if row:
                return _struct_of(row)
            raise NotDistributable(f"the name {sql_of(node)} is resolved by the kernel only")
        value: exp.Expression = column_ref(found.id)
        for field_name in fields:
            # In brackets, as a column of a table may have the same two names.
            value = exp.Dot(this=exp.Paren(this=value), expression=exp.Identifier(this=field_name, quoted=True))
        return value

    def _subquery(
        self, node: exp.Expression, aliases: Mapping[str, exp.Expression], prefer_alias: bool
    ) -> exp.Expression:
        needle: exp.Expression | None = None
        if isinstance(node, exp.Exists):
            kind, query, label = ApplyKind.EXISTS, node.this, "exists"
        elif isinstance(node, exp.In):
            kind, query, label = ApplyKind.IN, node.args["query"], "in"
            needle = self.bind(node.this, aliases, prefer_alias=prefer_alias)
            if isinstance(needle, exp.Tuple):
                raise NotDistributable("IN over rows of several columns")
        elif isinstance(node, exp.Subquery):
            kind, query, label = ApplyKind.SCALAR, node, "scalar"
        else:
            raise NotDistributable(f"a subquery in {type(node).__name__}")
        bound = self.bind_query(query, self.scope)
        if kind is not ApplyKind.EXISTS and len(bound.outputs) != 1:
            raise NotDistributable("a subquery of several columns as a value")
        mark = self.ids.fresh(label)
        self.pending[mark] = PendingSubquery(kind, single_column(bound, kind), needle)
        return column_ref(mark)

    def _comparison(
        self, node: exp.Expression, aliases: Mapping[str, exp.Expression], prefer_alias: bool
    ) -> exp.Expression:
        """The comparison bound, if it is one by a collation, or with ANY or ALL; else itself."""
        plain = compared_without_collation(node)
        if plain is not None:
            return self.bind(plain, aliases, prefer_alias=prefer_alias)
        listed = over_list(node)
        if listed is not None:
            words, *parts = listed
            # The kernel's own text, as no rule knows what becomes of it where it is negated.
            bound = [self.bind(part, aliases, prefer_alias=prefer_alias) for part in parts]
            return carried_text(("", words, ")"), bound)
        return self._quantified(node, aliases, prefer_alias) if is_quantified(node) else node

    def _quantified(
        self, node: exp.Expression, aliases: Mapping[str, exp.Expression], prefer_alias: bool
    ) -> exp.Expression:
        membership = as_membership(node)
        if membership is not None:
            return self.bind(membership, aliases, prefer_alias=prefer_alias)
        needle = self.bind(node.this, aliases, prefer_alias=prefer_alias)
        summary = self._subquery(summary_of(node), aliases, prefer_alias)
        value = next(tree.find(self.pending[ColumnId(summary.name)].plan, Aggregate))
        compares = [
            (item.expression, value.input) for item in value.assignments if isinstance(item.expression, exp.Min)
        ]
        types = [self._type(needle, None), *(self._type(call.this, below) for call, below in compares)]
        if len(types) != 2 or not agree(*types):
            raise NotDistributable("a comparison with ANY or ALL of values of another type")
        return compared(node, needle, summary)

    def _type(self, expression: exp.Expression, below: Node | None) -> str:
        """The type of an expression over a node, or over the columns in scope; nothing if it is not known."""
        if self.kernel is None:
            return ""
        names = columns_of(expression)
        if below is None:
            known = {column: self.scope.type_of(column) for column in names}
        else:
            typed = assign_types(Query(below, tuple(names), (), ()), self.kernel)
            known = {column.id: column.type for column in schema(typed.root) if column.id in names}
        if len(known) < len(names) or not all(known.values()):
            return ""
        fields = [Field(str(column), type) for column, type in known.items()]
        return self.kernel.types(fields, [{"shoal_operand": sql_of(expression)}])["shoal_operand"]

    def attach(
        self,
        node: Node,
        expressions: list[exp.Expression],
        rewrite: Callable[[exp.Expression], exp.Expression] | None = None,
    ) -> Node:
        """Put an ``Apply`` on the node for every placeholder that the expressions name (and their needles)."""
        wanted = [mark for item in expressions for mark in sorted(columns_of(item)) if mark in self.pending]
        for mark in dict.fromkeys(wanted):
            subquery = self.pending.pop(mark)
            needle = subquery.needle
            if needle is not None:
                needle = rewrite(needle) if rewrite else needle
                node = self.attach(node, [needle], rewrite)
            node = Apply(subquery.kind, node, subquery.plan, Column(mark), needle)
        return node


def _struct_of(columns: Sequence[ScopeColumn]) -> exp.Expression:
    """A row of a table, which its name stands for where no column has it."""
    if len({column.name.lower() for column in columns}) < len(columns):
        raise NotDistributable("a row in which a name occurs twice")
    fields = [
        exp.PropertyEQ(this=exp.to_identifier(column.name, quoted=True), expression=column_ref(column.id))
        for column in columns
    ]
    return exp.Struct(expressions=fields)


def single_column(bound: BoundQuery, kind: ApplyKind) -> Node:
    """The plan of a subquery, delivering exactly its one output where the kind asks for that."""
    if kind is ApplyKind.EXISTS:
        return bound.node
    wanted = bound.outputs[0][1]
    if [column.id for column in schema(bound.node)] == [wanted]:
        return bound.node
    return Project(bound.node, (Assignment(Column(wanted), column_ref(wanted)),))


def contains_aggregate(expression: exp.Expression) -> bool:
    """Whether an aggregate is called outside of a window function."""
    return bool(aggregate_calls(expression))


def aggregate_calls(expression: exp.Expression) -> list[exp.Expression]:
    """The aggregates that are called outside of window functions, each with its FILTER."""
    if is_aggregate(expression):
        return [expression]
    parts = window_operands(expression) if isinstance(expression, exp.Window) else expression.iter_expressions()
    return [call for part in parts for call in aggregate_calls(part)]


def window_operands(window: exp.Expression) -> list[exp.Expression]:
    """What a window function is computed from: its arguments, its FILTER, its keys; all of them scalar expressions."""
    call = window.this
    found: list[exp.Expression] = []
    while isinstance(call, (exp.IgnoreNulls, exp.RespectNulls, exp.Filter)):
        found += [call.expression.this] if isinstance(call, exp.Filter) else []
        call = call.this
    found += call.iter_expressions()
    spec = window.args.get("spec")
    found += [part for name in ("start", "end") if isinstance(part := spec and spec.args.get(name), exp.Expression)]
    found += window.args.get("partition_by") or []
    order = window.args.get("order")
    return found + ([item.this for item in order.expressions] if order is not None else [])
