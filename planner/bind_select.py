"""Binds one SELECT block over its joined FROM: WHERE, grouping, windows, the select list, DISTINCT, order and limit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from shoal.planner.bind_collations import without_collation
from shoal.planner.bind_expression import (
    BoundQuery,
    ExpressionBinder,
    contains_aggregate,
    single_column,
)
from shoal.planner.bind_grouped import GroupBinder
from shoal.planner.bind_items import ItemBinder
from shoal.planner.bind_output import SelectItem, deliver
from shoal.planner.bind_stars import expanded
from shoal.planner.bind_unnest import unnest_items
from shoal.planner.bind_windows import add_windows, with_windows_written_out
from shoal.planner.column_ids import ColumnIds
from shoal.planner.functions import is_aggregate
from shoal.planner.logical import (
    Apply,
    ApplyKind,
    Filter,
    Node,
    SortKey,
)
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.protocols import Kernel
from shoal.planner.scalar import column_ref, conjunction, conjuncts, operand, sql_of, unwrap

_UNKNOWN_CLAUSES = (
    "pivots",
    "sample",
    "connect",
    "laterals",
    "cluster",
    "distribute",
    "sort",
    "kind",
    "into",
)

Rewrite = Callable[[exp.Expression], exp.Expression]
Kinds = type[exp.Expression] | tuple[type[exp.Expression], ...]


@dataclass(slots=True)
class SelectBinder:
    """Binds one SELECT; ``node`` grows from its FROM upwards."""

    ids: ColumnIds
    kernel: Kernel
    expressions: ExpressionBinder
    select: exp.Select
    node: Node
    items: list[SelectItem] = field(default_factory=list)
    aliases: dict[str, exp.Expression] = field(default_factory=dict)

    def bind(self) -> BoundQuery:
        """The whole block."""
        if any(self.select.args.get(name) for name in _UNKNOWN_CLAUSES):
            raise NotDistributable("a clause that only the kernel knows")
        self.select = with_windows_written_out(self.select)
        self.items, self.aliases = ItemBinder(self.expressions, self.kernel).bind(self.select.expressions)
        self._where()
        having = self._bound_clause("having")
        qualify = self._bound_clause("qualify")
        order = self._order_keys()
        sorted_by = len(order)
        order += self._distinct_keys(order)
        rewrite = self._group(having, qualify, order)
        if having is not None:
            having = rewrite(having)
            self._filter(having, rewrite)
        self._windows(qualify, order, rewrite)
        keys, on = order[:sorted_by], order[sorted_by:]
        return deliver(self.select, self.node, self.items, keys, on, self.expressions, self.kernel)

    def _where(self) -> None:
        where = self.select.args.get("where")
        if where is None:
            return
        rest: list[exp.Expression] = []
        terms = [one for term in conjuncts(where.this) for one in expanded(term, self.expressions.scope, self.kernel)]
        for term in terms:
            applied = self._semi_join(term)
            if applied is None:
                rest.append(self.expressions.bind(term, self.aliases))
        predicate = conjunction(rest)
        if predicate is not None:
            self._filter(predicate, _same)

    def _semi_join(self, term: exp.Expression) -> Node | None:
        """EXISTS and IN as whole conjuncts need no mark: they are semi and anti joins."""
        negated = isinstance(term, exp.Not)
        bare = unwrap(term.this) if negated else term
        if isinstance(bare, exp.Exists):
            bound = self.expressions.bind_query(bare.this, self.expressions.scope)
            kind = ApplyKind.ANTI if negated else ApplyKind.SEMI
            self.node = Apply(kind, self.node, bound.node)
            return self.node
        if isinstance(bare, exp.In) and bare.args.get("query") is not None and not negated:
            needles = list(bare.this.expressions) if isinstance(bare.this, exp.Tuple) else [bare.this]
            bound = self.expressions.bind_query(bare.args["query"], self.expressions.scope)
            if len(bound.outputs) != len(needles):
                raise NotDistributable("IN over a subquery of several columns")
            left = [self.expressions.bind(needle, self.aliases) for needle in needles]
            self.node = self.expressions.attach(self.node, left)
            terms = [
                exp.EQ(this=operand(needle), expression=column_ref(id))
                for needle, (_, id) in zip(left, bound.outputs, strict=True)
            ]
            right = single_column(bound, ApplyKind.IN) if len(needles) == 1 else bound.node
            self.node = Apply(ApplyKind.SEMI, self.node, right, condition=conjunction(terms))
            return self.node
        return None

    def _filter(self, predicate: exp.Expression, rewrite: Callable[[exp.Expression], exp.Expression]) -> None:
        self.node = self.expressions.attach(self.node, [predicate], rewrite)
        self.node = Filter(self.node, predicate)

    def _bound_clause(self, name: str) -> exp.Expression | None:
        clause = self.select.args.get(name)
        if clause is None:
            return None
        self._check_names(clause.this)
        return self.expressions.bind(clause.this, self.aliases)

    def _check_names(self, expression: exp.Expression) -> None:
        """After grouping the kernel prefers now the column and now the alias: it may, where a name could mean both."""
        if is_aggregate(expression) or isinstance(expression, exp.Query):
            return
        if isinstance(expression, exp.Column) and not expression.table:
            meant = self.aliases.get(expression.name.lower())
            column = self.expressions.scope.resolve_here(None, expression.name) if meant is not None else None
            if meant is not None and column is not None and unwrap(meant) != column_ref(column.id):
                raise NotDistributable(f"the name {expression.name} is both a column and an alias")
        for child in expression.iter_expressions():
            self._check_names(child)

    def _order_keys(self) -> list[SortKey]:
        clause = self.select.args.get("order")
        keys: list[SortKey] = []
        for item in clause.expressions if clause is not None else []:
            if not isinstance(item, exp.Ordered) or item.args.get("with_fill"):
                raise NotDistributable("an unusual ORDER BY")
            descending, nulls_first = bool(item.args.get("desc")), bool(item.args.get("nulls_first"))
            if isinstance(item.this, exp.Var) and item.this.name.upper() == "ALL":
                keys += [SortKey(one.expression, descending, nulls_first) for one in self.items]
                continue
            plain = without_collation(item.this)
            if plain is not item.this:
                self._check_names(plain)
            keys.append(SortKey(self._positional(plain), descending, nulls_first))
        return keys

    def _distinct_keys(self, order: list[SortKey]) -> list[SortKey]:
        """What DISTINCT ON keeps one row of each of."""
        distinct = self.select.args.get("distinct")
        on = distinct.args.get("on") if distinct is not None else None
        if on is None:
            return []
        if not order:
            raise NotDistributable("DISTINCT ON without an order")
        items = on.expressions if isinstance(on, exp.Tuple) else [unwrap(on)]
        return [SortKey(self._positional(item)) for item in items]

    def _positional(self, key: exp.Expression) -> exp.Expression:
        if isinstance(key, exp.Literal) and not key.is_string and str(key.this).isdigit():
            return self.items[int(key.this) - 1].expression
        # A name alone is an alias first; inside an expression it is a column first.
        return unwrap(self.expressions.bind(key, self.aliases, prefer_alias=isinstance(unwrap(key), exp.Column)))

    def _is_grouped(self, having: exp.Expression | None, qualify: exp.Expression | None, order: list[SortKey]) -> bool:
        if self.select.args.get("group") is not None or having is not None:
            return True
        candidates = [item.expression for item in self.items] + [key.expression for key in order]
        return any(contains_aggregate(item) for item in [*candidates, *([qualify] if qualify is not None else [])])

    def _group(self, having: exp.Expression | None, qualify: exp.Expression | None, order: list[SortKey]) -> Rewrite:
        """Group the node if the block is grouped; what becomes of expressions above."""
        if not self._is_grouped(having, qualify, order):
            return _same
        outputs = [item.expression for item in self.items] + [key.expression for key in order]
        outputs += [item for item in (having, qualify) if item is not None]
        groups = GroupBinder(self.ids, self.kernel, self.expressions, self.items, self.aliases)
        self.node = groups.group(self.node, self.select.args.get("group"), outputs)
        return groups.over_groups

    def _windows(
        self,
        qualify: exp.Expression | None,
        order: list[SortKey],
        rewrite: Callable[[exp.Expression], exp.Expression],
    ) -> None:
        for item in self.items:
            item.expression = rewrite(item.expression)
        order[:] = [SortKey(rewrite(key.expression), key.descending, key.nulls_first) for key in order]
        qualify = rewrite(qualify) if qualify is not None else None
        everything = [item.expression for item in self.items] + [key.expression for key in order]
        everything += [qualify] if qualify is not None else []
        self.node = self.expressions.attach(self.node, everything, rewrite)
        calls = {sql_of(call): call for item in everything for call in item.find_all(exp.Window)}
        if calls:
            self.node, columns = add_windows(self.node, calls, self.ids)
            found = {text: column_ref(column.id) for text, column in columns.items()}
            self._replace_in_outputs(found, exp.Window, order)
            qualify = _replaced(qualify, found, exp.Window) if qualify is not None else None
        if qualify is not None:
            self.node = Filter(self.node, qualify)
        outputs = [item.expression for item in self.items] + [key.expression for key in order]
        self.node, rows = unnest_items(self.node, outputs, self.ids)
        self._replace_in_outputs(rows, (exp.Explode, exp.Anonymous), order)

    def _replace_in_outputs(self, found: Mapping[str, exp.Expression], kinds: Kinds, order: list[SortKey]) -> None:
        """Put columns in place of calls in the select list and the order."""
        if not found:
            return
        for item in self.items:
            item.expression = _replaced(item.expression, found, kinds)
        order[:] = [replace(key, expression=_replaced(key.expression, found, kinds)) for key in order]


def _replaced(expression: exp.Expression, found: Mapping[str, exp.Expression], kinds: Kinds) -> exp.Expression:
    return expression.transform(lambda node: found.get(sql_of(node), node) if isinstance(node, kinds) else node)


def _same(expression: exp.Expression) -> exp.Expression:
    return expression
