"""Data of the user's process as tables: Arrow tables, record batches and data frames, kept under a key."""

import secrets
import threading
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from shoal.executor.directories import disk_base
from shoal.executor.kernel_errors import translate_error
from shoal.executor.owned_directory import OwnedDirectory
from shoal.executor.shuffle.host import host_identity
from shoal.executor.shuffle.registry import ArrowRegistry
from shoal.planner.errors import InterfaceError, OperationalError
from shoal.planner.source import ArrowSource, Field
from shoal.scratch import Scratch

_PANDAS = "pandas"


class Registrations:
    """Owns the registered tables of one session. ``shared``: executors of this host read them from files."""

    def __init__(self, scratch: Scratch, registry: ArrowRegistry, *, shared: bool) -> None:
        self._scratch = scratch
        self._registry = registry
        self._shared = shared
        self._lock = threading.Lock()
        self._directory: OwnedDirectory | None = None

    def add(self, data: object) -> ArrowSource:
        """Keep data as a table; raises ``InterfaceError`` for what is not tabular."""
        table = self._as_table(data)
        key = secrets.token_hex(8)
        columns = self._columns(table)
        path = str(self._write(key, table)) if self._shared else ""
        self._registry.put(key, table)
        return ArrowSource(key, columns, table.num_rows, table.nbytes, host_identity() if path else "", path)

    def drop(self, source: ArrowSource) -> None:
        """Forget a table and remove its file; statements that already read it go on."""
        self._registry.drop(source.key)
        if source.path:
            Path(source.path).unlink(missing_ok=True)

    def close(self) -> None:
        """Remove all files; idempotent."""
        with self._lock:
            directory, self._directory = self._directory, None
        if directory is not None:
            directory.close()

    def _as_table(self, data: object) -> pa.Table:
        match data:
            case pa.Table():
                return data
            case pa.RecordBatch():
                return pa.Table.from_batches([data])
            case pa.RecordBatchReader():
                return data.read_all()
        if type(data).__module__.split(".")[0] == _PANDAS:
            return self._from_pandas(data)
        collect: Any = getattr(data, "collect", None)
        if type(data).__name__ == "LazyFrame" and callable(collect):
            data = collect()
        if hasattr(data, "__arrow_c_stream__"):
            return pa.table(data)
        kinds = "an Arrow table, a RecordBatchReader, a pandas or polars DataFrame, or a path"
        raise InterfaceError(f"cannot register a {type(data).__name__}: it takes {kinds}")

    def _from_pandas(self, frame: object) -> pa.Table:
        """As DuckDB itself reads a frame, so that the types are those of plain DuckDB."""
        cursor = self._scratch.cursor()
        try:
            cursor.register("frame", frame)
            return cursor.sql("FROM frame").to_arrow_table()
        except (duckdb.Error, RuntimeError) as error:
            raise translate_error(error) from error
        finally:
            cursor.close()

    def _columns(self, table: pa.Table) -> tuple[Field, ...]:
        cursor = self._scratch.cursor()
        try:
            cursor.register("registered", table.slice(0, 0))
            rows = cursor.execute("DESCRIBE FROM registered").fetchall()
        except (duckdb.Error, RuntimeError) as error:
            raise translate_error(error) from error
        finally:
            cursor.close()
        return tuple(Field(str(row[0]), str(row[1])) for row in rows)

    def _write(self, key: str, table: pa.Table) -> Path:
        with self._lock:
            if self._directory is None:
                self._directory = OwnedDirectory(disk_base(), "registered")
            path = self._directory.path / f"{key}.arrow"
        try:
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
                writer.write_table(table)
        except OSError as error:
            raise OperationalError(f"cannot write a registered table to {path}: {error.strerror}") from error
        return path
