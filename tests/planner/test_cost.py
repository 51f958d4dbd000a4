"""Constants, selectivities, statistics of expressions, and cardinalities of nodes."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import pytest

from shoal.planner import logical
from shoal.planner.cost.cardinality import Estimator, group_count
from shoal.planner.cost.constants import constant_value, position
from shoal.planner.cost.derived_columns import drawn
from shoal.planner.cost.expression_statistics import expression_statistics
from shoal.planner.cost.model import hash_join_seconds, nested_join_seconds
from shoal.planner.cost.selectivity import LEAST_SELECTIVITY, back_off, selectivity
from shoal.planner.cost.widths import type_width
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Column, JoinKind, Node, SetOperator
from shoal.planner.protocols import ColumnStatistics, TableStatistics
from shoal.planner.source import TableSource
from tests.planner.small_tables import CountedStatistics, expression, group, join, project, scan, where

COLUMNS = {
    ColumnId("n"): ColumnStatistics(0, 1000, 0.0, 1000.0),
    ColumnId("m"): ColumnStatistics(0, 1000, 0.0, 100.0),
    ColumnId("half"): ColumnStatistics(0, 100, 0.5, 100.0),
    ColumnId("day"): ColumnStatistics(date(1992, 1, 1), date(2001, 12, 31), 0.0, 3653.0),
    ColumnId("price"): ColumnStatistics(Decimal("0.00"), Decimal("10.00"), 0.0, 1001.0),
    ColumnId("word"): ColumnStatistics("apple", "zebra", 0.0, 50.0),
    ColumnId("unknown"): ColumnStatistics(),
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7),
        ("-0.06 - 0.01", Decimal("-0.07")),
        ("'text'", "text"),
        ("DATE '1998-12-01' - INTERVAL '90' DAY", date(1998, 9, 2)),
        ("CAST('1998-12-01' AS DATE) + INTERVAL 3 MONTH", date(1999, 3, 1)),
        ("DATE '2024-02-29' + INTERVAL '1' YEAR", date(2025, 2, 28)),
        ("DATE '2024-01-31' + 1", date(2024, 2, 1)),
        ("TIMESTAMP '2024-01-01 12:00:00'", datetime(2024, 1, 1, 12)),  # noqa: DTZ001 - SQL's has no zone either
        ("TRUE", True),
        ("NULL", None),
        ("1 / 0", None),
        ("DATE 'nonsense'", None),
        ("x + 1", None),
        ("DATE '9999-12-31' + INTERVAL '1' YEAR", None),
    ],
)
def test_constants(text: str, value: object) -> None:
    assert constant_value(expression(text)) == value


def test_positions_keep_the_order_of_values() -> None:
    for values in (
        ["", "a", "ab", "b", "été"],
        [date(1969, 1, 1), date(1970, 1, 1), datetime(1970, 1, 1, 1), date(1970, 1, 2)],  # noqa: DTZ001 - as above
        [Decimal("-1.5"), 0, 0.25, 10],
    ):
        places = [position(value) for value in values]
        assert places == sorted(places, key=lambda place: place or 0.0)
        assert len(set(places)) == len(places)
    assert position(object()) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n < 250", 0.25),
        ("250 > n", 0.25),
        ("n >= 900", 0.1),
        ("n BETWEEN 100 AND 300", 0.2),
        ("n > 100 AND n <= 300", 0.2),
        ("n = 5", 0.001),
        ("n = 5000", LEAST_SELECTIVITY),
        ("n > 5000", LEAST_SELECTIVITY),
        ("n IN (1, 2, 3)", 0.003),
        ("n <> 5", 0.999),
        ("n = m", 0.001),
        ("half = 1", 0.005),
        ("half IS NULL", 0.5),
        ("half IS NOT NULL", 0.5),
        ("half < 50", 0.25),
        ("day < DATE '1997-01-01'", 0.5),
        ("day >= DATE '1994-01-01' AND day < DATE '1994-01-01' + INTERVAL '1' YEAR", 0.1),
        ("price BETWEEN 0.05 - 0.01 AND 1.04", 0.1),
        ("word = 'lemon'", 0.02),
        ("word < 'b'", 0.0225),
        ("n < 250 OR n > 750", 0.4375),
        ("NOT n < 250", 0.75),
        ("TRUE", 1.0),
        ("FALSE", LEAST_SELECTIVITY),
        ("unknown = 3", 0.05),
        ("unknown < 3", 1 / 3),
        ("word LIKE 'ab%'", 0.05),
        ("word LIKE '%ab%'", 0.1),
        ("word LIKE '%ab%cd%'", 0.01),
        ("word NOT LIKE '%ab%'", 0.9),
        ("n < m", 0.5),
    ],
)
def test_selectivity(text: str, expected: float) -> None:
    assert selectivity(expression(text), COLUMNS) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(
    "text", ["length(word) = 3", "word SIMILAR TO 'a'", "n IN (SELECT 1)", "f(n)", "n = ?", "NOT f(n)"]
)
def test_anything_has_a_selectivity(text: str) -> None:
    assert 0.0 < selectivity(expression(text), COLUMNS) <= 1.0


def test_conjunctions_back_off() -> None:
    assert back_off([0.25, 0.01]) == pytest.approx(0.01 * 0.5)
    assert back_off([]) == 1.0
    assert selectivity(expression("n < 250 AND m < 250"), COLUMNS) == pytest.approx(0.125)


@pytest.mark.parametrize(
    ("text", "distinct"),
    [
        ("n", 1000.0),
        ("n + 1", 1000.0),
        ("extract(year FROM day)", 11.0),
        ("extract(month FROM day)", 12.0),
        ("year(day)", 11.0),
        ("CASE WHEN n = 1 THEN 1 ELSE 2 END", 2.0),
        ("substring(word, 1, 2)", 50.0),
        ("7", 1.0),
        ("unknown + n", None),
    ],
)
def test_statistics_of_expressions(text: str, distinct: float | None) -> None:
    found = expression_statistics(expression(text), COLUMNS).distinct
    assert found == (None if distinct is None else pytest.approx(distinct, rel=0.01))


def estimate(node: Node, distinct: float = 100.0) -> float:
    return Estimator(CountedStatistics(distinct)).rows(node)


A, B = scan("a", 10_000), scan("b", 1_000)
U = (Column(ColumnId("u"), "INTEGER"),)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (A, 10_000),
        (where(A, "a_x = 3"), 100),
        (join(A, B), 10_000_000),
        (join(A, B, "a_x = b_x"), 100_000),
        (join(where(A, "a_x = 3"), B, "a_x = b_x"), 1_000),
        (join(A, B, "a_x = b_x AND a_y = b_y"), 10_000),
        (join(A, where(B, "b_x < 0"), "a_x = b_x", JoinKind.LEFT), 10_000),
        (join(A, B, "a_x = b_x", JoinKind.SEMI), 10_000),
        (join(A, where(B, "b_x = 5"), "a_x = b_x", JoinKind.SEMI), 100),
        (join(A, B, "a_x = b_x", JoinKind.ANTI), 200),
        (group(A, "a_x"), 100),
        (group(A, n="count(*)"), 1),
        (group(A, "a_x", "a_y"), 1000),
        (logical.Limit(A, 5), 5),
        (logical.Limit(A, 50, 9_990), 10),
        (logical.SetOperation(SetOperator.UNION, True, project(A, p="a_x"), project(B, q="b_x"), U), 11_000),
        (logical.SetOperation(SetOperator.INTERSECT, False, project(A, p="a_x"), project(B, q="b_x"), U), 500),
        (logical.Values(U, ((expression("1"),), (expression("2"),))), 2),
        (where(project(A, p="a_x + 1"), "p = 7"), 100),
    ],
)
def test_rows_of_nodes(node: Node, expected: float) -> None:
    assert estimate(node) == pytest.approx(expected, rel=0.01)


def test_filters_on_other_columns_leave_the_domain_of_a_key() -> None:
    orders, customers = scan("a", 100_000), scan("b", 1_000)
    node = join(where(orders, "a_y < 500"), where(customers, "b_y < 200"), "a_x = b_x")
    assert estimate(node, 1000.0) == pytest.approx(100_000 * 0.5 * 0.2, rel=0.05)


def test_no_node_is_believed_to_be_empty() -> None:
    assert estimate(where(A, "a_x = 1 AND a_y = 2 AND a_z = 3 AND FALSE")) == 1.0


def test_sums_have_bounds_that_a_filter_can_use() -> None:
    node = group(scan("a", 1_000_000), "a_x", total="sum(a_y)")
    assert estimate(where(node, "total > 1000000"), 100_000.0) < estimate(where(node, "total > 100"), 100_000.0) / 3


def test_an_estimate_is_made_once() -> None:
    estimator = Estimator(CountedStatistics())
    node = join(A, B, "a_x = b_x")
    assert estimator.estimate(node) is estimator.estimate(node)
    assert estimator.estimate(node).bytes == estimator.rows(node) * 6 * 4


def test_drawn_values() -> None:
    assert drawn(100, 1) == pytest.approx(1, rel=0.01)
    assert drawn(100, 1_000_000) == pytest.approx(100)
    assert drawn(1_000_000, 1000) == pytest.approx(1000, rel=0.01)
    assert drawn(0, 10) == 1.0


def test_groups_are_never_more_than_rows() -> None:
    below = Estimator(CountedStatistics(1000.0)).estimate(scan("a", 50))
    assert group_count([ColumnId("a_x"), ColumnId("a_y")], below) <= 50


def test_building_on_the_smaller_side_is_cheaper() -> None:
    assert hash_join_seconds(1e6, 1e3, 8, 1e6, 8) < hash_join_seconds(1e3, 1e6, 8, 1e6, 8)
    assert hash_join_seconds(1e6, 1e6, 8, 1e6, 8) < nested_join_seconds(1e6, 1e6, 1e6, 8)


@pytest.mark.parametrize(("type_", "width"), [("INTEGER", 4), ("VARCHAR", 24), ("BIGINT[]", 64), ("DECIMAL(15,2)", 8)])
def test_widths_of_types(type_: str, width: float) -> None:
    assert type_width(type_) == width


class Nulls(CountedStatistics):
    """Statistics of tables whose column ``x`` is NULL in so many rows."""

    def __init__(self, fraction: float) -> None:
        super().__init__(100.0)
        self.fraction = fraction

    def table(self, source: TableSource, columns: frozenset[str]) -> TableStatistics:
        """As before, with NULLs."""
        known = super().table(source, columns)
        nulls = {"x": replace(known.columns["x"], null_fraction=self.fraction)} if "x" in columns else {}
        return replace(known, columns={**known.columns, **nulls})


@pytest.mark.parametrize(
    ("kind", "fraction", "rows"),
    [
        (JoinKind.INNER, 0.5, 25_000),
        (JoinKind.INNER, 1.0, 1),
        (JoinKind.LEFT, 1.0, 10_000),
        (JoinKind.SEMI, 0.5, 5_000),
        (JoinKind.SEMI, 1.0, 1),
        (JoinKind.ANTI, 1.0, 10_000),
    ],
)
def test_null_keys_have_no_partners(kind: JoinKind, fraction: float, rows: float) -> None:
    node = join(A, B, "a_x = b_x", kind)
    assert Estimator(Nulls(fraction)).rows(node) == pytest.approx(rows, rel=0.01)


def test_totals_of_all_rows_are_one_value() -> None:
    total = group(B, rows="count(*)", values="count(b_x)")
    guarded = join(A, total, 'rows = 0 OR (a_x IS NOT NULL AND "values" = rows)')
    assert estimate(guarded) == pytest.approx(10_000, rel=0.01)


def test_totals_are_normally_distributed() -> None:
    groups = group(scan("a", 1_000_000), "a_x", total="sum(a_y)", n="count(*)")
    assert estimate(where(groups, "total > 557700"), 10_000.0) == pytest.approx(1587, rel=0.05)
    assert estimate(where(groups, "n > 100"), 10_000.0) == pytest.approx(5000, rel=0.05)
    assert estimate(where(groups, "n > 150"), 10_000.0) < 10


def test_comparisons_with_an_average_ask_where_it_is() -> None:
    mean = group(A, average="avg(a_y)")
    assert estimate(join(B, mean, "b_y < 0.2 * average")) == pytest.approx(1000 * 0.1, rel=0.2)


def test_composite_keys_of_one_table_have_as_many_values_as_it_has_rows() -> None:
    node = join(scan("a", 100_000), scan("b", 2000), "a_x = b_x AND a_y = b_y")
    assert estimate(node, 1000.0) == pytest.approx(100_000, rel=0.05)
    several = join(join(scan("a", 100_000), scan("c", 1000), "a_x = c_x"), scan("b", 2000), "a_y = b_y AND c_z = b_z")
    assert estimate(several, 1000.0) == pytest.approx(100_000 * 2000 / 1e6, rel=0.05)


def test_an_or_over_two_tables_is_not_counted_twice() -> None:
    sides = where(A, "a_y = 1 OR a_y = 2"), where(B, "b_y = 3 OR b_y = 4")
    alone = estimate(join(*sides, "a_x = b_x"))
    both = estimate(join(*sides, "a_x = b_x AND ((a_y = 1 AND b_y = 3) OR (a_y = 2 AND b_y = 4))"))
    assert both == pytest.approx(alone / 2, rel=0.1)


QUANTILES = ColumnStatistics(0, 1000, 0.0, 1000.0, quantiles=(0, 1, 2, 3, 1000))
COMMON = ColumnStatistics("a", "z", 0.1, 12.0, common_values=(("m", 0.5), ("n", 0.3)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("q < 2", 0.5),
        ("q <= 3", 0.75),
        ("q > 1001", LEAST_SELECTIVITY),
        ("q BETWEEN 1 AND 2", 0.25),
        ("w = 'm'", 0.5),
        ("w = 'b'", 0.01),
        ("w IN ('m', 'n')", 0.8),
        ("w <> 'm'", 0.5),
    ],
)
def test_what_analyze_found_is_used(text: str, expected: float) -> None:
    columns = {ColumnId("q"): QUANTILES, ColumnId("w"): COMMON}
    assert selectivity(expression(text), columns) == pytest.approx(expected, rel=0.02)
