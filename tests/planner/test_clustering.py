"""Clustered files: whatever lies in the row groups, the cuts give every row to one task, and that is its key's task."""

import datetime as dt
import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from shoal.planner.clustering import MOST_OVERLAP, Cluster, find_clusters
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Aggregate, Column, Join, JoinKind, Node, Scan
from shoal.planner.protocols import KeyRange, TableStatistics
from shoal.planner.scalar import column_ref
from shoal.planner.source import Field, FileFormat, FileIdentity, FileSource, TableSource

Keys = list[list[list[int]]]
"""Files of row groups of keys."""


class FakeStatistics:
    """The exact bounds of keys, as footers tell them; none for tables that are not named."""

    def __init__(self, tables: Mapping[str, Keys]) -> None:
        self._tables = tables

    def table(self, source: TableSource, columns: frozenset[str]) -> TableStatistics:
        """Nothing is known."""
        return TableStatistics(1000.0, 8000.0)

    def key_ranges(self, source: TableSource, column: str) -> tuple[KeyRange, ...]:
        """The bounds of the column ``key``."""
        assert isinstance(source, FileSource)
        files = self._tables.get(source.files[0].path.split("/")[0], [])
        found: list[KeyRange] = []
        for file, groups in zip(source.files, files, strict=False):
            first = 0
            for keys in groups:
                if keys and column == "key":
                    found.append(KeyRange(file, first, len(keys), min(keys), max(keys)))
                first += len(keys)
        return tuple(found)


def scan(table: str, files: int, type: str = "BIGINT") -> Scan:
    identities = tuple(FileIdentity(f"{table}/{number}", 100, 0) for number in range(files))
    source = FileSource(FileFormat.PARQUET, identities, (Field("key", type), Field("v", "INTEGER")))
    columns = (Column(ColumnId(f"{table}_key"), type), Column(ColumnId(f"{table}_v"), "INTEGER"))
    return Scan(source, columns, ("key", "v"), table)


def grouped(node: Scan) -> Node:
    return Aggregate(node, (node.columns[0],), ())


def joined(left: Scan, right: Scan) -> Node:
    condition = exp.EQ(this=column_ref(left.columns[0].id), expression=column_ref(right.columns[0].id))
    return Join(JoinKind.INNER, left, right, condition)


def read(cluster: Cluster, files: Keys, task: int) -> list[tuple[str, int, int]]:
    """The rows (file, number, key) that a task reads."""
    found: list[tuple[str, int, int]] = []
    for item in cluster.splits[task].ranges:
        keys = [key for group in files[int(item.file.path.split("/")[1])] for key in group]
        assert item.first_row is not None
        assert item.last_row is not None
        rows = range(item.first_row, item.last_row + 1)
        found += [(item.file.path, number, keys[number]) for number in rows if holds(item.predicate, keys[number])]
    return found


def holds(predicate: str, key: int) -> bool:
    terms = re.findall(r'"key" (>=|<) (-?\d+)', predicate)
    assert " AND ".join(f'"key" {operator} {bound}' for operator, bound in terms) == predicate
    return all(key >= int(bound) if operator == ">=" else key < int(bound) for operator, bound in terms)


def check_cuts(cluster: Cluster, table: str, files: Keys, tasks: int) -> None:
    assert len(cluster.splits) == tasks
    bounds = [int(bound) for bound in cluster.slot.bounds]
    assert bounds == sorted(set(bounds))
    everything: list[tuple[str, int, int]] = []
    for task in range(tasks):
        rows = read(cluster, files, task)
        assert all(sum(key >= bound for bound in bounds) == task for _, _, key in rows)
        everything += rows
    flat = [[key for group in groups for key in group] for groups in files]
    expected = [(f"{table}/{file}", number, key) for file, keys in enumerate(flat) for number, key in enumerate(keys)]
    assert sorted(everything) == sorted(expected)


@st.composite
def clustered_files(draw: st.DrawFn) -> Keys:
    """Keys that mostly rise, with noise, doubled keys, gaps; cut into row groups and files of any size."""
    size, noise = draw(st.integers(1, 300)), draw(st.sampled_from((0, 0, 1, 5, 40)))
    step, first = draw(st.sampled_from((1, 1, 3))), draw(st.integers(-50, 50))
    shifts = draw(st.lists(st.integers(-noise, noise), min_size=size, max_size=size))
    keys = [first + number // step + shift for number, shift in enumerate(shifts)]
    if draw(st.booleans()):
        keys.reverse()
    group = draw(st.integers(1, 60))
    groups = [keys[start : start + group] for start in range(0, len(keys), group)]
    size = -(-len(groups) // draw(st.integers(1, 4)))
    return [groups[start : start + size] for start in range(0, len(groups), size)]


@given(files=clustered_files(), tasks=st.integers(2, 8))
def test_every_row_is_read_once_by_the_task_of_its_key(files: Keys, tasks: int) -> None:
    node = scan("t", len(files))
    for cluster in find_clusters(grouped(node), FakeStatistics({"t": files}), tasks).of(node):
        check_cuts(cluster, "t", files, tasks)


@given(one=clustered_files(), other=clustered_files(), tasks=st.integers(2, 6))
def test_joined_tables_are_cut_at_the_same_borders(one: Keys, other: Keys, tasks: int) -> None:
    left, right = scan("t", len(one)), scan("u", len(other))
    found = find_clusters(joined(left, right), FakeStatistics({"t": one, "u": other}), tasks)
    sides = (("t", one, left), ("u", other, right))
    cuts = [(name, files, cluster) for name, files, node in sides for cluster in found.of(node)]
    for name, files, cluster in cuts:
        check_cuts(cluster, name, files, tasks)
    assert len({cluster.slot.bounds for _, _, cluster in cuts}) <= 1


SORTED: Keys = [[list(range(start, start + 100)) for start in range(0, 1000, 100)]]


def test_a_sorted_table_is_cut_between_row_groups() -> None:
    node = scan("t", 1)
    (cluster,) = find_clusters(grouped(node), FakeStatistics({"t": SORTED}), 2).of(node)
    assert cluster.slot.bounds == ("500",)
    assert cluster.overlap == 0
    assert [[(item.first_row, item.last_row, item.predicate) for item in split.ranges] for split in cluster.splits] == [
        [(0, 499, "")],
        [(500, 999, "")],
    ]


def test_row_groups_across_a_border_are_read_twice_with_a_predicate() -> None:
    """The second table's groups straddle the borders that the larger one sets."""
    left, right = scan("t", 1), scan("u", 1)
    other: Keys = [[list(range(start, start + 50)) for start in range(25, 925, 50)]]
    found = find_clusters(joined(left, right), FakeStatistics({"t": SORTED, "u": other}), 2)
    (cluster,) = found.of(right)
    edges = [item for split in cluster.splits for item in split.ranges if item.predicate]
    assert [(item.first_row, item.last_row, item.predicate) for item in edges] == [
        (450, 499, '"key" < 500'),
        (450, 499, '"key" >= 500'),
    ]
    assert 0 < cluster.overlap <= MOST_OVERLAP


SHUFFLED: Keys = [[[(number * 37) % 1000 for number in range(start, start + 100)] for start in range(0, 1000, 100)]]


def test_shuffled_keys_are_not_a_cluster() -> None:
    node = scan("t", 1)
    assert find_clusters(grouped(node), FakeStatistics({"t": SHUFFLED}), 3).of(node) == []


def test_unknown_bounds_are_not_a_cluster() -> None:
    """Footers without bounds, or with NULLs, give no key ranges at all."""
    node = scan("t", 1)
    assert find_clusters(grouped(node), FakeStatistics({}), 3).of(node) == []


def test_a_column_that_nobody_joins_or_groups_by_is_not_cut() -> None:
    node = scan("t", 1)
    assert find_clusters(node, FakeStatistics({"t": SORTED}), 3).of(node) == []


def test_keys_of_another_type_are_not_cut_at_the_same_borders() -> None:
    left, right = scan("t", 1), scan("u", 1, "INTEGER")
    found = find_clusters(joined(left, right), FakeStatistics({"t": SORTED, "u": SORTED}), 2)
    assert [len(found.of(node)) for node in (left, right)] == [1, 0]


def test_one_row_group_cannot_be_cut() -> None:
    node = scan("t", 1)
    assert find_clusters(grouped(node), FakeStatistics({"t": [[list(range(100))]]}), 3).of(node) == []


def test_dates_are_borders_too() -> None:
    class Dates(FakeStatistics):
        def key_ranges(self, source: TableSource, column: str) -> tuple[KeyRange, ...]:
            assert isinstance(source, FileSource)
            days = [dt.date(2024, 1, 1) + dt.timedelta(days) for days in range(40)]
            return tuple(
                KeyRange(source.files[0], start, 10, days[start], days[start + 9]) for start in range(0, 40, 10)
            )

    node = scan("t", 1, "DATE")
    (cluster,) = find_clusters(grouped(node), Dates({}), 2).of(node)
    assert cluster.slot.bounds == ("DATE '2024-01-21'",)


@pytest.mark.parametrize("tasks", [2, 3, 7])
def test_splits_are_about_even(tasks: int) -> None:
    node = scan("t", 1)
    many: Keys = [[list(range(start, start + 10)) for start in range(0, 2000, 10)]]
    (cluster,) = find_clusters(grouped(node), FakeStatistics({"t": many}), tasks).of(node)
    rows = [split.rows for split in cluster.splits]
    assert max(rows) - min(rows) <= 20
