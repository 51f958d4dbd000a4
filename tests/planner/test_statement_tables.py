"""Statements on tables are taken apart: names, parts of the text, and what is refused with its place and a reason."""

import pytest

from shoal.planner.errors import Error, NotSupportedError, Place, SyntaxError_
from shoal.planner.names import SEPARATOR, hidden_name, own_name, qualified, quoted_name, schema_of, shown_name
from shoal.planner.statement import classify
from shoal.planner.table_statements import (
    AlterTable,
    CopyFrom,
    CopyTo,
    CreateSchema,
    CreateTable,
    Delete,
    DropObject,
    Insert,
    ObjectKind,
    Truncate,
    Update,
    UseSchema,
)

S_T = f"s{SEPARATOR}t"


def test_names() -> None:
    assert qualified("s", "t") == S_T
    assert qualified("MAIN", "t") == "t"
    assert (schema_of(S_T), own_name(S_T), shown_name(S_T)) == ("s", "t", "s.t")
    assert (schema_of("t"), own_name("t")) == ("", "t")
    assert quoted_name(f'a"b{SEPARATOR}t') == '"a""b"."t"'
    assert hidden_name([S_T, "t", "u"]) is None
    assert hidden_name([f"main{SEPARATOR}T", "t"]) == "t"


def test_create_table() -> None:
    sql = "CREATE TEMP TABLE IF NOT EXISTS s.t(a INT DEFAULT (1))"
    found = classify(sql)
    assert isinstance(found, CreateTable)
    assert (found.name, found.body.of(sql)) == (f"temp{SEPARATOR}t", "(a INT DEFAULT (1))")
    assert (found.or_replace, found.if_not_exists, found.temporary, found.query) == (False, True, True, None)
    found = classify('create table "A.b"(x, "y z") as (select 1, 2) with no data')
    assert isinstance(found, CreateTable)
    assert (found.name, found.columns, found.with_data) == ("A.b", ("x", "y z"), False)
    assert found.query is not None
    assert found.query.sql.strip() == "(select 1, 2)"
    found = classify("CREATE TABLE t AS WITH d AS (SELECT 1) FROM d WITH DATA")
    assert isinstance(found, CreateTable)
    assert found.query is not None
    assert found.with_data
    assert found.query.sql == " " * 18 + "WITH d AS (SELECT 1) FROM d"


def test_insert() -> None:
    sql = 'INSERT INTO s.t AS n (a, "b c") BY NAME SELECT 1 AS a RETURNING n.a'
    found = classify(sql)
    assert isinstance(found, Insert)
    assert (found.target.name, found.target.alias, found.columns, found.by_name) == (S_T, "n", ("a", "b c"), True)
    assert found.query is not None
    assert found.query.sql.strip() == "SELECT 1 AS a"
    assert found.returning is not None
    assert found.returning.of(sql) == "n.a"
    for values in ("VALUES (1, DEFAULT), (2, (SELECT 3))", "DEFAULT VALUES"):
        found = classify(f"INSERT INTO t {values}")
        assert isinstance(found, Insert)
        assert found.query is None
        assert found.source.of(f"INSERT INTO t {values}") == values
    for query in ("VALUES (1) UNION ALL SELECT 2", "(SELECT 1)", "FROM u", "TABLE u", "WITH q AS (FROM u) FROM q"):
        found = classify(f"INSERT INTO t {query}")
        assert isinstance(found, Insert)
        assert found.query is not None
    found = classify("WITH a AS (SELECT 1) INSERT INTO t WITH b AS (FROM a) FROM b")
    assert isinstance(found, Insert)
    assert found.query is not None
    assert " ".join(found.query.sql.split()) == "WITH a AS (SELECT 1) , b AS (FROM a) FROM b"


def test_update() -> None:
    sql = "UPDATE t x SET a = f(1, 2), b = DEFAULT, (c, d) = (1, (2)) FROM u, v WHERE a IS DISTINCT FROM 3 RETURNING *"
    found = classify(sql)
    assert isinstance(found, Update)
    expressions = [(each.column, each.expression and each.expression.of(sql)) for each in found.assignments]
    assert expressions == [("a", "f(1, 2)"), ("b", None), ("c", "1"), ("d", "(2)")]
    parts = [part.of(sql) for part in (found.others, found.condition, found.returning) if part is not None]
    assert parts == ["u, v", "a IS DISTINCT FROM 3", "*"]
    assert found.target.alias == "x"
    found = classify("UPDATE t SET a = a IS NOT DISTINCT FROM b")
    assert isinstance(found, Update)
    assert found.others is None


def test_delete() -> None:
    sql = "WITH q AS (SELECT 1) DELETE FROM t USING q, (SELECT 2) AS w WHERE true RETURNING a"
    found = classify(sql)
    assert isinstance(found, Delete)
    assert found.target.before is not None
    assert found.target.before.of(sql) == "WITH q AS (SELECT 1)"
    parts = [part.of(sql) for part in (found.others, found.condition, found.returning) if part is not None]
    assert parts == ["q, (SELECT 2) AS w", "true", "a"]
    assert classify("TRUNCATE TABLE s.t") == Truncate(S_T) == classify("truncate s.t")


def test_other_statements() -> None:
    assert classify("DROP TABLE IF EXISTS s.t CASCADE") == DropObject(ObjectKind.TABLE, S_T, True, True)
    assert classify("DROP SCHEMA s") == DropObject(ObjectKind.SCHEMA, "s")
    assert classify("CREATE SCHEMA IF NOT EXISTS s") == CreateSchema("s", if_not_exists=True)
    assert classify("USE s") == classify("USE memory.s") == UseSchema("s")
    sql = "ALTER TABLE IF EXISTS s.t ADD COLUMN a INT"
    found = classify(sql)
    assert isinstance(found, AlterTable)
    assert (found.name, found.if_exists, found.body.of(sql)) == (S_T, True, " ADD COLUMN a INT")
    found = classify("ALTER TABLE t RENAME TO u")
    assert isinstance(found, AlterTable)
    assert found.new_name == "u"
    found = classify("COPY t TO 'x.csv' (HEADER false)")
    assert isinstance(found, CopyTo)
    assert (found.query.sql, found.path) == ("FROM t", "x.csv")
    found = classify("COPY (SELECT 1) TO 'x.csv'")
    assert isinstance(found, CopyTo)
    assert found.query.sql == "      SELECT 1"
    found = classify("COPY s.t(a) FROM 'x.csv' WITH (HEADER)")
    assert isinstance(found, CopyFrom)
    assert (found.name, found.path) == (S_T, "x.csv")


@pytest.mark.parametrize(
    ("sql", "kind", "place"),
    [
        ("CREATE INDEX i ON t(a)", NotSupportedError, Place(1, 8, 5)),
        ("CREATE OR REPLACE SEQUENCE s", NotSupportedError, Place(1, 19, 8)),
        ("DROP TYPE t", NotSupportedError, Place(1, 6, 4)),
        ("DROP TABLE t, u", NotSupportedError, Place(1, 13, 1)),
        ("ALTER VIEW v ADD COLUMN w INTEGER", SyntaxError_, Place(1, 14, 3)),
        ("CREATE LOCAL TABLE t(a INTEGER)", NotSupportedError, Place(1, 8, 5)),
        ("CREATE OR REPLACE TABLE IF NOT EXISTS t(a INTEGER)", SyntaxError_, Place(1, 25, 2)),
        ("CREATE TABLE temp.t(a INTEGER)", SyntaxError_, Place(1, 14, 4)),
        ("WITH q AS (DELETE FROM t RETURNING *) FROM q", NotSupportedError, Place(1, 12, 6)),
        ("COPY t TO STDOUT", NotSupportedError, Place(1, 11, 6)),
        ("SET search_path = 'a,b'", NotSupportedError, Place(1, 5, 11)),
        ("ALTER TABLE t", SyntaxError_, Place(1, 14, 1)),
        ("CREATE TABLE a.b.t(i INT)", NotSupportedError, Place(1, 14, 1)),
        ("CREATE TABLE t", SyntaxError_, Place(1, 15, 1)),
        ("CREATE TABLE t AS", SyntaxError_, Place(1, 18, 1)),
        ("INSERT t VALUES (1)", SyntaxError_, Place(1, 8, 1)),
        ("INSERT OR REPLACE INTO t VALUES (1)", NotSupportedError, Place(1, 8, 2)),
        ("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING", NotSupportedError, Place(1, 26, 2)),
        ("INSERT INTO t VALUES (1) RETURNING", SyntaxError_, Place(1, 35, 1)),
        ("UPDATE t a = 1", SyntaxError_, Place(1, 12, 1)),
        ("UPDATE t SET a =", SyntaxError_, Place(1, 17, 1)),
        ("UPDATE t SET (a, b) = ROW(1)", SyntaxError_, Place(1, 23, 3)),
        ("UPDATE t SET a = 1 WHERE", SyntaxError_, Place(1, 25, 1)),
        ("DELETE t", SyntaxError_, Place(1, 8, 1)),
        ("DELETE FROM t LIMIT 3", SyntaxError_, Place(1, 21, 1)),
        ("COPY t", SyntaxError_, Place(1, 7, 1)),
        ("COPY (SELECT 1", SyntaxError_, Place(1, 6, 1)),
        ("BEGIN", NotSupportedError, Place(1, 1, 5)),
    ],
)
def test_refusals(sql: str, kind: type[Error], place: Place) -> None:
    with pytest.raises(kind) as caught:
        classify(sql)
    assert caught.value.context.place == place
