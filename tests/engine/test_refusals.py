"""What does not belong in a query engine is refused by name, with the reason, wherever it stands; the rest goes on."""

from collections.abc import Iterator

import duckdb
import pytest

import shoal
from shoal.kernel_settings import INSTEAD, KERNEL_SETTINGS
from shoal.planner.errors import Place
from shoal.planner.statement_refusals import REFUSED
from shoal.settings import SETTINGS

STATEMENTS = (
    "ATTACH 'x.db'",
    "DETACH x",
    "INSTALL httpfs",
    "FORCE INSTALL httpfs",
    "LOAD httpfs",
    "UPDATE EXTENSIONS",
    "PRAGMA enable_profiling",
    "CALL pragma_version()",
    "EXPORT DATABASE 'd'",
    "IMPORT DATABASE 'd'",
    "CHECKPOINT",
    "FORCE CHECKPOINT",
    "VACUUM",
    "CREATE SECRET s (TYPE s3)",
    "CREATE OR REPLACE PERSISTENT SECRET s (TYPE s3)",
    "DROP SECRET s",
    "CREATE SEQUENCE s",
    "CREATE TYPE t AS ENUM ('a')",
    "CREATE INDEX i ON t(a)",
    "CREATE UNIQUE INDEX i ON t(a)",
    "CREATE TRIGGER x",
    "BEGIN TRANSACTION",
    "COMMIT",
    "ROLLBACK",
    "COMMENT ON TABLE t IS 'x'",
    "COPY FROM DATABASE a TO b",
    "GRANT SELECT ON t TO x",
    "DECLARE c CURSOR FOR SELECT 1",
    "SET memory_limit = '1GB'",
    "SET GLOBAL threads = 4",
    "RESET threads",
    "SET extension_directory = 'x'",
    "SET default_collation = 'NOCASE'",
    "SET lock_configuration = true",
    "SHOW memory_limit",
    "FROM enable_logging()",
    "SELECT * FROM force_checkpoint()",
    "FROM t, checkpoint()",
)


@pytest.fixture(scope="module")
def connection() -> Iterator[shoal.Connection]:
    with shoal.connect(threads=1) as opened:
        opened.execute("CREATE TABLE t AS SELECT 1 AS a")
        yield opened


@pytest.mark.parametrize("sql", STATEMENTS)
def test_refused_by_name(connection: shoal.Connection, sql: str) -> None:
    with pytest.raises(shoal.NotSupportedError, match=r"not supported: .{10}") as caught:
        connection.execute(sql)
    assert caught.value.sqlstate == "0A000"
    word = sql.split(maxsplit=1)[0]
    assert word in caught.value.message or "setting" in caught.value.message or "()" in caught.value.message
    with pytest.raises(shoal.NotSupportedError) as among:
        connection.execute(f"SET VARIABLE n = 1;\n {sql};\nSET VARIABLE n = 2")
    if caught.value.context.place is not None:
        assert among.value.context.place is not None
        assert among.value.line == (caught.value.line or 0) + 1
        assert among.value.column == (caught.value.column or 0) + 1
    assert connection.execute("SELECT getvariable('n'), a FROM t").fetchall() == [(1, 1)]


@pytest.mark.parametrize("before", ["EXPLAIN ", "EXPLAIN ANALYZE ", "EXPLAIN (FORMAT json) ", "PREPARE p AS "])
@pytest.mark.parametrize("word", ["ATTACH", "INSTALL", "LOAD", "PRAGMA", "CHECKPOINT", "CALL", "EXPORT"])
def test_refused_inside_another(connection: shoal.Connection, before: str, word: str) -> None:
    with pytest.raises(shoal.NotSupportedError, match=f"{word} is not supported") as caught:
        connection.execute(f"{before}{word} 'x'")
    assert caught.value.context.place == Place(1, len(before) + 1, len(word))


def test_every_refusal_has_a_reason() -> None:
    assert all(reason and instead for reason, instead in REFUSED.values())
    assert set(INSTEAD) <= KERNEL_SETTINGS


def test_the_settings_of_the_kernel_are_known() -> None:
    with duckdb.connect() as plain:
        known = {str(name).lower() for (name,) in plain.execute("SELECT name FROM duckdb_settings()").fetchall()}
    assert known - KERNEL_SETTINGS <= set(SETTINGS)
    assert not KERNEL_SETTINGS & set(SETTINGS)


def test_names_alone_refuse_nothing(connection: shoal.Connection) -> None:
    for sql in (
        "SELECT 'ATTACH' AS load, 'enable_logging()' AS install",
        "WITH checkpoint AS (SELECT 1 AS call) SELECT call FROM checkpoint",
        'SELECT a AS "pragma" FROM t AS vacuum',
        "SELECT 1 -- ; ATTACH 'x'",
        "SELECT 1 /* ; INSTALL x; */",
    ):
        assert len(connection.execute(sql).fetchall()) == 1


def test_what_is_near_is_told(connection: shoal.Connection) -> None:
    connection.execute("CREATE MACRO double_it(x) AS x * 2")
    for sql, near in (
        ("SELECT duble_it(1)", "double_it"),
        ("SET partitons = 2", "partitions"),
        ("SELECT tt.a1 FROM t AS tt", "did you mean a?"),
        ("SELCT 1", "SELECT"),
        ("EXECUTE nothing", "PREPARE"),
        ("DROP MACRO doubleit", "double_it"),
    ):
        with pytest.raises(shoal.ProgrammingError) as caught:
            connection.execute(sql)
        assert near in (caught.value.hint or ""), sql


def test_show_and_describe(connection: shoal.Connection) -> None:
    with duckdb.connect() as plain:
        plain.execute("CREATE TABLE t AS SELECT 1 AS a")
        for sql in (
            "SHOW TABLES", "SHOW ALL TABLES", "SHOW", "DESCRIBE", "SHOW DATABASES", "SHOW SCHEMAS", "DESCRIBE t",
            "DESC t", "SHOW t", "DESCRIBE TABLE t", "DESCRIBE SELECT a, 'x' AS b FROM t", "FROM (DESCRIBE t)",
            "FROM (SHOW TABLES)", "SHOW TABLES FROM main", "SUMMARIZE t", "SUMMARIZE SELECT a + 1 AS b FROM t",
        ):  # fmt: skip
            ours, expected = connection.execute(sql), plain.execute(sql)
            assert [column[0] for column in ours.description or ()] == [column[0] for column in expected.description]
            assert ours.fetchall() == expected.fetchall(), sql
