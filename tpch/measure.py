"""Runs the queries: Shoal and its rivals in turn, every answer checked against plain DuckDB, outside of the timing."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pyarrow

from shoal.tpch.answers import expect, find_difference, find_rough_difference
from shoal.tpch.contenders import Duckdb, ShoalOptions
from shoal.tpch.dataset import Dataset
from shoal.tpch.engines import Engine, EngineFailed, EngineOpener, open_process
from shoal.tpch.results import (
    BenchmarkResult,
    EngineRuns,
    QueryOutcome,
    Sample,
    available_cores,
    describe_machine,
    now_text,
)
from shoal.tpch.rivals import RIVALS

NAIVE_SETTINGS = (
    ("distribute", "always"),
    ("join_strategy", "partitioned"),
    ("disabled_rules", "'use_clustering,share_exchanges,switch_joins,runtime_filters,reduce_semi_joins'"),
)
"""Settings under which every join and every group-by is parted by the hash of its keys. Groups are still made smaller
before they are sent, so what this exchanges is less than what an engine without partial aggregation would."""

ORACLE = "duckdb"
"""The rival whose answers are right by definition."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What to run: the data, Shoal's options, the queries, how often, whether to check, and the keys of the rivals.

    ``rival_threads`` None gives them as many as Shoal has. ``naive_exchange``: run each query once more as if nothing
    were known but hash partitioning, for the bytes that this exchanges.
    """

    dataset: Dataset
    options: ShoalOptions
    numbers: tuple[int, ...]
    runs: int = 3
    verify: bool = False
    rivals: tuple[str, ...] = ()
    rival_threads: int | None = None
    naive_exchange: bool = False

    @property
    def threads(self) -> int:
        """The threads that Shoal has in all."""
        if self.options.executors:
            return self.options.executors * (self.options.threads or 1)
        return self.options.threads or available_cores()


Listener = Callable[[int, str], None]
"""Told before each step: the query's number, and what is done with it."""


def run_benchmark(benchmark: Benchmark, tell: Listener, open_engine: EngineOpener = open_process) -> BenchmarkResult:
    """Run a benchmark. A query that fails is noted and the others go on; raises what connecting raises.

    A rival that does not start is left out, and the result says why.
    """
    started = now_text()
    with ExitStack() as stack:
        engines = _Engines(benchmark, open_engine, stack)
        outcomes = tuple(_outcomes(benchmark, engines, tell))
    return BenchmarkResult(
        mode=benchmark.options.mode,
        threads=benchmark.threads,
        scale=benchmark.dataset.scale(),
        data_bytes=benchmark.dataset.bytes(),
        runs=benchmark.runs,
        rivals=tuple(engine.title for _, engine in engines.rivals),
        started=started,
        machine=describe_machine(tuple(RIVALS[key].package for key, _ in engines.rivals if RIVALS[key].package)),
        queries=outcomes,
        missing=tuple(engines.missing),
        suite=benchmark.dataset.suite.title,
    )


def steps_of(benchmark: Benchmark) -> int:
    """How often ``run_benchmark`` calls its listener when nothing fails."""
    each = benchmark.runs * (1 + len(benchmark.rivals)) + int(benchmark.verify) + int(benchmark.naive_exchange)
    return each * len(benchmark.numbers)


class _Engines:
    """The engines of a benchmark, open as long as its stack is."""

    def __init__(self, benchmark: Benchmark, open_engine: EngineOpener, stack: ExitStack) -> None:
        dataset, options = benchmark.dataset, benchmark.options

        def opened(key: str, title: str, threads: int, of_shoal: ShoalOptions | None) -> Engine:
            engine = open_engine(key, title, dataset, threads, of_shoal)
            stack.callback(engine.close)
            return engine

        self.oracle: Duckdb | None = None
        if benchmark.verify:
            self.oracle = stack.enter_context(Duckdb(dataset, available_cores()))
        self.own = opened("shoal", "Shoal", benchmark.threads, options)
        self.naive: Engine | None = None
        if benchmark.naive_exchange:
            settings = (*options.settings, *NAIVE_SETTINGS)
            self.naive = opened("shoal", "Shoal, naive", benchmark.threads, replace(options, settings=settings))
        self.rivals: list[tuple[str, Engine]] = []
        self.missing: list[str] = []
        for key in benchmark.rivals:
            try:
                threads = benchmark.rival_threads or benchmark.threads
                self.rivals.append((key, opened(key, RIVALS[key].title, threads, None)))
            except EngineFailed as error:
                self.missing.append(f"{RIVALS[key].title}: {error}")


class _Turns:
    """The runs of one engine on one query, with every answer, until the first failure."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.samples: list[Sample] = []
        self.answers: list[pyarrow.Table] = []
        self.problem: str | None = None

    def run(self, sql: str) -> None:
        """Run once more, unless it has failed."""
        if self.problem is not None:
            return
        try:
            sample, answer = self.engine.run(sql)
        except EngineFailed as error:
            self.problem = str(error)
            return
        self.samples.append(sample)
        self.answers.append(answer)

    def check(self, find: Callable[[pyarrow.Table], str | None]) -> bool | None:
        """Whether all answers are right; None after a failure."""
        if self.problem is not None:
            return None
        self.problem = next(filter(None, map(find, self.answers)), None)
        return self.problem is None

    def ended(self, verified: bool | None) -> EngineRuns:
        """What came of it."""
        return EngineRuns(self.engine.title, tuple(self.samples), verified, self.problem)


def _outcomes(benchmark: Benchmark, engines: _Engines, tell: Listener) -> Iterator[QueryOutcome]:
    scale = benchmark.dataset.scale()
    for number in benchmark.numbers:
        yield _run_query(benchmark, number, benchmark.dataset.suite.query_text(number, scale), engines, tell)


def _run_query(benchmark: Benchmark, number: int, sql: str, engines: _Engines, tell: Listener) -> QueryOutcome:
    own, rivals = _Turns(engines.own), [_Turns(engine) for _, engine in engines.rivals]
    for run in range(1, benchmark.runs + 1):
        # Whoever goes second finds the machine warmer: each goes first in turn.
        order = (own, *rivals) if (number + run) % 2 else (*reversed(rivals), own)
        for turns in order:
            tell(number, f"{turns.engine.title} {run}/{benchmark.runs}")
            turns.run(sql)
    naive = None if engines.naive is None else _Turns(engines.naive)
    if naive is not None:
        tell(number, naive.engine.title)
        naive.run(sql)
    verified: bool | None = None
    checked: list[bool | None] = [None] * len(rivals)
    if engines.oracle is not None:
        tell(number, "check")
        expected = expect(sql, engines.oracle.answer)
        verified = own.check(lambda answer: find_difference(expected, answer))
        for index, (key, _) in enumerate(engines.rivals):
            if key != ORACLE:
                checked[index] = rivals[index].check(lambda answer: find_rough_difference(expected, answer))
        if naive is not None:
            naive.check(lambda answer: find_difference(expected, answer))
    if naive is not None and naive.problem and own.problem is None:
        own.problem = f"with every join and group-by parted by hash: {naive.problem}"
        verified = False if verified else verified
    return QueryOutcome(
        number,
        rows=own.answers[-1].num_rows if own.answers else 0,
        own=own.ended(verified),
        rivals=tuple(turns.ended(right) for turns, right in zip(rivals, checked, strict=True)),
        naive_exchanged_bytes=naive.samples[0].exchanged_bytes if naive is not None and naive.samples else None,
    )
