import functools

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from shoal.planner.check import check
from shoal.planner.functions import AGGREGATES
from shoal.planner.logical import Aggregate, Apply, ApplyKind, Filter, Join, JoinKind, Node, Query, Scan, schema
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.rules.decorrelate import decorrelate
from shoal.planner.rules.decorrelate_empty import UNCERTAIN_OVER_NOTHING, ZERO_OVER_NOTHING, value_over_nothing
from shoal.planner.scalar import sql_of
from shoal.planner.tree import find, walk
from tests.planner.correlated_queries import ROWS, Builder, Built, Sub
from tests.planner.correlated_shapes import CORRELATIONS, SHAPES, USES, build_query
from tests.planner.logical_sql import to_sql
from tests.planner.random_queries import RandomQueries

SECOND_ROW = "More than one row returned by a subquery"


@functools.cache
def kernel() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.execute(ROWS)
    return connection


def rows(sql: str, connection: duckdb.DuckDBPyConnection | None = None) -> list[str] | None:
    """The rows in some fixed order; None if a scalar subquery had a second row."""
    try:
        return sorted(map(repr, (connection or kernel()).execute(sql).fetchall()))
    except duckdb.InvalidInputException as error:
        if SECOND_ROW not in str(error):
            raise
        return None


def decorrelated(builder: Builder, built: Built) -> Node:
    """The tree without applies, checked for what must hold of every plan."""
    root = decorrelate(built.node, builder.ids)
    outputs = tuple(column.id for column in schema(root))
    assert outputs == tuple(column.id for column in schema(built.node))
    types = tuple(column.type for column in schema(root))
    check(Query(root, outputs, outputs, types), decorrelated=True)
    return root


def conditions(root: Node) -> list[str]:
    return [sql_of(join.condition) for join in find(root, Join) if join.condition is not None]


def joins(root: Node) -> list[JoinKind]:
    return [join.kind for join in find(root, Join)]


def scans(root: Node) -> int:
    return len(list(find(root, Scan)))


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_in_every_use_gives_what_the_kernel_gives(shape: str) -> None:
    start = list(SHAPES).index(shape)
    for number, use in enumerate(USES):
        if (start + number) % 3 == 0:
            correlation = CORRELATIONS[(start * 5 + number) % len(CORRELATIONS)]
            builder, built = build_query(shape, use, correlation)
            assert rows(to_sql(decorrelated(builder, built))) == rows(built.sql), (use, correlation, built.sql)


@pytest.mark.parametrize("correlation", CORRELATIONS)
def test_every_correlation(correlation: str) -> None:
    for shape, use in (("count", "scalar item"), ("plain", "in item"), ("plain", "not in where"), ("first", "lateral")):
        builder, built = build_query(shape, use, correlation)
        assert rows(to_sql(decorrelated(builder, built))) == rows(built.sql), (shape, use)


@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 2_000))
def test_random_queries_give_what_the_kernel_gives(seed: int) -> None:
    made = RandomQueries(seed)
    built = made.statement()
    try:
        root = decorrelated(made.builder, built)
    except NotDistributable:
        return
    expected, found = rows(built.sql), rows(to_sql(root))
    # Which rows a subquery is evaluated for, and so whether it fails, depends on the order of the filters.
    if expected is not None and found is not None:
        assert found == expected, built.sql


NUMBERS = st.one_of(st.none(), st.integers(0, 4))


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(
    st.sampled_from(sorted(SHAPES)),
    st.sampled_from(sorted(USES)),
    st.sampled_from(CORRELATIONS),
    st.lists(st.tuples(NUMBERS, NUMBERS), max_size=5),
    st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), max_size=6),
    st.lists(st.tuples(NUMBERS, NUMBERS), max_size=5),
)
def test_random_rows_give_what_the_kernel_gives(shape, use, correlation, outer, inner, other) -> None:
    builder, built = build_query(shape, use, correlation)
    try:
        root = decorrelated(builder, built)
    except NotDistributable:
        return
    connection = kernel().cursor()
    connection.execute("BEGIN")
    try:
        connection.execute("DELETE FROM o; DELETE FROM i; DELETE FROM j")
        for table, given_rows in (("o(a, b)", outer), ("i(x, y, z)", inner), ("j(u, v)", other)):
            for row in given_rows:
                connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' for _ in row)})", row)
        expected, found = rows(built.sql, connection), rows(to_sql(root), connection)
    finally:
        connection.execute("ROLLBACK")
    if expected is not None and found is not None:
        assert found == expected, built.sql


@pytest.mark.parametrize("name", sorted(AGGREGATES - UNCERTAIN_OVER_NOTHING))
def test_the_value_of_an_aggregate_over_no_rows_is_the_kernels(name: str) -> None:
    arguments = {"count_star": "", "regr_count": "x, x"}.get(name, "x" if name in ZERO_OVER_NOTHING else "x, x")
    candidates = [
        arguments,
        "x",
        "x::DECIMAL(5, 2)",
        "x, [1]",
        "x, x",
        "x, 0.5",
        "x, 1",
        "x, ','",
        "b",
        "t",
        "t, x",
        "x::BIT",
        "x::DOUBLE",
        "v",
    ]
    source = "(SELECT 1 AS x, TRUE AS b, 't' AS t, 1::VARIANT AS v WHERE FALSE)"
    call: exp.Expression = exp.Anonymous(this=name, expressions=[])
    expected = value_over_nothing(call)
    for text in candidates:
        try:
            found = duckdb.execute(f"SELECT {name}({text}) FROM {source}").fetchone()
        except duckdb.Error:
            continue
        assert found is not None
        assert found[0] == (None if expected is None else float(expected.name))
        return
    pytest.fail(f"{name} takes none of the arguments tried")


def test_a_plan_without_an_apply_is_left_alone() -> None:
    builder = Builder()
    built = builder.select("q0", builder.table("o", "o1"), {"a": "o1.a"}, "o1.b > 1")
    assert decorrelate(built.node, builder.ids) is built.node


def test_correlated_filters_of_exists_become_the_condition_of_a_semi_join() -> None:
    builder, built = build_query("plain", "semi", "i1.x = o1.a AND i1.y <> o1.b AND i1.z > 1")
    root = decorrelated(builder, built)
    assert joins(root) == [JoinKind.SEMI]
    assert scans(root) == 2
    assert conditions(root) == ['"i1_x" = "o1_a" AND "i1_y" <> "o1_b"']


def test_a_mark_that_only_filters_becomes_a_semi_join() -> None:
    builder, built = build_query("plain", "exists where", "i1.x = o1.a")
    assert joins(decorrelated(builder, built)) == [JoinKind.SEMI]
    builder, built = build_query("plain", "in where", "i1.x = o1.a")
    root = decorrelated(builder, built)
    assert joins(root) == [JoinKind.SEMI]
    assert conditions(root) == ['"i1_x" = "o1_a" AND "o1_b" = "q1_r_out"']


def test_not_in_is_an_anti_join_and_two_counts() -> None:
    builder, built = build_query("plain", "not in where", "i1.x > 1")
    assert sorted(joins(decorrelated(builder, built))) == [JoinKind.ANTI, JoinKind.INNER]


def test_an_equality_groups_by_the_inner_column_and_needs_no_domain() -> None:
    builder, built = build_query("maximum", "scalar item", "i1.x = o1.a AND i1.y > 3")
    root = decorrelated(builder, built)
    assert joins(root) == [JoinKind.LEFT]
    assert conditions(root) == ['"o1_a" = "i1_x"']
    assert scans(root) == 2


def test_integers_of_two_types_may_stand_for_each_other_where_they_are_only_compared() -> None:
    builder, built = build_query("maximum", "scalar item", "i1.z = o1.a")
    assert scans(decorrelated(builder, built)) == 2
    builder, built = build_query("maximum", "scalar item", "i1.z = o1.a AND i1.y > o1.a")
    root = decorrelated(builder, built)
    assert scans(root) == 3
    assert any("IS NOT DISTINCT FROM" in condition for condition in conditions(root))


def test_a_domain_is_built_of_no_more_than_it_needs() -> None:
    """The first subquery's join does not come into the domain of the second."""
    builder = Builder()
    calls = {"n": ("count(*)", "BIGINT")}
    first = builder.select("q1", builder.table("i", "i1"), {"r": "$n"}, "i1.x < o1.a", aggregates=calls)
    second = builder.select("q2", builder.table("j", "j1"), {"r": "$n"}, "j1.u < o1.b", aggregates=calls)
    subs = {"s": Sub(ApplyKind.SCALAR, first), "t": Sub(ApplyKind.SCALAR, second)}
    built = builder.select("q0", builder.table("o", "o1"), {"s": "{s}", "t": "{t}"}, subs=subs)
    root = decorrelated(builder, built)
    assert scans(root) == 5
    assert rows(to_sql(root)) == rows(built.sql)


def test_filters_of_the_left_side_sink_below_the_apply() -> None:
    """So that the domain is of the rows that are left, not of all."""
    builder = Builder()
    calls = {"n": ("count(*)", "BIGINT")}
    sub = Sub(
        ApplyKind.SCALAR, builder.select("q1", builder.table("i", "i1"), {"r": "$n"}, "i1.x < o1.a", aggregates=calls)
    )
    built = builder.select("q0", builder.table("o", "o1"), {"a": "o1.a"}, "o1.b = 10 AND {s} > 0", subs={"s": sub})
    root = decorrelated(builder, built)
    below = [node for node in find(root, Filter) if isinstance(node.input, Scan) and "o1_b" in sql_of(node.predicate)]
    assert len(below) == 2
    assert rows(to_sql(root)) == rows(built.sql)


def test_a_second_row_raises_the_kernels_error() -> None:
    builder, built = build_query("plain", "scalar item", "i1.x = o1.a")
    root = decorrelated(builder, built)
    assert rows(built.sql) is None
    assert rows(to_sql(root)) is None


def test_a_second_row_that_no_outer_row_has_does_no_harm() -> None:
    """Two rows of i have x = 1: the check must see only the rows of o that there are."""
    builder = Builder()
    inner = builder.select("q1", builder.table("i", "i1"), {"r": "i1.y"}, "i1.x = o1.a")
    sub = Sub(ApplyKind.SCALAR, inner)
    built = builder.select("q0", builder.table("o", "o1"), {"r": "{s}"}, "o1.a > 2", subs={"s": sub})
    found = rows(to_sql(decorrelated(builder, built)))
    assert found is not None
    assert found == rows(built.sql)


def test_rows_that_cannot_be_computed_twice_are_refused() -> None:
    builder = Builder()
    left = builder.select("q1", builder.table("o", "o1"), {"a": "o1.a", "b": "o1.b"}, limit=3)
    calls = {"n": ("count(*)", "BIGINT")}
    inner = builder.select("q2", builder.table("i", "i1"), {"r": "$n"}, "i1.x < q1.a_out", aggregates=calls)
    sub = Sub(ApplyKind.SCALAR, inner)
    built = builder.select("q0", builder.derived(left), {"r": "{s}"}, subs={"s": sub})
    with pytest.raises(NotDistributable, match="LIMIT without a total order"):
        decorrelate(built.node, builder.ids)


def test_rows_that_cannot_be_computed_twice_are_taken_where_once_is_enough() -> None:
    builder = Builder()
    left = builder.select("q1", builder.table("o", "o1"), {"a": "o1.a", "b": "o1.b"}, limit=3)
    calls = {"n": ("count(*)", "BIGINT")}
    inner = builder.select("q2", builder.table("i", "i1"), {"r": "$n"}, "i1.x = q1.a_out", aggregates=calls)
    sub = Sub(ApplyKind.SCALAR, inner)
    built = builder.select("q0", builder.derived(left), {"r": "{s}"}, subs={"s": sub})
    assert scans(decorrelated(builder, built)) == 2


def test_an_aggregate_of_unknown_empty_value_is_refused() -> None:
    builder = Builder()
    calls = {"n": ("reservoir_quantile(i1.y, 0.5)", "INTEGER")}
    inner = builder.select("q1", builder.table("i", "i1"), {"r": "$n"}, "i1.x = o1.a", aggregates=calls)
    built = builder.select("q0", builder.table("o", "o1"), {"r": "{s}"}, subs={"s": Sub(ApplyKind.SCALAR, inner)})
    with pytest.raises(NotDistributable, match="reservoir_quantile"):
        decorrelate(built.node, builder.ids)


def test_new_columns_are_typed() -> None:
    for shape, use in (
        ("first", "lateral"),
        ("two levels in", "in item"),
        ("count", "scalar having"),
        ("except", "exists or"),
    ):
        builder, built = build_query(shape, use, "i1.x = o1.a AND i1.y > o1.b")
        root = decorrelated(builder, built)
        untyped = {column.id for node in walk(root) for column in schema(node) if not column.type}
        assert untyped <= {column.id for node in walk(built.node) for column in schema(node) if not column.type}


def test_nesting_without_end_is_refused_soon() -> None:
    """Each level correlates with all levels above it, by no equality."""
    builder = Builder()
    built = builder.select("q0", builder.table("i", "i0"), {"r": "i0.y"}, "i0.x < o1.a")
    for level in range(1, 12):
        sub = Sub(ApplyKind.SCALAR, built)
        calls = {"n": ("count(*)", "BIGINT")}
        where = f"i{level}.x < o1.a AND i{level}.y <= {{s}}"
        source = builder.table("i", f"i{level}")
        built = builder.select(f"q{level}", source, {"r": "$n"}, where, aggregates=calls, subs={"s": sub})
    top = builder.select("top", builder.table("o", "o1"), {"r": "{s}"}, subs={"s": Sub(ApplyKind.SCALAR, built)})
    try:
        root = decorrelate(top.node, builder.ids)
    except NotDistributable:
        return
    assert next(find(root, Apply), None) is None
    assert len(list(find(root, Aggregate))) < 500
