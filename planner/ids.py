"""Identities of queries, stages, tasks and executors; see ``TaskId`` for what an output is named by."""

from dataclasses import dataclass
from typing import NewType

QueryId = NewType("QueryId", str)
"""Unique for one run of one statement; letters, digits and dashes only, so that it can name a directory."""

StageId = NewType("StageId", int)
"""The number of a stage inside its query, counted from 0 in the order in which stages can run."""

ExecutorId = NewType("ExecutorId", str)
"""The stable name of an executor; it survives a restart, its incarnation does not."""

Incarnation = NewType("Incarnation", str)
"""Unique for one life of an executor process; an update from an earlier incarnation is ignored."""

ColumnId = NewType("ColumnId", str)
"""The unique name of a column inside one planned statement; also its name in kernel SQL."""


@dataclass(frozen=True, slots=True, order=True)
class TaskId:
    """One attempt at one partition of one stage attempt; with an incarnation it names one output."""

    query: QueryId
    stage: StageId
    stage_attempt: int
    partition: int
    attempt: int

    def __str__(self) -> str:
        return f"{self.query}.s{self.stage}.{self.stage_attempt}.p{self.partition}.{self.attempt}"
