"""An error in DuckDB is an error in Shoal of the same kind, and no other statement fails: some 300 statements."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import shoal
from shoal.executor.kernel_errors import translate_error
from shoal.planner.errors import Place, caret_lines
from tests.engine import error_corpus
from tests.engine.bad_input_modes import MODES, connect


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("errors")
    with duckdb.connect() as duck:
        for name, query in (("items", error_corpus.ITEMS), ("few", error_corpus.FEW)):
            duck.execute(f"COPY ({query}) TO '{folder / name}.parquet' (ROW_GROUP_SIZE 2048)")
    return folder


@pytest.fixture(scope="module")
def plain(data: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as duck:
        for name in ("items", "few"):
            duck.execute(f"CREATE VIEW {name} AS FROM '{data / name}.parquet'")
        yield duck


@pytest.fixture(scope="module", params=MODES)
def connection(request: pytest.FixtureRequest, data: Path) -> Iterator[shoal.Connection]:
    with connect(request.param) as opened:
        for name in ("items", "few"):
            opened.register(name, data / f"{name}.parquet")
        yield opened


GROUPS = {
    "syntax": error_corpus.SYNTAX,
    "names": error_corpus.NAMES,
    "types": error_corpus.TYPES,
    "aggregates": error_corpus.AGGREGATES,
    "data": error_corpus.DATA,
    "strange": error_corpus.STRANGE,
}


def test_the_corpus_is_large() -> None:
    assert sum(map(len, GROUPS.values())) >= 300


@pytest.mark.parametrize("group", GROUPS)
def test_the_same_errors(connection: shoal.Connection, plain: duckdb.DuckDBPyConnection, group: str) -> None:
    found = []
    for sql in GROUPS[group]:
        expected, ours = _error_of_duckdb(plain, sql), _error_of_shoal(connection, sql)
        if _kind_of(expected) != _kind_of(ours):
            found.append(f"{sql[:150]}\n  duckdb: {expected!r}\n  shoal:  {ours!r}")
        if ours is not None:
            assert ours.query_id is not None
            assert len(ours.sqlstate) == 5
            assert "\n" not in ours.message, sql
    assert not found, "\n".join(found)
    assert connection.execute("SELECT 1").fetchall() == [(1,)]


def _error_of_duckdb(plain: duckdb.DuckDBPyConnection, sql: str) -> shoal.Error | None:
    try:
        plain.execute(sql).fetchall()
    except (duckdb.Error, RuntimeError) as error:
        return translate_error(error, sql)
    return None


def _error_of_shoal(connection: shoal.Connection, sql: str) -> shoal.Error | None:
    cursor = connection.cursor()
    try:
        cursor.execute(sql).fetchall()
    except shoal.Error as error:
        return error
    finally:
        cursor.close()
    return None


def _kind_of(error: shoal.Error | None) -> tuple[str, str] | None:
    return None if error is None else (type(error).__name__, error.sqlstate)


@pytest.mark.parametrize(
    ("sql", "state", "marked"),
    [
        ("SELECT grp, sum(name::INTEGER) FROM items GROUP BY grp", "22P02", "::INTEGER"),
        ("SELECT sum(id::BIGINT), max(CAST(name AS INT)) FROM items", "22P02", "CAST(name AS INT)"),
        ("SELECT grp, sum(id::TINYINT) FROM items GROUP BY grp", "22003", "::TINYINT"),
        ("SELECT max((price * 1000)::DECIMAL(4,1)) FROM items", "22003", "::DECIMAL(4,1)"),
        ("SELECT count(*),\n max(id * 9223372036854775807) FROM items", "22003", "*"),
        ("SELECT grp, sum(id // (grp - grp)) FROM items GROUP BY 1", "22012", "id // (grp - grp"),
        ("SELECT grp, (SELECT id FROM few) FROM items", "21000", "(SELECT id FROM few)"),
        ("SELECT max(name::DATE) FROM items", "22007", "::DATE"),
        ("SELECT max(tags::INTEGER) FROM items", "42846", "::INTEGER"),
        ("SELECT nowhere FROM items", "42703", "nowhere"),
        ("SELECT id FROM nowhere", "42P01", "nowhere"),
        ("SELECT nofunction(id) FROM items", "42883", "nofunction(id)"),
        ("SELECT id FROM items GROUP BY grp", "42803", "id"),
        ("SELECT id FROM items, few", "42702", "id"),
        ("SELECT id FROM items ORDER BY 7 + nowhere", "42703", "nowhere"),
        ("SELECT * FROM items ORDER BY 99", "42P10", "99"),
        ("SELECT id + 1 FROM items WHERE id = 1 1", "42601", "1"),
        ("ATTACH 'x.db'", "0A000", "ATTACH"),
        ("SET nosetting = 1", "22023", "nosetting"),
        ("SELECT error('boom') FROM items", "22000", "'boom'"),
        ("SELECT sum(id * 2), max(id * 9223372036854775807) FROM items", "22003", "*"),
        ("SELECT error(name) FROM items", "22000", None),
        ("SELECT sum(id) FROM items WHERE born = 'never'", "22007", "'never'"),
        ("SELECT sum(id) FROM items WHERE name ~ '('", "2201B", "'('"),
        ("SELECT max(i.id // (i.grp - i.grp)) FROM items AS i, few", "22012", "i.id // (i.grp - i.grp"),
        ("SELECT * FROM (SELECT name::DATE AS d FROM items) WHERE d > DATE '2020-01-01'", "22007", "::DATE"),
        ("SELECT sum(id) FROM items WHERE name = DATE '2020-01-01'", "22007", "name"),
        ("SELECT avg(price)::DECIMAL(3,2) FROM items", "22018", "::DECIMAL(3,2)"),
        ("  SELECT\n\n sum(name::INTEGER) FROM items", "22P02", "::INTEGER"),
        ("SELECT id FROM items JOIN few USING (word)", "42703", "word"),
        ("SELECT grp FROM items GROUP BY 0", "42P10", "0"),
        ("SELECT id FROM items LIMIT 150 %", "22003", "150"),
        ("WITH c AS (SELECT 1), c AS (SELECT 2) FROM c", "42601", "c"),
        ("FROM 'nowhere.parquet'", "58P01", "'nowhere.parquet'"),
    ],
)
def test_state_and_place(connection: shoal.Connection, sql: str, state: str, marked: str | None) -> None:
    error = _error_of_shoal(connection, sql)
    assert error is not None
    assert error.sqlstate == state, str(error)
    place = error.context.place
    if marked is None:
        assert place is None
        return
    assert place is not None, str(error)
    line = sql.split("\n")[place.line - 1]
    assert line[place.column - 1 :][: place.length] == marked
    assert "^" * len(marked) in str(error)


def test_two_places_are_no_place(connection: shoal.Connection) -> None:
    error = _error_of_shoal(connection, "SELECT sum(id * grp), max(id * id * id * id * id * id * id) FROM items")
    assert isinstance(error, shoal.DataError)
    assert error.context.place is None


@pytest.mark.parametrize(
    ("sql", "hint"),
    [
        ("SELECT items.id FROM items AS i", 'Candidate tables: "i"'),
        ("SELECT word FROM few AS w WHERE f.id = 1", 'Candidate tables: "w"'),
        ("SELECT nowhere FROM (SELECT 1 AS now)", "did you mean now?"),
        ("SELECT id FROM items WEHRE id = 1", 'did you mean WHERE instead of "WEHRE"?'),
        ("SELECT id FROM item", "did you mean items?"),
        ("DROP TABLE item", "did you mean items?"),
        ("INSERT INTO item VALUES (1)", "did you mean items?"),
        ("SHOW join_strateg", "did you mean join_strategy?"),
    ],
)
def test_hints(connection: shoal.Connection, sql: str, hint: str) -> None:
    error = _error_of_shoal(connection, sql)
    assert error is not None
    assert hint in (error.hint or ""), str(error)


def test_what_a_macro_or_a_view_does(connection: shoal.Connection) -> None:
    connection.execute("CREATE OR REPLACE MACRO to_number(x) AS x::INTEGER")
    connection.execute("CREATE OR REPLACE VIEW numbers AS SELECT grp, name::INTEGER AS n FROM items")
    in_macro = _error_of_shoal(connection, "SELECT sum(to_number(name || 'y')) FROM items")
    assert in_macro is not None
    assert (in_macro.line, in_macro.column) == (1, 12), str(in_macro)
    in_view = _error_of_shoal(connection, "SELECT grp, sum(n) FROM numbers GROUP BY grp")
    assert in_view is not None
    assert in_view.context.place is None, str(in_view)
    assert in_view.hint == "it is in the view numbers: ::INTEGER"


def test_carets_stand_under_wide_characters() -> None:
    first, second = caret_lines("SELECT '\u65e5\u672c', e\u0301, nowhere", Place(1, 18, 7))
    assert first.endswith("nowhere")
    assert second == " " * (len(first) - 7 + 2 - 1) + "^" * 7


def test_statements_that_describe_cannot_tell_of(connection: shoal.Connection) -> None:
    error = _error_of_shoal(connection, "SELECT id FROM items LIMIT 5 LIMIT 6")
    assert isinstance(error, shoal.ProgrammingError)
    assert error.message == 'syntax error at or near "LIMIT"'
    assert error.column == 30
