"""Where a process keeps the shuffle files it made: memory (a tmpfs) within a budget first, disk behind it.

The store owns two private directories and everything in them, knows which output is which file, and removes them. Its
table is the only way from an identity to a path: no text from outside is ever joined into one.
"""

import os
import re
import secrets
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from shoal.executor.owned_directory import OwnedDirectory, owned_directories, reclaim
from shoal.executor.shuffle.manifest import Manifest, manifest_path, read_manifest
from shoal.planner.errors import FetchFailed, InterfaceError, OutOfMemory
from shoal.planner.ids import Incarnation, QueryId, TaskId

MEMORY_BASE = Path("/dev/shm")  # noqa: S108 - the tmpfs that every Linux has; directories in it are private
_FREE_SHARE = 0.5
_REMEMBERED_QUERIES = 10_000
_QUERY_NAME = re.compile(r"[A-Za-z0-9-]{1,128}")


@dataclass(frozen=True, slots=True)
class StoredOutput:
    """A finished output in this store: its file and what is in it."""

    path: Path
    in_memory: bool
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class StoreUsage:
    """Bytes that a store holds now."""

    memory_bytes: int
    disk_bytes: int
    outputs: int


class ShuffleStore:
    """The shuffle files of one life of an executor.

    ``memory_base`` is a directory in a tmpfs, or None to use disk only; ``memory_budget`` bytes of it may be used, and
    never more than half of what is free there now. ``disk_budget`` None: as much as the disk takes. Thread-safe.
    """

    def __init__(
        self,
        incarnation: Incarnation,
        memory_base: Path | None,
        disk_base: Path,
        memory_budget: int,
        disk_budget: int | None = None,
    ) -> None:
        self.incarnation = incarnation
        self._lock = threading.Lock()
        self._disk = OwnedDirectory(disk_base, incarnation)
        self._memory: OwnedDirectory | None = None
        self._memory_budget = 0
        self._disk_budget = disk_budget
        if memory_budget > 0 and memory_base is not None and memory_base.is_dir() and os.access(memory_base, os.W_OK):
            reclaim(memory_base)
            self._memory = OwnedDirectory(memory_base, incarnation)
            self._memory_budget = min(memory_budget, int(_free_bytes(self._memory.path) * _FREE_SHARE))
        self._bases = ((True, memory_base), (False, disk_base))
        self._reserved = {True: 0, False: 0}
        self._outputs: dict[TaskId, StoredOutput] = {}
        self._dropped: dict[QueryId, None] = {}
        self._closed = False

    @property
    def has_memory(self) -> bool:
        """Whether files can be in memory at all."""
        return self._memory is not None

    def reserve(self, in_memory: bool, size: int, *, force: bool = False) -> bool:
        """Set ``size`` bytes of the memory or disk budget aside for a writer; False when they are not there.

        ``force`` is for bytes that are written already: they count even beyond the budget.
        """
        with self._lock:
            used = self._reserved[in_memory] + size
            if force:
                pass
            elif in_memory:
                if self._memory is None or used > self._memory_budget or _free_bytes(self._memory.path) < 2 * size:
                    return False
            elif self._disk_budget is not None and used > self._disk_budget:
                return False
            self._reserved[in_memory] = used
            return True

    def unreserve(self, in_memory: bool, size: int) -> None:
        """Give back what ``reserve`` set aside."""
        with self._lock:
            self._reserved[in_memory] -= size

    def new_path(self, task: TaskId, in_memory: bool) -> Path:
        """An unused temporary name for a task's output; the directory exists. Raises ``OutOfMemory`` if it cannot."""
        if self._closed:
            raise InterfaceError("the shuffle store is closed")
        owner = self._memory if in_memory else self._disk
        if owner is None:
            raise OutOfMemory("the shuffle store has no memory directory")
        if _QUERY_NAME.fullmatch(task.query) is None:
            raise InterfaceError(f"query id {task.query!r} cannot name a directory")
        directory = owner.path / task.query
        try:
            directory.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise OutOfMemory(f"the shuffle store cannot write: {error.strerror}") from error
        return directory / f"{output_name(task)}.{secrets.token_hex(4)}.new"

    def publish(self, output: StoredOutput) -> None:
        """Enter a finished output; it replaces an earlier one of the same task. What it reserved now counts as its."""
        with self._lock:
            if output.manifest.task.query not in self._dropped and not self._closed:
                earlier = self._outputs.get(output.manifest.task)
                self._outputs[output.manifest.task] = output
            else:
                earlier = output
        if earlier is not None:
            self._remove(earlier, keep=output.path if earlier is not output else None)
        if earlier is output:
            self._remove_directories(output.manifest.task.query)

    def find(self, task: TaskId, incarnation: Incarnation) -> StoredOutput:
        """An output of this process, or of a dead sibling on this host; raises ``FetchFailed`` if there is none."""
        if incarnation == self.incarnation:
            with self._lock:
                found = self._outputs.get(task)
            if found is None:
                raise FetchFailed(f"output {task} is not here")
            return found
        return self._find_sibling(task, incarnation)

    def drop_output(self, task: TaskId) -> None:
        """Remove one output; readers that have it mapped keep it. Does nothing if it is not there."""
        with self._lock:
            found = self._outputs.pop(task, None)
        if found is not None:
            self._remove(found)

    def drop_query(self, query: QueryId) -> None:
        """Remove everything of a query, and whatever of it is published later."""
        with self._lock:
            self._dropped[query] = None
            while len(self._dropped) > _REMEMBERED_QUERIES:
                del self._dropped[next(iter(self._dropped))]
            found = [output for task, output in self._outputs.items() if task.query == query]
            for output in found:
                del self._outputs[output.manifest.task]
        for output in found:
            self._remove(output)
        self._remove_directories(query)

    def usage(self) -> StoreUsage:
        """What the store holds, unfinished files included."""
        with self._lock:
            return StoreUsage(self._reserved[True], self._reserved[False], len(self._outputs))

    def close(self) -> None:
        """Remove every file and the directories. Idempotent."""
        with self._lock:
            self._closed = True
            self._outputs.clear()
        for owner in (self._memory, self._disk):
            if owner is not None:
                owner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _remove(self, output: StoredOutput, keep: Path | None = None) -> None:
        if output.path != keep:
            for path in (output.path, manifest_path(output.path)):
                with suppress(FileNotFoundError):
                    path.unlink()
        self.unreserve(output.in_memory, output.manifest.size)

    def _remove_directories(self, query: QueryId) -> None:
        for owner in (self._memory, self._disk):
            if owner is not None and _QUERY_NAME.fullmatch(query):
                with suppress(OSError):
                    (owner.path / query).rmdir()

    def _find_sibling(self, task: TaskId, incarnation: Incarnation) -> StoredOutput:
        """Look through the directories that are there; names are compared, never built from the request."""
        for in_memory, base in self._bases:
            for directory in owned_directories(base, incarnation) if base is not None else ():
                query = _entry(directory, task.query)
                file = _entry(query, f"{output_name(task)}.arrow") if query else None
                if file is not None:
                    return StoredOutput(file, in_memory, read_manifest(file))
        raise FetchFailed(f"output {task} of incarnation {incarnation} is not on this host")


def output_name(task: TaskId) -> str:
    """The file name, without its ending, of a task's output inside its query's directory."""
    return f"s{task.stage}.{task.stage_attempt}.p{task.partition}.{task.attempt}"


def _entry(directory: Path, name: str) -> Path | None:
    try:
        return next((found for found in directory.iterdir() if found.name == name), None)
    except OSError:
        return None


def _free_bytes(path: Path) -> int:
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize
