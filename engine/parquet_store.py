"""A ``TableStore`` in a directory of this process: Parquet files, removed as soon as nobody needs them."""

import os
import secrets
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shoal.executor.cancellation import CancelToken
from shoal.executor.directories import disk_base
from shoal.executor.owned_directory import OwnedDirectory
from shoal.planner.errors import InterfaceError
from shoal.planner.source import FileIdentity
from shoal.table_store import StoredFile

_UNFINISHED = ".part"
_WAIT_SECONDS = 0.05


class ParquetStore:
    """Owns the directory, which is made when the first file is; ``close`` removes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._directory: OwnedDirectory | None = None
        self._writers: dict[str, threading.Lock] = {}
        self._closed = False

    def new_path(self) -> Path:
        """A path for a new file, which nobody sees until it is kept."""
        with self._lock:
            if self._closed:
                raise InterfaceError("the connection is closed")
            if self._directory is None:
                self._directory = OwnedDirectory(disk_base(), "tables")
            return self._directory.path / f"{secrets.token_hex(8)}.parquet{_UNFINISHED}"

    def keep(self, path: Path, rows: int, first: int, last: int) -> StoredFile:
        """Give a written file its name; it is removed when the ``StoredFile`` is gone."""
        kept = path.with_suffix("")
        path.rename(kept)
        status = kept.stat()
        file = StoredFile(
            FileIdentity(str(kept), status.st_size, status.st_mtime_ns, status.st_ctime_ns), rows, first, last
        )
        weakref.finalize(file, _remove, str(kept)).atexit = False
        return file

    def discard(self, path: Path) -> None:
        """Remove a file that was not kept, if there is one."""
        path.unlink(missing_ok=True)

    @contextmanager
    def writing(self, name: str, cancelled: CancelToken) -> Iterator[None]:
        """Hold the table's lock; one statement at a time writes a table."""
        with self._lock:
            lock = self._writers.setdefault(name.casefold(), threading.Lock())
        while not lock.acquire(timeout=_WAIT_SECONDS):
            cancelled.check()
        try:
            yield
        finally:
            lock.release()

    def files(self) -> Iterator[Path]:
        """All files that are there."""
        with self._lock:
            directory = self._directory
        if directory is not None:
            yield from directory.path.glob("*.parquet*")

    def close(self) -> None:
        """Remove everything; idempotent."""
        with self._lock:
            self._closed = True
            directory, self._directory = self._directory, None
        if directory is not None:
            directory.close()


def _remove(path: str) -> None:
    try:
        os.unlink(path)  # noqa: PTH108 - runs while the interpreter may be ending
    except OSError:
        return
