"""The seam between the coordinator's loop and executors, wherever they run."""

from collections.abc import Callable
from typing import Protocol

from shoal.coordinator.events import ExecutorEvent
from shoal.planner.ids import ExecutorId, Incarnation, QueryId, TaskId
from shoal.planner.stage import TaskSpec

EventSink = Callable[[ExecutorEvent], None]
"""Where a transport delivers events; may be called from any thread, in each executor's own order. Never blocks."""


class Transport(Protocol):
    """Carries instructions to executors and their events back.

    Everything but ``start`` and ``close`` is called on the loop's thread, returns at once (it sends or queues) and
    raises nothing: what cannot be delivered is reported as ``ExecutorLost``. An incarnation that is not connected
    (any more) is ignored, after ``ExecutorLost`` has been posted for it.
    """

    async def start(self, sink: EventSink) -> None:
        """Begin to accept executors and deliver their events; raises if it cannot (a port in use)."""

    def launch(self, executor: ExecutorId, incarnation: Incarnation, spec: TaskSpec) -> None:
        """Run a task there."""

    def cancel(self, executor: ExecutorId, incarnation: Incarnation, tasks: tuple[TaskId, ...]) -> None:
        """Stop tasks there; each is answered by ``TaskFailed`` or, if it was faster, ``TaskSucceeded``."""

    def drop_outputs(self, executor: ExecutorId, incarnation: Incarnation, tasks: tuple[TaskId, ...]) -> None:
        """Delete the outputs of tasks."""

    def drop_query(self, executor: ExecutorId, incarnation: Incarnation, query: QueryId) -> None:
        """Delete everything of a query there."""

    def disconnect(self, executor: ExecutorId, incarnation: Incarnation, reason: str) -> None:
        """Close the connection of one life of an executor; it may join again, as a new incarnation."""

    async def close(self) -> None:
        """Disconnect every executor, stop what the transport started, and free everything. Idempotent."""
