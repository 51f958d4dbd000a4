"""The kinds of statements that make, change and remove tables, as data. Imports the kinds of queries.

A part of a statement's text is either a query with its places, or a ``Part``: where it stands in the text.
"""

from dataclasses import dataclass
from enum import StrEnum

from shoal.planner.statement_kinds import Query


@dataclass(frozen=True, slots=True)
class Part:
    """The characters ``start`` to ``end`` of a statement's text."""

    start: int
    end: int

    def of(self, sql: str) -> str:
        """The text of the part."""
        return sql[self.start : self.end]


@dataclass(frozen=True, slots=True)
class CreateTable:
    """``CREATE [OR REPLACE] [TEMP] TABLE [IF NOT EXISTS] name body``.

    ``body`` is what follows the name; ``query`` is the one behind AS, ``columns`` are the names before it.
    """

    name: str
    body: Part
    query: Query | None = None
    columns: tuple[str, ...] = ()
    with_data: bool = True
    or_replace: bool = False
    if_not_exists: bool = False
    temporary: bool = False


class ObjectKind(StrEnum):
    """What DROP removes besides views."""

    TABLE = "table"
    SCHEMA = "schema"


@dataclass(frozen=True, slots=True)
class DropObject:
    """``DROP TABLE | SCHEMA [IF EXISTS] name [CASCADE]``."""

    kind: ObjectKind
    name: str
    if_exists: bool = False
    cascade: bool = False


@dataclass(frozen=True, slots=True)
class CreateSchema:
    """``CREATE [OR REPLACE] SCHEMA [IF NOT EXISTS] name``."""

    name: str
    if_not_exists: bool = False
    or_replace: bool = False


@dataclass(frozen=True, slots=True)
class UseSchema:
    """``USE name``: where names of one part are looked up, and made."""

    name: str


@dataclass(frozen=True, slots=True)
class AlterTable:
    """``ALTER TABLE | VIEW [IF EXISTS] name body``; ``new_name`` if it is RENAME TO."""

    name: str
    body: Part
    if_exists: bool = False
    new_name: str | None = None
    of_view: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """The table that a statement changes, and the name that it gives it. ``before``: its WITH, if it has one."""

    name: str
    place: Part
    alias: str = ""
    before: Part | None = None


@dataclass(frozen=True, slots=True)
class Insert:
    """``INSERT INTO target [(columns)] [BY NAME] query | VALUES | DEFAULT VALUES [RETURNING ...]``.

    ``query`` is None for VALUES, whose ``source`` the kernel evaluates with the columns' types in mind.
    """

    target: Target
    columns: tuple[str, ...]
    source: Part
    query: Query | None = None
    by_name: bool = False
    returning: Part | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """``column = expression``; DEFAULT if the expression is None."""

    column: str
    expression: Part | None


@dataclass(frozen=True, slots=True)
class Update:
    """``UPDATE target SET assignments [FROM others] [WHERE condition] [RETURNING ...]``."""

    target: Target
    assignments: tuple[Assignment, ...]
    others: Part | None = None
    condition: Part | None = None
    returning: Part | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """``DELETE FROM target [USING others] [WHERE condition] [RETURNING ...]``."""

    target: Target
    others: Part | None = None
    condition: Part | None = None
    returning: Part | None = None


@dataclass(frozen=True, slots=True)
class Truncate:
    """``TRUNCATE [TABLE] name``."""

    name: str


@dataclass(frozen=True, slots=True)
class CopyTo:
    """``COPY table [(columns)] | (query) TO path [options]``; ``rest`` is all that follows the word TO."""

    query: Query
    path: str
    rest: Part


@dataclass(frozen=True, slots=True)
class CopyFrom:
    """``COPY table [(columns)] FROM path [options]``; ``body`` is all that follows the table's name."""

    name: str
    path: str
    body: Part


TableStatement = (
    CreateTable
    | DropObject
    | CreateSchema
    | UseSchema
    | AlterTable
    | Insert
    | Update
    | Delete
    | Truncate
    | CopyTo
    | CopyFrom
)
