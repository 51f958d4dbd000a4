"""The bounds of a column in every row group of a Parquet file, as keys by which the planner can cut tables.

Bounds need not be values, only below and above all of them: writers may shorten strings. What a footer does not tell
for sure is left unknown, never guessed: rows are sent to tasks by these bounds.
"""

import datetime as dt
import re

from pyarrow import parquet

from shoal.planner.protocols import Key, KeyRange
from shoal.planner.source import FileIdentity

_EPOCH = dt.date(1970, 1, 1)
_MICROSECONDS = {"milliseconds": 1000, "microseconds": 1, "nanoseconds": 1}
"""By what a stored timestamp is multiplied; those in nanoseconds are read as such."""
_UNIT = re.compile(r"timeUnit=(\w+)")


def has_keys(column: parquet.ColumnSchema) -> bool:
    """Whether a column's type has an order that files, the kernel and Python agree in."""
    return _kind(column) is not None


def key_ranges(file: FileIdentity, footer: parquet.FileMetaData, index: int) -> tuple[KeyRange, ...]:
    """The bounds of a column, whose type has keys, in each row group of a file."""
    column = footer.schema.column(index)
    kind = _kind(column)
    factor = _factor(column)
    found: list[KeyRange] = []
    first = 0
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        rows = group.num_rows
        statistics = group.column(index).statistics
        nulls = statistics.null_count if statistics is not None and statistics.has_null_count else None
        low, high = _bounds(statistics, kind or "", factor)
        if nulls == rows or (low is None or high is None) or low > high:  # type: ignore[operator]
            low = high = None
        found.append(KeyRange(file, first, rows, low, high, nulls))
        first += rows
    return tuple(found)


def _kind(column: parquet.ColumnSchema) -> str | None:
    logical, physical = column.logical_type.type, column.physical_type
    match logical, physical:
        case ("NONE", "INT32" | "INT64") | ("INT", _):
            return "integer"
        case "DATE", _:
            return "date"
        case "TIMESTAMP", "INT64":
            return "timestamp" if _UNIT.search(str(column.logical_type)) else None
        case "DECIMAL", "INT32" | "INT64" | "FIXED_LEN_BYTE_ARRAY":
            return "decimal"
        case "STRING", _:
            return "string"
    return None


def _factor(column: parquet.ColumnSchema) -> int:
    unit = _UNIT.search(str(column.logical_type))
    return _MICROSECONDS.get(unit[1], 1) if unit else 1


def _bounds(statistics: parquet.Statistics | None, kind: str, factor: int) -> tuple[Key | None, Key | None]:
    if statistics is None or not statistics.has_min_max:
        return None, None
    try:
        match kind:
            case "date":
                return _EPOCH + dt.timedelta(statistics.min_raw), _EPOCH + dt.timedelta(statistics.max_raw)
            case "timestamp":
                return statistics.min_raw * factor, statistics.max_raw * factor
        return statistics.min, statistics.max
    except (OverflowError, ValueError, ArithmeticError):
        return None, None
