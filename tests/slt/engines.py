"""What scripts run on: plain DuckDB, Shoal in this process, and Shoal with three executors."""

import re
from collections.abc import Sequence
from typing import Protocol

import duckdb

import shoal

ENGINES = ("duckdb", "embedded", "cluster")

Row = Sequence[object]


class Engine(Protocol):
    """Runs one statement after another. ``names`` are those by which ``skipif`` and ``onlyif`` mean it."""

    names: frozenset[str]

    def run(self, sql: str) -> list[Row]:
        """The rows of a statement; raises ``StatementFailed``."""

    def close(self) -> None:
        """Free everything."""


class StatementFailed(Exception):
    """A statement's error, as the engine puts it."""


class PlainDuckDB:
    """DuckDB alone."""

    names = frozenset({"duckdb"})

    def __init__(self) -> None:
        self._connection = duckdb.connect(config={"python_enable_replacements": "false"})
        self._connection.execute("SET enable_progress_bar = false")
        self._connection.execute("SET TimeZone = 'UTC'")

    def run(self, sql: str) -> list[Row]:
        """The rows of a statement."""
        if _is_setting_of_shoal(sql):
            return []
        try:
            return list(self._connection.execute(sql).fetchall())
        except duckdb.Error as error:
            raise StatementFailed(str(error)) from error

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Shoal:
    """A connection to Shoal, each plan cut into tasks wherever that is possible."""

    def __init__(self, name: str, connection: shoal.Connection) -> None:
        self.names = frozenset({"shoal", name})
        self.connection = connection
        self.distributed = 0
        self._before = set(connection.tables())
        for setting, value in {
            "timezone": "UTC",
            "distribute": "always",
            "partitions": "3",
            "check_plans": "on",
        }.items():
            connection.execute(f"SET {setting} = '{value}'")

    def run(self, sql: str) -> list[Row]:
        """The rows of a statement."""
        cursor = self.connection.cursor()
        try:
            cursor.execute(sql)
            rows = list(cursor.fetchall()) if cursor.description else []
            told = cursor.statistics
            self.distributed += told is not None and told.tasks > 1
            return rows
        except shoal.Error as error:
            raise StatementFailed(str(error)) from error
        finally:
            cursor.close()

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


def _is_setting_of_shoal(sql: str) -> bool:
    return (
        re.match(r"(?i)\s*(RE)?SET\s+(distribute|partitions|join_strategy|disabled_rules|task_bytes)\b", sql)
        is not None
    )
