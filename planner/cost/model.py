"""Prices of joins for choosing their order, in seconds of one core, of which only the relations matter.

The constants come from runs of the kernel over TPC-H: inserting into a hash table costs several times what looking up
does, and a table that leaves the caches costs again as much for each row.
"""

BUILD_ROW = 3.0e-8
"""Inserting one row into a join's hash table."""

BUILD_BYTE = 1.0e-9
"""Keeping one byte of the build side: memory, and what may have to spill."""

PROBE_ROW = 8.0e-9
"""Looking one row up in a hash table that the caches hold."""

PROBE_MISS = 1.2e-8
"""What a look-up costs more when the hash table is larger than the caches."""

CACHED_BUILD_BYTES = 4.0 * (1 << 20)
"""Bytes of a hash table that caches still hold."""

OUTPUT_ROW = 6.0e-9
"""Assembling one joined row."""

OUTPUT_BYTE = 0.2e-9
"""Copying one byte of it."""

NESTED_PAIR = 2.0e-9
"""Comparing one row of each side where no key is equal."""


def hash_join_seconds(probe_rows: float, build_rows: float, build_width: float, rows: float, width: float) -> float:
    """The price of a hash join: building on the one side, looking up from the other, assembling what matches."""
    build_bytes = build_rows * build_width
    miss = PROBE_MISS * min(1.0, build_bytes / CACHED_BUILD_BYTES)
    return (
        build_rows * BUILD_ROW
        + build_bytes * BUILD_BYTE
        + probe_rows * (PROBE_ROW + miss)
        + rows * (OUTPUT_ROW + width * OUTPUT_BYTE)
    )


def nested_join_seconds(left_rows: float, right_rows: float, rows: float, width: float) -> float:
    """The price of a join without an equality: every pair is looked at."""
    return left_rows * right_rows * NESTED_PAIR + right_rows * BUILD_ROW + rows * (OUTPUT_ROW + width * OUTPUT_BYTE)
