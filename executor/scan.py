"""Scans: the SELECT that a base table's name stands for in one task, and whether its files are still the same."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import assert_never

from shoal.executor.carrier import empty_select
from shoal.executor.kernel_types import literal, quote
from shoal.executor.storage import restore
from shoal.planner.errors import InvariantViolated, SourceChanged, SourceError, SourceNotFound
from shoal.planner.source import (
    ROW_GROUP_COLUMN,
    ROW_NUMBER_COLUMN,
    ArrowSource,
    Field,
    FileFormat,
    FileIdentity,
    FileSource,
)
from shoal.planner.stage import FileRange, TaskScan

_TYPE_OPTIONS = frozenset({"columns", "types", "dtypes", "column_types"})


@dataclass(frozen=True, slots=True)
class _Reading:
    """Files that one table function reads together; the rows between the bounds, or all."""

    files: tuple[FileIdentity, ...]
    first: int | None = None
    last: int | None = None
    predicate: str = ""
    number: str = ROW_NUMBER_COLUMN
    """What counts the bounds: a virtual column of the kernel."""


def scan_sql(scan: TaskScan, arrow_name: str = "") -> str:
    """The SELECT for a scan: its columns, in their order, of the rows of its split.

    ``arrow_name`` is the relation that an ``ArrowSource`` was registered as. A split without rows becomes a SELECT
    without rows and with the right types.
    """
    match scan.source:
        case ArrowSource():
            if not scan.split.whole:
                return empty_select(_fields(scan))
            return f"SELECT {_select_list(scan, ())} FROM {quote(arrow_name)}"
        case FileSource() as source:
            branches = [_reading_sql(scan, source, reading) for reading in _readings(source, scan)]
            return "\nUNION ALL\n".join(branches) if branches else empty_select(_fields(scan))
        case other:
            assert_never(other)


def scanned_files(scan: TaskScan) -> tuple[FileIdentity, ...]:
    """The files that a scan reads, each once."""
    if isinstance(scan.source, ArrowSource):
        return ()
    found: Iterable[FileIdentity] = scan.source.files if scan.split.whole else (r.file for r in scan.split.ranges)
    return tuple(dict.fromkeys(found))


def check_files(files: Iterable[FileIdentity]) -> None:
    """Raise ``SourceNotFound`` or ``SourceChanged`` if a file is not as it was when the statement was planned."""
    for file in files:
        if "://" in file.path:
            continue
        try:
            found = Path(file.path).stat()
        except FileNotFoundError as error:
            raise SourceNotFound(f"no such file: {file.path}") from error
        except OSError as error:
            raise SourceError(f"cannot read {file.path}: {error.strerror}") from error
        if (found.st_size, found.st_mtime_ns) != (file.size, file.modified_ns):
            raise SourceChanged(f"the file changed while the query ran: {file.path}")


def _fields(scan: TaskScan) -> list[Field]:
    types = {column.name: column for column in scan.source.columns}
    missing = [name for name in scan.columns if name not in types]
    if missing:
        raise InvariantViolated(f"scan {scan.name} wants columns that its source does not have: {missing}")
    return [types[name] for name in scan.columns]


def _readings(source: FileSource, scan: TaskScan) -> Iterator[_Reading]:
    """Neighbouring whole files are read together, so that the order of the rows is that of the ranges."""
    if scan.split.whole:
        if source.files:
            yield _Reading(source.files)
        return
    for whole, ranges in groupby(scan.split.ranges, key=_is_whole):
        if whole:
            yield _Reading(tuple(part.file for part in ranges))
        else:
            for part in ranges:
                yield _part(source, part)


def _part(source: FileSource, part: FileRange) -> _Reading:
    if source.format is not FileFormat.PARQUET:
        raise InvariantViolated(f"a row range of a file that is not Parquet: {part.file.path}")
    # Each comparison of row numbers takes a tenth of what reading two columns takes; row groups have one number each.
    first, last = (part.first_row, part.last_row) if part.groups is None else part.groups
    number = ROW_NUMBER_COLUMN if part.groups is None else ROW_GROUP_COLUMN
    return _Reading((part.file,), first or None, None if part.to_end else last, part.predicate, number)


def _is_whole(part: FileRange) -> bool:
    return part.first_row is None and part.last_row is None and not part.predicate


def _reading_sql(scan: TaskScan, source: FileSource, reading: _Reading) -> str:
    partition_keys = _partition_keys(source)
    files = ", ".join(literal(_escape_glob(file.path)) for file in reading.files)
    options = "".join(f", {name} = {value}" for name, value in _options(source, partition_keys))
    sql = f"SELECT {_select_list(scan, partition_keys)} FROM {source.format.value}([{files}]{options})"
    bounds = []
    if reading.first is not None:
        bounds.append(f"{reading.number} >= {reading.first}")
    if reading.last is not None:
        bounds.append(f"{reading.number} <= {reading.last}")
    if reading.predicate:
        bounds.append(f"({reading.predicate})")
    return f"{sql} WHERE {' AND '.join(bounds)}" if bounds else sql


def _select_list(scan: TaskScan, partition_keys: tuple[str, ...]) -> str:
    """The columns; those that come from the path are cast, because their detected type depends on the files read."""
    encoded = scan.source.encoded if isinstance(scan.source, FileSource) else ()
    selected = [
        f"CAST({quote(field.name)} AS {field.type}) AS {quote(field.name)}"
        if field.name.lower() in partition_keys
        else f"{restore(field.type, quote(field.name))} AS {quote(field.name)}"
        if field.name in encoded
        else quote(field.name)
        for field in _fields(scan)
    ]
    return ", ".join(selected) or "1 AS nothing"


def _options(source: FileSource, partition_keys: tuple[str, ...]) -> list[tuple[str, str]]:
    """The source's options; formats that guess their types are told them, so that every file is read alike."""
    options = list(source.options)
    given = {name.lower() for name, _ in options}
    if source.format is FileFormat.PARQUET or given & _TYPE_OPTIONS:
        return options
    filename = dict(options).get("filename", "false").strip("'").lower()
    added = {"filename"} if filename == "true" else {filename}
    typed = ", ".join(
        f"{literal(field.name)}: {literal(field.type)}"
        for field in source.columns
        if field.name.lower() not in partition_keys and field.name.lower() not in added
    )
    if not typed:
        return options
    return [*options, ("types" if source.format is FileFormat.CSV else "columns", "{" + typed + "}")]


def _partition_keys(source: FileSource) -> tuple[str, ...]:
    """The columns, in lower case, that the first file's path holds as ``/key=value/``."""
    if not source.files:
        return ()
    keys = {part.partition("=")[0].lower() for part in Path(source.files[0].path).parts[:-1] if "=" in part}
    return tuple(field.name.lower() for field in source.columns if field.name.lower() in keys)


def _escape_glob(path: str) -> str:
    """A path that the kernel's glob takes literally."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in path)
