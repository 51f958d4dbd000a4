"""Bytes of one value of a type, when no statistics say it."""

FIXED_WIDTHS = {
    "BOOLEAN": 1.0,
    "TINYINT": 1.0,
    "UTINYINT": 1.0,
    "SMALLINT": 2.0,
    "USMALLINT": 2.0,
    "INTEGER": 4.0,
    "UINTEGER": 4.0,
    "FLOAT": 4.0,
    "DATE": 4.0,
    "HUGEINT": 16.0,
    "UHUGEINT": 16.0,
    "UUID": 16.0,
    "INTERVAL": 16.0,
}

DEFAULT_WIDTH = 8.0
"""Numbers, times, and decimals, which travel as 64 bits up to 18 digits."""

STRING_WIDTH = 24.0
"""Strings: a 16-byte view and a few bytes of text."""

NESTED_WIDTH = 64.0
"""Lists, structs, maps and blobs."""


def type_width(type_name: str) -> float:
    """The bytes of one value of a DuckDB type."""
    if type_name in FIXED_WIDTHS:
        return FIXED_WIDTHS[type_name]
    if type_name.startswith(("STRUCT", "MAP", "UNION", "BLOB")) or type_name.endswith("]"):
        return NESTED_WIDTH
    return STRING_WIDTH if type_name.startswith(("VARCHAR", "ENUM", "JSON")) else DEFAULT_WIDTH
