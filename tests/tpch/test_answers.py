"""The check of answers: what it takes as right, and that it finds each kind of wrong."""

from decimal import Decimal

import pyarrow
import pytest

from shoal.tpch.answers import Expectation, expect, find_difference, find_rough_difference
from shoal.tpch.orderings import Ordering, read_ordering, without_limit

UNORDERED = Ordering()


def table(**columns):
    return pyarrow.table(columns)


def difference(right, answer, ordering=UNORDERED):
    return find_difference(Expectation(right, ordering), answer)


@pytest.mark.parametrize(
    ("sql", "names", "ordering"),
    [
        ("SELECT a FROM t", "a", UNORDERED),
        ("SELECT a, b + 1 AS c FROM t ORDER BY c DESC, a LIMIT 7", "a c", Ordering((1, 0), 7)),
        ("SELECT a, b + 1 AS c FROM t ORDER BY 2, t.a", "a c", Ordering((1, 0))),
        ("SELECT a, sum(b) FROM t GROUP BY a ORDER BY sum(b), A", "a sum(b)", Ordering((1, 0))),
        ("SELECT a, b AS d FROM t ORDER BY b", "a d", Ordering((1,))),
        ("SELECT * FROM t ORDER BY b, a", "a b", Ordering((1, 0))),
        ("SELECT DISTINCT (a) FROM t ORDER BY a", "a", Ordering((0,))),
        ("SELECT a FROM t ORDER BY a % 2, b, a", "a order_key_0 order_key_1", Ordering((1, 2, 0), None, 2)),
        ("SELECT a FROM t UNION SELECT b FROM u ORDER BY a, a + 1, a", "a", Ordering((0,))),
    ],
)
def test_reads_what_a_query_promises(sql, names, ordering):
    assert read_ordering(sql, names.split()) == ordering


def test_what_is_ordered_by_is_given_out_without_limit():
    sql = "SELECT a FROM t ORDER BY a % 2, a LIMIT 7"
    assert without_limit(sql) == "SELECT a, a % 2 AS order_key_0 FROM t ORDER BY a % 2, a"
    assert without_limit("SELECT a FROM t ORDER BY a LIMIT 7") == "SELECT a FROM t ORDER BY a"


def test_the_order_by_what_is_not_given_out_counts():
    right = table(a=[1, 2, 3], order_key_0=[0, 0, 1])
    expected = expect("SELECT a FROM t ORDER BY b LIMIT 2", lambda sql: right)
    assert find_difference(expected, table(a=[2, 1])) is None
    assert "rows differ" in find_difference(expected, table(a=[1, 3]))
    expected = expect("SELECT a FROM t ORDER BY b", lambda sql: right)
    assert find_difference(expected, table(a=[2, 1, 3])) is None
    assert "rows differ" in find_difference(expected, table(a=[1, 3, 2]))
    expected = expect("SELECT a FROM t ORDER BY b LIMIT 1", lambda sql: right)
    assert find_difference(expected, table(a=[2])) is None
    assert "lacks" in find_difference(expected, table(a=[3]))


def test_any_order_is_right_without_order_by():
    assert difference(table(a=[1, 2, 3]), table(a=[3, 1, 2])) is None


def test_the_order_counts_with_order_by():
    ordering = Ordering((0,), None)
    assert "order differs from row 1" in difference(table(a=[1, 2, 3]), table(a=[3, 1, 2]), ordering)


def test_rows_of_equal_keys_may_change_places():
    right, answer = table(a=[1, 1, 2], b=["x", "y", "z"]), table(a=[1, 1, 2], b=["y", "x", "z"])
    assert difference(right, answer, Ordering((0,), None)) is None


def test_rows_may_not_move_to_another_key():
    right, answer = table(a=[1, 1, 2], b=["x", "y", "z"]), table(a=[1, 1, 2], b=["x", "z", "y"])
    assert "rows differ" in difference(right, answer, Ordering((0,), None))


def test_any_row_of_a_group_that_the_limit_cuts_is_right():
    right = table(a=[1, 2, 2, 2, 3], b=["p", "x", "y", "z", "q"])
    ordering = Ordering((0,), 3)
    assert difference(right, table(a=[1, 2, 2], b=["p", "z", "x"]), ordering) is None
    assert "lacks" in difference(right, table(a=[1, 2, 2], b=["p", "z", "q"]), ordering)
    assert "lacks" in difference(right, table(a=[1, 2, 2], b=["p", "z", "z"]), ordering)
    assert "rows differ" in difference(right, table(a=[1, 2, 2], b=["w", "x", "y"]), ordering)


def test_a_limit_between_groups_leaves_no_choice():
    right = table(a=[1, 2, 3], b=["p", "x", "q"])
    assert "rows differ" in difference(right, table(a=[1, 2], b=["p", "y"]), Ordering((0,), 2))


@pytest.mark.parametrize(
    ("right", "answer", "words"),
    [
        (table(a=[1]), table(b=[1]), "columns"),
        (table(a=[1]), table(a=["1"]), "string instead of int64"),
        (table(a=[1, 2]), table(a=[1]), "1 rows instead of 2"),
        (table(a=[1, 1, 2]), table(a=[1, 2, 2]), "row 2"),
        (table(a=[1, None]), table(a=[1, 2]), "row 2"),
        (table(a=[1.0, None]), table(a=[1.0, 0.0]), "row 1"),
        (table(a=[1.0]), table(a=[1.0 + 2e-9]), "row 1"),
        (table(a=[float("inf")]), table(a=[1.0]), "row 1"),
        (table(a=[float("inf")]), table(a=[float("-inf")]), "row 1"),
        (table(a=[float("nan")]), table(a=[1.0]), "row 1"),
        (table(a=[Decimal("1.01")]), table(a=[Decimal("1.02")]), "row 1"),
    ],
)
def test_a_wrong_answer_is_described(right, answer, words):
    assert words in difference(right, answer)


def test_floats_agree_within_the_tolerance_and_nulls_with_nulls():
    right = table(a=[1.0, -1e300, float("nan"), float("inf"), 0.0, None])
    answer = table(a=[1.0 + 5e-10, -1.0000000001e300, float("nan"), float("inf"), 0.0, None])
    assert difference(right, answer) is None


def test_the_width_of_a_decimal_does_not_matter_but_its_scale_does():
    wide = pyarrow.array([Decimal("1.50")], pyarrow.decimal128(15, 2))
    narrow = pyarrow.array([Decimal("1.50")], pyarrow.decimal64(15, 2))
    other = pyarrow.array([Decimal("1.500")], pyarrow.decimal128(15, 3))
    assert difference(table(a=wide), table(a=narrow)) is None
    assert "instead of" in difference(table(a=wide), table(a=other))


def rough(right, answer, ordering=UNORDERED):
    return find_rough_difference(Expectation(right, ordering), answer)


def test_other_engines_may_give_other_names_types_and_last_digits():
    right = table(
        k=pyarrow.array([Decimal(1), Decimal(2)], pyarrow.decimal128(38, 0)),
        v=pyarrow.array([Decimal("10.25"), Decimal("0.031234567")], pyarrow.decimal128(20, 9)),
        s=["x", "y"],
    )
    answer = pyarrow.table(
        [
            pyarrow.array([2, 1], pyarrow.int32()),
            pyarrow.array([0.031235, 10.250000001]),
            pyarrow.array(["y", "x"], pyarrow.string_view()),
        ],
        names=["K", "sum(v)", "s"],
    )
    assert rough(right, answer) is None
    assert "order differs" in rough(right, answer, Ordering((0,), None))


@pytest.mark.parametrize(
    ("right", "answer", "words"),
    [
        (table(a=[1]), table(a=[1], b=[1]), "2 columns instead of 1"),
        (table(a=[1, 2]), table(a=[1]), "1 rows instead of 2"),
        (table(a=[1]), table(a=[2]), "row 1"),
        (table(a=[100.0]), table(a=[100.1]), "row 1"),
        (table(a=["x"]), table(a=["y"]), "row 1"),
        (table(a=[1.0]), table(a=["x"]), "types are others"),
        (table(a=[1]), table(a=[1.5]), "types are others"),
    ],
)
def test_other_engines_have_to_be_right_all_the_same(right, answer, words):
    assert words in rough(right, answer)


def test_roughly_equal_rows_of_a_group_that_the_limit_cuts_are_right():
    right = table(a=[1, 2, 2], v=[0.5, 0.25, 0.75])
    ordering = Ordering((0,), 2)
    assert rough(right, table(a=[1, 2], v=[0.5, 0.7500001]), ordering) is None
    assert "lacks" in rough(right, table(a=[1, 2], v=[0.5, 0.9]), ordering)
