"""PEP 249's cursor, and Arrow beside it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self

import pyarrow as pa

from shoal.planner.error_places import locate_error
from shoal.planner.errors import DataError, Error, InterfaceError, NotSupportedError, ParameterError, ProgrammingError
from shoal.planner.ids import QueryId
from shoal.planner.lexer import split_statements
from shoal.planner.parameters import Parameters
from shoal.planner.source import Field
from shoal.query_statistics import QueryStatistics
from shoal.result import Result, Row
from shoal.runner import QueryProgress
from shoal.running import Running

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

Description = tuple[tuple[str, str, None, None, None, None, None], ...]


class Backend(Protocol):
    """What runs statements: a session in this process, or a coordinator elsewhere. Thread-safe."""

    def execute(self, sql: str, parameters: Parameters, running: Running) -> Result | None:
        """Run the statements of a text; the result of the last one, None if it has none."""

    def register(self, name: str, data: object) -> None:
        """Name Arrow data, a data frame, or a path."""

    def unregister(self, name: str) -> None:
        """Forget a registered name."""

    def tables(self) -> tuple[str, ...]:
        """The names of all tables and views."""

    def columns(self, name: str) -> tuple[Field, ...]:
        """The columns of a table or view."""

    def close(self) -> None:
        """Stop everything; idempotent."""


class Cursor:
    """Runs one statement at a time. ``cancel`` and ``progress`` may be called from any thread, the rest from one.

    After ``close``, and after its connection is closed, every method but ``close`` raises ``InterfaceError``.
    """

    def __init__(self, connection: object, backend: Backend) -> None:
        self.connection = connection
        self.arraysize = 1
        self._backend = backend
        self._result: Result | None = None
        self._running: Running | None = None
        self._closed = False
        self._rows_fetched = 0
        self._operation = ""

    @property
    def description(self) -> Description | None:
        """The columns of the result: name and type code (DuckDB's type as text); None when there is no result."""
        if self._result is None:
            return None
        return tuple((column.name, column.type, None, None, None, None, None) for column in self._result.columns)

    @property
    def rowcount(self) -> int:
        """The number of rows that the statement changed, or that the result has once all are fetched; else -1."""
        if self._result is not None and self._result.changed is not None:
            return self._result.changed
        if self._result is None or not self._result.is_exhausted:
            return -1
        return self._result.rows_seen

    @property
    def rownumber(self) -> int | None:
        """The index, from 0, of the next row that ``fetchone`` gives; None without a result."""
        return None if self._result is None else self._rows_fetched

    @property
    def query_id(self) -> QueryId | None:
        """The id of the latest statement; None before the first."""
        return None if self._running is None else self._running.query

    @property
    def statistics(self) -> QueryStatistics | None:
        """What the latest query cost: stages, tasks, bytes exchanged and spilled, CPU seconds.

        None before its end (in this process that is when all rows are fetched), and for statements that run no plan.
        """
        return None if self._result is None else self._result.statistics

    def execute(self, operation: str, parameters: Parameters = ()) -> Self:
        """Run a statement (or several, separated by semicolons: the last one's result counts) and return the cursor.

        ``parameters`` take the place of ``?`` and ``$1``, or, as a mapping, of ``$name``. Returns once the first rows
        are there. Raises an ``Error`` with the place in ``operation``; Ctrl-C cancels the statement.
        """
        self._check_open()
        if not isinstance(operation, str):
            raise InterfaceError(f"a statement is a text, not a {type(operation).__name__}")
        if isinstance(parameters, str | bytes) or not isinstance(parameters, Sequence | Mapping):
            raise ParameterError("parameters are a sequence, such as a list or a tuple, or a mapping by names")
        self._drop_result()
        running = self._running = Running()
        self._operation = operation
        try:
            self._result = self._backend.execute(operation, parameters, running)
        except KeyboardInterrupt:
            running.cancel()
            raise
        except Error as error:
            error.with_context(query=running.query)
            raise
        return self

    def executemany(self, operation: str, seq_of_parameters: Iterable[Parameters]) -> Self:
        """Run a statement once for each set of parameters; the result is the last one's."""
        for parameters in seq_of_parameters:
            self.execute(operation, parameters)
        return self

    def executescript(self, script: str) -> Self:
        """Run all statements of a text; the result is the last one's."""
        return self.execute(script)

    def fetchone(self) -> Row | None:
        """The next row, or None."""
        rows = self._fetch(lambda result: result.rows(1))
        return rows[0] if rows else None

    def fetchmany(self, size: int | None = None) -> list[Row]:
        """The next rows: ``size``, or ``arraysize``; fewer at the end."""
        count = self.arraysize if size is None else size
        if count < 0:
            raise ProgrammingError("the number of rows to fetch is negative")
        return self._fetch(lambda result: result.rows(count))

    def fetchall(self) -> list[Row]:
        """All rows that are left."""
        return self._fetch(lambda result: result.all_rows())

    def fetch_arrow_table(self) -> pa.Table:
        """All rows that are left, as an Arrow table with the types that DuckDB gives."""
        return self._take(lambda result: result.table())

    def fetch_record_batch(self) -> pa.RecordBatchReader:
        """All rows that are left, as a stream; the rest of the query runs while it is read."""
        return self._take(lambda result: result.reader())

    def fetch_df(self) -> "pd.DataFrame":
        """All rows that are left, as a pandas frame."""
        frame: pd.DataFrame = self._take(lambda result: result.data_frame())
        return frame

    def fetch_polars(self) -> "pl.DataFrame":
        """All rows that are left, as a polars frame."""
        frame: pl.DataFrame = self._take(lambda result: result.polars())
        return frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Export all rows that are left through the Arrow PyCapsule interface."""
        return self.fetch_record_batch().__arrow_c_stream__(requested_schema)

    def cancel(self) -> None:
        """Ask the running statement, or the reading of its result, to stop; from any thread; harmless when repeated."""
        running = self._running
        if running is not None:
            running.cancel()

    def progress(self) -> QueryProgress | None:
        """How far the running statement is; None when nothing is known. From any thread."""
        running = self._running
        return None if running is None else running.progress()

    def setinputsizes(self, sizes: object) -> None:
        """Do nothing, as PEP 249 allows."""

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """Do nothing, as PEP 249 allows."""

    def nextset(self) -> None:
        """Refuse: a statement has one result."""
        raise NotSupportedError("a statement has one result")

    def callproc(self, procname: str, parameters: Sequence[object] = ()) -> None:
        """Refuse: there are no stored procedures."""
        raise NotSupportedError("there are no stored procedures")

    def close(self) -> None:
        """Stop the statement if it still runs, and free its result. Idempotent."""
        self._closed = True
        self._drop_result()

    def __enter__(self) -> Self:
        self._check_open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row

    def _fetch(self, fetch: Callable[[Result], list[Row]]) -> list[Row]:
        rows: list[Row] = self._take(fetch)
        self._rows_fetched += len(rows)
        return rows

    def _take(self, fetch: Callable[[Result], Any]) -> Any:
        self._check_open()
        if self._result is None:
            raise ProgrammingError("there is no result to fetch: execute a query first")
        running = self._running
        try:
            return fetch(self._result)
        except KeyboardInterrupt:
            self.cancel()
            self._result.close()
            raise
        except Error as error:
            if running is not None:
                error.with_context(query=running.query)
            if isinstance(error, DataError) and len(split_statements(self._operation)) == 1:
                locate_error(error, self._operation)
            raise

    def _drop_result(self) -> None:
        result, self._result = self._result, None
        self._rows_fetched = 0
        if result is not None:
            result.close()

    def _check_open(self) -> None:
        if self._closed:
            raise InterfaceError("the cursor is closed")
        check = getattr(self.connection, "check_open", None)
        if check is not None:
            check()
