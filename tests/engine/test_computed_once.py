"""Common tables that are computed once, and parts without rows: DuckDB's answers on 1, 2, 3 and 7 partitions."""

import os
import zlib
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


PARTITIONS = ("1", "2", "3", "7")
STATEMENTS = statements(ONCE) + statements(EMPTY) + statements(SHARED)


def cases() -> Iterator[tuple[str, Statement]]:
    """Each statement with one number of partitions; with all of them if ``SHOAL_EVERY_CONFIGURATION`` is set."""
    for statement in STATEMENTS:
        own = zlib.crc32(statement.sql.encode()) % len(PARTITIONS)
        for number, partitions in enumerate(PARTITIONS):
            if number == own or "SHOAL_EVERY_CONFIGURATION" in os.environ:
                yield partitions, statement


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


@pytest.fixture(scope="module")
def connections(folder: Path, request: pytest.FixtureRequest) -> Iterator[tuple[shoal.Connection, shoal.Connection]]:
    partitions = {"partitions": request.param}
    opened = connect(folder, partitions), connect(folder, {**partitions, "disabled_rules": OFF})
    yield opened
    for connection in opened:
        connection.close()


@pytest.mark.parametrize(("connections", "statement"), list(cases()), indirect=["connections"])
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
