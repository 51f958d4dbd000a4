"""Answers are compared row by row, and a wrong one is found and shown."""

from collections.abc import Iterator
from unittest import mock

import pyarrow as pa
import pytest

import shoal
from shoal import verify
from shoal.compare import Difference, compare_tables
from shoal.result_order import ResultOrder, is_volatile, result_order

NAN = float("nan")


def table(**columns: list[object]) -> pa.Table:
    return pa.table({name: pa.array(values) for name, values in columns.items()})


@pytest.mark.parametrize(
    ("ours", "theirs", "ordered_by"),
    [
        (table(a=[1, 2, 3]), table(a=[3, 1, 2]), ()),
        (table(a=[1, 1, 2]), table(a=[2, 1, 1]), ()),
        (table(a=[1, 1, 2], b=["x", "y", "z"]), table(a=[1, 1, 2], b=["y", "x", "z"]), (0,)),
        (table(a=[1.0, NAN, None]), table(a=[NAN, None, 1.0]), ()),
        (
            table(a=["x", "x", "y"], b=[1.0, 2.0, 3.0]),
            table(a=["y", "x", "x"], b=[3 + 1e-12, 2 - 1e-12, 1 + 1e-12]),
            (),
        ),
        (table(a=[0.1 + 0.2, 1e300]), table(a=[0.3, 1e300 * (1 + 1e-10)]), (0,)),
        (table(a=[1e-17]), table(a=[0.0]), ()),
        (table(a=[float("inf")]), table(a=[float("inf")]), ()),
        (table(a=[[1, None], None]), table(a=[None, [1, None]]), ()),
        (table(a=[{"x": 1}]), table(a=[{"x": 1}]), ()),
        (table(a=[1]), table(b=[1]), ()),
        (table(a=pa.array([], pa.int64()).to_pylist()), table(a=[]), ()),
    ],
)
def test_equal(ours: pa.Table, theirs: pa.Table, ordered_by: tuple[int, ...]) -> None:
    assert compare_tables(ours, theirs, ordered_by) is None
    assert compare_tables(theirs, ours, ordered_by) is None


@pytest.mark.parametrize(
    ("ours", "theirs", "ordered_by", "message"),
    [
        (table(a=[1]), table(a=[1], b=[1]), (), "1 columns instead of 2"),
        (table(a=[1, 2]), table(a=[1]), (), "2 rows instead of 1"),
        (table(a=[1]), table(a=["1"]), (), "column 1 has the type"),
        (table(a=[1, 2]), table(a=[1, 3]), (), "1 row differs"),
        (table(a=[1, 1, 2]), table(a=[1, 2, 2]), (), "1 row differs"),
        (table(a=[1, 2]), table(a=[2, 1]), (0,), "order differs from row 1"),
        (table(a=[1, 2], b=[1, 2]), table(a=[1, 2], b=[2, 1]), (0,), "2 rows differ"),
        (table(a=[1.0]), table(a=[1.0 + 1e-8]), (), "1 row differs"),
        (table(a=[1.0]), table(a=[None, ]), (), ""),
        (table(a=[1.0, NAN]), table(a=[1.0, 2.0]), (), "1 row differs"),
        (table(a=[float("inf")]), table(a=[1.0]), (), "1 row differs"),
        (table(a=[-float("inf")]), table(a=[float("inf")]), (), "1 row differs"),
        (table(a=["x"], b=[1.0]), table(a=["y"], b=[1.0]), (), "1 row differs"),
        (table(a=[None, 1]), table(a=[0, 1]), (), "1 row differs"),
    ],
)  # fmt: skip
def test_different(ours: pa.Table, theirs: pa.Table, ordered_by: tuple[int, ...], message: str) -> None:
    found = compare_tables(ours, theirs, ordered_by)
    assert found is not None
    assert message in found.message
    assert compare_tables(theirs, ours, ordered_by) is not None


def test_the_first_rows_are_shown() -> None:
    found = compare_tables(table(a=list(range(100))), table(a=[*range(50), *range(150, 200)]))
    assert found is not None
    assert found.message == "50 rows differ"
    assert len(found.ours) == len(found.theirs) == 3
    assert "only ours: (" in str(found)
    assert "only DuckDB: (" in str(found)


def test_a_limit_cuts_anywhere_among_equals() -> None:
    ours, theirs = table(a=[1, 2, 2], b=["x", "y", "z"]), table(a=[1, 2, 2], b=["x", "w", "z"])
    assert compare_tables(ours, theirs, (0,)) is not None
    assert compare_tables(ours, theirs, (0,), limited=True) is None
    assert compare_tables(table(a=[1, 2], b=["x", "y"]), table(a=[1, 2], b=["v", "y"]), (0,), limited=True) is not None
    assert compare_tables(table(a=[1]), table(a=[2]), limited=True) is None
    assert compare_tables(table(a=[1]), table(a=[2, 3]), limited=True) is not None


def test_a_million_rows() -> None:
    numbers = pa.array(range(1_000_000))
    ours = pa.table({"a": numbers, "b": numbers.cast(pa.float64())})
    theirs = ours.take(pa.array(range(999_999, -1, -1)))
    assert compare_tables(ours, theirs) is None


@pytest.mark.parametrize(
    ("sql", "order"),
    [
        ("SELECT a, b FROM t", ResultOrder()),
        ("SELECT a, b FROM t LIMIT 3", ResultOrder((), limited=True)),
        ("SELECT a, b FROM t ORDER BY b DESC, 1", ResultOrder((1, 0))),
        ("SELECT a, x + 1 AS b FROM t ORDER BY x + 1 LIMIT 1", ResultOrder((1,), limited=True)),
        ("SELECT a, b FROM t ORDER BY hidden, t.a", ResultOrder((0,))),
        ("SELECT a, b FROM t ORDER BY ALL", ResultOrder((0, 1))),
        ("(SELECT a, b FROM t ORDER BY a)", ResultOrder((0,))),
        ("SELECT a, b FROM t UNION SELECT 1, 2 ORDER BY 2", ResultOrder((1,))),
        ("SELECT a, b FROM (SELECT * FROM t ORDER BY a)", ResultOrder()),
        ("not sql at all (", ResultOrder()),
    ],
)
def test_order(sql: str, order: ResultOrder) -> None:
    assert result_order(sql, ("a", "b")) == order


def test_volatile() -> None:
    assert is_volatile("SELECT Random()")
    assert not is_volatile("SELECT 'random()' AS \"now\" -- uuid()")


@pytest.fixture(scope="module")
def connection() -> Iterator[shoal.Connection]:
    with shoal.connect(threads=1, verify=True) as opened:
        opened.register("t", table(a=[3, 1, 2], b=["x", "y", "z"]))
        yield opened


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM t ORDER BY a",
        "SELECT sum(a), INTERVAL 1 DAY, 'x'::ENUM('x') FROM t",
        "SELECT a, b FROM t ORDER BY a LIMIT 2",
        "FROM v",
    ],
)
def test_right_answers_pass(connection: shoal.Connection, sql: str) -> None:
    connection.execute("CREATE OR REPLACE VIEW v AS SELECT max(a) AS m FROM t")
    with shoal.connect(threads=1) as plain:
        plain.register("t", table(a=[3, 1, 2], b=["x", "y", "z"])).execute("CREATE VIEW v AS SELECT max(a) AS m FROM t")
        assert connection.execute(sql).fetchall() == plain.execute(sql).fetchall()


def test_parameters_are_verified_too(connection: shoal.Connection) -> None:
    assert connection.execute("SELECT b FROM t WHERE a = ?", [2]).fetchall() == [("z",)]


def test_a_wrong_answer_raises(connection: shoal.Connection) -> None:
    with (
        mock.patch.object(verify, "run_plain", return_value=table(a=[1, 2, 4])),
        pytest.raises(shoal.WrongAnswer, match=r"1 row differs") as caught,
    ):
        connection.execute("SELECT a FROM t")
    assert "only DuckDB: (4)" in str(caught.value)


def test_a_volatile_statement_warns(connection: shoal.Connection) -> None:
    with pytest.warns(UserWarning, match="not verified"):
        assert len(connection.execute("SELECT random()").fetchall()) == 1


def test_a_difference_is_text() -> None:
    assert str(Difference("two rows", ((1, "x"),), ())) == "two rows\n  only ours: (1, x)"
