"""How values of every DuckDB type travel as Arrow, and come back with the type they had.

Arrow has no type for some of DuckDB's: HUGEINT leaves as a decimal, UUID and JSON as text, TIMETZ without its zone. So
a column of type *t* is first *encoded* into a carrier type that Arrow keeps exactly, and *decoded* after the trip.
Nearly always both are casts, nested types included; only unions need more, because a member that is NULL and a union
that is NULL look the same in Arrow. Types without such parts travel as they are.

What was found with DuckDB 2.0 and decides the table below: HUGEINT keeps all its 128 bits inside decimal128(38,0),
even those that no decimal of 38 digits has; UHUGEINT does not; an INTERVAL beyond 292 years of microseconds overflows
Arrow's nanoseconds without an error; BIT, BIGNUM and ENUM change their storage.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import assert_never

from shoal.executor.kernel_types import (
    KernelType,
    ListOf,
    MapOf,
    Scalar,
    StructOf,
    TupleOf,
    UnionOf,
    literal,
    parse_type,
    quote,
)
from shoal.planner.source import Field

_ENCODED = {
    "UHUGEINT": "VARCHAR",
    "BIT": "VARCHAR",
    "BIGNUM": "VARCHAR",
    "ENUM": "VARCHAR",
    "INTERVAL": "VARCHAR",
    "TIMETZ": "VARCHAR",
    "TIME WITH TIME ZONE": "VARCHAR",
}
"""Types that have to be cast before they leave."""

_ARRIVES_AS = {"HUGEINT": "DECIMAL(38,0)", "UUID": "VARCHAR", "JSON": "VARCHAR"}
"""Types that may leave as they are, and what they arrive as."""


def needs_encoding(type_: str) -> bool:
    """Whether a column of this DuckDB type has to be encoded before it leaves as Arrow."""
    parsed = parse_type(type_)
    return has_union(parsed) or str(_carrier(parsed)) != str(parsed)


def needs_carrier(type_: str) -> bool:
    """Whether a column of this DuckDB type has to be decoded after it came back from Arrow."""
    parsed = parse_type(type_)
    return has_union(parsed) or str(_arrival(parsed)) != str(parsed)


def encode(type_: str, expression: str) -> str:
    """SQL that turns ``expression``, of the DuckDB type ``type_``, into what travels; itself if that is the same."""
    parsed = parse_type(type_)
    if not needs_encoding(type_):
        return expression
    if has_union(parsed):
        return encode_parts(parsed, expression, _carrier)
    return f"CAST({expression} AS {_carrier(parsed)})"


def decode(type_: str, expression: str) -> str:
    """SQL that turns what arrived back into the DuckDB type ``type_``; ``expression`` itself if it has that type."""
    parsed = parse_type(type_)
    if not needs_carrier(type_):
        return expression
    if has_union(parsed):
        return decode_parts(parsed, expression)
    return f"CAST({expression} AS {parsed})"


def encode_select(sql: str, columns: Sequence[Field], trailing: int = 0) -> str:
    """The statement ``sql`` with its columns encoded; ``sql`` itself if none needs it.

    ``columns`` are its columns from the left, whose names may be doubled; ``trailing`` more follow and stay.
    """
    if not any(needs_encoding(column.type) for column in columns):
        return sql
    names = [quote(f"column{index}") for index in range(len(columns) + trailing)]
    selected = [
        f"{encode(column.type, name)} AS {quote(column.name)}" for column, name in zip(columns, names, strict=False)
    ]
    selected += names[len(columns) :]
    return f"SELECT {', '.join(selected)}\nFROM (\n{sql}\n) AS encoded({', '.join(names)})"


def decode_select(relation: str, columns: Sequence[Field], names: Sequence[str] | None = None) -> str:
    """A SELECT over ``relation`` (a name in SQL) that gives ``columns`` their names and types back.

    ``names`` are the relation's own, in order; by default the same.
    """
    own = names if names is not None else [column.name for column in columns]
    selected = [
        f"{decode(column.type, quote(name))} AS {quote(column.name)}" for column, name in zip(columns, own, strict=True)
    ]
    return f"SELECT {', '.join(selected)} FROM {relation}"


def empty_select(columns: Sequence[Field]) -> str:
    """A SELECT without rows that has these columns."""
    selected = [f"CAST(NULL AS {parse_type(column.type)}) AS {quote(column.name)}" for column in columns]
    return f"SELECT {', '.join(selected) or '1'} WHERE false"


@cache
def has_union(type_: KernelType) -> bool:
    """Whether a type is a union or has one somewhere."""
    match type_:
        case UnionOf():
            return True
        case Scalar():
            return False
        case ListOf(element):
            return has_union(element)
        case MapOf(key, value):
            return has_union(key) or has_union(value)
        case TupleOf(elements):
            return any(map(has_union, elements))
        case StructOf(fields):
            return any(has_union(field) for _, field in fields)
        case other:
            assert_never(other)


@cache
def _carrier(type_: KernelType) -> KernelType:
    """The type that is cast to before the trip."""
    return replace_scalars(type_, _ENCODED, named=False)


@cache
def _arrival(type_: KernelType) -> KernelType:
    """The type that DuckDB sees after the trip."""
    return replace_scalars(type_, {**_ENCODED, **_ARRIVES_AS}, named=True)


def replace_scalars(type_: KernelType, scalars: Mapping[str, str], named: bool) -> KernelType:
    """A type with other scalar types in it; ``named``: the fields of an unnamed struct get the names Arrow gives."""
    match type_:
        case Scalar():
            return Scalar(scalars[type_.name]) if type_.name in scalars else type_
        case ListOf(element, length):
            return ListOf(replace_scalars(element, scalars, named), length)
        case MapOf(key, value):
            return MapOf(replace_scalars(key, scalars, named), replace_scalars(value, scalars, named))
        case TupleOf(elements):
            replaced = tuple(replace_scalars(element, scalars, named) for element in elements)
            if named:
                return StructOf(tuple((f"element{index}", element) for index, element in enumerate(replaced, 1)))
            return TupleOf(replaced)
        case StructOf(fields):
            return StructOf(tuple((name, replace_scalars(field, scalars, named)) for name, field in fields))
        case UnionOf(members):
            return UnionOf(tuple((name, replace_scalars(member, scalars, named)) for name, member in members))
        case other:
            assert_never(other)


def encode_parts(type_: KernelType, sql: str, carrier: Callable[[KernelType], KernelType], depth: int = 0) -> str:
    """Encode a type that has a union somewhere; a union becomes a struct of its tag and its members.

    ``carrier`` tells what a type without unions is cast to.
    """
    if not has_union(type_):
        return f"CAST({sql} AS {carrier(type_)})"
    match type_:
        case ListOf(element, length):
            item = f"item{depth}"
            plain = sql if length is None else f"CAST({sql} AS {element}[])"
            return f"list_transform({plain}, lambda {item}: {encode_parts(element, item, carrier, depth + 1)})"
        case MapOf(key, value):
            item = f"item{depth}"
            parts = [
                ("k", encode_parts(key, f"{item}.key", carrier, depth + 1)),
                ("v", encode_parts(value, f"{item}.value", carrier, depth + 1)),
            ]
            return f"list_transform(map_entries({sql}), lambda {item}: {_pack(parts)})"
        case TupleOf(elements):
            parts = [
                (f"e{index}", encode_parts(element, f"struct_extract({sql}, {index})", carrier, depth))
                for index, element in enumerate(elements, 1)
            ]
            return _unless_null(sql, _pack(parts))
        case StructOf(fields):
            parts = [
                (f"f{index}", encode_parts(field, f"struct_extract({sql}, {literal(name)})", carrier, depth))
                for index, (name, field) in enumerate(fields)
            ]
            return _unless_null(sql, _pack(parts))
        case UnionOf(members):
            parts = [("tag", f"CAST(union_tag({sql}) AS VARCHAR)")]
            parts += [
                (f"m{index}", encode_parts(member, f"union_extract({sql}, {literal(name)})", carrier, depth))
                for index, (name, member) in enumerate(members)
            ]
            return _unless_null(sql, _pack(parts))
        case _:
            return sql


def decode_parts(type_: KernelType, sql: str, depth: int = 0) -> str:
    """The inverse of ``encode_parts``."""
    if not has_union(type_):
        return f"CAST({sql} AS {type_})"
    match type_:
        case ListOf(element):
            item = f"item{depth}"
            return f"CAST(list_transform({sql}, lambda {item}: {decode_parts(element, item, depth + 1)}) AS {type_})"
        case MapOf(key, value):
            item = f"item{depth}"
            entry = [
                ("k", decode_parts(key, f"{item}.k", depth + 1)),
                ("v", decode_parts(value, f"{item}.v", depth + 1)),
            ]
            return f"map_from_entries(list_transform({sql}, lambda {item}: {_pack(entry)}))"
        case TupleOf(elements):
            parts = [decode_parts(element, f"{sql}.e{index}", depth) for index, element in enumerate(elements, 1)]
            return _unless_null(sql, f"CAST(row({', '.join(parts)}) AS {type_})")
        case StructOf(fields):
            packed = [
                (name, decode_parts(field, f"{sql}.f{index}", depth)) for index, (name, field) in enumerate(fields)
            ]
            return _unless_null(sql, _pack(packed))
        case UnionOf(members):
            branches = []
            for index, (name, member) in enumerate(members):
                made = f"union_value({quote(name)} := {decode_parts(member, f'{sql}.m{index}', depth)})"
                branches.append(f"WHEN {literal(name)} THEN CAST({made} AS {type_})")
            return f"CASE {sql}.tag {' '.join(branches)} END"
        case _:
            return sql


def _pack(parts: Sequence[tuple[str, str]]) -> str:
    return "struct_pack(" + ", ".join(f"{quote(name)} := {sql}" for name, sql in parts) + ")"


def _unless_null(sql: str, then: str) -> str:
    return f"CASE WHEN {sql} IS NULL THEN NULL ELSE {then} END"
