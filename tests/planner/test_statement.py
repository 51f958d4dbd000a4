"""Statements are told apart, keep their places, and are refused with a place when they are not Shoal's."""

import pytest

from shoal.planner.errors import Error, NotSupportedError, Place, StatementTooLarge, SyntaxError_
from shoal.planner.lexer import StatementText
from shoal.planner.statement import (
    CreateView,
    Describe,
    DropView,
    Explain,
    ExplainMode,
    Query,
    ResetVariable,
    SetVariable,
    ShowAll,
    ShowSetting,
    ShowTables,
    Statement,
    check_size,
    classify,
    split_statements,
)


@pytest.mark.parametrize(
    ("sql", "statement"),
    [
        ("SELECT 1", Query("SELECT 1")),
        ("-- note\n (SELECT 1) ;", Query("-- note\n (SELECT 1) ")),
        ("/* a /* nested */ comment */ FROM t", Query("/* a /* nested */ comment */ FROM t")),
        ("/* x */ table t", Query("/* x */ FROM  t")),
        ("PIVOT t ON x", Query("PIVOT t ON x", dynamic=True)),
        ("SUMMARIZE t", Query("FROM (\nSUMMARIZE t\n)")),
        ("create view v as select 1", CreateView("v", (), "                 select 1")),
        (
            'CREATE TEMP VIEW IF NOT EXISTS "V 1" (a, "b") AS\nSELECT 1, 2',
            CreateView("V 1", ("a", "b"), " " * 48 + "\nSELECT 1, 2", if_not_exists=True),
        ),
        ("DROP VIEW IF EXISTS v", DropView("v", if_exists=True)),
        ("drop view v", DropView("v")),
        ("SET verify = on", SetVariable("verify", "on")),
        ("SET SESSION Timeout TO '30s';", SetVariable("timeout", "30s")),
        ("SET TIME ZONE 'Europe/Berlin'", SetVariable("timezone", "Europe/Berlin")),
        ("SET partitions = -3", SetVariable("partitions", "-3")),
        ("RESET verify", ResetVariable("verify")),
        ("SHOW ALL", ShowAll()),
        ("SHOW TABLES", ShowTables()),
        ("SHOW verify", ShowSetting("verify", "FROM verify")),
        ("DESCRIBE t", Describe("FROM     t", "t")),
        ("DESC SELECT 1", Describe("     SELECT 1")),
        ("EXPLAIN SELECT 1", Explain(ExplainMode.PLAN, Query("        SELECT 1"))),
        ("EXPLAIN (SELECT 1)", Explain(ExplainMode.PLAN, Query("        (SELECT 1)"))),
        ("EXPLAIN ANALYZE FROM t", Explain(ExplainMode.ANALYZE, Query("                FROM t"))),
        ("EXPLAIN (FRAGMENTS) FROM t", Explain(ExplainMode.FRAGMENTS, Query(" " * 20 + "FROM t"))),
        ("EXPLAIN (format 'json') FROM t", Explain(ExplainMode.JSON, Query(" " * 24 + "FROM t"))),
    ],
)
def test_kinds(sql: str, statement: Statement) -> None:
    assert classify(sql) == statement


@pytest.mark.parametrize(
    ("sql", "kind", "place"),
    [
        ("", SyntaxError_, None),
        ("-- nothing", SyntaxError_, None),
        ("  SELET 1", SyntaxError_, Place(1, 3, 5)),
        ("COPY t TO x", SyntaxError_, Place(1, 11, 1)),
        ("\nATTACH 'x'", NotSupportedError, Place(2, 1, 6)),
        ("INSERT INTO t", SyntaxError_, Place(1, 14, 1)),
        ("UPDATE t SET a", SyntaxError_, Place(1, 15, 1)),
        ("DELETE FROM t WHERE", SyntaxError_, Place(1, 20, 1)),
        ("MERGE INTO t USING u ON true", NotSupportedError, Place(1, 1, 5)),
        ("PRAGMA x", NotSupportedError, Place(1, 1, 6)),
        ("CREATE SEQUENCE t", NotSupportedError, Place(1, 8, 8)),
        ("DROP INDEX t", NotSupportedError, Place(1, 6, 5)),
        ("EXPLAIN (FRAGMENT) SELECT 1", SyntaxError_, Place(1, 10, 8)),
        ("EXPLAIN (FORMAT xml) SELECT 1", SyntaxError_, Place(1, 17, 3)),
        ("EXPLAIN (ANALYZE, FORMAT json) SELECT 1", NotSupportedError, Place(1, 30, 1)),
        ("EXPLAIN ANALYZE INSERT INTO t VALUES (1)", NotSupportedError, Place(1, 17, 6)),
        ("EXPLAIN", SyntaxError_, Place(1, 8, 1)),
        ("CREATE VIEW other.s.v AS SELECT 1", NotSupportedError, Place(1, 13, 5)),
        ("CREATE VIEW v SELECT 1", SyntaxError_, Place(1, 15, 6)),
        ("DROP VIEW v w", SyntaxError_, Place(1, 13, 1)),
        ("SET verify", SyntaxError_, Place(1, 11, 1)),
        ("SET verify on", SyntaxError_, Place(1, 12, 2)),
        ("SELECT 1; SELECT 2", NotSupportedError, None),
    ],
)
def test_refusals(sql: str, kind: type[Error], place: Place | None) -> None:
    with pytest.raises(kind) as caught:
        classify(sql)
    assert caught.value.context.place == place


@pytest.mark.parametrize(("sql", "hint"), [("SELET 1", "SELECT"), ("EXPLAIN (FRAGMENT) FROM t", "FRAGMENTS")])
def test_hints_name_what_is_near(sql: str, hint: str) -> None:
    with pytest.raises(SyntaxError_) as caught:
        classify(sql)
    assert hint in (caught.value.hint or "")


def test_statements_are_split_outside_quotes_and_comments() -> None:
    text = "SELECT ';';; -- a; b\nSELECT $$;$$ ; /* ; /* ; */ ; */ SELECT \";\";\n  SELECT $x$;$$;$x$"
    found = split_statements(text)
    assert [item.sql.strip() for item in found] == [
        "SELECT ';'",
        "-- a; b\nSELECT $$;$$",
        '/* ; /* ; */ ; */ SELECT ";"',
        "SELECT $x$;$$;$x$",
    ]
    lines = text.splitlines()
    for item in found:
        assert lines[item.line - 1][item.column - 1 :].startswith(item.sql.split("\n")[0])


def test_places_of_a_later_statement_are_moved_into_the_text() -> None:
    later = split_statements("SELECT 1;\n\nSELECT 2; SELECT\n foo")[2]
    assert later == StatementText(" SELECT\n foo", 3, 10)
    assert later.place_in_text(Place(1, 2, 6)) == Place(3, 11, 6)
    assert later.place_in_text(Place(2, 2, 3)) == Place(4, 2, 3)


@pytest.mark.parametrize("text", ["SELECT 'abc;", 'SELECT "abc;', "SELECT /* ;", "SELECT $$;", "SELECT e'\\';"])
def test_an_unfinished_quote_reaches_to_the_end(text: str) -> None:
    assert len(split_statements(text)) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "(" * 10_000 + "1" + ")" * 10_000,
        "SELECT " + "[" * 201,
        "SELECT " + "case when true then " * 201 + "1" + " end" * 201,
        "SELECT '" + "x" * 1_000_000 + "'",
    ],
)
def test_too_large(sql: str) -> None:
    with pytest.raises(StatementTooLarge) as caught:
        check_size(sql)
    assert caught.value.context.place is not None


def test_large_but_allowed() -> None:
    check_size("SELECT " + "(" * 200 + "1" + ")" * 200 + " + (1)" * 1000)
    check_size("SELECT '" + "(" * 10_000 + "' /* " + "(" * 10_000 + " */")
    check_size("SELECT " + "case when true then 1 end + " * 1000 + "1")
