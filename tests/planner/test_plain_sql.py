"""The short way to write expressions gives what sqlglot gives, or nothing."""

import pytest
from sqlglot import parse_one

from shoal.planner.plain_sql import write_plainly
from shoal.planner.scalar import DIALECT, sql_of

PLAIN = (
    '"a"',
    '"with ""quotes"""',
    '"a" = "b"',
    '"a" <> "b" AND "c" >= 1.50 OR "d" < 1e5',
    '"a" - ("b" - "c") - "d"',
    'SUM("price" * (1 - "discount") * (1 + "tax"))',
    "\"a\" LIKE '%green_%'",
    "'1-URGENT' = \"a\"",
    'MIN("a") > AVG("b") + MAX("c")',
)

OTHERS = (
    "a = 1",
    '"t"."a" = 1',
    "\"a\" = 'it''s'",
    "\"a\" = 'back\\slash'",
    "\"a\" = 'line\nend'",
    "\"a\" = 'größer'",
    'SUM(DISTINCT "a")',
    'SUM("a" ORDER BY "b")',
    'MAX("a", 3)',
    'COUNT("a")',
    '-"a"',
    "\"a\" LIKE 'x' ESCAPE '!'",
    '"a" = ANY("b")',
    'CAST("a" AS DATE) = "b"',
    '"a" IN (1, 2)',
)


@pytest.mark.parametrize("text", PLAIN)
def test_plain_expressions_are_written_as_sqlglot_writes_them(text: str) -> None:
    expression = parse_one(f"{text} /* aside */", dialect=DIALECT)
    assert write_plainly(expression) == text == expression.sql(DIALECT, comments=False)


@pytest.mark.parametrize("text", OTHERS)
def test_other_expressions_are_left_to_sqlglot(text: str) -> None:
    expression = parse_one(text, dialect=DIALECT)
    assert write_plainly(expression) is None
    assert sql_of(expression) == expression.sql(DIALECT)


def test_long_chains_are_written() -> None:
    text = " + ".join(['"a"'] * 900)
    assert write_plainly(parse_one(text, dialect=DIALECT)) == text
