"""All that a session knows of its tables, as one statement's planning asks for it: footers, samples, past runs."""

from shoal.executor.shuffle.registry import ArrowRegistry
from shoal.planner.protocols import KeyRange, SampledStatistics, TableStatistics
from shoal.planner.source import TableSource
from shoal.sampling import Budget, TableSampler
from shoal.scratch import Scratch
from shoal.statistics import FooterStatistics


class SessionStatistics:
    """What one session has learned of its tables. Every method may be called from any thread."""

    def __init__(self, registry: ArrowRegistry, scratch: Scratch) -> None:
        self.footers = FooterStatistics()
        self.sampler = TableSampler(registry, self.footers, scratch.cursor)

    def for_statement(self) -> "PlanningStatistics":
        """The statistics of one planning run."""
        return PlanningStatistics(self)

    def close(self) -> None:
        """Free what samples hold; idempotent."""
        self.sampler.close()


class PlanningStatistics:
    """Implements ``shoal.planner.protocols.Statistics`` for one planning run, with its own time for samples."""

    def __init__(self, session: SessionStatistics) -> None:
        self._session = session
        self._budget = Budget()

    def table(self, source: TableSource, columns: frozenset[str]) -> TableStatistics:
        """Rows, bytes, row groups and the given columns of a source; never raises, guesses instead."""
        return self._session.footers.table(source, columns)

    def key_ranges(self, source: TableSource, column: str) -> tuple[KeyRange, ...]:
        """The bounds of a column in every row group of a source; see the protocol."""
        return self._session.footers.key_ranges(source, column)

    def sample(
        self, source: TableSource, terms: tuple[str, ...], columns: frozenset[str], keys: frozenset[str]
    ) -> SampledStatistics | None:
        """What a few rows of a source tell; None if they tell nothing in the time that is left."""
        known = self._session.footers.table(source, frozenset())
        return self._session.sampler.sample(source, known, terms, columns, keys, self._budget)

    @property
    def has_observed(self) -> bool:
        """Whether any subplan was observed."""
        return False

    def observed(self, subplan: str) -> float | None:
        """The rows that a subplan delivered when it last ran."""
        return None
