"""Binds GROUP BY: its keys, and grouping sets as one aggregate over rows that are repeated for each set.

    SELECT a, count(x) FROM t GROUP BY ROLLUP (a)
 -> Aggregate [a', set] over Project [CASE WHEN set = 0 THEN a END AS a'] over t x VALUES (0), (1)

The empty set has a row even where the input has none: one more row of NULLs goes to that set alone, and every aggregate
passes over it. ``GROUPING(a)`` becomes a CASE over the number of the set.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from sqlglot import exp

from shoal.planner.column_ids import ColumnIds
from shoal.planner.errors import ProgrammingError
from shoal.planner.functions import ORDER_FREE, aggregate_call, function_name
from shoal.planner.ids import ColumnId
from shoal.planner.logical import (
    Aggregate,
    Assignment,
    Column,
    Filter,
    Join,
    JoinKind,
    Node,
    Project,
    Query,
    Schema,
    SetOperation,
    SetOperator,
    Values,
    schema,
)
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.protocols import Kernel
from shoal.planner.scalar import column_ref, columns_of, rename
from shoal.planner.types import null_of
from shoal.planner.typing import assign_types

MOST_SETS = 64
"""Grouping sets that rows are repeated for; a cube of more columns is left to the kernel."""


@dataclass(frozen=True, slots=True)
class GroupedSets:
    """An aggregate over several grouping sets: its keys in the order given, and the column that numbers the sets."""

    node: Aggregate
    keys: Schema
    number: Column
    sets: tuple[frozenset[int], ...]

    def grouping(self, keys: Sequence[int]) -> exp.Expression:
        """``GROUPING`` of some keys: a bit for each, the last one lowest, which is set where it is not grouped by."""
        case = exp.Case()
        for position, members in enumerate(self.sets):
            bits = sum(1 << place for place, key in enumerate(reversed(keys)) if key not in members)
            case = case.when(exp.EQ(this=column_ref(self.number.id), expression=_number(position)), _number(bits))
        return exp.Cast(this=case, to=exp.DataType.build("BIGINT"))


def has_sets(group: exp.Expression) -> bool:
    """Whether a GROUP BY has more than plain keys."""
    kinds = (exp.Rollup, exp.Cube, exp.GroupingSets)
    return any(group.args.get(name) for name in ("rollup", "cube", "grouping_sets")) or any(
        isinstance(item, kinds) for item in group.expressions
    )


def sets_of(group: exp.Expression) -> list[list[exp.Expression]]:
    """The grouping sets of a GROUP BY, each as its keys; several of ROLLUP, CUBE and so on are combined."""
    parts = list(group.expressions)
    for name in ("rollup", "cube", "grouping_sets"):
        parts += group.args.get(name) or []
    found: list[list[exp.Expression]] = [[]]
    for part in parts:
        found = [one + other for one in found for other in _sets_of(part)]
        if len(found) > MOST_SETS:
            raise NotDistributable(f"more than {MOST_SETS} grouping sets")
    return found


def _sets_of(part: exp.Expression) -> list[list[exp.Expression]]:
    units = [_keys_of(item) for item in part.expressions]
    match part:
        case exp.Rollup():
            return [joined_keys(units[:length]) for length in range(len(units), -1, -1)]
        case exp.Cube():
            sizes = range(len(units), -1, -1)
            return [joined_keys(chosen) for size in sizes for chosen in combinations(units, size)]
        case exp.GroupingSets():
            return [found for item in part.expressions for found in _members_of(item)]
        case exp.Tuple():
            raise NotDistributable("grouping by a row")
        case _:
            return [[part]]


def _members_of(item: exp.Expression) -> list[list[exp.Expression]]:
    nested = isinstance(item, (exp.Rollup, exp.Cube, exp.GroupingSets))
    return _sets_of(item) if nested else [_keys_of(item)]


def _keys_of(item: exp.Expression) -> list[exp.Expression]:
    if isinstance(item, exp.Tuple):
        return list(item.expressions)
    return [item.this if isinstance(item, exp.Paren) else item]


def joined_keys(units: Sequence[list[exp.Expression]]) -> list[exp.Expression]:
    """The keys of several sets or units, one after another."""
    return [key for unit in units for key in unit]


def aggregate_sets(
    node: Node,
    keys: Schema,
    sets: Sequence[frozenset[int]],
    calls: Sequence[Assignment],
    ids: ColumnIds,
    kernel: Kernel,
) -> GroupedSets:
    """The aggregate of a node over grouping sets, which are given by the places of their keys."""
    number = Column(ids.fresh("grouping_set"), "INTEGER")
    empty = [position for position, members in enumerate(sets) if not members]
    real: ColumnId | None = None
    if empty:
        node, real, renamed = _with_row_of_nulls(node, keys, calls, ids, kernel)
        keys = tuple(Column(renamed[key.id], key.type) for key in keys)
        passing = [_passing_over(rename(call.expression, renamed), real) for call in calls]
        calls = [Assignment(call.column, passed) for call, passed in zip(calls, passing, strict=True)]
    repeated: Node = Join(JoinKind.INNER, node, Values((number,), tuple((_number(at),) for at in range(len(sets)))))
    if real is not None:
        repeated = Filter(repeated, exp.Or(this=column_ref(real), expression=_is_one_of(number.id, empty)))
    masked = tuple(Column(ids.fresh(key.id)) for key in keys)
    needed = dict.fromkeys(id for call in calls for id in sorted(columns_of(call.expression)))
    types = {column.id: column for column in schema(repeated)}
    assignments = [Assignment(types[id], column_ref(id)) for id in needed]
    assignments += [Assignment(number, column_ref(number.id))]
    for place, (key, column) in enumerate(zip(keys, masked, strict=True)):
        having = [position for position, members in enumerate(sets) if place in members]
        value: exp.Expression = column_ref(key.id)
        if len(having) < len(sets):
            value = exp.Case().when(_is_one_of(number.id, having), value)
        assignments.append(Assignment(column, value))
    grouped = Aggregate(Project(repeated, tuple(assignments)), (*masked, number), tuple(calls))
    return GroupedSets(grouped, masked, number, tuple(sets))


def _with_row_of_nulls(
    node: Node, keys: Schema, calls: Sequence[Assignment], ids: ColumnIds, kernel: Kernel
) -> tuple[Node, ColumnId, Mapping[ColumnId, ColumnId]]:
    """The node and a row of NULLs, the column that is true for its own rows, and the new names of its columns."""
    needed = [key.id for key in keys] + [id for call in calls for id in sorted(columns_of(call.expression))]
    try:
        typed = assign_types(Query(node, tuple(dict.fromkeys(needed)), (), ()), kernel).root
    except (ProgrammingError, KeyError):
        raise NotDistributable("grouping sets over columns of an outer query") from None
    found = {column.id: column for column in schema(typed)}
    if any(id not in found for id in needed):
        raise NotDistributable("grouping sets over columns of an outer query")
    columns = [found[id] for id in dict.fromkeys(needed)]
    real = Column(ids.fresh("is_row"), "BOOLEAN")
    new = [Column(ids.fresh(column.id), column.type) for column in columns]
    sides: list[Node] = []
    for source, flag in ((typed, True), (Values((), ((),)), False)):
        passed = [
            Assignment(
                Column(ids.fresh(column.id), column.type), column_ref(column.id) if flag else null_of(column.type)
            )
            for column in columns
        ]
        mark = Assignment(Column(ids.fresh("is_row"), "BOOLEAN"), exp.Boolean(this=flag))
        sides.append(Project(source, (*passed, mark)))
    union = SetOperation(SetOperator.UNION, True, sides[0], sides[1], (*new, real))
    return union, real.id, {old.id: fresh.id for old, fresh in zip(columns, new, strict=True)}


def _passing_over(call: exp.Expression, real: ColumnId) -> exp.Expression:
    """The aggregate without the row of NULLs, which most aggregates do not see anyway."""
    bare = aggregate_call(call)
    if isinstance(bare, exp.Count) and (bare.this is None or isinstance(bare.this, exp.Star)) and bare is call:
        return exp.Count(this=exp.Case().when(column_ref(real), exp.Boolean(this=True)), big_int=True)
    arguments = list(bare.iter_expressions())
    if bare is call and function_name(bare) in ORDER_FREE and all(isinstance(one, exp.Column) for one in arguments):
        return call
    condition: exp.Expression = column_ref(real)
    if isinstance(call, exp.Filter):
        condition = exp.And(this=condition, expression=exp.Paren(this=call.expression.this.copy()))
    return exp.Filter(this=bare.copy(), expression=exp.Where(this=condition))


def _is_one_of(column: ColumnId, numbers: Sequence[int]) -> exp.Expression:
    return exp.In(this=column_ref(column), expressions=[_number(number) for number in numbers])


def _number(value: int) -> exp.Expression:
    return exp.Literal(this=str(value), is_string=False)
