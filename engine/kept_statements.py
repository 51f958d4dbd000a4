"""Statements that the kernel of this process has planned once and keeps for their next run, with the views they read.

Opening a session, binding views over files and planning cost a short statement more than running it. A plan of the
session that is kept (``shoal.plan_cache``) may therefore keep one session in which its statement is prepared. The plan
owns it: a plan that is dropped, because a file or a name has changed, closes it. ``KeptStatements`` bounds how many
there are, and closes the rest in the end.
"""

import re
import threading
from collections import OrderedDict
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import duckdb

from shoal.executor.kernel import Session
from shoal.planner.errors import NotSupportedError
from shoal.planner.source import FileFormat, FileSource
from shoal.planner.stage import TaskSpec
from shoal.run_clock import RunClock
from shoal.task_sessions import TaskSessions

RULE = "kept_statements"
"""Among ``disabled_rules`` it has every run of a statement planned by the kernel anew."""

FILES_RULE = "kept_files"
"""Among ``disabled_rules`` it has every run of a kept statement read its files anew."""

_EXECUTE = "EXECUTE kept"

_MOST_BYTES = 8 << 20
"""The rows of a kept statement are all made before the first is read, so there may not be many."""

_MOST_KEPT = 64

_REFUSED = (
    '"error":true',
    '"TABLE_FUNCTION"',
    '"SHOW_REF"',
    '"sample":{',
    '"current_query"',
    '"current_setting"',
    '"getvariable"',
)
"""What DuckDB's syntax tree of a statement may not have."""

_FILE_NAME = re.compile(r'"table_name":"[^"]*[^\w" $-]')


@dataclass(frozen=True, slots=True)
class KeptSession:
    """A session in which the views of a statement are bound, and perhaps the statement is prepared."""

    session: Session
    is_prepared: bool


class KeptStatement:
    """What one plan keeps between its runs: at most one session, for one run at a time. Thread-safe.

    After the first run it is the session of that, with its views bound; from the second on it is prepared, too.
    """

    def __init__(self, *, keeps_files: bool = False) -> None:
        self.keeps_files = keeps_files
        """Whether a second run may leave blocks of its files in memory."""
        self._lock = threading.Lock()
        self._session: KeptSession | None = None
        self._is_wanted = False
        self._is_refused = False

    @property
    def is_refused(self) -> bool:
        """Whether nothing is kept of it."""
        with self._lock:
            return self._is_refused

    @property
    def is_wanted(self) -> bool:
        """Whether the next run should be by a kept session: a run has ended, and its result was small."""
        with self._lock:
            return self._is_wanted and not self._is_refused

    @property
    def reason(self) -> str:
        """What is kept, for EXPLAIN; nothing if nothing is."""
        if not self.is_wanted:
            return ""
        files = ", and its files in memory while they fit" if self.keeps_files else ""
        return f"it is repeated, and kept prepared{files}"

    def tell_size(self, bytes_out: int) -> None:
        """A run has ended, with so many bytes of rows."""
        with self._lock:
            self._is_wanted = bytes_out <= _MOST_BYTES

    def take(self) -> KeptSession | None:
        """The session for one run, if there is one and no other run has it."""
        with self._lock:
            session, self._session = self._session, None
        return session

    def give_back(self, session: KeptSession) -> None:
        """Keep a session for the next run, or close it if it is one too many."""
        with self._lock:
            if self._session is None and not self._is_refused:
                self._session = session
                return
        session.session.close()

    def forget(self) -> None:
        """Close the session; the next run makes another."""
        kept = self.take()
        if kept is not None:
            kept.session.close()

    def refuse(self) -> None:
        """Close the session, and keep none from now on."""
        with self._lock:
            self._is_refused = True
        self.forget()


class KeptStatements:
    """Bounds how many sessions are kept: the one used longest ago goes. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: OrderedDict[KeptStatement, None] = OrderedDict()
        self._closed = False

    def give_back(self, statement: KeptStatement, session: KeptSession) -> None:
        """Keep a session for the statement's next run."""
        statement.give_back(session)
        with self._lock:
            self._latest[statement] = None
            self._latest.move_to_end(statement)
            kept = 0 if self._closed else _MOST_KEPT
            gone = [self._latest.popitem(last=False)[0] for _ in range(len(self._latest) - kept)]
        for other in gone:
            other.forget()

    def close(self) -> None:
        """Close all sessions; those that are out are closed when they come back."""
        with self._lock:
            self._closed = True
            statements, self._latest = list(self._latest), OrderedDict()
        for statement in statements:
            statement.forget()


class KeptRun:
    """One run of a statement that is kept, or will be."""

    def __init__(self, statement: KeptStatement, everything: KeptStatements) -> None:
        self._statement = statement
        self._everything = everything
        self._session: KeptSession | None = None

    def start(
        self, sessions: TaskSessions, sql: str, stack: ExitStack, clock: RunClock
    ) -> duckdb.DuckDBPyRelation | None:
        """Run ``sql`` as it was planned before, until all rows are made; the session is on the stack.

        The clock starts anew when it is planned. None if it is not kept, or has failed: then it has to run as a new one
        does, which may explain its error.
        """
        statement = self._statement
        if not (statement.is_wanted and _may_be_kept(sessions.spec)):
            return None
        opened = ExitStack()
        kept = statement.take()
        sessions.keep_files = statement.keeps_files
        try:
            is_prepared = kept is not None and kept.is_prepared
            session = sessions.open(opened) if kept is None else kept.session
            if not is_prepared and not _reads_its_files_only(session, sessions.spec, sql):
                raise NotSupportedError("the statement depends on more than its files")
            if kept is not None:
                sessions.resume(session, opened)
            if not is_prepared:
                session.connection.execute(f"PREPARE kept AS\n{sql}")
            sessions.token.check()
            clock.restart()
            relation = session.connection.sql(_EXECUTE)
        except Exception as error:  # noqa: BLE001 - a run from the start raises it again
            with suppress(Exception):
                opened.__exit__(type(error), error, error.__traceback__)
            if kept is not None:
                kept.session.close()
            sessions.token.check()
            sessions.keep_files = False
            statement.refuse()
            return None
        stack.enter_context(opened)
        self._session = KeptSession(session, is_prepared=True)
        return relation

    def opened(self, session: Session, spec: TaskSpec) -> None:
        """The run is by a session of its own, in which the statement's views are bound."""
        if _may_be_kept(spec):
            self._session = KeptSession(session, is_prepared=False)

    def end(self, bytes_out: int) -> None:
        """The run has ended well after so many bytes of rows, and its stack will end: the session may stay open."""
        kept = self._session
        if kept is not None and not self._statement.is_refused:
            kept.session.is_kept = kept.is_prepared or bytes_out <= _MOST_BYTES

    def give_back(self, bytes_out: int) -> None:
        """The stack has ended, after so many bytes of rows: what there is is for the statement's next run."""
        self._statement.tell_size(bytes_out)
        if self._session is not None and self._session.session.is_kept:
            self._everything.give_back(self._statement, self._session)


def _may_be_kept(spec: TaskSpec) -> bool:
    """Whether a statement reads Parquet files, whose identity the plan knows, and nothing else under a name.

    Where it reads nothing there is no view to keep, and running it as prepared takes longer than planning it.
    """
    if not spec.scans or spec.exchanges or not all(name for name, _ in spec.setup):
        return False
    return all(isinstance(scan.source, FileSource) and scan.source.format is FileFormat.PARQUET for scan in spec.scans)


def _reads_its_files_only(session: Session, spec: TaskSpec, sql: str) -> bool:
    """Whether what a statement gives depends on nothing but those files.

    It does not for files that the text names itself, nor for table functions, macros and variables, which are looked up
    when a statement is planned.
    """
    texts = (sql, *(text for _, text in spec.setup))
    return all(_reads_names_only(session.connection, text) for text in texts)


def _reads_names_only(connection: duckdb.DuckDBPyConnection, sql: str) -> bool:
    tree = str(connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()[0][0])
    return not any(word in tree for word in _REFUSED) and _FILE_NAME.search(tree) is None
