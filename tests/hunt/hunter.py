"""Tries cases: opens the tables of a block of seeds on both sides, runs its cases, and says what is wrong."""

import os
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from unittest import mock

import duckdb

import shoal
from shoal.executor.faults import DIRECTORY_VARIABLE, RULES_VARIABLE, Fault, installed, parse_faults
from shoal.result_order import ResultOrder
from tests.hunt.answers import Answer, difference, our_answer, plain_answer, rows_differ
from tests.hunt.cases import Case, Oracle, make_case
from tests.hunt.configurations import FAULTS, Backend, Settings, choose_backend, choose_settings
from tests.hunt.world import World, load, make_world

BLOCK = 200
"""So many seeds share their tables and their cluster."""

THRESHOLDS = {
    "shoal.planner.distribute.LEAST_SPLIT_ROWS": 3,
    "shoal.planner.distribute.LEAST_DEALT_ROWS": 30,
    "shoal.planner.distribute_order.LEAST_ORDERED_ROWS": 20,
    "shoal.planner.filter_variants.LEAST_ROWS": 20,
}
"""Rows from which something is worth its while, made so small that small tables will do."""

TIMEOUT = 20
"""Seconds after which a statement of ours counts as one that hangs."""
TIMEOUT_OF_SMALL_BATCHES = 100
"""The same where a hundred thousand rows are as many batches."""

NO_ORDER = ResultOrder()
_NO_ROWS = "it is known that there are none"
"""What a plan says where nothing is computed, so that nothing can fail either."""
_KERNEL_BUGS = ("BindBuiltinScalarFunction did not return",)
_PLAIN: dict[str, str | bool | int | float | list[str]] = {
    "arrow_output_version": "1.5",
    "python_enable_replacements": "false",
    "errors_as_json": "true",
}


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
        self.kernel_bugs = 0
        """How often plain DuckDB itself broke over a statement."""
        self.spared = 0
        """How often it raised a run-time error in computing what Shoal knew that nobody needs."""
        self.duck = _plain()
        with ExitStack() as stack:
            stack.callback(self._close_plain)
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shoal_hunt_")))
            for name, rows in THRESHOLDS.items():
                stack.enter_context(mock.patch(name, rows))
            for module in ("executor.task", "embedded"):
                stack.enter_context(mock.patch(f"shoal.{module}.BATCH_ROWS", backend.batch_rows))
            self.connection = stack.enter_context(self._connect())
            self._faults: tuple[Fault, ...] = ()
            timeout = TIMEOUT if backend.batch_rows > 100 else TIMEOUT_OF_SMALL_BATCHES
            self.set((("timezone", "Europe/Berlin"), ("check_plans", "on"), ("timeout", str(timeout))))
            load(world, self._folder / "tables", self.duck, self.connection)
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def set(self, settings: Settings) -> None:
        """Change settings."""
        self._faults = parse_faults(dict(settings).get(FAULTS, ""))
        for name, value in settings:
            if name != FAULTS:
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
        finding = Finding(seed, case, settings, self.backend, self.world, message, self.plan(case.sql[0]))
        return Tried(seed, *tried, finding=finding)

    def run(self, case: Case) -> tuple[tuple[int, int, int, bool], str | None]:
        """Run a case: (statements, distributed, errors, passed over), and what is wrong."""
        ours: list[Answer] = []
        try:
            pair = case.oracle is Oracle.PAIR
            message = self._pair(case, ours) if pair else self._differential(case.sql[0], ours)
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

    def _close_plain(self) -> None:
        self.duck.close()

    def _differential(self, sql: str, ours: list[Answer]) -> str | None:
        theirs = self._theirs(sql)
        if theirs is None:
            return None
        with installed(*self._faults) if self._faults else nullcontext():
            ours.append(self._ours(sql))
        message = difference(ours[0], theirs, sql)
        if message is not None and isinstance(theirs.error, shoal.DataError) and _NO_ROWS in self.plan(sql):
            self.spared += 1
            return None
        return None if message is not None and self._optimizer_errs(sql, ours[0]) else message

    def _pair(self, case: Case, ours: list[Answer]) -> str | None:
        theirs = [self._theirs(sql) for sql in case.sql]
        if any(answer is None for answer in theirs):
            return None
        ours.extend(self._ours(sql) for sql in case.sql)
        for our, their, sql in zip(ours, theirs, case.sql, strict=True):
            assert their is not None
            if our.error is not None or their.error is not None:
                return difference(our, their, sql)
        message = rows_differ(*(answer.rows for answer in ours), NO_ORDER)
        if message is None:
            return None
        agree = rows_differ(*(answer.rows for answer in theirs if answer is not None), NO_ORDER) is not None
        return f"{'DuckDB errs alike: ' if agree else ''}{message}"

    def _optimizer_errs(self, sql: str, ours: Answer) -> bool:
        """Whether DuckDB gives our answer once its optimizer is off: then the difference is a defect of that."""
        self.duck.execute("PRAGMA disable_optimizer")
        try:
            theirs = self._theirs(sql)
        finally:
            self.duck.execute("PRAGMA enable_optimizer")
        errs = theirs is not None and difference(ours, theirs, sql) is None
        self.kernel_bugs += errs
        return errs

    def _ours(self, sql: str) -> Answer:
        """Shoal's answer; once more if an executor that a fault ended took a part of it along after the query's end."""
        answer = our_answer(self.connection, sql)
        again = self.backend.faults and isinstance(answer.error, shoal.OperationalError) and answer.error.retryable
        return our_answer(self.connection, sql) if again else answer

    def _theirs(self, sql: str) -> Answer | None:
        """Plain DuckDB's answer; None if that is too much, or if it breaks over it."""
        answer = plain_answer(self.duck, sql)
        if answer is None or answer.error is None or not is_kernel_bug(answer.error):
            return answer
        self.kernel_bugs += 1
        if "invalidated" in str(answer.error) or isinstance(answer.error, shoal.InternalError):
            self.duck.close()
            self.duck = _plain()
            load(self.world, self._folder / f"again {self.kernel_bugs}", self.duck, None)
        return None

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


def _plain() -> duckdb.DuckDBPyConnection:
    duck = duckdb.connect(config=_PLAIN)
    duck.execute("SET threads = 1")
    duck.execute("SET TimeZone = 'Europe/Berlin'")
    duck.execute("SET enable_progress_bar = false")
    return duck


def is_kernel_bug(error: shoal.Error) -> bool:
    """Whether an error is of DuckDB's own making."""
    return isinstance(error, shoal.InternalError) or any(text in str(error) for text in _KERNEL_BUGS)


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
