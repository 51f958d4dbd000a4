"""Clustered files: whatever lies in the row groups, the cuts give every row to one task, and that is its key's task."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from shoal.planner.clustering import MOST_OVERLAP, Cluster, find_clusters
from shoal.planner.ids import ColumnId
from shoal.planner.key_cuts import key_literal
from shoal.planner.logical import Aggregate, Column, Filter, Join, JoinKind, Node, Scan
from shoal.planner.protocols import Key, KeyRange, TableStatistics, WithoutSamples
from shoal.planner.scalar import column_ref
from shoal.planner.source import Field, FileFormat, FileIdentity, FileSource, TableSource

Keys = list[list[list[int | None]]]
"""Files of row groups of keys."""


class FakeStatistics(WithoutSamples):
    """The bounds of keys, as footers tell them; none for tables that are not named.

    Of the row groups whose number is in ``unknown`` footers tell no bounds, of those in ``uncounted`` no NULLs.
    """

    def __init__(
        self, tables: Mapping[str, Keys], unknown: frozenset[int] = frozenset(), uncounted: frozenset[int] = frozenset()
    ) -> None:
        self._tables = tables
        self._unknown = unknown
        self._uncounted = uncounted

    def table(self, source: TableSource, columns: frozenset[str]) -> TableStatistics:
        """Nothing is known."""
        return TableStatistics(1000.0, 8000.0)

    def key_ranges(self, source: TableSource, column: str) -> tuple[KeyRange, ...]:
        """The bounds of the column ``key``."""
        assert isinstance(source, FileSource)
        if column != "key":
            return ()
        files = self._tables.get(source.files[0].path.split("/")[0], [])
        found: list[KeyRange] = []
        for file, groups in zip(source.files, files, strict=False):
            first = 0
            for number, keys in enumerate(groups):
                present = [key for key in keys if key is not None]
                bounded = bool(present) and len(found) not in self._unknown
                low, high = (min(present), max(present)) if bounded else (None, None)
                nulls = None if len(found) in self._uncounted else len(keys) - len(present)
                found.append(KeyRange(file, first, len(keys), low, high, nulls, number))
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


Row = tuple[str, int, int | None]
"""A row by its file and number, and its key."""


def read(cluster: Cluster, files: Keys, task: int) -> list[Row]:
    """The rows that a task reads."""
    found: list[Row] = []
    for item in cluster.splits[task].ranges:
        groups = files[int(item.file.path.split("/")[1])]
        keys = [key for group in groups for key in group]
        last = len(keys) - 1 if item.last_row is None else item.last_row
        rows = range(item.first_row or 0, last + 1)
        if item.last_row is not None:
            assert rows == rows_of_groups([len(group) for group in groups], item.groups)
        found += [(item.file.path, number, keys[number]) for number in rows if holds(item.predicate, keys[number])]
    return found


def rows_of_groups(sizes: Sequence[int], groups: tuple[int, int] | None) -> range:
    """The rows of the row groups between two numbers."""
    assert groups is not None
    return range(sum(sizes[: groups[0]]), sum(sizes[: groups[1] + 1]))


def holds(predicate: str, key: int | None) -> bool:
    """Whether a predicate is true, in the three values of SQL."""
    return not predicate or any(
        all(_term(term, key) for term in part.split(" AND ")) for part in predicate.split(" OR ")
    )


def _term(term: str, key: int | None) -> bool:
    if term in ('"key" IS NULL', '"key" IS NOT NULL'):
        return (key is None) == (term == '"key" IS NULL')
    found = re.fullmatch(r'"key" (>=|<) (-?\d+)', term)
    assert found is not None, term
    return key is not None and (key >= int(found[2]) if found[1] == ">=" else key < int(found[2]))


def check_cuts(cluster: Cluster, table: str, files: Keys, tasks: int) -> None:
    assert len(cluster.splits) == tasks
    bounds = [int(bound) for bound in cluster.slot.bounds]
    assert bounds == sorted(set(bounds))
    everything: list[Row] = []
    for task in range(tasks):
        rows = read(cluster, files, task)
        for _, _, key in rows:
            if key is not None:
                assert sum(key >= bound for bound in bounds) == task
            else:
                assert cluster.slot.nulls_apart or task == 0
        everything += rows
    flat = [[key for group in groups for key in group] for groups in files]
    expected = [(f"{table}/{file}", number, key) for file, keys in enumerate(flat) for number, key in enumerate(keys)]
    assert sorted(everything, key=str) == sorted(expected, key=str)


@st.composite
def clustered_files(draw: st.DrawFn) -> Keys:
    """Keys that mostly rise, with noise, doubled keys, gaps, NULLs; cut into row groups and files of any size."""
    size, noise = draw(st.integers(1, 300)), draw(st.sampled_from((0, 0, 1, 5, 40)))
    step, first = draw(st.sampled_from((1, 1, 3))), draw(st.integers(-50, 50))
    shifts = draw(st.lists(st.integers(-noise, noise), min_size=size, max_size=size))
    keys: list[int | None] = [first + number // step + shift for number, shift in enumerate(shifts)]
    start, length = draw(st.integers(0, size)), draw(st.sampled_from((0, 0, 1, 50)))
    keys[start : start + length] = [None] * len(keys[start : start + length])
    if draw(st.integers(0, 3)) == 0:
        keys = [None if number % 7 == 0 else key for number, key in enumerate(keys)]
    if draw(st.booleans()):
        keys.reverse()
    group = draw(st.integers(1, 60))
    groups = [keys[start : start + group] for start in range(0, len(keys), group)]
    size = -(-len(groups) // draw(st.integers(1, 4)))
    return [groups[start : start + size] for start in range(0, len(groups), size)]


few_numbers = st.frozensets(st.integers(0, 40), max_size=3)
"""Row groups of which footers tell less."""


UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Busy machines take long to make files."""


@UNHURRIED
@given(files=clustered_files(), tasks=st.integers(2, 8), unknown=few_numbers, uncounted=few_numbers)
def test_every_row_is_read_once_by_the_task_of_its_key(
    files: Keys, tasks: int, unknown: frozenset[int], uncounted: frozenset[int]
) -> None:
    node = scan("t", len(files))
    statistics = FakeStatistics({"t": files}, unknown, uncounted)
    for cluster in find_clusters(grouped(node), statistics, tasks).of(node):
        check_cuts(cluster, "t", files, tasks)


@UNHURRIED
@given(one=clustered_files(), other=clustered_files(), tasks=st.integers(2, 6), unknown=few_numbers)
def test_joined_tables_are_cut_at_the_same_borders(one: Keys, other: Keys, tasks: int, unknown: frozenset[int]) -> None:
    left, right = scan("t", len(one)), scan("u", len(other))
    found = find_clusters(joined(left, right), FakeStatistics({"t": one, "u": other}, unknown), tasks)
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
    """Columns whose type has no order give no key ranges at all."""
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


def ranges_of(cluster: Cluster) -> list[list[tuple[int | None, int | None, str]]]:
    return [[(item.first_row, item.last_row, item.predicate) for item in split.ranges] for split in cluster.splits]


def test_descending_keys_are_cut_as_well() -> None:
    node = scan("t", 1)
    falling: Keys = [[list(range(start, start - 100, -1)) for start in range(999, 0, -100)]]
    (cluster,) = find_clusters(grouped(node), FakeStatistics({"t": falling}), 2).of(node)
    assert ranges_of(cluster) == [[(500, 999, "")], [(0, 499, "")]]


def test_a_few_nulls_are_brought_to_the_first_task_or_left_where_they_are() -> None:
    node = scan("t", 1)
    keys: Keys = [[list(range(start, start + 100)) for start in range(0, 1000, 100)]]
    keys[0][7][5] = None
    together, apart = find_clusters(grouped(node), FakeStatistics({"t": keys}), 2).of(node)
    assert (together.slot.nulls_apart, apart.slot.nulls_apart) == (False, True)
    assert ranges_of(apart) == [[(0, 499, "")], [(500, 999, "")]]
    assert ranges_of(together) == [
        [(0, 499, ""), (700, 799, '"key" IS NULL')],
        [(500, 699, ""), (700, 799, '"key" IS NOT NULL'), (800, 999, "")],
    ]


def test_nulls_everywhere_are_only_left_where_they_are() -> None:
    node = scan("t", 1)
    keys: Keys = [[[None, *range(start, start + 99)] for start in range(0, 1000, 100)]]
    (cluster,) = find_clusters(grouped(node), FakeStatistics({"t": keys}), 2).of(node)
    assert cluster.slot.nulls_apart
    assert cluster.overlap == 0


def test_row_groups_of_nulls_are_read_by_the_first_task() -> None:
    node = scan("t", 1)
    keys: Keys = [[*SORTED[0], [None] * 100]]
    (cluster,) = find_clusters(grouped(node), FakeStatistics({"t": keys}), 2).of(node)
    assert ranges_of(cluster) == [[(0, 499, ""), (1000, 1099, "")], [(500, 999, "")]]


def test_keys_that_are_all_null_cannot_be_cut() -> None:
    node = scan("t", 1)
    assert find_clusters(grouped(node), FakeStatistics({"t": [[[None] * 100] * 10]}), 2).of(node) == []


def test_borders_part_what_filters_leave() -> None:
    """The last 300 of 1,000 keys are cut into three; the rest lies with the first."""
    node = scan("t", 1)
    above = Filter(node, exp.GTE(this=column_ref(node.columns[0].id), expression=exp.Literal.number(700)))
    root = Aggregate(above, (node.columns[0],), ())
    (cluster,) = find_clusters(root, FakeStatistics({"t": SORTED}), 3).of(node)
    assert cluster.slot.bounds == ("800", "900")
    check_cuts(cluster, "t", SORTED, 3)


def test_a_row_group_without_bounds_is_read_by_all() -> None:
    node = scan("t", 1)
    (cluster,) = find_clusters(grouped(node), FakeStatistics({"t": SORTED}, frozenset({3})), 2).of(node)
    assert ranges_of(cluster)[0][1] == (300, 399, '"key" < 500')
    assert ranges_of(cluster)[1][0] == (300, 399, '"key" >= 500')
    assert cluster.overlap == 0.1


def test_whole_files_are_read_as_such_and_first() -> None:
    """One call of the kernel reads them all."""
    node = scan("t", 20)
    files: Keys = [[list(range(start, start + 52))] for start in range(0, 1000, 50)]
    (cluster,) = find_clusters(grouped(node), FakeStatistics({"t": files}), 2).of(node)
    for task, edge in enumerate(('"key" < 500', '"key" >= 500')):
        assert [item.first_row for item in cluster.splits[task].ranges] == [*([None] * (9 + task)), 0]
        assert cluster.splits[task].ranges[-1].predicate == edge


LITERALS = [
    (5, "BIGINT", "5"),
    (18446744073709551615, "UBIGINT", "18446744073709551615"),
    (5, "DOUBLE", None),
    (1, "VARCHAR", None),
    (1_704_067_200_123_456, "TIMESTAMP", "TIMESTAMP '2024-01-01 00:00:00.123456'"),
    (-1, "TIMESTAMP", "TIMESTAMP '1969-12-31 23:59:59.999999'"),
    (1_704_067_200_000_000, "TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ '2024-01-01 00:00:00.000000+00'"),
    (1_704_067_200_000_000_007, "TIMESTAMP_NS", "TIMESTAMP_NS '2024-01-01 00:00:00.000000007'"),
    (2**62, "TIMESTAMP", None),
    (dt.date(33, 1, 1), "DATE", "DATE '0033-01-01'"),
    (Decimal("0E-2"), "DECIMAL(15,2)", "CAST('0.00' AS DECIMAL(15,2))"),
    (Decimal("1E+3"), "DECIMAL(38,0)", "CAST('1000' AS DECIMAL(38,0))"),
    ("it's", "VARCHAR", "'it''s'"),
    ("two\nlines", "VARCHAR", None),
]


@pytest.mark.parametrize(("key", "type", "text"), LITERALS)
def test_borders_as_literals(key: Key, type: str, text: str | None) -> None:
    assert key_literal(key, type) == text


@pytest.mark.parametrize(("key", "type", "text"), [each for each in LITERALS if each[2] is not None])
def test_literals_are_what_the_kernel_reads(key: Key, type: str, text: str) -> None:
    with duckdb.connect() as kernel:
        kernel.execute("SET TimeZone = 'America/New_York'")
        found = kernel.execute(f"SELECT CAST({text} AS {type})").fetchone()
        assert found is not None
        if "TIMESTAMP" in type:
            units = "epoch_ns" if type == "TIMESTAMP_NS" else "epoch_us"
            found = kernel.execute(f"SELECT {units}({text})").fetchone()
        assert found == (key,)


@pytest.mark.parametrize("tasks", [2, 3, 7])
def test_splits_are_about_even(tasks: int) -> None:
    node = scan("t", 1)
    many: Keys = [[list(range(start, start + 10)) for start in range(0, 2000, 10)]]
    (cluster,) = find_clusters(grouped(node), FakeStatistics({"t": many}), tasks).of(node)
    rows = [split.rows for split in cluster.splits]
    assert max(rows) - min(rows) <= 20
