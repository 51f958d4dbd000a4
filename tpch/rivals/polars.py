"""Polars: SQL over lazily scanned files, on its streaming engine."""

import os

import pyarrow

from shoal.tpch.dataset import Dataset


class Polars:
    """Polars in this process. Its threads are set before it is first imported, and never again."""

    name = "Polars"

    def __init__(self, dataset: Dataset, threads: int) -> None:
        os.environ.setdefault("POLARS_MAX_THREADS", str(threads))
        import polars

        self._context = polars.SQLContext(
            {table: polars.scan_parquet(dataset.pattern(table)) for table in dataset.tables}
        )

    def answer(self, sql: str) -> pyarrow.Table:
        """Run one query and fetch all of its rows."""
        return self._context.execute(sql).collect(engine="streaming").to_arrow()

    def close(self) -> None:
        """Do nothing: it holds no more than the names of files."""
