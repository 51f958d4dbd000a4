"""Running a session's queries: plan, start, and the result; once more where a kept plan or an executor is gone."""

from collections.abc import Sequence
from dataclasses import replace

from shoal.binder import Binder
from shoal.catalog import CatalogSnapshot, SessionCatalog
from shoal.catalog_words import may_read_catalog
from shoal.distributed import DistributedStream
from shoal.embedded import EmbeddedStream
from shoal.execution import Execution
from shoal.plan_cache import SessionPlan
from shoal.plan_trials import PlanTrials
from shoal.planner.errors import FetchFailed, SourceError
from shoal.planner.source import Field
from shoal.planner.statement_kinds import Query
from shoal.query_statistics import Told, untold
from shoal.result import BatchStream, Decoder, Result, TableStream
from shoal.running import Running
from shoal.schema_names import tell_apart
from shoal.scratch import Scratch
from shoal.session_planner import SessionPlanner
from shoal.settings import Values


class Queries:
    """Runs queries, each from any thread. A result holds the files of all tables that were there when it began."""

    def __init__(
        self,
        catalog: SessionCatalog,
        planner: SessionPlanner,
        execution: Execution,
        scratch: Scratch,
        binder: Binder,
    ) -> None:
        self._catalog = catalog
        self._binder = binder
        self._planner = planner
        self._execution = execution
        self._scratch = scratch
        self._trials = PlanTrials(execution, planner.own)

    def run(
        self,
        query: Query,
        parameters: Sequence[object],
        values: Values,
        running: Running,
        catalog: CatalogSnapshot | None = None,
    ) -> Result:
        """Run a query over the names of ``catalog``, by default those of now, until its first rows are there.

        Raises the query's error; the caller closes the result.
        """
        seen = self._catalog.snapshot() if catalog is None else catalog
        query = tell_apart(query, seen, self._binder)
        if may_read_catalog(query.sql, seen):
            from shoal.catalog_queries import asks_catalog, reads_rows, run_on_catalog, with_catalog_views

            names = self._scratch.table_names
            if asks_catalog(query.sql, seen, names):
                if not reads_rows(query.sql, seen, names):
                    columns, rows = run_on_catalog(query.sql, parameters, seen)
                    return self.result(columns, TableStream(rows), values)
                text, seen = with_catalog_views(query.sql, seen)
                query, catalog = replace(query, sql=text), seen
        options = self._execution.options(values)
        plan, key = self._planner.plan(query, parameters, values, options, seen)
        if catalog is not None:
            plan = replace(plan, choice=None)
        try:
            return self._run(query, parameters, plan, values, running, seen)
        except SourceError:
            # A kept plan may not fit its files any more: plan once more with the files as they are now.
            if key is None or running.token.cancelled:
                raise
            self._planner.forget(key)
            seen = seen.again()
            plan, _ = self._planner.plan(query, parameters, values, options, seen)
            return self._run(query, parameters, plan, values, running, seen)
        except FetchFailed:
            # An executor went away with a part of the answer after the query had ended: once more, as a new query.
            if running.token.cancelled:
                raise
            running.renew()
            return self._run(query, parameters, plan, values, running, seen)

    def rows(self, sql: str, values: Values, running: Running) -> list[tuple[object, ...]]:
        """All rows of a query that a statement runs for itself."""
        inner = Running()
        with running.token.waking(inner.cancel):
            result = self.run(Query(sql), (), values, inner)
            try:
                return [tuple(row) for row in result.all_rows()]
            finally:
                result.close()

    def measured(
        self, query: Query, parameters: Sequence[object], values: Values, running: Running
    ) -> EmbeddedStream | DistributedStream:
        """Run a query as EXPLAIN ANALYZE does; its caller holds the tables."""
        plan, _ = self._planner.plan(query, parameters, values, self._execution.options(values))
        stream = self._trials.start(query, parameters, plan, values, running, measured=True)
        self._observe(plan, stream, values)
        return stream

    def result(self, columns: tuple[Field, ...], stream: BatchStream, values: Values, told: Told = untold) -> Result:
        """A result of batches in carrier types."""
        zone = None if values.timezone is None else f"'{values.timezone}'"
        return Result(columns, stream, Decoder(self._scratch.cursor, columns, zone), told)

    def _run(
        self,
        query: Query,
        parameters: Sequence[object],
        plan: SessionPlan,
        values: Values,
        running: Running,
        catalog: CatalogSnapshot,
    ) -> Result:
        stream = self._trials.start(query, parameters, plan, values, running)
        self._observe(plan, stream, values)
        result = self.result(plan.columns, stream, values, lambda: stream.statistics)
        result.hold(catalog)
        try:
            result.prefetch()
            if values.verify:
                return self._verified(query, parameters, plan, result, values, catalog)
        except BaseException:
            result.close()
            raise
        return result

    def _observe(self, plan: SessionPlan, stream: EmbeddedStream | DistributedStream, values: Values) -> None:
        """Remember what the stages have delivered, all of which are done when a distributed stream is there."""
        if isinstance(stream, DistributedStream) and "observed_rows" not in values.disabled_rules:
            self._planner.observe(plan, stream.stage_runs)

    def _verified(
        self,
        query: Query,
        parameters: Sequence[object],
        plan: SessionPlan,
        result: Result,
        values: Values,
        catalog: CatalogSnapshot,
    ) -> Result:
        """The result, held and compared with what plain DuckDB gives; raises ``WrongAnswer``."""
        from shoal.verify import verify_result

        table = result.carrier_table()
        statistics = result.statistics
        result.close()
        whole = self._planner.whole(query, parameters, catalog, values)
        verify_result(table, plan.columns, whole.staged, whole.native_names, self._execution.reader)
        return self.result(plan.columns, TableStream(table), values, lambda: statistics)
