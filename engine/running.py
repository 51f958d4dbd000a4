"""One run of one statement, as the cursor that started it sees it: its id, how to cancel it, how far it is.

While a statement is planned it is asked now and then, from deep inside, whether it was cancelled: ``check_cancelled``.
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from shoal.executor.cancellation import CancelToken
from shoal.planner.errors import QueryCancelled
from shoal.planner.ids import QueryId
from shoal.runner import QueryProgress


def new_query_id() -> QueryId:
    """A new id; ids sort by the second in which they were made."""
    return QueryId(f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(4)}")


_CURRENT: ContextVar[CancelToken | None] = ContextVar("current", default=None)


def check_cancelled() -> None:
    """Raise ``QueryCancelled`` if the statement that this thread works on was cancelled."""
    token = _CURRENT.get()
    if token is not None and token.cancelled:
        raise QueryCancelled("the query was cancelled")


@contextmanager
def interrupting(interrupt: Callable[[], None]) -> Iterator[None]:
    """Interrupt what the block does once the statement that this thread works on is cancelled.

    Raises ``QueryCancelled`` for whatever the block raises then.
    """
    token = _CURRENT.get()
    if token is None:
        yield
        return
    with token.waking(interrupt):
        check_cancelled()
        try:
            yield
        except Exception:
            check_cancelled()
            raise


class Running:
    """Made by a cursor for each statement and given to whatever runs it. Every method may be called from any thread."""

    def __init__(self) -> None:
        self.query = new_query_id()
        self.token = CancelToken()
        self._lock = threading.Lock()
        self._progress: Callable[[], QueryProgress] | None = None

    def renew(self) -> None:
        """Give the statement another id, because it is run again from the start."""
        self.query = new_query_id()

    @contextmanager
    def current(self) -> Iterator[None]:
        """What this thread does in the block is for this statement; raises ``QueryCancelled`` if that is too late."""
        before = _CURRENT.set(self.token)
        try:
            check_cancelled()
            yield
        finally:
            _CURRENT.reset(before)

    def watch(self, progress: Callable[[], QueryProgress] | None) -> None:
        """From now on, this tells how far the statement is; None when nobody knows."""
        with self._lock:
            self._progress = progress

    def progress(self) -> QueryProgress | None:
        """How far the statement is, if anybody knows."""
        with self._lock:
            progress = self._progress
        return None if progress is None else progress()

    def cancel(self) -> None:
        """Ask the statement to stop; idempotent."""
        self.token.cancel()
