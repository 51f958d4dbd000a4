"""Which executor gets which task: pure functions of what is free and where the input lies."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from shoal.planner.ids import ExecutorId
from shoal.planner.stage import TaskSpec


@dataclass(frozen=True, slots=True)
class Candidate:
    """An executor that could take a task: its slots, how many are taken, its machine and its memory, and how many
    tasks it has been given."""

    executor: ExecutorId
    slots: int
    taken: int
    host: str
    memory_bytes: int = 0
    launched: int = 0


@dataclass(frozen=True, slots=True)
class InputBytes:
    """Where a task's exchanged input lies, in bytes by executor and by host."""

    executors: Mapping[ExecutorId, int]
    hosts: Mapping[str, int]
    total: int


def locate_input(spec: TaskSpec) -> InputBytes:
    """Add up the bytes that a task will read from each executor and host."""
    executors: dict[ExecutorId, int] = {}
    hosts: dict[str, int] = {}
    total = 0
    for exchange in spec.exchanges:
        for number, file in enumerate(exchange.files):
            size = sum(file.bytes[partition] for partition in exchange.partitions)
            piece = exchange.slices[number] if exchange.slices else None
            if piece is not None:
                size = size * piece.rows // max(1, file.rows[exchange.partitions[0]])
            executors[file.executor] = executors.get(file.executor, 0) + size
            hosts[file.host] = hosts.get(file.host, 0) + size
            total += size
    return InputBytes(executors, hosts, total)


def choose_executor(
    candidates: Iterable[Candidate], local: InputBytes, avoid: Collection[ExecutorId] = ()
) -> ExecutorId | None:
    """Choose the executor for a task, or None if no candidate has a free slot.

    Executors on which the task has failed come last. Among the others, the share of the input that is local (on the
    same host it can be memory-mapped) weighs against the share of slots already taken, so that a small difference in
    bytes, as between the partitions of any hash, does not gather the tasks of a stage on one executor. Ties go to
    fewer tasks so far, then more bytes of its own, then more free slots, then the name: the same state gives the same
    choice.
    """
    best: tuple[bool, float, float, int, int, str] | None = None
    chosen: ExecutorId | None = None
    for candidate in candidates:
        free = candidate.slots - candidate.taken
        if free <= 0:
            continue
        share = local.hosts.get(candidate.host, 0) / local.total if local.total else 0.0
        rank = (
            candidate.executor in avoid,
            candidate.taken / candidate.slots - share,
            candidate.launched / candidate.slots,
            -local.executors.get(candidate.executor, 0),
            -free,
            candidate.executor,
        )
        if best is None or rank < best:
            best, chosen = rank, candidate.executor
    return chosen


def choose_alone(candidates: Iterable[Candidate]) -> ExecutorId | None:
    """Choose the executor that a task is to have for itself: the largest memory, then the fewest tasks to wait for."""
    ranked = min(((-each.memory_bytes, each.taken, each.executor) for each in candidates), default=None)
    return ranked[2] if ranked else None
