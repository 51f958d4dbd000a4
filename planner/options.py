"""What a session tells the planner: the shape of the cluster, and the choices that a user has fixed with ``SET``."""

from dataclasses import dataclass
from enum import StrEnum


class Distribute(StrEnum):
    """When a plan is cut into several tasks: when it pays, whenever it can be, or never."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class JoinStrategy(StrEnum):
    """How joins are distributed: by cost, or always in one way where that is right."""

    AUTO = "auto"
    BROADCAST = "broadcast"
    PARTITIONED = "partitioned"


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """``executors`` 0 is embedded. ``partitions`` 0: derived from the cluster. Memory is of one executor, in bytes.

    ``task_bytes`` are read by one task where partitions are smaller; larger ones may be split.
    ``own_threads`` are those of the kernel in the process that plans; 0: with a cluster it runs no statements itself.
    ``cores`` are those that all executors have together, where several share a machine's; 0: one for each thread.
    """

    executors: int = 0
    threads: int = 1
    memory_bytes: int = 4 << 30
    partitions: int = 0
    distribute: Distribute = Distribute.AUTO
    join_strategy: JoinStrategy = JoinStrategy.AUTO
    disabled_rules: frozenset[str] = frozenset()
    check_plans: bool = False
    task_bytes: int = 2 << 20
    own_threads: int = 0
    cores: int = 0
