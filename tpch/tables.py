"""The table of a benchmark for the terminal: a line a query, then the sums and the geometric means."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shoal.tpch.results import BenchmarkResult, QueryOutcome

_WIDTH_OF_FILES = 110


def result_table(result: BenchmarkResult) -> Table:
    """The result as a table; the rival's columns only when there was one."""
    title = f"TPC-H scale {result.scale:g}, {result.mode}, {result.threads} threads, median of {result.runs}"
    table = Table(title=title, title_justify="left", show_footer=True, header_style="bold")
    table.add_column("query", footer="all / geo. mean", justify="right")
    table.add_column("seconds", footer=_pair(result.total_seconds, result.geometric_seconds), justify="right")
    if result.rival:
        rival_footer = _pair(result.rival_total_seconds, result.rival_geometric_seconds)
        table.add_column(f"{result.rival} s", footer=rival_footer, justify="right")
        table.add_column("ratio", footer=f"{_number(result.geometric_ratio, 2)}", justify="right")
    table.add_column("CPU s", footer=f"{sum(query.cpu_seconds or 0 for query in result.queries):.2f}", justify="right")
    table.add_column("peak MB", footer=f"{max(map(_megabytes, result.queries), default=0)}", justify="right")
    table.add_column("rows", justify="right")
    table.add_column("verified", footer=verified_summary(result))
    for query in result.queries:
        cells: list[str | Text] = [f"Q{query.number}", _number(query.seconds, 3)]
        if result.rival:
            cells += [_number(query.rival_seconds, 3), _ratio_cell(query.ratio)]
        cells += [_number(query.cpu_seconds, 2), str(_megabytes(query)), str(query.rows), _verified_cell(query)]
        table.add_row(*cells)
    return table


def print_table(table: Table) -> None:
    """Print a table to standard output: as wide as the terminal, or wide enough for all columns where there is none."""
    console = Console()
    Console(width=None if console.is_terminal else max(console.width, _WIDTH_OF_FILES)).print(table)


def verified_summary(result: BenchmarkResult) -> str:
    """How many answers were checked and right, as ``22 of 22``; empty when none was checked."""
    checked = [query for query in result.queries if query.verified is not None or query.failed]
    return f"{sum(query.verified is True for query in checked)} of {len(checked)}" if checked else ""


def _pair(total: float | None, mean: float | None) -> str:
    return f"{_number(total, 2)} / {_number(mean, 3)}"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _megabytes(query: QueryOutcome) -> int:
    return (query.peak_bytes or 0) >> 20


def _ratio_cell(ratio: float | None) -> Text:
    if ratio is None:
        return Text("-")
    return Text(f"{ratio:.2f}", style="green" if ratio <= 1.0 else "red" if ratio > 1.5 else "")


def _verified_cell(query: QueryOutcome) -> Text:
    if query.verified is None and query.failed:
        return Text("FAILED", style="bold red")
    if query.verified is None:
        return Text("")
    return Text("yes", style="green") if query.verified else Text("WRONG", style="bold red")
