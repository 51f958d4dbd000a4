"""Parameter values as SQL literals: a statement with parameters becomes one without, of the same types and meaning.

DuckDB gives a bound ``1`` the type INTEGER, where a written ``1`` would take its neighbour's type; hence the casts.
Imports only the lexer and errors.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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

Parameters = Sequence[object] | Mapping[str, object]
"""Values for ``?`` and ``$1`` in order, or for ``$name`` by name."""


@dataclass(frozen=True, slots=True)
class TypedText:
    """A value of any DuckDB type, as the kernel writes it; None is NULL."""

    text: str | None
    type: str


def literal(value: object) -> str:
    """A SQL expression of the value and type that DuckDB gives to a bound Python value; raises ``ParameterError``."""
    match value:
        case None | True | False:
            return str(value).lower() if value is not None else "NULL"
        case TypedText():
            return _typed(value)
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


def _typed(value: TypedText) -> str:
    text = "NULL" if value.text is None else _quote(value.text)
    return text if value.type == '"NULL"' else f"CAST({text} AS {value.type})"


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


def parameter_tokens(sql: str) -> tuple[Token, ...]:
    """The places of all parameters of a text."""
    if "?" not in sql and "$" not in sql:
        return ()
    return tuple(token for token in tokenize(sql) if token.kind is TokenKind.PARAMETER)


def parameter_names(sql: str) -> tuple[str, ...]:
    """The names of a text's ``$name`` parameters in the order in which they first come; none if it has ``?`` or ``$1``.

    Raises ``ParameterError`` for both at once. Names are compared without case.
    """
    tokens = parameter_tokens(sql)
    named = [token for token in tokens if _is_named(token)]
    if named and len(named) < len(tokens):
        context = _context(sql, named[0], "write all of them as ? or $1, or all as $name")
        raise ParameterError("parameters are either named or numbered, not both in one statement", context)
    return tuple(dict.fromkeys(token.text[1:].casefold() for token in named))


def arrange_parameters(sql: str, parameters: Parameters) -> tuple[object, ...]:
    """A statement's values in the order of its parameters; named ones in that of ``parameter_names``.

    Raises ``ParameterError`` unless there is a value for each parameter, and no more.
    """
    names = parameter_names(sql)
    if not isinstance(parameters, Mapping):
        if names:
            first = parameter_tokens(sql)[0]
            message = f"the statement has named parameters such as {first.text}, but the values have no names"
            raise ParameterError(message, _context(sql, first, "pass a mapping of names to values"))
        check_parameters(sql, parameters)
        return tuple(parameters)
    tokens = parameter_tokens(sql)
    if parameters and tokens and not names:
        context = _context(sql, tokens[0], "pass a sequence of values")
        raise ParameterError("the statement has no named parameters, but values with names", context)
    values = {str(key).casefold(): value for key, value in parameters.items()}
    if missing := [name for name in names if name not in values]:
        token = next(token for token in tokens if token.text[1:].casefold() == missing[0])
        raise ParameterError(f"there is no value for the parameter {token.text}", _context(sql, token))
    if extra := [str(key) for key in parameters if str(key).casefold() not in names]:
        raise ParameterError(f"the statement has no parameter ${extra[0]}", ErrorContext(sql=sql))
    if tokens and not names:
        check_parameters(sql, ())
    return tuple(values[name] for name in names)


def check_parameters(sql: str, parameters: Sequence[object]) -> tuple[Token, ...]:
    """The parameters of a statement; raises ``ParameterError`` unless there is a value for each, and no more."""
    tokens = parameter_tokens(sql)
    wanted = len(parameter_names(sql))
    if not wanted:
        wanted = max(_numbers(tokens), default=0)
    if wanted != len(parameters):
        expected = "1 parameter" if wanted == 1 else f"{wanted} parameters"
        context = _context(sql, tokens[-1]) if tokens else ErrorContext(sql=sql)
        given = "1 value was" if len(parameters) == 1 else f"{len(parameters)} values were"
        raise ParameterError(f"the statement has {expected}, but {given} given", context)
    return tokens


def inline_parameters(sql: str, parameters: Sequence[object]) -> str:
    """The statement with each parameter replaced by its value's literal; raises ``ParameterError``."""
    tokens = check_parameters(sql, parameters)
    if not tokens:
        return sql
    literals = [literal(value) for value in parameters]
    names = parameter_names(sql)
    numbers = [names.index(token.text[1:].casefold()) + 1 for token in tokens] if names else _numbers(tokens)
    pieces: list[str] = []
    position = 0
    for token, number in zip(tokens, numbers, strict=True):
        pieces += (sql[position : token.start], literals[number - 1])
        position = token.end
    return "".join(pieces) + sql[position:]


def _is_named(token: Token) -> bool:
    return token.text != "?" and not token.text[1:].isdigit()


def _numbers(tokens: Sequence[Token]) -> list[int]:
    """The number, from 1, of the value that each parameter takes."""
    numbers: list[int] = []
    positional = 0
    for token in tokens:
        positional += token.text == "?"
        numbers.append(positional if token.text == "?" else int(token.text[1:]))
    return numbers


def _context(sql: str, token: Token, hint: str | None = None) -> ErrorContext:
    return ErrorContext(sql=sql, place=place_at(sql, token.start, len(token.text)), hint=hint)
