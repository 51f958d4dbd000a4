"""Plain DuckDB, over the same tables as Shoal."""

import re
from collections.abc import Sequence
from pathlib import Path

import duckdb

import shoal
from tests.hunt.answers import Answer, plain_answer, plain_change
from tests.hunt.world import World, load, quoted

_KERNEL_BUGS = ("BindBuiltinScalarFunction did not return", "Unimplemented type for mark join")
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "arrow_output_version": "1.5",
    "python_enable_replacements": "false",
    "errors_as_json": "true",
}

_TYPE_CHANGED = re.compile(r'ALTER TABLE ("[^"]+"|\w+) ALTER (?:COLUMN )?.* TYPE ')


class Plain:
    """Runs statements on plain DuckDB. ``folder`` is a place for files."""

    def __init__(self, world: World, folder: Path) -> None:
        self._world = world
        self._folder = folder
        self.bugs = 0
        """How often it broke over a statement, or gave another answer without its optimizer."""
        self.lives = 0
        """How often it was opened anew after that, without what a session had made."""
        self.duck = _open()

    def load(self, connection: shoal.Connection | None) -> None:
        """Make the tables here and, unless it is None, on a connection to Shoal."""
        load(self._world, self._folder / f"tables {self.lives}", self.duck, connection)

    def close(self) -> None:
        """Close it."""
        self.duck.close()

    def answer(self, sql: str) -> Answer | None:
        """The answer of a query; None if that is too much, or if DuckDB breaks over it."""
        return self._unbroken(plain_answer(self.duck, sql))

    def change(self, sql: str) -> Answer | None:
        """What a statement says that changes something; None if it changed nothing as DuckDB breaks over it."""
        return self._unbroken(plain_change(self.duck, sql))

    def unoptimized(self, sql: str) -> Answer | None:
        """The answer of a query with DuckDB's optimizer off."""
        self.duck.execute("PRAGMA disable_optimizer")
        try:
            return self.answer(sql)
        finally:
            self.duck.execute("PRAGMA enable_optimizer")

    def lenient(self, sql: str) -> Answer | None:
        """The answer of a query of whose scalar subqueries one row is taken."""
        self.duck.execute("SET scalar_subquery_error_on_multiple_rows = false")
        try:
            return self.answer(sql)
        finally:
            self.duck.execute("RESET scalar_subquery_error_on_multiple_rows")

    def lacks_memory(self, sql: str, memory: str) -> bool:
        """Whether a query needs more than so much memory here as well."""
        self.duck.execute(f"SET memory_limit = '{memory}'")
        try:
            answer = self.answer(sql)
        finally:
            self.duck.execute("RESET memory_limit")
        return answer is not None and isinstance(answer.error, shoal.OutOfMemory)

    def breaks_over_arrow(self, sql: str) -> bool:
        """Whether DuckDB has an internal error over the same rows in tables that are not its own."""
        tables, views = (
            self.duck.execute(f"SELECT {column} FROM duckdb_{kind}() WHERE NOT internal").fetchall()
            for kind, column in (("tables", "table_name"), ("views", "sql"))
        )
        with _open() as other:
            for (name,) in tables:
                other.register(name, self.duck.sql(f"FROM {quoted(name)}").to_arrow_table())
            for (text,) in views:
                other.execute(text)
            answer = plain_answer(other, sql)
        breaks = answer is not None and isinstance(answer.error, shoal.InternalError)
        self.bugs += breaks
        return breaks

    def unoptimized_changes(self, statements: Sequence[str]) -> Answer | None:
        """What DuckDB says of the last of some statements that are run in order, with its optimizer off."""
        self.duck.execute("PRAGMA disable_optimizer")
        try:
            return [self.change(sql) for sql in statements][-1]
        finally:
            self.duck.execute("PRAGMA enable_optimizer")

    def minds_deleted_rows(self, sql: str) -> bool:
        """Whether a column's type cannot be changed for rows that are deleted, which DuckDB converts as well.

        Then the same change of a copy, which has only the rows that are there, is done.
        """
        altered = _TYPE_CHANGED.match(sql)
        if altered is None:
            return False
        try:
            self.duck.execute(f"CREATE OR REPLACE TEMP TABLE copied AS FROM {altered[1]}")
            self.duck.execute(sql.replace(altered[1], "copied", 1))
        except duckdb.Error:
            return False
        self.bugs += 1
        return True

    def _unbroken(self, answer: Answer | None) -> Answer | None:
        if answer is None or answer.error is None or not is_kernel_bug(answer.error):
            return answer
        self.bugs += 1
        if "invalidated" in str(answer.error) or isinstance(answer.error, shoal.InternalError):
            self.duck.close()
            self.duck = _open()
            self.lives += 1
            self.load(None)
        return None


def is_kernel_bug(error: shoal.Error) -> bool:
    """Whether an error is of DuckDB's own making."""
    return isinstance(error, shoal.InternalError) or any(text in str(error) for text in _KERNEL_BUGS)


def _open() -> duckdb.DuckDBPyConnection:
    duck = duckdb.connect(config=_CONFIG)
    duck.execute("SET threads = 1")
    duck.execute("SET TimeZone = 'Europe/Berlin'")
    duck.execute("SET enable_progress_bar = false")
    return duck
