"""Names of tables and views: of one part, or qualified with a schema, held as one text. Imports nothing of ours.

``s.t`` is held as ``s``, a separator that SQL text does not have, and ``t``. So whatever takes a table's name takes a
qualified one too, and a table whose own name is ``s.t`` is another one.
"""

from collections.abc import Iterable

SEPARATOR = "\x1f"
"""What stands between the parts of a qualified name."""

MAIN = "main"
"""The schema that there is always, and that names of one part are looked up in last."""

TEMPORARY = "temp"
"""The schema of temporary tables, which names of one part are looked up in first."""


def qualified(schema: str, name: str) -> str:
    """A table's name in a schema; in ``main`` that is its own."""
    return name if schema.casefold() == MAIN else f"{schema}{SEPARATOR}{name}"


def schema_of(name: str) -> str:
    """The schema of a name, with all that stands before its last part; empty if it has one part."""
    return name.rpartition(SEPARATOR)[0]


def own_name(name: str) -> str:
    """A name without its schema."""
    return name.rpartition(SEPARATOR)[2]


def shown_name(name: str) -> str:
    """A name as messages show it: ``s.t``."""
    return name.replace(SEPARATOR, ".")


def quoted_name(name: str) -> str:
    """A name as SQL text, every part of it quoted."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split(SEPARATOR))


def hidden_name(names: Iterable[str]) -> str | None:
    """A name that is given both with the schema ``main`` and without, which no kernel's views can tell apart."""
    given = {name.casefold() for name in names}
    return next((name for name in given if f"{MAIN}{SEPARATOR}{name}" in given), None)
