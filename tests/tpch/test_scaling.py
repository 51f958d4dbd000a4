"""The scaling run: its clusters, its numbers, its verdict and its report."""

import json

import pytest
from click.testing import CliRunner

from shoal.tpch import cli
from shoal.tpch.cli import tpch
from shoal.tpch.contenders import Duckdb, ShoalOptions
from shoal.tpch.dataset import Dataset
from shoal.tpch.measure import Benchmark
from shoal.tpch.report_scaling import render_scaling
from shoal.tpch.results import Sample
from shoal.tpch.scaling import run_scaling, scaling_document, scaling_rows


class Double:
    """DuckDB in an engine's place, as fast as it has executors; each of them costs a little."""

    def __init__(self, key, title, dataset, threads, options):
        self.title = title
        self.executors = options.executors if options is not None else 0
        self.threads = threads
        self._inner = Duckdb(dataset, threads=1)

    def run(self, sql):
        if not self.executors:
            assert self.threads == 2
            return Sample(1.0, 2.0, 1 << 20), self._inner.answer(sql)
        seconds, work = 3.0 / self.executors, 2.0 + 0.1 * self.executors
        return Sample(seconds, work, 1 << 20, self.executors * 1_000_000, 0), self._inner.answer(sql)

    def close(self):
        self._inner.close()


def scaled(folder, counts, **options):
    benchmark = Benchmark(Dataset(folder), ShoalOptions(), (1, 6), runs=1, verify=True, **options)
    told = []
    return run_scaling(benchmark, counts, lambda *step: told.append(step), Double), told


def test_each_cluster_runs_beside_duckdb(tpch_folder):
    scaling, told = scaled(tpch_folder, (4, 1, 2, 1), naive_exchange=True)
    assert [step.executors for step in scaling.steps] == [1, 2, 4]
    assert [step.result.rivals for step in scaling.steps] == [("DuckDB",)] * 3
    assert {count for count, _, _ in told} == {1, 2, 4}
    assert scaling.executors_to_win == 4
    assert "from 4 executor" in scaling.verdict()
    assert scaling.cpu_ratio(scaling.steps[2]) == pytest.approx(2.4 / 2.1)
    assert scaling_rows(scaling)[2] == (
        "4", "1.50", "0.750", "0.75", "4.8", "1.14", "8.0", "8.0", "100%", "2 of 2",
    )  # fmt: skip
    assert not scaling.failed


def test_it_says_when_no_cluster_wins(tpch_folder):
    scaling, _ = scaled(tpch_folder, (1, 2))
    assert scaling.executors_to_win is None
    assert "does not beat" in scaling.verdict()
    assert "1.50x" in scaling.verdict()


def test_json_and_report(tpch_folder):
    scaling, _ = scaled(tpch_folder, (1, 4), naive_exchange=True)
    document = json.loads(json.dumps(scaling_document(scaling)))
    assert [step["executors"] for step in document["steps"]] == [1, 4]
    assert document["executors_to_win"] == 4
    page = render_scaling(scaling)
    assert page.count('role="img"') == 3
    assert scaling.verdict() in page


def test_the_command(tpch_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(
        cli, "run_scaling", lambda benchmark, counts, tell: run_scaling(benchmark, counts, tell, Double)
    )
    paths = tmp_path / "scaling.json", tmp_path / "scaling.html"
    words = [
        "run",
        "--data",
        tpch_folder,
        "--scaling",
        "1,4",
        "--queries",
        "6",
        "--json",
        paths[0],
        "--report",
        paths[1],
    ]
    done = CliRunner().invoke(tpch, list(map(str, words)))
    assert done.exit_code == 0, done.output
    assert "Shoal beats one DuckDB of 2 threads from 4 executor" in done.stdout
    assert all(path.stat().st_size > 500 for path in paths)


@pytest.mark.parametrize("words", [["--scaling", "1,x"], ["--scaling", "0"], ["--scaling", "1", "--executors", "2"]])
def test_wrong_usage(tpch_folder, words):
    assert CliRunner().invoke(tpch, ["run", "--data", str(tpch_folder), *words]).exit_code == 2
