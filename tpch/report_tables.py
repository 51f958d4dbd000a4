"""The tables of a report: a line a query, with every engine's seconds, and a line an engine."""

from html import escape

from shoal.tpch.results import BenchmarkResult, EngineRuns, QueryOutcome
from shoal.tpch.tables import verified_summary

Cell = tuple[str, str]
"""The text of a cell and its class."""


def query_rows(result: BenchmarkResult) -> str:
    """A line a query, the sums below."""
    own = result.own
    rivals = [result.against(index) for index in range(len(result.rivals))]
    heads = ["query", "Shoal, s"]
    feet = ["all", f"{own.total_seconds:.3f}"]
    for summary in rivals:
        heads += [f"{summary.engine}, s", "ratio"]
        feet += [f"{summary.total_seconds:.3f}", _text(summary.ratio, 2)]
    heads += ["CPU, s", "exchanged MB", "spilled MB", "peak MB", "rows", "verified"]
    feet += [f"{own.cpu_seconds:.2f}", _megabytes(own.exchanged_bytes), _megabytes(own.spilled_bytes)]
    feet += [str(own.peak_bytes >> 20), "", verified_summary(own, result)]
    if result.naive_exchanged_bytes is not None:
        heads.insert(-4, "naive MB")
        feet.insert(-4, _megabytes(result.naive_exchanged_bytes))
    naive = result.naive_exchanged_bytes is not None
    return table_of(heads, [_query_cells(query, naive=naive) for query in result.queries], feet)


def engine_rows(result: BenchmarkResult) -> str:
    """A line an engine."""
    heads = ["engine", "queries", "seconds", "geo. mean, s", "Shoal / it", "worst", "Shoal slower in"]
    heads += ["CPU, s", "peak MB", "verified"]
    rows = [
        [
            (summary.engine, ""),
            (str(summary.answered), ""),
            (f"{summary.total_seconds:.2f}", ""),
            (_text(summary.geometric_seconds, 3), ""),
            (_text(summary.ratio, 2) if summary.ratio else "", _speed(summary.ratio)),
            (f"{summary.worst:.2f} (Q{summary.worst_query})" if summary.worst else "", ""),
            (str(summary.slower) if summary.ratio else "", ""),
            (f"{summary.cpu_seconds:.2f}", ""),
            (str(summary.peak_bytes >> 20), ""),
            (verified_summary(summary, result), ""),
        ]
        for summary in result.summaries()
    ]
    return table_of(heads, rows, [])


def _query_cells(query: QueryOutcome, *, naive: bool) -> list[Cell]:
    own = query.own
    cells: list[Cell] = [(f"Q{query.number}", ""), (_text(own.seconds, 3), "")]
    for index, runs in enumerate(query.rivals):
        ratio = query.ratio_to(index)
        cells += [_seconds(runs), (_text(ratio, 2), _speed(ratio))]
    cells += [(_text(own.cpu_seconds, 2), ""), (_megabytes(own.exchanged_bytes), "")]
    if naive:
        cells.append((_megabytes(query.naive_exchanged_bytes), ""))
    peak = "" if own.peak_bytes is None else str(own.peak_bytes >> 20)
    verdict = "wrong" if query.failed else {True: "yes", None: ""}.get(own.verified, "wrong")
    cells += [(_megabytes(own.spilled_bytes), ""), (peak, ""), (f"{query.rows:,}", "")]
    return [*cells, (verdict, "wrong" if query.failed else "")]


def _seconds(runs: EngineRuns) -> Cell:
    if runs.problem is not None:
        return ("wrong" if runs.verified is False else "failed", "wrong")
    return (_text(runs.seconds, 3), "")


def _speed(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return "good" if ratio <= 1 else "bad" if ratio > 1.5 else ""


def table_of(heads: list[str], rows: list[list[Cell]], feet: list[str]) -> str:
    """A table; no feet, no foot."""
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "\n".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    foot = "".join(f"<td>{escape(text)}</td>" for text in feet)
    return (
        f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n'
        f"<tfoot><tr>{foot}</tr></tfoot>\n</table></div>"
    )


def _cell(cell: Cell) -> str:
    text, css = cell
    return f'<td class="{css}">{escape(text)}</td>' if css else f"<td>{escape(text)}</td>"


def _megabytes(size: int | None) -> str:
    return "-" if size is None else f"{size / 1e6:.1f}"


def _text(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
