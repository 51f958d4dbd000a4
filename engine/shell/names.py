"""The names that completion offers: asked of the connection when first wanted, kept until they may change."""

import threading

from shoal.planner.errors import Error
from shoal.shell.driver import Connection


class Names:
    """Tables, their columns, and functions; every method may be called from any thread and raises nothing."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._tables: tuple[str, ...] | None = None
        self._columns: dict[str, tuple[str, ...]] = {}
        self._functions: tuple[str, ...] | None = None
        self._settings: tuple[str, ...] | None = None

    def forget(self) -> None:
        """Ask again next time: a statement may have changed what names mean."""
        with self._lock:
            self._tables = None
            self._columns = {}

    def tables(self) -> tuple[str, ...]:
        """Tables and views, sorted."""
        with self._lock:
            if self._tables is None:
                self._tables = tuple(sorted(self._first_column("SHOW TABLES")))
            return self._tables

    def columns(self, table: str) -> tuple[str, ...]:
        """The columns of a table, given as SQL writes it (quotes and all); empty when there is no such table."""
        with self._lock:
            if table not in self._columns:
                self._columns[table] = self._first_column(f"DESCRIBE {table}")
            return self._columns[table]

    def settings(self) -> tuple[str, ...]:
        """Settings that SET takes."""
        with self._lock:
            if self._settings is None:
                self._settings = self._first_column("SHOW ALL")
            return self._settings

    def functions(self) -> tuple[str, ...]:
        """Functions, without operators."""
        with self._lock:
            if self._functions is None:
                self._functions = _kernel_functions()
            return self._functions

    def _first_column(self, sql: str) -> tuple[str, ...]:
        try:
            cursor = self._connection.cursor()
            try:
                cursor.execute(sql)
                with cursor.fetch_record_batch() as reader:
                    return tuple(str(value) for batch in reader for value in batch.column(0).to_pylist())
            finally:
                cursor.close()
        except Error:
            return ()


def _kernel_functions() -> tuple[str, ...]:
    import duckdb

    sql = "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_name ~ '^[a-z][a-z_0-9]*$' ORDER BY 1"
    with duckdb.connect(config={"threads": 1, "python_enable_replacements": False}) as connection:
        return tuple(row[0] for row in connection.execute(sql).fetchall())
