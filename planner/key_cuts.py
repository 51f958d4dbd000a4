"""Cuts a table into parts at borders of a key, as the bounds in its row groups allow, and writes what each part reads.

Every row is in the part that its key names. Row groups that lie in one part are read as they are; those across a border
are read by each of their parts, with a predicate. Rows without a key go where ``Nulls`` says.
"""

import datetime as dt
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from functools import lru_cache

from shoal.planner.protocols import Key, KeyRange
from shoal.planner.stage import FileRange, Split

MOST_OVERLAP = 0.15
"""The share of rows that may lie in row groups across a border (each is read by two tasks) before a cut costs more."""

MOST_UNEVEN = 1.5
"""How many times its even share the largest part of the table that gives the borders may have."""

KEPT_ANSWERS = 64
"""Columns of tables of which it is remembered how they part."""

LONGEST_BORDER = 100
"""Characters of a string that are kept when it becomes a border."""

_INTEGERS = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"})
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the kernel's timestamps without a zone
_DECIMAL = re.compile(r"DECIMAL\(\d+,\s*\d+\)")


class Nulls(Enum):
    """Where the rows without a key are read."""

    TOGETHER = "together"
    """All by the first part."""
    APART = "apart"
    """By the first part that reads their row group at all: free, but they may be in several parts."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A table cut at rising borders: the first and last part of each row group's keys, and the rows each part reads.

    ``overlap`` is the share of rows that is read more than once.
    """

    bounds: tuple[Key, ...]
    places: tuple[tuple[int, int], ...]
    nulls: Nulls
    rows: tuple[int, ...]
    overlap: float

    @property
    def unevenness(self) -> float:
        """How many times its even share the largest part has."""
        return max(self.rows) * len(self.rows) / max(1, sum(self.rows))


def key_literal(key: Key, type: str) -> str | None:
    """The SQL literal of a border of a column of that DuckDB type; None where no border can be.

    Strings with control characters are no borders: they would not survive being indented.
    """
    match key:
        case bool():
            return None
        case int() if type in _INTEGERS:
            return str(key)
        case int():
            return _timestamp(key, type)
        case dt.datetime():
            return None
        case dt.date() if type == "DATE":
            return f"DATE '{key.isoformat()}'"
        case Decimal() if _DECIMAL.fullmatch(type) and key.is_finite():
            return f"CAST('{key:f}' AS {type})"
        case str() if type == "VARCHAR" and key.isprintable():
            return "'" + key.replace("'", "''") + "'"
    return None


def _timestamp(key: int, type: str) -> str | None:
    nanoseconds = type == "TIMESTAMP_NS"
    if not nanoseconds and type not in ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE"):
        return None
    try:
        moment = _EPOCH + dt.timedelta(microseconds=key // 1000 if nanoseconds else key)
    except OverflowError:
        return None
    text = moment.isoformat(" ", "microseconds")
    if nanoseconds:
        return f"TIMESTAMP_NS '{text}{key % 1000:03}'"
    return f"TIMESTAMPTZ '{text}+00'" if type == "TIMESTAMP WITH TIME ZONE" else f"TIMESTAMP '{text}'"


def find_borders(ranges: Sequence[KeyRange], tasks: int, type: str) -> tuple[Key, ...]:
    """At most ``tasks`` - 1 rising borders that part the rows evenly, each about the smallest key of a row group."""
    known = [item for item in ranges if item.minimum is not None]
    ordered = sorted(known, key=lambda item: (item.minimum, item.maximum))
    total = sum(item.rows for item in ordered)
    borders: list[Key] = []
    before = 0
    for item in ordered:
        if len(borders) == tasks - 1:
            break
        wanted = (len(borders) + 1) * total / tasks
        if before > 0 and before + item.rows / 2 >= wanted and item.minimum is not None:
            border = item.minimum[:LONGEST_BORDER] if isinstance(item.minimum, str) else item.minimum
            above = not borders or border > borders[-1]  # type: ignore[operator]
            if above and key_literal(border, type) is not None:
                borders.append(border)
        before += item.rows
    return tuple(borders)


def cut_table(ranges: Sequence[KeyRange], bounds: tuple[Key, ...], tasks: int, nulls: Nulls) -> Cut:
    """Where the row groups of a table lie between borders."""
    places: list[tuple[int, int]] = []
    rows = [0] * tasks
    repeated = total = 0
    for item in ranges:
        first, last = place = _place(item, bounds)
        places.append(place)
        count = item.rows
        total += count
        repeated += count * (last - first)
        for task in range(first, last + 1):
            rows[task] += count
        if first and _is_read_for_nulls(item, nulls):
            rows[0] += count
            repeated += count
    return Cut(bounds, tuple(places), nulls, tuple(rows), repeated / max(1, total))


def overlaps_more(ranges: Sequence[KeyRange], bounds: tuple[Key, ...], share: float) -> bool:
    """Whether more than a share of the rows lies in row groups across a border, by their keys alone."""
    left = share * sum(item.rows for item in ranges)
    for item in ranges:
        first, last = _place(item, bounds)
        left -= item.rows * (last - first)
        if left < 0:
            return True
    return False


def parts_well(ranges: tuple[KeyRange, ...], tasks: int, type: str) -> bool:
    """Whether borders of a table's own part it evenly, and hardly any row group lies across one."""
    return bool(ranges) and _own_cut(SameRanges(ranges), tasks, type) is not None


def has_range_type(type: str) -> bool:
    """Whether values of a DuckDB type are in an order that comparisons follow whatever the session's settings."""
    return type in _INTEGERS or type in ("DATE", "TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE")


def own_borders(ranges: tuple[KeyRange, ...], parts: int, type: str) -> tuple[str, ...]:
    """Borders of a table's own, as SQL literals, that part it evenly; none if it has none.

    Where its row groups are too large for so many parts, half as many are tried.
    """
    while ranges and parts > 1:
        cut = _own_cut(SameRanges(ranges), parts, type)
        if cut is not None:
            return tuple(key_literal(bound, type) or "" for bound in cut.bounds)
        parts //= 2
    return ()


class SameRanges:
    """Ranges that are told apart by being the same object, as comparing thousands of them would take long."""

    __slots__ = ("ranges",)

    def __init__(self, ranges: tuple[KeyRange, ...]) -> None:
        self.ranges = ranges

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameRanges) and self.ranges is other.ranges

    def __hash__(self) -> int:
        return id(self.ranges)


@lru_cache(maxsize=KEPT_ANSWERS)
def _own_cut(same: SameRanges, tasks: int, type: str) -> Cut | None:
    return cut_at_own_borders(same.ranges, tasks, type)


def cut_at_own_borders(ranges: Sequence[KeyRange], tasks: int, type: str) -> Cut | None:
    """A table cut evenly at borders of its own; None if too much of it lies across them, or in one part."""
    bounds = find_borders(ranges, tasks, type)
    if not bounds or overlaps_more(ranges, bounds, MOST_OVERLAP):
        return None
    cut = cut_table(ranges, bounds, tasks, Nulls.APART)
    return cut if cut.unevenness <= MOST_UNEVEN else None


def make_key_splits(ranges: Sequence[KeyRange], cut: Cut, name: str, type: str) -> tuple[Split, ...]:
    """What each part reads of a table whose key column has that name and type: whole files first."""
    parts: list[list[FileRange]] = [[] for _ in cut.rows]
    sizes: dict[str, int] = {}
    literals = [key_literal(bound, type) or "" for bound in cut.bounds]
    key = '"' + name.replace('"', '""') + '"'
    for item, place in zip(ranges, cut.places, strict=True):
        sizes[item.file.path] = max(sizes.get(item.file.path, 0), item.first_row + item.rows)
        readers = _readers(item, place, cut.nulls)
        for task in readers:
            alone = len(readers) == 1
            _append(parts[task], item, "" if alone else _predicate(key, task, place, item, cut.nulls, literals))
    return tuple(
        Split(tuple(_whole_first(part, sizes)), rows=count) for part, count in zip(parts, cut.rows, strict=True)
    )


def _place(item: KeyRange, bounds: tuple[Key, ...]) -> tuple[int, int]:
    """The first and the last part that keys of a row group may be in."""
    if item.nulls == item.rows:
        return 0, 0
    if item.minimum is None or item.maximum is None:
        return 0, len(bounds)
    return bisect_right(bounds, item.minimum), bisect_right(bounds, item.maximum)


def _readers(item: KeyRange, place: tuple[int, int], nulls: Nulls) -> list[int]:
    """The parts that must read a row group."""
    first, last = place
    readers = list(range(first, last + 1))
    return [0, *readers] if first > 0 and _is_read_for_nulls(item, nulls) else readers


def _is_read_for_nulls(item: KeyRange, nulls: Nulls) -> bool:
    """Whether the first part reads a row group although no key of it is there."""
    return item.nulls != 0 and nulls is Nulls.TOGETHER


def _predicate(key: str, task: int, place: tuple[int, int], item: KeyRange, nulls: Nulls, bounds: Sequence[str]) -> str:
    """Which rows of a row group, that other parts read as well, belong to a part."""
    first, last = place
    if task < first:
        return f"{key} IS NULL"
    terms = [f"{key} >= {bounds[task - 1]}"] if task > first else []
    terms += [f"{key} < {bounds[task]}"] if task < last else []
    if item.nulls == 0:
        return " AND ".join(terms)
    if task == (0 if nulls is Nulls.TOGETHER else first):
        return f"{' AND '.join(terms)} OR {key} IS NULL"
    return " AND ".join(terms) or f"{key} IS NOT NULL"


def _append(part: list[FileRange], item: KeyRange, predicate: str) -> None:
    """Add a row group, joining it with the one before where both are neighbours in a file with the same predicate."""
    before = part[-1] if part else None
    joined = before is not None and before.file.path == item.file.path and predicate == before.predicate
    last = item.first_row + item.rows - 1
    groups = None if item.group is None else (item.group, item.group)
    if joined and before is not None and before.last_row == item.first_row - 1:
        both = (before.groups[0], groups[1]) if before.groups is not None and groups is not None else None
        part[-1] = replace(before, last_row=last, groups=both)
    elif item.rows:
        part.append(FileRange(item.file, item.first_row, last, predicate, groups=groups))


def _whole_first(part: list[FileRange], sizes: dict[str, int]) -> list[FileRange]:
    """The ranges of a part: those that are all of a file without bounds, and together, as one call reads them all;
    of the others it is noted which go on to the end of their file."""
    whole: list[FileRange] = []
    rest: list[FileRange] = []
    for item in part:
        to_end = item.last_row == sizes[item.file.path] - 1
        if item.first_row == 0 and to_end and not item.predicate:
            whole.append(FileRange(item.file))
        else:
            rest.append(replace(item, to_end=to_end))
    return whole + rest
