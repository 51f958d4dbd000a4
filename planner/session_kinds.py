"""The kinds of statements that change the session alone: variables, prepared statements, macros. Data types only."""

from dataclasses import dataclass

from shoal.planner.definitions import Macro


@dataclass(frozen=True, slots=True)
class AssignVariable:
    """``SET VARIABLE name = expression``; ``sql`` is a query of the one value, in which places stay."""

    name: str
    expression: str
    sql: str


@dataclass(frozen=True, slots=True)
class ForgetVariable:
    """``RESET VARIABLE name``."""

    name: str


@dataclass(frozen=True, slots=True)
class Prepare:
    """``PREPARE name AS sql``; the whole of it is ``statement``, in which the places of ``sql`` are right."""

    name: str
    sql: str
    statement: str


@dataclass(frozen=True, slots=True)
class Execute:
    """``EXECUTE name(value, ...)``; values are (name or None, SQL)."""

    name: str
    values: tuple[tuple[str | None, str], ...]


@dataclass(frozen=True, slots=True)
class Deallocate:
    """``DEALLOCATE [PREPARE] name``."""

    name: str


@dataclass(frozen=True, slots=True)
class CreateMacro:
    """``CREATE [OR REPLACE] [TEMP] MACRO [IF NOT EXISTS] ...``; ``sql`` makes it anew, in which places stay."""

    macro: Macro
    sql: str
    or_replace: bool = False
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class DropMacro:
    """``DROP MACRO [TABLE] [IF EXISTS] name``; ``is_table`` None means whichever there is."""

    name: str
    is_table: bool | None = None
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class ShowVariables:
    """``SHOW VARIABLES``: name, value and type of each variable."""


SessionStatement = (
    AssignVariable | ForgetVariable | Prepare | Execute | Deallocate | CreateMacro | DropMacro | ShowVariables
)
