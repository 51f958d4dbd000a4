"""Files as tables: which files a path or glob stands for, what columns they have, and whether they are all alike.

Schemas are DuckDB's own (DESCRIBE in a scratch connection) and are kept by file identity: an unchanged file costs one
``stat``. Imports the planner's data types.
"""

import difflib
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import duckdb

from shoal.executor.kernel_errors import translate_error
from shoal.planner.errors import (
    BindError,
    ErrorContext,
    NotSupportedError,
    SourceCorrupt,
    SourceError,
    SourceNotFound,
)
from shoal.planner.source import Field, FileFormat, FileIdentity, FileSource, hides_row_numbers
from shoal.running import check_cancelled
from shoal.scratch import Scratch

SUFFIXES = {
    ".parquet": FileFormat.PARQUET,
    ".csv": FileFormat.CSV,
    ".tsv": FileFormat.CSV,
    ".json": FileFormat.JSON,
    ".jsonl": FileFormat.JSON,
    ".ndjson": FileFormat.JSON,
}
_COMPRESSIONS = (".gz", ".zst")
_GLOB_CHARACTERS = frozenset("*?[")
_TOGETHER = frozenset({"union_by_name", "hive_partitioning", "hive_types", "hive_types_autocast", "filename"})
"""Options with which the columns of one file depend on the other files, or on its path."""
_KEPT_SOURCES = 1024

Options = tuple[tuple[str, str], ...]


def format_of(path: str) -> FileFormat | None:
    """The format that a file's name tells, or None."""
    stem = path.lower()
    for compression in _COMPRESSIONS:
        stem = stem.removesuffix(compression)
    return next((kind for suffix, kind in SUFFIXES.items() if stem.endswith(suffix)), None)


class SourceFiles:
    """Finds files and their schemas. Every method may be called from any thread."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self._lock = threading.Lock()
        self._known: dict[tuple[FileFormat, tuple[FileIdentity, ...], Options], FileSource] = {}

    def resolve(self, kind: FileFormat, paths: Sequence[str], options: Options = ()) -> FileSource:
        """The files that paths stand for, as they are now: the same object as before while they are the same.

        Raises ``SourceNotFound`` with what is near, ``SourceCorrupt`` when a file is not of the format, ``SourceError``
        otherwise.
        """
        files = tuple(identity for path in paths for identity in self._expand(path, kind))
        key = (kind, files, options)
        with self._lock:
            known = self._known.get(key)
        if known is None:
            columns = self._columns(kind, files, options)
            uniform = self._is_uniform(kind, files, options) and not hides_row_numbers(columns)
            known = FileSource(kind, files, columns, options, uniform)
            with self._lock:
                if len(self._known) >= _KEPT_SOURCES:
                    self._known.clear()
                self._known[key] = known
        return known

    def detect(self, path: str) -> FileFormat:
        """The format of a file, a glob or a directory of files, by names, else by the first bytes."""
        found = format_of(path)
        if found is not None:
            return found
        for file in self._members(path) if Path(path).is_dir() else self._paths(path, None):
            found = format_of(file) or _format_of_content(file)
            if found is not None:
                return found
        names = ", ".join(sorted(SUFFIXES))
        raise SourceError(f"cannot tell the format of {path}", ErrorContext(hint=f"known endings: {names}"))

    def _expand(self, path: str, kind: FileFormat) -> list[FileIdentity]:
        found = []
        for file in self._paths(path, kind):
            check_cancelled()
            found.append(_identity(file))
        return found

    def _paths(self, path: str, kind: FileFormat | None) -> list[str]:
        if "://" in path:
            if not path.startswith("file://"):
                raise NotSupportedError(f"remote files are not supported: {path}")
            path = path.removeprefix("file://")
        path = os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111 - Path would resolve a glob's dots
        if os.path.isdir(path):  # noqa: PTH112 - one stat a statement counts here
            found = [file for file in self._members(path) if kind is None or format_of(file) is kind]
            if not found:
                wanted = "data" if kind is None else kind.name.lower()
                raise SourceNotFound(f"there is no {wanted} file in the directory {path}")
            return found
        if not _GLOB_CHARACTERS.isdisjoint(path) and not os.path.exists(path):  # noqa: PTH110
            found = self._scratch.strings("SELECT file FROM glob(?)", [path])
            if not found:
                raise SourceNotFound(f"no file matches {path}", ErrorContext(hint=_near_names(path)))
            return found
        return [path]

    def _members(self, directory: str) -> list[str]:
        pattern = os.path.join(os.path.abspath(directory), "*")  # noqa: PTH100, PTH118
        return [file for file in self._scratch.strings("SELECT file FROM glob(?)", [pattern]) if format_of(file)]

    def _columns(self, kind: FileFormat, files: tuple[FileIdentity, ...], options: Options) -> tuple[Field, ...]:
        try:
            rows = self._scratch.rows("DESCRIBE FROM " + table_function(kind, files, options))
        except duckdb.BinderException as error:
            raise BindError(translate_error(error).message.split("\n", 1)[0]) from error
        except duckdb.Error as error:
            raise _unreadable(kind, files, error) from error
        return tuple(Field(str(row[0]), str(row[1])) for row in rows)

    def _is_uniform(self, kind: FileFormat, files: tuple[FileIdentity, ...], options: Options) -> bool:
        """Whether each file alone has exactly the columns of all, as far as that is cheap to know."""
        if any(name in _TOGETHER for name, _ in options) or any("=" in file.path for file in files):
            return False
        if len(files) == 1:
            return True
        if kind is not FileFormat.PARQUET:
            return False
        # The package that reads footers takes long to import, and one file is always like itself.
        from shoal.footers import shared_footers

        different = shared_footers().schemas(files)
        if different is not None and len(different) == 1:
            return True
        listing = ", ".join(quote(file.path) for file in different or files)
        try:
            shapes = self._scratch.rows(
                "SELECT count(DISTINCT shape) FROM (SELECT list({'name': name, 'type': type, 'length': type_length, "
                "'children': num_children, 'converted': converted_type, 'scale': scale, 'precision': precision, "
                "'logical': logical_type} ORDER BY column_id) AS shape "
                f"FROM parquet_schema([{listing}]) GROUP BY file_name)"
            )
        except duckdb.Error as error:
            broken = tuple(file for file in files if not shared_footers().layouts([file]))
            raise _unreadable(kind, broken or files, error) from error
        return shapes[0][0] == 1


def quote(text: str) -> str:
    """A text as a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def quote_name(name: str) -> str:
    """A name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def table_function(kind: FileFormat, files: Sequence[FileIdentity], options: Options) -> str:
    """The kernel's call that reads files together."""
    listing = ", ".join(quote(file.path) for file in files)
    named = "".join(f", {name} = {value}" for name, value in options)
    return f"{kind.value}([{listing}]{named})"


def _identity(path: str) -> FileIdentity:
    try:
        status = os.stat(path)  # noqa: PTH116 - planning may stat thousands of files
    except FileNotFoundError as error:
        raise SourceNotFound(f"there is no file {path}", ErrorContext(hint=_near_names(path))) from error
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error
    return FileIdentity(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _near_names(path: str) -> str | None:
    directory, name = Path(path).parent, Path(path).name
    try:
        present = sorted(entry.name for entry in directory.iterdir())
    except OSError:
        return f"there is no directory {directory}" if not directory.exists() else None
    near = difflib.get_close_matches(name, present, n=3, cutoff=0.5)
    return "did you mean " + " or ".join(near) + "?" if near else None


def _format_of_content(path: str) -> FileFormat | None:
    try:
        with Path(path).open("rb") as file:
            return FileFormat.PARQUET if file.read(4) == b"PAR1" else None
    except OSError:
        return None


def _unreadable(kind: FileFormat, files: tuple[FileIdentity, ...], error: duckdb.Error) -> SourceError:
    told = translate_error(error)
    message = told.message.split("\n", 1)[0].strip().rstrip(".")
    if isinstance(error, duckdb.IOException) and "No files found" in message:
        return SourceNotFound(message)
    named = next((file.path for file in files if file.path in message), files[0].path)
    for quoted in (f" '{named}'", f' "{named}"'):
        message = message.replace(quoted, "")
    return SourceCorrupt(f"{named} cannot be read as {kind.name.lower()}: {message}")
