"""What a finished query cost, summed over its stages: the answer to ``cursor.statistics``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shoal.runner import StageRun


@dataclass(frozen=True, slots=True)
class QueryStatistics:
    """What the tasks of a finished query measured; retried and abandoned attempts do not count.

    ``bytes_exchanged`` are those that tasks read of other stages' outputs: rows that are broadcast count once for each
    reader, the rows of the answer not at all. ``spilled_bytes`` is None where nobody measured it, which is so for
    statements that run in this process. ``cpu_seconds`` of those are of the whole process while the statement ran.
    """

    stages: int
    tasks: int
    bytes_exchanged: int
    spilled_bytes: int | None
    cpu_seconds: float


Told = Callable[[], QueryStatistics | None]
"""Tells what a query cost, None as long as nobody knows."""


def untold() -> None:
    """Nobody has measured anything."""


def sum_runs(runs: Sequence[StageRun]) -> QueryStatistics | None:
    """The sums over the stages of a query; None when nothing was measured."""
    metrics = [task.metrics for run in runs for task in run.tasks]
    if not metrics:
        return None
    return QueryStatistics(
        stages=len(runs),
        tasks=len(metrics),
        bytes_exchanged=sum(item.bytes_exchanged for item in metrics),
        spilled_bytes=sum(item.spilled_bytes for item in metrics),
        cpu_seconds=sum(item.cpu_seconds for item in metrics),
    )
