"""The engines that a benchmark runs, each behind the same small seam: SQL in, the whole answer as Arrow out."""

from dataclasses import dataclass
from typing import Protocol, Self

import duckdb
import pyarrow

import shoal
from shoal.tpch.dataset import Dataset


@dataclass(frozen=True, slots=True)
class ShoalOptions:
    """How Shoal is run. ``url`` names a running coordinator; otherwise 0 ``executors`` is embedded, more are a local
    cluster. ``threads`` None leaves it to Shoal; ``memory`` is each executor's, as ``2GB``; ``settings`` go to SET."""

    url: str | None = None
    executors: int = 0
    threads: int | None = None
    memory: str | None = None
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def mode(self) -> str:
        """How it runs, in a few words."""
        if self.url is not None:
            return self.url
        return f"{self.executors} executors" if self.executors else "embedded"


class Contender(Protocol):
    """One engine with the tables of a data set."""

    name: str

    def answer(self, sql: str) -> pyarrow.Table:
        """Run one query and fetch all of its rows."""

    def close(self) -> None:
        """Stop the engine and free what it holds. Idempotent."""


class Duckdb:
    """Plain DuckDB in this process: the rival, and the oracle of answers."""

    name = "DuckDB"

    def __init__(self, dataset: Dataset, threads: int) -> None:
        self._connection = duckdb.connect(":memory:")
        self._connection.execute(f"SET threads = {threads}")
        self._connection.execute("SET enable_progress_bar = false")
        self._connection.execute("SET python_enable_replacements = false")
        for table in dataset.tables:
            path = dataset.pattern(table).replace("'", "''")
            self._connection.execute(f"CREATE VIEW {table} AS FROM read_parquet('{path}')")

    def answer(self, sql: str) -> pyarrow.Table:
        """Run one query and fetch all of its rows."""
        return self._connection.sql(sql).to_arrow_table()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Shoal:
    """Shoal as its users run it: a connection, the tables registered by path, and a new cursor for each query.

    ``statistics`` is what it tells of the latest query.
    """

    name = "Shoal"

    def __init__(self, dataset: Dataset, options: ShoalOptions) -> None:
        self.statistics: shoal.QueryStatistics | None = None
        self._connection = connect(options)
        try:
            for name, value in options.settings:
                self._execute(f"SET {name} = {value}")
            for table in dataset.tables:
                self._connection.register(table, dataset.pattern(table))
        except BaseException:
            self._connection.close()
            raise

    def answer(self, sql: str) -> pyarrow.Table:
        """Run one query and fetch all of its rows."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            answer = cursor.fetch_arrow_table()
            self.statistics = cursor.statistics
            return answer

    def close(self) -> None:
        """Close the connection, and with it a local cluster."""
        self._connection.close()

    def _execute(self, sql: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(options: ShoalOptions) -> "shoal.Connection":
    """The connection that the options describe."""
    if options.url is not None:
        return shoal.connect(options.url)
    return shoal.connect(executors=options.executors, threads=options.threads, memory=options.memory)
