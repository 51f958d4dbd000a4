"""Parameter values as SQL literals: a statement with parameters becomes one without, of the same types and meaning.

DuckDB gives a bound ``1`` the type INTEGER, where a written ``1`` would take its neighbour's type; hence the casts.
Imports only the lexer and errors.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal

from shoal.planner.errors import ErrorContext, ParameterError
from shoal.planner.lexer import Token, TokenKind, place_at, tokenize

_INTEGER_TYPES = (
    ("INTEGER", -(2**31), 2**31),
    ("BIGINT", -(2**63), 2**63),
    ("UBIGINT", 0, 2**64),
    ("HUGEINT", -(2**127), 2**127),
    ("UHUGEINT", 0, 2**128),
)
_MAX_DECIMAL_DIGITS = 38


def literal(value: object) -> str:
    """A SQL expression of the value and type that DuckDB gives to a bound Python value; raises ``ParameterError``."""
    match value:
        case None | True | False:
            return str(value).lower() if value is not None else "NULL"
        case int():
            return _integer(value)
        case float():
            return f"CAST('{value!r}' AS DOUBLE)"
        case str():
            return _quote(value)
        case bytes() | bytearray() | memoryview():
            return "CAST('" + "".join(f"\\x{byte:02X}" for byte in bytes(value)) + "' AS BLOB)"
        case Decimal():
            return _decimal(value)
        case uuid.UUID():
            return f"CAST('{value}' AS UUID)"
        case dt.timedelta():
            return _interval(value)
        case dt.datetime() | dt.date() | dt.time():
            return _moment(value)
        case Mapping():
            fields = ", ".join(f"{_quote(str(key))}: {literal(item)}" for key, item in value.items())
            return "{" + fields + "}"
        case Sequence():
            return "[" + ", ".join(literal(item) for item in value) + "]"
        case _:
            return _scalar_of_array_library(value)


def _scalar_of_array_library(value: object) -> str:
    """NumPy's and pandas' scalars, without importing either: their own way to a Python value."""
    item = getattr(value, "item", None)
    if callable(item) and not isinstance(plain := item(), type(value)):
        return literal(plain)
    raise ParameterError(f"a parameter of type {type(value).__name__} has no SQL type")


def _integer(value: int) -> str:
    for name, low, high in _INTEGER_TYPES:
        if low <= value < high:
            return f"CAST({value} AS {name})" if value >= 0 else f"CAST('{value}' AS {name})"
    raise ParameterError("an integer parameter does not fit into 128 bits")


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        return f"CAST('{float(value)!r}' AS FLOAT)"
    digits, exponent = value.as_tuple().digits, value.as_tuple().exponent
    assert isinstance(exponent, int)
    scale = max(0, -exponent)
    # DuckDB counts a zero before the point when the digits are fewer than the scale: 0.00001 is DECIMAL(6,5).
    width = max(len(digits) + max(0, exponent), scale + (len(digits) < scale))
    if width > _MAX_DECIMAL_DIGITS:
        return f"CAST('{value:f}' AS DOUBLE)"
    return f"CAST('{value:f}' AS DECIMAL({width},{scale}))"


def _interval(value: dt.timedelta) -> str:
    parts = f"to_days({value.days}) + to_seconds({value.seconds}) + to_microseconds({value.microseconds})"
    return f"({parts})"


def _moment(value: dt.date | dt.time) -> str:
    name = "DATE"
    if isinstance(value, dt.datetime):
        name = "TIMESTAMP" if value.tzinfo is None else "TIMESTAMPTZ"
    elif isinstance(value, dt.time):
        name = "TIME" if value.tzinfo is None else "TIMETZ"
    text = value.isoformat(" ") if isinstance(value, dt.datetime) else value.isoformat()
    return f"CAST('{text}' AS {name})"


def _quote(text: str) -> str:
    if "\0" in text:
        pieces = " || chr(0) || ".join(_quote(piece) for piece in text.split("\0"))
        return f"({pieces})"
    return "'" + text.replace("'", "''") + "'"


def _wanted(sql: str) -> tuple[list[Token], frozenset[str]]:
    tokens = [token for token in tokenize(sql) if token.kind is TokenKind.PARAMETER]
    positional = 0
    keys = set()
    for token in tokens:
        if token.text == "?":
            positional += 1
        keys.add(str(positional) if token.text == "?" else token.text[1:])
    return tokens, frozenset(keys)


def check_parameters(sql: str, parameters: Sequence[object]) -> list[Token]:
    """The parameters of a statement; raises ``ParameterError`` unless there is a value for each, and no more."""
    tokens, keys = _wanted(sql)
    for token in tokens:
        if not token.text[1:].isdigit() and token.text != "?":
            place = place_at(sql, token.start, len(token.text))
            message = f"named parameters such as {token.text} are not supported"
            raise ParameterError(message, ErrorContext(sql=sql, place=place, hint="write ? and pass a sequence"))
    wanted = max((int(key) for key in keys), default=0)
    if wanted != len(parameters):
        expected = "1 parameter" if wanted == 1 else f"{wanted} parameters"
        at_last = place_at(sql, tokens[-1].start, len(tokens[-1].text)) if tokens else None
        given = "1 value was" if len(parameters) == 1 else f"{len(parameters)} values were"
        message = f"the statement has {expected}, but {given} given"
        raise ParameterError(message, ErrorContext(sql=sql, place=at_last))
    return tokens


def inline_parameters(sql: str, parameters: Sequence[object]) -> str:
    """The statement with each ``?`` (or ``?1``, ``$1``) replaced by its value's literal; raises ``ParameterError``."""
    tokens = check_parameters(sql, parameters)
    if not tokens:
        return sql
    literals = [literal(value) for value in parameters]
    pieces: list[str] = []
    position = number = 0
    for token in tokens:
        number += token.text == "?"
        key = number if token.text == "?" else int(token.text[1:])
        pieces += (sql[position : token.start], literals[key - 1])
        position = token.end
    return "".join(pieces) + sql[position:]
