"""``make bench``: TPC-H against DuckDB, and the small numbers that one feels: start, latency, planning, fetching."""

import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import click
from rich.table import Table

import shoal
from shoal.tpch import bench_measures as measures
from shoal.tpch.bench_measures import Measured
from shoal.tpch.bench_planning import measure_file_planning, measure_join_planning
from shoal.tpch.bench_skew import measure_skew
from shoal.tpch.contenders import ShoalOptions
from shoal.tpch.dataset import Dataset, DatasetError, open_dataset
from shoal.tpch.documents import write_json
from shoal.tpch.measure import Benchmark, run_benchmark
from shoal.tpch.queries import QUERY_NUMBERS
from shoal.tpch.report import write_report
from shoal.tpch.results import BenchmarkResult, available_cores
from shoal.tpch.shuffled import shuffle_dataset
from shoal.tpch.tables import print_table, result_table

PARTS = ("small", "embedded", "cluster", "memory", "skew", "shuffled", "planning")
USUAL_PARTS = PARTS[:4]

MODES = {
    "embedded": ("embedded.html", ShoalOptions()),
    "cluster": ("cluster.html", ShoalOptions(executors=2, threads=1)),
}
"""The two ways of running the queries, and the name of each one's report."""


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder of the tables."
)
@click.option("--runs", type=click.IntRange(min=1), default=5, show_default=True, help="Runs behind each median.")
@click.option(
    "--part", "parts", type=click.Choice(PARTS), multiple=True, default=USUAL_PARTS, help="Only this; repeatable."
)
@click.option(
    "--output", type=click.Path(path_type=Path, file_okay=False), help="Write reports and JSON into a folder."
)
def main(data: Path, runs: int, parts: tuple[str, ...], output: Path | None) -> None:
    """Run the benchmarks and print their tables."""
    try:
        dataset = open_dataset(data)
    except DatasetError as error:
        raise click.UsageError(str(error)) from error
    lines: list[Measured] = []
    if "small" in parts:
        lines += _small(dataset, runs)
    for mode in ("embedded", "cluster"):
        if mode in parts:
            file, options = MODES[mode]
            benchmark = Benchmark(dataset, options, QUERY_NUMBERS, runs, verify=True, rivals=("duckdb",))
            result = run_benchmark(benchmark, tell_step)
            print_table(result_table(result))
            goal = "0.95, worst 1.15" if mode == "embedded" else "1.10, worst 1.50"
            lines.append(against_rival(mode, result, f"{goal} (scale 10)"))
            _keep(result, output, file)
    if "shuffled" in parts:
        lines.append(_shuffled(dataset, runs, output))
    if "skew" in parts:
        lines += _measured({"skew": partial(measure_skew, runs)})
    if "planning" in parts:
        lines += _planning(dataset, runs)
    if "memory" in parts:
        result, measured = measures.measure_small_memory(dataset, tell_step)
        print_table(result_table(result))
        _keep(result, output, "memory.html")
        lines += measured
    print_table(summary_table(dataset, lines))


def _small(dataset: Dataset, runs: int) -> list[Measured]:
    steps: dict[str, Callable[[], list[Measured]]] = {
        "import": partial(measures.measure_import, runs),
        "start": partial(measures.measure_start, runs),
        "latency": measures.measure_latency,
        "planning": partial(measures.measure_planning, dataset, runs),
        "fetch": partial(measures.measure_fetch, runs, available_cores()),
    }
    return _measured(steps)


def _planning(dataset: Dataset, runs: int) -> list[Measured]:
    return _measured(
        {
            "planning of joins": partial(measure_join_planning, runs),
            "planning over many files": partial(measure_file_planning, runs),
            "planning of TPC-H": partial(measures.measure_planning, dataset, runs),
        }
    )


def _shuffled(dataset: Dataset, runs: int, output: Path | None) -> Measured:
    """The cluster against DuckDB on the same tables in random order, which are kept when there is a place for them."""
    with ExitStack() as stack:
        base = output or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        _say("shuffling")
        shuffled = shuffle_dataset(dataset, base / "shuffled")
        options = MODES["cluster"][1]
        benchmark = Benchmark(shuffled, options, QUERY_NUMBERS, runs, verify=True, rivals=("duckdb",))
        result = run_benchmark(benchmark, tell_step)
    result = replace(result, mode=f"{result.mode}, rows in random order")
    print_table(result_table(result))
    _keep(result, output, "shuffled.html")
    return against_rival("cluster, random order", result, "1.80 (scale 10)")


def _measured(steps: dict[str, Callable[[], list[Measured]]]) -> list[Measured]:
    """Take each measurement; one that fails does not keep the others from being taken."""
    lines: list[Measured] = []
    for name, measure in steps.items():
        _say(name)
        try:
            lines += measure()
        except shoal.Error as error:
            # The others are worth having; the line says that this one is not there, and why.
            lines.append(Measured(name, f"failed: {type(error).__name__}: {error.message}"))
    return lines


def against_rival(mode: str, result: BenchmarkResult, goal: str) -> Measured:
    """The geometric mean and the worst of a result's ratios to its first rival."""
    ratios = [query.ratio for query in result.queries if query.ratio]
    mean, worst = result.geometric_ratio or float("nan"), max(ratios, default=float("nan"))
    return Measured(f"{len(result.queries)} queries, {mode}, against DuckDB", f"{mean:.2f}, worst {worst:.2f}", goal)


def _keep(result: BenchmarkResult, output: Path | None, name: str) -> None:
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        write_report(result, output / name)
        write_json(result, (output / name).with_suffix(".json"))


def summary_table(dataset: Dataset, lines: list[Measured]) -> Table:
    """What was measured, a line each, beside its goal."""
    table = Table(
        title=f"Benchmarks, {dataset.suite.title} scale {dataset.scale():g}", title_justify="left", header_style="bold"
    )
    table.add_column("what")
    table.add_column("measured", justify="right")
    table.add_column("goal", justify="right")
    for line in lines:
        table.add_row(line.what, line.value, line.goal)
    return table


def tell_step(number: int, step: str) -> None:
    """Show which query is run, on a terminal alone."""
    _say(f"Q{number} {step}")


def _say(what: str) -> None:
    """Show what is being measured, on a terminal alone."""
    if sys.stderr.isatty():
        click.echo(f"\r{what}\033[K\r", nl=False, err=True)


if __name__ == "__main__":
    main(prog_name="python -m shoal.tpch.bench")
