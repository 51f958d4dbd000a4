"""What the shell needs of a connection: the DB-API's methods by which it runs statements, and nothing else."""

from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa


class Progress(Protocol):
    """How far a query is, in tasks."""

    @property
    def tasks_done(self) -> int:
        """Tasks that have succeeded."""

    @property
    def tasks_total(self) -> int:
        """All tasks known so far."""


class Cursor(Protocol):
    """One statement at a time. ``cancel`` and ``progress`` may be called from any thread, the rest from one."""

    @property
    def description(self) -> Sequence[Sequence[object]] | None:
        """The columns of the last statement's result as (name, type, ...); None when it has none."""

    def execute(self, operation: str) -> object:
        """Run a statement; raises a ``shoal.planner.errors.Error``."""

    def fetch_record_batch(self) -> pa.RecordBatchReader:
        """The rest of the result, as a stream of batches."""

    def cancel(self) -> None:
        """Ask the running statement to stop; idempotent, and nothing happens when none runs."""

    def progress(self) -> Progress | None:
        """How far the running statement is; None when nothing is known."""

    def close(self) -> None:
        """Free the result."""


class Connection(Protocol):
    """Where cursors come from."""

    def cursor(self) -> Cursor:
        """A new cursor."""

    def close(self) -> None:
        """Stop everything that the connection started."""
