"""Common tables that are computed once, and parts without rows: DuckDB's answers on 1, 2, 3 and 7 partitions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import shoal
from tests.engine.answer_corpus_once import EMPTY, ONCE
from tests.engine.answer_corpus_shared import SHARED
from tests.engine.answer_oracle import Oracle, Statement, connect, difference, explained, run, statements
from tests.engine.answer_tables import write_tables

OFF = "filter_shared,prune_empty,compute_once,sort_by_expressions"
"""The optimisations that are proved here to change no answer."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("once")
    write_tables(path)
    return path


@pytest.fixture(scope="module")
def oracle(folder: Path) -> Iterator[Oracle]:
    opened = Oracle(folder)
    yield opened
    opened.close()


@pytest.fixture(scope="module", params=["1", "2", "3", "7"])
def connections(folder: Path, request: pytest.FixtureRequest) -> Iterator[tuple[shoal.Connection, shoal.Connection]]:
    partitions = {"partitions": request.param}
    opened = connect(folder, partitions), connect(folder, {**partitions, "disabled_rules": OFF})
    yield opened
    for connection in opened:
        connection.close()


@pytest.mark.parametrize("statement", statements(ONCE) + statements(EMPTY) + statements(SHARED))
def test_the_answer_is_duckdbs(
    connections: tuple[shoal.Connection, shoal.Connection], oracle: Oracle, statement: Statement
) -> None:
    theirs = oracle.answer(statement.sql)
    assert not theirs.error
    for connection in connections:
        found = difference(run(connection, statement.sql), theirs, statement.sql)
        assert found is None, f"{found}\n{statement.sql}\n{explained(connection, statement.sql)}"
        whole = "runs it whole" in explained(connection, statement.sql)
        assert not (whole and statement.spread), explained(connection, statement.sql)
