"""A local cluster leaves small statements to the process that plans them."""

from collections.abc import Iterator

import pyarrow as pa
import pytest

import shoal
from shoal import execution
from shoal.run_clock import Cost

pytestmark = pytest.mark.cluster

SMALL = "SELECT k % 3 AS r, sum(k) AS s FROM numbers GROUP BY r ORDER BY r"


@pytest.fixture(scope="module")
def connection() -> Iterator[shoal.Connection]:
    with shoal.connect(executors=1, threads=1) as made:
        made.register("numbers", pa.table({"k": list(range(100))}))
        yield made


def analyzed(connection: shoal.Connection, sql: str) -> str:
    return "\n".join(row[0] for row in connection.execute(f"EXPLAIN ANALYZE {sql}").fetchall())


def test_a_small_statement_runs_here(connection: shoal.Connection) -> None:
    shown = analyzed(connection, SMALL)
    assert "on this process" in shown
    assert "1 stage: one process is expected to take 0.000 s, 1 task 0.008 s, one executor 0.008 s" in shown


@pytest.mark.parametrize("setting", ["disabled_rules = 'own_process'", "distribute = 'always'"])
def test_it_can_be_switched_off(connection: shoal.Connection, setting: str) -> None:
    here = connection.execute(SMALL).fetchall()
    connection.execute(f"SET {setting}")
    try:
        assert "on local-1" in analyzed(connection, SMALL)
        assert connection.execute(SMALL).fetchall() == here
    finally:
        connection.execute(f"RESET {setting.partition(' ')[0]}")


def test_one_that_is_not_small_after_all_goes_to_the_cluster(
    connection: shoal.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "SMALL_PATIENCE", Cost(0.05, 0.0))
    few = "(SELECT k FROM numbers WHERE k < 20)"
    slow = f"SELECT count(*) FROM numbers a, numbers b, numbers c, {few} d WHERE (a.k + b.k + c.k * d.k) % 7 = 1"
    monkeypatch.setattr("shoal.planner.place.MOST_OWN_SECONDS", 1000.0)
    shown = analyzed(connection, slow)
    assert "1 stage: one process is expected" in shown
    assert "on local-1" in shown
