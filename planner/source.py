"""What a table is made of: files, Arrow data that somebody registered, or a view; data types only."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Field:
    """A column's name and its DuckDB type, written as DuckDB writes it (``DECIMAL(15,2)``)."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """One file as it was when the statement was planned; a task that finds another one refuses it.

    ``changed_ns`` is when the planner's machine last saw it change in any way (its inode's time; 0: not known). It
    tells apart files that were replaced under their old time stamp; tasks do not look at it, as copies on other
    machines have their own.
    """

    path: str
    size: int
    modified_ns: int
    changed_ns: int = 0


ROW_NUMBER_COLUMN = "file_row_number"
ROW_GROUP_COLUMN = "file_row_group_number"
"""The kernel's columns by which parts of a Parquet file are read."""

VIRTUAL_COLUMNS = frozenset(
    {ROW_NUMBER_COLUMN, ROW_GROUP_COLUMN, "filename", "file_index", "file_size", "file_last_modified"}
)
"""Columns that the kernel adds to a scan of files, in lower case; one of the files' own hides that of its name."""


class FileFormat(StrEnum):
    """How files are read; the value is the kernel's table function."""

    PARQUET = "read_parquet"
    CSV = "read_csv"
    JSON = "read_json"


@dataclass(frozen=True, slots=True)
class FileSource:
    """Files of one format. ``options`` are named arguments as (name, SQL literal)."""

    format: FileFormat
    files: tuple[FileIdentity, ...]
    columns: tuple[Field, ...]
    options: tuple[tuple[str, str], ...] = ()
    uniform: bool = True
    """Whether each file alone has exactly these columns; if not, all files are read together by one task."""
    encoded: tuple[str, ...] = ()
    """Columns that the files hold in another type (see ``shoal.executor.storage``); what files tell of them is not
    what they mean."""


@dataclass(frozen=True, slots=True)
class ArrowSource:
    """Arrow data kept by this process or by a node of the cluster.

    ``key`` names it in the registry of the process that holds it. ``path`` is an Arrow IPC file for readers on
    ``host``; ``location`` is the Flight address for readers elsewhere (the ticket is the key).
    """

    key: str
    columns: tuple[Field, ...]
    rows: int
    bytes: int
    host: str = ""
    path: str = ""
    location: str = ""


TableSource = FileSource | ArrowSource


def hides_row_numbers(columns: Iterable[Field]) -> bool:
    """Whether files with these columns can only be read whole: what would tell parts apart means something else."""
    return any(column.name.lower() in (ROW_NUMBER_COLUMN, ROW_GROUP_COLUMN) for column in columns)


@dataclass(frozen=True, slots=True)
class ViewDefinition:
    """A view: the text of its query and, when the user named them, its columns."""

    name: str
    sql: str
    columns: tuple[str, ...] = ()
