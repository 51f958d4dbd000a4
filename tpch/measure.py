"""Runs the queries: Shoal and its rival in turn, every answer checked against plain DuckDB, outside of the timing."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pyarrow

import shoal
from shoal.tpch.answers import Expectation, find_difference, read_ordering, without_limit
from shoal.tpch.contenders import Contender, Duckdb, Shoal, ShoalOptions
from shoal.tpch.dataset import Dataset
from shoal.tpch.processes import reset_peaks, tree_usage
from shoal.tpch.queries import query_text
from shoal.tpch.results import BenchmarkResult, QueryOutcome, Sample, available_cores, describe_machine, now_text


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What to run: the data, Shoal's options, the queries, how often, and whether to check and to compare."""

    dataset: Dataset
    options: ShoalOptions
    numbers: tuple[int, ...]
    runs: int = 3
    verify: bool = False
    compare: bool = False

    @property
    def threads(self) -> int:
        """The threads that Shoal has in all, which is what the rival gets."""
        if self.options.executors:
            return self.options.executors * (self.options.threads or 1)
        return self.options.threads or available_cores()


Listener = Callable[[int, str], None]
"""Told before each step: the query's number, and what is done with it."""


def run_benchmark(benchmark: Benchmark, tell: Listener) -> BenchmarkResult:
    """Run a benchmark. A query that fails is noted and the others go on; raises what connecting raises."""
    started = now_text()
    with ExitStack() as stack:
        rival = stack.enter_context(Duckdb(benchmark.dataset, benchmark.threads))
        engine = stack.enter_context(Shoal(benchmark.dataset, benchmark.options))
        outcomes = tuple(_outcomes(benchmark, engine, rival, tell))
    return BenchmarkResult(
        mode=benchmark.options.mode,
        threads=benchmark.threads,
        scale=benchmark.dataset.scale(),
        data_bytes=benchmark.dataset.bytes(),
        runs=benchmark.runs,
        rival=rival.name if benchmark.compare else None,
        started=started,
        machine=describe_machine(),
        queries=outcomes,
    )


def steps_of(benchmark: Benchmark) -> int:
    """How often ``run_benchmark`` calls its listener when nothing fails."""
    each = benchmark.runs * (2 if benchmark.compare else 1) + (1 if benchmark.verify else 0)
    return each * len(benchmark.numbers)


def _outcomes(benchmark: Benchmark, engine: Contender, rival: Contender, tell: Listener) -> Iterator[QueryOutcome]:
    scale = benchmark.dataset.scale()
    for number in benchmark.numbers:
        yield _run_query(benchmark, number, query_text(number, scale), engine, rival, tell)


def _run_query(
    benchmark: Benchmark, number: int, sql: str, engine: Contender, rival: Contender, tell: Listener
) -> QueryOutcome:
    samples: list[Sample] = []
    rival_samples: list[Sample] = []
    answers: list[pyarrow.Table] = []
    try:
        for run in range(1, benchmark.runs + 1):
            tell(number, f"{engine.name} {run}/{benchmark.runs}")
            sample, answer = _measure(engine, sql)
            samples.append(sample)
            answers.append(answer)
            if benchmark.compare:
                tell(number, f"{rival.name} {run}/{benchmark.runs}")
                rival_samples.append(_measure(rival, sql)[0])
    except shoal.Error as error:
        return QueryOutcome(number, 0, tuple(samples), tuple(rival_samples), problem=f"{type(error).__name__}: {error}")
    problem = None
    if benchmark.verify:
        tell(number, "check")
        expected = Expectation(rival.answer(without_limit(sql)), read_ordering(sql))
        problem = next(filter(None, (find_difference(expected, answer) for answer in answers)), None)
    return QueryOutcome(
        number,
        rows=answers[-1].num_rows,
        samples=tuple(samples),
        rival_samples=tuple(rival_samples),
        verified=problem is None if benchmark.verify else None,
        problem=problem,
    )


def _measure(contender: Contender, sql: str) -> tuple[Sample, pyarrow.Table]:
    reset_peaks()
    before = tree_usage()
    start = time.perf_counter()
    answer = contender.answer(sql)
    seconds = time.perf_counter() - start
    after = tree_usage()
    return Sample(seconds, after.cpu_seconds - before.cpu_seconds, after.peak_bytes), answer
