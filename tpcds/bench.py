"""``python -m shoal.tpcds.bench``: planning the 99 queries, and running them in this process and on three executors."""

from pathlib import Path

import click

from shoal.tpcds.tables import TPCDS
from shoal.tpch.bench import against_rival, summary_table, tell_step
from shoal.tpch.bench_measures import Measured, measure_planning
from shoal.tpch.contenders import ShoalOptions
from shoal.tpch.dataset import Dataset, DatasetError, open_dataset
from shoal.tpch.measure import Benchmark, run_benchmark
from shoal.tpch.results import BenchmarkResult
from shoal.tpch.tables import print_table, result_table

PARTS = ("planning", "embedded", "cluster")


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder of the tables."
)
@click.option("--runs", type=click.IntRange(min=1), default=3, show_default=True, help="Runs behind each median.")
@click.option("--part", "parts", type=click.Choice(PARTS), multiple=True, default=PARTS, help="Only this; repeatable.")
def main(data: Path, runs: int, parts: tuple[str, ...]) -> None:
    """Run the benchmarks and print their tables."""
    try:
        dataset = open_dataset(data, TPCDS)
    except DatasetError as error:
        raise click.UsageError(str(error)) from error
    lines: list[Measured] = []
    if "planning" in parts:
        lines += measure_planning(dataset, runs, "40 ms")
    if "embedded" in parts:
        result = _run(dataset, ShoalOptions(), runs)
        lines.append(against_rival("embedded", result, "1.15 (scale 1)"))
    if "cluster" in parts:
        result = _run(dataset, ShoalOptions(executors=3, threads=1), runs)
        slowest = max((query.seconds or 0.0 for query in result.queries), default=0.0)
        lines += [
            against_rival("three executors", result, ""),
            Measured("slowest query, three executors", f"{slowest:.2f} s", "60 s (scale 1)"),
        ]
    print_table(summary_table(dataset, lines))


def _run(dataset: Dataset, options: ShoalOptions, runs: int) -> BenchmarkResult:
    """All queries in turn with DuckDB, every answer checked; prints the table."""
    benchmark = Benchmark(dataset, options, TPCDS.numbers, runs, verify=True, rivals=("duckdb",))
    result = run_benchmark(benchmark, tell_step)
    print_table(result_table(result))
    return result


if __name__ == "__main__":
    main(prog_name="python -m shoal.tpcds.bench")
