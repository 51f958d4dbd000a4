"""Tries cases: opens the tables of a block of seeds on both sides, runs its cases, and says what is wrong."""

import os
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Self, assert_never
from unittest import mock

import shoal
from shoal.executor.faults import DIRECTORY_VARIABLE, RULES_VARIABLE, Fault, installed, parse_faults
from shoal.result_order import ResultOrder
from tests.hunt.answers import Answer, difference, our_answer, rows_differ
from tests.hunt.cases import Case, Oracle, make_case
from tests.hunt.configurations import FAULTS, Backend, Settings, choose_backend, choose_settings
from tests.hunt.plain import Plain
from tests.hunt.sessions import removals
from tests.hunt.world import World, make_world

BLOCK = 200
"""So many seeds share their tables and their cluster."""

THRESHOLDS = {
    "shoal.planner.distribute.LEAST_SPLIT_ROWS": 3,
    "shoal.planner.distribute.LEAST_DEALT_ROWS": 30,
    "shoal.planner.distribute_order.LEAST_ORDERED_ROWS": 20,
    "shoal.planner.filter_variants.LEAST_ROWS": 20,
    "shoal.planner.group_ranges.LEAST_GROUPS": 2,
    "shoal.planner.group_ranges.RANGE_GROUPS": 5,
}
"""Rows from which something is worth its while, made so small that small tables will do."""

TIMEOUT = 20
"""Seconds after which a statement of ours counts as one that hangs."""
TIMEOUT_OF_SMALL_BATCHES = 100
"""The same where a hundred thousand rows are as many batches."""

NO_ORDER = ResultOrder()
HANG, CRASH = "hang", "crash"
"""How messages about statements that do not end begin, and about executors that die."""
_NO_ROWS = "it is known that there are none"
"""What a plan says where nothing is computed, so that nothing can fail either."""
_QUERIES = frozenset(
    ("SELECT", "WITH", "FROM", "VALUES", "TABLE", "PIVOT", "UNPIVOT", "DESCRIBE", "SUMMARIZE", "SHOW", "EXECUTE")
)
"""How queries begin; what EXECUTE runs may be none."""


@dataclass(frozen=True)
class Finding:
    """What went wrong, and all that is needed to see it again."""

    seed: int
    case: Case
    settings: Settings
    backend: Backend
    world: World
    message: str
    plan: str = ""

    @property
    def what(self) -> str:
        """Under which name it is counted."""
        word = self.message.partition(":")[0]
        return {HANG: "hangs", CRASH: "crashes"}.get(word, "findings")

    def __str__(self) -> str:
        settings = " ".join(f"SET {name} = '{value}';" for name, value in self.settings)
        text = ";\n".join(self.case.sql)
        return f"seed {self.seed} ({self.case.name}, {self.backend}): {self.message}\n{settings}\n{text};\n{self.plan}"


@dataclass(frozen=True)
class Tried:
    """What became of one seed: how many statements ran, how many of them in several tasks, whether both sides failed.

    ``passed_over``: the answer is too large or takes too long, so nothing was compared.
    """

    seed: int
    statements: int = 0
    distributed: int = 0
    errors: int = 0
    passed_over: bool = False
    finding: Finding | None = None


class Ground:
    """The same tables in plain DuckDB and on a connection to Shoal."""

    def __init__(self, world: World, backend: Backend) -> None:
        self.world = world
        self.backend = backend
        self.spared = 0
        """How often it raised a run-time error in computing what Shoal knew that nobody needs."""
        self._plan = ""
        self._settings: dict[str, str] = {}
        self._dead: set[str] = set()
        with ExitStack() as stack:
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shoal_hunt_")))
            self.plain = Plain(world, self._folder)
            stack.callback(self.plain.close)
            for name, rows in THRESHOLDS.items():
                stack.enter_context(mock.patch(name, rows))
            stack.enter_context(_batches_of(backend.batch_rows))
            self.connection = stack.enter_context(self._connect())
            self._faults: tuple[Fault, ...] = ()
            timeout = TIMEOUT_OF_SMALL_BATCHES if self._has_small_batches else TIMEOUT
            self.set((("timezone", "Europe/Berlin"), ("check_plans", "on"), ("timeout", str(timeout))))
            self.plain.load(self.connection)
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def set(self, settings: Settings) -> None:
        """Change settings."""
        self._faults = parse_faults(dict(settings).get(FAULTS, ""))
        for name, value in settings:
            if name != FAULTS and self._settings.get(name) != value:
                self._settings[name] = value
                self.connection.execute(f"SET {name} = '{value}'")

    def attempt(self, seed: int) -> Tried:
        """Try the case of one seed."""
        case, settings = make_case(seed, self.world), choose_settings(seed)
        return self.try_case(seed, case, settings)

    def try_case(self, seed: int, case: Case, settings: Settings) -> Tried:
        """Try a case."""
        self.set(settings)
        tried, message = self.run(case)
        if message is None:
            return Tried(seed, *tried)
        plan = self._plan or self.plan(case.sql[0])
        finding = Finding(seed, case, settings, self.backend, self.world, message, plan)
        return Tried(seed, *tried, finding=finding)

    def run(self, case: Case) -> tuple[tuple[int, int, int, bool], str | None]:
        """Run a case: (statements, distributed, errors, passed over), and what is wrong."""
        ours: list[Answer] = []
        self._plan = ""
        try:
            message = self._tried(case, ours) or self._deaths()
        except Exception:  # noqa: BLE001 - anything that escapes is a finding
            message = traceback.format_exc(limit=-6)
        errors = sum(answer.error is not None for answer in ours)
        return (len(ours), sum(answer.tasks > 1 for answer in ours), errors, not ours), message

    def plan(self, sql: str) -> str:
        """The plan of a statement, or why there is none."""
        try:
            return "\n".join(str(row[0]) for row in self.connection.execute(f"EXPLAIN {sql}").fetchall())
        except shoal.Error as error:
            return f"no plan: {error}"

    def _tried(self, case: Case, ours: list[Answer]) -> str | None:
        match case.oracle:
            case Oracle.DUCKDB:
                return self._differential(case.sql[0], ours, case.times)
            case Oracle.PAIR:
                return self._pair(case, ours)
            case Oracle.SESSION:
                return self._session(case, ours)
            case _:
                assert_never(case.oracle)

    def _differential(self, sql: str, ours: list[Answer], times: int = 1) -> str | None:
        theirs = self.plain.answer(sql)
        if theirs is None:
            return None
        for _ in range(times):
            with installed(*self._faults) if self._faults else nullcontext():
                ours.append(self._ours(sql))
            message = self._judged(ours[-1], theirs, sql)
            if message is not None:
                return message
        return None

    def _judged(self, ours: Answer, theirs: Answer, sql: str) -> str | None:
        """What is wrong with an answer, or None."""
        message = _hang(ours) or difference(ours, theirs, sql)
        if message is None or isinstance(ours.error, shoal.QueryTimeout):
            return None if message is not None and self._is_only_slow(sql, theirs) else message
        if isinstance(theirs.error, shoal.DataError) and (_NO_ROWS in self.plan(sql) or self._skips(sql, theirs)):
            self.spared += 1
            return None
        return None if self._is_explained(ours, theirs, sql) or self._optimizer_errs(sql, ours) else message

    def _is_explained(self, ours: Answer, theirs: Answer, sql: str) -> bool:
        """Whether DuckDB does as we do over such tables, with such memory, or where nobody asks for an error's row."""
        match ours.error:
            case shoal.InternalError():
                return self.plain.breaks_over_arrow(sql)
            case shoal.OutOfMemory():
                return self.plain.lacks_memory(sql, self.backend.memory)
            case None if isinstance(theirs.error, shoal.DataError) and not ours.rows:
                lenient = self.plain.lenient(sql)
                is_spared = lenient is not None and difference(ours, lenient, sql) is None
                self.spared += is_spared
                return is_spared
        return False

    @property
    def _has_small_batches(self) -> bool:
        return self.backend.batch_rows <= 100

    def _is_only_slow(self, sql: str, theirs: Answer) -> bool:
        """Whether a statement that reached its deadline in batches of few rows is done and right in larger ones."""
        if not self._has_small_batches:
            return False
        with _batches_of(Backend.batch_rows):
            ours = self._ours(sql)
        self.spared += 1
        return _hang(ours) is None and self._judged(ours, theirs, sql) is None

    def _skips(self, sql: str, theirs: Answer) -> bool:
        """Whether the error comes as soon as stages are run whose rows nobody needs, as another input has none."""
        known, faults = self._settings.get("disabled_rules", ""), self._faults
        self.set((("disabled_rules", ",".join(filter(None, (known, "skip_empty_stages", "prune_empty")))),))
        try:
            ours = self._ours(sql)
        finally:
            self.set((("disabled_rules", known),))
            self._faults = faults
        return ours.error is not None and difference(ours, theirs, sql) is None

    def _optimizer_errs(self, sql: str, ours: Answer) -> bool:
        """Whether DuckDB gives our answer once its optimizer is off: then the difference is a defect of that."""
        theirs = self.plain.unoptimized(sql)
        errs = theirs is not None and difference(ours, theirs, sql) is None
        self.plain.bugs += errs
        return errs

    def _pair(self, case: Case, ours: list[Answer]) -> str | None:
        """Both statements give DuckDB's rows, and the same; if DuckDB's differ likewise, that is a defect of DuckDB."""
        theirs = [self.plain.answer(sql) for sql in case.sql]
        if any(answer is None for answer in theirs):
            return None
        for sql, their in zip(case.sql, theirs, strict=True):
            assert their is not None
            ours.append(self._ours(sql))
            message = self._judged(ours[-1], their, sql)
            if message is not None:
                return message
        if any(answer.error is not None for answer in ours):
            return None
        message = rows_differ(*(answer.rows for answer in ours), NO_ORDER)
        if message is not None and rows_differ(*(their.rows for their in theirs if their is not None), NO_ORDER):
            self.plain.bugs += 1
            return None
        return message

    def _session(self, case: Case, ours: list[Answer]) -> str | None:
        """Each statement does the same on both sides. It ends early where DuckDB breaks or is too slow."""
        life = self.plain.lives
        try:
            for place, sql in enumerate(case.sql, 1):
                is_query = sql.lstrip("( ").partition(" ")[0] in _QUERIES and "xp" not in sql
                count = len(ours)
                message = self._differential(sql, ours) if is_query else self._changed(sql, ours)
                if message is not None and not is_query and self._change_errs(case.sql[:place], ours[-1]):
                    return None
                if message is not None:
                    self._plan = self.plan(sql)
                    return message
                if self.plain.lives != life or (not is_query and len(ours) == count):
                    return None
            return None
        finally:
            for sql in removals(case.sql):
                self.plain.change(sql)
                our_answer(self.connection, sql)

    def _change_errs(self, statements: tuple[str, ...], ours: Answer) -> bool:
        """Whether DuckDB says the same of a session's latest statement when its optimizer is off from the start."""
        for sql in removals(statements):
            self.plain.change(sql)
        theirs = self.plain.unoptimized_changes(statements)
        errs = theirs is not None and difference(ours, theirs, "") is None
        self.plain.bugs += errs
        return errs

    def _changed(self, sql: str, ours: list[Answer]) -> str | None:
        """Run a statement that is no query; what ours says no word to is not compared."""
        theirs = self.plain.change(sql)
        if theirs is None:
            return None
        ours.append(our_answer(self.connection, sql))
        if ours[-1].error is None and theirs.error is None and not ours[-1].columns:
            return None
        if ours[-1].error is None and theirs.error is not None and self.plain.minds_deleted_rows(sql):
            ours.pop()  # the session ends, as the tables are not the same any more
            return None
        return _hang(ours[-1]) or difference(ours[-1], theirs, "")

    def _deaths(self) -> str | None:
        """Executors that died, other than by a fault."""
        if not self.backend.executors:
            return None
        ends = self.connection.backend._execution._cluster.ends()  # type: ignore[attr-defined]
        expected = {9} if "exit(9)" in self.backend.faults else set()
        new = [end for end in ends if end.incarnation not in self._dead and end.code not in expected]
        self._dead |= {end.incarnation for end in ends}
        return f"{CRASH}: {new[0]}" if new else None

    def _ours(self, sql: str) -> Answer:
        """Shoal's answer; once more if an executor that a fault ended took a part of it along after the query's end."""
        answer = our_answer(self.connection, sql)
        again = self.backend.faults and isinstance(answer.error, shoal.OperationalError) and answer.error.retryable
        return our_answer(self.connection, sql) if again else answer

    @contextmanager
    def _connect(self) -> Iterator[shoal.Connection]:
        backend = self.backend
        if not backend.executors:
            with shoal.connect(threads=1) as connection:
                yield connection
            return
        environment = {RULES_VARIABLE: backend.faults, DIRECTORY_VARIABLE: str(self._folder)} if backend.faults else {}
        with (
            mock.patch.dict(os.environ, environment),
            shoal.connect(
                executors=backend.executors, threads=1, memory=backend.memory, mmap="on" if backend.mmap else "off"
            ) as connection,
        ):
            yield connection


@contextmanager
def _batches_of(rows: int) -> Iterator[None]:
    """Have tasks of this process work in batches of so many rows."""
    with mock.patch("shoal.executor.task.BATCH_ROWS", rows), mock.patch("shoal.embedded.BATCH_ROWS", rows):
        yield


def _hang(ours: Answer) -> str | None:
    """That a statement has hung, whatever DuckDB says of it."""
    return f"{HANG}: {ours}" if isinstance(ours.error, shoal.QueryTimeout) else None


def hunt(
    first: int, stride: int, cluster_share: float, started: Callable[[int], object] = lambda _: None
) -> Iterator[Tried]:
    """Try the seeds from ``first`` on, of every ``stride``-th block; ``started`` is told each before it is tried."""
    seed = first
    while True:
        block = seed // BLOCK
        started(seed)
        with Ground(make_world(block), choose_backend(block, cluster_share)) as ground:
            while seed // BLOCK == block:
                started(seed)
                yield ground.attempt(seed)
                seed += 1
        seed += (stride - 1) * BLOCK
