"""What the planner hands to the scheduler, and the scheduler to executors: stages, tasks, splits; data types only.

A stage is one kernel statement that several tasks run, each on its own part of the inputs. The statement names its
inputs; a task says what each name stands for. ``TaskSpec`` is all that an executor needs to know.
"""

from dataclasses import dataclass
from enum import StrEnum

from shoal.planner.ids import ExecutorId, Incarnation, StageId, TaskId
from shoal.planner.source import Field, FileIdentity, TableSource


@dataclass(frozen=True, slots=True)
class FileRange:
    """The rows ``first_row`` (from 0) to ``last_row`` (inclusive) of a file; the whole file when both are None.

    Of these only the rows for which ``predicate``, SQL over the source's columns, is true (empty: all). ``to_end``:
    ``last_row`` is the last one of the file, so that no row has to be compared with it. ``groups``: they are just the
    row groups from one number (from 0) to another (inclusive), which is told once a row group instead of once a row.
    """

    file: FileIdentity
    first_row: int | None = None
    last_row: int | None = None
    predicate: str = ""
    to_end: bool = False
    groups: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """The part of a table that one task scans. No ranges: no rows. ``whole``: everything, whatever it is made of."""

    ranges: tuple[FileRange, ...] = ()
    whole: bool = False
    rows: int = 0


@dataclass(frozen=True, slots=True)
class ScanInput:
    """A base table under a name of the kernel statement: task *i* reads ``splits[i]``, or ``splits[0]`` if there is
    only one. ``columns`` are the source's columns that the statement may name."""

    name: str
    source: TableSource
    columns: tuple[str, ...]
    splits: tuple[Split, ...]


class ReadMode(StrEnum):
    """Which partitions of a producing stage a task reads."""

    ALL = "all"
    """Each task reads every partition: a gather when there is one task, a broadcast when there are more."""
    ALIGNED = "aligned"
    """Task *i* reads partition *i*."""


@dataclass(frozen=True, slots=True)
class ExchangeInput:
    """The output of an earlier stage under a name of the kernel statement.

    ``splittable``: several tasks may share the rows of one partition of it, each with all of the stage's other inputs
    of that partition; together they then deliver what one task would. ``decides``: without a row of it the stage
    delivers none.
    """

    name: str
    stage: StageId
    mode: ReadMode
    splittable: bool = False
    decides: bool = False


@dataclass(frozen=True, slots=True)
class OutputPartitioning:
    """How a task's rows are parted: one partition, or by the number in the statement's ``column`` (then dropped).

    ``column`` holds 0 .. ``partitions`` - 1 and is never NULL. ``replicated`` tells placement that every consumer
    task will read everything (a broadcast). ``keys`` are the places of the columns that decide the partition, if
    tasks are to look for keys that hold much of one.
    """

    partitions: int = 1
    column: str | None = None
    replicated: bool = False
    keys: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class HeavyStatement:
    """What tasks run that have of the input called ``name`` only rows of heavy keys, and of the others everything.

    The first task of the partition has a row of each of these keys. Together they deliver what one task would.
    """

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the planner expects of a stage's or node's output; ``origin`` says what told it, if it is no guess."""

    rows: float
    bytes: float
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """One kernel statement, run by ``tasks`` tasks.

    ``sql`` names its inputs and, if ``output.column`` is set, delivers that column last. ``columns`` are the output's
    fields without it. ``setup`` is made before the statement, in order: views as (name, query), and
    without a name statements (macros, variables). With
    ``kernel_join_order`` the kernel may reorder joins and swap build sides; otherwise both optimizers are off.
    ``deterministic`` false: on loss the whole stage and its consumers run again.
    """

    id: StageId
    sql: str
    columns: tuple[Field, ...]
    scans: tuple[ScanInput, ...] = ()
    exchanges: tuple[ExchangeInput, ...] = ()
    setup: tuple[tuple[str, str], ...] = ()
    tasks: int = 1
    output: OutputPartitioning = OutputPartitioning()
    kernel_join_order: bool = False
    deterministic: bool = True
    estimate: Estimate | None = None
    reason: str = ""
    heavy: tuple[HeavyStatement, ...] = ()


@dataclass(frozen=True, slots=True)
class Adaptation:
    """How stages may change when their inputs are there: by names that are not ``disabled``, from these bytes on.

    ``task_bytes`` of small partitions are read by one task. A partition of ``split_bytes`` may be split.
    """

    disabled: frozenset[str] = frozenset()
    task_bytes: int = 2 << 20
    split_bytes: int = 2 << 20


@dataclass(frozen=True, slots=True)
class StageVariant:
    """What to run as ``stage`` if all of ``measured`` have delivered at most ``most_bytes``.

    Until that is known the stage ``waits`` does not start. It is the stage itself, which then reads one of those that
    were measured, or one that only this stage would have read, and that is then not run at all. ``drops`` are the
    stages that then deliver fewer rows than their plans say.
    """

    stage: Stage
    waits: StageId
    measured: tuple[StageId, ...]
    most_bytes: int
    drops: tuple[StageId, ...] = ()


@dataclass(frozen=True, slots=True)
class SideRows:
    """The rows of a join's side in one task: so many for each row that ``stage`` has delivered, or just so many."""

    stage: StageId | None
    rows: float


@dataclass(frozen=True, slots=True)
class TurnedStage:
    """What to run as ``stage`` if the side that it would build on has more than ``factor`` times the rows of the other.

    ``side`` is the word for the side that it then builds on.
    """

    stage: Stage
    built: SideRows
    probed: SideRows
    factor: float
    side: str


@dataclass(frozen=True, slots=True)
class StagedPlan:
    """Stages in an order in which they can run; the last one delivers the result, in the order of its tasks.

    ``columns`` are the result's names (perhaps doubled, as SQL allows) and DuckDB types. ``settings`` are kernel
    settings (name, SQL literal) that every task applies, such as ``TimeZone``. Without ``mmap`` tasks fetch all their
    input over Flight.
    """

    stages: tuple[Stage, ...]
    columns: tuple[Field, ...]
    settings: tuple[tuple[str, str], ...] = ()
    mmap: bool = True
    adaptation: Adaptation = Adaptation()
    variants: tuple[StageVariant, ...] = ()
    turned: tuple[TurnedStage, ...] = ()

    @property
    def result(self) -> Stage:
        """The stage whose output is the answer."""
        return self.stages[-1]


@dataclass(frozen=True, slots=True)
class OutputFile:
    """One task's output: an Arrow IPC file (see ``shoal.executor.shuffle``) and who can serve it.

    ``host`` is the producing machine's identity, ``path`` the file there, ``location`` the Flight address
    (``grpc://host:port``) for everybody else. ``rows`` and ``bytes`` are per partition; so is ``heavy``, if the task
    has found any: how many rows at the end are of a key that holds much of the partition, and has a row before them.
    """

    task: TaskId
    executor: ExecutorId
    incarnation: Incarnation
    host: str
    path: str
    location: str
    rows: tuple[int, ...]
    bytes: tuple[int, ...]
    heavy: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskScan:
    """What a scan's name stands for in one task."""

    name: str
    source: TableSource
    columns: tuple[str, ...]
    split: Split


@dataclass(frozen=True, slots=True)
class RowSlice:
    """``rows`` rows of one partition of a file, from row ``first`` (from 0) of the partition on."""

    first: int
    rows: int


@dataclass(frozen=True, slots=True)
class TaskExchange:
    """What an exchange's name stands for in one task: ``partitions`` of each of ``files``; rows may be zero.

    ``slices``, if any, has one item for each file: which rows of its one partition are meant (None: all).
    """

    name: str
    columns: tuple[Field, ...]
    files: tuple[OutputFile, ...]
    partitions: tuple[int, ...]
    slices: tuple[RowSlice | None, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """All that an executor needs to run one task."""

    id: TaskId
    sql: str
    columns: tuple[Field, ...]
    scans: tuple[TaskScan, ...]
    exchanges: tuple[TaskExchange, ...]
    setup: tuple[tuple[str, str], ...]
    output: OutputPartitioning
    kernel_join_order: bool
    settings: tuple[tuple[str, str], ...] = ()
    mmap: bool = True
    """Whether files of the same host are memory-mapped; if not, everything comes over Flight."""


@dataclass(frozen=True, slots=True)
class TaskMetrics:
    """What a finished task measured: seconds of wall time and CPU, rows and bytes in and out, bytes spilled.

    ``bytes_exchanged`` is the part of ``bytes_in`` that came from other stages.
    """

    seconds: float
    cpu_seconds: float
    rows_in: int
    bytes_in: int
    rows_out: int
    bytes_out: int
    spilled_bytes: int = 0
    peak_memory_bytes: int = 0
    bytes_exchanged: int = 0
