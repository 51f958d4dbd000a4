"""From a stage and the outputs of its producers to what one task runs."""

from collections.abc import Mapping
from typing import assert_never

from shoal.planner.adapt import TaskShare
from shoal.planner.errors import InvariantViolated
from shoal.planner.ids import StageId, TaskId
from shoal.planner.stage import (
    ExchangeInput,
    OutputFile,
    ReadMode,
    ScanInput,
    Split,
    Stage,
    StagedPlan,
    TaskExchange,
    TaskScan,
    TaskSpec,
)


def build_task(
    task: TaskId,
    stage: Stage,
    share: TaskShare,
    producers: Mapping[StageId, tuple[Stage, tuple[OutputFile, ...]]],
    settings: tuple[tuple[str, str], ...],
    mmap: bool,
) -> TaskSpec:
    """Say what one task of a stage runs: its ``share`` of the inputs.

    ``producers`` has each exchanged stage with its files, by partition.
    """
    return TaskSpec(
        id=task,
        sql=_sql(stage, share),
        columns=stage.columns,
        scans=tuple(TaskScan(each.name, each.source, each.columns, _split(each, share)) for each in stage.scans),
        exchanges=tuple(_exchange(each, share, *producers[each.stage]) for each in stage.exchanges),
        setup=stage.setup,
        output=stage.output,
        kernel_join_order=stage.kernel_join_order,
        settings=settings,
        mmap=mmap,
    )


def _sql(stage: Stage, share: TaskShare) -> str:
    return next((one.sql for one in stage.heavy if share.heavy and one.name == share.name), stage.sql)


def _split(scan: ScanInput, share: TaskShare) -> Split:
    return scan.splits[0] if len(scan.splits) == 1 else scan.splits[share.partitions[0]]


def _exchange(
    exchange: ExchangeInput, share: TaskShare, producer: Stage, files: tuple[OutputFile, ...]
) -> TaskExchange:
    match exchange.mode:
        case ReadMode.ALL:
            partitions = tuple(range(producer.output.partitions))
        case ReadMode.ALIGNED:
            partitions = share.partitions
        case _:
            assert_never(exchange.mode)
    if exchange.name != share.name:
        return TaskExchange(exchange.name, producer.columns, files, partitions)
    mine = tuple(files[piece.file] for piece in share.pieces)
    slices = tuple(piece.rows for piece in share.pieces)
    return TaskExchange(exchange.name, producer.columns, mine, partitions, slices if any(slices) else ())


def check_plan(plan: StagedPlan) -> None:
    """Refuse a plan that could not be run as it stands; raises ``InvariantViolated``."""
    known: dict[StageId, Stage] = {}
    if not plan.stages:
        raise InvariantViolated("a plan without stages")
    for stage in plan.stages:
        if stage.tasks < 1 or stage.output.partitions < 1:
            raise InvariantViolated(f"stage {stage.id} has no tasks or no output partitions")
        if stage.id in known:
            raise InvariantViolated(f"two stages have the number {stage.id}")
        for scan in stage.scans:
            if len(scan.splits) not in (1, stage.tasks):
                raise InvariantViolated(
                    f"stage {stage.id} has {stage.tasks} tasks, but {len(scan.splits)} splits of {scan.name}"
                )
        for exchange in stage.exchanges:
            producer = known.get(exchange.stage)
            if producer is None:
                raise InvariantViolated(f"stage {stage.id} reads stage {exchange.stage}, which does not come before it")
            if exchange.mode is ReadMode.ALIGNED and producer.output.partitions != stage.tasks:
                raise InvariantViolated(
                    f"stage {stage.id} has {stage.tasks} tasks aligned with {producer.output.partitions} partitions"
                )
        known[stage.id] = stage
