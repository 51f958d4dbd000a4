"""DuckDB type names, read into trees: what casts and carriers of nested types are made from.

The text is what DuckDB itself prints (``typeof``, ``DESCRIBE``), such as ``STRUCT(a DECIMAL(15,2)[], "b c" VARCHAR)``.
"""

import re
from dataclasses import dataclass
from functools import cache

from shoal.planner.errors import InvariantViolated

_NESTED = ("STRUCT", "UNION", "MAP", "TUPLE")
_LIST_SUFFIX = re.compile(r"\[(\d*)\]$")
_PLAIN_NAME = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A type without parts, as DuckDB writes it, its arguments included: ``DECIMAL(15,2)``, ``ENUM('a', 'b')``."""

    text: str

    @property
    def name(self) -> str:
        """The name without the arguments."""
        return self.text.partition("(")[0].strip().upper()

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list, or an array when it has a length."""

    element: "KernelType"
    length: int | None = None

    def __str__(self) -> str:
        return f"{self.element}[{'' if self.length is None else self.length}]"


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map."""

    key: "KernelType"
    value: "KernelType"

    def __str__(self) -> str:
        return f"MAP({self.key}, {self.value})"


@dataclass(frozen=True, slots=True)
class TupleOf:
    """A struct whose fields have no names."""

    elements: tuple["KernelType", ...]

    def __str__(self) -> str:
        return f"TUPLE({', '.join(map(str, self.elements))})"


@dataclass(frozen=True, slots=True)
class StructOf:
    """A struct with named fields."""

    fields: tuple[tuple[str, "KernelType"], ...]

    def __str__(self) -> str:
        return f"STRUCT({_render_fields(self.fields)})"


@dataclass(frozen=True, slots=True)
class UnionOf:
    """A tagged union; the members' names are the tags."""

    members: tuple[tuple[str, "KernelType"], ...]

    def __str__(self) -> str:
        return f"UNION({_render_fields(self.members)})"


KernelType = Scalar | ListOf | MapOf | TupleOf | StructOf | UnionOf


def quote(name: str) -> str:
    """An identifier, quoted for the kernel."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string literal for the kernel."""
    return "'" + text.replace("'", "''") + "'"


@cache
def parse_type(text: str) -> KernelType:
    """Read a type name; unknown names become a ``Scalar``, unbalanced text raises ``InvariantViolated``."""
    text = text.strip()
    if suffix := _LIST_SUFFIX.search(text):
        return ListOf(parse_type(text[: suffix.start()]), int(suffix[1]) if suffix[1] else None)
    head, bracket, rest = text.partition("(")
    head = head.strip().upper()
    if head not in _NESTED or not bracket:
        return Scalar(text)
    if not rest.endswith(")"):
        raise InvariantViolated(f"not a type: {text}")
    parts = _split(rest[:-1])
    match head:
        case "MAP":
            key, value = parts
            return MapOf(parse_type(key), parse_type(value))
        case "TUPLE":
            return TupleOf(tuple(parse_type(part) for part in parts))
        case "STRUCT":
            return StructOf(tuple(_parse_field(part) for part in parts))
        case _:
            return UnionOf(tuple(_parse_field(part) for part in parts))


def _render_fields(fields: tuple[tuple[str, KernelType], ...]) -> str:
    return ", ".join(f"{quote(name)} {type_}" for name, type_ in fields)


def _parse_field(text: str) -> tuple[str, KernelType]:
    text = text.strip()
    if text.startswith('"'):
        end = _skip_quoted(text, 0)
        return text[1 : end - 1].replace('""', '"'), parse_type(text[end:])
    match = _PLAIN_NAME.match(text)
    if match is None:
        raise InvariantViolated(f"not a field of a type: {text}")
    return match[0], parse_type(text[match.end() :])


def _skip_quoted(text: str, start: int) -> int:
    """The index after the quoted part that begins at ``start``; a doubled quote does not end it."""
    mark = text[start]
    at = start + 1
    while at < len(text):
        if text[at] == mark:
            if text[at + 1 : at + 2] != mark:
                return at + 1
            at += 1
        at += 1
    raise InvariantViolated(f"unbalanced quotes in type: {text}")


def _split(text: str) -> list[str]:
    """The parts between the commas that are in no bracket and no quotes."""
    parts, depth, start, at = [], 0, 0, 0
    while at < len(text):
        match text[at]:
            case '"' | "'":
                at = _skip_quoted(text, at)
                continue
            case "(" | "[":
                depth += 1
            case ")" | "]":
                depth -= 1
            case "," if depth == 0:
                parts.append(text[start:at])
                start = at + 1
        at += 1
    parts.append(text[start:])
    return [part for part in parts if part.strip()]
