"""What work costs: the one home of all price constants, and the prices of joins made of them.

Prices are seconds of one core, of which only the relations matter. ``python -m shoal.tpch.calibrate`` measures them on
the machine at hand and prints them under the names that they have here.
Each constant says what a plan does when it pays that price, so that one that is wrong can be noticed in a profile.
"""

SCAN_BYTE = 0.9e-9
"""Reading and decoding a byte of a Parquet column, uncompressed."""

SCAN_ROW = 1.0e-9
"""Moving one row of a scan on, whatever its columns."""

RESCAN_ROW = 1.0e-8
"""Reading and filtering a row of a table once more, when its width is not looked at."""

FILTER_ROW = 1.5e-9
"""Evaluating a predicate on one row and keeping or dropping it."""

PROJECT_CELL = 0.5e-9
"""Computing one value."""

BUILD_ROW = 3.0e-8
"""Inserting one row into a join's hash table: several times what looking one up costs."""

BUILD_BYTE = 1.0e-9
"""Keeping one byte of the build side."""

PROBE_ROW = 8.0e-9
"""Looking one row up in a hash table that the caches hold."""

PROBE_MISS = 4.0e-8
"""What fetching a match costs more when the hash table is larger than the caches. Keys that match nothing do not pay
it: the kernel's Bloom filter of the build side drops nearly all of them in the scan."""

CACHED_BUILD_BYTES = 4.0 * (1 << 20)
"""Bytes of a hash table that the caches of one core still hold."""

CELL_BYTES = 8.0
"""Bytes of an average value: turns widths into numbers of columns."""

JOIN_CELL = 1.5e-9
"""Copying one value of a joined row."""

OUTPUT_ROW = 6.0e-9
"""Assembling one joined row, besides copying its values."""

OUTPUT_BYTE = JOIN_CELL / CELL_BYTES
"""Copying one byte of a joined row."""

NESTED_PAIR = 2.0e-9
"""Comparing one row of each side where no key is equal."""

GROUP_ROW = 1.2e-8
"""Adding one row to its group."""

GROUP_NEW = 6.0e-8
"""Making a group that was not there."""

SORT_ROW = 6.0e-8
"""Putting one row into order."""

WINDOW_ROW = 1.5e-7
"""Parting, ordering and computing one row of a window function."""

SEND_ROW = 1.2e-8
"""Hashing one row by its key and taking it to its partition."""

SEND_BYTE = 0.8e-9
"""Writing one byte to a shuffle file."""

RECEIVE_BYTE = 0.3e-9
"""Reading one byte of a shuffle file."""

SPILL_BYTE = 4.5e-9
"""Writing one byte to disk and reading it again, when memory cannot hold both sides of a join."""

MEMORY_SHARE = 0.5
"""The share of an executor's memory that one join's build side may have: a plan has several joins at once."""

BUILD_LEFT_FACTOR = 4.0
"""A join that is not turned for nothing (all but inner ones) is turned when its left side is so many times smaller."""

STAGE_SECONDS = 0.008
"""Starting the tasks of a stage and hearing of their end."""


def build_memory_bytes(memory_bytes: float) -> float:
    """What one build side may have of an executor's memory before it spills."""
    return memory_bytes * MEMORY_SHARE


def miss_seconds(build_bytes: float) -> float:
    """What a match costs more in a hash table of so many bytes than in one that the caches hold."""
    return PROBE_MISS * min(1.0, build_bytes / CACHED_BUILD_BYTES)


def hash_join_seconds(probe_rows: float, build_rows: float, build_width: float, rows: float, width: float) -> float:
    """The price of a hash join: building on the one side, looking up from the other, assembling what matches."""
    build_bytes = build_rows * build_width
    build = build_rows * BUILD_ROW + build_bytes * BUILD_BYTE
    matched = rows * (OUTPUT_ROW + miss_seconds(build_bytes) + width * OUTPUT_BYTE)
    return build + probe_rows * PROBE_ROW + matched


def move_seconds(rows: float, size: float) -> float:
    """The price of taking rows to the tasks of their keys: each is hashed, written and read once."""
    return rows * SEND_ROW + size * (SEND_BYTE + RECEIVE_BYTE)


def broadcast_seconds(size: float, tasks: float) -> float:
    """The price of sending rows to every task: they are written once and read by each."""
    return size * (SEND_BYTE + RECEIVE_BYTE * tasks)


def nested_join_seconds(left_rows: float, right_rows: float, rows: float, width: float) -> float:
    """The price of a join without an equality: every pair is looked at."""
    return left_rows * right_rows * NESTED_PAIR + right_rows * BUILD_ROW + rows * (OUTPUT_ROW + width * OUTPUT_BYTE)


def spill_seconds(build_bytes: float, probe_bytes: float, memory_bytes: float) -> float:
    """What a hash join costs more when its build side does not fit into its share of the memory.

    The kernel parts both sides by the hash of their keys and puts aside the parts that do not fit: of either side the
    share that the memory lacks is written and read once.
    """
    if build_bytes <= memory_bytes:
        return 0.0
    return (build_bytes + probe_bytes) * (1.0 - memory_bytes / build_bytes) * SPILL_BYTE
