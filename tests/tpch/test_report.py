"""The numbers of a benchmark as a table, as JSON and as a report."""

import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from rich.console import Console

from shoal.tpch.charts import Bar, Group, Row, ratio_chart, row_chart, seconds_chart
from shoal.tpch.documents import write_json
from shoal.tpch.ratio_picture import render_chart
from shoal.tpch.report import render_report
from shoal.tpch.results import BenchmarkResult, EngineRuns, QueryOutcome, Sample, describe_machine, geometric_mean
from shoal.tpch.tables import engines_table, result_table

SVG_NAMESPACE = 'xmlns="http://www.w3.org/2000/svg"'


def samples(*seconds):
    return tuple(Sample(value, value * 2, 100 << 20) for value in seconds)


def outcome(number, rows, own, *rivals, verified=None, problem=None, naive=None):
    runs = tuple(EngineRuns("DuckDB", rival) for rival in rivals)
    return QueryOutcome(number, rows, EngineRuns("Shoal", own, verified, problem), runs, naive)


def make_result(*queries, rivals=("DuckDB",), missing=()):
    machine = describe_machine()
    return BenchmarkResult("2 executors", 2, 10.0, 4_000_000_000, 3, rivals, "2026-01-01", machine, queries, missing)


def alone(*queries):
    return make_result(*(replace(query, rivals=()) for query in queries), rivals=())


RIGHT = outcome(1, 4, samples(3.0, 1.0, 2.0), samples(1.0, 1.0, 1.0), verified=True)
QUICK = outcome(2, 100, samples(0.5), samples(1.0), verified=True)
WRONG = outcome(3, 10, samples(1.0), samples(1.0), verified=False, problem="rows differ: <b>&</b>")
FAILED = outcome(4, 0, (), samples(1.0), problem="OutOfMemory: too little")


def printed(result, table=result_table):
    console = Console(width=170, no_color=True)
    with console.capture() as capture:
        console.print(table(result))
    return capture.get()


def test_medians_ratios_and_means():
    result = make_result(RIGHT, QUICK)
    assert (RIGHT.seconds, RIGHT.rivals[0].seconds, RIGHT.ratio) == (2.0, 1.0, 2.0)
    assert result.geometric_ratio == pytest.approx(1.0)
    assert result.total_seconds == 2.5
    assert geometric_mean([]) is None
    assert not result.failed
    assert make_result(RIGHT, WRONG).failed
    assert FAILED.ratio is None


def test_the_table_tells_right_from_wrong_from_failed():
    text = printed(make_result(RIGHT, WRONG, FAILED))
    lines = {line.split()[1]: line for line in text.splitlines() if "│" in line and "Q" in line}
    assert "yes" in lines["Q1"]
    assert "2.00" in lines["Q1"]
    assert "WRONG" in lines["Q3"]
    assert "FAILED" in lines["Q4"]
    assert "1 of 3" in text


def test_the_table_without_a_rival_has_no_ratio():
    assert "ratio" not in printed(alone(RIGHT))


def test_json_has_single_runs_and_medians(tmp_path):
    path = tmp_path / "result.json"
    write_json(make_result(RIGHT, FAILED), path)
    document = json.loads(path.read_text())
    assert document["queries"][0]["seconds"] == 2.0
    assert [sample["seconds"] for sample in document["queries"][0]["samples"]] == [3.0, 1.0, 2.0]
    assert document["queries"][1]["problem"] == "OutOfMemory: too little"
    assert document["failed"] is True
    assert document["machine"]["versions"]["duckdb"]


def test_the_report_is_one_file_that_needs_no_network():
    page = render_report(make_result(RIGHT, QUICK, WRONG, FAILED))
    assert not re.search(r"(src|href)=|url\(|@import|https?:|<script", page.replace(SVG_NAMESPACE, ""))
    assert "prefers-color-scheme: dark" in page
    assert "&lt;b&gt;&amp;&lt;/b&gt;" in page
    assert "geometric mean 1.00x" in page


def test_the_report_without_a_rival_has_one_chart():
    page = render_report(alone(RIGHT))
    assert page.count('role="img"') == 1


@pytest.mark.parametrize("values", [(1.0, 2.0), (0.001, 0.002), (0.4, 350.0), (1.0,), ()])
def test_charts_are_well_formed_and_inside_their_frame(values):
    groups = tuple(Group(f"Q{i}", (Bar(value, "ours", "tip <&>"),)) for i, value in enumerate(values))
    for chart in (seconds_chart(groups), ratio_chart(groups, geometric_mean(list(values)) or 1.0)):
        svg = ElementTree.fromstring(chart.replace(SVG_NAMESPACE, ""))
        _, _, width, height = map(float, svg.get("viewBox", "").split())
        bars = [part for part in svg if part.tag == "rect"]
        assert len(bars) == len(values)
        for bar in bars:
            assert 0 <= float(bar.get("x")) <= float(bar.get("x")) + float(bar.get("width")) <= width
            assert 0 <= float(bar.get("y")) <= float(bar.get("y")) + float(bar.get("height")) <= height


def test_ratio_bars_go_up_when_slower_and_down_when_faster():
    groups = (Group("Q1", (Bar(2.0, "slower", ""),)), Group("Q2", (Bar(0.5, "faster", ""),)))
    svg = ElementTree.fromstring(ratio_chart(groups, 1.0).replace(SVG_NAMESPACE, ""))
    slower, faster = [part for part in svg if part.tag == "rect"]
    base = float(faster.get("y"))
    assert float(slower.get("y")) < base
    assert float(slower.get("y")) + float(slower.get("height")) == pytest.approx(base, abs=0.2)
    assert float(slower.get("height")) == pytest.approx(float(faster.get("height")), abs=0.2)


def three_engines():
    polars = EngineRuns("Polars", samples(4.0), verified=True)
    failed = EngineRuns("Polars", problem="unsupported <thing>")
    queries = (
        replace(RIGHT, rivals=(*RIGHT.rivals, polars), naive_exchanged_bytes=9_000_000),
        replace(QUICK, rivals=(*QUICK.rivals, failed)),
    )
    return make_result(*queries, rivals=("DuckDB", "Polars"), missing=("Spark: the program java is not installed",))


def test_each_rival_has_its_means_over_what_both_answered():
    result = three_engines()
    duckdb, polars = result.summaries()[1:]
    assert (duckdb.answered, polars.answered) == (2, 1)
    assert (polars.ratio, polars.worst_query, polars.slower, polars.total_seconds) == (0.5, 1, 0, 4.0)
    assert (duckdb.worst, duckdb.worst_query, duckdb.slower) == (2.0, 1, 1)
    lines = printed(result, engines_table).splitlines()
    assert next(line for line in lines if "Polars" in line).split("\u2502")[5].strip() == "0.50"
    table = printed(result)
    assert "failed" in table
    assert "Polars s" in table


def test_the_report_of_several_rivals_shows_each_and_who_is_missing():
    page = render_report(three_engines())
    assert page.count('role="img"') == 3
    assert "Left out: Spark: the program java is not installed." in page
    assert "unsupported &lt;thing&gt;" in page
    assert 'class="rival1"' in page
    assert "2.00x (1 of 2 queries)" in page


def test_json_has_every_engine(tmp_path):
    path = tmp_path / "result.json"
    write_json(three_engines(), path)
    document = json.loads(path.read_text())
    assert [engine["engine"] for engine in document["engines"]] == ["Shoal", "DuckDB", "Polars"]
    assert [rival["ratio"] for rival in document["queries"][0]["rivals"]] == [2.0, 0.5]
    assert document["queries"][1]["rivals"][1]["problem"] == "unsupported <thing>"
    assert (document["naive_exchanged_bytes"], document["missing"]) == (9_000_000, list(three_engines().missing))


def test_the_picture_is_an_svg_file_with_its_own_colours():
    picture = render_chart(make_result(RIGHT, QUICK))
    root = ElementTree.fromstring(picture)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert ".faster" in picture
    assert picture.count("<rect") == 2
    assert render_chart(alone(RIGHT)).count("<rect") == 0


def test_long_bars_among_short_ones_make_the_scale_logarithmic():
    def heights(*values):
        groups = tuple(Group("Q", (Bar(value, "ours", ""),)) for value in values)
        svg = ElementTree.fromstring(seconds_chart(groups).replace(SVG_NAMESPACE, ""))
        return [float(part.get("height")) for part in svg if part.tag == "rect"]

    low, high = heights(1.0, 2.0)
    assert high == pytest.approx(2 * low, rel=0.02)
    low, _, _, high = heights(0.1, 0.1, 0.1, 10.0)
    assert high < 20 * low


def test_rows_name_their_values():
    chart = row_chart("Engines", (Row("Shoal", 1.0, "ours", "1x"), Row("A & B", 4.0, "rival0", "4x")), mark=1.0)
    widths = [float(part.get("width")) for part in ElementTree.fromstring(chart).iter() if part.tag.endswith("rect")]
    assert widths[1] == pytest.approx(4 * widths[0], rel=0.01)
    assert "A &amp; B" in chart
