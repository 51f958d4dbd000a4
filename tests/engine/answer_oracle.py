"""Runs statements on Shoal in several configurations and on plain DuckDB, and compares everything one can see."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

import shoal
from shoal.compare import compare_tables
from shoal.result_order import ResultOrder, result_order
from tests.engine.answer_tables import TABLES, VIEWS

CONFIGURATIONS: Mapping[str, Mapping[str, str]] = {
    "three": {"partitions": "3"},
    "seven_partitioned": {
        "partitions": "7",
        "join_strategy": "partitioned",
        "disabled_rules": "coalesce_partitions",
    },
    "two_broadcast": {"partitions": "2", "join_strategy": "broadcast", "disabled_rules": "coalesce_partitions"},
    "three_unclustered": {"partitions": "3", "disabled_rules": "use_clustering,coalesce_partitions"},
    "one": {"partitions": "1"},
}
"""The settings, beside ``distribute = always``, under which answers are compared."""


@dataclass(frozen=True)
class Answer:
    """What a statement gave: column names and types, rows with their Arrow types, or the kind of its error."""

    columns: tuple[tuple[str, str], ...] = ()
    table: pa.Table | None = None
    error: str = ""


class Oracle:
    """Plain DuckDB over the same files; remembers what each statement gave."""

    def __init__(self, folder: Path) -> None:
        self.connection = duckdb.connect(config={"arrow_output_version": "1.5", "python_enable_replacements": "false"})
        self.connection.execute("SET TimeZone = 'UTC'")
        for name in TABLES:
            self.connection.execute(f"CREATE VIEW \"{name}\" AS FROM read_parquet('{folder / name}/*.parquet')")
        for head, query in VIEWS:
            self.connection.execute(f"CREATE VIEW {head} AS {query}")
        self._known: dict[tuple[str, tuple[object, ...]], Answer] = {}

    def answer(self, sql: str, parameters: Sequence[object] = ()) -> Answer:
        """DuckDB's answer."""
        key = (sql, tuple(parameters))
        if key not in self._known:
            self._known[key] = self._run(sql, parameters)
        return self._known[key]

    def _run(self, sql: str, parameters: Sequence[object]) -> Answer:
        try:
            described = self.connection.execute(f"DESCRIBE {sql}", list(parameters)).fetchall()
            table = self.connection.sql(sql, params=list(parameters) or None).to_arrow_table()
        except duckdb.Error as error:
            return Answer(error=type(error).__name__)
        return Answer(tuple((str(row[0]), str(row[1])) for row in described), table)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


def connect(folder: Path, settings: Mapping[str, str]) -> shoal.Connection:
    """A connection over the tables and views that cuts every plan into tasks."""
    connection = shoal.connect(threads=1)
    for name in TABLES:
        connection.register(name, folder / name)
    cursor = connection.cursor()
    for head, query in VIEWS:
        cursor.execute(f"CREATE VIEW {head} AS {query}")
    for name, value in {"timezone": "UTC", "distribute": "always", "check_plans": "on", **settings}.items():
        cursor.execute(f"SET {name} = '{value}'")
    return connection


def run(connection: shoal.Connection, sql: str, parameters: Sequence[object] = ()) -> Answer:
    """Shoal's answer."""
    cursor = connection.cursor()
    try:
        cursor.execute(sql, parameters)
        columns = tuple((column[0], column[1]) for column in cursor.description or ())
        return Answer(columns, cursor.fetch_arrow_table())
    except shoal.Error as error:
        return Answer(error=f"{type(error).__name__}: {error}")
    finally:
        cursor.close()


def difference(ours: Answer, theirs: Answer, sql: str, *, in_order: bool = False) -> str | None:
    """What differs, or None. ``in_order``: the statement says of every row where it belongs.

    Of errors only that there is one counts: the kernel's own text is tested elsewhere.
    """
    if bool(ours.error) != bool(theirs.error):
        return f"ours: {ours.error or 'rows'}; DuckDB: {theirs.error or 'rows'}"
    if ours.table is None or theirs.table is None:
        return None
    if ours.columns != theirs.columns:
        return f"columns {ours.columns} instead of {theirs.columns}"
    if ours.table.schema != theirs.table.schema:
        return f"Arrow schema {ours.table.schema} instead of {theirs.table.schema}"
    if ours.table.num_rows == theirs.table.num_rows and ours.table.equals(theirs.table):
        return None
    order = result_order(sql, tuple(name for name, _ in theirs.columns))
    if in_order:
        order = ResultOrder(tuple(range(len(theirs.columns))))
    found = compare_tables(ours.table, theirs.table, order.keys, limited=order.limited)
    return None if found is None else str(found)


@dataclass(frozen=True)
class Statement:
    """A statement of the corpus. ``spread``: it must run in several tasks; ``in_order``: its order is total."""

    sql: str
    spread: bool
    in_order: bool


def statements(text: str) -> list[Statement]:
    """The statements of a corpus: each ends with ``;`` at a line's end, its first two characters are its marks."""
    found = re.split(r";$", text.strip("\n"), flags=re.MULTILINE)
    texts = [item.lstrip("\n") for item in found if item.strip()]
    return [Statement(item[2:], item[0] == "+", item[1] == "!") for item in texts]


def explained(connection: shoal.Connection, sql: str, parameters: Sequence[object] = ()) -> str:
    """The text of EXPLAIN, or of its error."""
    try:
        return "\n".join(row[0] for row in connection.execute(f"EXPLAIN {sql}", parameters).fetchall())
    except shoal.Error as error:
        return str(error)
