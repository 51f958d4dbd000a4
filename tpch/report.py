"""The report of a benchmark: one HTML file with its styles and charts inside, for light and dark, without a network."""

from html import escape
from importlib.resources import files
from pathlib import Path

from shoal.tpch.charts import Bar, Group, ratio_chart, seconds_chart
from shoal.tpch.results import BenchmarkResult, Machine, QueryOutcome
from shoal.tpch.tables import verified_summary


def write_report(result: BenchmarkResult, path: Path) -> None:
    """Write the report of a result to a file."""
    path.write_text(render_report(result), encoding="utf-8")


def render_report(result: BenchmarkResult) -> str:
    """The report as a whole HTML document."""
    style = files("shoal.tpch").joinpath("report.css").read_text(encoding="utf-8")
    title = f"TPC-H scale {result.scale:g}: Shoal, {result.mode}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(_subtitle(result))}</p>",
        _facts(result),
        _seconds_section(result),
        _ratio_section(result),
        "<h2>All numbers</h2>",
        _table(result),
        _problems(result),
        "<h2>The machine</h2>",
        _machine(result.machine),
    ]
    body = "\n".join(filter(None, parts))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _subtitle(result: BenchmarkResult) -> str:
    against = f", in turn with {result.rival} on the same files and threads" if result.rival else ""
    size = f"{result.data_bytes / 1e9:.2f} GB of Parquet"
    return f"{result.threads} threads, {size}, median of {result.runs} runs{against}. {result.started}"


def _facts(result: BenchmarkResult) -> str:
    rival = result.rival
    facts = [
        _fact(
            "All queries",
            f"{result.total_seconds:.2f} s",
            f"{rival} {result.rival_total_seconds:.2f} s" if rival else "",
        ),
        _fact(
            "Geometric mean",
            _text(result.geometric_seconds, 3, " s"),
            f"{rival} {_text(result.rival_geometric_seconds, 3, ' s')}" if rival else "",
        ),
    ]
    if rival:
        slower = max(
            (query for query in result.queries if query.ratio), key=lambda query: query.ratio or 0, default=None
        )
        worst = f"worst: Q{slower.number}, {_text(slower.ratio, 2, 'x')}" if slower else ""
        facts.append(_fact(f"Against {rival}", _text(result.geometric_ratio, 2, "x"), worst))
    summary = verified_summary(result)
    if summary:
        facts.append(_fact("Answers right", summary, "each row against plain DuckDB", "wrong" if result.failed else ""))
    return f'<dl class="facts">{"".join(facts)}</dl>'


def _fact(name: str, value: str, note: str = "", css: str = "") -> str:
    return f'<div><dt>{escape(name)}</dt><dd class="{css}">{escape(value)}<small>{escape(note)}</small></dd></div>'


def _seconds_section(result: BenchmarkResult) -> str:
    groups = []
    for query in result.queries:
        bars = []
        if query.seconds is not None:
            bars.append(Bar(query.seconds, "ours", f"Q{query.number} Shoal {query.seconds:.3f} s"))
        if query.rival_seconds is not None:
            bars.append(
                Bar(query.rival_seconds, "rival", f"Q{query.number} {result.rival} {query.rival_seconds:.3f} s")
            )
        groups.append(Group(f"Q{query.number}", tuple(bars)))
    legend = _legend(("ours", "Shoal"), ("rival", result.rival)) if result.rival else ""
    return f"<h2>Seconds a query</h2>\n{legend}\n{seconds_chart(tuple(groups))}"


def _ratio_section(result: BenchmarkResult) -> str:
    if result.rival is None or result.geometric_ratio is None:
        return ""
    groups = tuple(
        Group(
            f"Q{query.number}",
            (Bar(ratio, "faster" if ratio <= 1 else "slower", f"Q{query.number} {ratio:.2f}x {result.rival}"),),
        )
        for query in result.queries
        if (ratio := query.ratio) is not None
    )
    legend = _legend(("faster", "Shoal is faster"), ("slower", "Shoal is slower"))
    note = f"<p>Shoal's median over {escape(result.rival)}'s, logarithmic; below 1 is faster.</p>"
    return f"<h2>Ratio to {escape(result.rival)}</h2>\n{note}\n{legend}\n{ratio_chart(groups, result.geometric_ratio)}"


def _legend(*entries: tuple[str, str]) -> str:
    keys = "".join(
        f'<span><svg viewBox="0 0 12 12"><rect class="{css}" width="12" height="12" rx="3"/></svg>{escape(name)}</span>'
        for css, name in entries
    )
    return f'<div class="legend">{keys}</div>'


def _table(result: BenchmarkResult) -> str:
    rival = [f"{escape(result.rival)}, s", "ratio"] if result.rival else []
    heads = ["query", "Shoal, s", *rival, "CPU, s", "peak MB", "rows", "verified"]
    rows = "\n".join(_row(result, query) for query in result.queries)
    totals = [_text(result.rival_total_seconds, 3), _text(result.geometric_ratio, 2)] if result.rival else []
    cpu = sum(query.cpu_seconds or 0.0 for query in result.queries)
    feet = ["all", f"{result.total_seconds:.3f}", *totals, f"{cpu:.2f}", "", "", verified_summary(result)]
    head = "".join(f"<th>{name}</th>" for name in heads)
    foot = "".join(f"<td>{text}</td>" for text in feet)
    return (
        f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n'
        f"<tfoot><tr>{foot}</tr></tfoot>\n</table></div>"
    )


def _row(result: BenchmarkResult, query: QueryOutcome) -> str:
    rival = [_text(query.rival_seconds, 3), _text(query.ratio, 2)] if result.rival else []
    peak = "" if query.peak_bytes is None else str(query.peak_bytes >> 20)
    cells = [f"Q{query.number}", _text(query.seconds, 3), *rival, _text(query.cpu_seconds, 2), peak, f"{query.rows:,}"]
    verdict = "wrong" if query.failed else {True: "yes", None: ""}.get(query.verified, "wrong")
    css = ' class="wrong"' if query.failed else ""
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + f"<td{css}>{verdict}</td></tr>"


def _problems(result: BenchmarkResult) -> str:
    failed = [query for query in result.queries if query.problem]
    if not failed:
        return ""
    return "<h2>What failed</h2>" + "".join(
        f"<pre>Q{query.number}: {escape(query.problem or '')}</pre>" for query in failed
    )


def _machine(machine: Machine) -> str:
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
