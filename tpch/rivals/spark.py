"""Spark: ``local[N]`` in a virtual machine of its own, with twice as many shuffle partitions as threads."""

import os
from typing import Any

import pyarrow

from shoal.tpch.dataset import Dataset

_MEMORY_SHARE = 0.6
"""The part of the machine's memory that the virtual machine may take."""

_PARTITIONS_PER_THREAD = 2


class Spark:
    """Spark, driven by its own Python package; ``close`` ends its virtual machine."""

    name = "Spark"

    def __init__(self, dataset: Dataset, threads: int) -> None:
        from pyspark.sql import SparkSession

        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * _MEMORY_SHARE
        settings = {
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.memory": f"{int(memory) >> 20}m",
            "spark.driver.maxResultSize": "0",
            "spark.log.level": "ERROR",
            "spark.sql.execution.arrow.pyspark.enabled": "true",
            "spark.sql.shuffle.partitions": str(_PARTITIONS_PER_THREAD * threads),
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
        }
        builder = SparkSession.builder.master(f"local[{threads}]").appName("shoal-tpch")
        for name, value in settings.items():
            builder = builder.config(name, value)
        self._session: Any = builder.getOrCreate()
        register_tables(self._session, dataset)

    def answer(self, sql: str) -> pyarrow.Table:
        """Run one query and fetch all of its rows."""
        return self._session.sql(sql).toArrow()

    def close(self) -> None:
        """End the session and its virtual machine."""
        self._session.stop()


def register_tables(session: Any, dataset: Dataset) -> None:
    """Give a session of Spark, or of what speaks its protocol, the tables."""
    for table in dataset.tables:
        files = [str(file.absolute()) for file in dataset.files(table)]
        session.read.parquet(*files).createOrReplaceTempView(table)
