"""Daft: SQL over its own scan of the files, on its native runner."""

import os
from typing import Any

import pyarrow

from shoal.tpch.dataset import TABLES, Dataset


class Daft:
    """Daft in this process. It has no setting for threads: it takes the cores that the process may use."""

    name = "Daft"

    def __init__(self, dataset: Dataset, threads: int) -> None:
        os.environ["DAFT_RUNNER"] = "native"
        os.environ["DO_NOT_TRACK"] = "true"
        import daft

        self._daft: Any = daft
        self._frames = {table: daft.read_parquet(dataset.pattern(table)) for table in TABLES}

    def answer(self, sql: str) -> pyarrow.Table:
        """Run one query and fetch all of its rows."""
        return self._daft.sql(sql, **self._frames).to_arrow()

    def close(self) -> None:
        """Do nothing: it holds no more than the names of files."""
