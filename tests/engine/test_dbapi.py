"""PEP 249: the module, connections, cursors, fetching, errors after close."""

import gc
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator

import pytest

import shoal
from shoal.dbapi_types import TypeObject


@pytest.fixture(scope="module")
def connection() -> Iterator[shoal.Connection]:
    with shoal.connect(threads=2) as opened:
        yield opened


def test_module_globals() -> None:
    assert (shoal.apilevel, shoal.threadsafety, shoal.paramstyle) == ("2.0", 2, "qmark")


@pytest.mark.parametrize(
    "name",
    [
        "Warning", "Error", "InterfaceError", "DatabaseError", "DataError", "OperationalError", "IntegrityError",
        "InternalError", "ProgrammingError", "NotSupportedError",
    ],
)  # fmt: skip
def test_exceptions_are_attributes_of_connections(name: str) -> None:
    assert getattr(shoal.Connection, name) is getattr(shoal, name)


def test_exception_tree() -> None:
    assert issubclass(shoal.InterfaceError, shoal.Error)
    for kind in (shoal.DataError, shoal.OperationalError, shoal.InternalError, shoal.ProgrammingError):
        assert issubclass(kind, shoal.DatabaseError)


@pytest.mark.parametrize(
    ("sql", "type_object"),
    [
        ("1", shoal.NUMBER),
        ("1.5::DECIMAL(10,2)", shoal.NUMBER),
        ("'x'", shoal.STRING),
        ("'x'::BLOB", shoal.BINARY),
        ("now()", shoal.DATETIME),
        ("DATE '2020-01-01'", shoal.DATETIME),
    ],
)
def test_type_codes_equal_type_objects(connection: shoal.Connection, sql: str, type_object: TypeObject) -> None:
    with connection.execute(f"SELECT {sql} AS value") as cursor:
        assert cursor.description is not None
        ((name, code, *rest),) = cursor.description
        assert name == "value"
        assert code == type_object
        assert type_object == code
        assert rest == [None] * 5
        others = {shoal.NUMBER, shoal.STRING, shoal.BINARY, shoal.DATETIME, shoal.ROWID} - {type_object}
        assert all(code != other for other in others)


def test_a_list_of_numbers_is_no_number() -> None:
    assert shoal.NUMBER != "INTEGER[]"


def test_fetching(connection: shoal.Connection) -> None:
    cursor = connection.cursor()
    assert cursor.description is None
    assert cursor.rowcount == -1
    cursor.execute("SELECT i, 'x' || i AS t FROM range(10) AS r(i) ORDER BY i")
    assert [column[0] for column in cursor.description or ()] == ["i", "t"]
    assert cursor.fetchone() == (0, "x0")
    assert cursor.fetchmany() == [(1, "x1")]
    assert cursor.fetchmany(3) == [(2, "x2"), (3, "x3"), (4, "x4")]
    cursor.arraysize = 2
    assert cursor.fetchmany() == [(5, "x5"), (6, "x6")]
    assert next(cursor) == (7, "x7")
    assert cursor.rownumber == 8
    assert cursor.fetchall() == [(8, "x8"), (9, "x9")]
    assert cursor.fetchone() is None
    assert cursor.fetchall() == []
    assert cursor.rowcount == 10


def test_iteration_over_many_batches(connection: shoal.Connection) -> None:
    with connection.execute("SELECT * FROM range(300000) ORDER BY 1") as cursor:
        assert sum(row[0] for row in cursor) == 300_000 * 299_999 // 2
    with connection.execute("SELECT * FROM range(300000) ORDER BY 1") as cursor:
        assert cursor.fetchmany(200_000)[-1] == (199_999,)
        assert cursor.fetchall()[0] == (200_000,)


def test_rows_and_arrow_may_be_mixed(connection: shoal.Connection) -> None:
    with connection.execute("SELECT * FROM range(300000) ORDER BY 1") as cursor:
        cursor.fetchmany(5)
        assert cursor.fetch_arrow_table().column(0)[0].as_py() == 5


def test_statements_without_a_result(connection: shoal.Connection) -> None:
    cursor = connection.cursor()
    cursor.execute("SET verify = off")
    assert cursor.description is None
    with pytest.raises(shoal.ProgrammingError, match="no result"):
        cursor.fetchall()


def test_parameters(connection: shoal.Connection) -> None:
    assert connection.execute("SELECT ?::INT + 1, ?", [41, "x"]).fetchall() == [(42, "x")]
    cursor = connection.cursor().executemany("SELECT ?", [(1,), (2,)])
    assert cursor.fetchall() == [(2,)]


@pytest.mark.parametrize("parameters", [[], [1, 2], "1", {"a": 1}])
def test_wrong_parameters(connection: shoal.Connection, parameters: list[object]) -> None:
    with pytest.raises(shoal.ParameterError):
        connection.execute("SELECT ?", parameters)


def test_the_last_statement_of_several_counts(connection: shoal.Connection) -> None:
    cursor = connection.cursor().executescript("SELECT 1; SET verify = off; SELECT 2;")
    assert cursor.fetchall() == [(2,)]


def test_query_ids_differ(connection: shoal.Connection) -> None:
    cursor = connection.cursor()
    assert cursor.query_id is None
    first = cursor.execute("SELECT 1").query_id
    assert first
    assert first != cursor.execute("SELECT 1").query_id
    with pytest.raises(shoal.ProgrammingError) as caught:
        cursor.execute("SELECT foo")
    assert caught.value.query_id == cursor.query_id


def test_transactions(connection: shoal.Connection) -> None:
    connection.commit()
    with pytest.raises(shoal.NotSupportedError):
        connection.rollback()


def test_everything_refuses_after_close() -> None:
    connection = shoal.connect(threads=1)
    cursor = connection.execute("SELECT * FROM range(1000000)")
    closed = connection.cursor()
    closed.close()
    for use in (closed.fetchall, lambda: closed.execute("SELECT 1"), closed.__enter__):
        with pytest.raises(shoal.InterfaceError, match="cursor is closed"):
            use()
    connection.close()
    connection.close()
    for again in (cursor.fetchall, connection.cursor, connection.tables, connection.commit, connection.__enter__):
        with pytest.raises(shoal.InterfaceError, match="closed"):
            again()


def test_a_connection_that_is_dropped_warns() -> None:
    connection = shoal.connect(threads=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del connection
        gc.collect()
    assert [item.category for item in caught] == [ResourceWarning]


def test_threads_share_a_connection(connection: shoal.Connection) -> None:
    found: list[int] = []

    def run(number: int) -> None:
        for _ in range(5):
            found.append(connection.execute("SELECT ?::INT", [number]).fetchall()[0][0])  # noqa: PERF401

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(found) == sorted(list(range(4)) * 5)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("http://x", {}),
        ("shoal://?thread=1", {}),
        ("shoal://?executors=many", {}),
        ("shoal://localhost:1", {"executors": 2}),
        (None, {"memory": "lots"}),
        (None, {"no_such_option": 1}),
    ],
)
def test_wrong_addresses(url: str | None, options: dict[str, object]) -> None:
    with pytest.raises(shoal.InterfaceError):
        shoal.connect(url, **options)  # type: ignore[arg-type]


def test_settings_of_connect() -> None:
    with shoal.connect("shoal://?threads=1&timeout=20s", verify=True) as connection:
        assert connection.execute("SHOW timeout").fetchall() == [("20s",)]
        assert connection.execute("SHOW verify").fetchall() == [("on",)]


@pytest.mark.parametrize("options", ["", "distribute='always', partitions=3"])
def test_a_connection_that_nobody_closes_ends_with_the_process(options: str) -> None:
    query = "c.execute('SELECT sum(i) FROM t').fetchall()"
    script = f"import shoal; c = shoal.connect(threads=1, {options})\nimport pyarrow\n"
    script += f"c.register('t', pyarrow.table({{'i': list(range(9))}}))\nprint({query})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[(36,)]\n"
    assert "Traceback" not in done.stderr
    assert "not stopped" not in done.stderr
