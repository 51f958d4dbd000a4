"""What stages become once it is known what others have delivered: variants, turned joins, stages that are not run."""

from collections.abc import Iterator

from shoal.coordinator import recovery
from shoal.coordinator.empty_stages import skip_note, skippable, without_rows
from shoal.coordinator.stage_machine import StageMachine
from shoal.planner.adapt import lay_out, switch_note, turn_note
from shoal.planner.ids import StageId
from shoal.planner.stage import OutputFile, StagedPlan


class StageChoices:
    """Chooses among what a plan leaves open; changes only stages of which no task was launched."""

    def __init__(self, plan: StagedPlan, stages: list[StageMachine]) -> None:
        self._stages = stages
        self._by_id = {machine.stage.id: machine for machine in stages}
        self._adaptation = plan.adaptation
        self._variants = plan.variants
        self._turned = {turned.stage.id: turned for turned in plan.turned}
        self._skipped: set[StageId] = set()

    @property
    def waiting(self) -> set[StageId]:
        """The stages that must not start before more is known."""
        return {variant.waits for variant in self._variants}

    def skips(self, stage: StageId) -> bool:
        """Whether a stage is never run, because the one that would read it does without."""
        return stage in self._skipped

    def choose(self, now: float) -> Iterator[StageMachine]:
        """Decide what can be decided; gives the stages that have started and that nobody needs any more."""
        self._choose_variants(now)
        while self._skip_empty(now):
            self._choose_variants(now)
            needed = recovery.needed_stages(self._stages)
            for machine in self._stages:
                if machine.started and not machine.is_complete and machine.stage.id not in needed:
                    yield machine

    def lay_out(self, machine: StageMachine, now: float) -> None:
        """Lay a stage out whose inputs are complete; one that runs as planned may build on the other side of a join."""
        turned = self._turned.get(machine.stage.id)
        if turned is not None and not machine.switched:
            outputs = self._inputs(machine)
            rows = {stage: sum(sum(file.rows) for file in files) for stage, files in outputs.items()}
            if (note := turn_note(turned, rows)) is not None:
                machine.switch(turned.stage, note, now)
        machine.adapt(lay_out(machine.stage, self._inputs(machine), self._adaptation), now)

    def _inputs(self, machine: StageMachine) -> dict[StageId, tuple[OutputFile, ...]]:
        return {exchange.stage: self._by_id[exchange.stage].outputs() for exchange in machine.stage.exchanges}

    def _choose_variants(self, now: float) -> None:
        """Decide between what is planned and its variants as soon as their measured stages are complete."""
        undecided = []
        for variant in self._variants:
            measured = [self._by_id[stage] for stage in variant.measured]
            if not all(machine.is_complete for machine in measured):
                undecided.append(variant)
                continue
            size = sum(sum(output.bytes) for machine in measured for output in machine.outputs())
            machine = self._by_id[variant.stage.id]
            if size <= variant.most_bytes and variant.stage.id not in self._skipped and machine.may_adapt:
                machine.switch(variant.stage, switch_note(variant, size), now)
                self._skipped |= {variant.waits} - {variant.stage.id}
        self._variants = tuple(undecided)

    def _skip_empty(self, now: float) -> bool:
        """Do without the stages that can deliver nothing; whether there are any."""
        if "skip_empty_stages" in self._adaptation.disabled:
            return False
        found = skippable(self._stages, self._variants)
        for machine, origin in found:
            if machine is self._stages[-1]:
                machine.switch(without_rows(machine.stage), skip_note(origin), now)
            else:
                machine.skip(skip_note(origin), now)
        return bool(found)
