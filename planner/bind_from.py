"""Binds FROM: tables, files, views, common table expressions, derived tables and the joins between them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sqlglot import exp

from shoal.planner.bind_asof import join_asof
from shoal.planner.bind_block import BlockMaker
from shoal.planner.bind_expression import BoundQuery, ExpressionBinder
from shoal.planner.bind_files import READERS, named_file, reader_arguments
from shoal.planner.bind_pivot import SourceColumn, pivoted
from shoal.planner.bind_relation import add_relation, add_scan, add_values
from shoal.planner.bind_shared import SharedTables
from shoal.planner.bind_unnest import add_rows, is_short, own_columns, row_source
from shoal.planner.bind_using import join_using, shared_names
from shoal.planner.column_ids import ColumnIds
from shoal.planner.common_tables import CommonTable, CommonTables
from shoal.planner.ids import ColumnId
from shoal.planner.logical import (
    Apply,
    ApplyKind,
    Filter,
    Join,
    JoinKind,
    Node,
    Query,
    Values,
    column_ids,
    schema,
)
from shoal.planner.logical import expressions as expressions_of
from shoal.planner.names import SEPARATOR
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.parse import QueryReader
from shoal.planner.protocols import Catalog, Kernel
from shoal.planner.scalar import column_ref, columns_of, conjuncts
from shoal.planner.scope import Scope
from shoal.planner.source import ViewDefinition
from shoal.planner.tree import walk
from shoal.planner.typing import assign_types

_TABLE_ARGUMENTS = frozenset({"this", "alias", "db", "catalog", "joins"})
_JOIN_SIDES = {"": JoinKind.INNER, "LEFT": JoinKind.LEFT, "RIGHT": JoinKind.RIGHT, "FULL": JoinKind.FULL}


class BlockBinder(Protocol):
    """The binder of query blocks, as FROM needs it."""

    catalog: Catalog
    kernel: Kernel
    ids: ColumnIds
    shared: SharedTables
    """The common tables and views that the statement has named so far."""
    reader: QueryReader

    def query(self, query: exp.Expression, parent: Scope | None, visible: CommonTables) -> BoundQuery:
        """Bind a query block inside a scope, with the common tables that it sees."""


@dataclass(slots=True)
class FromBinder:
    """Binds the FROM of one query block into a node, filling the block's scope."""

    binder: BlockBinder
    scope: Scope
    visible: CommonTables

    def bind(self, select: exp.Expression) -> Node:
        """The joined node of a SELECT's FROM; one row without columns if it has none."""
        clause = select.args.get("from_")
        if clause is None:
            return Values((), ((),))
        node = self.item(clause.this)
        return self._joins(node, [*(select.args.get("joins") or [])])

    def item(self, item: exp.Expression) -> Node:
        """One item of FROM with what is joined to it."""
        match item:
            case exp.Table() | exp.Subquery() if item.args.get("pivots"):
                node = self._pivoted(item)
            case exp.Table(this=exp.GenerateSeries()) if is_short(item, self.binder.kernel):
                node = self._first_rows(item)
            case exp.Table():
                node = self._table(item)
            case exp.Subquery() if isinstance(item.this, exp.Table):
                if item.args.get("alias"):
                    raise NotDistributable("an alias of joined tables")
                return self._joins(self.item(item.this), [*(item.args.get("joins") or [])])
            case exp.Subquery():
                node = self._derived(item)
            case exp.Values():
                node = add_values(self.scope, self.binder.ids, self.binder.kernel, item)
            case exp.Unnest():
                node = self._first_rows(item)
            case _:
                raise NotDistributable(f"{type(item).__name__} in FROM")
        return self._joins(node, [*(item.args.get("joins") or [])])

    def _joins(self, node: Node, joins: list[exp.Expression]) -> Node:
        """The joins from left to right. A comma binds least: ``a, b RIGHT JOIN c`` is ``a, (b RIGHT JOIN c)``, which
        makes no difference only as long as what follows the comma keeps no rows of the right and names no columns of
        the left by itself."""
        after_comma = False
        for join in joins:
            outer = (join.args.get("side") or "").upper() in {"RIGHT", "FULL"}
            if after_comma and (outer or join.args.get("method") or join.args.get("using")):
                raise NotDistributable("an outer or natural join behind a comma")
            after_comma = after_comma or _is_comma(join)
            node = self._join(node, join)
        return node

    def _table(self, table: exp.Table) -> Node:
        if any(value for key, value in table.args.items() if key not in _TABLE_ARGUMENTS):
            raise NotDistributable("a sampled, pivoted or dated table")
        if not isinstance(table.this, exp.Identifier):
            return self._function(table)
        name = table.name
        if table.args.get("db") is None and name.lower() in self.visible:
            return self._common(table, self.visible[name.lower()])
        if table.args.get("catalog") is not None:
            raise NotDistributable("a table that is qualified with a database")
        if table.args.get("db") is not None:
            name = f"{table.db}{SEPARATOR}{name}"
        found = self.binder.catalog.lookup(name)
        if isinstance(found, ViewDefinition):
            view = found
            bound = self.binder.shared.read(name, view, lambda: self._view(table, view))
            return add_relation(
                self.scope, self.binder.ids, table, table.name, bound.node, bound.outputs, found.columns
            )
        if found is None:
            found = named_file(name, self.binder.catalog)
        return add_scan(self.scope, self.binder.ids, table, found, table.alias or table.name)

    def _function(self, table: exp.Table) -> Node:
        call = table.this
        name = call.name.lower() if isinstance(call, exp.Anonymous) else call.sql_name().lower()
        if name in READERS:
            paths, options = reader_arguments(name, list(call.expressions), call.args.get("this"))
            source = self.binder.catalog.files(READERS[name], paths, options)
            return add_scan(self.scope, self.binder.ids, table, source, table.alias or name)
        bare = exp.Table(this=call.copy())
        query = exp.select("*").from_(bare)
        bound = self._block(query, f"the table function {name}", {})
        series = isinstance(call, exp.GenerateSeries) and table.alias
        outputs = ((table.alias, bound.outputs[0][1]),) if series else bound.outputs
        return add_relation(self.scope, self.binder.ids, table, table.alias or name, bound.node, outputs, ())

    def _common(self, table: exp.Table, common: CommonTable) -> Node:
        bound = self._named_rows(common, lambda: self._definition(common))
        return add_relation(
            self.scope, self.binder.ids, table, table.alias or table.name, bound.node, bound.outputs, common.columns
        )

    def _named_rows(self, common: CommonTable, bind: Callable[[], BoundQuery]) -> BoundQuery:
        if common.uses <= 1:
            return bind()
        return self.binder.shared.read(common.name, common, bind, once=common.materialized)

    def _definition(self, common: CommonTable) -> BoundQuery:
        if common.recursive:
            name = exp.to_identifier(common.name, quoted=True)
            query = exp.select("*").from_(exp.Table(this=name))
            return self._block(query, "a recursive common table expression", {common.name.lower(): common})
        try:
            return self.binder.query(common.query, None, common.visible)
        except NotDistributable as refusal:
            return self._block(common.query, refusal.reason, common.visible)

    def _view(self, table: exp.Table, view: ViewDefinition) -> BoundQuery:
        try:
            return self.binder.query(self.binder.reader.read(view.sql), None, {})
        except NotDistributable as refusal:
            query = exp.select("*").from_(exp.Table(this=table.this.copy(), db=table.args.get("db")))
            return self._block(query, refusal.reason, {})

    def _block(self, query: exp.Expression, reason: str, visible: CommonTables) -> BoundQuery:
        if not self.binder.reader.is_faithful():
            raise NotDistributable(reason)

        def rows(common: CommonTable) -> BoundQuery:
            return self._named_rows(common, lambda: self.binder.query(common.query, None, common.visible))

        maker = BlockMaker(self.binder.catalog, self.binder.kernel, self.binder.ids, rows)
        node = maker.block(query, reason, visible)
        return BoundQuery(node, tuple(zip(node.names, (column.id for column in node.columns), strict=True)))

    def _derived(self, item: exp.Subquery) -> Node:
        try:
            bound = self.binder.query(item, self.scope.parent, self.visible)
        except NotDistributable as refusal:
            bound = self._block(item.this, refusal.reason, self.visible)
        return add_relation(self.scope, self.binder.ids, item, item.alias or "subquery", bound.node, bound.outputs, ())

    def _join(self, left: Node, join: exp.Expression) -> Node:
        method = (join.args.get("method") or "").upper()
        side = (join.args.get("side") or "").upper()
        kind_name = (join.args.get("kind") or "").upper()
        if method not in ("", "NATURAL", "ASOF") or kind_name not in ("", "INNER", "CROSS", "OUTER", "SEMI", "ANTI"):
            raise NotDistributable(f"a {method or kind_name} join")
        kind = {"SEMI": JoinKind.SEMI, "ANTI": JoinKind.ANTI}.get(kind_name, _JOIN_SIDES[side])
        first_right = len(self.scope.relations)
        if isinstance(join.this, exp.Lateral):
            return self._lateral(left, join, kind)
        source = row_source(join.this)
        if source is not None and method == "":
            rows = self._expressions().bind(source.list)
            if columns_of(rows):
                return self._rows(left, join, kind, rows, source.names)
        try:
            right = self.item(join.this)
        except NotDistributable:
            if not isinstance(join.this, exp.Subquery) or join.args.get("using") or method:
                raise
            return self._lateral(left, join, kind)
        using = [item.name for item in join.args.get("using") or []]
        if method == "ASOF":
            bound = self._expressions().bind(join.args["on"]) if join.args.get("on") is not None else None
            return join_asof(left, right, kind, bound, using, self.scope, first_right, self.binder)
        if method == "NATURAL":
            using = shared_names(self.scope, first_right)
        if using:
            return join_using(left, right, kind, using, self.scope, first_right, self.binder.ids)
        condition = join.args.get("on")
        if condition is None:
            node: Node = Join(kind, left, right)
        else:
            node = self._on(left, right, kind, condition)
        if kind in (JoinKind.SEMI, JoinKind.ANTI):
            del self.scope.relations[first_right:]
        return node

    def _pivoted(self, item: exp.Expression) -> Node:
        """A pivot of an item, as a derived table."""
        source, (pivot, *others) = item.copy(), item.args["pivots"]
        if others:
            raise NotDistributable("several pivots of one table")
        source.set("pivots", None)
        source.set("joins", None)
        scope = Scope(parent=self.scope.parent)
        node = FromBinder(self.binder, scope, self.visible).item(source)
        typed = assign_types(Query(node, (), (), ()), self.binder.kernel)
        types = {column.id: column.type for column in schema(typed.root)}
        columns = [SourceColumn(column.name, types[column.id]) for column in scope.relations[-1].columns]
        alias = pivot.args.get("alias") or exp.TableAlias(this=exp.to_identifier(item.alias_or_name or "pivoted"))
        return self._derived(exp.Subquery(this=pivoted(source, pivot, columns), alias=alias.copy()))

    def _first_rows(self, item: exp.Expression) -> Node:
        """Rows of a list as a relation of its own, that has no columns but perhaps those of an outer query."""
        source = row_source(item)
        assert source is not None
        rows = ExpressionBinder(self.binder.ids, _no_subquery, Scope(parent=self.scope.parent)).bind(source.list)
        node, columns = add_rows(Values((), ((),)), rows, source.names, self.binder.ids, keep_empty=False)
        outputs = own_columns(item, source.names, columns)
        return add_relation(self.scope, self.binder.ids, item, source.names[0], node, outputs, ())

    def _rows(
        self, left: Node, join: exp.Expression, kind: JoinKind, rows: exp.Expression, names: tuple[str, ...]
    ) -> Node:
        """Rows made of a list of each left row."""
        condition: exp.Expression | None = join.args.get("on")
        always = condition is None or conjuncts(condition) == ()
        if kind not in (JoinKind.INNER, JoinKind.LEFT) or (kind is JoinKind.LEFT and not always):
            raise NotDistributable("a join with UNNEST of another kind")
        node, columns = add_rows(left, rows, names, self.binder.ids, keep_empty=kind is JoinKind.LEFT)
        outputs = own_columns(join.this, names, columns)
        node = add_relation(self.scope, self.binder.ids, join.this, names[0], node, outputs, ())
        if condition is None or always:
            return node
        expressions = self._expressions()
        bound = expressions.bind(condition)
        return Filter(expressions.attach(node, [bound]), bound)

    def _expressions(self) -> ExpressionBinder:
        return ExpressionBinder(
            self.binder.ids,
            lambda query, scope: self.binder.query(query, scope, self.visible),
            self.scope,
            self.binder.kernel,
        )

    def _on(self, left: Node, right: Node, kind: JoinKind, condition: exp.Expression) -> Node:
        expressions = self._expressions()
        bound = expressions.bind(condition)
        if not expressions.pending:
            return Join(kind, left, right, bound)
        if kind is JoinKind.INNER:
            return Filter(expressions.attach(Join(kind, left, right), [bound]), bound)
        for mark, subquery in list(expressions.pending.items()):
            refers = columns_within(subquery.plan) | columns_of(subquery.needle)
            if refers.isdisjoint(column_ids(left)):
                right = expressions.attach(right, [column_ref(mark)])
            elif refers.isdisjoint(column_ids(right)):
                left = expressions.attach(left, [column_ref(mark)])
            else:
                raise NotDistributable("a subquery over both sides in the condition of an outer join")
        return Join(kind, left, right, bound)

    def _lateral(self, left: Node, join: exp.Expression, kind: JoinKind) -> Node:
        lateral = join.this
        query = lateral if isinstance(lateral, exp.Subquery) else lateral.this
        if not isinstance(query, exp.Subquery) or kind not in (JoinKind.INNER, JoinKind.LEFT):
            raise NotDistributable("a lateral function")
        bound = self.binder.query(query, self.scope, self.visible)
        right = add_relation(self.scope, self.binder.ids, lateral, "lateral", bound.node, bound.outputs, ())
        condition = join.args.get("on")
        expressions = ExpressionBinder(self.binder.ids, _no_subquery, self.scope)
        bound_condition = expressions.bind(condition) if condition is not None else None
        apply = ApplyKind.INNER if kind is JoinKind.INNER else ApplyKind.LEFT
        return Apply(apply, left, right, condition=bound_condition)


def columns_within(plan: Node) -> frozenset[ColumnId]:
    """The columns that the nodes of a plan refer to, its own and those of the queries around it."""
    return frozenset(id for node in walk(plan) for item in expressions_of(node) for id in columns_of(item))


def _is_comma(join: exp.Expression) -> bool:
    return not any(join.args.get(part) for part in ("kind", "side", "method", "on", "using"))


def _no_subquery(query: exp.Expression, scope: Scope) -> BoundQuery:
    raise NotDistributable("a subquery in this place")
