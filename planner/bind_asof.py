"""Binds ASOF joins: to each left row the right row of the same keys that is nearest in an order.

    l ASOF JOIN r ON l.k = r.k AND l.t >= r.t
 -> the right row that is the last so far, in the rows of both sides together, ordered by t within each k

    Filter is_left AND found IS NOT NULL
      Window found = last_value(right_row IGNORE NULLS) OVER (PARTITION BY k ORDER BY t, is_left)
        Union all
          Project k, t, is_left = 1, the left columns, right_row = NULL         over l
          Project k, t, is_left = 0, NULLs, right_row = {the right columns}     over r where k and t are not NULL

Rows of one key are thus brought together as for any window. What has not this form is left to the kernel: other terms
in the condition, right and full joins.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlglot import exp

from shoal.planner.bind_quantified import agree
from shoal.planner.bind_using import merge_using
from shoal.planner.column_ids import ColumnIds
from shoal.planner.ids import ColumnId
from shoal.planner.logical import (
    Assignment,
    Column,
    Filter,
    JoinKind,
    Node,
    Project,
    Query,
    Schema,
    SetOperation,
    SetOperator,
    Window,
    column_ids,
    schema,
)
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.protocols import Kernel
from shoal.planner.scalar import DIALECT, column_ref, columns_of, conjunction, conjuncts, sql_of, unwrap
from shoal.planner.scope import Relation, Scope, ScopeColumn
from shoal.planner.source import Field
from shoal.planner.typing import assign_types

_TURNED: dict[type[exp.Expression], type[exp.Expression]] = {
    exp.GTE: exp.LTE,
    exp.GT: exp.LT,
    exp.LTE: exp.GTE,
    exp.LT: exp.GT,
}
_KINDS = (JoinKind.INNER, JoinKind.LEFT, JoinKind.SEMI, JoinKind.ANTI)


@dataclass(frozen=True, slots=True)
class AsofCondition:
    """The pairs (left, right) that have to be equal, and the comparison of the left with the right."""

    equal: tuple[tuple[exp.Expression, exp.Expression], ...]
    comparison: type[exp.Expression]
    left: exp.Expression
    right: exp.Expression


def asof_condition(condition: exp.Expression | None, left: Node, right: Node) -> AsofCondition:
    """A bound condition taken apart; raises ``NotDistributable`` for any other form."""
    ours, theirs = column_ids(left), column_ids(right)
    equal: list[tuple[exp.Expression, exp.Expression]] = []
    found: list[tuple[type[exp.Expression], exp.Expression, exp.Expression]] = []
    for term in conjuncts(condition):
        kind: type[exp.Expression] = type(term)
        if kind not in _TURNED and kind is not exp.EQ:
            raise NotDistributable("an ASOF join with another condition")
        one, other = unwrap(term.this), unwrap(term.expression)
        if columns_of(one) <= theirs and columns_of(other) <= ours:
            one, other, kind = other, one, _TURNED.get(kind, kind)
        if not (columns_of(one) and columns_of(other) and columns_of(one) <= ours and columns_of(other) <= theirs):
            raise NotDistributable("an ASOF join with another condition")
        if kind is exp.EQ:
            equal.append((one, other))
        else:
            found.append((kind, one, other))
    if not equal:
        raise NotDistributable("an ASOF join without equality")
    if len(found) != 1:
        raise NotDistributable("an ASOF join with another condition")
    return AsofCondition(tuple(equal), *found[0])


def using_condition(names: Sequence[str], scope: Scope, first_right: int) -> exp.Expression | None:
    """``USING (k, t)`` as a condition: equal but for the last, in which the right one is not after the left one."""
    sides = Scope(scope.relations[:first_right], dict(scope.merged)), Scope(scope.relations[first_right:])
    terms: list[exp.Expression] = []
    for position, name in enumerate(names):
        ours, theirs = (side.resolve_here(None, name) for side in sides)
        if ours is None or theirs is None:
            raise NotDistributable(f"USING ({name})")
        kind = exp.GTE if position == len(names) - 1 else exp.EQ
        terms.append(kind(this=column_ref(ours.id), expression=column_ref(theirs.id)))
    return conjunction(terms)


@dataclass(slots=True)
class AsofBinder:
    """Binds one ASOF join of typed sides; afterwards the scope knows their columns under new ids."""

    kernel: Kernel
    ids: ColumnIds
    left: Node
    right: Node
    condition: AsofCondition

    def bind(self, kind: JoinKind, scope: Scope) -> Node:
        """The plan of the join."""
        if kind not in _KINDS:
            raise NotDistributable(f"an ASOF {kind.value} join")
        pairs = [*self.condition.equal, (self.condition.left, self.condition.right)]
        ours, theirs = schema(self.left), schema(self.right)
        row = tuple((f"c{place}", column) for place, column in enumerate(theirs))
        inner = ", ".join(f'"{name}" {column.type}' for name, column in row)
        types = [
            *(self._type(*pair) for pair in pairs),
            "INTEGER",
            *(column.type for column in ours),
            f"STRUCT({inner})",
        ]
        place_of_left = 0 if self.condition.comparison in (exp.GT, exp.LT) else 1
        left_values = [*(one for one, _ in pairs), _number(place_of_left), *map(_reference, ours), exp.Null()]
        right_values = [*(other for _, other in pairs), _number(1 - place_of_left), *(exp.Null() for _ in ours)]
        known = conjunction([exp.Not(this=exp.Is(this=exp.Paren(this=one), expression=exp.Null())) for _, one in pairs])
        assert known is not None
        sides = (
            self._side(self.left, left_values, types),
            self._side(Filter(self.right, known), [*right_values, _struct(row)], types),
        )
        columns = tuple(Column(self.ids.fresh("asof"), type) for type in types)
        both = SetOperation(SetOperator.UNION, True, *sides, columns)
        found = Column(self.ids.fresh("found"), types[-1])
        count = len(pairs)
        window = self._window(columns[: count - 1], columns[count - 1], columns[count], columns[-1])
        node: Node = Window(both, (Assignment(found, window),))
        terms: list[exp.Expression] = [exp.EQ(this=_reference(columns[count]), expression=_number(place_of_left))]
        if kind is not JoinKind.LEFT:
            missing = exp.Is(this=_reference(found), expression=exp.Null())
            terms.append(missing if kind is JoinKind.ANTI else exp.Not(this=missing))
        predicate = conjunction(terms)
        assert predicate is not None
        kept = [(column.id, _reference(new)) for column, new in zip(ours, columns[count + 1 :], strict=False)]
        if kind in (JoinKind.INNER, JoinKind.LEFT):
            kept += [(column.id, _field(found, name)) for name, column in row]
        return self._delivered(
            Filter(node, predicate), kept, {column.id: column.type for column in (*ours, *theirs)}, scope
        )

    def _type(self, left: exp.Expression, right: exp.Expression) -> str:
        """The type in which two values are compared; only for those that are ordered in it as each by itself."""
        columns = [Field(str(column.id), column.type) for column in (*schema(self.left), *schema(self.right))]
        texts = {"one": sql_of(left), "other": sql_of(right)}
        types = self.kernel.types(columns, [texts])
        one, other = types["one"], types["other"]
        if one == other:
            return one
        if not agree(one, other) and {one, other} != {"DATE", "TIMESTAMP"}:
            raise NotDistributable("an ASOF join of values of other types")
        nulls = f"(SELECT CAST(NULL AS {one}) UNION ALL SELECT CAST(NULL AS {other}))"
        return self.kernel.types([], [{"both": nulls}])["both"]

    def _side(self, node: Node, values: Sequence[exp.Expression], types: Sequence[str]) -> Node:
        items: list[Assignment] = []
        for value, type in zip(values, types, strict=True):
            cast = exp.Cast(this=value.copy(), to=exp.DataType.build(type, dialect=DIALECT, udt=True))
            plain = isinstance(value, (exp.Literal, exp.Struct))
            items.append(Assignment(Column(self.ids.fresh("side"), type), value if plain else cast))
        return Project(node, tuple(items))

    def _window(self, keys: Schema, time: Column, side: Column, row: Column) -> exp.Expression:
        backward = self.condition.comparison in (exp.GT, exp.GTE)
        order = [
            exp.Ordered(this=_reference(time), desc=not backward, nulls_first=True),
            exp.Ordered(this=_reference(side), desc=False, nulls_first=False),
        ]
        spec = exp.WindowSpec(kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="CURRENT ROW")
        return exp.Window(
            this=exp.IgnoreNulls(this=exp.LastValue(this=_reference(row))),
            partition_by=[_reference(key) for key in keys],
            order=exp.Order(expressions=order),
            spec=spec,
            over="OVER",
        )

    def _delivered(
        self, node: Node, kept: Sequence[tuple[ColumnId, exp.Expression]], types: dict[ColumnId, str], scope: Scope
    ) -> Node:
        """The columns under new ids, which the scope gets to know."""
        new = {id: Column(self.ids.fresh(str(id)), types[id]) for id, _ in kept}

        def renamed(column: ScopeColumn) -> ScopeColumn:
            return ScopeColumn(column.name, new[column.id].id, column.type) if column.id in new else column

        scope.relations[:] = [
            Relation(one.alias, tuple(map(renamed, one.columns)), one.hidden) for one in scope.relations
        ]
        scope.merged.update({name: renamed(column) for name, column in scope.merged.items()})
        return Project(node, tuple(Assignment(new[id], value) for id, value in kept))


class Maker(Protocol):
    """What the binder of FROM gives to the join."""

    kernel: Kernel
    ids: ColumnIds


def join_asof(
    left: Node,
    right: Node,
    kind: JoinKind,
    condition: exp.Expression | None,
    using: Sequence[str],
    scope: Scope,
    first_right: int,
    maker: Maker,
) -> Node:
    """The join by a bound condition, or by ``using``; ``scope`` knows both sides and, afterwards, the join's columns.

    Raises ``NotDistributable`` for what is left to the kernel.
    """
    if using:
        condition = using_condition(using, scope, first_right)
        merge_using(using, kind, scope, first_right)
    left, right = _typed(left, maker.kernel), _typed(right, maker.kernel)
    binder = AsofBinder(maker.kernel, maker.ids, left, right, asof_condition(condition, left, right))
    node = binder.bind(kind, scope)
    if kind in (JoinKind.SEMI, JoinKind.ANTI):
        del scope.relations[first_right:]
    return node


def _typed(node: Node, kernel: Kernel) -> Node:
    return assign_types(Query(node, (), (), ()), kernel).root


def _reference(column: Column) -> exp.Expression:
    return column_ref(column.id)


def _number(value: int) -> exp.Expression:
    return exp.Literal.number(value)


def _struct(row: Sequence[tuple[str, Column]]) -> exp.Expression:
    items = [
        exp.PropertyEQ(this=exp.to_identifier(name, quoted=True), expression=_reference(column)) for name, column in row
    ]
    return exp.Struct(expressions=items)


def _field(row: Column, name: str) -> exp.Expression:
    return exp.Dot(this=exp.Paren(this=_reference(row)), expression=exp.Identifier(this=name, quoted=True))
