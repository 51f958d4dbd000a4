"""Every DuckDB type, alone and nested, keeps its type and its values on the way through tasks and exchanges."""

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shoal.executor.carrier import empty_select, encode_select, needs_carrier, needs_encoding
from shoal.executor.kernel_types import ListOf, MapOf, Scalar, StructOf, TupleOf, UnionOf, parse_type, quote
from shoal.planner.errors import InvariantViolated
from shoal.planner.source import Field
from shoal.planner.stage import OutputPartitioning
from tests.executor.node import Node, describe, open_node

VALUES: dict[str, tuple[str, ...]] = {
    "BOOLEAN": ("true", "false"),
    "TINYINT": ("-128", "127"),
    "SMALLINT": ("-32768", "32767"),
    "INTEGER": ("-2147483648", "2147483647"),
    "BIGINT": ("-9223372036854775808", "9223372036854775807"),
    "HUGEINT": (
        "'-170141183460469231731687303715884105728'",
        "'170141183460469231731687303715884105727'",
        "'100000000000000000000000000000000000000'",
        "0",
        "-1",
    ),
    "UTINYINT": ("0", "255"),
    "USMALLINT": ("0", "65535"),
    "UINTEGER": ("0", "4294967295"),
    "UBIGINT": ("0", "18446744073709551615"),
    "UHUGEINT": ("0", "'340282366920938463463374607431768211455'"),
    "FLOAT": ("1.5", "'nan'", "'-inf'", "'1e-45'"),
    "DOUBLE": ("1.5", "'nan'", "'inf'", "'5e-324'", "-0.0"),
    "DECIMAL(4,1)": ("-999.9", "999.9"),
    "DECIMAL(9,2)": ("-9999999.99", "0"),
    "DECIMAL(18,3)": ("'-999999999999999.999'", "1"),
    "DECIMAL(38,10)": ("'9999999999999999999999999999.9999999999'", "-1"),
    "DECIMAL(38,0)": ("'99999999999999999999999999999999999999'",),
    "VARCHAR": ("''", "'a''b'", "'日本語'", "repeat('x', 5000)"),
    "BLOB": ("''", r"'\x00\xFF'", "repeat('a', 5000)"),
    "BIT": ("'0'", "'1010101010101'", "'11111111'"),
    "BIGNUM": ("'123456789012345678901234567890123456789012345678901234567890'", "'-1'", "0"),
    "DATE": ("'infinity'", "'-infinity'", "'5877642-06-25 (BC)'", "'2024-02-29'"),
    "TIME": ("'00:00:00'", "'24:00:00'", "'12:34:56.789012'"),
    "TIME_NS": ("'12:34:56.789012345'",),
    "TIME WITH TIME ZONE": ("'00:00:00+15:59:59'", "'24:00:00-15:59:59'", "'12:34:56.789012+01'"),
    "TIMESTAMP": ("'infinity'", "'-infinity'", "'290309-12-22 (BC) 00:00:00'", "'2024-01-01 12:34:56.789012'"),
    "TIMESTAMP_S": ("'2024-01-01 12:34:56'", "'infinity'"),
    "TIMESTAMP_MS": ("'2024-01-01 12:34:56.789'",),
    "TIMESTAMP_NS": ("'2024-01-01 12:34:56.789012345'", "'infinity'"),
    "TIMESTAMP WITH TIME ZONE": ("'2024-01-01 12:34:56.789012+05'", "'infinity'"),
    "TIMESTAMPTZ_NS": ("'2024-01-01 12:34:56.789012345+05'",),
    "INTERVAL": (
        "to_months(-2147483648)",
        "to_microseconds(9223372036854775807)",
        "to_microseconds(-9223372036854775808)",
        "INTERVAL '1 month -2 days 3 microseconds'",
        "to_days(2147483647)",
    ),
    "UUID": ("'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"),
    "ENUM('a', 'b''c', 'd,e')": ("'a'", "'b''c'", "'d,e'"),
    "JSON": ("'null'", """'{"a": [1, 2.50]}'""", "'\"x\"'"),
    "GEOMETRY": ("'POINT (1 2)'", "'LINESTRING (0 0, 1 1)'"),
    "VARIANT": ("1", "'x'", "[1, 2]", "{'a': DATE '2024-01-01'}"),
    "INTEGER[]": ("[]", "[NULL]", "[1, NULL, 3]"),
    "HUGEINT[]": ("['170141183460469231731687303715884105727', NULL]",),
    "UUID[][]": ("[['ffffffff-ffff-ffff-ffff-ffffffffffff'], NULL, []]",),
    "INTERVAL[2]": ("[to_microseconds(9223372036854775807), NULL]",),
    "BLOB[]": (r"['\x00', NULL, 'abcdefghijklmnopqrstuvwxyz']",),
    'STRUCT(a UHUGEINT, "b c" BIT, "d""e" JSON)': (
        "{'a': 5, 'b c': '101', 'd\"e': '[1]'}",
        "{'a': NULL, 'b c': NULL, 'd\"e': NULL}",
    ),
    "STRUCT(a GEOMETRY, b VARIANT[], c BLOB)": ("{'a': 'POINT (1 2)', 'b': [1::VARIANT], 'c': 'x'}",),
    "TUPLE(INTEGER, ENUM('a'))": ("row(1, 'a')", "row(NULL, NULL)"),
    "MAP(UUID, TIME WITH TIME ZONE)": ("MAP {'ffffffff-ffff-ffff-ffff-ffffffffffff': '12:00:00+01'}", "MAP {}"),
    "MAP(VARCHAR, HUGEINT[])": ("MAP {'a': [1::HUGEINT], 'b': NULL}",),
    "UNION(num HUGEINT, str VARCHAR)": ("union_value(num := 1)", "union_value(str := 'x')", "union_value(num := NULL)"),
    'UNION("a b" INTEGER, c ENUM(\'x\'))[]': (
        '[union_value("a b" := 1), NULL, union_value("a b" := NULL)]',
        "[union_value(c := 'x'::ENUM('x'))]",
    ),
    "STRUCT(u UNION(a INTEGER, b BIT), v MAP(VARCHAR, UNION(x DATE, y INTERVAL)))": (
        "{'u': union_value(b := '10'::BIT), 'v': MAP {'k': union_value(y := to_days(1))}}",
    ),
    "TUPLE(UNION(a INTEGER), VARCHAR)": ("row(union_value(a := 1), 'x')",),
    "UNION(a UNION(b INTEGER, c UUID), d DATE)": (
        "union_value(a := union_value(c := 'ffffffff-ffff-ffff-ffff-ffffffffffff'::UUID))",
    ),
    "UNION(a INTEGER, b VARCHAR)[2]": ("[union_value(a := 1), NULL]",),
    '"NULL"': ("NULL",),
}  # fmt: skip
"""For each type the SQL of some of its values, extremes among them; NULL comes with all."""


def cast(type_: str, value: str) -> str:
    """A value of exactly that type; a union in a literal has only the member that it is made of."""
    return f"CAST({value} AS {type_})"


def column_sql(type_: str) -> str:
    values = [*VALUES[type_], "NULL"]
    rows = [f"SELECT {number} AS i, {cast(type_, value)} AS c" for number, value in enumerate(values)]
    return "\nUNION ALL\n".join(rows)


TELL = "typeof(c), c IS NULL, CAST(c AS VARCHAR)"
"""What has to be the same before and after; the text tells NULL members of unions apart, too."""

TOLD = (Field("i", "INTEGER"), Field("t", "VARCHAR"), Field("n", "BOOLEAN"), Field("v", "VARCHAR"))


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with open_node(tmp_path_factory.mktemp("node")) as made:
        yield made


@pytest.mark.parametrize("type_", VALUES)
def test_types_survive_exchanges(node: Node, type_: str) -> None:
    sql = column_sql(type_)
    columns = describe(sql)
    assert columns[1].type == type_
    with duckdb.connect() as connection:
        expected = connection.execute(f"SELECT i, {TELL} FROM ({sql}) ORDER BY i").fetchall()
    parted = f"SELECT *, (i % 3)::UTINYINT AS p FROM ({sql})"
    first = node.run(node.task(parted, columns, output=OutputPartitioning(3, "p")))
    for mmap in (True, False):
        second = node.task(
            f"SELECT i, {TELL} FROM x ORDER BY i", TOLD, exchanges=(node.exchange("x", first, columns),), mmap=mmap
        )
        assert node.rows(second) == expected


@pytest.mark.parametrize("type_", VALUES)
def test_types_of_inputs_without_rows(node: Node, type_: str) -> None:
    columns = (Field("c", type_),)
    sql = "SELECT count(*) AS n, typeof(any_value(c)) AS t FROM x"
    output = node.run(node.task(f"{empty_select(columns)}", columns))
    assert output.rows == (0,)
    for exchange in (node.exchange("x", output, columns),):
        task = node.task(sql, (Field("n", "BIGINT"), Field("t", "VARCHAR")), exchanges=(exchange,))
        assert node.rows(task) == [(0, type_)]


def test_results_with_doubled_names(node: Node) -> None:
    sql = "SELECT 1::UHUGEINT AS a, INTERVAL 1 day AS a, 'x' AS \"b c\" ORDER BY 1"
    task = node.task(sql)
    assert [column.name for column in task.columns] == ["a", "a", "b c"]
    assert node.table(node.run(task)).column_names == ["a", "a", "b c"]
    with duckdb.connect() as connection:
        assert node.rows(task) == connection.execute(sql).fetchall()


def test_only_what_needs_it_is_encoded() -> None:
    plain = (Field("a", "INTEGER"), Field("b", "DECIMAL(15,2)[]"), Field("c", 'STRUCT(x VARCHAR, "y z" DATE)'))
    assert encode_select("SELECT 1", plain) == "SELECT 1"
    assert not any(needs_carrier(column.type) for column in plain)
    for arrives_otherwise in ("HUGEINT", "UUID", "JSON", "STRUCT(a UUID)"):
        assert not needs_encoding(arrives_otherwise)
        assert needs_carrier(arrives_otherwise)


def test_encoding_keeps_the_order_of_rows(node: Node) -> None:
    sql = "SELECT range::UHUGEINT AS a FROM range(300000) ORDER BY hash(range) DESC LIMIT 200000"
    with duckdb.connect() as connection:
        assert node.rows(node.task(sql)) == connection.execute(sql).fetchall()


@dataclass(frozen=True)
class Typed:
    """A type and the SQL of a value."""

    type: str
    value: str


SCALARS = [type_ for type_ in VALUES if type(parse_type(type_)) is Scalar and type_ != '"NULL"']
scalars = st.sampled_from(SCALARS).flatmap(
    lambda type_: st.sampled_from([*VALUES[type_], "NULL"]).map(lambda value: Typed(type_, cast(type_, value)))
)
names = st.sampled_from(["a", "b c", 'd"e', "select", "Ä"])


def nest(inner: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    def as_list(item: Typed) -> Typed:
        return Typed(f"{item.type}[]", f"[{item.value}, NULL]::{item.type}[]")

    def as_array(item: Typed) -> Typed:
        return Typed(f"{item.type}[2]", f"[{item.value}, NULL]::{item.type}[2]")

    def as_map(item: Typed) -> Typed:
        type_ = f"MAP(UUID, {item.type})"
        return Typed(type_, f"CAST(MAP {{'00000000-0000-0000-0000-000000000001'::UUID: {item.value}}} AS {type_})")

    def as_struct(name: str, item: Typed, other: Typed) -> Typed:
        type_ = f"STRUCT({quote(name)} {item.type}, z {other.type})"
        return Typed(type_, f"CAST(struct_pack({quote(name)} := {item.value}, z := {other.value}) AS {type_})")

    def as_union(name: str, item: Typed, other: Typed, first: bool) -> Typed:
        type_ = f"UNION({quote(name)} {item.type}, z {other.type})"
        member = f"{quote(name)} := {item.value}" if first else f"z := {other.value}"
        return Typed(type_, f"CAST(union_value({member}) AS {type_})")

    return st.one_of(
        inner.map(as_list),
        inner.map(as_array),
        inner.map(as_map),
        st.builds(as_struct, names, inner, inner),
        st.builds(as_union, names, inner, inner, st.booleans()),
    )


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(st.lists(st.recursive(scalars, nest, max_leaves=4), min_size=1, max_size=3))
def test_any_nested_type_survives(node: Node, values: list[Typed]) -> None:
    sql = "SELECT " + ", ".join(f"{typed.value} AS c{number}" for number, typed in enumerate(values))
    sql = f"{sql} UNION ALL SELECT {', '.join(f'CAST(NULL AS {typed.type})' for typed in values)}"
    columns = describe(sql)
    tell = ", ".join(f"typeof(c{n}), c{n} IS NULL, CAST(c{n} AS VARCHAR)" for n in range(len(values)))
    with duckdb.connect() as connection:
        expected = connection.execute(f"SELECT {tell} FROM ({sql})").fetchall()
    first = node.run(node.task(sql, columns))
    told = tuple(Field(f"t{n}", type_) for n, type_ in enumerate(["VARCHAR", "BOOLEAN", "VARCHAR"] * len(values)))
    second = node.task(f"SELECT {tell} FROM x", told, exchanges=(node.exchange("x", first, columns),))
    assert node.rows(second) == expected


def test_parse_type() -> None:
    assert parse_type("DECIMAL(15,2)") == Scalar("DECIMAL(15,2)")
    assert parse_type("TIMESTAMP WITH TIME ZONE[]") == ListOf(Scalar("TIMESTAMP WITH TIME ZONE"))
    assert parse_type("INTEGER[3][]") == ListOf(ListOf(Scalar("INTEGER"), 3))
    assert parse_type("MAP(VARCHAR, STRUCT(a INTEGER))") == MapOf(
        Scalar("VARCHAR"), StructOf((("a", Scalar("INTEGER")),))
    )
    assert parse_type("TUPLE(INTEGER, ENUM('a,b', 'c''d)'))") == TupleOf(
        (Scalar("INTEGER"), Scalar("ENUM('a,b', 'c''d)')"))
    )
    assert parse_type('UNION("a, b" INTEGER, "c""(d" VARCHAR[])') == UnionOf(
        (("a, b", Scalar("INTEGER")), ('c"(d', ListOf(Scalar("VARCHAR"))))
    )
    for broken in ("STRUCT(a INTEGER", 'STRUCT("a INTEGER)', "STRUCT(() INTEGER)"):
        with pytest.raises(InvariantViolated):
            parse_type(broken)


@pytest.mark.parametrize("type_", VALUES)
def test_rendered_types_mean_the_same(type_: str) -> None:
    assert describe(f"SELECT CAST(NULL AS {parse_type(type_)}) AS c") == (Field("c", type_),)
