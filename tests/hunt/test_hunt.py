"""The hunt in short: random statements of fixed seeds, on several tasks in this process and on a small cluster."""

import duckdb
import pytest

from tests.hunt.answers import Answer, difference, plain_answer
from tests.hunt.cases import Case, Oracle, make_case
from tests.hunt.configurations import Backend, choose_settings
from tests.hunt.hunter import BLOCK, Finding, Ground
from tests.hunt.queries import Queries
from tests.hunt.regression_files import FOLDER, read_regression, write_regression
from tests.hunt.shrink import shrink
from tests.hunt.templates import ERRORS, SHAPES, Templates
from tests.hunt.world import make_world

FIRST_SEED = 1_000 * BLOCK
CASES = 70


@pytest.mark.parametrize("block", range(2))
def test_random_statements_in_one_process(block):
    first = FIRST_SEED + block * BLOCK
    with Ground(make_world(first // BLOCK), Backend()) as ground:
        tried = [ground.attempt(seed) for seed in range(first, first + CASES)]
    assert [str(one.finding) for one in tried if one.finding is not None] == []
    assert sum(one.distributed for one in tried) > CASES // 5


@pytest.mark.cluster
def test_random_statements_on_a_cluster_that_loses_executors():
    first = FIRST_SEED + 7 * BLOCK
    faults = "task.before_run=lost@9,task.batch=exit(9)@30,shuffle.open=lost@50"
    with Ground(make_world(first // BLOCK), Backend(3, mmap=False, faults=faults)) as ground:
        tried = [ground.attempt(seed) for seed in range(first, first + CASES // 2)]
    assert [str(one.finding) for one in tried if one.finding is not None] == []


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.sql")), ids=lambda file: file.stem)
def test_what_once_was_wrong_is_right(file):
    assert read_regression(file.read_text()).run() is None


def test_the_same_seed_makes_the_same_case():
    def cases() -> list[Case]:
        return [make_case(seed, make_world(seed // 50)) for seed in range(150)]

    assert cases() == cases()
    assert len(set(cases())) > 140


@pytest.mark.parametrize("shapes", [SHAPES, ERRORS])
def test_every_shape_can_be_filled(shapes, monkeypatch):
    world = make_world(5)
    for number, shape in enumerate(shapes):
        monkeypatch.setattr("tests.hunt.templates.SHAPES", (shape,))
        monkeypatch.setattr("tests.hunt.templates.ERRORS", (shape,))
        assert "{table" not in Templates(Queries(number, world)).query()


def test_a_wrong_answer_is_found_made_small_and_kept():
    """A hunter that finds nothing may be blind: with other rows on one side it must say so."""
    sql = "SELECT k, s, count(*) AS n FROM a WHERE id < 1000 GROUP BY k, s ORDER BY ALL"
    case = Case("query", Oracle.DUCKDB, (sql,))
    settings = (("distribute", "always"), ("partitions", "3"))
    with Ground(make_world(3), Backend()) as ground:
        duck = ground.plain.duck
        duck.execute("DELETE FROM a__stored" if "a__stored" in _tables(duck) else "DELETE FROM a")
        finding = ground.try_case(0, case, settings).finding
    assert finding is not None
    assert "rows instead of 0" in finding.message
    assert "Scan" in finding.plan
    again = read_regression(write_regression(finding))
    assert again.run() is None
    assert again.case.sql == case.sql
    assert again.settings == settings


def test_what_is_slow_in_small_batches_alone_does_not_hang(monkeypatch):
    """Of so many batches of one row that they take longer than the deadline."""
    monkeypatch.setattr("tests.hunt.hunter.TIMEOUT_OF_SMALL_BATCHES", 1)
    rows = "SELECT row_number() OVER (PARTITION BY x.id ORDER BY y.id, j) AS n FROM a AS x, b AS y, range(3) AS z(j)"
    sql = f"SELECT count(*), max(n) FROM ({rows})"
    case, settings = Case("query", Oracle.DUCKDB, (sql,)), (("distribute", "always"), ("partitions", "2"))
    with Ground(make_world(3), Backend(batch_rows=1)) as ground:
        assert ground.try_case(0, case, settings).finding is None
        assert ground.spared == 1
        monkeypatch.setattr(Backend, "batch_rows", 1)
        finding = ground.try_case(0, case, settings).finding
    assert finding is not None
    assert finding.message.startswith("hang")


def test_a_failing_statement_is_made_small():
    """Here a table is missing, so that any statement over it fails alike."""
    sql = "SELECT count(*) FROM a WHERE id IN (SELECT 1 + k FROM nowhere WHERE k > 1 AND s <> 'x') AND k > 2 ORDER BY 1"
    finding = Finding(0, Case("query", Oracle.DUCKDB, (sql,)), choose_settings(1), Backend(), make_world(1), "")
    with Ground(finding.world, finding.backend) as ground:
        ground.plain.duck.execute("CREATE TABLE nowhere AS SELECT 1 AS k, 'x' AS s")
        _, message = ground.run(finding.case)
    assert message is not None
    assert "nowhere" in message
    small = shrink(finding, 5)
    assert small.message.startswith("(not seen a second time)")


def test_answers_are_told_apart():
    with duckdb.connect() as duck:

        def answer(sql: str) -> Answer:
            found = plain_answer(duck, sql)
            assert found is not None
            return found

        one = answer("SELECT 1 AS a, 'NaN'::DOUBLE AS b UNION ALL SELECT 2, -0.0")
        turned = answer("SELECT 2 AS a, 0.0::DOUBLE AS b UNION ALL SELECT 1, 'NaN'::DOUBLE")
        assert difference(one, turned, "SELECT") is None
        assert "in the order" in str(difference(one, turned, "SELECT a, b FROM t ORDER BY a"))
        assert "columns" in str(difference(one, answer("SELECT 1 AS a, 2 AS b"), "SELECT"))
        assert "rows" in str(difference(one, answer("SELECT 1 AS a, 1::DOUBLE AS b"), "SELECT"))
        assert "ours" in str(difference(one, answer("SELECT 'x'::INTEGER"), "SELECT"))
        assert difference(answer("SELECT x"), answer("SELECT y"), "SELECT") is None
        assert "error class" in str(difference(answer("SELECT x"), answer("SELECT 'x'::INTEGER"), "SELECT"))


def _tables(duck: duckdb.DuckDBPyConnection) -> set[str]:
    return {str(row[0]) for row in duck.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
