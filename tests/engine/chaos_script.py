"""Queries while executors die: the queries, what plain DuckDB answers, and the one who kills. Seeded, so repeatable."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import psutil

import shoal

QUERIES = (
    """
    SELECT l_returnflag, l_linestatus, sum(l_quantity) AS q, avg(l_discount) AS d, count(*) AS n
    FROM lineitem GROUP BY ALL ORDER BY ALL
    """,
    """
    SELECT o_orderpriority, count(*) AS n, sum(l_extendedprice) AS s
    FROM orders JOIN lineitem ON o_orderkey = l_orderkey WHERE l_commitdate < l_receiptdate GROUP BY 1 ORDER BY 1
    """,
    """
    SELECT n_name, count(DISTINCT c_custkey) AS c, sum(o_totalprice) AS s
    FROM customer JOIN orders ON c_custkey = o_custkey JOIN nation ON c_nationkey = n_nationkey
    GROUP BY 1 ORDER BY 2 DESC, 1
    """,
    """
    SELECT l_orderkey, sum(l_quantity) AS q FROM lineitem GROUP BY 1 HAVING sum(l_quantity) > 200 ORDER BY 2 DESC, 1
    """,
    """
    SELECT p_brand, count(*) AS n FROM part
    WHERE p_partkey IN (SELECT l_partkey FROM lineitem WHERE l_quantity > 40) GROUP BY 1 ORDER BY 1
    """,
)
"""Several stages each: shuffled aggregates and joins, DISTINCT, semi-joins."""

Rows = list[tuple[object, ...]]


def expected_answers(folder: Path, queries: Sequence[str] = QUERIES) -> list[Rows]:
    """What plain DuckDB says."""
    with duckdb.connect() as duck:
        for path in sorted(folder.glob("*.parquet")):
            duck.execute(f"CREATE VIEW {path.stem} AS FROM '{path}'")
        return [duck.execute(query).fetchall() for query in queries]


def joined(connection: shoal.Connection) -> int:
    """How many executors the coordinator of a local cluster has."""
    return int(connection.backend._execution._cluster.shape().executors)


def executor_processes() -> list[psutil.Process]:
    """The executors that this process started."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "shoal.executor" in child.cmdline():
                found.append(child)
    return found


@dataclass(slots=True)
class Killer:
    """Kills executors with SIGKILL until it is told to stop: one at a time, now and then all.

    Waits each time until ``ready``: a cluster of which none ever comes up answers nothing.
    """

    random: random.Random
    shortest: float
    longest: float
    ready: Callable[[], bool]
    all_at_once: float = 0.1
    kills: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Kill in random moments; at most a few at a time, so that the cluster comes up again in between."""
        while not self.stopped.wait(self.random.uniform(self.shortest, self.longest)):
            alive = executor_processes()
            if not alive or not self.ready():
                continue
            victims = alive if self.random.random() < self.all_at_once else [self.random.choice(alive)]
            for victim in victims:
                with suppress(ProcessLookupError):
                    os.kill(victim.pid, signal.SIGKILL)
                    self.kills += 1


@contextmanager
def killing(killer: Killer) -> Iterator[None]:
    """The killer works inside the block."""
    thread = threading.Thread(target=killer.run)
    thread.start()
    try:
        yield
    finally:
        killer.stopped.set()
        thread.join()


@dataclass(slots=True)
class Outcome:
    """What became of the queries."""

    right: int = 0
    wrong: list[str] = field(default_factory=list)
    given_up: list[shoal.Error] = field(default_factory=list)
    slowest: float = 0.0


def run_queries(
    connection: shoal.Connection, answers: Sequence[Rows], seconds: float, chooser: random.Random
) -> Outcome:
    """Run queries one after another for a time. An error that may be tried again is counted, any other is raised."""
    outcome = Outcome()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        number = chooser.randrange(len(answers))
        started = time.monotonic()
        try:
            rows = connection.execute(QUERIES[number]).fetchall()
        except shoal.OperationalError as error:
            if not error.retryable and not isinstance(error, shoal.NoExecutors):
                raise
            outcome.given_up.append(error)
        else:
            if rows == answers[number]:
                outcome.right += 1
            else:
                outcome.wrong.append(QUERIES[number])
        outcome.slowest = max(outcome.slowest, time.monotonic() - started)
    return outcome
