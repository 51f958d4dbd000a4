"""Placement: where tasks go, and that the same state always gives the same choice."""

from random import Random

from shoal.coordinator.placement import Candidate, InputBytes, choose_alone, choose_executor, locate_input
from shoal.planner.ids import ExecutorId, StageId, TaskId
from shoal.planner.stage import OutputFile, OutputPartitioning, TaskExchange, TaskSpec
from tests.engine.coordinator_plans import COLUMNS, joined, output_of, query

NOTHING = InputBytes({}, {}, 0)


def candidate(name: str, slots: int = 4, taken: int = 0, memory: int = 0) -> Candidate:
    return Candidate(ExecutorId(name), slots, taken, f"host-{name}", memory)


def held(**bytes_by_name: int) -> InputBytes:
    executors = {ExecutorId(name): size for name, size in bytes_by_name.items()}
    hosts = {f"host-{name}": size for name, size in bytes_by_name.items()}
    return InputBytes(executors, hosts, sum(bytes_by_name.values()))


def test_without_input_tasks_are_spread() -> None:
    free = {name: candidate(name) for name in "abc"}
    chosen = []
    for _ in range(12):
        name = choose_executor(free.values(), NOTHING)
        assert name is not None
        chosen.append(name)
        free[name] = candidate(name, taken=free[name].taken + 1)
    assert chosen == ["a", "b", "c"] * 4
    assert choose_executor(free.values(), NOTHING) is None


def test_a_large_share_of_the_input_attracts_a_task() -> None:
    free = [candidate("a"), candidate("b", taken=2)]
    assert choose_executor(free, held(a=5, b=95)) == "b"


def test_a_small_difference_does_not_gather_tasks() -> None:
    """Partitions of a hash differ a little; the idle executor is worth more than the difference."""
    assert choose_executor([candidate("a"), candidate("b", taken=1)], held(a=49, b=51)) == "a"


def test_a_full_executor_gets_nothing_however_much_it_holds() -> None:
    assert choose_executor([candidate("a"), candidate("b", taken=4)], held(b=100)) == "a"


def test_more_bytes_of_its_own_break_a_tie_on_one_host() -> None:
    twins = [Candidate(ExecutorId(name), 4, 0, "host") for name in "ab"]
    local = InputBytes({ExecutorId("a"): 1, ExecutorId("b"): 2}, {"host": 3}, 3)
    assert choose_executor(twins, local) == "b"


def test_an_executor_on_which_it_failed_comes_last() -> None:
    free = [candidate("a"), candidate("b", taken=3)]
    assert choose_executor(free, NOTHING, {ExecutorId("a")}) == "b"
    assert choose_executor(free[:1], NOTHING, {ExecutorId("a")}) == "a"


def test_the_order_of_candidates_does_not_matter() -> None:
    random = Random(1)
    free = [candidate(f"x{number}", random.randint(1, 4), random.randint(0, 4)) for number in range(20)]
    local = held(**{f"x{number}": random.randint(0, 9) for number in range(20)})
    first = choose_executor(free, local)
    for _ in range(20):
        random.shuffle(free)
        assert choose_executor(free, local) == first


def test_alone_takes_the_largest_memory() -> None:
    assert choose_alone([candidate("a", memory=1), candidate("b", taken=3, memory=2), candidate("c", memory=2)]) == "c"
    assert choose_alone([]) is None


def test_input_is_located_by_the_partitions_that_are_read() -> None:
    def file(name: str, number: int, sizes: tuple[int, ...]) -> OutputFile:
        made = output_of(TaskId(query(), StageId(0), 0, number, 0), joined(name))
        return OutputFile(made.task, made.executor, made.incarnation, made.host, "", "", sizes, sizes)

    files = (file("a", 0, (1, 10)), file("b", 1, (2, 20)), file("a", 2, (4, 40)))
    exchange = TaskExchange("e", COLUMNS, files, (1,))
    spec = TaskSpec(TaskId(query(), StageId(1), 0, 1, 0), "", COLUMNS, (), (exchange,), (), OutputPartitioning(), False)
    assert locate_input(spec) == InputBytes(
        {ExecutorId("a"): 50, ExecutorId("b"): 20}, {"host-a": 50, "host-b": 20}, 70
    )
