"""The session's names: registered tables and files, and views. A snapshot of it is the planner's ``Catalog``."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from shoal.planner.definitions import NO_DEFINITIONS, Definitions
from shoal.planner.errors import ErrorContext, ProgrammingError, SourceNotFound, TableNotFound
from shoal.planner.source import ArrowSource, FileFormat, FileSource, TableSource, ViewDefinition
from shoal.planner.statement import suggest
from shoal.source_files import Options, SourceFiles, format_of


@dataclass(frozen=True, slots=True)
class FileTable:
    """Files under a name; which files those are is settled anew for each statement."""

    kind: FileFormat
    paths: tuple[str, ...]
    options: Options = ()


Entry = FileTable | ArrowSource | ViewDefinition


class CatalogSnapshot:
    """The catalog as it is while one statement is planned: a name that is looked up twice means the same files."""

    def __init__(
        self,
        version: int,
        entries: Mapping[str, tuple[str, Entry]],
        files: SourceFiles,
        definitions: Definitions = NO_DEFINITIONS,
    ) -> None:
        self._definitions = definitions
        self._version = version
        self._entries = entries
        self._files = files
        self._resolved: dict[FileTable, FileSource] = {}

    @property
    def version(self) -> int:
        """A number that changes whenever any name means something else."""
        return self._version

    @property
    def definitions(self) -> Definitions:
        """The macros and variables."""
        return self._definitions

    def lookup(self, name: str) -> TableSource | ViewDefinition | None:
        """The table, view or file of that name, or None; raises a ``SourceError`` for a file that cannot be read."""
        found = self._entries.get(name.casefold())
        if found is not None:
            entry = found[1]
            return self._resolve(entry) if isinstance(entry, FileTable) else entry
        kind = format_of(name)
        return None if kind is None else self.files(kind, (name,), ())

    def files(self, format: FileFormat, paths: tuple[str, ...], options: Options) -> FileSource:
        """The files that paths or globs stand for, with their schema; raises a ``SourceError``."""
        return self._resolve(FileTable(format, paths, options))

    def names(self) -> tuple[str, ...]:
        """All names of tables and views, as they were written."""
        return tuple(name for name, _ in self._entries.values())

    def entry(self, name: str) -> Entry | None:
        """What is registered under a name, without looking at any file."""
        found = self._entries.get(name.casefold())
        return None if found is None else found[1]

    def resolved(self) -> Mapping[FileTable, FileSource]:
        """All files that were looked up in this snapshot, for those who keep a plan made with it."""
        return MappingProxyType(self._resolved)

    def _resolve(self, table: FileTable) -> FileSource:
        source = self._resolved.get(table)
        if source is None:
            source = self._resolved[table] = self._files.resolve(table.kind, table.paths, table.options)
        return source


class SessionCatalog:
    """The names of one session. Every method may be called from any thread."""

    def __init__(self, files: SourceFiles) -> None:
        self._files = files
        self._lock = threading.Lock()
        self._version = 0
        self._entries: dict[str, tuple[str, Entry]] = {}
        self._definitions = NO_DEFINITIONS

    def snapshot(self) -> CatalogSnapshot:
        """The names as they are now."""
        with self._lock:
            return CatalogSnapshot(self._version, self._entries, self._files, self._definitions)

    def define(self, change: Callable[[Definitions], Definitions]) -> None:
        """Change the macros and variables; what ``change`` raises leaves them as they were."""
        with self._lock:
            self._definitions = change(self._definitions)
            self._version += 1

    def register_path(self, name: str, path: str | Path) -> FileSource:
        """Name a file, a glob or a directory of files; returns what it stands for now. Raises a ``SourceError``."""
        text = str(path)
        table = FileTable(self._files.detect(text), (text,))
        source = self._files.resolve(table.kind, table.paths)
        self.put(name, table)
        return source

    def register_directory(self, directory: str | Path) -> tuple[str, ...]:
        """Name every table of a directory: each data file by its stem, each folder of data files by its name."""
        root = Path(directory)
        if not root.is_dir():
            raise SourceNotFound(f"there is no directory {root}")
        names = []
        for path in sorted(root.iterdir()):
            kind = format_of(path.name)
            if path.is_dir():
                inside = {format_of(child.name) for child in path.iterdir()} - {None}
                if len(inside) != 1:
                    continue
            elif kind is None:
                continue
            name = path.name.split(".")[0]
            self.register_path(name, path)
            names.append(name)
        if not names:
            raise SourceNotFound(f"there is no data file in the directory {root}")
        return tuple(names)

    def put(self, name: str, entry: Entry) -> Entry | None:
        """Name something; returns what the name meant before."""
        if not name:
            raise ProgrammingError("a table needs a name")
        with self._lock:
            before = self._entries.get(name.casefold())
            self._entries = {**self._entries, name.casefold(): (name, entry)}
            self._version += 1
        return None if before is None else before[1]

    def remove(self, name: str, *, view: bool = False) -> Entry:
        """Forget a name; raises ``TableNotFound``, or ``ProgrammingError`` if it is not a view where one is meant."""
        with self._lock:
            found = self._entries.get(name.casefold())
            if found is None or (view and not isinstance(found[1], ViewDefinition)):
                kind = "view" if view else "table"
                names = tuple(written for written, _ in self._entries.values())
                hint = f"{name} is a table: use unregister()" if found is not None else suggest(name, names)
                raise TableNotFound(f"there is no {kind} {name}", ErrorContext(hint=hint))
            self._entries = {key: value for key, value in self._entries.items() if key != name.casefold()}
            self._version += 1
        return found[1]
