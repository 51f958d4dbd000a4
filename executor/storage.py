"""How columns of every DuckDB type are kept in Parquet files, and come back with the type they had.

Parquet, as DuckDB 2.0 writes it, turns HUGEINT into a double, drops the microseconds of an INTERVAL, and brings enums,
arrays and some timestamps back as other types. Such columns are *stored* in another type, and *restored* by whoever
scans them; all others are kept as they are, so that bounds and samples of them mean what they say.
"""

import re
from functools import cache

from shoal.executor.carrier import decode_parts, encode_parts, has_union, replace_scalars
from shoal.executor.kernel_types import KernelType, parse_type

_STORED = {
    **dict.fromkeys(("HUGEINT", "UHUGEINT", "BIT", "BIGNUM", "ENUM", "INTERVAL"), "VARCHAR"),
    **dict.fromkeys(("TIMETZ", "TIME WITH TIME ZONE", "TIMESTAMP_S", "TIMESTAMP_MS", "GEOMETRY"), "VARCHAR"),
}
"""Scalar types that Parquet does not keep, and what is kept instead."""

_ARRAY = re.compile(r"\[\d+\]")


@cache
def is_encoded(type_: str) -> bool:
    """Whether a column of this DuckDB type is kept in another one."""
    parsed = parse_type(type_)
    return has_union(parsed) or str(_stored(parsed)) != str(parsed) or _ARRAY.search(type_) is not None


def store(type_: str, expression: str) -> str:
    """SQL that turns ``expression``, of the DuckDB type ``type_``, into what is kept; itself if that is the same."""
    parsed = parse_type(type_)
    if has_union(parsed):
        return encode_parts(parsed, expression, _stored)
    return f"CAST({expression} AS {_stored(parsed)})" if is_encoded(type_) else expression


def restore(type_: str, expression: str) -> str:
    """SQL that turns what was kept back into the DuckDB type ``type_``; ``expression`` itself if it has that type."""
    parsed = parse_type(type_)
    if has_union(parsed):
        return decode_parts(parsed, expression)
    return f"CAST({expression} AS {parsed})" if is_encoded(type_) else expression


@cache
def _stored(type_: KernelType) -> KernelType:
    return replace_scalars(type_, _STORED, named=False)
