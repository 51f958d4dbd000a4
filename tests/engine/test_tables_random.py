"""Random statements on two random tables: Shoal's and plain DuckDB's answers, and the tables after each statement."""

import random
from collections.abc import Iterator

import duckdb
import pytest

import shoal
from tests.engine.test_tables_scripts import answer

STATEMENTS = 40
VALUES = {
    "INTEGER": ["-3", "0", "1", "2", "5", "9"],
    "VARCHAR": ["''", "'a'", "'xyz'"],
    "DOUBLE": ["1.5", "-0.0", "'nan'"],
    "HUGEINT": ["1267650600228229401496703205376", "-7"],
    "INTEGER[]": ["[1, 2]", "[]", "[NULL]"],
    "ENUM('p', 'q')": ["'p'", "'q'"],
    "DATE": ["'2020-02-29'"],
    "STRUCT(x INTEGER, y VARCHAR)": ["{'x': 1, 'y': NULL}"],
}
Columns = list[tuple[str, str]]


class Script:
    """Makes statements on the tables ``t1`` and ``t2``, whose first column is the number ``k``."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._tables: dict[str, Columns] = {}

    def statements(self) -> Iterator[str]:
        """The statements; what is in a table is asked after each one that may have changed it."""
        for name in ("t1", "t2"):
            columns = [("k", "INTEGER"), *((f"c{i}", self._type()) for i in range(self._random.randint(1, 4)))]
            self._tables[name] = columns
            parts = [self._definition(*column) for column in columns]
            if self._random.random() < 0.4:
                parts.append(f"CHECK (k IS NULL OR k < {self._random.randint(5, 12)})")
            yield f"CREATE TABLE {name}({', '.join(parts)})"
        makers = [self._insert, self._insert, self._copy, self._update, self._update, self._delete, self._alter]
        for _ in range(STATEMENTS):
            name = self._random.choice(["t1", "t2"])
            yield self._random.choice(makers)(name, "t2" if name == "t1" else "t1")
            yield f"SELECT * FROM {name}"

    def _type(self) -> str:
        return self._random.choice(list(VALUES))

    def _value(self, type_: str) -> str:
        return "NULL" if self._random.random() < 0.2 else self._random.choice(VALUES[type_])

    def _definition(self, name: str, type_: str) -> str:
        default = f" DEFAULT {self._value(type_)}" if self._random.random() < 0.3 else ""
        return f"{name} {type_}{default}{' NOT NULL' if self._random.random() < 0.15 else ''}"

    def _condition(self) -> str:
        number = self._random.randint(-3, 9)
        return self._random.choice(
            [f"k > {number}", f"k % 3 = {number % 3}", "k IS NULL", "NOT (k < 4 AND k IS NOT NULL)", "true", "NULL"]
        )

    def _returning(self) -> str:
        return self._random.choice(["", "", " RETURNING *"])

    def _insert(self, name: str, _other: str) -> str:
        types = [type_ for _, type_ in self._tables[name]]
        rows = []
        for _ in range(self._random.randint(1, 4)):
            cells = [self._random.choice([self._value(type_), self._value(type_), "DEFAULT"]) for type_ in types]
            rows.append(f"({', '.join(cells)})")
        return f"INSERT INTO {name} VALUES {', '.join(rows)}{self._returning()}"

    def _copy(self, name: str, other: str) -> str:
        return self._random.choice(
            [
                f"INSERT INTO {name}(k) SELECT k + 1 FROM {other} WHERE {self._condition()}{self._returning()}",
                f"INSERT INTO {name} BY NAME SELECT * FROM {name} WHERE {self._condition()}",
                f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM {name} WHERE {self._condition()}",
            ]
        )

    def _update(self, name: str, other: str) -> str:
        if self._random.random() < 0.3:
            keys = f"(SELECT DISTINCT k AS key FROM {other}) AS o"
            return f"UPDATE {name} SET k = {name}.k + 1 FROM {keys} WHERE o.key = {name}.k{self._returning()}"
        columns = self._random.sample(self._tables[name], self._random.randint(1, len(self._tables[name])))
        sets = [f"{name} = {self._random.choice([self._value(type_), name, 'DEFAULT'])}" for name, type_ in columns]
        return f"UPDATE {name} SET {', '.join(sets)} WHERE {self._condition()}{self._returning()}"

    def _delete(self, name: str, other: str) -> str:
        return self._random.choice(
            [
                f"DELETE FROM {name} WHERE {self._condition()}{self._returning()}",
                f"DELETE FROM {name} USING {other} WHERE {name}.k = {other}.k{self._returning()}",
                f"TRUNCATE {name}",
            ]
        )

    def _alter(self, name: str, _other: str) -> str:
        columns = self._tables[name]
        if self._random.random() < 0.5:
            added, type_ = f"n{len(columns)}", self._type()
            self._tables[name] = [*columns, (added, type_)]
            return f"ALTER TABLE {name} ADD COLUMN {added} {type_} DEFAULT {self._value(type_)}"
        column = self._random.choice(columns)[0]
        change = self._random.choice(["SET NOT NULL", "DROP NOT NULL", "DROP DEFAULT"])
        return f"ALTER TABLE {name} ALTER {column} {change}"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("distribute", ["auto", "always"])
def test_random_statements(seed: int, distribute: str) -> None:
    with shoal.connect(threads=1) as connection, duckdb.connect() as plain:
        connection.execute(f"SET distribute = {distribute}")
        told = []
        for sql in Script(seed).statements():
            told.append(sql)
            expected, found = answer(plain, sql), answer(connection, sql)
            assert str(found) == str(expected), ";\n".join(told)
