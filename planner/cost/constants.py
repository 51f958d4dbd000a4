"""Values of constant expressions, and their places on a number line, for estimates only: plans never depend on them."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, DivisionByZero, InvalidOperation, Overflow

from sqlglot import exp

from shoal.planner.scalar import unwrap

STRING_DIGITS = 8
"""Bytes of a string that decide its place: as many as a double tells apart, and more than ranges need."""

_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12, "DECADE": 120}
_SECONDS = {"DAY": 86400, "WEEK": 604800, "HOUR": 3600, "MINUTE": 60, "SECOND": 1, "MILLISECOND": 0.001}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def constant_value(expression: exp.Expression) -> object | None:
    """The Python value of a constant expression, or None when it is not constant, is NULL, or is not understood."""
    try:
        return _value(unwrap(expression))
    except (ValueError, TypeError, OverflowError, ArithmeticError, InvalidOperation, DivisionByZero, Overflow):
        return None


def _value(expression: exp.Expression) -> object | None:
    match expression:
        case exp.Literal():
            return str(expression.this) if expression.is_string else Decimal(str(expression.this))
        case exp.Boolean():
            return bool(expression.this)
        case exp.Paren():
            return _value(expression.this)
        case exp.Neg():
            operand = _value(expression.this)
            return -operand if isinstance(operand, Decimal) else None
        case exp.Cast() | exp.TryCast():
            return _cast(_value(expression.this), expression.to)
        case exp.Add() | exp.Sub() | exp.Mul() | exp.Div():
            return _arithmetic(expression)
    return None


def _cast(value: object | None, target: exp.DataType) -> object | None:
    if value is None:
        return None
    if target.is_type(exp.DType.DATE):
        return date.fromisoformat(value[:10]) if isinstance(value, str) else _as_date(value)
    if target.is_type(*exp.DataType.TEMPORAL_TYPES):
        return datetime.fromisoformat(value).replace(tzinfo=None) if isinstance(value, str) else value
    if target.is_type(*exp.DataType.NUMERIC_TYPES):
        return Decimal(value) if isinstance(value, (str, int)) else value
    if target.is_type(*exp.DataType.TEXT_TYPES):
        return str(value)
    return None


def _as_date(value: object) -> object | None:
    return value.date() if isinstance(value, datetime) else value if isinstance(value, date) else None


def _arithmetic(expression: exp.Expression) -> object | None:
    left = _value(unwrap(expression.this))
    second = unwrap(expression.expression)
    if isinstance(second, exp.Interval):
        return _shift(left, second, -1 if isinstance(expression, exp.Sub) else 1)
    right = _value(second)
    if isinstance(left, date) and isinstance(right, Decimal) and not isinstance(expression, (exp.Mul, exp.Div)):
        days = int(right)
        return left + timedelta(days=-days if isinstance(expression, exp.Sub) else days)
    if not (isinstance(left, Decimal) and isinstance(right, Decimal)):
        return None
    match expression:
        case exp.Add():
            return left + right
        case exp.Sub():
            return left - right
        case exp.Mul():
            return left * right
    return left / right


def _shift(value: object | None, interval: exp.Interval, sign: int) -> object | None:
    """A date or timestamp plus or minus an interval of one unit."""
    unit = str(interval.args["unit"]).upper().rstrip("S") if interval.args.get("unit") else ""
    amount = _value(unwrap(interval.this)) if interval.this is not None else None
    if isinstance(amount, str):
        amount = Decimal(amount)
    if not isinstance(value, date) or not isinstance(amount, Decimal):
        return None
    if unit in _MONTHS:
        return _add_months(value, sign * int(amount) * _MONTHS[unit])
    if unit in _SECONDS:
        return value + timedelta(seconds=float(amount) * sign * _SECONDS[unit])
    return None


def _add_months(value: date, months: int) -> date:
    month = value.month - 1 + months
    year = value.year + month // 12
    month = month % 12 + 1
    return value.replace(year=year, month=month, day=min(value.day, calendar.monthrange(year, month)[1]))


def position(value: object | None) -> float | None:
    """The place of a value on a number line of its kind: numbers as they are, dates and timestamps in days."""
    match value:
        case bool() | int() | float() | Decimal():
            return float(value)
        case datetime():
            return (value.replace(tzinfo=UTC) - _EPOCH) / timedelta(days=1)
        case date():
            return float(value.toordinal() - _EPOCH.toordinal())
        case time():
            return float(value.hour * 3600 + value.minute * 60 + value.second)
        case timedelta():
            return value.total_seconds()
        case str():
            return string_position(value)
        case bytes():
            return _bytes_position(value)
    return None


def string_position(value: str) -> float:
    """Strings as fractions in base 256, in the order of their bytes."""
    return _bytes_position(value.encode("utf-8", "replace"))


def _bytes_position(value: bytes) -> float:
    return float(int.from_bytes(value[:STRING_DIGITS].ljust(STRING_DIGITS, b"\0"), "big"))
