"""PEP 249's connection, and how ``connect`` makes one: in this process, on a local cluster, or to a coordinator."""

import atexit
import concurrent.futures.thread  # noqa: F401 - its own end is to be registered before ours
import threading
import warnings
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, urlsplit

from shoal.cursor import Backend, Cursor
from shoal.executor.resources import cores, default_memory_bytes, parse_size
from shoal.planner import errors
from shoal.planner.errors import ErrorContext, InterfaceError, NotSupportedError
from shoal.planner.parameters import Parameters
from shoal.planner.source import Field
from shoal.planner.statement import suggest
from shoal.settings import SETTINGS, Settings

_SCHEME = "shoal"
_OPTIONS = ("executors", "threads", "memory", "data", "mmap")


class Connection:
    """Where cursors come from. Threads may share it; each uses cursors of its own."""

    Warning: ClassVar = errors.Warning
    Error: ClassVar = errors.Error
    InterfaceError: ClassVar = errors.InterfaceError
    DatabaseError: ClassVar = errors.DatabaseError
    DataError: ClassVar = errors.DataError
    OperationalError: ClassVar = errors.OperationalError
    IntegrityError: ClassVar = errors.IntegrityError
    InternalError: ClassVar = errors.InternalError
    ProgrammingError: ClassVar = errors.ProgrammingError
    NotSupportedError: ClassVar = errors.NotSupportedError

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._lock = threading.Lock()
        self._cursors: weakref.WeakSet[Cursor] = weakref.WeakSet()
        self._closed = False
        _OPEN.add(self)

    def cursor(self) -> Cursor:
        """A new cursor."""
        self.check_open()
        cursor = Cursor(self, self._backend)
        with self._lock:
            self._cursors.add(cursor)
        return cursor

    def execute(self, operation: str, parameters: Parameters = ()) -> Cursor:
        """A new cursor that has run a statement."""
        return self.cursor().execute(operation, parameters)

    def register(self, name: str, data: object) -> Self:
        """Name a table: an Arrow table or stream, a pandas or polars DataFrame, or the path of files.

        A path may be a glob or a directory of files of one format; with a coordinator elsewhere it is a path of the
        cluster's machines, while other data is sent there. Raises ``SourceError``, ``InterfaceError``.
        """
        self.check_open()
        self._backend.register(name, data)
        return self

    def unregister(self, name: str) -> Self:
        """Forget a registered name; raises ``TableNotFound``."""
        self.check_open()
        self._backend.unregister(name)
        return self

    def tables(self) -> tuple[str, ...]:
        """The names of all tables and views."""
        self.check_open()
        return self._backend.tables()

    def columns(self, name: str) -> tuple[Field, ...]:
        """The columns of a table or view, with their DuckDB types; raises ``TableNotFound``."""
        self.check_open()
        return self._backend.columns(name)

    def cancel(self) -> None:
        """Cancel what any cursor of this connection runs. From any thread."""
        with self._lock:
            cursors = list(self._cursors)
        for cursor in cursors:
            cursor.cancel()

    def commit(self) -> None:
        """Do nothing: there are no transactions."""
        self.check_open()

    def rollback(self) -> None:
        """Refuse: there are no transactions."""
        raise NotSupportedError("there are no transactions")

    def close(self) -> None:
        """Close all cursors, stop everything that was started, and leave nothing behind. Idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            cursors = list(self._cursors)
        _OPEN.discard(self)
        for cursor in cursors:
            cursor.cancel()
            cursor.close()
        self._backend.close()

    def check_open(self) -> None:
        """Raise ``InterfaceError`` after ``close``."""
        if self._closed:
            raise InterfaceError("the connection is closed")

    @property
    def backend(self) -> Backend:
        """What runs the statements."""
        return self._backend

    def __enter__(self) -> Self:
        self.check_open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            warnings.warn("a connection was not closed", ResourceWarning, source=self, stacklevel=2)
            self.close()


_OPEN: "weakref.WeakSet[Connection]" = weakref.WeakSet()


def _close_all() -> None:
    """Once the interpreter is torn down, threads stand still and a connection would wait for its own in vain."""
    for connection in list(_OPEN):
        with suppress(errors.Error):
            connection.close()


# Executor pools of the standard library take no more work once the threads are waited for, which comes before atexit.
getattr(threading, "_register_atexit", atexit.register)(_close_all)


def connect(
    url: str | None = None,
    *,
    executors: int | None = None,
    threads: int | None = None,
    memory: str | int | None = None,
    **options: Any,
) -> Connection:
    """Connect; see ``shoal.connect``."""
    parts = urlsplit(url or "shoal://")
    if parts.scheme != _SCHEME:
        raise InterfaceError(f"not an address of Shoal: {url}", ErrorContext(hint="write shoal://host:port"))
    given = {**dict(parse_qsl(parts.query)), **{name: value for name, value in options.items() if value is not None}}
    named = {"executors": executors, "threads": threads, "memory": memory}
    given |= {name: value for name, value in named.items() if value is not None}
    for name in given:
        if name not in _OPTIONS and name not in SETTINGS:
            hint = suggest(name, (*_OPTIONS, *SETTINGS))
            raise InterfaceError(f"connect has no option {name}", ErrorContext(hint=hint))
    if parts.netloc:
        return _connect_remote(parts.netloc, given)
    return _connect_here(given)


def _connect_remote(address: str, given: dict[str, Any]) -> Connection:
    for name in ("executors", "threads", "memory", "data"):
        if name in given:
            raise InterfaceError(f"{name} belongs to the coordinator: it cannot be given with an address")
    from shoal.remote import connect_remote

    return Connection(connect_remote(address, given))


def _connect_here(given: dict[str, Any]) -> Connection:
    from shoal.session import Session

    executors = _count(given.pop("executors", 0), "executors", minimum=0)
    threads = _count(given.pop("threads", 0), "threads", minimum=0)
    memory = _memory(given.pop("memory", None))
    data = given.pop("data", None)
    mmap = Settings()
    for name, value in given.items():
        mmap.set(name, _text(value))
    runner = None
    if executors:
        from shoal.cluster import LocalCluster

        runner = LocalCluster(executors, threads or 1, memory, mmap=mmap.values.mmap)
    try:
        session = Session(threads=threads or cores(), memory_bytes=memory or default_memory_bytes(1), runner=runner)
    except BaseException:
        if runner is not None:
            runner.close()
        raise
    connection = Connection(session)
    try:
        for name, value in given.items():
            session.settings.set(name, _text(value))
        if data is not None:
            session.catalog.register_directory(Path(data))
    except BaseException:
        connection.close()
        raise
    return connection


def _count(value: object, name: str, *, minimum: int) -> int:
    try:
        count = int(str(value))
    except ValueError:
        count = minimum - 1
    if count < minimum:
        raise InterfaceError(f"{name} is a number, not {value!r}")
    return count


def _memory(value: object) -> int | None:
    if value is None:
        return None
    return value if isinstance(value, int) else parse_size(str(value))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)
