"""Which stages must run, and which must start all over: pure functions of the stages' states."""

from collections.abc import Mapping, Sequence

from shoal.coordinator.stage_machine import StageMachine
from shoal.planner.ids import StageId


def needed_stages(stages: Sequence[StageMachine]) -> set[StageId]:
    """The stages whose output somebody has still to read: the result, and the inputs of needed incomplete stages.

    ``stages`` are in an order in which they can run; the last one is the result.
    """
    needed = {stages[-1].stage.id}
    for machine in reversed(stages):
        if machine.stage.id in needed and not machine.is_complete:
            needed.update(exchange.stage for exchange in machine.stage.exchanges)
    return needed


def inputs_complete(machine: StageMachine, stages: Mapping[StageId, StageMachine]) -> bool:
    """Whether everything that a stage reads is there."""
    return all(stages[exchange.stage].is_complete for exchange in machine.stage.exchanges)


def find_broken(stages: Sequence[StageMachine], needed: set[StageId]) -> StageMachine | None:
    """The first needed stage that would deliver something else if only its lost outputs were made again."""
    for machine in stages:
        if machine.lost and machine.stage.id in needed and not machine.stage.deterministic:
            return machine
    return None


def started_after(origin: StageMachine, stages: Sequence[StageMachine]) -> list[StageMachine]:
    """``origin`` and every stage that has started from its output, or from the output of one of these."""
    found = [origin]
    stale = {origin.stage.id}
    for machine in stages:
        if machine.started and any(exchange.stage in stale for exchange in machine.stage.exchanges):
            found.append(machine)
            stale.add(machine.stage.id)
    return found
