"""Shoal's answers to the 99 queries, checked row by row: in this process, and cut into tasks on three executors."""

import pytest

from shoal.tpcds.tables import TPCDS
from shoal.tpch.contenders import ShoalOptions
from shoal.tpch.dataset import Dataset
from shoal.tpch.measure import Benchmark, run_benchmark

ALWAYS = (("distribute", "always"), ("check_plans", "on"))
PARTITIONED = (("join_strategy", "partitioned"), ("mmap", "off"))
THIRDS = [TPCDS.numbers[third::3] for third in range(3)]
"""The queries in three parts, so that several test processes share them."""
by_thirds = pytest.mark.parametrize("numbers", THIRDS, ids=["1,4,7...", "2,5,8...", "3,6,9..."])


def problems(folder, options, numbers):
    """What is wrong with the answers; empty when all are right."""
    benchmark = Benchmark(Dataset(folder, TPCDS), options, numbers, runs=1, verify=True)
    result = run_benchmark(benchmark, lambda number, step: None)
    assert [query.number for query in result.queries] == list(numbers)
    return {query.number: query.problem for query in result.queries if query.own.verified is not True}


@by_thirds
def test_embedded(tpcds_folder, numbers):
    assert problems(tpcds_folder, ShoalOptions(), numbers) == {}


@by_thirds
@pytest.mark.cluster
def test_on_three_executors(tpcds_folder, numbers):
    options = ShoalOptions(executors=3, threads=1, settings=ALWAYS)
    assert problems(tpcds_folder, options, numbers) == {}


@pytest.mark.cluster
def test_with_every_join_partitioned(tpcds_folder):
    options = ShoalOptions(executors=3, threads=1, settings=(*ALWAYS, *PARTITIONED))
    assert problems(tpcds_folder, options, TPCDS.numbers[::9]) == {}
