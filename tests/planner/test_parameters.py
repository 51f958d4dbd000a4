"""A statement with its parameters written in has the types and values that DuckDB gives to bound ones."""

import datetime as dt
import uuid
from collections.abc import Sequence
from decimal import Decimal

import duckdb
import pytest

from shoal.planner.errors import ParameterError
from shoal.planner.parameters import inline_parameters

UTC = dt.UTC
VALUES: list[object] = [
    0, 1, -1, 2**31 - 1, -(2**31), 2**31, -(2**63), 2**63, 2**64, -(2**127), 2**128 - 1,
    1.5, -0.0, 1e300, float("nan"), float("inf"), -float("inf"), True, False, None,
    "a", "it's", "", "a\0b", "ünï", b"", b"a\x00'\\", bytearray(b"x"),
    Decimal("1.50"), Decimal("-0.5"), Decimal("0.00001"), Decimal("1E+5"), Decimal(0), Decimal("0.0"),
    Decimal(99999999999999999999999999999999999999), Decimal("NaN"),
    dt.date(2020, 2, 29), dt.datetime.fromisoformat("2020-01-01T01:02:03.000004"), dt.datetime(2020, 1, 1, tzinfo=UTC),
    dt.time(1, 2, 3, 4), dt.time(1, 2, tzinfo=UTC),
    dt.timedelta(days=-3, seconds=5, microseconds=7),
    uuid.UUID("e7ae3a07-5316-4d0b-8d33-a56308227e6d"),
    [1, 2, None], ["a"], [], (1, 2), {"a": 1, "b": [{"c": Decimal("1.5")}]},
]  # fmt: skip


@pytest.fixture(scope="module")
def duck() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:")


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:40])
def test_a_literal_is_what_duckdb_binds(duck: duckdb.DuckDBPyConnection, value: object) -> None:
    sql = "SELECT typeof(?), ?::VARCHAR"
    expected = duck.execute(sql, [value, value]).fetchall()
    assert duck.execute(inline_parameters(sql, [value, value])).fetchall() == expected


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("SELECT typeof(1::SMALLINT + ?)", [1]),
        ("SELECT DATE '2020-01-01' = ?", ["2020-01-01"]),
        ("SELECT 1 LIMIT ?", [1]),
        ("SELECT typeof(1.5::DECIMAL(15,2) + ?)", [Decimal("2.5")]),
        ("SELECT $2 - $1, ?1", [1, 5]),
        ('SELECT \'?\', "?", $$?$$, ? -- ?\n FROM (SELECT 1 AS "?")', [7]),
        ("SELECT 5 IN ?", [[4, 5]]),
    ],
)
def test_statements(duck: duckdb.DuckDBPyConnection, sql: str, values: Sequence[object]) -> None:
    try:
        expected = duck.execute(sql, list(values)).fetchall()
    except duckdb.Error:
        expected = None
    if expected is not None:
        assert duck.execute(inline_parameters(sql, values)).fetchall() == expected


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("SELECT ?", []),
        ("SELECT ?", [1, 2]),
        ("SELECT 1", [1]),
        ("SELECT ?", [object()]),
        ("SELECT ?", [2**128]),
    ],
)
def test_wrong_parameters(sql: str, values: Sequence[object]) -> None:
    with pytest.raises(ParameterError):
        inline_parameters(sql, values)
