"""What a process and all that it started have used of the machine, read from Linux's ``/proc``; zero elsewhere."""

import os
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU time in seconds so far, and the sum of the processes' peaks of resident memory, in bytes."""

    cpu_seconds: float
    peak_bytes: int


def tree_usage() -> Usage:
    """The usage of this process and its living descendants together."""
    ticks, peak = 0, 0
    for process in _tree(os.getpid()):
        fields = _stat_fields(process)
        if fields:
            ticks += int(fields[11]) + int(fields[12])
            peak += _peak_bytes(process)
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), peak)


def reset_peaks() -> None:
    """Start counting the peaks of resident memory anew, where the kernel lets us."""
    for process in _tree(os.getpid()):
        try:
            (_PROC / str(process) / "clear_refs").write_text("5", encoding="ascii")
        except OSError:
            continue


def _tree(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in _PROC.glob("[0-9]*"):
        fields = _stat_fields(int(entry.name))
        if fields:
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for process in found:
        found += children.get(process, [])
    return found


def _stat_fields(process: int) -> list[str]:
    """The fields of ``/proc/<pid>/stat`` after the command's name (which may hold spaces); empty when it is gone."""
    try:
        text = (_PROC / str(process) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _peak_bytes(process: int) -> int:
    try:
        status = (_PROC / str(process) / "status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM:")), 0)
