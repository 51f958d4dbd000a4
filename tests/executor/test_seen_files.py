"""Files that the kernel's cache of footers would take for the ones before them."""

from shoal.executor.seen_files import SeenFiles
from shoal.planner.source import FileIdentity

SECOND = 1_000_000_000
FIRST = FileIdentity("t", 100, 7 * SECOND, 7 * SECOND)


def test_the_same_file_is_not_mistaken() -> None:
    seen = SeenFiles()
    assert [seen.see([FIRST, FIRST]) for _ in range(2)] == [False, False]


def test_another_file_of_the_same_size_and_second_is_mistaken_from_then_on() -> None:
    for other in (FileIdentity("t", 100, 7 * SECOND + 1, 0), FileIdentity("t", 100, 7 * SECOND, 8 * SECOND)):
        seen = SeenFiles()
        assert not seen.see([FIRST])
        assert [seen.see([other]) for _ in range(2)] == [True, True]
        assert seen.see([FIRST])


def test_a_file_that_the_kernel_tells_apart_is_not_mistaken() -> None:
    for other in (FileIdentity("t", 101, 7 * SECOND), FileIdentity("t", 100, 8 * SECOND), FileIdentity("u", 100, 0)):
        seen = SeenFiles()
        seen.see([FIRST])
        assert not seen.see([other])


def test_what_came_between_is_not_forgotten() -> None:
    """Which of the kernel's two databases has read which file is not known."""
    seen = SeenFiles()
    seen.see([FIRST])
    seen.see([FileIdentity("t", 50, 7 * SECOND)])
    assert seen.see([FileIdentity("t", 100, 7 * SECOND, 9 * SECOND)])
