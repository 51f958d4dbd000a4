"""What the planner needs from outside: a catalog, the kernel's binder, statistics. Implemented by ``shoal``."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from shoal.planner.definitions import Definitions
from shoal.planner.source import Field, FileFormat, FileIdentity, FileSource, TableSource, ViewDefinition

Key = int | dt.date | Decimal | str
"""A value that tables are cut at; its kind follows from the column's type, and kinds are never compared.

Timestamps are microseconds since 1970, those of the type ``TIMESTAMP_NS`` nanoseconds.
"""


class Catalog(Protocol):
    """Names to tables, as they are while one statement is planned."""

    @property
    def version(self) -> int:
        """A number that changes whenever any name means something else."""

    @property
    def definitions(self) -> Definitions:
        """The macros and variables."""

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

    def syntax(self, sql: str) -> str:
        """How the kernel reads a statement: its ``json_serialize_sql``; see ``shoal.planner.syntax_tree``."""

    def evaluate(self, sql: str) -> tuple[tuple[str, str], ...]:
        """The names and values, as text, of the one row of a query without tables; raises a user error."""

    def moment(self) -> str:
        """The time now, as the text of a TIMESTAMPTZ."""

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
    """The values of one column in one row group, whose rows begin with ``first_row``; ``group`` is its number (from 0).

    All values but NULLs lie between the two bounds, which need not be values themselves; without bounds they may be
    anything. ``nulls`` is None when their number is not known; if all rows are NULL, there are no bounds.
    """

    file: FileIdentity
    first_row: int
    rows: int
    minimum: Key | None
    maximum: Key | None
    nulls: int | None = 0
    group: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class Home:
    """A scan that values come from: a name of its own, its table's name, and that table's rows."""

    scan: str
    table: str
    rows: float


@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """What is known of one column; bounds are plain Python values that compare with each other, None if unknown."""

    minimum: object | None = None
    maximum: object | None = None
    null_fraction: float | None = None
    distinct: float | None = None
    width: float | None = None
    """Bytes of one value, uncompressed."""
    common_share: float | None = None
    """The share of all rows that hold the most common value."""
    common_values: tuple[tuple[object, float], ...] = ()
    """The most common values, each with its share of all rows."""
    quantiles: tuple[object, ...] = ()
    """Values that part the rows into equally many, in order, the least and the greatest among them."""
    mean: float | None = None
    deviation: float | None = None
    """Mean and standard deviation of values that are not spread evenly, such as sums."""
    homes: frozenset["Home"] = frozenset()
    """The scans that the values come from; several when joins have made columns equal."""
    base: float | None = None
    """The distinct values in the table itself, before any filter."""
    domain: float | None = None
    """How many values the predicates on this very column leave, whatever filters on others do."""


@dataclass(frozen=True, slots=True)
class ColumnSample:
    """What a sample tells of a key column: distinct values of the whole table, the most common one's share, and those
    that are common everywhere in the table, each with its share of all rows.

    ``sure``: the sample has shown nearly all values, or values that come in runs; otherwise ``distinct`` is a guess.
    """

    distinct: float
    common_share: float
    null_fraction: float
    sure: bool
    common_values: tuple[tuple[object, float], ...] = ()


@dataclass(frozen=True, slots=True)
class SampledStatistics:
    """What some rows of a table tell: of ``rows`` looked at, ``matched`` fulfil all terms that are not ``banded``.

    A banded term (by its index) is true or false for whole stretches of the files: a sample of a few stretches cannot
    tell its share, while the files' bounds can.
    """

    rows: int
    matched: int
    banded: frozenset[int] = frozenset()
    columns: Mapping[str, ColumnSample] = field(default_factory=dict)


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
        """The bounds of a column in every row group of a source, in the order of files and rows.

        Nothing if the column's type has no keys, or a file cannot be read.
        """

    def sample(
        self, source: TableSource, terms: tuple[str, ...], columns: frozenset[str], keys: frozenset[str]
    ) -> SampledStatistics | None:
        """What a few rows of a source tell of SQL terms over its ``columns``, and of key columns.

        None if the table is not worth it, something fails, or it takes too long; never raises.
        """

    def quantiles(self, source: TableSource, expression: str, columns: frozenset[str]) -> tuple[object, ...]:
        """Values of a SQL expression over ``columns`` of a source, in order, that part a sample of its rows into
        equally many; none where it is not worth it. Never raises.
        """

    def observed(self, subplan: str) -> float | None:
        """The rows that an earlier run of a subplan delivered, by its canonical text; None if it never ran."""

    @property
    def observed_tables(self) -> frozenset[int]:
        """For all observed subplans the sums of their tables' numbers, by which most others can be told apart."""


class WithoutSamples:
    """The part of ``Statistics`` that looks at rows, for those who only know what is written about them."""

    observed_tables: frozenset[int] = frozenset()

    def sample(
        self, _source: TableSource, _terms: tuple[str, ...], _columns: frozenset[str], _keys: frozenset[str]
    ) -> SampledStatistics | None:
        """Nothing is sampled."""
        return None

    def quantiles(self, _source: TableSource, _expression: str, _columns: frozenset[str]) -> tuple[object, ...]:
        """Nothing is sampled."""
        return ()

    def observed(self, _subplan: str) -> float | None:
        """Nothing was observed."""
        return None
