"""The session's names: registered tables and files, and views. A snapshot of it is the planner's ``Catalog``."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from shoal.planner.definitions import NO_DEFINITIONS, Definitions
from shoal.planner.errors import ErrorContext, OperationalError, ProgrammingError, SourceNotFound, TableNotFound
from shoal.planner.names import MAIN, SEPARATOR, TEMPORARY, hidden_name, own_name, schema_of, shown_name
from shoal.planner.source import ArrowSource, FileFormat, FileSource, TableSource, ViewDefinition
from shoal.planner.statement import suggest
from shoal.source_files import Options, SourceFiles, format_of
from shoal.table_store import TableVersion


@dataclass(frozen=True, slots=True)
class FileTable:
    """Files under a name; which files those are is settled anew for each statement."""

    kind: FileFormat
    paths: tuple[str, ...]
    options: Options = ()


Entry = FileTable | ArrowSource | ViewDefinition | TableVersion


@dataclass(frozen=True, slots=True)
class Schemas:
    """The schemas that were made, by their names in lower case, and the one that names of one part are looked up in."""

    made: Mapping[str, str]
    current: str = MAIN

    def keys(self, name: str) -> tuple[str, ...]:
        """Where a name, as it is written in a statement, is looked up, in order."""
        own = name.casefold()
        if own.startswith(f"{MAIN}{SEPARATOR}"):
            # As in DuckDB, temporary tables are in a schema of that name, which comes first.
            return (f"{TEMPORARY}{SEPARATOR}{own_name(own)}", _key(name))
        if SEPARATOR in name:
            return (own,)
        here = () if self.current.casefold() == MAIN else (_key(f"{self.current}{SEPARATOR}{name}"),)
        return (f"{TEMPORARY}{SEPARATOR}{own}", *here, own)

    def place(self, name: str) -> str:
        """The full name of what is made under a name; raises ``ProgrammingError`` if there is no such schema."""
        schema = schema_of(name) or self.current
        if schema.casefold() in (MAIN, TEMPORARY):
            return own_name(name) if schema.casefold() == MAIN else f"{TEMPORARY}{SEPARATOR}{own_name(name)}"
        if schema.casefold() not in self.made:
            hint = suggest(schema, (MAIN, *self.made.values()))
            raise TableNotFound(f"there is no schema {shown_name(schema)}", ErrorContext(hint=hint))
        return f"{self.made[schema.casefold()]}{SEPARATOR}{own_name(name)}"


def _key(name: str) -> str:
    folded = name.casefold()
    return folded.removeprefix(f"{MAIN}{SEPARATOR}")


_ONLY_MAIN = Schemas(MappingProxyType({}))


class CatalogSnapshot:
    """The catalog as it is while one statement is planned: a name that is looked up twice means the same files."""

    def __init__(
        self,
        version: int,
        entries: Mapping[str, tuple[str, Entry]],
        files: SourceFiles,
        definitions: Definitions = NO_DEFINITIONS,
        schemas: Schemas = _ONLY_MAIN,
        added: Mapping[str, FileSource | ViewDefinition] = MappingProxyType({}),
    ) -> None:
        self.schemas = schemas
        self._definitions = definitions
        self._version = version
        self._entries = entries
        self._files = files
        self._resolved: dict[FileTable, FileSource] = {}
        self._added = added

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
        match self.entry(name):
            case None if name.casefold() in self._added:
                return self._added[name.casefold()]
            case None:
                kind = format_of(name) if SEPARATOR not in name else None
            case FileTable() as entry:
                return self._resolve(entry)
            case TableVersion() as entry:
                return entry.source
            case entry:
                return entry
        return None if kind is None else self.files(kind, (name,), ())

    def files(self, format: FileFormat, paths: tuple[str, ...], options: Options) -> FileSource:
        """The files that paths or globs stand for, with their schema; raises a ``SourceError``."""
        return self._resolve(FileTable(format, paths, options))

    def names(self) -> tuple[str, ...]:
        """All names of tables and views, as they were written."""
        return (*(name for name, _ in self._entries.values()), *self._added)

    def names_here(self) -> tuple[str, ...]:
        """The own names, in order, of the tables and views that a name of one part can mean."""
        schemas = {"", TEMPORARY, self.schemas.current.casefold()}
        names = (name for name, _ in self._entries.values() if schema_of(name).casefold() in schemas)
        return tuple(sorted({own_name(name) for name in names}))

    def entry(self, name: str) -> Entry | None:
        """What is registered under a name, without looking at any file."""
        key = self.key(name)
        return None if key is None else self._entries[key][1]

    def knows(self, name: str) -> bool:
        """Whether a name means something that was given it, rather than a file."""
        return self.key(name) is not None or name.casefold() in self._added

    def key(self, name: str) -> str | None:
        """The key of ``entries`` that a name, as it is written in a statement, stands for; None if for nothing."""
        return next((key for key in self.schemas.keys(name) if key in self._entries), None)

    def has_two(self, names: Iterable[str]) -> str | None:
        """A name that is given both with the schema ``main`` and without, and means two things."""
        name = hidden_name(names)
        return None if name is None or self.key(name) == self.key(f"{MAIN}{SEPARATOR}{name}") else name

    def made(self, name: str) -> Entry | None:
        """What has a name in the very schema in which a statement would make it; raises ``TableNotFound`` if that is
        not there."""
        found = self._entries.get(self.schemas.place(name).casefold())
        return None if found is None else found[1]

    @property
    def entries(self) -> Mapping[str, tuple[str, Entry]]:
        """Everything by its full name in lower case, with that name as it was written."""
        return self._entries

    def with_source(self, name: str, source: FileSource | ViewDefinition) -> "CatalogSnapshot":
        """The same names and another one, for a statement's own use."""
        return CatalogSnapshot(
            self._version,
            self._entries,
            self._files,
            self._definitions,
            self.schemas,
            {**self._added, name.casefold(): source},
        )

    def again(self) -> "CatalogSnapshot":
        """The same names, with files as they are now."""
        return CatalogSnapshot(self._version, self._entries, self._files, self._definitions, self.schemas, self._added)

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
        self._schemas = _ONLY_MAIN

    def snapshot(self) -> CatalogSnapshot:
        """The names as they are now."""
        with self._lock:
            return CatalogSnapshot(self._version, self._entries, self._files, self._definitions, self._schemas)

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
            name = self._schemas.place(name)
            before = self._entries.get(name.casefold())
            if before is not None and isinstance(before[1], TableVersion):
                hint = ErrorContext(hint=f"DROP TABLE {shown_name(name)} removes it")
                raise ProgrammingError(f"there is a table {shown_name(name)} already", hint)
            self._entries = {**self._entries, name.casefold(): (name, entry)}
            self._version += 1
        return None if before is None else before[1]

    def replace(self, name: str, before: Entry | None, after: Entry | None, *, also: str = "") -> None:
        """Have a full name mean ``after`` (None: nothing) if it still means ``before``, and ``also`` nothing any more.

        Raises ``OperationalError`` if another statement was faster.
        """
        with self._lock:
            found = self._entries.get((also or name).casefold())
            if (None if found is None else found[1]) is not before or (also and name.casefold() in self._entries):
                message = f"{shown_name(also or name)} was changed by another statement meanwhile"
                raise OperationalError(message, ErrorContext(hint="run the statement again"))
            entries = {key: value for key, value in self._entries.items() if key != also.casefold()}
            if after is None:
                entries.pop(name.casefold(), None)
            else:
                entries[name.casefold()] = (name, after)
            self._entries = entries
            self._version += 1

    def change_schemas(self, change: Callable[[Schemas], Schemas], *, without: str = "") -> None:
        """Change the schemas; what is in the schema ``without`` is forgotten."""
        with self._lock:
            self._schemas = change(self._schemas)
            if without:
                start = f"{without.casefold()}{SEPARATOR}"
                self._entries = {key: value for key, value in self._entries.items() if not key.startswith(start)}
            self._version += 1

    def remove(self, name: str, *, view: bool = False) -> Entry:
        """Forget a name; raises ``TableNotFound``, or ``ProgrammingError`` if it is not a view where one is meant."""
        with self._lock:
            key = next((key for key in self._schemas.keys(name) if key in self._entries), name.casefold())
            found = self._entries.get(key)
            meant = isinstance(found[1], ViewDefinition) or not view if found is not None else False
            if found is None or not meant or isinstance(found[1], TableVersion):
                kind = "view" if view else "table"
                names = tuple(written for written, _ in self._entries.values())
                table = isinstance(found[1], TableVersion) if found is not None else False
                instead = "DROP TABLE" if table else "unregister()"
                hint = f"{name} is a table: use {instead}" if found is not None else suggest(name, names)
                raise TableNotFound(f"there is no {kind} {shown_name(name)}", ErrorContext(hint=hint))
            self._entries = {other: value for other, value in self._entries.items() if other != key}
            self._version += 1
        return found[1]
