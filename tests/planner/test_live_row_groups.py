"""Which row groups a filter leaves: those whose bounds it does not rule out."""

import pytest
import sqlglot
from sqlglot import exp

from shoal.planner.ids import ColumnId
from shoal.planner.live_row_groups import live_row_groups, work_of
from shoal.planner.logical import Column, Scan
from shoal.planner.protocols import KeyRange, TableStatistics, WithoutSamples
from shoal.planner.source import Field, FileFormat, FileIdentity, FileSource, TableSource

FILE = FileIdentity("t", 100, 0)
DAY = 86_400_000_000
FOUND = {
    "a": [KeyRange(FILE, 0, 10, 0, 9), KeyRange(FILE, 10, 10, 10, 19, 2), KeyRange(FILE, 20, 10, 20, 29, None)],
    "s": [KeyRange(FILE, 0, 10, "a", "f"), KeyRange(FILE, 10, 10, "g", "m"), KeyRange(FILE, 20, 10, "n", "z")],
    "t": [KeyRange(FILE, day * 10, 10, day * DAY, (day + 1) * DAY - 1) for day in range(3)],
    "n": [
        KeyRange(FILE, 0, 10, 0, 9),
        KeyRange(FILE, 10, 10, None, None, 10),
        KeyRange(FILE, 20, 10, None, None, None),
    ],
}
TYPES = {"a": "BIGINT", "s": "VARCHAR", "t": "TIMESTAMP", "n": "BIGINT"}


class Ranges(WithoutSamples):
    """Three row groups of each column but ``u``."""

    def table(self, source: TableSource, columns: frozenset[str]) -> TableStatistics:
        """Nothing is known."""
        return TableStatistics(30.0, 100.0)

    def key_ranges(self, source: TableSource, column: str) -> tuple[KeyRange, ...]:
        """The bounds of a column."""
        return tuple(FOUND.get(column, ()))


def live(predicate: str) -> str | None:
    """The row groups that are left, as digits."""
    names = (*TYPES, "u")
    columns = tuple(Column(ColumnId(name), TYPES.get(name, "BIGINT")) for name in names)
    source = FileSource(FileFormat.PARQUET, (FILE,), tuple(Field(item.id, item.type) for item in columns))
    parsed = sqlglot.parse_one(predicate, dialect="duckdb")
    assert isinstance(parsed, exp.Expression)
    found = live_row_groups(Scan(source, columns, names, "t"), parsed, Ranges())
    return None if found is None else "".join(str(number) for number, is_live in enumerate(found) if is_live)


@pytest.mark.parametrize(
    ("predicate", "left"),
    [
        ("a < 10", "01"),
        ("a > 9 AND a <= 12", "01"),
        ("a = 15", "1"),
        ("15 <= a", "12"),
        ("a BETWEEN 3 AND 5", "0"),
        ("a < 5 AND u = 3", "0"),
        ("a < 15 AND t >= TIMESTAMP '1970-01-02 00:00:00'", "1"),
        ("t < TIMESTAMP '1970-01-01 12:00:00'", "0"),
        ("s > 'h'", "12"),
        ("n >= 5", "02"),
    ],
)
def test_bounds_rule_row_groups_out(predicate: str, left: str) -> None:
    assert live(predicate) == left


@pytest.mark.parametrize("predicate", ["a >= 0", "a > 100", "u < 3", "a + 1 < 3", "a < u", "a < 5 OR u = 2"])
def test_it_says_nothing_when_it_cannot_tell_or_all_are_alike(predicate: str) -> None:
    assert live(predicate) is None


def test_work_is_what_is_left() -> None:
    assert work_of([5, 6, 7], (True, False, True)) == [5, 0, 7]
    assert work_of([5, 6, 7], None) == [5, 6, 7]
    assert work_of([5, 6, 7], (True,)) == [5, 6, 7]
