"""Writing the files of a table: rows that a query has delivered, or that the kernel itself has made.

Everything here runs in one session of this process's kernel. Rows are given their final types by it, and are checked
by a temporary table of the same definition, so that what is refused is refused as DuckDB does it. Whatever was written
is removed again unless it is ``kept`` at the end.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa

from shoal.executor.cancellation import CancelToken
from shoal.executor.carrier import decode, encode_select
from shoal.executor.kernel import Kernel, Session
from shoal.executor.kernel_errors import translate_error
from shoal.executor.kernel_types import literal, quote
from shoal.executor.storage import store
from shoal.planner.errors import QueryCancelled
from shoal.planner.source import Field
from shoal.table_store import ROW_NUMBER, StoredFile, TableDefinition, TableStore, TableVersion

FILE_ROWS = 8 * 122_880
"""The most rows of a file: eight row groups, so that a scan of one file can be split."""

_FILE_BYTES = 256 << 20
_FEW_ROWS = 4096
"""A file with fewer rows is written anew with the next rows rather than left beside them."""

_MOST_BITS = 16 * FILE_ROWS
"""The widest range of numbers in a file of which the deleted ones are marked by bits."""

_GONE = "shoal_gone"
_ROWS = "shoal rows"
_NUMBER = quote(ROW_NUMBER)


class TableWriter:
    """One statement's writing. ``with`` gives it a kernel session; ``keep`` names what shall stay."""

    def __init__(
        self, kernel: Kernel, store: TableStore, settings: Sequence[tuple[str, str]], cancelled: CancelToken
    ) -> None:
        self._kernel = kernel
        self._store = store
        self._settings = settings
        self._cancelled = cancelled
        self._stack = ExitStack()
        self._unkept: set[Path] = set()
        self._session: Session | None = None

    def __enter__(self) -> Self:
        self._session = self._stack.enter_context(self._kernel.session(self._settings))
        self._stack.enter_context(self._cancelled.waking(self._session.interrupt))
        return self

    def begin(self) -> None:
        """From now on a statement's time stands still, however many statements of the kernel it takes."""
        self.run("BEGIN TRANSACTION")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        for path in self._unkept:
            self._store.discard(path)
        self._unkept.clear()

    @property
    def session(self) -> Session:
        """The kernel session."""
        assert self._session is not None, "entered before it is used"
        return self._session

    def run(self, sql: str) -> list[tuple[object, ...]]:
        """Run a statement; raises errors of Shoal, with their place in ``sql``."""
        with self._explaining(sql):
            return self.session.connection.execute(sql).fetchall()

    def stage(self, definition: TableDefinition, name: str, *, numbered: bool = False) -> str:
        """An empty temporary table with the definition's columns, defaults and conditions; its name in SQL."""
        body = definition.body()
        if numbered:
            body = f"{body[:-1]}, {_NUMBER} BIGINT)"
        self.run(f"CREATE OR REPLACE TEMP TABLE {quote(name)} {body}")
        return quote(name)

    def chunks(self, fields: Sequence[Field], batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[str, int]]:
        """A query's rows, as many at a time as go into a file: a relation in SQL, and its number of rows.

        Its columns are named ``column0`` and so on, of the types of ``fields``; it is there until the next one.
        """
        held: list[pa.RecordBatch] = []
        rows = size = 0
        for batch in batches:
            self._check()
            held.append(batch)
            rows += batch.num_rows
            size += batch.nbytes
            if rows >= FILE_ROWS or size >= _FILE_BYTES:
                yield from self._chunks_of(fields, pa.Table.from_batches(held))
                held, rows, size = [], 0, 0
        if held:
            yield from self._chunks_of(fields, pa.Table.from_batches(held))

    def _chunks_of(self, fields: Sequence[Field], table: pa.Table) -> Iterator[tuple[str, int]]:
        names = [f"column{index}" for index in range(len(fields))]
        selected = [f"{decode(field.type, name)} AS {name}" for field, name in zip(fields, names, strict=True)]
        for start in range(0, table.num_rows, FILE_ROWS):
            part = table.slice(start, FILE_ROWS).rename_columns(names)
            numbers = pa.arange(0, part.num_rows)
            with self._explaining(""):
                self.session.connection.register(_ROWS, part.append_column(ROW_NUMBER, numbers))
            try:
                yield f"(SELECT {_NUMBER}, {', '.join(selected)} FROM {quote(_ROWS)})", part.num_rows
            finally:
                # After an error the kernel takes no statement any more, and forgets everything with the session.
                with suppress(duckdb.Error):
                    self.session.connection.unregister(_ROWS)

    def append_table(self, version: TableVersion, table: str) -> tuple[TableVersion, int]:
        """The table with the rows of a temporary table of its columns, and how many those are."""
        ((found,),) = self.run(f"SELECT count(*) FROM {table}")
        rows = int(str(found))
        columns = ", ".join(quote(column.name) for column in version.definition.columns)
        # The table's own rowid does not begin with 0 before its rows are committed.
        numbered = f"(SELECT row_number() OVER () - 1 AS {_NUMBER}, {columns} FROM {table})"
        for start in range(0, rows, FILE_ROWS):
            end = min(rows, start + FILE_ROWS)
            part = f"SELECT {_NUMBER} - {start} AS {_NUMBER}, {columns} FROM {numbered}"
            part += f" WHERE {_NUMBER} >= {start} AND {_NUMBER} < {end}" if rows > FILE_ROWS else ""
            version = self.append(version, part, end - start)
        return version, rows

    def append(self, version: TableVersion, select: str, rows: int) -> TableVersion:
        """The table with further rows: those of a SELECT of ``ROW_NUMBER`` (from 0) and the table's columns.

        The last files are written anew with them if they are small, so that many small inserts make few files.
        """
        if rows == 0:
            return version
        kept, total = list(version.files), rows
        merged: list[StoredFile] = []
        while kept and kept[-1].rows <= max(total, _FEW_ROWS) and total + kept[-1].rows <= FILE_ROWS:
            merged.insert(0, kept.pop())
            total += merged[0].rows
        base = version.next_row
        columns = ", ".join(quote(column.name) for column in version.definition.columns)
        parts = [f"SELECT {_NUMBER}, {columns} FROM {files_sql(merged)}"] if any(file.rows for file in merged) else []
        parts.append(
            stored_select(version.definition, f"SELECT {_NUMBER} + {base} AS {_NUMBER}, {columns} FROM ({select})")
        )
        first = merged[0].first if parts[1:] else base
        file = self.write("\nUNION ALL\n".join(parts), first, base + rows - 1)
        return version.with_files((*kept, file), base + rows)

    def create(self, definition: TableDefinition, *, temporary: bool = False) -> TableVersion:
        """A table without rows: of one file, as every table has one."""
        columns = ", ".join(f"CAST(NULL AS {field.type}) AS {quote(field.name)}" for field in definition.fields)
        select = stored_select(definition, f"SELECT CAST(0 AS BIGINT) AS {_NUMBER}, {columns} WHERE false")
        return TableVersion(definition, (self.write(select, 0, -1),), 0, temporary)

    def write(self, stored: str, first: int, last: int) -> StoredFile:
        """A new file with the rows of a SELECT of stored columns, whose numbers lie between the two."""
        path = self._store.new_path()
        self._unkept.add(path)
        found = self.run(f"COPY (\n{stored}\n) TO {literal(str(path))} (FORMAT parquet)")
        self._unkept.discard(path)
        return self._store.keep(path, int(str(found[0][0])), first, last)

    def without(self, version: TableVersion, changed: str) -> TableVersion:
        """The table without the rows whose numbers are in the temporary table ``changed``."""
        columns = ", ".join(quote(column.name) for column in version.definition.columns)

        def kept(file: StoredFile) -> str:
            rows = f"SELECT {_NUMBER}, {columns} FROM {files_sql([file])}"
            if file.last - file.first >= _MOST_BITS:
                return f"{rows} WHERE {_NUMBER} NOT IN (SELECT {_NUMBER} FROM {changed}) ORDER BY 1"
            # A bit for each number costs no join, and so no sort after it.
            inside = f"{_NUMBER} BETWEEN {file.first} AND {file.last}"
            bits = f"SELECT bitstring_agg({_NUMBER}, {file.first}, {file.last}) FROM {changed} WHERE {inside}"
            self.run(f"SET VARIABLE {_GONE} = ({bits})")
            return f"{rows} WHERE get_bit(getvariable('{_GONE}'), ({_NUMBER} - {file.first})::INTEGER) = 0"

        return self._rewritten(version, changed, kept)

    def updated(self, version: TableVersion, changed: str, columns: TableDefinition) -> TableVersion:
        """The table with the values of the temporary table ``changed``, which has ``columns`` of it and numbers."""
        new = {column.name for column in columns.columns}
        selected = [
            f"CASE WHEN new.{_NUMBER} IS NULL THEN old.{name} ELSE new.{name} END AS {name}"
            if column.name in new
            else f"old.{name}"
            for column in version.definition.columns
            for name in (quote(column.name),)
        ]

        def joined(file: StoredFile) -> str:
            inside = f"SELECT * FROM {changed} WHERE {_NUMBER} BETWEEN {file.first} AND {file.last}"
            return (
                f"SELECT old.{_NUMBER}, {', '.join(selected)} FROM {files_sql([file])} AS old "
                f"LEFT JOIN ({stored_select(columns, inside)}) AS new ON old.{_NUMBER} = new.{_NUMBER} ORDER BY 1"
            )

        return self._rewritten(version, changed, joined)

    def _rewritten(self, version: TableVersion, changed: str, select: Callable[[StoredFile], str]) -> TableVersion:
        """The table with other files where the temporary table ``changed`` has numbers of their rows.

        ``select`` keeps the rows of a file in the order of their numbers.
        """
        files: list[StoredFile] = []
        for file in version.files:
            inside = f"{_NUMBER} BETWEEN {file.first} AND {file.last}"
            ((found,),) = self.run(f"SELECT count(*) FROM {changed} WHERE {inside}")
            files.append(self.write(select(file), file.first, file.last) if found else file)
        return version.with_files(tuple(files))

    def fetch(self, sql: str) -> tuple[tuple[Field, ...], pa.Table]:
        """The rows of a query, in carrier types."""
        with self._explaining(sql):
            relation = self.session.connection.sql(sql)
            types = [str(type_) for type_ in relation.types]
            fields = tuple(Field(name, type_) for name, type_ in zip(relation.columns, types, strict=True))
            return fields, self.session.connection.sql(encode_select(sql, fields)).to_arrow_table()

    def _check(self) -> None:
        if self._cancelled.cancelled:
            raise QueryCancelled("the query was cancelled")

    @contextmanager
    def _explaining(self, sql: str) -> Iterator[None]:
        """Raise what the kernel raises as errors of Shoal; ``QueryCancelled`` if that is why."""
        self._check()
        try:
            yield
        except (duckdb.Error, RuntimeError) as error:
            self._check()
            raise translate_error(error, sql) from error


def files_sql(files: Sequence[StoredFile]) -> str:
    """The scan of stored files, in their order, with their columns as they are stored."""
    return f"read_parquet([{', '.join(literal(file.identity.path) for file in files)}])"


def stored_select(definition: TableDefinition, select: str) -> str:
    """A SELECT of ``ROW_NUMBER`` and a table's columns, as its files hold them."""
    columns = ", ".join(f"{store(field.type, quote(field.name))} AS {quote(field.name)}" for field in definition.fields)
    return f"SELECT {_NUMBER}, {columns} FROM ({select})"
