"""``shoal tpch``: generate the data, run the queries.

``generate_command`` and ``run_command`` are any benchmark's: the group above them sets its ``Suite`` as the object of
the context.
"""

import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import shoal
from shoal.tpch.contenders import ShoalOptions
from shoal.tpch.dataset import DatasetError, open_dataset
from shoal.tpch.documents import write_json
from shoal.tpch.engines import EngineFailed
from shoal.tpch.generate import generate
from shoal.tpch.measure import ORACLE, Benchmark, Listener, run_benchmark, steps_of
from shoal.tpch.ratio_picture import write_chart
from shoal.tpch.report import write_report
from shoal.tpch.report_scaling import write_scaling_report
from shoal.tpch.results import BenchmarkResult
from shoal.tpch.rivals import RIVALS, find_installed
from shoal.tpch.scaling import run_scaling, scaling_document, scaling_table
from shoal.tpch.suite import TPCH, Suite
from shoal.tpch.tables import engines_table, print_table, result_table

if TYPE_CHECKING:
    from collections.abc import Iterator

EXIT_WRONG, EXIT_NO_CONNECTION = 1, 3


class QuerySelection(click.ParamType[tuple[int, ...]]):
    """Query numbers, as ``1,3-5``."""

    name = "queries"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """The numbers of the benchmark's queries that a text names."""
        assert ctx is not None
        try:
            return suite_of(ctx).parse_selection(str(value))
        except ValueError as error:
            self.fail(f"{error}; write for example 1,3-5", param, ctx)


class RivalList(click.ParamType[tuple[str, ...]]):
    """Engines to compare with, as ``duckdb,polars``."""

    name = "rivals"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """The engines a text names; what is no text is taken as it is (a default)."""
        if isinstance(value, tuple):
            return value
        names = tuple(dict.fromkeys(name.strip().lower() for name in str(value).split(",")))
        for name in names:
            if name not in RIVALS:
                self.fail(f"{name!r} is none of {', '.join(RIVALS)}", param, ctx)
        return names


class Counts(click.ParamType[tuple[int, ...]]):
    """Numbers of executors, as ``1,2,4``."""

    name = "counts"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """The numbers a text names; what is no text is taken as it is (a default)."""
        if isinstance(value, tuple):
            return value
        parts = [part.strip() for part in str(value).split(",")]
        if not all(part.isdigit() and int(part) for part in parts):
            self.fail(f"{value!r} is not a list of numbers; write for example 1,2,4,8", param, ctx)
        return tuple(map(int, parts))


class Setting(click.ParamType[tuple[str, str]]):
    """One ``name=value``."""

    name = "name=value"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """The two parts of a text."""
        name, equals, literal = str(value).partition("=")
        if not equals or not name.strip().isidentifier() or not literal.strip():
            self.fail(f"{value!r} is not name=value", param, ctx)
        return name.strip(), literal.strip()


def suite_of(context: click.Context) -> Suite:
    """The benchmark whose command is run."""
    suite = context.find_object(Suite)
    assert suite is not None
    return suite


@click.command(name="generate")
@click.option("--scale", type=click.FloatRange(min=0, min_open=True), required=True, help="Scale factor; 1 is 1 GB.")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder to fill.")
@click.option("--parts", type=click.IntRange(min=1), default=1, show_default=True, help="Files for each table.")
@click.option("--overwrite", is_flag=True, help="Replace the tables that are there.")
@click.pass_obj
def generate_command(suite: Suite, scale: float, output: Path, parts: int, overwrite: bool) -> None:
    """Write the tables as Parquet files; does nothing when the same data is there already."""
    try:
        written = generate(scale, output, parts, overwrite=overwrite, suite=suite)
        dataset = open_dataset(output, suite)
    except DatasetError as error:
        raise click.ClickException(str(error)) from error
    what = "wrote" if written else "already there:"
    click.echo(f"{what} {suite.title} scale {scale:g} in {output}, {dataset.bytes() / 1e6:.0f} MB", err=True)


@click.command(name="run")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder of the tables."
)
@click.option("--url", help="A running coordinator, as shoal://HOST:PORT.")
@click.option("--executors", type=click.IntRange(min=0), default=0, help="Executors of a local cluster; 0: embedded.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads, of each executor where there are some.")
@click.option("--memory", help="Memory of each executor, as 2GB.")
@click.option("--set", "settings", type=Setting(), multiple=True, help="A setting to apply first; repeatable.")
@click.option("--queries", "numbers", type=QuerySelection(), help="As 1,3-5; all if not given.")
@click.option("--runs", type=click.IntRange(min=1), default=3, show_default=True, help="Runs of each query.")
@click.option("--verify", is_flag=True, help="Check each answer against plain DuckDB.")
@click.option(
    "--compare",
    type=RivalList(),
    default=(),
    help=f"Rivals to run in turn, on the same files and cores, answers checked: some of {','.join(RIVALS)}.",
)
@click.option(
    "--scaling", type=Counts(), default=(), help="Run on local clusters of so many executors of 1 thread, as 1,2,4,8."
)
@click.option("--naive-exchange", is_flag=True, help="Run once more with every join and group-by parted by hash.")
@click.option("--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Write the numbers here.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write an HTML report here.")
@click.option(
    "--chart", type=click.Path(path_type=Path, dir_okay=False), help="Write the ratios as an SVG picture here."
)
@click.pass_context
def run_command(  # noqa: PLR0913, PLR0917 - one parameter an option
    context: click.Context,
    data: Path,
    url: str | None,
    executors: int,
    threads: int | None,
    memory: str | None,
    settings: tuple[tuple[str, str], ...],
    numbers: tuple[int, ...] | None,
    runs: int,
    verify: bool,
    compare: tuple[str, ...],
    scaling: tuple[int, ...],
    naive_exchange: bool,
    json_path: Path | None,
    report: Path | None,
    chart: Path | None,
) -> None:
    """Run the queries and print a line for each; exit with 1 when an answer is wrong or a query fails."""
    if scaling and (url is not None or executors or threads is not None or compare or chart is not None):
        raise click.UsageError(
            "--scaling starts its own clusters, beside DuckDB; it goes without --url, --executors, "
            "--threads, --compare and --chart"
        )
    if url is not None and (executors or threads is not None or memory is not None):
        raise click.UsageError("--url names a running cluster; --executors, --threads and --memory start a new one")
    rivals, missing = find_installed(compare)
    # DuckDB is the truth that answers are checked against; what others answer is known to be right only when checked.
    verify = verify or any(rival != ORACLE for rival in rivals)
    options = ShoalOptions(url, executors, threads, memory, settings)
    with _exit_codes(context):
        dataset = open_dataset(data, suite_of(context))
        numbers = numbers or dataset.suite.numbers
        benchmark = Benchmark(dataset, options, numbers, runs, verify, rivals, naive_exchange=naive_exchange)
        if scaling:
            failed = _scale(benchmark, scaling, json_path, report)
        else:
            with _progress(steps_of(benchmark)) as tell:
                result = run_benchmark(benchmark, tell)
            result = replace(result, missing=missing + result.missing)
            _publish(result, json_path, report, chart)
            failed = result.failed
    context.exit(EXIT_WRONG if failed else 0)


@contextmanager
def _exit_codes(context: click.Context) -> "Iterator[None]":
    """Turn what a run may raise into a message and an exit code."""
    try:
        yield
    except DatasetError as error:
        raise click.UsageError(str(error)) from error
    except shoal.ConnectionFailed as error:
        click.echo(f"error: {error}", err=True)
        context.exit(EXIT_NO_CONNECTION)
    except (shoal.Error, EngineFailed) as error:
        raise click.ClickException(str(error)) from error


def _scale(benchmark: Benchmark, counts: tuple[int, ...], json_path: Path | None, report: Path | None) -> bool:
    """Run on clusters of so many executors and publish the numbers; whether any query failed."""
    each = steps_of(replace(benchmark, rivals=(ORACLE,)))
    with _progress(each * len(set(counts))) as tell:
        scaling = run_scaling(benchmark, counts, lambda count, number, step: tell(number, f"{count} x {step}"))
    print_table(scaling_table(scaling))
    click.echo(scaling.verdict())
    for step in scaling.steps:
        _tell_problems(step.result, f"{step.executors} executors, ")
    if json_path is not None:
        json_path.write_text(json.dumps(scaling_document(scaling), indent=2) + "\n", encoding="utf-8")
    if report is not None:
        write_scaling_report(scaling, report)
        click.echo(f"report: {report}", err=True)
    return scaling.failed


def _publish(result: BenchmarkResult, json_path: Path | None, report: Path | None, chart: Path | None) -> None:
    print_table(result_table(result))
    if len(result.rivals) > 1:
        print_table(engines_table(result))
    for reason in result.missing:
        click.echo(f"left out: {reason}", err=True)
    _tell_problems(result)
    if json_path is not None:
        write_json(result, json_path)
    if chart is not None:
        write_chart(result, chart)
    if report is not None:
        write_report(result, report)
        click.echo(f"report: {report}", err=True)


def _tell_problems(result: BenchmarkResult, where: str = "") -> None:
    for query in result.queries:
        for runs in (query.own, *query.rivals):
            if runs.problem:
                click.echo(f"{where}Q{query.number}, {runs.engine}: {runs.problem}", err=True)


@contextmanager
def _progress(steps: int) -> "Iterator[Listener]":
    """A progress bar on standard error, shown only on a terminal; yields what moves it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("start", total=steps)
        begun = False

        def tell(number: int, step: str) -> None:
            nonlocal begun
            progress.update(bar, advance=1 if begun else 0, description=f"Q{number} {step}")
            begun = True

        yield tell


@click.group(name="tpch")
@click.pass_context
def tpch(context: click.Context) -> None:
    """The TPC-H benchmark: its data, its 22 queries, checked and compared."""
    context.obj = TPCH


tpch.add_command(generate_command)
tpch.add_command(run_command)
