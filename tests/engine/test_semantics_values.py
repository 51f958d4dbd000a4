"""Values that compare in odd ways as keys, in groups, in order, under several plans and time zones: as plain DuckDB."""

import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

import shoal
from tests.engine import semantics_tables

CONFIGURATIONS = (
    pytest.param(({"partitions": 1}, "UTC", 0), id="one-task"),
    pytest.param(({"partitions": 2, "join_strategy": "partitioned"}, "America/St_Johns", 0), id="two-partitioned"),
    pytest.param(
        ({"partitions": 3, "join_strategy": "partitioned", "check_plans": True}, "UTC", 0), id="three-checked"
    ),
    pytest.param(({"partitions": 7, "join_strategy": "broadcast"}, "Asia/Kolkata", 0), id="seven-broadcast"),
    pytest.param(
        ({"partitions": 3, "join_strategy": "partitioned", "mmap": False}, "Europe/Berlin", 2),
        id="executors",
        marks=pytest.mark.cluster,
    ),
)
NAMES = tuple(configuration.id for configuration in CONFIGURATIONS)
Both = tuple[shoal.Connection, duckdb.DuckDBPyConnection]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("semantics")
    semantics_tables.write_tables(made)
    return made


@pytest.fixture(scope="module", params=CONFIGURATIONS)
def both(request: pytest.FixtureRequest, folder: Path) -> Iterator[Both]:
    options, zone, executors = request.param
    with _time_zone_of_processes("Asia/Tokyo"), duckdb.connect() as plain:
        plain.execute(f"SET TimeZone = '{zone}'")
        cluster = {"executors": executors} if executors else {}
        with shoal.connect(threads=1, distribute="always", timezone=zone, **cluster, **options) as ours:
            for name in semantics_tables.TABLES:
                plain.execute(f"CREATE VIEW {name} AS FROM '{folder / name}/*.parquet'")
                ours.register(name, folder / name)
            yield ours, plain


def chosen(statements: Sequence[str], request: pytest.FixtureRequest) -> Iterator[str]:
    """The statements that this configuration runs: two of five run each, all with ``SHOAL_EVERY_CONFIGURATION`` set."""
    place = next(number for number, name in enumerate(NAMES) if f"[{name}" in request.node.name)
    for sql in statements:
        distance = (place - zlib.crc32(sql.encode())) % len(NAMES)
        if distance < 2 or "SHOAL_EVERY_CONFIGURATION" in os.environ:
            yield sql


@contextmanager
def _time_zone_of_processes(zone: str) -> Iterator[None]:
    """Executors that start in the block live in another zone than the session."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    try:
        yield
    finally:
        os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)


@pytest.mark.parametrize("group", ["JOINS", "GROUPS", "ORDERED"])
def test_values(both: Both, group: str, request: pytest.FixtureRequest) -> None:
    wrong = []
    for sql in chosen(getattr(semantics_tables, group), request):
        expected, found = _run(both[1], sql), _run(both[0], sql)
        if group != "ORDERED":
            expected, found = sorted(expected), sorted(found)
        if expected != found:
            pairs = [pair for pair in zip(expected, found, strict=False) if pair[0] != pair[1]]
            wrong.append(f"{sql}\n  {len(expected)} and {len(found)} rows, first {pairs[:1]}")
    assert not wrong, "\n".join(wrong)


def test_queries(both: Both, request: pytest.FixtureRequest) -> None:
    wrong = []
    queries = Path(__file__).with_name("semantics_queries.sql").read_text("utf-8").splitlines()[1:]
    for sql in chosen(queries, request):
        expected, found = _run(both[1], sql), _run(both[0], sql)
        if "ORDER BY" not in sql.rpartition(")")[2]:
            expected, found = sorted(expected), sorted(found)
        if expected != found:
            pairs = [pair for pair in zip(expected, found, strict=False) if pair[0] != pair[1]]
            wrong.append(f"{sql}\n  {len(expected)} and {len(found)} rows, first {pairs[:1]}")
    assert not wrong, "\n".join(wrong)


def _run(connection: shoal.Connection | duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    """Names and types, then each row as text; or the class of the error."""
    try:
        cursor = connection.execute(sql)
        heads = [f"{name} {code}" for name, code, *_ in cursor.description or ()]
        return [" ".join(heads), *map(_text, cursor.fetchall())]
    except duckdb.Error:
        return ["fails"]
    except shoal.DataError:
        return ["fails"]


def _text(value: object) -> str:
    """A value with floats in 12 digits, and without the sign of zero, which is that of any row of a group."""
    match value:
        case float():
            return f"{value + 0.0 if value else 0.0:.12g}"
        case dict():
            return f"{{{', '.join(f'{key}: {_text(item)}' for key, item in value.items())}}}"
        case str() | bytes():
            return repr(value)
        case Sequence():
            return f"[{', '.join(map(_text, value))}]"
        case _:
            return repr(value)


def test_odd_column_names_survive(both: Both) -> None:
    for sql in (
        'SELECT id AS "a b", id AS "a b", 1 AS " ", 2 AS "A""B", 3 AS "ä\U0001f600" FROM numbers ORDER BY 1 LIMIT 3',
        'SELECT x.id, y.id, x.id AS "ID" FROM numbers AS x JOIN numbers AS y ON x.id = y.id ORDER BY 1 LIMIT 3',
        'SELECT t, count(*) AS "count(*)", count(*), sum(id) AS "select" FROM numbers GROUP BY t ORDER BY 1 LIMIT 3',
        'SELECT * FROM (SELECT id AS "x y", id + 1 AS "x""y" FROM numbers) WHERE "x y" < 3 ORDER BY ALL',
        "SELECT 1 AS a, 2 AS a UNION ALL SELECT 3, 4 ORDER BY ALL",
        "SELECT id, id FROM (SELECT id FROM numbers) ORDER BY 1 LIMIT 2",
    ):
        ours, plain = both[0].execute(sql), both[1].execute(sql)
        assert [column[0] for column in ours.description or ()] == [column[0] for column in plain.description]
        assert ours.fetchall() == plain.fetchall()
        table = both[0].execute(sql).fetch_arrow_table()
        assert table.column_names == [column[0] for column in plain.description]


@pytest.mark.parametrize("limit", ["5", "0", "1000000", "5 OFFSET 290", "10%", "(SELECT 3)"])
def test_a_limit_without_an_order_gives_rows_of_the_answer(both: Both, limit: str) -> None:
    everything = set(both[1].execute("SELECT id, v FROM numbers WHERE n > 0").fetchall())
    rows = both[0].execute(f"SELECT id, v FROM numbers WHERE n > 0 LIMIT {limit}").fetchall()
    assert set(rows) <= everything
    assert (
        len(set(rows))
        == len(rows)
        == len(both[1].execute(f"SELECT id, v FROM numbers WHERE n > 0 LIMIT {limit}").fetchall())
    )


def test_ties_at_a_limit_are_any_of_them(both: Both) -> None:
    sql = "SELECT n, id FROM numbers ORDER BY n DESC LIMIT 8"
    ours, plain = both[0].execute(sql).fetchall(), both[1].execute(sql).fetchall()
    assert [row[0] for row in ours] == [row[0] for row in plain]
    assert len(set(ours)) == 8
