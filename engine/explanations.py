"""EXPLAIN of a session's statements: queries, what a statement that writes reads, and prepared statements."""

from collections.abc import Callable, Sequence

from shoal.binder import Binder
from shoal.catalog import CatalogSnapshot, SessionCatalog
from shoal.distributed import DistributedStream
from shoal.embedded import EmbeddedStream
from shoal.execution import Execution
from shoal.planner.errors import NotSupportedError
from shoal.planner.parameters import arrange_parameters
from shoal.planner.session_kinds import Execute
from shoal.planner.statement import Explain, ExplainMode, ExplainStatement, Query, classify
from shoal.queries import Queries
from shoal.running import Running
from shoal.schema_names import tell_apart
from shoal.session_planner import SessionPlanner
from shoal.session_statements import Another
from shoal.settings import Settings

Prepared = Callable[[Execute], Another]
"""What EXECUTE runs: a text and its values."""


class Explanations:
    """Explains statements, from any thread. Nothing but EXPLAIN ANALYZE runs what it explains."""

    def __init__(
        self,
        catalog: SessionCatalog,
        binder: Binder,
        planner: SessionPlanner,
        queries: Queries,
        execution: Execution,
        settings: Settings,
    ) -> None:
        self._catalog = catalog
        self._binder = binder
        self._planner = planner
        self._queries = queries
        self._execution = execution
        self._settings = settings

    def explain(
        self,
        statement: Explain | ExplainStatement,
        parameters: Sequence[object],
        running: Running,
        prepared: Prepared,
    ) -> list[str]:
        """The lines of an EXPLAIN; as JSON it is one. Raises the user errors of the statement."""
        if isinstance(statement, Explain):
            return self._query(statement.mode, statement.query, parameters, self._catalog.snapshot(), running)
        inner = classify(statement.sql)
        if isinstance(inner, Execute):
            another = prepared(inner)
            again = classify(another.sql)
            values = arrange_parameters(another.sql, another.parameters)
            if isinstance(again, Query):
                return self._query(statement.mode, again, values, self._catalog.snapshot(), running)
            if statement.mode is ExplainMode.ANALYZE:
                raise NotSupportedError("EXPLAIN ANALYZE of a statement that writes is not supported: it would write")
            return self._statement(statement.mode, another.sql, values, running)
        return self._statement(statement.mode, statement.sql, parameters, running)

    def _statement(self, mode: ExplainMode, sql: str, parameters: Sequence[object], running: Running) -> list[str]:
        from shoal.explained_statements import explained_statement

        explained = explained_statement(sql, parameters, self._catalog.snapshot(), self._binder)
        if explained.query is None:
            return [explained.what]
        lines = self._query(mode, explained.query, (), explained.catalog, running)
        return lines if mode is ExplainMode.JSON else [explained.what, *lines]

    def _query(
        self,
        mode: ExplainMode,
        query: Query,
        parameters: Sequence[object],
        catalog: CatalogSnapshot,
        running: Running,
    ) -> list[str]:
        from shoal.analyze import explain

        values = self._settings.values
        query = tell_apart(query, catalog, self._binder)
        planned = self._planner.explained(query, parameters, catalog, values, self._execution.options(values))

        def run() -> EmbeddedStream | DistributedStream:
            return self._queries.measured(query, parameters, values, running)

        text = explain(mode, planned, run)
        # A document is one value; a tree is read line by line.
        return [text] if mode is ExplainMode.JSON else text.splitlines()
