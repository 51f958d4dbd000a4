"""The coordinator's runner as one client's session sees it: closing it frees what the session has, and nothing else.

A session frees a query when it closes the query's result; a client reads the files later. So a query can be *kept*:
then the session's release is put off until whoever kept it releases it for good.
"""

import threading

from shoal.planner.ids import QueryId
from shoal.planner.stage import OutputFile, StagedPlan
from shoal.runner import ClusterShape, QueryHandle, QueryProgress, QueryResult, Runner, StageRun


class BorrowedQuery:
    """A query handle whose release can be put off; see ``QueryHandle``."""

    def __init__(self, handle: QueryHandle) -> None:
        self._handle = handle
        self._lock = threading.Lock()
        self._kept = False
        self._released = False
        self._result: QueryResult | None = None

    @property
    def query_id(self) -> QueryId:
        """The query's id."""
        return self._handle.query_id

    @property
    def outputs(self) -> tuple[OutputFile, ...]:
        """The files of the finished query."""
        return () if self._result is None else self._result.outputs

    @property
    def is_released(self) -> bool:
        """Whether the result is gone."""
        return self._released

    def wait(self, timeout: float | None = None) -> QueryResult:
        """Block until the end; see ``QueryHandle``."""
        self._result = self._handle.wait(timeout)
        return self._result

    def cancel(self) -> None:
        """Ask the query to stop."""
        self._handle.cancel()

    def progress(self) -> QueryProgress:
        """How far it is."""
        return self._handle.progress()

    def runs(self) -> tuple[StageRun, ...]:
        """What the finished stages measured."""
        return self._handle.runs()

    def keep(self) -> bool:
        """Put off the release until ``free``; false if it is too late."""
        with self._lock:
            self._kept = not self._released
            return self._kept

    def release(self) -> None:
        """Free the result, unless it is kept."""
        with self._lock:
            if self._kept:
                return
        self.free()

    def free(self) -> None:
        """Free the result, kept or not. Idempotent."""
        with self._lock:
            if self._released:
                return
            self._released = True
        self._handle.cancel()
        self._handle.release()


class BorrowedRunner:
    """A ``Runner`` for one session over a runner that others use too."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._lock = threading.Lock()
        self._queries: list[BorrowedQuery] = []

    def submit(self, plan: StagedPlan, query: QueryId, timeout: float | None = None) -> BorrowedQuery:
        """Start a plan; see ``Runner``."""
        borrowed = BorrowedQuery(self._runner.submit(plan, query, timeout))
        with self._lock:
            self._queries = [each for each in self._queries if not each.is_released]
            self._queries.append(borrowed)
        return borrowed

    def shape(self) -> ClusterShape:
        """The cluster as it is now."""
        return self._runner.shape()

    def keep(self, query: QueryId) -> BorrowedQuery | None:
        """The finished query whose result is still there, kept from now on; None if the session has none."""
        with self._lock:
            found = [each for each in self._queries if each.query_id == query and not each.is_released]
        return found[-1] if found and found[-1].keep() else None

    def close(self) -> None:
        """Cancel and free every query of the session; the runner itself goes on. Idempotent."""
        with self._lock:
            queries, self._queries = self._queries, []
        for query in queries:
            query.free()
