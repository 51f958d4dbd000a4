"""Daft: SQL over its own scan of the files, on its native runner.

It is in no extra of ours, for its latest versions want an older pyarrow than Shoal does; what is installed is used.
"""

import importlib
import os
from typing import Any

import pyarrow

from shoal.tpch.dataset import Dataset


class Daft:
    """Daft in this process. It has no setting for threads: it takes the cores that the process may use."""

    name = "Daft"

    def __init__(self, dataset: Dataset, threads: int) -> None:
        os.environ["DAFT_RUNNER"] = "native"
        os.environ["DO_NOT_TRACK"] = "true"
        self._daft: Any = importlib.import_module("daft")
        self._frames = {table: self._daft.read_parquet(dataset.pattern(table)) for table in dataset.tables}

    def answer(self, sql: str) -> pyarrow.Table:
        """Run one query and fetch all of its rows."""
        return self._daft.sql(sql, **self._frames).to_arrow()

    def close(self) -> None:
        """Do nothing: it holds no more than the names of files."""
