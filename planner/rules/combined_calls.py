"""Aggregate calls whose partial results joins above them may repeat: they are combined exactly, and cannot fail."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlglot import exp

from shoal.planner.column_ids import ColumnIds
from shoal.planner.functions import is_distinct
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Aggregate, Column
from shoal.planner.protocols import ColumnStatistics
from shoal.planner.scalar import column_ref
from shoal.planner.types import is_grouped_exactly

LARGEST_WHOLE = Decimal(2**31 - 1)
"""Up to here sums and products of INTEGER and BIGINT cannot overflow."""

LARGEST_DIGITS = Decimal(10) ** 18
"""Below it, counted in units of the last digit, sums and products of decimals cannot overflow."""

_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")

Types = Mapping[ColumnId, str]
Known = Mapping[ColumnId, ColumnStatistics]


@dataclass(frozen=True, slots=True)
class CombinedCall:
    """One call of an aggregate: the column that it gives, and its argument (None for ``count(*)``)."""

    column: Column
    call: exp.Expression
    argument: exp.Expression | None

    def partial(self, argument: exp.Expression | None) -> exp.Expression:
        """The call that makes a partial result of another argument."""
        made = self.call.copy()
        if argument is not None:
            made.set("this", argument.copy())
        return made

    def combining(self, state: ColumnId) -> exp.Expression:
        """The call that combines partial results."""
        kind = exp.Sum if isinstance(self.call, exp.Count) else type(self.call)
        return kind(this=column_ref(state))

    def combined(self, ids: ColumnIds) -> tuple[Column, exp.Expression | None]:
        """The column of the combined result, and (for counts, which add up to another type) what is made of it.

        There may be no count to add: of no rows at all, or of rows that an outer join has filled up.
        """
        if not isinstance(self.call, exp.Count):
            return self.column, None
        column = Column(ids.fresh(f"{self.column.id}_sum"), "HUGEINT")
        total = exp.Coalesce(this=column_ref(column.id), expressions=[exp.Literal.number(0)])
        return column, exp.Cast(this=total, to=exp.DataType.build(self.column.type, dialect="duckdb"))


def combined_calls(node: Aggregate) -> tuple[CombinedCall, ...]:
    """The calls of an aggregate, if there are any and all of them can be combined exactly; otherwise none."""
    found: list[CombinedCall] = []
    for item in node.assignments:
        call = item.expression
        if not _is_combinable(call, item.column.type):
            return ()
        argument = None if isinstance(call.this, exp.Star) else call.this
        found.append(CombinedCall(item.column, call, argument))
    return tuple(found)


def _has_more_arguments(call: exp.Expression) -> bool:
    """Whether a call has arguments besides its first, under whatever name: ``max(x, n)`` gives a list."""
    others = (value for name, value in call.args.items() if name != "this")
    return any(isinstance(value, exp.Expression) or (isinstance(value, list) and value) for value in others)


def _is_combinable(call: exp.Expression, type: str) -> bool:
    if not isinstance(call, (exp.Sum, exp.Count, exp.Min, exp.Max)) or is_distinct(call) or _has_more_arguments(call):
        return False
    if not isinstance(call.this, exp.Expression) or isinstance(call.this, exp.Order):
        return False
    match call:
        case exp.Sum():
            return type == "HUGEINT" or _DECIMAL.fullmatch(type) is not None
        case exp.Count():
            return type == "BIGINT"
    return is_grouped_exactly(type)


def cannot_fail(argument: exp.Expression | None, types: Types, known: Known) -> bool:
    """Whether an argument can be computed of every row: a column, or arithmetic whose bounds rule an overflow out."""
    return argument is None or isinstance(argument, exp.Column) or _size(argument, types, known) is not None


def _size(item: exp.Expression, types: Types, known: Known) -> tuple[Decimal, int] | None:
    """The largest absolute value of an expression of whole numbers and decimals, and its digits after the point."""
    match item:
        case exp.Column():
            return _column_size(ColumnId(item.name), types, known)
        case exp.Literal() if not item.is_string and "e" not in str(item.this).lower():
            return abs(Decimal(str(item.this))), len(str(item.this).partition(".")[2])
        case exp.Paren() | exp.Neg():
            return _size(item.this, types, known)
        case exp.Add() | exp.Sub() | exp.Mul():
            one, other = _size(item.this, types, known), _size(item.expression, types, known)
        case _:
            return None
    if one is None or other is None:
        return None
    product = isinstance(item, exp.Mul)
    size = one[0] * other[0] if product else one[0] + other[0]
    scale = one[1] + other[1] if product else max(one[1], other[1])
    largest = LARGEST_DIGITS.scaleb(-scale) if scale else LARGEST_WHOLE
    return (size, scale) if size < largest else None


def _column_size(column: ColumnId, types: Types, known: Known) -> tuple[Decimal, int] | None:
    decimal = _DECIMAL.fullmatch(types[column])
    if decimal is None and types[column] not in ("INTEGER", "BIGINT"):
        return None
    scale = int(decimal[2]) if decimal is not None else 0
    statistics = known.get(column)
    bounds = (statistics.minimum, statistics.maximum) if statistics is not None else (None, None)
    sizes = [abs(Decimal(bound)) for bound in bounds if isinstance(bound, (int, Decimal))]
    if len(sizes) == 2:
        return max(sizes), scale
    return Decimal(10) ** (int(decimal[1]) - scale) if decimal is not None else Decimal(2) ** 63, scale
