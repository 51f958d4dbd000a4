"""Shoal's answers to the 22 queries, checked row by row, however it runs and however the data is laid and moved."""

import pytest

from shoal.tpch.contenders import ShoalOptions
from shoal.tpch.dataset import Dataset
from shoal.tpch.measure import Benchmark, run_benchmark
from shoal.tpch.queries import QUERY_NUMBERS

ALWAYS = ("distribute", "always")
PARTITIONED = ("join_strategy", "partitioned")
FLIGHT = ("mmap", "off")


def problems(folder, options):
    """What is wrong with the answers; empty when all 22 are right."""
    benchmark = Benchmark(Dataset(folder), options, QUERY_NUMBERS, runs=1, verify=True)
    result = run_benchmark(benchmark, lambda number, step: None)
    assert [query.number for query in result.queries] == list(QUERY_NUMBERS)
    return {query.number: query.problem for query in result.queries if query.own.verified is not True}


@pytest.mark.parametrize("layout", ["tpch_folder", "tpch_parts_folder"])
def test_embedded(layout, request):
    assert problems(request.getfixturevalue(layout), ShoalOptions()) == {}


@pytest.mark.parametrize(
    ("executors", "layout", "settings"),
    [
        (1, "tpch_folder", ()),
        (2, "tpch_folder", ()),
        (1, "tpch_parts_folder", (ALWAYS,)),
        (2, "tpch_parts_folder", (ALWAYS,)),
        (2, "tpch_folder", (ALWAYS, PARTITIONED, FLIGHT)),
        (3, "tpch_folder", (ALWAYS,)),
        (3, "tpch_parts_folder", (ALWAYS, FLIGHT)),
        (7, "tpch_parts_folder", (ALWAYS, PARTITIONED)),
    ],
)
@pytest.mark.cluster
def test_on_executors(executors, layout, settings, request):
    options = ShoalOptions(executors=executors, threads=1, settings=settings)
    assert problems(request.getfixturevalue(layout), options) == {}
