"""Quantiles of a column from counts of evenly wide buckets; counting by bucket is a query that executors share."""

import datetime as dt
import math
from collections.abc import Sequence
from decimal import Decimal

from shoal.source_files import quote_name

BUCKETS = 1024
"""Buckets between the least and the greatest value."""

PARTS = 32
"""Parts of equally many rows that the quantiles make."""

_SECONDS_OF_DAY = 86400.0
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - SQL's timestamps have no zone either


def has_buckets(minimum: object, maximum: object) -> bool:
    """Whether values between these bounds can be counted by bucket."""
    low, high = _number(minimum), _number(maximum)
    return low is not None and high is not None and math.isfinite(low) and math.isfinite(high) and low < high


def bucket_sql(column: str, minimum: object, maximum: object) -> str:
    """The number of a value's bucket, from 0 to ``BUCKETS`` - 1; NULL for NULL."""
    low, high = _number(minimum), _number(maximum)
    assert low is not None, "has_buckets was asked"
    assert high is not None, "has_buckets was asked"
    name = quote_name(column)
    value = f"epoch({name})" if isinstance(minimum, dt.date) else f"CAST({name} AS DOUBLE)"
    width = (high - low) / BUCKETS
    return f"greatest(0, least({BUCKETS - 1}, CAST(floor(({value} - ({low!r})) / {width!r}) AS BIGINT)))"


def quantiles_of(counts: Sequence[tuple[int, int]], minimum: object, maximum: object) -> tuple[object, ...]:
    """The bounds, and between them values that part the rows into ``PARTS``, from (bucket, rows) in order of buckets.

    The values have the type of the bounds; within a bucket they are taken to be spread evenly.
    """
    low, high = _number(minimum), _number(maximum)
    total = sum(rows for _, rows in counts)
    if low is None or high is None or not total:
        return ()
    width = (high - low) / BUCKETS
    found: list[object] = [minimum]
    passed, part = 0, 1
    for bucket, rows in counts:
        while part < PARTS and passed + rows >= total * part / PARTS:
            inside = (total * part / PARTS - passed) / rows
            found.append(_value(low + (bucket + inside) * width, minimum))
            part += 1
        passed += rows
    return (*found, maximum)


def _number(value: object) -> float | None:
    """A value as the kernel's bucket expression sees it: numbers as they are, dates and timestamps in seconds."""
    match value:
        case bool():
            return None
        case int() | float() | Decimal():
            return float(value)
        case dt.datetime() if value.tzinfo is None:
            return (value - _EPOCH).total_seconds()
        case dt.date() if not isinstance(value, dt.datetime):
            return (value - _EPOCH.date()).days * _SECONDS_OF_DAY
    return None


def _value(number: float, like: object) -> object:
    match like:
        case Decimal():
            return Decimal(repr(number)).quantize(like)
        case int():
            return round(number)
        case dt.datetime():
            return _EPOCH + dt.timedelta(seconds=number)
        case dt.date():
            return _EPOCH.date() + dt.timedelta(days=math.floor(number / _SECONDS_OF_DAY))
    return number
