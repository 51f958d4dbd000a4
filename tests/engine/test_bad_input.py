"""Wrong statements, in every mode: the class, the place, the hint, a message for users; and the next one works."""

import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import shoal
from shoal.planner.errors import Place
from tests.engine.bad_input_modes import MODES, connect, fails


@pytest.fixture(scope="module", params=MODES)
def connection(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[shoal.Connection]:
    path = tmp_path_factory.mktemp("bad_input") / "items.parquet"
    with duckdb.connect() as duck:
        duck.execute(
            "COPY (SELECT i AS id, i % 7 AS grp, 'x' || i AS name FROM range(20000) AS r(i)) "
            f"TO '{path}' (ROW_GROUP_SIZE 2048)"
        )
    with connect(request.param) as opened:
        opened.register("items", path)
        opened.register("small", path)
        yield opened


@pytest.mark.parametrize(
    ("sql", "kind", "place", "hint"),
    [
        ("selec 1", shoal.SyntaxError_, Place(1, 1, 5), "did you mean SELECT?"),
        ("SELECT 1 +", shoal.SyntaxError_, Place(1, 10), None),
        ("SELECT\n  id\nFRM items", shoal.SyntaxError_, Place(3, 5, 5), 'did you mean FROM instead of "FRM"?'),
        ("SELECT 'abc", shoal.SyntaxError_, Place(1, 8), None),
        ("EXPLAIN selec 1", shoal.SyntaxError_, Place(1, 9, 5), None),
        ("VALUES (1), (1, 2)", shoal.SyntaxError_, Place(1, 14), None),
        ("SELECT '\ud800'", shoal.SyntaxError_, Place(1, 9), None),
        ("SELECT * FROM itmes", shoal.TableNotFound, Place(1, 15, 5), "did you mean items?"),
        ("DESCRIBE itmes", shoal.TableNotFound, Place(1, 10, 5), "did you mean items?"),
        ("SELECT x.id FROM items", shoal.TableNotFound, Place(1, 8, 4), None),
        ("SELECT idd\nFROM items", shoal.ColumnNotFound, Place(1, 8, 3), "did you mean id?"),
        ("SELECT\n  id,\n  nmae\nFROM items", shoal.ColumnNotFound, Place(3, 3, 4), "did you mean name?"),
        ("SELECT 'é', nmae FROM items", shoal.ColumnNotFound, Place(1, 13, 4), "did you mean name?"),
        ("EXPLAIN SELECT idd FROM items", shoal.ColumnNotFound, Place(1, 16, 3), "did you mean id?"),
        ("SELECT summ(id) FROM items", shoal.FunctionNotFound, Place(1, 8, 8), 'Did you mean "sum"?'),
        ("SELECT sum(name) FROM items", shoal.BindError, Place(1, 8, 9), None),
        ("SELECT name + 1 FROM items", shoal.BindError, Place(1, 13), None),
        ("SELECT lower(id, 2) FROM items", shoal.BindError, Place(1, 8, 12), None),
        ("SELECT id FROM items GROUP BY grp", shoal.BindError, Place(1, 8, 2), None),
        ("SELECT * FROM items ORDER BY 99", shoal.BindError, Place(1, 30, 2), None),
        ("SELECT i.id FROM items AS i, small AS i", shoal.BindError, None, None),
        ("CREATE SEQUENCE s", shoal.NotSupportedError, Place(1, 8, 8), None),
        ("INSTALL httpfs", shoal.NotSupportedError, Place(1, 1, 7), None),
        ("SET timeot = 3", shoal.SettingError, Place(1, 5, 6), "did you mean timeout or timezone?"),
        ("SET partitions = 'many'", shoal.SettingError, Place(1, 5, 10), "it takes auto, or a number from 1 to 100000"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else "",
)
def test_the_statement_is_wrong(
    connection: shoal.Connection, sql: str, kind: type[shoal.Error], place: Place | None, hint: str | None
) -> None:
    error = fails(connection, sql, kind)
    assert error.context.place == place
    assert hint is None or error.hint == hint
    assert place is None or error.context.sql in (sql, None)


GROUPED = "SELECT grp, sum(id) AS s FROM items GROUP BY grp"


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT id % (id - id) FROM items", "Division by zero"),
        ("SELECT sum(id // 0) FROM items GROUP BY grp", "Division by zero"),
        ("SELECT id * 9223372036854775807 FROM items", "Overflow"),
        ("SELECT grp, sum(id::TINYINT) FROM items GROUP BY grp", "out of range"),
        ("SELECT count(*) FROM items WHERE name::INTEGER > 0", "Could not convert string 'x"),
        ("SELECT CAST('2020-13-45' AS DATE)", "2020-13-45"),
        ("SELECT (SELECT id FROM items)", "More than one row"),
        ("SELECT CASE WHEN id = 19999 THEN error('late boom') ELSE id END FROM items", "late boom"),
        (f"SELECT max(CASE WHEN s > 9 THEN error('a later stage') END) FROM ({GROUPED})", "a later stage"),
    ],
)  # fmt: skip
def test_the_data_does_not_fit(connection: shoal.Connection, sql: str, message: str) -> None:
    error = fails(connection, sql, shoal.DataError)
    assert message in error.message
    assert error.context.sql in (sql, None)


@pytest.mark.parametrize(
    ("sql", "values", "message", "place"),
    [
        ("SELECT ?", (), "the statement has 1 parameter, but 0 values were given", Place(1, 8)),
        ("SELECT ?,\n?", (1,), "the statement has 2 parameters, but 1 value was given", Place(2, 1)),
        ("SELECT $2", (1,), "the statement has 2 parameters, but 1 value was given", Place(1, 8, 2)),
        ("SELECT 1", (1,), "the statement has 0 parameters, but 1 value was given", None),
        ("SELECT id FROM items WHERE id = ?", (1, 2), "the statement has 1 parameter, but 2 values were given", None),
        ("EXPLAIN SELECT ?", (), "the statement has 1 parameter, but 0 values were given", Place(1, 16)),
        ("SELECT $name", (1,), "has named parameters such as $name, but the values have no names", Place(1, 8, 5)),
        ("SELECT ?, $name", (1, 2), "parameters are either named or numbered", Place(1, 11, 5)),
        ("SET timeout = 3", (1,), "this kind of statement takes no parameters", None),
        ("SELECT ?", (object,), "a parameter of type type has no SQL type", None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_parameters(
    connection: shoal.Connection, sql: str, values: tuple[object, ...], message: str, place: Place | None
) -> None:
    error = fails(connection, sql, shoal.ParameterError, values)
    assert message in error.message
    assert place is None or error.context.place == place


def test_division_by_zero_of_floats_is_infinite(connection: shoal.Connection) -> None:
    assert connection.execute("SELECT max(id / 0) FROM items WHERE id > 0").fetchall() == [(float("inf"),)]


MEGABYTE = 1 << 20


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("SELECT " + "(" * 10_000 + "1" + ")" * 10_000, shoal.StatementTooLarge),
        ("SELECT " + "[" * 10_000, shoal.StatementTooLarge),
        ("SELECT " + "CASE WHEN true THEN " * 5_000 + "1" + " END" * 5_000, shoal.StatementTooLarge),
        ("SELECT " + "(SELECT " * 3_000 + "1" + ")" * 3_000, shoal.StatementTooLarge),
        ("SELECT " + "- " * 10_000 + "1", shoal.StatementTooLarge),
        ("SELECT " + "NOT " * 10_000 + "true", shoal.StatementTooLarge),
        ("SELECT 1" + " + 1" * 5_000, shoal.StatementTooLarge),
        ("SELECT 1 " + "UNION ALL SELECT 1 " * 50_000, shoal.StatementTooLarge),
        ("SELECT a" + ".b" * 10_000, shoal.StatementTooLarge),
        ("SELECT '" + "x" * MEGABYTE + "'", shoal.StatementTooLarge),
        ("SELECT 1 -- " + "x" * MEGABYTE, shoal.StatementTooLarge),
        ("SELECT 1;" * (MEGABYTE // 9), shoal.StatementTooLarge),
        ("x" * MEGABYTE, shoal.StatementTooLarge),
        ("(" * MEGABYTE, shoal.StatementTooLarge),
        ("SELECT '" + "x" * 900_000, shoal.SyntaxError_),
        ("SELECT /* " + "x" * 900_000, shoal.SyntaxError_),
        ("SELECT " + "'' " * 20_000, shoal.SyntaxError_),
        ("SELECT \x00 FROM items", shoal.ColumnNotFound),
        ("", shoal.SyntaxError_),
        (" ; ; -- nothing", shoal.SyntaxError_),
    ],
    ids=lambda value: f"{value[:24]}-{len(value)}" if isinstance(value, str) else "",
)
def test_texts_that_no_parser_should_see(connection: shoal.Connection, sql: str, kind: type[shoal.Error]) -> None:
    error = fails(connection, sql, kind)
    assert len(str(error)) < 2000


def test_large_statements_that_are_right(connection: shoal.Connection) -> None:
    long = "x" * 900_000
    assert connection.execute(f"SELECT length('{long}')").fetchall() == [(900_000,)]
    assert connection.execute("SELECT " + "(" * 150 + "1" + ")" * 150).fetchall() == [(1,)]
    several = ",".join(map(str, range(5_000)))
    assert connection.execute(f"SELECT count(*) FROM items WHERE id IN ({several})").fetchall() == [(5_000,)]


def test_errors_of_threads_that_share_a_connection(connection: shoal.Connection) -> None:
    """Each thread gets the error of its own statement."""
    errors: dict[int, shoal.Error] = {}

    def work(number: int) -> None:
        try:
            connection.execute(f"SELECT max(CASE WHEN id = {number} THEN error('error {number}') END) FROM items")
        except shoal.Error as error:
            errors[number] = error

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {number: error.message for number, error in errors.items()} == {n: f"error {n}" for n in range(6)}
    assert len({error.query_id for error in errors.values()}) == 6


def test_errors_while_rows_are_fetched(connection: shoal.Connection, tmp_path: Path) -> None:
    sql = "SELECT CASE WHEN id = 19999 THEN error('late boom') ELSE id END FROM items, range(40)"
    for fetch in (lambda cursor: cursor.fetchall(), lambda cursor: cursor.fetch_arrow_table()):
        cursor = connection.cursor()
        with pytest.raises(shoal.DataError, match="late boom"):
            fetch(cursor.execute(sql))
        assert cursor.execute("SELECT 2").fetchone() == (2,)
