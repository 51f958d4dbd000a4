"""Values of parameters as JSON: every type that a parameter may have, and nothing else.

``null``, ``true``, ``false`` and texts stand for themselves; everything else is an object with one key, its type.
"""

import base64
import binascii
import datetime as dt
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from shoal.planner.errors import ParameterError, ProtocolError
from shoal.planner.parameters import Parameters, literal


def encode_parameters(values: Parameters) -> str:
    """The JSON of a statement's parameters, empty if there are none; raises ``ParameterError``."""
    if not values:
        return ""
    try:
        if isinstance(values, Mapping):
            return json.dumps({str(name): _encode(value) for name, value in values.items()}, separators=(",", ":"))
        return json.dumps([_encode(value) for value in values], separators=(",", ":"))
    except RecursionError as error:
        raise ParameterError("a parameter is nested too deep") from error


def decode_parameters(text: str) -> Parameters:
    """The parameters again; raises ``ProtocolError``."""
    if not text:
        return ()
    try:
        found = json.loads(text)
        if isinstance(found, dict):
            return {name: _decode(value) for name, value in found.items()}
        if not isinstance(found, list):
            raise ProtocolError("parameters are an array, or an object of those with names")
        return tuple(_decode(value) for value in found)
    except (ValueError, TypeError, KeyError, InvalidOperation, binascii.Error, RecursionError, OverflowError) as error:
        raise ProtocolError(f"these are not parameters: {error}") from error


def _encode(value: object) -> Any:
    match value:
        case None | True | False | str():
            return value
        case int():
            return {"int": str(value)}
        case float():
            return {"float": repr(float(value))}
        case bytes() | bytearray() | memoryview():
            return {"bytes": base64.b64encode(bytes(value)).decode("ascii")}
        case Decimal():
            return {"decimal": str(value)}
        case uuid.UUID():
            return {"uuid": str(value)}
        case dt.timedelta():
            return {"interval": [value.days, value.seconds, value.microseconds]}
        case dt.datetime():
            return {"datetime": value.isoformat()}
        case dt.date():
            return {"date": value.isoformat()}
        case dt.time():
            return {"time": value.isoformat()}
        case Mapping():
            return {"struct": [[str(key), _encode(item)] for key, item in value.items()]}
        case Sequence():
            return {"list": [_encode(item) for item in value]}
        case _:
            return _encode_scalar_of_library(value)


def _encode_scalar_of_library(value: object) -> Any:
    item = getattr(value, "item", None)
    if callable(item) and not isinstance(plain := item(), type(value)):
        return _encode(plain)
    literal(value)  # says what is wrong with it, as it would for a statement in this process
    raise ParameterError(f"a parameter of type {type(value).__name__} has no SQL type")


_READERS: Mapping[str, Callable[[Any], object]] = {
    "int": int,
    "float": float,
    "bytes": lambda text: base64.b64decode(text, validate=True),
    "decimal": Decimal,
    "uuid": uuid.UUID,
    "interval": lambda parts: dt.timedelta(days=parts[0], seconds=parts[1], microseconds=parts[2]),
    "datetime": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "time": dt.time.fromisoformat,
    "struct": lambda pairs: {str(key): _decode(item) for key, item in pairs},
    "list": lambda items: [_decode(item) for item in items],
}


def _decode(value: Any) -> object:
    if value is None or isinstance(value, bool | str):
        return value
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError("a value is an object with one key")
    ((kind, content),) = value.items()
    return _READERS[kind](content)
