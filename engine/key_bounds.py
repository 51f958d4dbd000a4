"""The bounds of a column in every row group of a Parquet file, as keys by which the planner can cut tables.

Bounds need not be values, only below and above all of them: writers may shorten strings. What a footer does not tell
for sure is left unknown, never guessed: rows are sent to tasks by these bounds.
"""

import datetime as dt
import re
from dataclasses import dataclass

from pyarrow import parquet

from shoal.planner.protocols import Key, KeyRange
from shoal.planner.source import FileIdentity

_EPOCH = dt.date(1970, 1, 1)
_MICROSECONDS = {"milliseconds": 1000, "microseconds": 1, "nanoseconds": 1}
"""By what a stored timestamp is multiplied; those in nanoseconds are read as such."""
_UNIT = re.compile(r"timeUnit=(\w+)")


@dataclass(frozen=True, slots=True)
class KeyKind:
    """How bounds are read: the kind of the values, and by what timestamps are multiplied."""

    name: str
    factor: int = 1


def key_kind(column: parquet.ColumnSchema) -> KeyKind | None:
    """How the bounds of a column are read; None unless files, the kernel and Python agree in its order."""
    match column.logical_type.type, column.physical_type:
        case ("NONE", "INT32" | "INT64") | ("INT", _):
            return KeyKind("integer")
        case "DATE", _:
            return KeyKind("date")
        case "TIMESTAMP", "INT64":
            unit = _UNIT.search(str(column.logical_type))
            return KeyKind("timestamp", _MICROSECONDS[unit[1]]) if unit and unit[1] in _MICROSECONDS else None
        case "DECIMAL", "INT32" | "INT64" | "FIXED_LEN_BYTE_ARRAY":
            return KeyKind("decimal")
        case "STRING", _:
            return KeyKind("string")
    return None


def key_ranges(file: FileIdentity, footer: parquet.FileMetaData, index: int, kind: KeyKind) -> tuple[KeyRange, ...]:
    """The bounds of a column in each row group of a file."""
    found: list[KeyRange] = []
    first = 0
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        rows = group.num_rows
        statistics = group.column(index).statistics
        nulls = statistics.null_count if statistics is not None and statistics.has_null_count else None
        low, high = _bounds(statistics, kind)
        if nulls == rows or (low is None or high is None) or low > high:  # type: ignore[operator]
            low = high = None
        found.append(KeyRange(file, first, rows, low, high, nulls, number))
        first += rows
    return tuple(found)


def _bounds(statistics: parquet.Statistics | None, kind: KeyKind) -> tuple[Key | None, Key | None]:
    if statistics is None or not statistics.has_min_max:
        return None, None
    try:
        match kind.name:
            case "date":
                return _EPOCH + dt.timedelta(statistics.min_raw), _EPOCH + dt.timedelta(statistics.max_raw)
            case "timestamp":
                return statistics.min_raw * kind.factor, statistics.max_raw * kind.factor
        return statistics.min, statistics.max
    except (OverflowError, ValueError, ArithmeticError):
        return None, None
