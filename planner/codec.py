"""Data types of ours to bytes and back: one codec, driven by the fields of frozen dataclasses.

The bytes are JSON in ASCII: an object for a dataclass (all fields, in the order of their declaration), an array for a
tuple or a set (sets sorted), the value of an enum, ``null`` for None. A union of dataclasses is written as the object
with one more key, ``$``, that names the class; bytes are base64, floats that are no numbers are strings. Equal values
give equal bytes.

Supported are frozen dataclasses of: bool, int, float, str, bytes, enums, ``NewType`` of these, ``Optional``, unions of
dataclasses, ``tuple[X, ...]``, ``tuple[X, Y]``, ``frozenset[X]`` and ``Literal``. A class is looked at once; what to do
with its fields is kept. Everything that comes in is checked: types, names of fields, size and depth.
"""

import base64
import binascii
import json
import math
import re
import types
import typing
from collections.abc import Callable, Hashable
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from itertools import accumulate
from typing import Any, Literal, NewType, TypeVar, Union, cast

from shoal.planner.errors import ProtocolError

MAX_BYTES = 64 << 20
"""The longest text that is decoded, unless the caller says otherwise."""

MAX_DEPTH = 100
"""How deep objects and arrays may lie in one another."""

TAG = "$"

T = TypeVar("T")

_Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Plan:
    """How values of one type become JSON values and back. ``plain``: the JSON encoder takes them as they are."""

    encode: _Convert
    decode: _Convert
    plain: bool = False


def encode(value: object) -> bytes:
    """The JSON text of a dataclass instance; raises ``ProtocolError`` for a value that is too deep or not supported."""
    class_: Any = type(value)
    try:
        data = _JSON.encode(_plan(class_).encode(value)).encode("ascii")
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ProtocolError(f"cannot encode {class_.__name__}: {error}") from error
    _check_depth(class_.__name__, data)
    return data


def decode(type_: type[T], data: bytes, max_bytes: int = MAX_BYTES) -> T:
    """The value of dataclass ``type_`` that ``data`` stands for; raises ``ProtocolError`` for anything else."""
    class_: Any = type_
    if len(data) > max_bytes:
        raise ProtocolError(f"{class_.__name__}: {len(data)} bytes are more than the {max_bytes} allowed")
    _check_depth(class_.__name__, data)
    try:
        value = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"{class_.__name__}: not JSON: {error}") from error
    try:
        return cast(T, _plan(class_).decode(value))
    except ProtocolError as error:
        raise ProtocolError(f"{class_.__name__}{error.message}") from error


_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"')
_NO_BRACKETS = bytes(sorted(set(range(256)) - set(b"[]{}")))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def _check_depth(name: str, data: bytes) -> None:
    """Refuse a text that is nested too deep, before a parser goes down into it."""
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    brackets = _STRING.sub(b"", data).translate(None, _NO_BRACKETS)
    if max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > MAX_DEPTH:
        raise ProtocolError(f"{name}: nested too deep")


_JSON = json.JSONEncoder(check_circular=False, allow_nan=False, separators=(",", ":"))


def _refuse_constant(text: str) -> object:
    raise ValueError(f"{text} is no JSON")


def _same(value: Any) -> Any:
    return value


@cache
def _plan(type_: Any) -> _Plan:
    """What to do with a type; made once for each."""
    if isinstance(type_, NewType):
        return _plan(type_.__supertype__)
    if type_ in _LEAVES:
        return _LEAVES[type_]
    origin = typing.get_origin(type_)
    if origin is Literal:
        return _literal(typing.get_args(type_))
    if origin in (Union, types.UnionType):
        return _union(typing.get_args(type_))
    if origin is tuple:
        return _tuple(typing.get_args(type_))
    if origin is frozenset:
        return _frozenset(typing.get_args(type_)[0])
    if isinstance(type_, type) and issubclass(type_, Enum):
        return _enum(type_)
    if isinstance(type_, type) and is_dataclass(type_):
        return _dataclass(type_)
    raise ProtocolError(f": the codec does not know the type {type_}")


def _wrong(expected: str, value: object) -> ProtocolError:
    shown = repr(value)
    return ProtocolError(f": expected {expected}, got {shown if len(shown) <= 60 else shown[:57] + '...'}")


def _leaf(type_: type) -> _Plan:
    def check(value: Any) -> Any:
        if type(value) is not type_:
            raise _wrong(type_.__name__, value)
        return value

    return _Plan(_same, check, plain=True)


def _none(value: Any) -> None:
    if value is not None:
        raise _wrong("null", value)


def _encode_float(value: float) -> float | str:
    return float(value) if math.isfinite(value) else repr(float(value))


def _decode_float(value: Any) -> float:
    if type(value) is float:
        return value
    if value in ("nan", "inf", "-inf"):
        return float(value)
    raise _wrong("float", value)


def _encode_bytes(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _decode_bytes(value: Any) -> bytes:
    if type(value) is not str:
        raise _wrong("base64", value)
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise _wrong("base64", value) from error


_LEAVES: dict[Any, _Plan] = {
    bool: _leaf(bool),
    int: _leaf(int),
    str: _leaf(str),
    type(None): _Plan(_same, _none, plain=True),
    float: _Plan(_encode_float, _decode_float),
    bytes: _Plan(_encode_bytes, _decode_bytes),
}


def _enum(type_: type[Enum]) -> _Plan:
    members = {member.value: member for member in type_}

    def decode_member(value: Any) -> Enum:
        member = members.get(value) if isinstance(value, str | int) else None
        if member is None or type(member.value) is not type(value):
            raise _wrong(type_.__name__, value)
        return member

    return _Plan(lambda value: value.value, decode_member)


def _literal(choices: tuple[Any, ...]) -> _Plan:
    def check(value: Any) -> Any:
        if not any(value == choice and type(value) is type(choice) for choice in choices):
            raise _wrong(f"one of {choices}", value)
        return value

    return _Plan(_same, check, plain=True)


def _tuple(items: tuple[Any, ...]) -> _Plan:
    if len(items) == 2 and items[1] is ...:
        return _repeated(_plan(items[0]))
    plans = tuple(_plan(item) for item in items)
    size = len(plans)

    def encode_fixed(value: Any) -> list[Any]:
        return [plan.encode(item) for plan, item in zip(plans, value, strict=True)]

    def decode_fixed(value: Any) -> tuple[Any, ...]:
        if type(value) is not list or len(value) != size:
            raise _wrong(f"an array of {size}", value)
        return tuple([plan.decode(item) for plan, item in zip(plans, value, strict=True)])

    plain = all(plan.plain for plan in plans)
    return _Plan(_same if plain else encode_fixed, decode_fixed, plain)


def _repeated(item: _Plan) -> _Plan:
    encode_item, decode_item = item.encode, item.decode

    def encode_all(value: Any) -> list[Any]:
        return [encode_item(each) for each in value]

    def decode_all(value: Any) -> tuple[Any, ...]:
        if type(value) is not list:
            raise _wrong("an array", value)
        return tuple([decode_item(each) for each in value])

    return _Plan(_same if item.plain else encode_all, decode_all, item.plain)


def _frozenset(type_: Any) -> _Plan:
    items = _repeated(_plan(type_))

    def decode_set(value: Any) -> frozenset[Any]:
        found = items.decode(value)
        result = frozenset(found)
        if len(result) != len(found):
            raise _wrong("a set", value)
        return result

    return _Plan(lambda value: sorted(items.encode(tuple(value))), decode_set)


def _union(choices: tuple[Any, ...]) -> _Plan:
    """Optional of anything, or a union of dataclasses, told apart by ``TAG``."""
    classes = tuple(choice for choice in choices if choice is not type(None))
    optional = len(classes) < len(choices)
    inner = _plan(classes[0]) if len(classes) == 1 else _tagged(classes)
    if not optional:
        return inner

    def encode_optional(value: Any) -> Any:
        return None if value is None else inner.encode(value)

    def decode_optional(value: Any) -> Any:
        return None if value is None else inner.decode(value)

    return _Plan(_same if inner.plain else encode_optional, decode_optional, inner.plain)


def _tagged(classes: tuple[Any, ...]) -> _Plan:
    plans: dict[str, _Plan] = {}
    for class_ in classes:
        if not (isinstance(class_, type) and is_dataclass(class_)):
            raise ProtocolError(f": the codec does not take {class_} in a union")
        plans[class_.__name__] = _plan(class_)

    def encode_tagged(value: Any) -> dict[str, Any]:
        name = type(value).__name__
        if name not in plans:
            raise TypeError(f"{name} is not one of {', '.join(plans)}")
        return {TAG: name, **plans[name].encode(value)}

    def decode_tagged(value: Any) -> Any:
        name = value.get(TAG) if type(value) is dict else None
        if type(name) is not str or name not in plans:
            raise _wrong(f"one of {', '.join(plans)}", value)
        return plans[name].decode({key: item for key, item in value.items() if key != TAG})

    return _Plan(encode_tagged, decode_tagged)


@dataclass(frozen=True, slots=True)
class _Members:
    """The fields of a dataclass: names, decoders, and encoders of those that the JSON encoder does not take as is."""

    names: tuple[str, ...]
    decoders: tuple[tuple[str, _Convert], ...]
    encoders: tuple[tuple[str, _Convert], ...]


@cache
def _members(type_: Any) -> _Members:
    hints = typing.get_type_hints(type_)
    plans = tuple((field.name, _plan(hints[field.name])) for field in fields(type_) if field.init)
    return _Members(
        tuple(name for name, _ in plans),
        tuple((name, plan.decode) for name, plan in plans),
        tuple((name, plan.encode) for name, plan in plans if not plan.plain),
    )


def _dataclass(type_: Any) -> _Plan:
    """The fields are looked at when the first value comes: a class may contain itself."""

    def encode_fields(value: Any) -> dict[str, Any]:
        if type(value) is not type_:
            raise TypeError(f"expected {type_.__name__}, got {type(value).__name__}")
        members = _members(cast(Hashable, type_))
        result = {name: getattr(value, name) for name in members.names}
        for name, encode_field in members.encoders:
            result[name] = encode_field(result[name])
        return result

    def decode_fields(value: Any) -> Any:
        if type(value) is not dict:
            raise _wrong("an object", value)
        members = _members(cast(Hashable, type_))
        found = _decode_members(members, value)
        if len(value) != len(found):
            raise ProtocolError(f": does not have {json.dumps(min(value.keys() - set(members.names)))}")
        try:
            return type_(**found)
        except (ValueError, TypeError) as error:
            raise ProtocolError(f": {error}") from error

    return _Plan(encode_fields, decode_fields)


def _decode_members(members: _Members, value: dict[str, Any]) -> dict[str, Any]:
    name = ""
    found = {}
    try:
        for name, decode_field in members.decoders:
            found[name] = decode_field(value[name])
    except KeyError as error:
        raise ProtocolError(f": {name} is missing") from error
    except ProtocolError as error:
        raise ProtocolError(f".{name}{error.message}") from error
    return found
