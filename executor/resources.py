"""What this machine, or the container we are in, has: cores, memory, addresses; and sizes as people write them."""

import hashlib
import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path

from shoal.executor.shuffle.host import host_identity
from shoal.planner.errors import InterfaceError

_UNITS: Mapping[str, int] = {
    "": 1,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 1 << 10,
    "MIB": 1 << 20,
    "GIB": 1 << 30,
    "TIB": 1 << 40,
    "K": 1 << 10,
    "M": 1 << 20,
    "G": 1 << 30,
    "T": 1 << 40,
}
_SIZE = re.compile(r"^\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[A-Za-z]*)\s*$")
_CGROUP_MEMORY = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_CGROUP_CPU = Path("/sys/fs/cgroup/cpu.max")

MEMORY_SHARE = 0.8
"""The part of a machine's memory that its executors may use together."""


def parse_size(text: str) -> int:
    """Bytes of a size such as ``4GB``, ``512MiB`` or ``1.5G``; raises ``InterfaceError`` on anything else."""
    match = _SIZE.match(text)
    unit = _UNITS.get(match["unit"].upper()) if match else None
    if match is None or unit is None or float(match["number"]) * unit < 1:
        raise InterfaceError(f"not a size: {text!r} (want a number and a unit, such as 4GB or 512MiB)")
    return int(float(match["number"]) * unit)


def cores() -> int:
    """How many cores this process may use: those of its affinity mask, capped by its control group."""
    count = len(os.sched_getaffinity(0))
    try:
        quota, period = _CGROUP_CPU.read_text().split()
        if quota != "max":
            count = min(count, max(1, round(int(quota) / int(period))))
    except (OSError, ValueError):
        pass
    return count


def core_pool() -> str:
    """A short text that is equal in two processes of one machine if they share its cores.

    Those of another container, control group or affinity mask have cores of their own.
    """
    try:
        group = Path("/proc/self/cgroup").read_text()
    except OSError:
        group = ""
    parts = [host_identity(), group, str(sorted(os.sched_getaffinity(0)))]
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=12).hexdigest()


def memory_bytes() -> int:
    """The memory of this machine, or of its control group where that has less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in _CGROUP_MEMORY:
        try:
            text = Path(path).read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            total = min(total, int(text))
    return total


def default_memory_bytes(executors: int) -> int:
    """The memory of one executor when ``executors`` share this machine and nobody has said how much."""
    return max(64 << 20, int(memory_bytes() * MEMORY_SHARE) // max(1, executors))


def private_bytes(pid: int) -> int | None:
    """The resident memory of a process without files it maps; None if there is no such process.

    Mapped shuffle files are shared pages that the kernel can take back or that belong to another budget.
    """
    try:
        fields = Path(f"/proc/{pid}/statm").read_text().split()
    except OSError:
        return None
    return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE")


def split_address(address: str) -> tuple[str, int]:
    """Host and port of ``host:port`` or ``[v6]:port``; raises ``InterfaceError`` if it is neither."""
    host, separator, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not separator or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise InterfaceError(f"not an address: {address!r} (want HOST:PORT)")
    return host, int(port)


def address_towards(host: str, port: int) -> str:
    """The address of this machine that ``host`` can reach: that of the interface on the way there; sends nothing.

    Raises ``OSError`` if the name is unknown or there is no way.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.connect(address)
        return str(probe.getsockname()[0])
