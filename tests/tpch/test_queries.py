"""The texts of the queries, and the choice of some of them."""

import pytest
import sqlglot

from shoal.tpch.queries import QUERY_NUMBERS, parse_selection, query_text


def test_there_are_22_texts_that_parse():
    assert tuple(range(1, 23)) == QUERY_NUMBERS
    for number in QUERY_NUMBERS:
        assert len(sqlglot.parse(query_text(number), dialect="duckdb")) == 1


def test_query_11_divides_its_fraction_by_the_scale():
    assert "* 0.0001000000\n" in query_text(11)
    assert "* 0.0000100000\n" in query_text(11, scale=10)
    assert "* 0.0100000000\n" in query_text(11, scale=0.01)


def test_no_other_query_depends_on_the_scale():
    for number in set(QUERY_NUMBERS) - {11}:
        assert query_text(number, scale=10) == query_text(number)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("1", (1,)), ("3-5", (3, 4, 5)), ("5, 1,3-5", (1, 3, 4, 5)), ("22", (22,)), ("1-22", QUERY_NUMBERS)],
)
def test_selection(text, numbers):
    assert parse_selection(text) == numbers


@pytest.mark.parametrize("text", ["", "0", "23", "5-3", "a", "1,,2", "1-", "-3"])
def test_a_wrong_selection_is_refused(text):
    with pytest.raises(ValueError):
        parse_selection(text)
