"""EXPLAIN of statements that are not queries shows the plan of the query inside, and changes nothing."""

from collections.abc import Iterator

import pytest

import shoal


@pytest.fixture(scope="module")
def connection() -> Iterator[shoal.Connection]:
    with shoal.connect(threads=1) as connection:
        connection.execute("CREATE TABLE t AS SELECT range AS i, range % 3 AS g FROM range(10)")
        connection.execute("PREPARE q AS SELECT * FROM t WHERE i > ?")
        connection.execute("PREPARE w AS INSERT INTO t SELECT ?, g FROM t")
        yield connection


def explained(connection: shoal.Connection, sql: str) -> str:
    return "\n".join(str(row[0]) for row in connection.execute(sql).fetchall())


@pytest.mark.parametrize(
    ("statement", "what", "reads"),
    [
        ("INSERT INTO t SELECT i + 1, g FROM t", "insert into t: the rows of this query", True),
        ("INSERT INTO t VALUES (1, 2)", "insert into t: the values, in a new file", False),
        ("WITH a AS (SELECT 1 AS x) UPDATE t SET g = x FROM a, t AS o", "update t: writes anew", True),
        ("DELETE FROM t WHERE i > (SELECT avg(i) FROM t)", "delete from t: writes anew", True),
        ("TRUNCATE t", "delete from t: all 10 rows, without reading them", False),
        ("CREATE TABLE u AS SELECT sum(i) FROM t", "create table u: the rows of this query", True),
        ("COPY t TO 'nowhere.csv'", "copy to 'nowhere.csv': the rows of this query", True),
        ("EXECUTE q(3)", "1 stage", True),
        ("EXECUTE w(3)", "insert into t: the rows of this query", True),
    ],
)
def test_the_plan_of_the_query_inside(connection: shoal.Connection, statement: str, what: str, *, reads: bool) -> None:
    text = explained(connection, f"EXPLAIN {statement}")
    assert text.startswith(what)
    assert ("read_parquet" in text) == reads
    if reads:
        assert "-- stage 0" in explained(connection, f"EXPLAIN (FRAGMENTS) {statement}")
        assert explained(connection, f"EXPLAIN (FORMAT json) {statement}").startswith("{")
    assert connection.execute("SELECT count(*), sum(i), sum(g) FROM t").fetchall() == [(10, 45, 9)]


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("EXPLAIN INSERT INTO t VALUES (1)", shoal.ProgrammingError),
        ("EXPLAIN DELETE FROM nowhere", shoal.ProgrammingError),
        ("EXPLAIN CREATE TABLE t AS SELECT 1", shoal.ProgrammingError),
        ("EXPLAIN ANALYZE DELETE FROM t", shoal.NotSupportedError),
        ("EXPLAIN ANALYZE EXECUTE w(3)", shoal.NotSupportedError),
        ("EXPLAIN DROP TABLE t", shoal.NotSupportedError),
    ],
)
def test_what_is_refused(connection: shoal.Connection, statement: str, error: type[shoal.Error]) -> None:
    with pytest.raises(error):
        connection.execute(statement)


def test_a_prepared_query_is_measured(connection: shoal.Connection) -> None:
    assert "6 rows" in explained(connection, "EXPLAIN ANALYZE EXECUTE q(3)")
