"""The numbers of a benchmark as a table, as JSON and as a report."""

import json
import re
from xml.etree import ElementTree

import pytest
from rich.console import Console

from shoal.tpch.charts import Bar, Group, ratio_chart, seconds_chart
from shoal.tpch.report import render_report
from shoal.tpch.results import BenchmarkResult, QueryOutcome, Sample, describe_machine, geometric_mean, write_json
from shoal.tpch.tables import result_table


def samples(*seconds):
    return tuple(Sample(value, value * 2, 100 << 20) for value in seconds)


def make_result(*queries, rival="DuckDB"):
    return BenchmarkResult("2 executors", 2, 10.0, 4_000_000_000, 3, rival, "2026-01-01", describe_machine(), queries)


RIGHT = QueryOutcome(1, 4, samples(3.0, 1.0, 2.0), samples(1.0, 1.0, 1.0), verified=True)
QUICK = QueryOutcome(2, 100, samples(0.5), samples(1.0), verified=True)
WRONG = QueryOutcome(3, 10, samples(1.0), samples(1.0), verified=False, problem="rows differ: <b>&</b>")
FAILED = QueryOutcome(4, 0, (), problem="OutOfMemory: too little")


def printed(result):
    console = Console(width=120, no_color=True)
    with console.capture() as capture:
        console.print(result_table(result))
    return capture.get()


def test_medians_ratios_and_means():
    result = make_result(RIGHT, QUICK)
    assert (RIGHT.seconds, RIGHT.rival_seconds, RIGHT.ratio) == (2.0, 1.0, 2.0)
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
    assert "ratio" not in printed(make_result(RIGHT, rival=None))


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
    assert not re.search(r"(src|href)=|url\(|@import|https?:|<script", page)
    assert "prefers-color-scheme: dark" in page
    assert "&lt;b&gt;&amp;&lt;/b&gt;" in page
    assert "geometric mean 1.00x" in page


def test_the_report_without_a_rival_has_one_chart():
    page = render_report(make_result(RIGHT, rival=None))
    assert page.count('role="img"') == 1


@pytest.mark.parametrize("values", [(1.0, 2.0), (0.001, 0.002), (0.4, 350.0), (1.0,), ()])
def test_charts_are_well_formed_and_inside_their_frame(values):
    groups = tuple(Group(f"Q{i}", (Bar(value, "ours", "tip <&>"),)) for i, value in enumerate(values))
    for chart in (seconds_chart(groups), ratio_chart(groups, geometric_mean(list(values)) or 1.0)):
        svg = ElementTree.fromstring(chart)[0]
        _, _, width, height = map(float, svg.get("viewBox", "").split())
        bars = [part for part in svg if part.tag == "rect"]
        assert len(bars) == len(values)
        for bar in bars:
            assert 0 <= float(bar.get("x")) <= float(bar.get("x")) + float(bar.get("width")) <= width
            assert 0 <= float(bar.get("y")) <= float(bar.get("y")) + float(bar.get("height")) <= height


def test_ratio_bars_go_up_when_slower_and_down_when_faster():
    groups = (Group("Q1", (Bar(2.0, "slower", ""),)), Group("Q2", (Bar(0.5, "faster", ""),)))
    svg = ElementTree.fromstring(ratio_chart(groups, 1.0))[0]
    slower, faster = [part for part in svg if part.tag == "rect"]
    base = float(faster.get("y"))
    assert float(slower.get("y")) < base
    assert float(slower.get("y")) + float(slower.get("height")) == pytest.approx(base, abs=0.2)
    assert float(slower.get("height")) == pytest.approx(float(faster.get("height")), abs=0.2)
