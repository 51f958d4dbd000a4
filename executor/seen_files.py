"""Files that a kernel has read, so as to tell when its cache of footers would take one for another.

DuckDB keeps the footer of a file by its path, and takes it for good while size and time stamp, in whole seconds, are
the same. A file that is replaced within a second, or under its old time stamp, would be read with the old one's footer.
"""

import threading
from collections.abc import Iterable

from shoal.planner.source import FileIdentity

_SECOND_NS = 1_000_000_000
_MOST_FILES = 200_000
"""Files that are remembered."""


class SeenFiles:
    """Remembers files by path; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, dict[tuple[int, int], FileIdentity | None]] = {}

    def see(self, files: Iterable[FileIdentity]) -> bool:
        """Note that files are about to be read; whether the kernel could take one for what was there before."""
        mistakable = False
        with self._lock:
            for file in files:
                known = self._seen.get(file.path)
                if known is None:
                    if len(self._seen) >= _MOST_FILES:
                        del self._seen[next(iter(self._seen))]
                    known = self._seen[file.path] = {}
                looks = file.size, file.modified_ns // _SECOND_NS
                if known.setdefault(looks, file) != file:
                    known[looks] = None
                    mistakable = True
        return mistakable
