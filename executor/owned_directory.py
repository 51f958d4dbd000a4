"""Directories that belong to one process: private, removed when it ends, and swept by others when it died.

The owner holds a lock (``flock``) on a file inside. The kernel frees it when the process dies, however it dies, and
unlike a process id it means the same in every container that sees the directory.
"""

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

_LOCK = "owner.lock"
_PREFIX = "shoal-"
_UNFINISHED = ".new-"
_UNFINISHED_SECONDS = 60.0


class OwnedDirectory:
    """A fresh directory below ``base`` (made if missing), readable by its owner alone; ``close`` removes it."""

    def __init__(self, base: Path, label: str) -> None:
        base.mkdir(parents=True, exist_ok=True)
        unfinished = base / f"{_UNFINISHED}{secrets.token_hex(8)}"
        unfinished.mkdir(mode=0o700)
        self._lock = os.open(unfinished / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.path = base / f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}-{label}"
        unfinished.rename(self.path)
        self._closed = False

    def close(self) -> None:
        """Remove the directory with all that is in it. Idempotent."""
        if self._closed:
            return
        self._closed = True
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def owned_directories(base: Path, label: str) -> Iterable[Path]:
    """The directories below ``base`` that were made with ``label``, alive or dead."""
    if not base.is_dir():
        return []
    return [path for path in base.iterdir() if path.name.startswith(_PREFIX) and path.name.split("-", 3)[-1] == label]


def reclaim(base: Path, keep: frozenset[str] = frozenset()) -> tuple[Path, ...]:
    """Remove what dead processes left below ``base``, except directories whose label is in ``keep``; what was removed.

    Safe beside living owners and beside other sweepers.
    """
    removed: list[Path] = []
    if not base.is_dir():
        return ()
    for path in list(base.iterdir()):
        name = path.name
        if name.startswith(_UNFINISHED):
            dead = _age(path) > _UNFINISHED_SECONDS
        elif name.startswith(_PREFIX):
            dead = name.split("-", 3)[-1] not in keep and _is_dead(path)
        else:
            continue
        if dead:
            shutil.rmtree(path, ignore_errors=True)
            removed.append(path)
    return tuple(removed)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _is_dead(path: Path) -> bool:
    try:
        descriptor = os.open(path / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return path.is_dir()
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
