"""Sessions of clients: one ``shoal.session.Session`` each, with what it runs and the results it holds.

A session that nobody uses ends after ``IDLE_SECONDS``; a statement whose client has not asked for it is cancelled after
``ABANDONED_SECONDS``; a result that a client of others has not released is freed after ``IDLE_SECONDS``.
"""

import asyncio
import logging
import re
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from shoal.executor.resources import cores, default_memory_bytes
from shoal.executor.shuffle.reader import ShuffleReader
from shoal.flight.borrowed import BorrowedRunner
from shoal.flight.held import HeldResult, hold_for_others, hold_for_our_client
from shoal.flight.requests import IDLE_SECONDS
from shoal.planner.errors import ConnectionFailed, ErrorContext, InterfaceError, OperationalError, ProtocolError
from shoal.planner.ids import QueryId
from shoal.planner.parameters import Parameters
from shoal.runner import Runner
from shoal.running import Running
from shoal.session import Session

ABANDONED_SECONDS = 15.0
MAX_SESSIONS = 256
MAX_STATEMENTS = 64
"""How many statements of all sessions run at a time; one more is refused."""

_SWEEP_SECONDS = 1.0
_MEMORY_SHARE = 8
_LOG = logging.getLogger(__name__)
_QUERY_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(slots=True)
class Statement:
    """One statement of a session while it runs. ``ended`` is for the loop; ``asked`` is when somebody last waited.

    ``query`` is the name that the client knows: a statement that is run again has another one in the cluster.
    """

    sql: str
    running: Running
    query: QueryId
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    future: "Future[HeldResult | None]" = field(default_factory=Future)
    asked: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class Prepared:
    """A prepared statement: its text, and the parameters that were bound last."""

    sql: str
    parameters: tuple[object, ...] = ()
    held: list[str] = field(default_factory=list)


class ClientSession:
    """One client's session. ``own``: the client is ours, and gets results in carrier types. Thread-safe."""

    def __init__(self, name: str, runner: Runner, reader: ShuffleReader, *, own: bool) -> None:
        self.name = name
        self.own = own
        self.used = time.monotonic()
        self.statements: dict[str, Statement] = {}
        self.held: dict[str, HeldResult] = {}
        self.prepared: dict[str, Prepared] = {}
        self._runner = BorrowedRunner(runner)
        self._reader = reader
        self._lock = threading.Lock()
        self._closed = False
        self.session = Session(threads=cores(), memory_bytes=default_memory_bytes(_MEMORY_SHARE), runner=self._runner)

    def start(self, pool: ThreadPoolExecutor, sql: str, parameters: Parameters, query: str | None = None) -> Statement:
        """Run a statement in the pool, under a query id of the client's if it has one."""
        running = Running()
        if query is not None:
            if not _QUERY_ID.fullmatch(query):
                raise ProtocolError("a query id has letters, digits and dashes only")
            running.query = QueryId(query)
        statement = Statement(sql, running, running.query)
        with self._lock:
            if self._closed:
                raise InterfaceError("the session is closed")
            if statement.query in self.statements:
                raise InterfaceError(f"query {statement.query} runs already")
            self.statements[statement.query] = statement
        statement.future = pool.submit(self._run, statement, parameters)
        return statement

    def take(self, statement: Statement) -> HeldResult | None:
        """The result of a statement that has ended, held from now on; raises its error."""
        with self._lock:
            self.statements.pop(statement.query, None)
        found = statement.future.result(0)
        if found is None or found.inline:
            return found
        with self._lock:
            if not self._closed:
                self.held[found.query] = found
                return found
        found.close()
        raise InterfaceError("the session is closed")

    def release(self, query: str) -> None:
        """Free a result; does nothing if it is not there."""
        with self._lock:
            held = self.held.pop(query, None)
        if held is not None:
            held.close()

    def cancel(self, query: str) -> bool:
        """Ask a statement to stop; whether it was running."""
        with self._lock:
            statement = self.statements.get(query)
        if statement is not None:
            statement.running.cancel()
        return statement is not None

    def prepare(self, sql: str) -> str:
        """Keep a statement under a new name."""
        name = secrets.token_hex(8)
        with self._lock:
            self.prepared[name] = Prepared(sql)
        return name

    def unprepare(self, name: str) -> None:
        """Forget a prepared statement, and free the results it had."""
        with self._lock:
            prepared = self.prepared.pop(name, None)
        for query in prepared.held if prepared else ():
            self.release(query)

    def sweep(self, now: float) -> None:
        """Cancel and free what nobody has asked for."""
        with self._lock:
            late = [each for each in self.statements.values() if now - each.asked > ABANDONED_SECONDS]
            old = [] if self.own else [key for key, held in self.held.items() if now - held.used > IDLE_SECONDS]
        for statement in late:
            statement.running.cancel()
            if statement.future.done():
                self._forget(statement)
        for query in old:
            self.release(query)

    def is_idle(self, now: float) -> bool:
        """Whether the session can end."""
        return not self.statements and now - self.used > IDLE_SECONDS

    def close(self) -> None:
        """Stop what runs and free everything; idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            statements = list(self.statements.values())
            held, self.held = list(self.held.values()), {}
        for statement in statements:
            statement.running.cancel()
        for each in held:
            each.close()
        self.session.close()

    def _run(self, statement: Statement, parameters: Parameters) -> HeldResult | None:
        running = statement.running
        result = self.session.execute(statement.sql, parameters, running)
        if result is None:
            return None
        values = self.session.settings.values
        try:
            if self.own:
                held = hold_for_our_client(result, self._runner, running.query, values)
            else:
                held = hold_for_others(result, self._runner, running.query, values, self._reader)
            held.query = statement.query
            return held
        except BaseException:
            result.close()
            kept = self._runner.keep(running.query)
            if kept is not None:
                kept.free()
            raise

    def _forget(self, statement: Statement) -> None:
        with self._lock:
            self.statements.pop(statement.query, None)
        if statement.future.exception(0) is None:
            held = statement.future.result(0)
            if held is not None:
                held.close()


class Sessions:
    """All sessions of a coordinator, and the threads that run their statements. Every method may block a little."""

    def __init__(self, runner: Callable[[], Runner]) -> None:
        self._runner = runner
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._sessions: dict[str, ClientSession] = {}
        self._reader = ShuffleReader()
        self._sweeper: threading.Thread | None = None
        self._closed = threading.Event()
        self.pool = ThreadPoolExecutor(MAX_STATEMENTS, "shoal-statement")

    def open(self) -> ClientSession:
        """A new session for a client of ours."""
        return self._make(secrets.token_hex(16), own=True)

    def get(self, name: str, *, own: bool) -> ClientSession:
        """The session of a name. Clients of others get a new one when there is none; ours are told that it is gone."""
        found = self._find(name)
        if found is not None and found.own == own:
            return found
        if own:
            hint = "connect again; views and registered tables are gone with the session"
            message = "the coordinator does not know this session: it was restarted, or the session was idle too long"
            raise ConnectionFailed(message, ErrorContext(hint=hint))
        with self._making:
            return self._find(name) or self._make(name, own=False)

    def start(self, session: ClientSession, sql: str, parameters: Parameters, query: str | None = None) -> Statement:
        """Run a statement; raises ``OperationalError`` when too many run already."""
        with self._lock:
            running = sum(len(each.statements) for each in self._sessions.values())
        if running >= MAX_STATEMENTS:
            raise OperationalError(f"{running} statements run already: try again later")
        return session.start(self.pool, sql, parameters, query)

    def all(self) -> tuple[ClientSession, ...]:
        """All sessions."""
        with self._lock:
            return tuple(self._sessions.values())

    def held(self, session: ClientSession, query: str) -> HeldResult:
        """A result of this session, or of any other of a client of others; raises ``InterfaceError``."""
        others = [each for each in self.all() if not each.own]
        for each in (session, *others):
            found = each.held.get(query)
            if found is not None:
                return found
        raise InterfaceError("the result is gone")

    def end(self, session: ClientSession) -> None:
        """Close a session."""
        with self._lock:
            self._sessions.pop(session.name, None)
        session.close()

    def close(self) -> None:
        """Close all sessions and end the threads; idempotent."""
        self._closed.set()
        with self._lock:
            sessions, self._sessions = list(self._sessions.values()), {}
            sweeper = self._sweeper
        for session in sessions:
            session.close()
        self.pool.shutdown(wait=False, cancel_futures=True)
        if sweeper is not None:
            sweeper.join(2 * _SWEEP_SECONDS)
        self._reader.close()

    def _find(self, name: str) -> ClientSession | None:
        with self._lock:
            found = self._sessions.get(name)
            if found is not None:
                found.used = time.monotonic()
            return found

    def _make(self, name: str, *, own: bool) -> ClientSession:
        with self._lock:
            if len(self._sessions) >= MAX_SESSIONS:
                raise OperationalError(f"the coordinator has {MAX_SESSIONS} sessions already")
        session = ClientSession(name, self._runner(), self._reader, own=own)
        with self._lock:
            if not self._closed.is_set():
                self._sessions[name] = session
                if self._sweeper is None:
                    self._sweeper = threading.Thread(target=self._sweep, name="shoal-sessions", daemon=True)
                    self._sweeper.start()
                return session
        session.close()
        raise ConnectionFailed("the coordinator is shutting down")

    def _sweep(self) -> None:
        while not self._closed.wait(_SWEEP_SECONDS):
            now = time.monotonic()
            for session in self.all():
                try:
                    session.sweep(now)
                    if session.is_idle(now):
                        self.end(session)
                except Exception:  # noqa: BLE001 - the other sessions still need their turn
                    _LOG.exception("a session could not be tidied up")
