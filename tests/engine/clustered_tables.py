"""Tables whose files are clustered on a key in every way that files are: for tests of joins and groups over them."""

from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 1600
GROUP = 50
"""Rows of a row group."""

KEYS: Mapping[str, str] = {
    "INTEGER": "i::INTEGER",
    "UBIGINT": "(18446744073709549000 + i)::UBIGINT",
    "DATE": "DATE '1999-06-01' + i::INTEGER",
    "TIMESTAMP": "TIMESTAMP '2024-02-28 23:59:00.000001' + to_seconds(i * 7)",
    "TIMESTAMP_NS": "make_timestamp_ns(1704067200000000000 + i * 3)",
    "TIMESTAMPTZ": "TIMESTAMPTZ '2024-03-10 00:00:00+00' + to_minutes(i)",
    "DECIMAL": "(i * 1.25 - 1000)::DECIMAL(15,2)",
    "LONG_DECIMAL": "(i * 1.25 - 1000)::DECIMAL(38,4)",
    "VARCHAR": "'it''s ' || printf('%06d', i) || ' é'",
}
"""Expressions that rise with the number ``i``, by the name of the key's type."""

LAYOUTS = (
    "sorted",
    "descending",
    "many_files",
    "overlapping",
    "few_nulls",
    "nulls_everywhere",
    "nulls_first",
    "all_null",
    "without_statistics",
    "few_without_statistics",
    "shuffled",
    "two_runs",
)
"""How the rows of a table lie in its files."""


def write_layout(folder: Path, layout: str, key: str, step: int) -> None:
    """Write a table: keys ``k`` (every ``step``-th number, three rows each), ``g`` of ten values, row numbers ``v``."""
    folder.mkdir(parents=True)
    table = _rows(layout, KEYS[key], step)
    size = len(table)
    files = {"many_files": 16, "overlapping": 8, "few_without_statistics": 32, "two_runs": 2}.get(layout, 1)
    for number in range(files):
        start, stop = size * number // files, size * (number + 1) // files
        told = layout != "without_statistics" and not (layout == "few_without_statistics" and number == 5)
        pq.write_table(
            table.slice(start, stop - start),
            folder / f"part{number:02}.parquet",
            row_group_size=GROUP,
            write_statistics=told,
        )


def _rows(layout: str, key: str, step: int) -> pa.Table:
    null = {
        "few_nulls": "n % 397 = 5",
        "nulls_everywhere": "n % 10 = 3",
        "nulls_first": "n < 130",
        "all_null": "true",
    }.get(layout, "false")
    order = {
        "descending": "n DESC",
        "overlapping": "n + (n * 7919 % 23)",
        "shuffled": "n * 7919 % 1601",
        "two_runs": "n % 2, n",
    }.get(layout, "n")
    with duckdb.connect() as duck:
        duck.execute("SET TimeZone = 'UTC'")
        return duck.sql(
            f"SELECT CASE WHEN {null} THEN NULL ELSE {key} END AS k, (n % 10)::INTEGER AS g, n AS v "
            f"FROM (SELECT n, n // 3 * {step} AS i FROM range({ROWS}) AS r(n)) ORDER BY {order}"
        ).to_arrow_table()
