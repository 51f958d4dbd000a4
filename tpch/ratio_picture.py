"""The ratios of a benchmark as one SVG file, for a README: in colours that can be read on light and on dark pages."""

from pathlib import Path

from shoal.tpch.charts import Bar, Group, Heading, ratio_chart
from shoal.tpch.results import BenchmarkResult

_STYLES = """
text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #7d8794; }
.title { font-size: 14px; font-weight: 600; }
.strong { font-size: 14px; font-weight: 600; fill: #8a6fd6; }
.grid { stroke: #8a94a0; stroke-opacity: 0.28; }
.base { stroke: #8a94a0; }
.mean { stroke: #8a6fd6; stroke-width: 1.5; stroke-dasharray: 5 4; }
.faster { fill: #1f9d84; }
.slower { fill: #d9772b; }
"""


def write_chart(result: BenchmarkResult, path: Path) -> None:
    """Write the picture of a result; without a rival, or an answer of both, it has no bars."""
    path.write_text(render_chart(result), encoding="utf-8")


def render_chart(result: BenchmarkResult) -> str:
    """The picture as an SVG document."""
    mean = result.geometric_ratio or 1.0
    over = f"Shoal ({result.mode}) over {result.rival}" if result.rival else "nothing to compare with"
    title = f"{result.suite} scale {result.scale:g}, time of each query: {over}, lower is faster"
    heading = Heading(title, f"geometric mean {mean:.2f}x", _STYLES)
    return ratio_chart(ratio_groups(result), mean, heading) + "\n"


def ratio_groups(result: BenchmarkResult) -> tuple[Group, ...]:
    """One bar a query: Shoal's median over that of the first rival."""
    return tuple(
        Group(
            f"Q{query.number}",
            (Bar(ratio, "faster" if ratio <= 1 else "slower", f"Q{query.number} {ratio:.2f}x {result.rival}"),),
        )
        for query in result.queries
        if (ratio := query.ratio) is not None
    )
