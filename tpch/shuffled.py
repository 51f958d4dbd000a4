"""The same tables with their rows in random order, so that no file is sorted on anything."""

import json
from pathlib import Path

import duckdb
from pyarrow import parquet

from shoal.tpch.dataset import TABLES, Dataset

_MARK = "shuffled.json"
"""Written beside the tables when all are complete: what they were made of."""


def shuffle_dataset(dataset: Dataset, folder: Path) -> Dataset:
    """Write a data set into a folder, each table in one file, its rows in the order of a hash of where they were.

    Returns at once when the same data is complete there.
    """
    made_of = {"folder": str(dataset.folder.absolute()), "bytes": dataset.bytes()}
    shuffled = Dataset(folder)
    if not shuffled.missing() and _read_mark(folder) == made_of:
        return shuffled
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).unlink(missing_ok=True)
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        # What is sorted is large, and its order is told by the sort alone.
        connection.execute("SET preserve_insertion_order = false")
        for table in TABLES:
            source = dataset.pattern(table).replace("'", "''")
            target = str(folder / f"{table}.parquet").replace("'", "''")
            rows = f"read_parquet('{source}', filename = true, file_row_number = true)"
            ordered = (
                f"SELECT * EXCLUDE (filename, file_row_number) FROM {rows} ORDER BY hash(filename, file_row_number)"
            )
            compression = parquet.read_metadata(dataset.files(table)[0]).row_group(0).column(0).compression
            connection.execute(f"COPY ({ordered}) TO '{target}' (FORMAT parquet, COMPRESSION {compression})")
    (folder / _MARK).write_text(json.dumps(made_of) + "\n", encoding="utf-8")
    return shuffled


def _read_mark(folder: Path) -> object:
    try:
        mark: object = json.loads((folder / _MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return mark
