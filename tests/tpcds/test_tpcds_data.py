"""The data and the texts of TPC-DS: all tables and queries are there, and the commands are those of TPC-H."""

import json

import pytest
import sqlglot
from click.testing import CliRunner

from shoal.tpcds.cli import tpcds
from shoal.tpcds.tables import FACTS, TPCDS
from shoal.tpch.dataset import Dataset, DatasetError, open_dataset
from shoal.tpch.generate import generate


def run(*words):
    return CliRunner().invoke(tpcds, list(map(str, words)))


def test_there_are_24_tables(tpcds_folder):
    dataset = open_dataset(tpcds_folder, TPCDS)
    assert len(set(TPCDS.tables)) == 24
    assert {file.stem for file in tpcds_folder.glob("*.parquet")} == set(TPCDS.tables)
    assert dataset.scale() == 0.01
    assert all(dataset.files(table)[0].stat().st_size > 100_000 for table in FACTS)


def test_the_same_data_is_not_made_twice(tpcds_folder):
    assert generate(0.01, tpcds_folder, suite=TPCDS) is False
    with pytest.raises(DatasetError, match="--overwrite"):
        generate(0.01, tpcds_folder, parts=2, suite=TPCDS)


def test_a_folder_without_the_tables_says_how_to_make_them(tmp_path):
    with pytest.raises(DatasetError, match=r"store_sales[\s\S]*shoal tpcds generate --scale 1"):
        open_dataset(tmp_path, TPCDS)


def test_there_are_99_texts_that_parse():
    assert TPCDS.numbers == tuple(range(1, 100))
    for number in TPCDS.numbers:
        assert len(sqlglot.parse(TPCDS.query_text(number), dialect="duckdb")) == 1
        assert TPCDS.query_text(number, scale=100) == TPCDS.query_text(number)


def test_a_selection_reaches_to_the_last_query():
    assert TPCDS.parse_selection("97-99,1") == (1, 97, 98, 99)
    with pytest.raises(ValueError, match="from 1 to 99"):
        TPCDS.parse_selection("100")


def test_runs_as_the_other_benchmark_does(tpcds_folder, tmp_path):
    paths = tmp_path / "result.json", tmp_path / "report.html", tmp_path / "chart.svg"
    written = ["--json", paths[0], "--report", paths[1], "--chart", paths[2]]
    words = ["--data", tpcds_folder, "--queries", "3,96", "--runs", 1, "--compare", "duckdb", "--verify", *written]
    done = run("run", *words)
    assert done.exit_code == 0, done.output
    assert "TPC-DS scale 0.01" in done.stdout
    assert "2 of 2" in done.stdout
    assert json.loads(paths[0].read_text())["suite"] == "TPC-DS"
    assert all("TPC-DS scale 0.01" in path.read_text() for path in paths[1:])


def test_a_query_that_is_not_there_is_wrong_usage(tpcds_folder):
    assert run("run", "--data", tpcds_folder, "--queries", "100").exit_code == 2
    assert run("run", "--data", tpcds_folder / "nothing").exit_code == 2


def test_a_data_set_says_which_benchmark_it_is_of(tpcds_folder):
    assert Dataset(tpcds_folder).missing()[:2] == ("region", "nation")
