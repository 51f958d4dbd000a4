"""The runner with an engine in Shoal's place that answers right, answers wrong, or fails."""

from typing import ClassVar

import pytest
from click.testing import CliRunner

from shoal.tpch import cli, rivals
from shoal.tpch.cli import tpch
from shoal.tpch.contenders import Duckdb, ShoalOptions
from shoal.tpch.dataset import Dataset
from shoal.tpch.engines import EngineFailed
from shoal.tpch.measure import NAIVE_SETTINGS, Benchmark, run_benchmark, steps_of
from shoal.tpch.processes import reset_peaks, tree_usage
from shoal.tpch.results import Sample
from shoal.tpch.rivals import RIVALS, Rival


class Double:
    """DuckDB in an engine's place. Notes who was asked; a query of ``wrong`` loses a row, one of ``bad`` fails."""

    asked: ClassVar[list[str]] = []
    settings: ClassVar[list[tuple[tuple[str, str], ...]]] = []
    wrong: ClassVar[dict[str, str]] = {}
    bad: ClassVar[dict[str, str]] = {}
    dead: ClassVar[set[str]] = set()

    def __init__(self, key, title, dataset, threads, options):
        if key in self.dead:
            raise EngineFailed("it does not start: no reason")
        if options is not None:
            self.settings.append(options.settings)
        self.key, self.title = key, title
        self._inner = Duckdb(dataset, threads=1)

    def run(self, sql):
        Double.asked.append(self.title)
        if self.key in self.bad and self.bad[self.key] in sql:
            raise EngineFailed("OutOfMemory: too little")
        answer = self._inner.answer(sql)
        if self.key in self.wrong and self.wrong[self.key] in sql:
            answer = answer.slice(1)
        return Sample(0.5 if self.key == "shoal" else 1.0, 0.1, 1 << 20, 10 * len(self.settings), 0), answer

    def close(self):
        self._inner.close()


@pytest.fixture(autouse=True)
def doubles(monkeypatch):
    for name, empty in (("asked", []), ("settings", []), ("wrong", {}), ("bad", {}), ("dead", set())):
        monkeypatch.setattr(Double, name, empty)
    monkeypatch.setattr(cli, "run_benchmark", lambda benchmark, tell: run_benchmark(benchmark, tell, Double))


def run(*words):
    return CliRunner().invoke(tpch, ["run", *map(str, words)])


def test_rivals_run_in_turn_and_the_check_comes_last(tpch_folder):
    benchmark = Benchmark(
        Dataset(tpch_folder), ShoalOptions(), (6, 14), runs=2, verify=True, rivals=("duckdb", "polars")
    )
    told = []
    result = run_benchmark(benchmark, lambda number, step: told.append((number, step)), Double)
    assert Double.asked == ["Shoal", "DuckDB", "Polars", "Polars", "DuckDB", "Shoal"] * 2, "the first one changes"
    assert len(told) == steps_of(benchmark)
    assert [step for _, step in told][:7] == [
        "Shoal 1/2", "DuckDB 1/2", "Polars 1/2", "Polars 2/2", "DuckDB 2/2", "Shoal 2/2", "check",
    ]  # fmt: skip
    assert [query.own.verified for query in result.queries] == [True, True]
    assert [[runs.verified for runs in query.rivals] for query in result.queries] == [[None, True]] * 2
    assert [[len(runs.samples) for runs in query.rivals] for query in result.queries] == [[2, 2]] * 2
    assert result.queries[0].rows == 1
    assert (result.scale, result.rivals, result.failed) == (0.01, ("DuckDB", "Polars"), False)
    assert result.geometric_ratio == 0.5


def test_a_rival_that_fails_is_not_asked_again_and_the_others_go_on(tpch_folder, monkeypatch):
    monkeypatch.setattr(Double, "bad", {"polars": "promo_revenue"})
    monkeypatch.setattr(Double, "wrong", {"datafusion": "l_returnflag"})
    monkeypatch.setattr(Double, "dead", {"daft"})
    rivals = ("duckdb", "polars", "datafusion", "daft")
    benchmark = Benchmark(Dataset(tpch_folder), ShoalOptions(), (1, 14), runs=2, verify=True, rivals=rivals)
    result = run_benchmark(benchmark, lambda number, step: None, Double)
    assert Double.asked.count("Polars") == 3
    assert result.rivals == ("DuckDB", "Polars", "DataFusion")
    assert result.missing == ("Daft: it does not start: no reason",)
    first, second = result.queries
    assert not result.failed
    assert second.rivals[1].problem == "OutOfMemory: too little"
    assert first.rivals[2].problem == "3 rows instead of 4"
    assert [summary.answered for summary in result.summaries()] == [2, 2, 1, 1]
    assert [summary.right for summary in result.summaries()] == [2, None, 1, 1]
    assert second.ratio_to(1) is None


def test_the_naive_exchange_is_of_another_run_with_other_settings(tpch_folder):
    options = ShoalOptions(settings=(("mmap", "off"),))
    benchmark = Benchmark(Dataset(tpch_folder), options, (6,), runs=1, verify=True, naive_exchange=True)
    told = []
    result = run_benchmark(benchmark, lambda number, step: told.append(step), Double)
    assert Double.asked == ["Shoal", "Shoal, naive"]
    assert len(told) == steps_of(benchmark)
    assert Double.settings == [(("mmap", "off"),), (("mmap", "off"), *NAIVE_SETTINGS)]
    assert result.naive_exchanged_bytes == 20


def test_all_22_answers_of_the_oracle_are_right_by_its_own_measure(tpch_folder):
    done = run("--data", tpch_folder, "--runs", 1, "--verify")
    assert done.exit_code == 0, done.output
    assert done.stdout.count("yes") == 22
    assert "22 of 22" in done.stdout


def test_a_wrong_answer_ends_with_exit_code_1(tpch_folder, monkeypatch):
    monkeypatch.setattr(Double, "wrong", {"shoal": "l_returnflag"})
    done = run("--data", tpch_folder, "--runs", 1, "--verify", "--queries", "1,6")
    assert done.exit_code == 1
    assert "WRONG" in done.stdout
    assert "Q1, Shoal: 3 rows instead of 4" in done.stderr


def test_a_failing_query_does_not_stop_the_others(tpch_folder, monkeypatch):
    monkeypatch.setattr(Double, "bad", {"shoal": "l_returnflag"})
    done = run("--data", tpch_folder, "--runs", 1, "--verify", "--compare", "duckdb", "--queries", "1,6")
    assert done.exit_code == 1
    assert "FAILED" in done.stdout
    assert "OutOfMemory: too little" in done.stderr
    assert "1 of 2" in done.stdout


def test_writes_json_and_report(tpch_folder, tmp_path):
    paths = tmp_path / "result.json", tmp_path / "report.html", tmp_path / "chart.svg"
    written = ["--json", paths[0], "--report", paths[1], "--chart", paths[2]]
    done = run("--data", tpch_folder, "--runs", 1, "--queries", "6", "--compare", "duckdb", *written)
    assert done.exit_code == 0
    assert all(path.stat().st_size > 500 for path in paths)


@pytest.mark.parametrize(
    "words",
    [
        ["--queries", "0"],
        ["--queries", "x"],
        ["--runs", "0"],
        ["--set", "verify"],
        ["--compare", "oracle"],
        ["--compare", "duckdb,,polars"],
        ["--url", "shoal://localhost:1", "--executors", "2"],
    ],
)
def test_wrong_usage_ends_with_exit_code_2(tpch_folder, words):
    assert run("--data", tpch_folder, *words).exit_code == 2


def test_what_is_not_installed_is_said_and_left_out(tpch_folder, monkeypatch):
    nowhere = Rival("Nowhere", Duckdb, ("no_such_package",), ("no-such-program",))
    monkeypatch.setattr(rivals, "RIVALS", {**RIVALS, "daft": nowhere})
    done = run("--data", tpch_folder, "--runs", 1, "--compare", "daft,duckdb", "--queries", "6")
    assert done.exit_code == 0
    lacking = "the package no_such_package and the program no-such-program"
    assert f"left out: Nowhere: {lacking} is not installed" in done.stderr
    assert "DuckDB s" in done.stdout


def test_answers_of_other_rivals_are_checked_unasked(tpch_folder):
    done = run("--data", tpch_folder, "--runs", 1, "--compare", "duckdb,polars", "--queries", "6")
    assert done.exit_code == 0
    assert done.stdout.count("1 of 1") == 3  # Shoal in both tables, Polars in one


def test_a_folder_without_data_says_how_to_make_it(tmp_path):
    done = run("--data", tmp_path)
    assert done.exit_code == 2
    assert "shoal tpch generate --scale 1" in done.stderr


def test_usage_counts_the_time_of_this_process():
    reset_peaks()
    before = tree_usage()
    while tree_usage().cpu_seconds - before.cpu_seconds < 0.05:
        sum(range(100_000))
    assert before.peak_bytes > 1 << 20
