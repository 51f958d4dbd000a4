"""What stages may become when it is known how much others have delivered; chosen while the query runs."""

from collections.abc import Iterable, Sequence

from shoal.planner.broadcast_variants import broadcast_variant
from shoal.planner.filter_variants import filter_variants
from shoal.planner.fragment import Fragmenter
from shoal.planner.ids import StageId
from shoal.planner.options import JoinStrategy, PlanOptions
from shoal.planner.stage import Stage, StageVariant


def stage_variants(fragmenter: Fragmenter, options: PlanOptions) -> tuple[StageVariant, ...]:
    """The variants of a plan's stages; of those that wait for the same, the better one comes first.

    Every measured stage is one that runs, whatever is chosen, and that does not itself wait for the one that waits.
    """
    found: list[StageVariant] = []
    planned = list(zip(fragmenter.stages, fragmenter.roots, strict=True))
    stages = tuple(fragmenter.stages)
    if options.join_strategy is JoinStrategy.AUTO and "switch_joins" not in options.disabled_rules:
        for stage, root in planned:
            variant = broadcast_variant(fragmenter, stage, root, options.memory_bytes)
            if variant is not None and not _touched(found) & {stage.id, variant.waits}:
                _add(found, variant, stages)
    if "runtime_filters" not in options.disabled_rules:
        for stage, root in planned:
            for variant in filter_variants(fragmenter, stage, root):
                filtered = {one.stage.id for one in found}
                doubtful = {one.waits for one in found if one.waits != one.stage.id}
                if variant.waits not in filtered and not doubtful & set(variant.measured):
                    _add(found, variant, stages)
    return tuple(found)


def _touched(found: Iterable[StageVariant]) -> set[StageId]:
    return {id for one in found for id in (one.stage.id, one.waits)}


def _add(found: list[StageVariant], variant: StageVariant, stages: Sequence[Stage]) -> None:
    """Add a variant unless stages would then wait for one another in a ring."""
    if variant.waits not in _awaited(variant.measured, stages, found):
        found.append(variant)


def _awaited(
    wanted: Iterable[StageId], stages: Sequence[Stage], variants: Iterable[StageVariant]
) -> frozenset[StageId]:
    """These stages and all that must be complete before they are."""
    before = {stage.id: {item.stage for item in stage.exchanges} for stage in stages}
    for variant in variants:
        before[variant.waits].update(variant.measured)
        before[variant.stage.id].update(item.stage for item in variant.stage.exchanges)
    found: set[StageId] = set()
    ahead = list(wanted)
    while ahead:
        stage = ahead.pop()
        if stage not in found:
            found.add(stage)
            ahead += before[stage]
    return frozenset(found)
