"""The tables of a benchmark for the terminal: a line a query and a line an engine, with sums and geometric means."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shoal.tpch.results import BenchmarkResult, EngineRuns, EngineSummary, QueryOutcome

_WIDTH_OF_FILES = 190


def result_table(result: BenchmarkResult) -> Table:
    """The result as a table, a line a query; one rival has columns of its own, each of several has one."""
    own = result.own
    title = f"{result.suite} scale {result.scale:g}, {result.mode}, {result.threads} threads, median of {result.runs}"
    table = Table(title=title, title_justify="left", show_footer=True, header_style="bold")
    table.add_column("query", footer="all / geo. mean", justify="right")
    table.add_column("seconds", footer=_pair(own), justify="right")
    for index, rival in enumerate(result.rivals):
        summary = result.against(index)
        table.add_column(f"{rival} s", footer=_pair(summary), justify="right")
        if len(result.rivals) == 1:
            table.add_column("ratio", footer=f"{_number(summary.ratio, 2)}", justify="right")
    table.add_column("CPU s", footer=f"{own.cpu_seconds:.2f}", justify="right")
    has = _Columns(result)
    if has.exchanged:
        table.add_column("exch. MB", footer=_decimal_megabytes(own.exchanged_bytes), justify="right")
    if has.naive:
        table.add_column("naive MB", footer=_naive_footer(result), justify="right")
    if has.spilled:
        table.add_column("spill MB", footer=_decimal_megabytes(own.spilled_bytes), justify="right")
    table.add_column("peak MB", footer=f"{own.peak_bytes >> 20}", justify="right")
    table.add_column("rows", justify="right")
    table.add_column("verified", footer=verified_summary(own, result))
    for query in result.queries:
        table.add_row(*_cells(result, query, has))
    return table


def engines_table(result: BenchmarkResult) -> Table:
    """A line an engine: its sums and geometric mean, and how Shoal compares in the queries that both answered."""
    table = Table(title="Engines", title_justify="left", header_style="bold")
    table.add_column("engine")
    heads = (
        "queries",
        "seconds",
        "geo. mean",
        "Shoal / it",
        "worst",
        "slower in",
        "CPU s",
        "peak MB",
        "verified",
    )
    for head in heads:
        table.add_column(head, justify="right")
    for summary in result.summaries():
        table.add_row(
            summary.engine,
            str(summary.answered),
            f"{summary.total_seconds:.2f}",
            _number(summary.geometric_seconds, 3),
            "" if summary.ratio is None else _ratio_cell(summary.ratio),
            "" if summary.worst is None else f"{summary.worst:.2f} (Q{summary.worst_query})",
            "" if summary.ratio is None else str(summary.slower),
            f"{summary.cpu_seconds:.2f}",
            str(summary.peak_bytes >> 20),
            verified_summary(summary, result),
        )
    return table


def print_table(table: Table) -> None:
    """Print a table to standard output: as wide as the terminal, or wide enough for all columns where there is none."""
    console = Console()
    Console(width=None if console.is_terminal else max(console.width, _WIDTH_OF_FILES)).print(table)


def verified_summary(summary: EngineSummary, result: BenchmarkResult) -> str:
    """How many answers were checked and right, as ``22 of 22``; empty when none was checked."""
    return "" if summary.right is None else f"{summary.right} of {len(result.queries)}"


class _Columns:
    """Which columns a table needs because something was told for them."""

    def __init__(self, result: BenchmarkResult) -> None:
        self.exchanged = bool(result.own.exchanged_bytes)
        self.spilled = result.own.spilled_bytes is not None
        self.naive = result.naive_exchanged_bytes is not None


def _cells(result: BenchmarkResult, query: QueryOutcome, has: _Columns) -> list[str | Text]:
    own = query.own
    cells: list[str | Text] = [f"Q{query.number}", _number(own.seconds, 3)]
    for index, runs in enumerate(query.rivals):
        ratio = query.ratio_to(index)
        if len(result.rivals) == 1:
            cells += [_seconds_cell(runs), _ratio_cell(ratio)]
        else:
            cells.append(_seconds_cell(runs))
    cells.append(_number(own.cpu_seconds, 2))
    if has.exchanged:
        cells.append(_decimal_megabytes(own.exchanged_bytes))
    if has.naive:
        cells.append(_decimal_megabytes(query.naive_exchanged_bytes))
    if has.spilled:
        cells.append(_decimal_megabytes(own.spilled_bytes))
    return [*cells, str((own.peak_bytes or 0) >> 20), str(query.rows), _verified_cell(own)]


def _naive_footer(result: BenchmarkResult) -> str:
    naive, exchanged = result.naive_exchanged_bytes, result.own.exchanged_bytes
    if not naive or exchanged is None:
        return _decimal_megabytes(naive)
    return f"{_decimal_megabytes(naive)} ({exchanged / naive:.0%})"


def _pair(summary: EngineSummary) -> str:
    return f"{summary.total_seconds:.2f} / {_number(summary.geometric_seconds, 3)}"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _decimal_megabytes(size: int | None) -> str:
    return "-" if size is None else f"{size / 1e6:.1f}"


def _ratio_cell(ratio: float | None) -> Text:
    if ratio is None:
        return Text("-")
    return Text(f"{ratio:.2f}", style="green" if ratio <= 1.0 else "red" if ratio > 1.5 else "")


def _seconds_cell(runs: EngineRuns) -> Text:
    if runs.problem is not None:
        return Text("wrong" if runs.verified is False else "failed", style="red")
    return Text(_number(runs.seconds, 3))


def _verified_cell(runs: EngineRuns) -> Text:
    if runs.verified is None and runs.problem is not None:
        return Text("FAILED", style="bold red")
    if runs.verified is None:
        return Text("")
    return Text("yes", style="green") if runs.verified else Text("WRONG", style="bold red")
