"""The scaling run: the same queries on clusters of more and more executors, each of one thread, beside one DuckDB.

On executors that share cores no time can be won, so what counts is the work: a cluster that scales takes no more CPU
time in all than one executor does. Where there is a core for each, the ratio to DuckDB tells from how many executors
on the cluster is faster (McSherry, Isard and Murray, "Scalability! But at what COST?", HotOS 2015).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from rich.table import Table

from shoal.tpch.documents import to_document
from shoal.tpch.engines import EngineOpener, open_process
from shoal.tpch.measure import ORACLE, Benchmark, run_benchmark
from shoal.tpch.results import BenchmarkResult

RIVAL_THREADS = 2
"""The threads of the DuckDB that a cluster is to beat."""

Listener = Callable[[int, int, str], None]
"""Told before each step: the number of executors, the query's number, and what is done with it."""


@dataclass(frozen=True, slots=True)
class ScalingStep:
    """One cluster and what it did."""

    executors: int
    result: BenchmarkResult


@dataclass(frozen=True, slots=True)
class Scaling:
    """A scaling run, from the fewest executors to the most."""

    steps: tuple[ScalingStep, ...]

    @property
    def executors_to_win(self) -> int | None:
        """From how many executors on Shoal is faster than DuckDB, by the geometric mean; None if it never is."""
        winners = [step.executors for step in self.steps if (step.result.geometric_ratio or 2.0) < 1.0]
        return winners[0] if winners else None

    @property
    def failed(self) -> bool:
        """Whether Shoal failed in any query."""
        return any(step.result.failed for step in self.steps)

    def cpu_ratio(self, step: ScalingStep) -> float | None:
        """The CPU seconds of a cluster over those of the smallest one."""
        first = self.steps[0].result.own.cpu_seconds
        return step.result.own.cpu_seconds / first if first else None

    def verdict(self) -> str:
        """Whether and where Shoal beats DuckDB, in a sentence."""
        rival = f"one DuckDB of {RIVAL_THREADS} threads"
        if self.executors_to_win is not None:
            count = self.executors_to_win
            return f"Shoal beats {rival} from {count} executor{'s' if count > 1 else ''} on."
        ratios = [(step.result.geometric_ratio, step.executors) for step in self.steps if step.result.geometric_ratio]
        if not ratios:
            return f"Shoal was not compared with {rival}."
        best, executors = min(ratios)
        where = "1 executor" if executors == 1 else f"{executors} executors"
        return f"Shoal does not beat {rival}: it comes nearest with {where}, at {best:.2f}x its time."


def run_scaling(
    benchmark: Benchmark, counts: tuple[int, ...], tell: Listener, open_engine: EngineOpener = open_process
) -> Scaling:
    """Run a benchmark's queries on local clusters of so many executors of one thread, one cluster after another."""
    steps = []
    for count in sorted(set(counts)):
        options = replace(benchmark.options, url=None, executors=count, threads=1)
        one = replace(benchmark, options=options, rivals=(ORACLE,), rival_threads=RIVAL_THREADS)
        steps.append(ScalingStep(count, run_benchmark(one, partial(tell, count), open_engine)))
    return Scaling(tuple(steps))


def scaling_table(scaling: Scaling) -> Table:
    """A line a cluster."""
    first = scaling.steps[0].result
    table = Table(
        title=f"Scaling, {first.suite} scale {first.scale:g}, 1 thread an executor",
        title_justify="left",
        header_style="bold",
    )
    for head in HEADS:
        table.add_column(head, justify="right")
    for row in scaling_rows(scaling):
        table.add_row(*row)
    return table


HEADS = (
    "executors", "seconds", "geo. mean", "/ DuckDB", "CPU s", "CPU / least", "exch. MB", "naive MB", "share", "verified"
)  # fmt: skip
"""What the columns of ``scaling_rows`` are."""


def scaling_rows(scaling: Scaling) -> list[tuple[str, ...]]:
    """The numbers of each cluster as texts."""
    rows: list[tuple[str, ...]] = []
    for step in scaling.steps:
        result, own = step.result, step.result.own
        naive, exchanged = result.naive_exchanged_bytes, own.exchanged_bytes
        rows.append(
            (
                str(step.executors),
                f"{own.total_seconds:.2f}",
                _text(own.geometric_seconds, 3),
                _text(result.geometric_ratio, 2),
                f"{own.cpu_seconds:.1f}",
                _text(scaling.cpu_ratio(step), 2),
                _megabytes(exchanged),
                _megabytes(naive),
                f"{exchanged / naive:.0%}" if naive and exchanged is not None else "-",
                "-" if own.right is None else f"{own.right} of {len(result.queries)}",
            )
        )
    return rows


def scaling_document(scaling: Scaling) -> dict[str, Any]:
    """A scaling run as plain values for JSON."""
    return {
        "steps": [
            {"executors": step.executors, "cpu_ratio": scaling.cpu_ratio(step), **to_document(step.result)}
            for step in scaling.steps
        ],
        "executors_to_win": scaling.executors_to_win,
        "verdict": scaling.verdict(),
        "failed": scaling.failed,
    }


def _text(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _megabytes(size: int | None) -> str:
    return "-" if size is None else f"{size / 1e6:.1f}"
