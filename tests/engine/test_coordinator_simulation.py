"""The coordinator's machines in a hostile world: hundreds of seeds, invariants after every event, no leak at rest."""

from collections import Counter

import pytest

from shoal.coordinator.instructions import QueryFailed, QueryFinished
from shoal.planner.errors import Error, ErrorKind
from tests.engine.coordinator_simulator import Faults, World

KIND = Faults(0, 0, 0, 0, 0, 0, 0, 0, 0)
ROUGH = Faults(crash=0.15, silent=0.1, drain=0.05, lose_file=0.15, fail=0.1, out_of_memory=0.05, duplicate=0.3)
ALLOWED = {
    ErrorKind.RETRYABLE,
    ErrorKind.FETCH_FAILED,
    ErrorKind.OUT_OF_MEMORY,
    ErrorKind.CANCELLED,
    ErrorKind.USER,
}


def play(seed: int, faults: Faults) -> World:
    """Run a world to its end and check what is left."""
    world = World(seed, faults)
    world.run()
    world.check_rest()
    return world


@pytest.mark.parametrize("seeds", [range(first, first + 50) for first in range(0, 400, 50)])
def test_simulated_worlds(seeds: range) -> None:
    """Every query ends once, with an answer of one run or an error of a class that the faults explain."""
    ends: Counter[str] = Counter()
    for seed in seeds:
        try:
            world = play(seed, Faults() if seed % 2 else ROUGH)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error
        for end in (end for each in world.ends.values() for end in each):
            ends[type(end).__name__] += 1
            if isinstance(end, QueryFailed):
                error = end.error
                assert isinstance(error, Error)
                assert error.kind in ALLOWED or type(error).__name__ == "NoExecutors", (seed, error)
                assert error.query_id == end.query
    assert ends[QueryFinished.__name__] > sum(ends.values()) / 4, ends


@pytest.mark.parametrize("seed", range(20))
def test_without_faults_every_task_runs_once(seed: int) -> None:
    world = play(seed, KIND)
    assert all(isinstance(end, QueryFinished) for ends in world.ends.values() for end in ends)
    assert set(world.launches.values()) == {1}


def test_variants_are_chosen_and_not_chosen() -> None:
    """Where a variant is run, the stage that it does without has no task."""
    chosen = kept = 0
    for seed in range(60):
        world = play(seed, KIND)
        for name, plan in world.plans.items():
            for variant in [each for each in plan.variants if each.waits != each.stage.id]:
                ran = {stage for query, stage, _ in world.launches if query == name}
                kept += variant.waits in ran
                chosen += variant.stage.id in ran and variant.waits not in ran
    assert chosen
    assert kept


def test_the_same_seed_gives_the_same_instructions() -> None:
    assert play(7, ROUGH).trace == play(7, ROUGH).trace


def test_faults_do_fire() -> None:
    """A simulation that injects nothing proves nothing."""
    worlds = [play(seed, ROUGH) for seed in range(10)]
    trace = "\n".join(line for world in worlds for line in world.trace)
    assert any(world.cut_reads for world in worlds)
    assert max(count for world in worlds for count in world.launches.values()) > 2
    for needle in ("DisconnectExecutor", "was silent", "it was drained", "DropOutputs", "CancelTasks"):
        assert needle in trace
