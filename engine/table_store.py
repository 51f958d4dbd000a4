"""Tables of a session as values: what a table is defined as, and its versions, each a list of immutable files.

``TableStore`` is where the files are. A version is never changed: a statement that writes makes a new one, which shares
the files that stay as they are. A file is removed when the last version, and the last reader of one, is gone.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

from shoal.executor.cancellation import CancelToken
from shoal.executor.kernel_types import quote
from shoal.executor.storage import is_encoded
from shoal.planner.source import Field, FileFormat, FileIdentity, FileSource, hides_row_numbers

ROW_NUMBER = "shoal row"
"""A column of every stored file: the number that a row got when it was inserted, and keeps; no statement sees it."""


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column: its name, its DuckDB type, the SQL of its default (empty: NULL), and whether it may be NULL."""

    name: str
    type: str
    default: str = ""
    not_null: bool = False

    def described(self) -> tuple[str | None, ...]:
        """The column as DESCRIBE shows it: name, type, whether it may be NULL, key, default, and what else there is."""
        return self.name, self.type, "NO" if self.not_null else "YES", None, self.default or None, None


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """What CREATE TABLE says of a table; ``checks`` are the conditions of its CHECKs, as SQL."""

    name: str
    columns: tuple[TableColumn, ...]
    checks: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[Field, ...]:
        """Names and types of the columns."""
        return tuple(Field(column.name, column.type) for column in self.columns)

    @property
    def is_constrained(self) -> bool:
        """Whether a row of the right types may be refused."""
        return bool(self.checks) or any(column.not_null for column in self.columns)

    @property
    def tells(self) -> bool:
        """Whether DESCRIBE has more to tell of the columns than their names and types."""
        return any(column.default or column.not_null for column in self.columns)

    def body(self) -> str:
        """What stands behind the name in the table's CREATE TABLE."""
        parts = [_column_text(column) for column in self.columns]
        parts += [f"CHECK ({check})" for check in self.checks]
        return f"({', '.join(parts)})"


def _column_text(column: TableColumn) -> str:
    default = f" DEFAULT ({column.default})" if column.default else ""
    return f"{quote(column.name)} {column.type}{default}{' NOT NULL' if column.not_null else ''}"


class StoredFile:
    """A file of a table: ``rows`` rows, whose numbers are ``first`` to ``last``. Never changed; a store removes it."""

    def __init__(self, identity: FileIdentity, rows: int, first: int, last: int) -> None:
        self.identity = identity
        self.rows = rows
        self.first = first
        self.last = last


@dataclass(frozen=True)
class TableVersion:
    """A table at one time: its definition, its files in the order of their rows, and the number of the next row."""

    definition: TableDefinition
    files: tuple[StoredFile, ...]
    next_row: int = 0
    temporary: bool = False

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(file.rows for file in self.files)

    @cached_property
    def source(self) -> FileSource:
        """The table as scans see it."""
        return self._source(self.definition.fields)

    @cached_property
    def numbered_source(self) -> FileSource:
        """The table with the numbers of its rows as a further column."""
        return self._source((*self.definition.fields, Field(ROW_NUMBER, "BIGINT")))

    def _source(self, fields: tuple[Field, ...]) -> FileSource:
        return FileSource(
            FileFormat.PARQUET,
            tuple(file.identity for file in self.files),
            fields,
            uniform=not hides_row_numbers(fields),
            encoded=tuple(field.name for field in fields if is_encoded(field.type)),
        )

    def with_files(self, files: tuple[StoredFile, ...], next_row: int | None = None) -> "TableVersion":
        """The same table with other files; those without rows are left out unless there is no other."""
        filled = tuple(file for file in files if file.rows) or files[:1]
        return replace(self, files=filled, next_row=self.next_row if next_row is None else next_row)


class TableStore(Protocol):
    """Where the files of tables are. Every method may be called from any thread."""

    def new_path(self) -> Path:
        """A path for a new file, which nobody sees until it is kept."""

    def keep(self, path: Path, rows: int, first: int, last: int) -> StoredFile:
        """Make a written file one of the store's, to be removed when nobody refers to it any more."""

    def discard(self, path: Path) -> None:
        """Remove a file that was not kept, if there is one."""

    def writing(self, name: str, cancelled: CancelToken) -> AbstractContextManager[None]:
        """Hold a table's place among those who write it for the block; raises ``QueryCancelled`` while waiting."""

    def files(self) -> Iterator[Path]:
        """All files that are there."""

    def close(self) -> None:
        """Remove everything; idempotent."""
