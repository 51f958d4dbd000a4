"""Whether a predicate drops the rows in which the columns of one join side are all NULL."""

from sqlglot import exp

from shoal.planner.ids import ColumnId
from shoal.planner.scalar import unwrap

STRICT_BINARY = (
    exp.EQ,
    exp.NEQ,
    exp.GT,
    exp.GTE,
    exp.LT,
    exp.LTE,
    exp.Like,
    exp.ILike,
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Div,
    exp.IntDiv,
    exp.Mod,
)
"""Operators that are NULL as soon as one operand is."""


def rejects_nulls(predicate: exp.Expression, columns: frozenset[ColumnId]) -> bool:
    """Whether the predicate is not true for any row in which all of ``columns`` are NULL; False when in doubt."""
    bare = unwrap(predicate)
    match bare:
        case exp.And():
            return rejects_nulls(bare.this, columns) or rejects_nulls(bare.expression, columns)
        case exp.Or():
            return rejects_nulls(bare.this, columns) and rejects_nulls(bare.expression, columns)
        case exp.Not():
            inner = unwrap(bare.this)
            if isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Null):
                return is_null_with(inner.this, columns)
    return is_null_with(bare, columns)


def is_null_with(expression: exp.Expression, columns: frozenset[ColumnId]) -> bool:
    """Whether the expression is NULL in every row in which all of ``columns`` are; False when in doubt."""
    bare = unwrap(expression)
    match bare:
        case exp.Column():
            return ColumnId(bare.name) in columns
        case exp.Cast() | exp.TryCast() | exp.Neg() | exp.Not() | exp.Between() | exp.Lower() | exp.Upper():
            return is_null_with(bare.this, columns)
        case exp.In():
            return bool(bare.expressions) and is_null_with(bare.this, columns)
        case _ if isinstance(bare, STRICT_BINARY):
            return is_null_with(bare.this, columns) or is_null_with(bare.expression, columns)
    return False
