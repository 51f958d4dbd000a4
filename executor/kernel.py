"""The kernel: DuckDB, in memory, one for each process, with the settings that a server needs.

``disabled_optimizers`` is the only setting Shoal needs per task that DuckDB keeps per database. So there are up to two
databases: one that reorders joins, and one that runs them as they are written. Each is made when it is first needed.
They share the memory: while both work each may use half of it.
"""

import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

import duckdb

from shoal.executor.kept_files import SETUP as FILES_SETUP
from shoal.executor.kept_files import KeptFiles
from shoal.executor.kernel_errors import is_fatal, translate_error
from shoal.executor.kernel_types import literal, quote
from shoal.executor.owned_directory import OwnedDirectory, reclaim
from shoal.executor.seen_files import SeenFiles
from shoal.planner.errors import InterfaceError, InternalError, SettingError
from shoal.planner.names import TEMPORARY, own_name, quoted_name, schema_of
from shoal.planner.source import FileIdentity

__all__ = ["Kernel", "Session", "translate_error"]

WRITTEN_ORDER = (
    "join_order,build_side_probe_side,partial_aggregate_pushdown,late_materialization,top_n_window_elimination"
)
"""The optimizers that are off where joins run in the order, and with the build side (the right one), as written.

Late materialization has an internal error (DuckDB 2.0) over a scan that is bounded by ``file_row_number``; so has the
plan of the first rows of windows, which does the same.
"""

_MINIMUM_MEMORY = 64 << 20
_CLOSE_SECONDS = 5.0
_INTERRUPT_SECONDS = 0.05
_CONFIG: MappingProxyType[str, str] = MappingProxyType(
    {
        "python_enable_replacements": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "arrow_output_version": "1.5",
        "errors_as_json": "true",
    }
)


class Session:
    """A cursor of one database: temporary views and session settings of its own. One thread uses it at a time."""

    def __init__(self, database: "_Database", memory_bytes: int) -> None:
        self._connection = database.cursor(memory_bytes)
        self.database = database
        self.root = database.root
        self.is_kept = False
        """Whether it stays open after the block that it is used in, for ``Kernel.resumed``; its user then closes it."""
        self._lock = threading.Lock()
        self._open = True
        self._database = ""

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The DuckDB cursor."""
        return self._connection

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> duckdb.DuckDBPyConnection:
        """Run a statement; raises errors of Shoal, with their place in ``sql``."""
        try:
            return self._connection.execute(sql, list(parameters)) if parameters else self._connection.execute(sql)
        except Exception as error:
            raise translate_error(error, sql) from error

    def create_view(self, name: str, sql: str) -> None:
        """Give a query a name, perhaps a qualified one, that only this session knows; raises DuckDB's exceptions."""
        schema = schema_of(name)
        if not schema or schema.casefold() == TEMPORARY:
            # A statement may name a temporary table with its schema and without.
            self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {quote(own_name(name))} AS\n{sql}")
            return
        if not self._database:
            # Schemas belong to a database, which all sessions see: this one needs its own.
            database = f"session_{secrets.token_hex(8)}"
            self._connection.execute(f"ATTACH ':memory:' AS {database}")
            self._database = database
            self._connection.execute(f"USE {database}")
        self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")
        self._connection.execute(f"CREATE VIEW {quoted_name(name)} AS\n{sql}")

    def interrupt(self) -> None:
        """Stop what the session runs, if it runs something. From any thread; does nothing once it is closed."""
        with self._lock:
            if self._open:
                self._connection.interrupt()

    def close(self) -> None:
        """Drop the cursor with everything temporary in it. Idempotent."""
        with self._lock:
            if self._open:
                self._open = False
                if self._database:
                    # A result that is still being read keeps its transaction, and that the database.
                    with suppress(duckdb.Error):
                        self._connection.abort()
                        self._connection.rollback()
                    with suppress(duckdb.Error):
                        self._connection.execute(f"USE memory; DETACH {self._database}")
                self._connection.close()


class _Database:
    """One DuckDB, made at first use and made anew after a fatal error."""

    def __init__(self, config: dict[str, str | int], setup: Sequence[str], kept_bytes: int) -> None:
        self._config = config
        self._setup = setup
        self._kept_bytes = kept_bytes
        self._files = KeptFiles(kept_bytes)
        self._root: duckdb.DuckDBPyConnection | None = None
        self._memory_bytes = 0
        self.sessions = 0

    @property
    def root(self) -> duckdb.DuckDBPyConnection | None:
        return self._root

    def cursor(self, memory_bytes: int) -> duckdb.DuckDBPyConnection:
        if self._root is None:
            self._memory_bytes = memory_bytes
            self._root = duckdb.connect(":memory:", config={**self._config, "memory_limit": f"{memory_bytes}B"})
            self._files = KeptFiles(self._kept_bytes)
            for statement in self._setup:
                self._root.execute(statement)
        return self._root.cursor()

    def read(self, files: Sequence[FileIdentity], *, keep: bool) -> None:
        if self._root is not None and self._kept_bytes:
            self._files.read(self._root, files, keep=keep)

    def limit_memory(self, memory_bytes: int) -> None:
        if self._root is not None and memory_bytes != self._memory_bytes:
            # DuckDB refuses a limit below what it cannot evict just now; the next change of load tries again.
            with suppress(duckdb.Error):
                self._root.execute(f"SET GLOBAL memory_limit = '{memory_bytes}B'")
                self._memory_bytes = memory_bytes

    def drop(self) -> None:
        root, self._root = self._root, None
        if root is not None:
            # DuckDB refuses while a cursor is busy; the database then ends with the last cursor.
            with suppress(duckdb.Error):
                root.close()


class Kernel:
    """DuckDB for a process: ``threads`` worker threads, ``memory_bytes`` of memory, and its own spill directory.

    ``spill_bytes`` bounds what it spills (default: DuckDB's own, a share of the free disk). What processes that were
    killed left in ``spill_directory`` is removed. Of files that are read with ``keep_files`` each database keeps up
    to ``kept_bytes`` in memory.
    """

    def __init__(
        self,
        threads: int,
        memory_bytes: int,
        spill_directory: Path,
        spill_bytes: int | None = None,
        *,
        kept_bytes: int = 0,
    ) -> None:
        self.threads = threads
        self.memory_bytes = max(memory_bytes, _MINIMUM_MEMORY)
        reclaim(spill_directory)
        self._spill = OwnedDirectory(spill_directory, "spill")
        self._lock = threading.RLock()
        self._ended = threading.Condition(self._lock)
        self._closed = False
        self._live: set[Session] = set()
        self._seen = SeenFiles()
        config: dict[str, str | int] = {**_CONFIG, "threads": threads, "temp_directory": str(self._spill.path)}
        # Configured for a new database, this limit is shown by DuckDB 2.0 but not kept.
        setup = ["SET enable_progress_bar = false", "SET GLOBAL parquet_metadata_cache = true"]
        if spill_bytes is not None:
            setup.append(f"SET GLOBAL max_temp_directory_size = '{spill_bytes}B'")
        setup += FILES_SETUP if kept_bytes else ()
        self._reordering = _Database(config, setup, kept_bytes)
        self._written = _Database(config, [*setup, f"SET GLOBAL disabled_optimizers = '{WRITTEN_ORDER}'"], kept_bytes)

    @contextmanager
    def session(
        self,
        settings: Sequence[tuple[str, str]] = (),
        files: Sequence[FileIdentity] = (),
        *,
        join_order: bool = True,
        keep_files: bool = False,
    ) -> Iterator[Session]:
        """A fresh session for the block; ``settings`` are (name, SQL literal) and hold for this session alone.

        ``files`` are those that it will read, as they are now; with ``keep_files`` the next session may find them in
        memory. Without ``join_order`` joins run in the order and with the build sides that the statement is written
        with.
        Raises ``SettingError``. Exceptions of DuckDB leave the block as they are: see ``translate_error``.
        """
        session = self._open(self._reordering if join_order else self._written, files, keep_files=keep_files)
        with self._released(session):
            for name, value in settings:
                _apply(session, name, value)
            if self._seen.see(files):
                _apply(session, "parquet_metadata_cache", "false")
            yield session

    @contextmanager
    def resumed(
        self, session: Session, files: Sequence[FileIdentity] = (), *, keep_files: bool = False
    ) -> Iterator[Session]:
        """A session that was kept, as it was left, for the block; after an error it is closed.

        Raises ``InterfaceError`` if its database is not there any more, or has footers that may not be those of
        ``files``.
        """
        with self._lock:
            if self._closed or session.root is not session.database.root or self._seen.see(files):
                session.close()
                raise InterfaceError("the session cannot be used any more")
            session.is_kept = False
            session.database.read(files, keep=keep_files)
            self._enter(session)
        with self._released(session):
            yield session

    def close(self) -> None:
        """Stop what runs, free the memory, and remove the spill directory. Idempotent.

        A statement that does not stop within a few seconds keeps its memory; the spill directory goes all the same.
        """
        deadline = time.monotonic() + _CLOSE_SECONDS
        with self._ended:
            self._closed = True
            while self._live and time.monotonic() < deadline:
                for session in self._live:
                    session.interrupt()
                self._ended.wait(_INTERRUPT_SECONDS)
            self._reordering.drop()
            self._written.drop()
        self._spill.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, database: _Database, files: Sequence[FileIdentity], *, keep_files: bool) -> Session:
        with self._lock:
            if self._closed:
                raise InterfaceError("the kernel is closed")
            try:
                session = Session(database, self._share(database))
                database.read(files, keep=keep_files)
            except duckdb.Error as error:
                raise InternalError(f"DuckDB does not start: {error}") from error
            self._enter(session)
            return session

    def _enter(self, session: Session) -> None:
        session.database.sessions += 1
        if session.database.sessions == 1:
            self._share_memory()
        self._live.add(session)

    @contextmanager
    def _released(self, session: Session) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            session.is_kept = False
            if any(is_fatal(each) for each in (error, error.__cause__) if each is not None):
                self._replace(session)
            raise
        finally:
            if not session.is_kept:
                session.close()
            with self._lock:
                self._live.discard(session)
                self._ended.notify_all()
                session.database.sessions -= 1
                if session.database.sessions == 0:
                    self._share_memory()

    def _share(self, opened: _Database | None = None) -> int:
        both = all(database.sessions > 0 or database is opened for database in (self._reordering, self._written))
        return self.memory_bytes // 2 if both else self.memory_bytes

    def _share_memory(self) -> None:
        share = self._share()
        self._reordering.limit_memory(share)
        self._written.limit_memory(share)

    def _replace(self, session: Session) -> None:
        with self._lock:
            if session.root is session.database.root:
                session.database.drop()


def _apply(session: Session, name: str, value: str) -> None:
    sql = f"SET SESSION {quote(name)} = {value}"
    try:
        session.connection.execute(sql)
    except duckdb.Error as error:
        told = translate_error(error, sql)
        raise SettingError(f"setting {literal(name)} does not take {value}: {told.message}") from error
