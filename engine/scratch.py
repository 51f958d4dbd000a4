"""A private in-memory DuckDB for planning: schemas and bindings, never a user's query. Imports the planner's."""

import threading
from collections.abc import Mapping, Sequence

import duckdb

from shoal.planner.errors import ErrorContext, SettingError
from shoal.planner.lexer import tokenize
from shoal.planner.names import SEPARATOR
from shoal.planner.suggest import suggest
from shoal.running import interrupting

_CONFIG = {
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "arrow_output_version": "1.5",
    "errors_as_json": "true",
    "threads": "1",
}
_SETTINGS = ("SET enable_progress_bar = false",)


class Scratch:
    """One connection behind a lock. Every method may be called from any thread; errors are DuckDB's own."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._connection = duckdb.connect(":memory:", config=dict(_CONFIG))
        for setting in _SETTINGS:
            self._connection.execute(setting)
        # Where a view is known, DuckDB tells the names inside it instead of its own: ask where nothing is known.
        self._connection.execute("ATTACH ':memory:' AS nothing")
        self._nameless = self._connection.cursor()
        self._nameless.execute("USE nothing")

    @property
    def lock(self) -> threading.RLock:
        """Held by whoever needs several calls to see one state."""
        return self._lock

    def rows(
        self, sql: str, parameters: Sequence[object] | Mapping[str, object] | None = None
    ) -> list[tuple[object, ...]]:
        """All rows of a statement."""
        with self._lock, interrupting(self._connection.interrupt):
            return self._connection.execute(sql, parameters).fetchall()

    def strings(self, sql: str, parameters: Sequence[object] | None = None) -> list[str]:
        """The first column of a statement, as text."""
        return [str(row[0]) for row in self.rows(sql, parameters)]

    def table_names(self, sql: str) -> set[str]:
        """The names of the tables, views and files that a query reads, without common table expressions.

        Names are qualified as they are in the text: see ``shoal.planner.names``.
        """
        with self._lock:
            names = self._nameless.get_table_names(sql, qualified=True)
        return {_joined(name) for name in names}

    def check_time_zone(self, name: str) -> None:
        """Raise ``SettingError`` for a time zone that DuckDB does not know."""
        with self._lock:
            cursor = self._connection.cursor()
            try:
                cursor.execute("SET TimeZone = ?", [name])
            except duckdb.Error as error:
                zones = (str(row[0]) for row in cursor.execute("SELECT name FROM pg_timezone_names()").fetchall())
                hint = suggest(name, tuple(zones)) or "FROM pg_timezone_names() lists them"
                raise SettingError(f"there is no time zone {name}", ErrorContext(hint=hint)) from error
            finally:
                cursor.close()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own to the same database, which needs no lock; its maker closes it."""
        return self._connection.cursor()

    def close(self) -> None:
        """Free the connection; idempotent."""
        with self._lock:
            self._nameless.close()
            self._connection.close()


def _joined(name: str) -> str:
    """A name as DuckDB writes it, with a dot between parts and perhaps an alias, as Shoal holds it."""
    parts: list[str] = []
    tokens = iter(tuple(tokenize(name)))
    for token in tokens:
        parts.append(token.name)
        following = next(tokens, None)
        if following is None or following.text != ".":
            break
    if len(parts) > 2 and parts[0].casefold() == "memory":
        del parts[0]
    return SEPARATOR.join(parts)
