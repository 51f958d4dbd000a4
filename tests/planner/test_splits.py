"""Splits: however a table's files and row groups lie, its tasks together read every row once."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.planner.protocols import RowGroup, TableStatistics
from shoal.planner.source import ArrowSource, Field, FileFormat, FileIdentity, FileSource
from shoal.planner.splits import make_splits
from shoal.planner.stage import Split

COLUMNS = (Field("x", "BIGINT"),)

layouts = st.lists(st.lists(st.integers(0, 50), max_size=6), min_size=1, max_size=6)
"""Files, each a list of the rows of its row groups."""


def parquet(layout: list[list[int]]) -> tuple[FileSource, TableStatistics]:
    files = tuple(FileIdentity(f"f{number}.parquet", 100 * sum(groups), 0) for number, groups in enumerate(layout))
    row_groups = {
        file.path: tuple(RowGroup(rows, 100 * rows) for rows in groups)
        for file, groups in zip(files, layout, strict=True)
    }
    rows = sum(map(sum, layout))
    return FileSource(FileFormat.PARQUET, files, COLUMNS), TableStatistics(rows, 100.0 * rows, row_groups=row_groups)


def rows_read(split: Split, layout: list[list[int]]) -> list[tuple[str, int]]:
    """Every row of a split as (file, number)."""
    found: list[tuple[str, int]] = []
    for item in split.ranges:
        groups = layout[int(item.file.path.removeprefix("f").split(".")[0])]
        first, last = item.first_row or 0, sum(groups) - 1 if item.last_row is None else item.last_row
        assert item.last_row is None or item.to_end == (last == sum(groups) - 1)
        if item.groups is not None:
            assert (first, last + 1) == (sum(groups[: item.groups[0]]), sum(groups[: item.groups[1] + 1]))
        assert (item.groups is None) == (item.last_row is None)
        found += [(item.file.path, number) for number in range(first, last + 1)]
    return found


@given(layout=layouts, tasks=st.integers(1, 9))
def test_every_row_is_read_once(layout: list[list[int]], tasks: int) -> None:
    splits = make_splits(*parquet(layout), tasks)
    read = Counter(row for split in splits for row in rows_read(split, layout))
    every = {(f"f{file}.parquet", number) for file, groups in enumerate(layout) for number in range(sum(groups))}
    assert len(splits) == tasks
    assert read == Counter(every)


@given(layout=layouts, tasks=st.integers(1, 9))
def test_cuts_lie_between_row_groups(layout: list[list[int]], tasks: int) -> None:
    for split in make_splits(*parquet(layout), tasks):
        for item in split.ranges:
            groups = layout[int(item.file.path.removeprefix("f").split(".")[0])]
            borders = {sum(groups[:count]) for count in range(len(groups) + 1)}
            if item.first_row is not None and item.last_row is not None:
                assert {item.first_row, item.last_row + 1} <= borders


@given(layout=layouts, tasks=st.integers(1, 9))
def test_a_split_knows_its_rows(layout: list[list[int]], tasks: int) -> None:
    for split in make_splits(*parquet(layout), tasks):
        assert split.rows == len(rows_read(split, layout))


def test_even_row_groups_make_even_splits() -> None:
    layout = [[100] * 12]
    assert [split.rows for split in make_splits(*parquet(layout), 4)] == [300] * 4


def test_only_live_row_groups_count_as_work() -> None:
    live = (False,) * 6 + (True,) * 2 + (False,) * 4
    source, statistics = parquet([[100] * 12])
    splits = make_splits(source, statistics, 2, live)
    assert [[(item.first_row, item.last_row) for item in split.ranges] for split in splits] == [
        [(0, 699)],
        [(700, 1199)],
    ]
    assert make_splits(source, statistics, 2, live[1:]) == make_splits(source, statistics, 2)


@given(layout=layouts, tasks=st.integers(1, 9), bits=st.lists(st.booleans(), min_size=36, max_size=36))
def test_every_row_is_read_once_wherever_the_work_is(layout: list[list[int]], tasks: int, bits: list[bool]) -> None:
    live = bits[: sum(map(len, layout))]
    splits = make_splits(*parquet(layout), tasks, live)
    read = Counter(row for split in splits for row in rows_read(split, layout))
    assert read == Counter(
        (f"f{file}.parquet", row) for file, groups in enumerate(layout) for row in range(sum(groups))
    )


def test_neighbouring_row_groups_are_one_range() -> None:
    splits = make_splits(*parquet([[10, 10, 10, 10]]), 2)
    assert [[(item.first_row, item.last_row) for item in split.ranges] for split in splits] == [[(0, 19)], [(20, 39)]]


def test_row_groups_without_rows_count() -> None:
    splits = make_splits(*parquet([[0, 10, 0, 0, 10, 10, 0]]), 3)
    assert [[item.groups for item in split.ranges] for split in splits] == [[(0, 1)], [(2, 4)], [(5, 6)]]


def test_a_whole_file_has_no_bounds() -> None:
    splits = make_splits(*parquet([[10], [10]]), 2)
    assert [[item.first_row for item in split.ranges] for split in splits] == [[None], [None]]


@pytest.mark.parametrize("format", [FileFormat.CSV, FileFormat.JSON])
def test_other_formats_are_split_by_files(format: FileFormat) -> None:
    files = tuple(FileIdentity(f"f{number}", size, 0) for number, size in enumerate((10, 70, 30, 40)))
    splits = make_splits(FileSource(format, files, COLUMNS), TableStatistics(100, 150.0), 2)
    loads = [sorted(item.file.path for item in split.ranges) for split in splits]
    assert sorted(path for load in loads for path in load) == ["f0", "f1", "f2", "f3"]
    assert loads == [["f0", "f1"], ["f2", "f3"]]


def test_a_file_of_unknown_row_groups_is_read_by_one_task() -> None:
    source, statistics = parquet([[10], [10, 10]])
    unknown = TableStatistics(statistics.rows, statistics.bytes, row_groups={"f0.parquet": (RowGroup(10, 1000),)})
    splits = make_splits(source, unknown, 3)
    assert sorted(item.file.path for split in splits for item in split.ranges) == ["f0.parquet", "f1.parquet"]
    assert all(item.first_row is None for split in splits for item in split.ranges)


def test_data_of_the_process_is_read_by_the_first_task() -> None:
    splits = make_splits(ArrowSource("key", COLUMNS, 10, 80), TableStatistics(10, 80.0), 3)
    assert [split.whole for split in splits] == [True, False, False]
    assert not any(split.ranges for split in splits)
