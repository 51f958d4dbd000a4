"""What a supervisor tells a worker process, and what the worker tells it: options, exit codes, reports."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from shoal.planner.ids import ExecutorId

RESIDENT_FACTOR = 1.5
RESIDENT_OVERHEAD = 512 << 20
"""A worker may grow beyond its memory budget by this factor and these bytes: the kernel's limit is not strict, and
Python, Arrow buffers and gRPC need some themselves."""

STUCK_SECONDS = 10.0
"""A task that is cancelled and still runs after this time will never end; its process has to."""


class ExitCode(IntEnum):
    """How a worker ends."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    """It could not reach the coordinator, or is not wanted there: starting it again would not help."""
    LOST_COORDINATOR = 4
    STUCK = 5
    OUT_OF_MEMORY = 6
    INTERRUPTED = 130


class Report(StrEnum):
    """The first word of a line that a worker writes to its supervisor; the rest of the line is a text."""

    ALIVE = "alive"
    JOINED = "joined"
    STUCK = "stuck"
    ENDING = "ending"


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """One worker process.

    ``coordinator`` is ``host:port``. ``slots`` tasks run side by side and share ``threads`` and ``memory_bytes``.
    Flight listens on ``bind_host`` and tells others ``advertise_host`` (empty: the address towards the coordinator).
    ``memory_directory`` and ``disk_directory``: empty for the usual places. ``join_seconds``: how long to try to
    reach the coordinator. ``parent`` is the process that the worker must not outlive, 0 for none; ``report_fd`` the
    pipe for reports, -1 for none. ``version`` differs from our own only in tests.
    """

    name: ExecutorId
    coordinator: str
    threads: int
    slots: int
    memory_bytes: int
    incarnation: str = ""
    bind_host: str = "127.0.0.1"
    advertise_host: str = ""
    memory_directory: str = ""
    disk_directory: str = ""
    join_seconds: float = 10.0
    drain_seconds: float = 25.0
    parent: int = 0
    report_fd: int = -1
    version: str = ""

    def __post_init__(self) -> None:
        if not self.name or self.threads < 1 or self.slots < 1 or self.memory_bytes < 1:
            raise ValueError(f"a worker needs a name, threads, slots and memory: {self}")

    @property
    def resident_limit(self) -> int:
        """The private resident memory in bytes beyond which the worker's tasks fail."""
        return int(self.memory_bytes * RESIDENT_FACTOR) + RESIDENT_OVERHEAD

    @property
    def kill_limit(self) -> int:
        """The private resident memory in bytes beyond which the worker is killed."""
        return self.resident_limit + self.resident_limit // 4
