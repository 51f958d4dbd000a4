"""DuckDB's errors in Shoal's terms: class, message, place and hint, from JSON, from text, and through Arrow."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from shoal.executor.kernel_errors import is_fatal, translate_error
from shoal.planner.errors import (
    BindError,
    ColumnNotFound,
    DataError,
    Error,
    ExecutorLost,
    FunctionNotFound,
    InternalError,
    OutOfMemory,
    ParameterError,
    Place,
    SettingError,
    SourceCorrupt,
    SourceError,
    SourceNotFound,
    StatementTooLarge,
    SyntaxError_,
    TableNotFound,
)

LONG = ", ".join(f"'aaaaaaaaaa{number}'" for number in range(30))


@pytest.fixture(params=["json", "text"])
def connection(request: pytest.FixtureRequest) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as made:
        made.execute("CREATE TABLE t AS SELECT range::INTEGER AS abc, 'x' AS s FROM range(3)")
        made.execute(f"SET errors_as_json = {request.param == 'json'}")
        yield made


def error_of(connection: duckdb.DuckDBPyConnection, sql: str) -> Error:
    with pytest.raises(duckdb.Error) as caught:
        connection.execute(sql).fetchall()
    return translate_error(caught.value, sql)


def placed(sql: str, error: Error) -> str | None:
    """The text that the error's place points at."""
    place = error.context.place
    if place is None:
        return None
    return sql.split("\n")[place.line - 1][place.column - 1 : place.column - 1 + place.length]


CASES = [
    ("selec 1", SyntaxError_, "selec"),
    ("SELECT 'abc", SyntaxError_, "'"),
    ("SELECT abd FROM t", ColumnNotFound, "abd"),
    ("SELECT t.abd FROM t", ColumnNotFound, "t.abd"),
    ("SELECT * EXCLUDE (zz) FROM t", ColumnNotFound, None),
    ("SELECT u.abc FROM t", TableNotFound, "u.abc"),
    ("SELECT\n  abc,\n  abd\nFROM t", ColumnNotFound, "abd"),
    (f"SELECT {LONG}, abd FROM t WHERE abc IN ({LONG})", ColumnNotFound, "abd"),
    (f"SELECT '日本語', {LONG}, '日本語日本語', abd FROM t", ColumnNotFound, "abd"),
    ("SELECT '日本語日本語', abd FROM t", ColumnNotFound, "abd"),
    ("SELECT 1 AS ä,\n\tabd FROM t", ColumnNotFound, "abd"),
    ("SELECT * FROM tt", TableNotFound, "tt"),
    ("SELECT * FROM nosuch.t", TableNotFound, None),
    ("SELECT fooo(1)", FunctionNotFound, "fooo(1)"),
    ("SELECT substring(abc) FROM t", BindError, "substring(abc)"),
    ("SELECT abc FROM t GROUP BY s", BindError, "abc"),
    ("SELECT 1 ORDER BY 3", BindError, None),
    ("SELECT s::INTEGER FROM t", DataError, "::INT"),
    ("SELECT 1 // (abc - abc) FROM t", DataError, None),
    ("SELECT 2147483647 + abc FROM t", DataError, None),
    ("SELECT error('boo')", DataError, None),
    ("SELECT (SELECT abc FROM t)", DataError, None),
    ("SELECT DATE '2020-13-01'", DataError, "DATE '2020-13-01'"),
    ("SET no_such = 1", SettingError, None),
    ("SELECT * FROM read_parquet('/no/such/file.parquet')", SourceNotFound, None),
    ("SELECT " + "(" * 1100 + "1" + ")" * 1100, StatementTooLarge, None),
]


@pytest.mark.parametrize(("sql", "expected", "meant"), CASES, ids=[case[0][:40] for case in CASES])
def test_class_and_place(
    connection: duckdb.DuckDBPyConnection, sql: str, expected: type[Error], meant: str | None
) -> None:
    error = error_of(connection, sql)
    assert type(error) is expected
    assert "LINE" not in error.message
    assert "Error:" not in error.message
    assert "{" not in error.message
    found = placed(sql, error)
    if meant is None:
        return
    assert found is not None
    assert found.startswith(meant)


def test_hints(connection: duckdb.DuckDBPyConnection) -> None:
    assert error_of(connection, "SELECT abd FROM t").hint == 'Candidate bindings: "abc"'
    assert error_of(connection, "SELECT t.abd FROM t").hint == 'Candidate bindings: "abc", "s"'
    assert error_of(connection, "SELECT * FROM tt").hint == 'Did you mean "t"?'
    overloads = error_of(connection, "SELECT abc + {'a': 1} FROM t")
    assert "No function matches" in overloads.message
    assert "\n" not in overloads.message
    assert overloads.hint is not None
    assert overloads.hint.startswith("Candidate functions:")
    assert len(overloads.hint.splitlines()) == 9
    assert error_of(connection, "SELECT 1 // 0").hint is None


def test_the_place_is_exact(connection: duckdb.DuckDBPyConnection) -> None:
    assert error_of(connection, "SELECT abc,\n       abd\nFROM t").context.place == Place(2, 8, 3)


def test_without_sql_there_is_no_place(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error) as caught:
        connection.execute("SELECT abd FROM t")
    error = translate_error(caught.value)
    assert error.context.place is None
    assert error.message == 'Referenced column "abd" not found in FROM clause!'


def test_missing_parameters(connection: duckdb.DuckDBPyConnection) -> None:
    assert type(error_of(connection, "SELECT ?, $2")) is ParameterError
    with pytest.raises(duckdb.Error) as caught:
        connection.execute("SELECT ?", [1, 2])
    assert type(translate_error(caught.value)) is ParameterError


def corrupt_files(folder: Path) -> dict[str, bytes]:
    good = folder / "good.parquet"
    duckdb.sql("SELECT range AS a, md5(range::VARCHAR) AS b FROM range(20000)").write_parquet(str(good))
    content = good.read_bytes()
    middle = len(content) // 2
    return {
        "empty.parquet": b"",
        "text.parquet": b"a,b\n1,2\n" * 20,
        "cut.parquet": content[:middle],
        "footer.parquet": content[:-60] + b"x" * 50 + content[-10:],
        "length.parquet": content[:-8] + b"\xff\xff\xff\x7fPAR1",
        "pages.parquet": content[:200] + b"\xfe" * (middle - 200) + content[middle:],
        "cut.json": b'{"a":1}\n{"a":',
    }


def test_corrupt_files(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for name, content in corrupt_files(tmp_path).items():
        path = tmp_path / name
        path.write_bytes(content)
        assert (name, type(error_of(connection, f"SELECT * FROM '{path}'"))) == (name, SourceCorrupt)


def test_csv_that_does_not_fit_its_types(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\nx,y\n")
    sql = f"SELECT * FROM read_csv('{path}', columns = {{'a': 'INTEGER', 'b': 'INTEGER'}})"
    assert type(error_of(connection, sql)) is SourceCorrupt


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1")
    path.chmod(0)
    assert isinstance(error_of(connection, f"SELECT * FROM '{path}'"), SourceError)


def test_errors_in_the_middle_of_a_stream(connection: duckdb.DuckDBPyConnection) -> None:
    """Arrow passes the kernel's errors on as its own; the kind is in the text."""
    sql = "SELECT CASE WHEN range < 900000 THEN range ELSE 9223372036854775807 + range END AS a FROM range(1000000)"
    reader = connection.sql(sql).to_arrow_reader(1000)
    with pytest.raises(Exception, match="Overflow") as caught:
        reader.read_all()
    error = translate_error(caught.value, sql)
    assert type(error) is DataError
    assert error.message.startswith("Overflow in addition of INT64")


def test_what_others_raise() -> None:
    lost = ExecutorLost("gone")
    assert translate_error(lost) is lost
    assert type(translate_error(OSError(errno.ENOSPC, "No space left on device"))) is OutOfMemory
    assert type(translate_error(MemoryError())) is OutOfMemory
    assert type(translate_error(pa.ArrowMemoryError("malloc of size 3 failed"))) is OutOfMemory
    assert type(translate_error(FileNotFoundError(errno.ENOENT, "No such file or directory", "x"))) is SourceNotFound
    unknown = translate_error(KeyError("x"))
    assert type(unknown) is InternalError
    assert unknown.message == "KeyError: 'x'"
    assert translate_error(duckdb.InternalException("INTERNAL Error: bad\n\nStack Trace:\n0 x")).message == "bad"


def test_fatal() -> None:
    assert is_fatal(duckdb.FatalException("FATAL Error: x"))
    assert is_fatal(duckdb.Error("INTERNAL Error: the database has been invalidated because of a fatal error"))
    assert is_fatal(duckdb.InternalException("INTERNAL Error: bad"))
    assert not is_fatal(duckdb.BinderException("Binder Error: x"))


def test_failed_assumption_of_the_kernel_with_a_stack_trace() -> None:
    told = '{"exception_type":"INTERNAL","exception_message":"bad cast","stack_trace":"0 x"}\n\nThis error is a bug'
    error = duckdb.Error(f"INTERNAL Error: {told}")
    assert is_fatal(error)
    assert translate_error(error).message == "bad cast"
