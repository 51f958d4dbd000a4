"""Plans and small builders for tests of the coordinator; nothing here is ever run by a kernel."""

from dataclasses import replace
from random import Random

from shoal.coordinator.events import ExecutorJoined
from shoal.planner.ids import ExecutorId, Incarnation, QueryId, StageId, TaskId
from shoal.planner.source import Field, FileFormat, FileIdentity, FileSource
from shoal.planner.stage import (
    Adaptation,
    ExchangeInput,
    HeavyStatement,
    OutputFile,
    OutputPartitioning,
    ReadMode,
    ScanInput,
    Split,
    Stage,
    StagedPlan,
    StageVariant,
    TaskMetrics,
)

COLUMNS = (Field("x", "BIGINT"),)
AS_PLANNED = Adaptation(frozenset({"coalesce_partitions", "split_skew"}))
"""Stages are never laid out otherwise than planned."""
METRICS = TaskMetrics(seconds=0.1, cpu_seconds=0.1, rows_in=1, bytes_in=8, rows_out=1, bytes_out=8)


def joined(
    name: str, slots: int = 2, life: int = 0, lease: float | None = None, memory: int = 1 << 30
) -> ExecutorJoined:
    """An executor's offer; its host is its name."""
    incarnation = Incarnation(f"{name}.{life}")
    return ExecutorJoined(ExecutorId(name), incarnation, slots, slots, memory, f"host-{name}", f"grpc://{name}", lease)


def scan_stage(number: int, tasks: int, partitions: int = 1, *, deterministic: bool = True) -> Stage:
    """A stage that scans a file in ``tasks`` splits."""
    source = FileSource(FileFormat.PARQUET, (FileIdentity("f.parquet", 1, 1),), COLUMNS)
    scan = ScanInput("t", source, ("x",), tuple(Split(whole=True) for _ in range(tasks)))
    output = OutputPartitioning(partitions, "p" if partitions > 1 else None)
    return Stage(
        StageId(number),
        f"scan {number}",
        COLUMNS,
        scans=(scan,),
        tasks=tasks,
        output=output,
        deterministic=deterministic,
    )


def read_stage(
    number: int,
    inputs: dict[int, ReadMode],
    tasks: int = 1,
    partitions: int = 1,
    *,
    deterministic: bool = True,
    splittable: bool = False,
    decides: bool = False,
    heavy: bool = False,
) -> Stage:
    """A stage that reads other stages; with ``heavy`` it has statements for heavy keys of all of them."""
    exchanges = tuple(
        ExchangeInput(f"e{stage}", StageId(stage), mode, splittable, decides) for stage, mode in inputs.items()
    )
    output = OutputPartitioning(partitions, "p" if partitions > 1 else None)
    return Stage(
        StageId(number),
        f"read {number}",
        COLUMNS,
        exchanges=exchanges,
        tasks=tasks,
        output=output,
        deterministic=deterministic,
        heavy=tuple(HeavyStatement(item.name, f"heavy {number}") for item in exchanges if heavy),
    )


def plan_of(*stages: Stage, adaptation: Adaptation = AS_PLANNED) -> StagedPlan:
    """A plan of these stages."""
    return StagedPlan(stages, COLUMNS, adaptation=adaptation)


def shuffle_plan(tasks: int = 2, *, deterministic: bool = True) -> StagedPlan:
    """Scan, shuffle, gather: ``tasks`` tasks, ``tasks`` tasks, one task."""
    return plan_of(
        scan_stage(0, tasks, tasks, deterministic=deterministic),
        read_stage(1, {0: ReadMode.ALIGNED}, tasks),
        read_stage(2, {1: ReadMode.ALL}),
    )


def random_plan(random: Random) -> StagedPlan:
    """Up to six stages, each but the first reading some of those before it, so that each is read by a later one.

    Half of the plans adapt to the few bytes that ``random_sizes`` gives; some are joins of two shuffled inputs.
    """
    if random.random() < 0.3:
        return random_join(random)
    stages: list[Stage] = []
    for number in range(random.randint(1, 6)):
        tasks, partitions = random.randint(1, 5), random.randint(1, 4)
        deterministic = random.random() < 0.7
        inputs: dict[int, ReadMode] = {}
        unread = {stage.id for stage in stages} - {each.stage for stage in stages for each in stage.exchanges}
        for producer in stages:
            if (producer.id == number - 1 and producer.id in unread) or random.random() < 0.3:
                aligned = producer.output.partitions == tasks
                inputs[producer.id] = ReadMode.ALIGNED if aligned else ReadMode.ALL
        if inputs:
            chances = {"splittable": 0.7, "decides": 0.5, "heavy": 0.5}
            marks = {name: random.random() < chance for name, chance in chances.items()}
            stages.append(read_stage(number, inputs, tasks, partitions, deterministic=deterministic, **marks))
        else:
            stages.append(scan_stage(number, tasks, partitions, deterministic=deterministic))
    return replace(plan_of(*stages, adaptation=random_adaptation(random)), variants=random_variants(random, stages))


def random_join(random: Random) -> StagedPlan:
    """Two inputs shuffled, perhaps one of them from a shuffle itself; a join of them; a gather."""
    tasks = random.randint(2, 4)
    stages = [scan_stage(number, tasks, tasks, deterministic=random.random() < 0.7) for number in range(3)]
    if random.random() < 0.5:
        stages[2] = read_stage(2, {0: ReadMode.ALIGNED}, tasks, tasks)
    inputs = dict.fromkeys((1, 2), ReadMode.ALIGNED)
    marks = {name: random.random() < 0.6 for name in ("deterministic", "splittable", "decides", "heavy")}
    join = read_stage(3, inputs, tasks, **marks)
    if not stages[2].exchanges:
        stages[0] = scan_stage(0, 1)
        join = replace(join, exchanges=(*join.exchanges, ExchangeInput("all", StageId(0), ReadMode.ALL)))
    stages += [join, read_stage(4, {3: ReadMode.ALL})]
    return replace(plan_of(*stages, adaptation=random_adaptation(random)), variants=random_variants(random, stages))


def random_adaptation(random: Random) -> Adaptation:
    """No adaptation, or one to a few bytes."""
    adaptation = Adaptation(task_bytes=random.randint(1, 30), split_bytes=random.randint(1, 8))
    return random.choice([AS_PLANNED, adaptation])


def random_variants(random: Random, stages: list[Stage]) -> tuple[StageVariant, ...]:
    """For some stages with two aligned inputs, what reads the first one whole and does the work of the second.

    And, perhaps, what the second is if it reads the first one, too.
    """
    found: list[StageVariant] = []
    taken: set[StageId] = set()
    for stage in stages:
        aligned = [each.stage for each in stage.exchanges if each.mode is ReadMode.ALIGNED]
        if len(aligned) != 2 or taken & {stage.id, *aligned}:
            continue
        measured, skips = aligned
        whole = tuple(each for each in stage.exchanges if each.mode is ReadMode.ALL)
        readers = [each for other in stages for each in other.exchanges if each.stage == skips]
        moved = stages[skips]
        if len(readers) > 1 or moved.tasks != stage.tasks or any(each.stage == measured for each in moved.exchanges):
            continue
        taken |= {stage.id, skips}
        exchanges = (ExchangeInput("small", measured, ReadMode.ALL), *whole, *moved.exchanges)
        deterministic = stage.deterministic and moved.deterministic
        changed = replace(stage, scans=moved.scans, exchanges=exchanges, deterministic=deterministic)
        filtered = replace(moved, exchanges=(*moved.exchanges, ExchangeInput("keys", measured, ReadMode.ALL)))
        for variant in random.sample([changed, filtered], random.randint(1, 2)):
            found += [StageVariant(variant, skips, (measured,), random.choice((0, 20, 1000)))]
    return tuple(found)


def random_sizes(random: Random, partitions: int) -> tuple[int, ...]:
    """The rows, of one byte each, of an output's partitions; one may have many more than the others, or all none."""
    if random.random() < 0.15:
        return (0,) * partitions
    sizes = [random.randint(0, 8) for _ in range(partitions)]
    if random.random() < 0.5:
        sizes[random.choice((0, -1))] += random.randint(20, 100)
    return tuple(sizes)


def output_of(
    task: TaskId, offer: ExecutorJoined, partitions: int = 1, size: int = 8, sizes: tuple[int, ...] = ()
) -> OutputFile:
    """The output that a task writes on an executor."""
    path = f"/{offer.incarnation}/{task}"
    sizes = sizes or (size,) * partitions
    heavy = tuple(rows // 2 if rows > 20 else 0 for rows in sizes)
    return OutputFile(task, offer.executor, offer.incarnation, offer.host, path, offer.location, sizes, sizes, heavy)


def query(number: int = 0) -> QueryId:
    """A query's id."""
    return QueryId(f"q{number}")
