"""Tables from a directory: one for each data file, and one for each folder of data files."""

from collections.abc import Iterator
from pathlib import Path

from shoal.shell.driver import Connection

_SUFFIXES = (".parquet", ".csv", ".tsv", ".json", ".jsonl", ".ndjson")
_COMPRESSED = (".gz", ".zst")


class AmbiguousTableError(Exception):
    """Two files of a directory would have the same table name."""


def find_tables(directory: Path) -> dict[str, str]:
    """Paths or globs by table name; ``orders.parquet`` and ``orders/*.parquet`` are both ``orders``.

    Hidden files are left out. Raises ``AmbiguousTableError`` and ``OSError``.
    """
    found: dict[str, str] = {}
    for entry in sorted(directory.iterdir()):
        if entry.name.startswith("."):
            continue
        for name, source in _tables_of(entry):
            if name in found:
                raise AmbiguousTableError(f"both {found[name]} and {source} would be the table {name}")
            found[name] = source
    return found


def register_directory(connection: Connection, directory: Path) -> tuple[str, ...]:
    """Register every table of a directory under its name; the names. Raises as ``find_tables`` and the engine do."""
    tables = find_tables(directory)
    for name, source in tables.items():
        connection.register(name, source)
    return tuple(tables)


def _tables_of(entry: Path) -> Iterator[tuple[str, str]]:
    if entry.is_dir():
        suffixes = {suffix for file in entry.iterdir() if file.is_file() and (suffix := _suffix(file.name))}
        for suffix in sorted(suffixes):
            yield entry.name, f"{entry}/*{suffix}"
    elif suffix := _suffix(entry.name):
        yield entry.name.removesuffix(suffix), str(entry)


def _suffix(name: str) -> str:
    """The ending that makes a file a table, with that of its compression; empty for other files."""
    lower = name.lower()
    for suffix in _SUFFIXES:
        for ending in (suffix, *(suffix + compressed for compressed in _COMPRESSED)):
            if lower.endswith(ending) and len(lower) > len(ending):
                return name[-len(ending) :]
    return ""
