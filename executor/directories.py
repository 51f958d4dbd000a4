"""Where executors keep their files, and the removal of what dead ones left there."""

import tempfile
from pathlib import Path

from shoal.executor.owned_directory import reclaim
from shoal.executor.shuffle.store import MEMORY_BASE


def memory_base(directory: str = "") -> Path:
    """The directory in memory below which shuffle files are kept; empty for the usual one."""
    return Path(directory) if directory else MEMORY_BASE


def disk_base(directory: str = "") -> Path:
    """The directory on disk below which the kernel spills and shuffle files overflow; empty for the usual one."""
    return Path(directory or tempfile.gettempdir())


def reclaim_directories(memory_directory: str = "", disk_directory: str = "") -> None:
    """Remove what dead executors left below these directories."""
    reclaim(memory_base(memory_directory))
    reclaim(disk_base(disk_directory))
