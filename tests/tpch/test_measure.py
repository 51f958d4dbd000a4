"""The runner with an engine in Shoal's place that answers right, answers wrong, or fails."""

from typing import ClassVar

import pytest
from click.testing import CliRunner

import shoal
from shoal.tpch import measure
from shoal.tpch.cli import tpch
from shoal.tpch.contenders import Duckdb, ShoalOptions
from shoal.tpch.dataset import Dataset
from shoal.tpch.measure import Benchmark, run_benchmark, steps_of
from shoal.tpch.processes import reset_peaks, tree_usage


class Double:
    """DuckDB in Shoal's place. Notes who was asked for what; a query of ``wrong`` loses a row, one of ``bad`` fails."""

    name = "Shoal"
    asked: ClassVar[list[str]] = []
    wrong: str | None = None
    bad: str | None = None

    def __init__(self, dataset, options):
        self._inner = Duckdb(dataset, threads=1)

    def answer(self, sql):
        Double.asked.append("Shoal")
        if self.bad and self.bad in sql:
            raise shoal.OutOfMemory("too little")
        answer = self._inner.answer(sql)
        return answer.slice(1) if self.wrong and self.wrong in sql else answer

    def close(self):
        self._inner.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Rival(Duckdb):
    def answer(self, sql):
        Double.asked.append("DuckDB")
        return super().answer(sql)


@pytest.fixture(autouse=True)
def doubles(monkeypatch):
    monkeypatch.setattr(measure, "Shoal", Double)
    monkeypatch.setattr(measure, "Duckdb", Rival)
    monkeypatch.setattr(Double, "asked", [])


def run(*words):
    return CliRunner().invoke(tpch, ["run", *map(str, words)])


def test_the_rival_runs_in_turn_and_the_check_comes_last(tpch_folder):
    benchmark = Benchmark(Dataset(tpch_folder), ShoalOptions(), (6, 14), runs=2, verify=True, compare=True)
    told = []
    result = run_benchmark(benchmark, lambda number, step: told.append((number, step)))
    assert Double.asked == ["Shoal", "DuckDB", "Shoal", "DuckDB", "DuckDB"] * 2
    assert len(told) == steps_of(benchmark)
    assert [query.verified for query in result.queries] == [True, True]
    assert [len(query.rival_samples) for query in result.queries] == [2, 2]
    assert result.queries[0].rows == 1
    assert (result.scale, result.rival, result.failed) == (0.01, "DuckDB", False)


def test_all_22_answers_of_the_oracle_are_right_by_its_own_measure(tpch_folder):
    done = run("--data", tpch_folder, "--runs", 1, "--verify")
    assert done.exit_code == 0, done.output
    assert done.stdout.count("yes") == 22
    assert "22 of 22" in done.stdout


def test_a_wrong_answer_ends_with_exit_code_1(tpch_folder, monkeypatch):
    monkeypatch.setattr(Double, "wrong", "l_returnflag")
    done = run("--data", tpch_folder, "--runs", 1, "--verify", "--queries", "1,6")
    assert done.exit_code == 1
    assert "WRONG" in done.stdout
    assert "Q1: 3 rows instead of 4" in done.stderr


def test_a_failing_query_does_not_stop_the_others(tpch_folder, monkeypatch):
    monkeypatch.setattr(Double, "bad", "l_returnflag")
    done = run("--data", tpch_folder, "--runs", 1, "--verify", "--compare", "duckdb", "--queries", "1,6")
    assert done.exit_code == 1
    assert "FAILED" in done.stdout
    assert "OutOfMemory: too little" in done.stderr
    assert "1 of 2" in done.stdout


def test_writes_json_and_report(tpch_folder, tmp_path):
    paths = tmp_path / "result.json", tmp_path / "report.html"
    done = run("--data", tpch_folder, "--runs", 1, "--queries", "6", "--json", paths[0], "--report", paths[1])
    assert done.exit_code == 0
    assert all(path.stat().st_size > 500 for path in paths)


@pytest.mark.parametrize(
    "words",
    [
        ["--queries", "0"],
        ["--queries", "x"],
        ["--runs", "0"],
        ["--set", "verify"],
        ["--compare", "spark"],
        ["--url", "shoal://localhost:1", "--executors", "2"],
    ],
)
def test_wrong_usage_ends_with_exit_code_2(tpch_folder, words):
    assert run("--data", tpch_folder, *words).exit_code == 2


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
