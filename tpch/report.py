"""The report of a benchmark: one HTML file with its styles and charts inside, for light and dark, without a network."""

from html import escape
from importlib.resources import files
from pathlib import Path

from shoal.tpch.charts import Bar, Group, Row, ratio_chart, row_chart, seconds_chart
from shoal.tpch.ratio_picture import ratio_groups
from shoal.tpch.report_tables import engine_rows, query_rows
from shoal.tpch.results import BenchmarkResult, Machine
from shoal.tpch.tables import verified_summary

_NAMED_MISSING = 200
"""Characters of the reason why a rival was left out."""


def write_report(result: BenchmarkResult, path: Path) -> None:
    """Write the report of a result to a file."""
    path.write_text(render_report(result), encoding="utf-8")


def render_report(result: BenchmarkResult) -> str:
    """The report as a whole HTML document."""
    title = f"{result.suite} scale {result.scale:g}: Shoal, {result.mode}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(_subtitle(result))}</p>",
        _missing(result),
        _facts(result),
        _engines_section(result),
        _seconds_section(result),
        _ratio_section(result),
        "<h2>All numbers</h2>",
        query_rows(result),
        _problems(result),
        "<h2>The machine</h2>",
        machine_list(result.machine),
    ]
    return render_page(title, parts)


def render_page(title: str, parts: list[str]) -> str:
    """A whole HTML document with the styles of reports inside."""
    style = files("shoal.tpch").joinpath("report.css").read_text(encoding="utf-8")
    body = "\n".join(filter(None, parts))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _subtitle(result: BenchmarkResult) -> str:
    against = f", in turn with {', '.join(result.rivals)} on the same files and cores" if result.rivals else ""
    size = f"{result.data_bytes / 1e9:.2f} GB" if result.data_bytes >= 1e8 else f"{result.data_bytes / 1e6:.0f} MB"
    return f"{result.threads} threads, {size} of Parquet, median of {result.runs} runs{against}. {result.started}"


def _missing(result: BenchmarkResult) -> str:
    if not result.missing:
        return ""
    reasons = "; ".join(reason.partition("\n")[0][:_NAMED_MISSING] for reason in result.missing)
    return f"<p>Left out: {escape(reasons)}.</p>"


def _facts(result: BenchmarkResult) -> str:
    rival, own = result.rival, result.own
    first = result.against(0) if rival else None
    beside = f"{rival} {first.total_seconds:.2f} s" if first else ""
    mean_beside = f"{rival} {_text(first.geometric_seconds, 3, ' s')}" if first else ""
    facts = [
        _fact("All queries", f"{own.total_seconds:.2f} s", beside),
        _fact("Geometric mean", _text(own.geometric_seconds, 3, " s"), mean_beside),
    ]
    if first:
        worst = f"worst: Q{first.worst_query}, {_text(first.worst, 2, 'x')}" if first.worst else ""
        facts.append(_fact(f"Against {rival}", _text(result.geometric_ratio, 2, "x"), worst))
    cpu_beside = f"{rival} {first.cpu_seconds:.1f} s" if first else ""
    facts.append(_fact("CPU time", f"{own.cpu_seconds:.1f} s", cpu_beside))
    if own.exchanged_bytes:
        naive = result.naive_exchanged_bytes
        share = f"{own.exchanged_bytes / naive:.0%} of {naive / 1e6:.0f} MB if all is parted by hash" if naive else ""
        facts.append(_fact("Exchanged", f"{own.exchanged_bytes / 1e6:.0f} MB", share))
    if summary := verified_summary(own, result):
        facts.append(_fact("Answers right", summary, "each row against plain DuckDB", "wrong" if result.failed else ""))
    return f'<dl class="facts">{"".join(facts)}</dl>'


def _fact(name: str, value: str, note: str = "", css: str = "") -> str:
    return f'<div><dt>{escape(name)}</dt><dd class="{css}">{escape(value)}<small>{escape(note)}</small></dd></div>'


def _engines_section(result: BenchmarkResult) -> str:
    if len(result.rivals) < 2:
        return ""
    rows = [Row("Shoal", 1.0, "ours", "1x")]
    for index, summary in enumerate(result.summaries()[1:]):
        if summary.ratio:
            text = f"{1 / summary.ratio:.2f}x" + _partial(summary.answered, len(result.queries))
            rows.append(Row(summary.engine, 1 / summary.ratio, f"rival{index}", text))
    rows.sort(key=lambda row: row.value)
    note = "<p>Geometric mean of each engine's time over Shoal's, where both answered; shorter is faster.</p>"
    chart = scrolling(row_chart("Time of each engine over Shoal's", tuple(rows), mark=1.0))
    return f"<h2>Engines</h2>\n{note}\n{chart}\n{engine_rows(result)}"


def _partial(answered: int, queries: int) -> str:
    return "" if answered == queries else f" ({answered} of {queries} queries)"


def _seconds_section(result: BenchmarkResult) -> str:
    groups = []
    for query in result.queries:
        bars = []
        if query.seconds is not None:
            bars.append(Bar(query.seconds, "ours", f"Q{query.number} Shoal {query.seconds:.3f} s"))
        for index, runs in enumerate(query.rivals):
            if runs.seconds is not None and runs.problem is None:
                tip = f"Q{query.number} {runs.engine} {runs.seconds:.3f} s"
                bars.append(Bar(runs.seconds, f"rival{index}", tip))
        groups.append(Group(f"Q{query.number}", tuple(bars)))
    rivals = [(f"rival{index}", rival) for index, rival in enumerate(result.rivals)]
    legend = _legend(("ours", "Shoal"), *rivals) if rivals else ""
    return f"<h2>Seconds a query</h2>\n{legend}\n{scrolling(seconds_chart(tuple(groups)))}"


def _ratio_section(result: BenchmarkResult) -> str:
    if result.rival is None or result.geometric_ratio is None:
        return ""
    legend = _legend(("faster", "Shoal is faster"), ("slower", "Shoal is slower"))
    note = f"<p>Shoal's median over {escape(result.rival)}'s, logarithmic; below 1 is faster.</p>"
    chart = scrolling(ratio_chart(ratio_groups(result), result.geometric_ratio))
    return f"<h2>Ratio to {escape(result.rival)}</h2>\n{note}\n{legend}\n{chart}"


def scrolling(chart: str) -> str:
    """A chart that may be wider than the page."""
    return f'<div class="scroll">{chart}</div>'


def _legend(*entries: tuple[str, str]) -> str:
    keys = "".join(
        f'<span><svg viewBox="0 0 12 12"><rect class="{css}" width="12" height="12" rx="3"/></svg>{escape(name)}</span>'
        for css, name in entries
    )
    return f'<div class="legend">{keys}</div>'


def _problems(result: BenchmarkResult) -> str:
    failed = [(query, runs) for query in result.queries for runs in (query.own, *query.rivals) if runs.problem]
    if not failed:
        return ""
    return "<h2>What failed</h2>" + "".join(
        f"<pre>Q{query.number}, {escape(runs.engine)}: {escape(runs.problem or '')}</pre>" for query, runs in failed
    )


def machine_list(machine: Machine) -> str:
    """The facts of a machine as a list."""
    facts = [
        ("Processor", machine.processor),
        ("Cores", str(machine.cores)),
        ("Memory", f"{machine.memory_bytes / (1 << 30):.0f} GiB"),
        ("System", machine.system),
        ("Python", machine.python),
        *machine.versions,
    ]
    items = "".join(f"<li>{escape(name)}: <b>{escape(value)}</b></li>" for name, value in facts)
    return f'<ul class="machine">{items}</ul>'


def _text(value: float | None, digits: int, unit: str = "") -> str:
    return "-" if value is None else f"{value:.{digits}f}{unit}"
