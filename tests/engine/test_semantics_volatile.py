"""Clocks once a statement, random values once a row, whatever the number of tasks and however often they are tried."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import shoal
from shoal.executor.faults import Fault, FaultKind, installed
from tests.engine.bad_input_modes import MODES, connect

ROWS = 6000
CLOCKS = (
    "now()", "current_timestamp", "transaction_timestamp()", "get_current_timestamp()", "current_date", "today()",
    "localtimestamp", "current_time", "localtime", "get_current_time()",
)  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("volatile")
    with duckdb.connect() as duck:
        for part in range(3):
            rows = f"SELECT i AS id, i % 7 AS g FROM range({ROWS}) AS r(i) WHERE i % 3 = {part}"
            duck.execute(f"COPY ({rows}) TO '{folder}/{part}.parquet' (ROW_GROUP_SIZE 2048)")
    return folder


@pytest.fixture(scope="module", params=MODES)
def connection(request: pytest.FixtureRequest, path: Path) -> Iterator[shoal.Connection]:
    with connect(request.param) as opened:
        opened.register("t", path)
        yield opened


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_clock_shows_one_time_in_a_statement(connection: shoal.Connection, clock: str) -> None:
    sql = (
        f"SELECT count(DISTINCT c), max(c) = {clock}, min(c)::VARCHAR, typeof(max(c)) FROM (SELECT {clock} AS c, id "
        f"FROM t UNION ALL SELECT {clock}, id FROM t WHERE g = 3) WHERE c <= {clock} AND id IN (SELECT id FROM t)"
    )
    ((values, same, text, kind),) = connection.execute(sql).fetchall()
    assert (values, same) == (1, True)
    with duckdb.connect() as plain:
        assert plain.execute(f"SELECT typeof({clock})").fetchall() == [(kind,)]
    assert text


def test_a_clock_moves_between_statements(connection: shoal.Connection) -> None:
    sql = "SELECT max(now()), count(*) FROM t"
    times = [connection.execute(sql).fetchall()[0][0] for _ in range(3)]
    assert times == sorted(set(times))
    assert abs(times[-1] - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
    prepared = "SELECT now(), ? AS one"
    assert connection.execute(prepared, [1]).fetchall() != connection.execute(prepared, [1]).fetchall()


@pytest.mark.parametrize("value", ["random()", "uuid()", "gen_random_uuid()", "uuidv7()"])
def test_random_values_are_made_for_each_row(connection: shoal.Connection, value: str) -> None:
    sql = f"SELECT count(*), count(DISTINCT r) FROM (SELECT id, {value} AS r FROM t)"
    ((rows, values),) = connection.execute(sql).fetchall()
    assert rows == ROWS
    assert values > ROWS * 0.99
    sql = f"SELECT count(*) FROM (SELECT {value} AS r FROM t) WHERE r IS NULL OR r <> r"
    assert connection.execute(sql).fetchall() == [(0,)]


def test_a_random_value_is_one_wherever_it_is_named(connection: shoal.Connection) -> None:
    """A common table that is read twice has the same rows both times."""
    sql = (
        "WITH c AS MATERIALIZED (SELECT id, random() AS r FROM t) SELECT count(*) FROM c AS a JOIN c AS b USING (id, r)"
    )
    assert connection.execute(sql).fetchall() == [(ROWS,)]
    sql = "SELECT count(*) FROM (SELECT r, r + 0 AS s FROM (SELECT random() AS r FROM t)) WHERE r <> s"
    assert connection.execute(sql).fetchall() == [(0,)]


def test_a_random_sample_is_one_of_the_answer(connection: shoal.Connection) -> None:
    rows = connection.execute("SELECT id FROM t ORDER BY random() LIMIT 50").fetchall()
    assert len(set(rows)) == 50
    (count,) = connection.execute("SELECT count(*) FROM t WHERE random() < 0.5").fetchone()
    assert ROWS * 0.4 < count < ROWS * 0.6


@pytest.mark.parametrize("point", ["task.before_finish", "task.batch", "task.start"])
@pytest.mark.parametrize("passage", [1, 3])
def test_a_task_that_is_tried_again(path: Path, point: str, passage: int) -> None:
    """What was seen of a first attempt, and what a second makes anew, are never mixed."""
    with connect("stages") as opened:
        opened.register("t", path)
        sql = (
            "SELECT g, count(*), count(DISTINCT n), max(s) FROM (SELECT g, now() AS n, string_agg(id, ',' ORDER BY id) "
            "OVER (PARTITION BY g ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS s FROM t) "
            "GROUP BY g ORDER BY g"
        )
        expected = opened.execute(sql).fetchall()
        with installed(Fault(point, FaultKind.LOST, passage=passage)):
            assert opened.execute(sql).fetchall() == expected
        random = (
            "WITH c AS MATERIALIZED (SELECT id, random() AS r FROM t) SELECT count(*) FROM c JOIN c AS d USING (id, r)"
        )
        with installed(Fault(point, FaultKind.LOST, passage=passage)):
            assert opened.execute(random).fetchall() == [(ROWS,)]


def test_sequences_are_refused(connection: shoal.Connection) -> None:
    with pytest.raises(shoal.NotSupportedError, match="SEQUENCE"):
        connection.execute("CREATE SEQUENCE s")
    with pytest.raises(shoal.BindError, match="nothing"):
        connection.execute("SELECT nextval('nothing')")
