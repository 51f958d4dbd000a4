"""DataFusion: its Python package, one partition a thread."""

from typing import Any

import pyarrow

from shoal.tpch.dataset import Dataset


class Datafusion:
    """DataFusion in this process."""

    name = "DataFusion"

    def __init__(self, dataset: Dataset, threads: int) -> None:
        import datafusion

        self._context: Any = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(threads))
        for table in dataset.tables:
            files = dataset.files(table)
            path = files[0] if len(files) == 1 else files[0].parent
            self._context.register_parquet(table, str(path.absolute()))

    def answer(self, sql: str) -> pyarrow.Table:
        """Run one query and fetch all of its rows."""
        return self._context.sql(sql).to_arrow_table()

    def close(self) -> None:
        """Do nothing: it holds no more than the names of files."""
