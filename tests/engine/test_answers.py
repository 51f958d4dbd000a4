"""Every statement of the corpus, cut into tasks in several ways, gives what plain DuckDB gives."""

import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import shoal
from tests.engine import (
    answer_corpus_groups,
    answer_corpus_joins,
    answer_corpus_names,
    answer_corpus_odd,
    answer_corpus_shared,
)
from tests.engine.answer_oracle import (
    CONFIGURATIONS,
    Oracle,
    Statement,
    connect,
    difference,
    explained,
    run,
    statements,
)
from tests.engine.answer_tables import write_tables

THEMES = {
    "joins": answer_corpus_joins.JOINS,
    "subqueries": answer_corpus_joins.SUBQUERIES,
    "sets": answer_corpus_joins.SETS,
    "groups": answer_corpus_groups.GROUPS,
    "windows": answer_corpus_groups.WINDOWS,
    "orders": answer_corpus_groups.ORDERS,
    "scopes": answer_corpus_names.SCOPES,
    "expressions": answer_corpus_names.EXPRESSIONS,
    "odd": answer_corpus_odd.ODD,
    "shared": answer_corpus_shared.SHARED,
}
EVERY_CONFIGURATION = "SHOAL_EVERY_CONFIGURATION"
"""Set in the environment, each statement is run in every configuration instead of one of them."""

_CORPUS = [
    pytest.param(statement, id=f"{theme}-{number}")
    for theme, text in THEMES.items()
    for number, statement in enumerate(statements(text))
]


class Answers:
    """The oracle, and connections in the configurations, opened when they are first wanted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.oracle = Oracle(folder)
        self._connections: dict[str, shoal.Connection] = {}

    def connection(self, name: str) -> shoal.Connection:
        """The connection of one configuration."""
        if name not in self._connections:
            self._connections[name] = connect(self.folder, CONFIGURATIONS[name])
        return self._connections[name]

    def close(self) -> None:
        """Close everything."""
        for connection in self._connections.values():
            connection.close()
        self.oracle.close()


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    folder = tmp_path_factory.mktemp("answers")
    write_tables(folder)
    opened = Answers(folder)
    yield opened
    opened.close()


def configurations(sql: str) -> list[str]:
    """One of the configurations, the same one for the same statement; or all."""
    names = list(CONFIGURATIONS)
    return names if os.environ.get(EVERY_CONFIGURATION) else [names[zlib.crc32(sql.encode()) % len(names)]]


@pytest.mark.parametrize("statement", _CORPUS)
def test_the_answer_is_duckdbs(answers: Answers, statement: Statement) -> None:
    sql = statement.sql.replace("{folder}", str(answers.folder))
    theirs = answers.oracle.answer(sql)
    for name in configurations(statement.sql):
        connection = answers.connection(name)
        found = difference(run(connection, sql), theirs, sql, in_order=statement.in_order)
        assert found is None, f"{name}: {found}\n{sql}\n{explained(connection, sql)}"
        if statement.spread and name != "one":
            assert " tasks -> " in explained(connection, sql), sql


WHOLE = {
    "SELECT id FROM facts WHERE s COLLATE DE = 'x'": "left to the kernel",
    "SELECT DISTINCT ON (k) k, id FROM facts": "DISTINCT ON without an order",
    "SELECT unnest([[k], [id]], recursive := true) FROM facts": "UNNEST with an option",
    "SELECT random() FROM facts": "another value at each call",
    "(SELECT id FROM facts) UNION ALL (SELECT k FROM dims) LIMIT 1%": "a computed LIMIT of a set operation",
    "SELECT id FROM facts TABLESAMPLE 100 PERCENT": "a sample",
    "SELECT f.id FROM facts f ASOF JOIN other o ON f.day >= o.day": "ASOF",
    "SELECT f.id FROM facts f ASOF RIGHT JOIN other o ON f.k = o.k AND f.day >= o.day": "ASOF",
    "SELECT max(x) AS x FROM facts HAVING x > 5": "both a column and an alias",
    "SELECT list(id) FROM (SELECT id FROM facts ORDER BY id)": "the order of a subquery",
    "SELECT coalesce(*COLUMNS('k|id')) FROM facts": "COLUMNS",
}


@pytest.mark.parametrize("sql", WHOLE)
def test_what_runs_whole_says_why(answers: Answers, sql: str) -> None:
    first = explained(answers.connection("three"), sql).splitlines()[0]
    assert first.startswith("1 stage: one executor runs it whole: ")
    assert WHOLE[sql] in first


PARAMETERS: tuple[tuple[str, tuple[object, ...]], ...] = (
    ("SELECT id FROM facts WHERE k = ? AND s = ?", (3, "name 1")),
    ("SELECT id FROM facts WHERE k = ? OR k IS NULL", (None,)),
    ("SELECT ?, count(*) FROM facts GROUP BY k HAVING count(*) > ?", ("it's\na 'text'", 50)),
    ("SELECT id, x * ? FROM facts WHERE day < ?::DATE LIMIT 20", (2, "2020-03-01")),
    ("SELECT f.id FROM facts f JOIN dims d ON f.k = d.k + ? WHERE d.w IN (?, ?)", (1, 30, 33)),
    ("SELECT ? AS a, ? AS b, ? AS c, ? AS d FROM facts WHERE id < 3", (True, 1.5, -7, None)),
)


@pytest.mark.parametrize(("sql", "parameters"), PARAMETERS)
def test_parameters(answers: Answers, sql: str, parameters: tuple[object, ...]) -> None:
    theirs = answers.oracle.answer(sql, parameters)
    assert not theirs.error
    for name in CONFIGURATIONS:
        connection = answers.connection(name)
        found = difference(run(connection, sql, parameters), theirs, sql)
        assert found is None, f"{name}: {found}\n{explained(connection, sql, parameters)}"


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT id FROM facts LIMIT 7", 7),
        ("SELECT k FROM facts WHERE k = 3 LIMIT 5 OFFSET 2", 5),
        ("SELECT count(*) FROM (SELECT id FROM facts LIMIT 7)", 1),
    ],
)
def test_a_limit_without_an_order_gives_rows_that_are_there(answers: Answers, sql: str, rows: int) -> None:
    """Which rows is open; how many is not, and none comes twice."""
    table = run(answers.connection("seven_partitioned"), sql).table
    assert table is not None
    assert table.num_rows == rows
    if "count" not in sql and "WHERE" not in sql:
        assert len(set(table.column(0).to_pylist())) == rows
