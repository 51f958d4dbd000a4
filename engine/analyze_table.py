"""ANALYZE and SHOW STATS: statistics that queries of Shoal's own make of a table, and what is known of its columns.

The queries run like any others, so on a cluster they are distributed. What they find is kept by the identity of the
table's files: a file that is replaced under the same name is another table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from shoal.catalog import SessionCatalog
from shoal.histograms import bucket_sql, has_buckets, quantiles_of
from shoal.planner.errors import ErrorContext, NotSupportedError, SourceChanged, TableNotFound
from shoal.planner.names import quoted_name
from shoal.planner.protocols import ColumnStatistics, TableStatistics
from shoal.planner.source import Field, TableSource, ViewDefinition
from shoal.planner.statement import suggest
from shoal.planning_statistics import SessionStatistics
from shoal.source_files import quote_name

COLUMNS_AT_ONCE = 16
"""Columns that one query looks at."""

COMMON_VALUES = 10
"""Most common values that are kept of a column."""

MOST_VALUES = 1_000_000
"""Columns with more distinct values are not asked for their most common ones: no value is a large part of the rows."""

SHOWN_VALUES = 3
SHOW_COLUMNS = ("column_name", "rows", "distinct", "null_fraction", "minimum", "maximum", "most_common", "source")

Run = Callable[[str], Sequence[tuple[object, ...]]]
"""Runs a query and returns its rows."""

_NESTED = ("STRUCT", "MAP", "UNION", "VARIANT")


@dataclass(frozen=True, slots=True)
class _Column:
    """A column and what the queries ask of it."""

    field: Field

    @property
    def name(self) -> str:
        """Its name in SQL."""
        return quote_name(self.field.name)

    @property
    def is_nested(self) -> bool:
        """Whether it has no order and no values worth counting."""
        return self.field.type.endswith("]") or self.field.type.startswith(_NESTED)

    def calls(self) -> tuple[str, ...]:
        """The aggregates: rows that are not NULL, distinct values, bounds."""
        if self.is_nested:
            return (f"count({self.name})",)
        return (f"count({self.name})", f"approx_count_distinct({self.name})", f"min({self.name})", f"max({self.name})")

    def statistics(self, rows: float, found: Sequence[object]) -> ColumnStatistics:
        """What the answers to the calls say."""
        present = float(found[0]) if isinstance(found[0], int) else 0.0
        nulls = 1.0 - present / rows if rows else 0.0
        if self.is_nested:
            return ColumnStatistics(null_fraction=nulls)
        distinct = float(found[1]) if isinstance(found[1], int) else 0.0
        return ColumnStatistics(found[2], found[3], nulls, max(1.0, min(distinct, present)))


class TableAnalysis:
    """Makes and shows the statistics of a session's tables."""

    def __init__(self, catalog: SessionCatalog, statistics: SessionStatistics) -> None:
        self._catalog = catalog
        self._statistics = statistics

    def analyze(self, name: str, run: Run) -> None:
        """Look at all rows of a table and keep what is found.

        Raises ``TableNotFound``, ``NotSupportedError`` for a view, ``SourceChanged`` if its files change meanwhile, and
        whatever a query raises.
        """
        source = self._source(name)
        columns = [_Column(field) for field in source.columns]
        found: dict[str, ColumnStatistics] = {}
        rows = 0.0
        for first in range(0, len(columns), COLUMNS_AT_ONCE):
            rows, several = _summaries(name, columns[first : first + COLUMNS_AT_ONCE], run)
            found |= several
        for column in columns:
            item = _with_common_values(name, column, found[column.field.name], rows, run)
            found[column.field.name] = _with_quantiles(name, column, item, run)
        if self._source(name) != source:
            raise SourceChanged(f"the files of {name} changed while they were analysed")
        known = self._statistics.footers.table(source, frozenset(found))
        kept = {column: _completed(item, known.columns.get(column)) for column, item in found.items()}
        self._statistics.keep_analyzed(source, TableStatistics(rows, known.bytes, kept, known.row_groups))

    def show(self, name: str) -> list[tuple[str, ...]]:
        """A row for each column of a table, as ``SHOW_COLUMNS`` names them; raises as ``analyze`` does."""
        source = self._source(name)
        names = frozenset(field.name for field in source.columns)
        statistics = self._statistics
        known = statistics.for_statement().table(source, names)
        analyzed = statistics.analyzed(source)
        shown: list[tuple[str, ...]] = []
        samples = {} if analyzed is not None else statistics.sampled_columns(source, names)
        for field in source.columns:
            item, origin = known.columns.get(field.name, ColumnStatistics()), "footer"
            if analyzed is not None:
                origin = "analyzed"
            elif field.name in samples:
                item, origin = samples[field.name], "sampled"
            elif field.name not in known.columns:
                origin = "unknown"
            shown.append((field.name, f"{known.rows:.0f}", *_cells(item), origin))
        return shown

    def _source(self, name: str) -> TableSource:
        catalog = self._catalog.snapshot()
        found = catalog.lookup(name)
        if found is None:
            raise TableNotFound(f"there is no table {name}", ErrorContext(hint=suggest(name, catalog.names())))
        if isinstance(found, ViewDefinition):
            raise NotSupportedError(f"{name} is a view: only tables have statistics")
        return found


def _summaries(name: str, columns: Sequence[_Column], run: Run) -> tuple[float, dict[str, ColumnStatistics]]:
    """The rows of a table and statistics of some of its columns, by one query."""
    calls = [call for column in columns for call in column.calls()]
    items = ", ".join(f"{call} AS value_{number}" for number, call in enumerate(calls))
    row = run(f"SELECT count(*) AS rows, {items} FROM {quoted_name(name)}")[0]
    rows = float(row[0]) if isinstance(row[0], int) else 0.0
    found: dict[str, ColumnStatistics] = {}
    place = 1
    for column in columns:
        width = len(column.calls())
        found[column.field.name] = column.statistics(rows, row[place : place + width])
        place += width
    return rows, found


def _with_common_values(name: str, column: _Column, known: ColumnStatistics, rows: float, run: Run) -> ColumnStatistics:
    """The statistics with the most common values, unless no value can be common."""
    if column.is_nested or not rows or not known.distinct or not 1 <= known.distinct <= min(MOST_VALUES, rows / 2):
        return known
    counted = run(
        f"SELECT {column.name} AS value, count(*) AS occurrences FROM {quoted_name(name)} "
        f"WHERE {column.name} IS NOT NULL GROUP BY {column.name} ORDER BY occurrences DESC LIMIT {COMMON_VALUES}"
    )
    common = tuple((value, count / rows) for value, count in counted if isinstance(count, int))
    if not common:
        return known
    distinct = known.distinct if len(common) == COMMON_VALUES else float(len(common))
    return replace(known, distinct=distinct, common_share=common[0][1], common_values=common)


def _with_quantiles(name: str, column: _Column, known: ColumnStatistics, run: Run) -> ColumnStatistics:
    """The statistics with a histogram, if the column's values lie on a number line."""
    if column.is_nested or not has_buckets(known.minimum, known.maximum):
        return known
    bucket = bucket_sql(column.field.name, known.minimum, known.maximum)
    counted = run(
        f"SELECT {bucket} AS bucket, count(*) AS occurrences FROM {quoted_name(name)} "
        f"WHERE {column.name} IS NOT NULL GROUP BY bucket ORDER BY bucket"
    )
    counts = [(place, rows) for place, rows in counted if isinstance(place, int) and isinstance(rows, int)]
    return replace(known, quantiles=quantiles_of(counts, known.minimum, known.maximum))


def _completed(found: ColumnStatistics, footer: ColumnStatistics | None) -> ColumnStatistics:
    """The statistics with the width that only the files tell."""
    if footer is None or footer.width is None:
        return found
    return replace(found, width=footer.width)


def _cells(item: ColumnStatistics) -> tuple[str, ...]:
    common = ", ".join(f"{value} ({100 * share:.3g} %)" for value, share in item.common_values[:SHOWN_VALUES])
    if not common and item.common_share is not None:
        common = f"({100 * item.common_share:.3g} %)"
    return (
        "" if item.distinct is None else f"{item.distinct:.0f}",
        "" if item.null_fraction is None else f"{item.null_fraction:.4f}",
        "" if item.minimum is None else str(item.minimum),
        "" if item.maximum is None else str(item.maximum),
        common,
    )
