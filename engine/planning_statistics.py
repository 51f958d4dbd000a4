"""All that a session knows of its tables, as one statement's planning asks for it: footers, samples, past runs."""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace

from shoal.executor.shuffle.registry import ArrowRegistry
from shoal.observed_rows import ObservableStages, ObservedRows
from shoal.planner.protocols import ColumnStatistics, KeyRange, SampledStatistics, TableStatistics
from shoal.planner.source import TableSource
from shoal.runner import StageRun
from shoal.sampling import Budget, TableSampler
from shoal.scratch import Scratch
from shoal.statistics import FooterStatistics

KEPT_ANALYZED = 256
"""Analysed tables that a session remembers."""

MOST_SHOWN_SAMPLES = 64
"""Columns of a table that SHOW STATS samples."""

SHOWN_SECONDS = 2.0
"""What SHOW STATS may spend on samples."""


class SessionStatistics:
    """What one session has learned of its tables. Every method may be called from any thread."""

    def __init__(self, registry: ArrowRegistry, scratch: Scratch) -> None:
        self.footers = FooterStatistics()
        self.sampler = TableSampler(registry, self.footers, scratch.cursor)
        self.observed_rows = ObservedRows()
        self._lock = threading.Lock()
        self._analyzed: OrderedDict[TableSource, TableStatistics] = OrderedDict()
        self._version = 0

    @property
    def version(self) -> int:
        """A number that changes whenever plans that were made before may be worse than new ones."""
        return self._version

    def for_statement(self) -> "PlanningStatistics":
        """The statistics of one planning run."""
        return PlanningStatistics(self)

    def keep_analyzed(self, source: TableSource, found: TableStatistics) -> None:
        """Remember what ANALYZE has found of a table, as its files are now."""
        with self._lock:
            self._analyzed[source] = found
            self._version += 1
            while len(self._analyzed) > KEPT_ANALYZED:
                self._analyzed.popitem(last=False)

    def observe(self, stages: ObservableStages, runs: Iterable[StageRun]) -> None:
        """Remember what the stages of a query delivered."""
        if self.observed_rows.record(stages, runs):
            with self._lock:
                self._version += 1

    def analyzed(self, source: TableSource) -> TableStatistics | None:
        """What ANALYZE has found of a table, if its files are still the same."""
        if not self._analyzed:
            return None
        with self._lock:
            return self._analyzed.get(source)

    def sampled_columns(self, source: TableSource, names: frozenset[str]) -> dict[str, ColumnStatistics]:
        """Statistics of those columns of which a sample tells more than the footers."""
        planning = PlanningStatistics(self, SHOWN_SECONDS)
        known = planning.table(source, names)
        found: dict[str, ColumnStatistics] = {}
        for name in sorted(names)[:MOST_SHOWN_SAMPLES]:
            sample = planning.sample(source, (), frozenset(), frozenset({name}))
            item = known.columns.get(name, ColumnStatistics())
            if sample is not None and name in sample.columns:
                column = sample.columns[name]
                distinct = column.distinct if column.sure or item.distinct is None else item.distinct
                nulls = column.null_fraction if item.null_fraction is None else item.null_fraction
                found[name] = replace(item, distinct=distinct, null_fraction=nulls, common_share=column.common_share)
        return found

    def close(self) -> None:
        """Free what samples hold; idempotent."""
        self.sampler.close()


class PlanningStatistics:
    """Implements ``shoal.planner.protocols.Statistics`` for one planning run, with its own time for samples."""

    def __init__(self, session: SessionStatistics, seconds: float | None = None) -> None:
        self._session = session
        self._budget = Budget(seconds)

    def table(self, source: TableSource, columns: frozenset[str]) -> TableStatistics:
        """What ANALYZE found of a source, or else what its files tell; never raises, guesses instead."""
        return self._session.analyzed(source) or self._session.footers.table(source, columns)

    def key_ranges(self, source: TableSource, column: str) -> tuple[KeyRange, ...]:
        """The bounds of a column in every row group of a source; see the protocol."""
        return self._session.footers.key_ranges(source, column)

    def sample(
        self, source: TableSource, terms: tuple[str, ...], columns: frozenset[str], keys: frozenset[str]
    ) -> SampledStatistics | None:
        """What a few rows of a source tell; None if they tell nothing in the time that is left."""
        known = self._session.footers.table(source, frozenset())
        return self._session.sampler.sample(source, known, terms, columns, keys, self._budget)

    def quantiles(self, source: TableSource, expression: str, columns: frozenset[str]) -> tuple[object, ...]:
        """Values that part a sample of an expression's rows into equally many; see the protocol."""
        known = self._session.footers.table(source, frozenset())
        return self._session.sampler.quantiles(source, known, expression, columns, self._budget)

    @property
    def observed_tables(self) -> frozenset[int]:
        """Numbers of the tables of all subplans that were observed."""
        return self._session.observed_rows.tables

    def observed(self, subplan: str) -> float | None:
        """The rows that a subplan delivered when it last ran."""
        return self._session.observed_rows.find(subplan)
