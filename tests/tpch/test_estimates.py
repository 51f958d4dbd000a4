"""The q-error table: both sides of each join are the same join, and the arithmetic is right."""

from pathlib import Path

import pytest

from shoal.tpch.dataset import open_dataset
from shoal.tpch.estimates import Estimates, JoinGuess, estimates_table, percentile
from shoal.tpch.generate import generate
from shoal.tpch.queries import QUERY_NUMBERS


@pytest.mark.parametrize(
    ("expected", "actual", "error"), [(10, 100, 10.0), (100, 10, 10.0), (0, 0, 1.0), (0.5, 3, 3.0), (7, 7, 1.0)]
)
def test_the_error_is_a_factor(expected: float, actual: float, error: float) -> None:
    assert JoinGuess(1, "inner", "", expected, actual).error == error


def test_percentiles() -> None:
    assert percentile([], 0.95) == 1.0
    assert percentile([3.0], 0.95) == 3.0
    assert percentile([float(number) for number in range(1, 101)], 0.95) == 95.0


@pytest.mark.parametrize("parts", [1, 3])
def test_every_join_of_the_queries_is_counted(tmp_path: Path, parts: int) -> None:
    generate(0.01, tmp_path, parts)
    estimates = Estimates(open_dataset(tmp_path))
    try:
        guesses = [guess for number in QUERY_NUMBERS for guess in estimates.joins(number)]
    finally:
        estimates.close()
    assert {guess.query for guess in guesses} == set(QUERY_NUMBERS) - {1, 6}
    regions = [guess for guess in guesses if "r_regionkey" in guess.condition and guess.query == 5]
    assert [guess.actual for guess in regions] == [5.0]
    table = estimates_table(guesses)
    assert table.row_count == len(guesses)
    assert "median" in str(table.caption)
