"""Shoal: a distributed SQL query engine for people who work in Python.

``connect`` gives a PEP 249 connection: in this process, on a local cluster, or to a coordinator. Importing this module
loads no kernel; that happens at the first ``connect``.
"""

from typing import TYPE_CHECKING, Any

from shoal.dbapi_types import (
    BINARY,
    DATETIME,
    NUMBER,
    ROWID,
    STRING,
    Binary,
    Date,
    DateFromTicks,
    Time,
    TimeFromTicks,
    Timestamp,
    TimestampFromTicks,
)
from shoal.planner.errors import (
    BindError,
    ColumnNotFound,
    ConnectionFailed,
    DatabaseError,
    DataError,
    Error,
    FunctionNotFound,
    IntegrityError,
    InterfaceError,
    InternalError,
    NoExecutors,
    NotSupportedError,
    OperationalError,
    OutOfMemory,
    ParameterError,
    ProgrammingError,
    QueryCancelled,
    QueryTimeout,
    SettingError,
    SourceChanged,
    SourceCorrupt,
    SourceError,
    SourceNotFound,
    StatementTooLarge,
    SyntaxError_,
    TableNotFound,
    VersionMismatch,
    Warning,  # noqa: A004 - PEP 249 names it so
    WrongAnswer,
)
from shoal.version import __version__

if TYPE_CHECKING:
    from shoal.connection import Connection
    from shoal.cursor import Cursor
    from shoal.query_statistics import QueryStatistics

apilevel = "2.0"
threadsafety = 2
paramstyle = "qmark"

__all__ = [
    "BINARY",
    "DATETIME",
    "NUMBER",
    "ROWID",
    "STRING",
    "Binary",
    "BindError",
    "ColumnNotFound",
    "Connection",
    "ConnectionFailed",
    "Cursor",
    "DataError",
    "DatabaseError",
    "Date",
    "DateFromTicks",
    "Error",
    "FunctionNotFound",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NoExecutors",
    "NotSupportedError",
    "OperationalError",
    "OutOfMemory",
    "ParameterError",
    "ProgrammingError",
    "QueryCancelled",
    "QueryStatistics",
    "QueryTimeout",
    "SettingError",
    "SourceChanged",
    "SourceCorrupt",
    "SourceError",
    "SourceNotFound",
    "StatementTooLarge",
    "SyntaxError_",
    "TableNotFound",
    "Time",
    "TimeFromTicks",
    "Timestamp",
    "TimestampFromTicks",
    "VersionMismatch",
    "Warning",
    "WrongAnswer",
    "__version__",
    "apilevel",
    "connect",
    "paramstyle",
    "threadsafety",
]


def connect(
    url: str | None = None,
    *,
    executors: int | None = None,
    threads: int | None = None,
    memory: str | int | None = None,
    **options: Any,
) -> "Connection":
    """Connect and return a PEP 249 connection.

    Without arguments (or ``shoal://``) queries run in this process. ``executors`` starts that many executor processes
    on this machine, each with ``threads`` and ``memory`` (bytes, or a text such as ``4GB``); the URL form is
    ``shoal://?executors=3&threads=1``. ``shoal://host:port`` connects to a coordinator that runs already.

    ``options``: ``data`` is a directory whose files (or folders of files) become tables; any name that ``SHOW ALL``
    lists sets that setting. Raises ``InterfaceError``, ``NoExecutors``, ``ConnectionFailed`` or ``VersionMismatch``.
    """
    from shoal.connection import connect as open_connection

    return open_connection(url, executors=executors, threads=threads, memory=memory, **options)


def __getattr__(name: str) -> Any:
    """Load the classes that need Arrow when they are first asked for."""
    if name == "Connection":
        from shoal.connection import Connection

        return Connection
    if name == "Cursor":
        from shoal.cursor import Cursor

        return Cursor
    if name == "QueryStatistics":
        from shoal.query_statistics import QueryStatistics

        return QueryStatistics
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
