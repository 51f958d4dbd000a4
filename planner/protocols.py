"""What the planner needs from outside: a catalog, the kernel's binder, statistics. Implemented by ``shoal``."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from shoal.planner.source import Field, FileFormat, FileIdentity, FileSource, TableSource, ViewDefinition

Key = int | dt.date
"""A value that tables are cut at; the two kinds are never compared with each other."""


class Catalog(Protocol):
    """Names to tables, as they are while one statement is planned."""

    @property
    def version(self) -> int:
        """A number that changes whenever any name means something else."""

    def lookup(self, name: str) -> TableSource | ViewDefinition | None:
        """The table or view of that name (compared without case), or None."""

    def files(self, format: FileFormat, paths: tuple[str, ...], options: tuple[tuple[str, str], ...]) -> FileSource:
        """The files that paths or globs stand for, with their schema; raises a ``SourceError``."""

    def names(self) -> tuple[str, ...]:
        """All names of tables and views, for hints."""


class Kernel(Protocol):
    """DuckDB's own binder over empty tables."""

    def describe(self, sql: str, parameters: Sequence[object] = ()) -> tuple[Field, ...]:
        """Names and types of a statement's result; raises a user error with its place in ``sql``.

        Every table, view and file that the catalog knows can be named in it.
        """

    def table_names(self, sql: str) -> tuple[str, ...]:
        """The names of tables, views and files that a statement refers to, as it writes them."""

    def types(self, columns: Sequence[Field], layers: Sequence[Mapping[str, str]]) -> dict[str, str]:
        """The DuckDB types of scalar or aggregate expressions.

        ``columns`` are the typed columns to start from; each layer maps a new column's name to its SQL expression over
        the columns known so far (aggregates are written as plain calls). Returns the type of every new column.
        """


@dataclass(frozen=True, slots=True)
class RowGroup:
    """A row group of a Parquet file: its rows and its bytes on disk."""

    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class KeyRange:
    """The values of one column in one row group: rows from ``first_row`` on, all between the two bounds, no NULL."""

    file: FileIdentity
    first_row: int
    rows: int
    minimum: Key
    maximum: Key


@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """What is known of one column; bounds are plain Python values that compare with each other, None if unknown."""

    minimum: object | None = None
    maximum: object | None = None
    null_fraction: float | None = None
    distinct: float | None = None
    width: float | None = None
    """Bytes of one value, uncompressed."""


@dataclass(frozen=True, slots=True)
class TableStatistics:
    """What is known of a table: rows, bytes on disk, columns by name, and the row groups of each file by path."""

    rows: float
    bytes: float
    columns: Mapping[str, ColumnStatistics] = field(default_factory=dict)
    row_groups: Mapping[str, tuple[RowGroup, ...]] = field(default_factory=dict)
    exact: bool = True


class Statistics(Protocol):
    """Statistics of tables, cached by file identity."""

    def table(self, source: TableSource, columns: frozenset[str]) -> TableStatistics:
        """Statistics of a source; only the given columns need be there. Never raises: what is unknown is guessed."""

    def key_ranges(self, source: TableSource, column: str) -> tuple[KeyRange, ...]:
        """The exact bounds of a column in every row group of a source; nothing if one of them is not known, or has
        NULLs. Bounds are integers or dates."""
