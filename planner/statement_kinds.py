"""The kinds of statements that Shoal takes, as data; ``shoal.planner.statement`` tells them apart. Imports nothing."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Query:
    """A statement with a result that the planner plans. ``dynamic``: its columns depend on the data (PIVOT)."""

    sql: str
    dynamic: bool = False


@dataclass(frozen=True, slots=True)
class CreateView:
    """``CREATE [OR REPLACE] [TEMP] VIEW [IF NOT EXISTS] name [(columns)] AS sql``."""

    name: str
    columns: tuple[str, ...]
    sql: str
    or_replace: bool = False
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class DropView:
    """``DROP VIEW [IF EXISTS] name``."""

    name: str
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class SetVariable:
    """``SET name = value``; the value is the text of a literal or word, without quotes."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class ResetVariable:
    """``RESET name``."""

    name: str


@dataclass(frozen=True, slots=True)
class ShowSetting:
    """``SHOW name``: a setting's value, or a table's columns; ``sql`` selects from that table."""

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class ShowAll:
    """``SHOW ALL``: every setting."""


@dataclass(frozen=True, slots=True)
class ShowTables:
    """``SHOW TABLES``: the names of the tables and views of the current schema; ``everywhere``: ``SHOW ALL TABLES``."""

    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Analyze:
    """``ANALYZE [[TABLE] name [(columns)]]``: statistics of a table, from all of its rows; without a name, of all."""

    name: str = ""
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShowStats:
    """``SHOW STATS FOR name``: what is known of a table's columns."""

    name: str


@dataclass(frozen=True, slots=True)
class Describe:
    """``DESCRIBE query`` or ``DESCRIBE table``; ``sql`` is the query, or selects from the table of that ``name``."""

    sql: str
    name: str | None = None


class ExplainMode(StrEnum):
    """What EXPLAIN shows: the physical plan, what each task runs, both as JSON, or what a run of it measured."""

    PLAN = "plan"
    FRAGMENTS = "fragments"
    JSON = "json"
    ANALYZE = "analyze"


@dataclass(frozen=True, slots=True)
class Explain:
    """``EXPLAIN [ANALYZE | (options)] query``."""

    mode: ExplainMode
    query: Query


@dataclass(frozen=True, slots=True)
class ExplainStatement:
    """EXPLAIN of a statement that is not a query; ``sql`` is that statement, on the same places."""

    mode: ExplainMode
    sql: str


Statement = (
    Query
    | CreateView
    | DropView
    | SetVariable
    | ResetVariable
    | ShowSetting
    | ShowAll
    | ShowTables
    | Describe
    | Explain
    | ExplainStatement
    | Analyze
    | ShowStats
)
