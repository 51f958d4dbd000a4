"""Stages that need not run because they can deliver nothing: pure functions of the stages' states."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from shoal.coordinator.stage_machine import StageMachine
from shoal.executor.carrier import empty_select
from shoal.planner.ids import StageId
from shoal.planner.stage import OutputPartitioning, Stage, StageVariant


def skippable(stages: Sequence[StageMachine], variants: Iterable[StageVariant]) -> list[tuple[StageMachine, StageId]]:
    """The stages that are not started and would have no rows, each with the empty stage that tells so.

    The result is among them only if something would still have to be read for it.

    What a stage delivers that never ran has no file to show its columns: it must have columns of known types, unless
    all who may read it, also as the ``variants`` that they may become, need not run either.
    """
    deciding = _deciding(stages)
    readers: dict[StageId, set[StageId]] = {}
    for machine in stages:
        for item in machine.stage.exchanges:
            readers.setdefault(item.stage, set()).add(machine.stage.id)
    named = {item.stage for variant in variants for item in variant.stage.exchanges}
    found = []
    for machine in stages:
        stage = machine.stage
        if stage.id not in deciding or not machine.may_adapt or (machine is stages[-1] and _is_ready(machine, stages)):
            continue
        told = all(column.type for column in stage.columns)
        if told or (stage.id not in named and readers.get(stage.id, set()) <= deciding.keys()):
            found.append((machine, deciding[stage.id]))
    return found


def _is_ready(result: StageMachine, stages: Sequence[StageMachine]) -> bool:
    """Whether the result can be made of what is there, and without reading a table."""
    complete = {machine.stage.id for machine in stages if machine.is_complete}
    return not result.stage.scans and all(item.stage in complete for item in result.stage.exchanges)


def _deciding(stages: Sequence[StageMachine]) -> Mapping[StageId, StageId]:
    """The stages without rows, those that are complete and those that an input decides, each with the one that did."""
    found: dict[StageId, StageId] = {}
    for machine in stages:
        stage = machine.stage
        if machine.is_complete:
            if not any(any(output.rows) for output in machine.outputs()):
                found[stage.id] = stage.id
        else:
            origins = [found[item.stage] for item in stage.exchanges if item.decides and item.stage in found]
            if origins:
                found[stage.id] = origins[0]
    return found


def without_rows(stage: Stage) -> Stage:
    """One task that delivers a stage's columns and no rows."""
    sql = empty_select(stage.columns)
    return replace(
        stage, sql=sql, scans=(), exchanges=(), setup=(), tasks=1, output=OutputPartitioning(), deterministic=True
    )


def skip_note(origin: StageId) -> str:
    """Why a stage is not run."""
    return f"not run, because stage {origin} delivered no rows"
