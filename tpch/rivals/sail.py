"""Sail: its Spark Connect server, local or as a cluster of workers, and Spark's own client."""

import os
from typing import Any

import pyarrow

from shoal.tpch.dataset import Dataset
from shoal.tpch.rivals.spark import register_tables


class Sail:
    """A server of Sail in this process. Its settings are set before its package is first imported, and never again.

    ``workers`` 0 is its local mode, one process; more are that many workers of its ``local-cluster`` mode with one
    task slot each.
    """

    def __init__(self, dataset: Dataset, threads: int, workers: int) -> None:
        self.name = "Sail cluster" if workers else "Sail"
        os.environ["SAIL_EXECUTION__DEFAULT_PARALLELISM"] = str(threads)
        if workers:
            os.environ["SAIL_MODE"] = "local-cluster"
            os.environ["SAIL_CLUSTER__WORKER_INITIAL_COUNT"] = str(workers)
            os.environ["SAIL_CLUSTER__WORKER_MAX_COUNT"] = str(workers)
            os.environ["SAIL_CLUSTER__WORKER_TASK_SLOTS"] = "1"
        from pysail.spark import SparkConnectServer
        from pyspark.sql import SparkSession

        self._server: Any = SparkConnectServer(ip="127.0.0.1", port=0)
        self._server.start(background=True)
        try:
            _, port = self._server.listening_address
            self._session: Any = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
            register_tables(self._session, dataset)
        except BaseException:
            self._server.stop()
            raise

    def answer(self, sql: str) -> pyarrow.Table:
        """Run one query and fetch all of its rows."""
        return self._session.sql(sql).toArrow()

    def close(self) -> None:
        """End the session and the server."""
        self._session.stop()
        self._server.stop()
