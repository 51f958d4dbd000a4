"""Engines in processes of their own: their answers and failures, and that they end; each rival if it is installed."""

import os
import signal

import pytest

import shoal
from shoal.tpch.answers import expect, find_difference, find_rough_difference
from shoal.tpch.contenders import Duckdb, ShoalOptions
from shoal.tpch.dataset import Dataset
from shoal.tpch.engines import EngineFailed, EngineProcess, open_process
from shoal.tpch.queries import query_text
from shoal.tpch.rivals import RIVALS, find_installed

QUERIES = (1, 3, 13)


def expected(folder, number):
    sql = query_text(number, scale=0.01)
    with Duckdb(Dataset(folder), threads=1) as oracle:
        return sql, expect(sql, oracle.answer)


@pytest.fixture
def engine(tpch_folder):
    opened = EngineProcess("shoal", "Shoal", Dataset(tpch_folder), 1, ShoalOptions(settings=(("verify", "on"),))).open()
    yield opened
    opened.close()


def test_shoal_answers_with_its_cost(engine, tpch_folder):
    sql, right = expected(tpch_folder, 1)
    sample, answer = engine.run(sql)
    assert find_difference(right, answer) is None
    assert sample.seconds > 0
    assert sample.peak_bytes > 10 << 20
    assert (sample.exchanged_bytes, sample.spilled_bytes) == (0, None)


def test_an_error_is_told_and_the_engine_goes_on(engine):
    with pytest.raises(EngineFailed, match=r"ColumnNotFound: .*nothing"):
        engine.run("SELECT nothing FROM nation")
    assert engine.run("SELECT count(*) AS n FROM nation")[1].to_pylist() == [{"n": 25}]


def test_an_engine_that_dies_is_told_and_started_again(engine):
    process = engine._process
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(EngineFailed, match="exit code -9"):
        engine.run("SELECT 1")
    assert engine.run("SELECT count(*) AS n FROM nation")[1].to_pylist() == [{"n": 25}]


def test_it_is_gone_after_close(engine):
    process = engine._process
    engine.close()
    engine.close()
    assert process.returncode == 0


def test_shoal_that_cannot_connect_raises_its_own_error(tpch_folder):
    with pytest.raises(shoal.ConnectionFailed):
        open_process("shoal", "Shoal", Dataset(tpch_folder), 1, ShoalOptions(url="shoal://127.0.0.1:1"))


def test_a_rival_that_cannot_start_fails(tmp_path):
    with pytest.raises(EngineFailed, match="does not start"):
        open_process("duckdb", "DuckDB", Dataset(tmp_path), 1, None)


@pytest.mark.parametrize("key", sorted(set(RIVALS) - {"spark"}))
def test_rivals_answer_right(key, tpch_folder):
    installed, missing = find_installed((key,))
    if not installed:
        pytest.skip(missing[0])
    try:
        engine = open_process(key, RIVALS[key].title, Dataset(tpch_folder), 1, None)
    except EngineFailed as error:
        pytest.skip(f"does not start here: {str(error)[:100]}")
    try:
        for number in QUERIES:
            sql, right = expected(tpch_folder, number)
            sample, answer = engine.run(sql)
            assert find_rough_difference(right, answer) is None
            assert sample.exchanged_bytes is None
    finally:
        engine.close()
