"""Variables, prepared statements, macros and texts of several statements, each compared with plain DuckDB."""

from collections.abc import Iterator

import duckdb
import pytest

import shoal
from shoal.planner.errors import Place
from tests.engine.bad_input_modes import MODES
from tests.engine.session_modes import same, shoal_and_duckdb

Both = tuple[shoal.Connection, duckdb.DuckDBPyConnection]


@pytest.fixture(scope="module", params=MODES)
def both(request: pytest.FixtureRequest) -> Iterator[Both]:
    with shoal_and_duckdb(request.param) as made:
        yield made


def tell(both: Both, *statements: str) -> None:
    for sql in statements:
        for connection in both:
            connection.execute(sql)


@pytest.mark.parametrize(
    "value",
    [
        "5", "(SELECT max(a) FROM t)", "INTERVAL 1 MONTH", "[1, 2, NULL]", "{'a': 1, 'b': 'x''y'}", "MAP {'k': 1.5}",
        "NULL", "DATE '2020-02-29'", "TIMESTAMPTZ '2020-01-01 00:00:00+02'", "'é\U0001f600 ''q'''", "-0.0::DOUBLE",
        "'nan'::FLOAT", "170141183460469231731687303715884105727::HUGEINT", "'\\xAB\\x00'::BLOB", "1.50::DECIMAL(18,3)",
        "'b'::ENUM('a', 'b')", "uuid '6ffeb87e-4a48-4ec5-94b7-b3f0ad4ec3a4'", "'0101'::BIT", "1::TINYINT", "true",
    ],
)  # fmt: skip
def test_a_variable_keeps_value_and_type(both: Both, value: str) -> None:
    tell(both, f"SET VARIABLE v = {value}")
    same(*both, "SELECT getvariable('v'), typeof(getvariable('V')), getvariable('v') IS NULL AS n, count(*) FROM t")


def test_variables_in_queries(both: Both) -> None:
    tell(both, "SET VARIABLE low = 1", "SET VARIABLE \"odd name\" = 'x'")
    same(*both, "SELECT g, sum(a + getvariable('low')) AS s FROM t WHERE a > getvariable('low') GROUP BY g")
    same(*both, "SELECT a FROM t WHERE g = getvariable('odd name')")
    tell(both, "SET VARIABLE low = getvariable('low') + 1")
    same(*both, "SELECT count(*), getvariable('low') FROM t WHERE a > getvariable('low')")
    tell(both, "CREATE OR REPLACE TEMP VIEW above AS SELECT a FROM t WHERE a > getvariable('low')")
    assert same(*both, "SELECT count(*) FROM above") == [(2,)]
    tell(both, "SET VARIABLE low = 3")
    assert same(*both, "SELECT count(*) FROM above") == [(1,)]
    for connection in both:
        connection.execute("SET VARIABLE low = $much + 1", {"much": 2})
    assert same(*both, "SELECT getvariable('low'), typeof(getvariable('low'))") == [(3, "INTEGER")]
    tell(both, "RESET VARIABLE low", "RESET VARIABLE never_there")
    assert same(*both, "SELECT getvariable('low')") == [(None,)]
    assert ("odd name", "x", "VARCHAR") in both[0].execute("SHOW VARIABLES").fetchall()


@pytest.mark.parametrize(
    ("sql", "kind", "place"),
    [
        ("SET VARIABLE v = nowhere + 1", shoal.ColumnNotFound, Place(1, 18, 7)),
        ("SET VARIABLE v =\n  (SELECT max(b) FROM t)", shoal.ColumnNotFound, Place(2, 15, 1)),
        ("SET VARIABLE v = 1 +", shoal.SyntaxError_, None),
        ("SET VARIABLE v", shoal.SyntaxError_, None),
        ("SET VARIABLE v = 1, 2", shoal.SyntaxError_, None),
        ("PREPARE p AS SELECT nowhere FROM t", shoal.ColumnNotFound, Place(1, 21, 7)),
        ("PREPARE p AS\nSELECT 1 FROM nowhere", shoal.TableNotFound, Place(2, 15, 7)),
        ("PREPARE p AS INSTALL httpfs", shoal.NotSupportedError, Place(1, 14, 7)),
        ("PREPARE p AS PREPARE q AS SELECT 1", shoal.SyntaxError_, Place(1, 14, 7)),
        ("PREPARE p AS CREATE TABLE u AS SELECT 1 AS a", shoal.SyntaxError_, Place(1, 14, 6)),
        ("PREPARE p AS SET partitions = 2", shoal.SyntaxError_, Place(1, 14, 3)),
        ("PREPARE p AS DELETE FROM nowhere", shoal.TableNotFound, Place(1, 26, 7)),
        ("EXECUTE nowhere", shoal.BindError, None),
        ("EXECUTE p((SELECT 1))", shoal.ParameterError, Place(1, 12, 6)),
        ("CREATE MACRO bad(x) AS x + nowhere(1)", shoal.FunctionNotFound, Place(1, 28, 10)),
        ("CREATE MACRO bad(x, x) AS 1", shoal.SyntaxError_, None),
        ("CREATE OR REPLACE TEMP MACRO bad(x) AS\n (SELECT max(b) FROM t)", shoal.ColumnNotFound, Place(2, 14, 1)),
        ("SELECT bad(1)", shoal.FunctionNotFound, Place(1, 8, 6)),
        ("DROP MACRO bad", shoal.FunctionNotFound, None),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else "",
)
def test_wrong_statements(both: Both, sql: str, kind: type[shoal.Error], place: Place | None) -> None:
    with pytest.raises(kind) as caught:
        both[0].execute(sql)
    assert place is None or caught.value.context.place == place


def test_prepared_statements(both: Both) -> None:
    tell(both, "PREPARE p AS SELECT g, a + ? AS s, typeof($1) FROM t WHERE a > $2 ORDER BY a")
    for sql in ("EXECUTE p(1, 2)", "EXECUTE P(1::TINYINT, 1 + 1)", "EXECUTE p(NULL, 1)", "EXECUTE p(1.5, 3)"):
        same(*both, sql)
    tell(both, "PREPARE p AS SELECT $u, $w || 'z', typeof($u) FROM t LIMIT 1")
    for sql in ("EXECUTE p(w := 'x', u := INTERVAL 2 MONTH)", "EXECUTE p(u := [1, 2], W := NULL)"):
        same(*both, sql)
    for sql in ("EXECUTE p(u := 1)", "EXECUTE p(1, 2)", "EXECUTE p", "EXECUTE p(u := 1, w := 2, x := 3)"):
        with pytest.raises(shoal.ParameterError):
            both[0].execute(sql)
        with pytest.raises(duckdb.Error):
            both[1].execute(sql)
    tell(both, "DEALLOCATE PREPARE p", "DEALLOCATE p")
    with pytest.raises(shoal.BindError):
        both[0].execute("EXECUTE p(u := 1, w := 2)")


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        ("SELECT $name", {"name": 5}),
        ("SELECT $a + $b, $a, $A FROM t", {"a": 1, "b": 2.5}),
        ("SELECT g, sum(a + $more) FROM t WHERE g <> $g GROUP BY g", {"more": 10, "g": "y"}),
        ("SELECT ?, $1, ?2 FROM t", [1, "x"]),
    ],
)
def test_parameters(both: Both, sql: str, parameters: object) -> None:
    same(*both, sql, parameters)


def test_scalar_macros(both: Both) -> None:
    tell(
        both,
        "CREATE MACRO add(x, y := 5) AS x + y",
        "CREATE OR REPLACE MACRO plus(x, y := 5) AS x + y",
        "CREATE FUNCTION share(x) AS sum(x) / count(*)",
        "CREATE TEMP MACRO total(k) AS (SELECT sum(a) FROM t WHERE g = k)",
        "CREATE MACRO over(x) AS x, (x, y) AS x * y",
        "CREATE MACRO deep(x) AS plus(plus(x), y := x)",
        "CREATE MACRO each(l) AS list_transform(l, lambda x: x + 1)",
        "CREATE MACRO \"odd name\"(x) AS x || '!'",
        "CREATE MACRO few(x) AS CASE WHEN x > 2 THEN NULL ELSE x END",
    )
    for sql in (
        "SELECT plus(a), plus(a, 1), plus(a, y := 2) AS z FROM t",
        "SELECT sum(plus(a)) FROM t WHERE plus(a, 1) > 3",
        "SELECT g, share(a) FROM t GROUP BY g",
        "SELECT DISTINCT total('x'), total('nowhere') FROM t",
        "SELECT over(a), over(a, 3) FROM t",
        "SELECT deep(a) - deep(1 + 1) * 2 FROM t",
        "SELECT each([a, 2]) FROM t",
        'SELECT "odd name"(g), a.plus(3) FROM t',
        "SELECT few(a) AS few, count(*) FROM t GROUP BY few(a) ORDER BY 1",
        "SUMMARIZE SELECT plus(a) FROM t",
        "SELECT x FROM (SELECT plus(a), a FROM t) AS x",
        "SELECT plus(a) FROM t UNION ALL SELECT plus(1)",
        "SELECT (SELECT max(plus(a)) FROM t), g FROM t",
        "SELECT main.plus(1)",
        "SELECT x.a FROM t AS x JOIN t AS y ON plus(x.a) = plus(y.a, 6)",
        "SELECT count(*) FILTER (plus(a) > 6), max(few(a)) OVER (PARTITION BY g) FROM t GROUP BY a, g",
    ):
        same(*both, sql)
    tell(both, "CREATE OR REPLACE MACRO plus(x, y := 7) AS x - y", "CREATE VIEW called AS SELECT deep(a) AS d FROM t")
    same(*both, "SELECT deep(a) FROM t")
    same(*both, "SELECT sum(d) FROM called")
    tell(both, "CREATE MACRO IF NOT EXISTS plus(x) AS 'another'", "DROP FUNCTION share", "DROP MACRO IF EXISTS share")
    same(*both, "SELECT plus(10)")
    with pytest.raises(shoal.ProgrammingError, match="already"):
        both[0].execute("CREATE MACRO plus(x) AS x")
    with pytest.raises(shoal.BindError, match="plus"):
        both[0].execute("SELECT plus(1, 2, 3)")


def test_a_macro_that_hides_a_function(both: Both) -> None:
    tell(both, "CREATE MACRO lower(x) AS 'mine'")
    same(*both, "SELECT lower(g), upper(g), sum(a) FROM t GROUP BY g")
    tell(both, "DROP MACRO lower")
    same(*both, "SELECT lower('A'), sum(a) FROM t")


def test_table_macros(both: Both) -> None:
    tell(both, "CREATE MACRO up_to(n) AS TABLE SELECT * FROM t WHERE a <= n", "SET VARIABLE top = 3")
    same(*both, "SELECT g, sum(a) FROM up_to(getvariable('top')) AS u GROUP BY g")
    same(*both, "SELECT u.a, t.g FROM up_to(2) AS u JOIN t USING (a)")
    tell(both, "SET VARIABLE named = 't'")
    same(*both, "SELECT count(*) FROM query_table(getvariable('named'))")
    same(*both, "SELECT count(*) FROM query('FROM ' || getvariable('named'))")
    tell(both, "DROP MACRO TABLE up_to")
    with pytest.raises(shoal.Error, match="up_to"):
        both[0].execute("FROM up_to(1)")


def test_statements_on_tables(both: Both) -> None:
    tell(
        both,
        "CREATE OR REPLACE TABLE kept (a INTEGER, b VARCHAR)",
        "PREPARE put AS INSERT INTO kept VALUES (?, $2)",
        "EXECUTE put(1, 'x')",
        "EXECUTE put(2, NULL)",
        "SET VARIABLE five = 5",
        "INSERT INTO kept SELECT getvariable('five'), 'five'",
        "CREATE OR REPLACE MACRO ten_more(x) AS x + 10",
        "UPDATE kept SET a = ten_more(a) WHERE a = getvariable('five')",
        "DELETE FROM kept WHERE ten_more(a) = 12",
        "CREATE OR REPLACE TABLE made AS SELECT ten_more(a) AS z, getvariable('five') AS w FROM kept",
    )
    for sql in ("FROM kept", "FROM made", "SELECT sum(ten_more(z)) FROM made, kept WHERE ten_more(a) = z"):
        same(*both, sql)
    for wrong, kind in {
        "PREPARE p AS UPDATE kept SET nothing = ?": shoal.BindError,
        "PREPARE p AS DELETE FROM kept WHERE nothing = ?": shoal.ColumnNotFound,
        "PREPARE p AS INSERT INTO kept VALUES (?, ?, ?)": shoal.BindError,
    }.items():
        with pytest.raises(kind):
            both[0].execute(wrong)
    tell(both, "PREPARE p AS INSERT INTO kept SELECT a, $text FROM kept", "EXECUTE p(text := 'again')")
    same(*both, "FROM kept")


def test_several_statements(both: Both) -> None:
    ours = both[0]
    sql = "SET VARIABLE n = 1; SELECT getvariable('n') + 1;"
    assert ours.execute(sql).fetchall() == [(2,)]
    assert ours.execute("SELECT 1; SELECT ? + 1", [4]).fetchall() == [(5,)]
    assert ours.execute("PREPARE p AS SELECT ?; SET VARIABLE n = 7; EXECUTE p(getvariable('n'))").fetchall() == [(7,)]
    for wrong in ("SELECT ?; SELECT ?", "SELECT 1; SELECT 2"):
        with pytest.raises(shoal.ParameterError):
            ours.execute(wrong, [4])
    with pytest.raises(shoal.ColumnNotFound) as caught:
        ours.execute("SET VARIABLE n = 8;\nSELECT 1;\n  SELECT nowhere FROM t; SET VARIABLE n = 9")
    assert caught.value.context.place == Place(3, 10, 7)
    assert ours.execute("SELECT getvariable('n')").fetchall() == [(8,)]
    with pytest.raises(shoal.NotSupportedError, match="LOAD") as refused:
        ours.execute("SET VARIABLE n = 10; LOAD httpfs; SET VARIABLE n = 11")
    assert refused.value.context.place == Place(1, 22, 4)
    assert ours.execute("SELECT getvariable('n')").fetchall() == [(10,)]
