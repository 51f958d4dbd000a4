"""Names, types and errors of statements, before anything runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shoal.binder import Binder, BoundCatalog
from shoal.catalog import SessionCatalog
from shoal.planner.errors import (
    BindError,
    ColumnNotFound,
    Error,
    FunctionNotFound,
    NotSupportedError,
    ParameterError,
    Place,
    SourceCorrupt,
    SourceNotFound,
    SyntaxError_,
    TableNotFound,
)
from shoal.planner.source import ArrowSource, Field, ViewDefinition
from shoal.scratch import Scratch
from shoal.source_files import SourceFiles


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    opened = Scratch()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def binder(scratch: Scratch) -> Binder:
    return Binder(scratch)


@pytest.fixture
def catalog(scratch: Scratch) -> SessionCatalog:
    made = SessionCatalog(SourceFiles(scratch))
    orders = (Field("o_orderkey", "BIGINT"), Field("o_orderdate", "DATE"), Field("o_total", "DECIMAL(15,2)"))
    made.put("orders", ArrowSource("o", orders, 10, 100))
    made.put("Lineitem", ArrowSource("l", (Field("l_orderkey", "BIGINT"), Field("weird name", "INTEGER[]")), 10, 100))
    made.put("late", ViewDefinition("late", "SELECT o_orderkey AS key, o_total FROM orders", ("first",)))
    return made


def describe(binder: Binder, catalog: SessionCatalog, sql: str, *parameters: object) -> tuple[Field, ...]:
    return BoundCatalog(binder, catalog.snapshot()).describe(sql, parameters)


@pytest.mark.parametrize(
    ("sql", "fields"),
    [
        ("SELECT 1 AS a, 'x' AS b", (Field("a", "INTEGER"), Field("b", "VARCHAR"))),
        ("SELECT sum(o_total) AS s FROM ORDERS", (Field("s", "DECIMAL(38,2)"),)),
        ('SELECT l."weird name"[1] AS w FROM lineitem AS l', (Field("w", "INTEGER"),)),
        ("FROM late", (Field("first", "BIGINT"), Field("o_total", "DECIMAL(15,2)"))),
        ("WITH orders AS (SELECT 'x' AS o) FROM orders", (Field("o", "VARCHAR"),)),
        ("FROM (\nSUMMARIZE orders\n) SELECT column_name", (Field("column_name", "VARCHAR"),)),
        ("SELECT 1 AS a; ", (Field("a", "INTEGER"),)),
    ],
)
def test_names_and_types(binder: Binder, catalog: SessionCatalog, sql: str, fields: tuple[Field, ...]) -> None:
    assert describe(binder, catalog, sql) == fields


def test_parameters(binder: Binder, catalog: SessionCatalog) -> None:
    sql = "SELECT o_total + ? AS t FROM orders WHERE o_orderdate = ?"
    assert describe(binder, catalog, sql, 2.5, "2020-01-01") == (Field("t", "DOUBLE"),)
    for values in ((), (1,), (1, 2, 3)):
        with pytest.raises(ParameterError):
            describe(binder, catalog, sql, *values)


@pytest.mark.parametrize(
    ("sql", "kind", "place", "hint"),
    [
        ("SELECT l_orderky FROM lineitem", ColumnNotFound, Place(1, 8, 9), "l_orderkey"),
        ("SELECT 'é€',\n  o_orderky FROM orders", ColumnNotFound, Place(2, 3, 9), "o_orderkey"),
        ("SELECT 1 FROM linitem", TableNotFound, Place(1, 15, 7), "Lineitem"),
        ("SELECT * FROM pg_sequnces", TableNotFound, Place(1, 15, 11), "known tables: orders, Lineitem, late"),
        ("SELECT * FRM orders", SyntaxError_, Place(1, 14, 6), 'FROM instead of "FRM"'),
        ("SELECT o_total frm orders", SyntaxError_, Place(1, 20, 6), 'FROM instead of "frm"'),
        ("SELECT * FROM orders WHER o_total = 1", SyntaxError_, Place(1, 27, 7), 'WHERE instead of "WHER"'),
        ("SELECT * FROM orders GRUOP BY 1", SyntaxError_, Place(1, 28, 2), 'GROUP instead of "GRUOP"'),
        ("SELECT (1", SyntaxError_, Place(1, 9, 1), None),
        ("SELECT foo(1)", FunctionNotFound, Place(1, 8, 6), None),
        ("SELECT sum(o_orderdate) FROM orders", BindError, Place(1, 8, 16), None),
        ("SELECT x.a FROM orders AS o", TableNotFound, Place(1, 8, 3), None),
        ("SELECT o_total FROM orders GROUP BY o_orderkey", BindError, Place(1, 8, 7), None),
        ("SELECT 1::no_such_type", BindError, None, None),
    ],
)
def test_errors_have_places_and_hints(
    binder: Binder, catalog: SessionCatalog, sql: str, kind: type[Error], place: Place | None, hint: str | None
) -> None:
    with pytest.raises(kind) as caught:
        describe(binder, catalog, sql)
    assert place is None or caught.value.context.place == place
    assert hint is None or hint in (caught.value.hint or "")
    assert caught.value.context.sql == sql
    assert "pg_" not in (caught.value.hint or "")


def test_a_file_of_the_tables_name_is_the_hint(
    binder: Binder, scratch: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sales.csv").write_text("a\n1\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TableNotFound) as caught:
        describe(binder, SessionCatalog(SourceFiles(scratch)), "FROM sales")
    assert "FROM 'sales.csv'" in (caught.value.hint or "")


def test_files(binder: Binder, catalog: SessionCatalog, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,x\n")
    assert describe(binder, catalog, f"FROM '{path}'") == (Field("a", "BIGINT"), Field("b", "VARCHAR"))
    assert describe(binder, catalog, f"FROM read_csv('{path}')") == (Field("a", "BIGINT"), Field("b", "VARCHAR"))
    assert describe(binder, catalog, f"SELECT filename FROM '{path}'") == (Field("filename", "VARCHAR"),)
    with pytest.raises(SourceNotFound) as caught:
        describe(binder, catalog, f"SELECT *\nFROM '{tmp_path}/tt.csv'")
    assert caught.value.line == 2
    assert "t.csv" in (caught.value.hint or "")
    (tmp_path / "bad.parquet").write_text("nonsense that is long enough")
    with pytest.raises(SourceCorrupt):
        describe(binder, catalog, f"FROM '{tmp_path}/bad.parquet'")
    with pytest.raises(SourceCorrupt):
        describe(binder, catalog, f"FROM read_parquet('{tmp_path}/bad.parquet')")


def test_describing_runs_nothing(binder: Binder, catalog: SessionCatalog) -> None:
    assert describe(binder, catalog, "SELECT error('ran') AS e")[0].name == "e"
    assert describe(binder, catalog, "SELECT count(*) AS n FROM range(1000000000000)") == (Field("n", "BIGINT"),)
    with pytest.raises(NotSupportedError):
        describe(binder, catalog, "SELECT 1; SELECT 2")
    with pytest.raises(SyntaxError_):
        describe(binder, catalog, "CREATE TABLE t AS SELECT 1")


def test_changed_tables_and_views_are_bound_anew(binder: Binder, catalog: SessionCatalog) -> None:
    assert len(describe(binder, catalog, "FROM late")) == 2
    catalog.put("orders", ArrowSource("x", (Field("o_orderkey", "VARCHAR"), Field("o_total", "DATE")), 1, 1))
    assert describe(binder, catalog, "FROM late") == (Field("first", "VARCHAR"), Field("o_total", "DATE"))
    catalog.put("orders", ViewDefinition("orders", "SELECT 1 AS o_orderkey, 2 AS o_total"))
    assert describe(binder, catalog, "FROM late") == (Field("first", "INTEGER"), Field("o_total", "INTEGER"))
    catalog.remove("orders")
    with pytest.raises(TableNotFound, match="late"):
        describe(binder, catalog, "FROM late")


def test_a_view_of_itself(binder: Binder, catalog: SessionCatalog) -> None:
    catalog.put("a", ViewDefinition("a", "FROM b"))
    catalog.put("b", ViewDefinition("b", "FROM a"))
    with pytest.raises(BindError, match="refers to itself"):
        describe(binder, catalog, "FROM a")


def test_types_of_layers(binder: Binder) -> None:
    columns = [Field("a", "DECIMAL(15,2)"), Field("b c", "VARCHAR")]
    layers = [{"x": "a * 2", "y": 'upper("b c")'}, {"s": "sum(x)", "n": "count(*) + 1"}, {"r": "s / n"}]
    assert binder.types(columns, layers) == {
        "x": "DECIMAL(18,2)",
        "y": "VARCHAR",
        "s": "DECIMAL(38,2)",
        "n": "BIGINT",
        "r": "DOUBLE",
    }
    windows = {"w": "row_number() OVER (PARTITION BY a)", "m": "max(a)", "p": "sum(a) OVER () + 1"}
    assert binder.types(columns, [windows]) == {"w": "BIGINT", "m": "DECIMAL(15,2)", "p": "DECIMAL(38,2)"}
    assert binder.types([], [{"one": "1"}]) == {"one": "INTEGER"}
    with pytest.raises(BindError):
        binder.types(columns, [{"x": "missing + 1"}])
