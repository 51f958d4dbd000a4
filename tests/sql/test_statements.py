"""Statements in which parts of SELECT meet give DuckDB's answers, cut into tasks."""

import os
import re
from collections.abc import Iterator

import pytest

from tests.engine.answer_oracle import difference, explained, run
from tests.sql.feature_tables import write_tables
from tests.sql.statements import STATEMENTS
from tests.sql.test_features import EVERY_CONFIGURATION, PARTITIONS, Runs

_TEXTS = [item.strip() for item in re.split(r";$", STATEMENTS, flags=re.MULTILINE) if item.strip()]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    folder = tmp_path_factory.mktemp("statements")
    write_tables(folder)
    opened = Runs(folder)
    yield opened
    opened.close()


@pytest.mark.parametrize("number", range(len(_TEXTS)))
def test_the_answer_is_duckdbs(runs: Runs, number: int) -> None:
    sql = _TEXTS[number]
    expected = runs.expected(sql)
    assert not expected.error
    every = bool(os.environ.get(EVERY_CONFIGURATION))
    for partitions in PARTITIONS if every else (PARTITIONS[number % len(PARTITIONS)],):
        connection = runs.cut[partitions]
        found = difference(run(connection, sql), expected, sql)
        assert found is None, f"{partitions} tasks: {found}\n{sql}\n{explained(connection, sql)}"
