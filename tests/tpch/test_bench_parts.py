"""The benchmark's further parts: the tables they make are what they say, and each measures and names its goal."""

import duckdb
import pytest
from click.testing import CliRunner

from shoal.tpch import bench
from shoal.tpch.bench_planning import join_text, measure_file_planning, measure_join_planning
from shoal.tpch.bench_skew import measure_skew, write_skewed_tables
from shoal.tpch.dataset import TABLES, Dataset
from shoal.tpch.shuffled import shuffle_dataset


def ask(sql):
    with duckdb.connect() as connection:
        return connection.execute(sql).fetchall()


def test_shuffled_tables_hold_the_same_rows_in_no_order(tpch_folder, tmp_path):
    original, shuffled = Dataset(tpch_folder), shuffle_dataset(Dataset(tpch_folder), tmp_path)
    for table in TABLES:
        one, other = (f"SELECT * FROM read_parquet('{data.pattern(table)}')" for data in (original, shuffled))
        assert ask(f"({one} EXCEPT ALL {other}) UNION ALL ({other} EXCEPT ALL {one})") == []
    ascending = (
        "avg((l_orderkey >= previous)::INTEGER) FROM (SELECT l_orderkey, lag(l_orderkey) OVER () AS previous FROM"
    )
    ((sorted_share,),) = ask(f"SELECT {ascending} read_parquet('{original.pattern('lineitem')}'))")
    ((shuffled_share,),) = ask(f"SELECT {ascending} read_parquet('{shuffled.pattern('lineitem')}'))")
    assert sorted_share == 1
    assert 0.4 < shuffled_share < 0.6


def test_shuffling_again_writes_nothing_unless_the_data_is_another(tpch_folder, tpch_parts_folder, tmp_path):
    shuffle_dataset(Dataset(tpch_folder), tmp_path)
    before = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    shuffle_dataset(Dataset(tpch_folder), tmp_path)
    assert {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == before
    shuffle_dataset(Dataset(tpch_parts_folder), tmp_path)
    assert {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()} != before


def test_one_key_of_the_skewed_table_holds_three_fifths(tmp_path):
    write_skewed_tables(tmp_path, rows=100_000, keys=5_000)
    heaviest = "SELECT max(n) / 100000 FROM (SELECT count(*) AS n FROM '{}' GROUP BY key)"
    ((skewed,),) = ask(heaviest.format(tmp_path / "skewed.parquet"))
    ((even,),) = ask(heaviest.format(tmp_path / "even.parquet"))
    assert skewed == pytest.approx(0.6, abs=0.01)
    assert even < 0.001
    assert ask(f"SELECT count(*), count(DISTINCT key) FROM '{tmp_path / 'keys.parquet'}'") == [(5000, 5000)]


@pytest.mark.cluster
def test_the_skewed_join_is_measured_and_right():
    auto, partitioned = measure_skew(runs=1, rows=200_000, keys=20_000)
    assert "4 executors" in auto.what
    assert "partitioned" in partitioned.what
    assert float(auto.value.split()[0]) > 0
    assert "1.50" in auto.goal


@pytest.mark.parametrize(("shape", "edges"), [("chain", 11), ("star", 11), ("clique", 66)])
def test_joins_have_their_shape(shape, edges):
    assert join_text(shape).count(" = ") == edges


@pytest.mark.cluster
def test_planning_is_measured():
    lines = [*measure_join_planning(1), *measure_file_planning(1, files=30)]
    assert [line.goal for line in lines] == ["100 ms"] * 3 + ["2 s", "0.2 s"]
    assert all(line.value for line in lines)


def test_the_parts_are_chosen_by_name(tpch_folder, monkeypatch):
    asked = []
    monkeypatch.setattr(bench, "measure_skew", lambda runs: asked.append(("skew", runs)) or [])
    done = CliRunner().invoke(bench.main, ["--data", str(tpch_folder), "--part", "skew", "--runs", "2"])
    assert done.exit_code == 0, done.output
    assert asked == [("skew", 2)]
    assert "skew" not in bench.USUAL_PARTS
