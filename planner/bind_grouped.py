"""Groups one SELECT block: its keys and aggregates become an aggregate, and what stands above is written over that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from shoal.planner import tree
from shoal.planner.bind_expression import ExpressionBinder, aggregate_calls, contains_aggregate, window_operands
from shoal.planner.bind_groups import GroupedSets, aggregate_sets, has_sets, joined_keys, sets_of
from shoal.planner.bind_output import SelectItem
from shoal.planner.column_ids import ColumnIds
from shoal.planner.functions import ORDERED_AS_READ, aggregate_call, function_name, is_aggregate
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Aggregate, Assignment, Column, Node, Project, Sort, column_ids, schema
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.protocols import Kernel
from shoal.planner.scalar import column_ref, columns_of, sql_of, unwrap

_LEAVES = (exp.Identifier, exp.Var, exp.DataType, exp.Literal)


@dataclass(slots=True)
class GroupBinder:
    """Groups one block; ``items`` and ``aliases`` are those of its select list."""

    ids: ColumnIds
    kernel: Kernel
    expressions: ExpressionBinder
    items: list[SelectItem]
    aliases: Mapping[str, exp.Expression]
    grouped: list[tuple[exp.Expression, ColumnId]] = field(default_factory=list)
    sets: GroupedSets | None = None
    aggregates: dict[str, Assignment] = field(default_factory=dict)
    hidden: frozenset[ColumnId] = frozenset()

    def group(self, node: Node, group: exp.Expression | None, outputs: list[exp.Expression]) -> Node:
        """The grouped node; ``outputs`` are all bound expressions above it."""
        sets = sets_of(group) if group is not None and has_sets(group) else None
        bound = [self._group_key(key) for key in joined_keys(sets)] if sets is not None else self._plain_keys(group)
        if sets is not None:
            _check_apart(joined_keys(sets), bound)
        inner = [call for item in outputs for call in aggregate_calls(item)]
        if group is not None and group.args.get("all") and not bound and not inner:
            raise NotDistributable("GROUP BY ALL of constants, which groups nothing")
        node = self.expressions.attach(node, [*bound, *inner])
        _check_calls(inner, node)
        node = self._with_keys(node, bound)
        for call in inner:
            text = sql_of(call)
            if text not in self.aggregates:
                self.aggregates[text] = Assignment(Column(self.ids.fresh(function_name(aggregate_call(call)))), call)
        by_id = {column.id: column for column in schema(node)}
        ids = list(dict.fromkeys(id for _, id in self.grouped))
        if any(id not in by_id for id in ids):
            raise NotDistributable("grouping by a column of an outer query")
        keys, calls = tuple(by_id[id] for id in ids), tuple(self.aggregates.values())
        if sets is None:
            self.hidden = column_ids(node) - set(ids)
            return Aggregate(node, keys, calls)
        places = iter([ids.index(self._column_of(key)) for key in bound])
        members = [frozenset(next(places) for _ in one) for one in sets]
        self.hidden = column_ids(node)
        self.sets = aggregate_sets(node, keys, members, calls, self.ids, self.kernel)
        self.grouped = [(key, self.sets.keys[ids.index(id)].id) for key, id in self.grouped]
        return self.sets.node

    def _with_keys(self, node: Node, keys: list[exp.Expression]) -> Node:
        """Make the keys of the groups columns."""
        computed: list[Assignment] = []
        for key in keys:
            bare = unwrap(key)
            if any(bare == known for known, _ in self.grouped):
                continue
            if isinstance(bare, exp.Column):
                self.grouped.append((bare, ColumnId(bare.name)))
            else:
                column = Column(self.ids.fresh("group_key"))
                computed.append(Assignment(column, bare))
                self.grouped.append((bare, column.id))
        if not computed:
            return node
        kept = tuple(Assignment(column, column_ref(column.id)) for column in schema(node))
        return Project(node, (*kept, *computed))

    def _column_of(self, key: exp.Expression) -> ColumnId:
        bare = unwrap(key)
        return next(id for known, id in self.grouped if known == bare)

    def _plain_keys(self, group: exp.Expression | None) -> list[exp.Expression]:
        if group is None:
            return []
        if group.args.get("all"):
            # Constants are no keys: a list of them and of aggregates has one group, even over no rows.
            plain = [item.expression for item in self.items if not contains_aggregate(item.expression)]
            return [item for item in plain if columns_of(item)]
        items = [item for item in group.expressions if not isinstance(item, exp.Tuple) or item.expressions]
        if group.args.get("totals") or any(isinstance(item, exp.Tuple) for item in items):
            raise NotDistributable("grouping by a row")
        return [self._group_key(item) for item in items]

    def _group_key(self, item: exp.Expression) -> exp.Expression:
        if isinstance(item, exp.Literal) and not item.is_string and str(item.this).isdigit():
            return self.items[int(item.this) - 1].expression
        return self.expressions.bind(item, self.aliases)

    def _grouping(self, call: exp.Expression) -> exp.Expression:
        """``GROUPING`` of keys, as a number that says by which of them the row is not grouped."""
        ids = list(dict.fromkeys(id for _, id in self.grouped))
        places: list[int] = []
        for key in call.expressions:
            found = [id for known, id in self.grouped if known == unwrap(key)]
            if not found:
                raise NotDistributable("GROUPING of what is not grouped by")
            places.append(ids.index(found[0]))
        if self.sets is None or not places:
            raise NotDistributable("GROUPING without grouping sets")
        return self.sets.grouping(places)

    def over_groups(self, expression: exp.Expression) -> exp.Expression:
        """The expression over the groups: keys and aggregate calls become columns of the aggregate."""
        if isinstance(expression, (exp.Grouping, exp.GroupingId)):
            return self._grouping(expression)
        for key, id in self.grouped:
            if expression == key:
                return column_ref(id)
        if is_aggregate(expression):
            return column_ref(self.aggregates[sql_of(expression)].column.id)
        copy = expression.copy()
        if isinstance(expression, exp.Window):
            for item in window_operands(copy):
                if not isinstance(item, _LEAVES):
                    item.replace(self.over_groups(item))
            return copy
        if isinstance(expression, exp.Column):
            if expression.name in self.hidden:
                raise NotDistributable("a column that is not grouped")
            return copy
        _map_children(copy, self.over_groups)
        return copy


def _check_apart(keys: list[exp.Expression], bound: list[exp.Expression]) -> None:
    """Refuse sets of equal keys that are written in two ways: by their places in the select list they are two keys."""
    known: list[tuple[exp.Expression, exp.Expression]] = []
    for key, expression in zip(keys, bound, strict=True):
        bare = unwrap(expression)
        if any(bare == other and key != text for text, other in known):
            raise NotDistributable("grouping sets of equal keys")
        known.append((key, bare))


def _check_calls(calls: list[exp.Expression], node: Node) -> None:
    """Refuse aggregates that are not those of ``node``: one whose columns are all of an outer query belongs to that."""
    own = column_ids(node)
    ordered = next(tree.find(node, Sort), None) is not None
    for call in calls:
        names = columns_of(call)
        if names and own.isdisjoint(names):
            raise NotDistributable("an aggregate of an outer query")
        if ordered and function_name(aggregate_call(call)) in ORDERED_AS_READ:
            raise NotDistributable("an aggregate over the order of a subquery")


def _map_children(node: exp.Expression, change: Callable[[exp.Expression], exp.Expression]) -> None:
    for child in list(node.iter_expressions()):
        if isinstance(child, _LEAVES):
            continue
        child.replace(change(child))
