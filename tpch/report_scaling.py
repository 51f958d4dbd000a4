"""The report of a scaling run: the work, the bytes exchanged and the ratio to DuckDB of each cluster."""

from html import escape
from pathlib import Path

from shoal.tpch.charts import Row, row_chart
from shoal.tpch.report import machine_list, render_page, scrolling
from shoal.tpch.report_tables import table_of
from shoal.tpch.scaling import HEADS, Scaling, scaling_rows


def write_scaling_report(scaling: Scaling, path: Path) -> None:
    """Write the report to a file."""
    path.write_text(render_scaling(scaling), encoding="utf-8")


def render_scaling(scaling: Scaling) -> str:
    """The report as a whole HTML document."""
    first = scaling.steps[0].result
    title = f"{first.suite} scale {first.scale:g}: Shoal on more and more executors"
    queries = f"{len(first.queries)} queries, median of {first.runs} runs, one thread an executor"
    cores = f"{first.machine.cores} cores, which all executors share. {first.started}"
    rows = [[(text, "") for text in row] for row in scaling_rows(scaling)]
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(f'{queries}, on {cores}')}</p>",
        f"<p><b>{escape(scaling.verdict())}</b></p>",
        "<h2>CPU seconds</h2>",
        "<p>The work of the whole cluster over that of the smallest one.</p>",
        scrolling(row_chart("CPU seconds of each cluster", _work(scaling), mark=1.0)),
        "<h2>Bytes exchanged</h2>",
        _exchanged(scaling),
        "<h2>Time over DuckDB's</h2>",
        scrolling(row_chart("Time over DuckDB's of each cluster", _ratios(scaling), mark=1.0)),
        "<h2>All numbers</h2>",
        table_of(list(HEADS), rows, []),
        "<h2>The machine</h2>",
        machine_list(first.machine),
    ]
    return render_page(title, parts)


def _work(scaling: Scaling) -> tuple[Row, ...]:
    return tuple(
        Row(_name(step.executors), ratio, "ours", f"{ratio:.2f}x, {step.result.own.cpu_seconds:.1f} s")
        for step in scaling.steps
        if (ratio := scaling.cpu_ratio(step))
    )


def _exchanged(scaling: Scaling) -> str:
    rows = []
    for step in scaling.steps:
        told = step.result.own.exchanged_bytes or 0
        rows.append(Row(_name(step.executors), told / 1e6, "ours", f"{told / 1e6:.1f} MB"))
        naive = step.result.naive_exchanged_bytes
        if naive is not None:
            rows.append(Row("all by hash", naive / 1e6, "rival0", f"{naive / 1e6:.1f} MB"))
    return scrolling(row_chart("Megabytes exchanged in each cluster", tuple(rows)))


def _ratios(scaling: Scaling) -> tuple[Row, ...]:
    return tuple(
        Row(_name(step.executors), ratio, "faster" if ratio <= 1 else "slower", f"{ratio:.2f}x")
        for step in scaling.steps
        if (ratio := step.result.geometric_ratio)
    )


def _name(executors: int) -> str:
    return "1 executor" if executors == 1 else f"{executors} executors"
