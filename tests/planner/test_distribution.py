"""Distributions: when rows of a group are together, what projections leave of it, which joins need no exchange."""

import pytest

from shoal.planner.distribution import (
    Arbitrary,
    Distribution,
    Hash,
    HashSlot,
    Single,
    Whole,
    groups_together,
    is_spread,
    restricted,
    with_equalities,
)
from shoal.planner.ids import ColumnId
from shoal.planner.types import common_type


def ids(*names: str) -> frozenset[ColumnId]:
    return frozenset(map(ColumnId, names))


def by(*slots: tuple[str, ...]) -> Hash:
    return Hash(tuple(HashSlot(ids(*names), "BIGINT") for names in slots))


@pytest.mark.parametrize(
    ("distribution", "keys", "together"),
    [
        (Single(), (), True),
        (Whole(), ("a",), True),
        (Arbitrary(), ("a",), False),
        (by(("a",)), ("a",), True),
        (by(("a",)), ("a", "b"), True),
        (by(("a",)), ("b",), False),
        (by(("a",)), (), False),
        (by(("a",), ("b",)), ("a",), False),
        (by(("a",), ("b",)), ("a", "b", "c"), True),
        (by(("a", "x")), ("x",), True),
    ],
)
def test_groups_together(distribution: Distribution, keys: tuple[str, ...], together: bool) -> None:
    assert groups_together(distribution, ids(*keys)) is together


def test_only_arbitrary_and_hash_are_spread() -> None:
    assert [is_spread(item) for item in (Single(), Whole(), Arbitrary(), by(("a",)))] == [False, False, True, True]


def test_a_slot_without_columns_leaves_nothing_known() -> None:
    assert restricted(by(("a", "x"), ("b",)), ids("x", "b")) == by(("x",), ("b",))
    assert restricted(by(("a",), ("b",)), ids("a")) == Arbitrary()
    assert restricted(Single(), ids()) == Single()


def test_equal_columns_serve_for_each_other() -> None:
    pairs = [(ColumnId("a"), ColumnId("c")), (ColumnId("c"), ColumnId("d")), (ColumnId("x"), ColumnId("y"))]
    assert with_equalities(by(("a",)), pairs) == by(("a", "c", "d"))
    assert with_equalities(Whole(), pairs) == Whole()


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("INTEGER", "INTEGER", "INTEGER"),
        ("INTEGER", "BIGINT", "BIGINT"),
        ("UTINYINT", "TINYINT", "SMALLINT"),
        ("UBIGINT", "BIGINT", "HUGEINT"),
        ("DECIMAL(9,2)", "DECIMAL(12,4)", "DECIMAL(12,4)"),
        ("DECIMAL(9,0)", "DECIMAL(9,6)", "DECIMAL(15,6)"),
        ("DECIMAL(38,0)", "DECIMAL(38,10)", None),
        ("INTEGER", "VARCHAR", None),
        ("INTEGER", "DOUBLE", None),
        ("INTEGER", "DECIMAL(9,2)", None),
        ("DATE", "TIMESTAMP", None),
        ("", "", None),
        ("UHUGEINT", "BIGINT", None),
    ],
)
def test_the_type_in_which_two_keys_are_hashed(left: str, right: str, expected: str | None) -> None:
    assert common_type(left, right) == expected
    assert common_type(right, left) == expected
