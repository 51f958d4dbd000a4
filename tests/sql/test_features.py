"""Every documented feature gives DuckDB's answer, however it is cut, and runs in the way that the table says."""

import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import shoal
from tests.engine.answer_oracle import Answer, difference, explained, run
from tests.sql.feature_tables import TABLES, write_tables
from tests.sql.features import Feature, Way, features
from tests.sql.features_session import SETUP
from tests.sql.sql_page import PAGE, page

PARTITIONS = (1, 2, 3, 7)
EVERY_CONFIGURATION = "SHOAL_EVERY_CONFIGURATION"
"""Set in the environment, each example is cut into 1, 2, 3 and 7 tasks instead of one of these numbers."""

VIEW = "CREATE VIEW positive AS SELECT * FROM sales WHERE amount > 0"
ROWS = features()


class Runs:
    """Plain DuckDB, Shoal in one process, and Shoal with every plan cut into so many tasks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.duck = duckdb.connect(config={"arrow_output_version": "1.5", "python_enable_replacements": "false"})
        self.duck.execute("SET TimeZone = 'UTC'")
        for name in TABLES:
            self.duck.execute(f"CREATE VIEW {name} AS FROM read_parquet('{folder / name}/*.parquet')")
        for statement in (VIEW, *SETUP):
            self.duck.execute(statement)
        self.embedded = self._connect({})
        self.cut = {
            number: self._connect({"distribute": "always", "partitions": str(number), "check_plans": "on"})
            for number in PARTITIONS
        }

    def _connect(self, settings: dict[str, str]) -> shoal.Connection:
        connection = shoal.connect(threads=1)
        for name in TABLES:
            connection.register(name, self.folder / name)
        for statement in (VIEW, *SETUP):
            connection.execute(statement)
        for name, value in {"timezone": "UTC", **settings}.items():
            connection.execute(f"SET {name} = '{value}'")
        return connection

    def expected(self, sql: str) -> Answer:
        """DuckDB's answer."""
        try:
            described = self.duck.execute(f"DESCRIBE {sql}").fetchall()
            table = self.duck.sql(sql).to_arrow_table()
        except duckdb.Error as error:
            return Answer(error=f"{type(error).__name__}: {error}")
        return Answer(tuple((str(row[0]), str(row[1])) for row in described), table)

    def close(self) -> None:
        """Close everything."""
        for connection in (self.embedded, *self.cut.values()):
            connection.close()
        self.duck.close()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    folder = tmp_path_factory.mktemp("features")
    write_tables(folder)
    opened = Runs(folder)
    yield opened
    opened.close()


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row.section}: {row.name}") for row in ROWS])
def test_feature(runs: Runs, row: Feature) -> None:
    sql = row.sql.replace("{folder}", str(runs.folder))
    if row.way is Way.REFUSED:
        _is_refused(runs, row, sql)
        return
    expected = runs.expected(sql)
    assert not expected.error, "the example is not DuckDB's"
    for name, connection in (("embedded", runs.embedded), *((number, runs.cut[number]) for number in _chosen(row))):
        found = difference(run(connection, sql), expected, sql)
        assert found is None, f"{name}: {found}\n{explained(connection, sql)}"
    _runs_as_told(row, explained(runs.cut[3], sql))


def _chosen(row: Feature) -> tuple[int, ...]:
    if os.environ.get(EVERY_CONFIGURATION):
        return PARTITIONS
    return (PARTITIONS[zlib.crc32(row.name.encode()) % len(PARTITIONS)],)


def _is_refused(runs: Runs, row: Feature, sql: str) -> None:
    for connection in (runs.embedded, *runs.cut.values()):
        assert row.reason in run(connection, sql).error


def _runs_as_told(row: Feature, plan: str) -> None:
    reason = _reason(plan)
    if row.way is Way.DISTRIBUTED:
        assert reason == "", f"gathered: {reason}"
    else:
        assert row.reason in reason, f"{reason or 'distributed'}\n{plan}"


def _reason(plan: str) -> str:
    """Why one executor runs the statement or a block of it; nothing if none does."""
    words = ("runs it whole: ", "one executor runs it: ")
    return "\n".join(line.strip() for line in plan.splitlines() if any(word in line for word in words))


def test_page_is_up_to_date(request: pytest.FixtureRequest) -> None:
    text = page(ROWS)
    if request.config.getoption("--golden"):
        PAGE.write_text(text)
    assert PAGE.read_text() == text, "make golden writes docs/sql.md anew"


def test_names_are_unique() -> None:
    names = [(row.section, row.name) for row in ROWS]
    assert sorted(set(names)) == sorted(names)


def test_clocks_go_on_between_runs_of_one_statement(runs: Runs) -> None:
    sql = "SELECT min(now()), max(now()), count(*) FROM sales"
    found = [runs.cut[3].execute(sql).fetchall()[0] for _ in range(2)]
    assert [first == last for first, last, _ in found] == [True, True]
    assert found[0][0] < found[1][0]
