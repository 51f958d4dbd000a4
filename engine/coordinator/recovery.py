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
    """The first needed stage that would deliver something else if only its lost outputs were made again.

    Rows that are the same but in another order are something else to a reader of some rows of a file.
    """
    for machine in stages:
        lost = machine.lost and machine.stage.id in needed
        if lost and (not machine.stage.deterministic or _is_cut(machine, stages)):
            return machine
    return None


def _is_cut(producer: StageMachine, stages: Sequence[StageMachine]) -> bool:
    """Whether tasks that were started read only some rows of this stage's files."""
    return any(
        exchange.stage == producer.stage.id and machine.layout.cuts(exchange.name)
        for machine in stages
        if machine.started
        for exchange in machine.stage.exchanges
    )


def started_after(origin: StageMachine, stages: Sequence[StageMachine]) -> list[StageMachine]:
    """``origin`` and every stage that has started from its output, or from the output of one of these."""
    found = [origin]
    stale = {origin.stage.id}
    for machine in stages:
        if machine.started and any(exchange.stage in stale for exchange in machine.stage.exchanges):
            found.append(machine)
            stale.add(machine.stage.id)
    return found
