"""Looks for wrong answers: random statements, cut into tasks in random ways, compared with plain DuckDB.

``python -m tests.fuzz --seconds 60 [--seed N]``; each finding is printed with the seed that makes it again.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import duckdb
import pyarrow.parquet as pq

import shoal
from shoal.planner.rules import rule_names
from tests.engine.answer_oracle import Answer, difference, run
from tests.fuzz_queries import Generator, Statement

QUERIES = {
    "a": """
        SELECT i::BIGINT AS id, CASE WHEN hash(i) % 6 = 0 THEN NULL ELSE (hash(i, 1) % 40)::INTEGER END AS k,
               CASE WHEN hash(i, 2) % 10 < 8 THEN 7 ELSE (hash(i, 3) % 9)::INTEGER END AS g,
               CASE WHEN hash(i, 4) % 7 = 0 THEN NULL ELSE (hash(i, 5) % 400)::INTEGER / 4 - 50 END::DECIMAL(9, 2)
               AS x,
               CASE WHEN hash(i, 6) % 5 = 0 THEN NULL ELSE 'v' || (hash(i, 7) % 9) END AS s,
               CASE WHEN hash(i, 8) % 9 = 0 THEN NULL ELSE DATE '2020-01-01' + (hash(i, 9) % 90)::INTEGER END AS d,
               CASE hash(i, 10) % 3 WHEN 0 THEN true WHEN 1 THEN false END AS b
        FROM range(1400) AS r(i)""",
    "b": """
        SELECT (i * 2)::BIGINT AS id, CASE WHEN hash(i, 20) % 8 = 0 THEN NULL ELSE (hash(i, 21) % 60)::SMALLINT END
               AS k,
               ((hash(i, 22) % 300)::INTEGER / 8)::DECIMAL(12, 3) AS y,
               CASE WHEN hash(i, 23) % 4 = 0 THEN NULL ELSE 'v' || (hash(i, 24) % 12) END AS s,
               DATE '2020-01-01' + (i // 12)::INTEGER AS d
        FROM range(1100) AS r(i)""",
    "c": """
        SELECT CASE WHEN i % 5 = 0 THEN NULL ELSE i % 30 END::BIGINT AS k, (i % 4)::UTINYINT AS w,
               CASE WHEN i % 3 = 0 THEN NULL ELSE 'v' || (i % 8) END AS s, i % 2 = 0 AS b
        FROM range(45) AS r(i)""",
    "e": "SELECT 1::INTEGER AS k, 'v' AS s WHERE false",
}
NEEDED_RULES = frozenset({"decorrelate_subqueries"})
MOST_ROWS = 100_000
"""Statements whose answer has more rows are passed over, as comparing them takes longer than it is worth."""
MOST_SECONDS = 0.5
"""Statements that take plain DuckDB longer are passed over too."""
OUR_TIMEOUT = 30
"""Seconds after which a statement of ours has failed."""


@dataclass(frozen=True)
class Finding:
    """A statement that went wrong: the settings, and what was wrong."""

    seed: int
    settings: tuple[tuple[str, str], ...]
    sql: str
    message: str

    def __str__(self) -> str:
        settings = " ".join(f"SET {name} = '{value}';" for name, value in self.settings)
        return f"seed {self.seed}: {self.message}\n{settings}\n{self.sql};\n"


class Fuzzer:
    """Owns the data, plain DuckDB, and a connection to Shoal."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="shoal_fuzz_")
        self.duck = duckdb.connect(config={"arrow_output_version": "1.5"})
        self.duck.execute("SET threads = 1")
        self._connection = shoal.connect(threads=1)
        for name, query in QUERIES.items():
            path = Path(self._folder.name) / f"{name}.parquet"
            pq.write_table(self.duck.sql(query).to_arrow_table(), path, row_group_size=200)
            self.duck.execute(f"CREATE TABLE {name} AS FROM '{path}'")
            self._connection.register(name, path)
        self._set("distribute", "always")
        self._set("check_plans", "on")
        self._set("timeout", str(OUR_TIMEOUT))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self.duck.close()
        self._folder.cleanup()

    def findings(self, first_seed: int, seconds: float, most: int = sys.maxsize) -> Iterator[Finding | None]:
        """One item for each statement tried, until the time is over: what is wrong with it, or None."""
        end = time.monotonic() + seconds
        for seed in range(first_seed, first_seed + most):
            if time.monotonic() > end:
                return
            yield self.attempt(seed)

    def attempt(self, seed: int) -> Finding | None:
        """Try the statement of one seed."""
        choices = random.Random(~seed)
        rules = [name for name in rule_names() if name not in NEEDED_RULES]
        settings = (
            ("partitions", str(choices.choice((1, 2, 3, 5, 7)))),
            ("join_strategy", choices.choice(("auto", "auto", "broadcast", "partitioned"))),
            ("disabled_rules", choices.choice(("", "", "use_clustering", choices.choice(rules)))),
        )
        for name, value in settings:
            self._set(name, value)
        statement = Generator(seed).statement()
        try:
            message = self._tlp(statement) if statement.tlp else self._differential(statement)
        except Exception as error:  # noqa: BLE001 - anything that escapes is a finding
            message = f"{type(error).__name__}: {error}"
        if message is None:
            return None
        return Finding(seed, settings, statement.sql or " WHERE ".join(statement.tlp or ()), message)

    def _set(self, name: str, value: str) -> None:
        self._connection.execute(f"SET {name} = '{value}'")

    def _differential(self, statement: Statement) -> str | None:
        theirs = self._plain(statement.sql)
        if theirs is None:
            return None
        return difference(run(self._connection, statement.sql), theirs, statement.sql)

    def _tlp(self, statement: Statement) -> str | None:
        """Ternary logic partitioning: the rows for which a predicate is true, false and NULL are all rows."""
        assert statement.tlp is not None
        head, predicate = statement.tlp
        wheres = (f"({predicate})", f"NOT ({predicate})", f"({predicate}) IS NULL")
        whole = self._plain(head)
        if whole is None or whole.table is None or whole.table.num_rows > MOST_ROWS // 10:
            return None
        if any(self._plain(f"{head} WHERE {where}") is None for where in wheres):
            return None
        parts: Counter[str] = Counter()
        for where in wheres:
            part = run(self._connection, f"{head} WHERE {where}")
            if part.table is None:
                return part.error
            parts.update(map(repr, part.table.to_pylist()))
        all_rows = Counter(map(repr, whole.table.to_pylist()))
        return None if parts == all_rows else f"parts have {parts.total()} rows, the whole {all_rows.total()}"

    def _plain(self, sql: str) -> Answer | None:
        """DuckDB's answer; None if that is too much."""
        watchdog = threading.Timer(MOST_SECONDS, self.duck.interrupt)
        watchdog.start()
        try:
            columns = self.duck.execute(f"DESCRIBE {sql}").fetchall()
            table = self.duck.sql(f"FROM ({sql}) LIMIT {MOST_ROWS + 1}").to_arrow_table()
        except (duckdb.InterruptException, RuntimeError):
            return None
        except duckdb.Error as error:
            return Answer(error=f"{type(error).__name__}: {error}")
        finally:
            watchdog.cancel()
            watchdog.join()
        if table.num_rows > MOST_ROWS:
            return None
        return Answer(tuple((str(row[0]), str(row[1])) for row in columns), table)


def main() -> int:
    """Run from the command line; the exit code says whether anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None, help="the first seed; by default the time of day")
    parser.add_argument("--count", type=int, default=sys.maxsize, help="at most so many statements")
    arguments = parser.parse_args()
    seed = int(time.time()) * 1000 if arguments.seed is None else arguments.seed
    tried, found = 0, 0
    with Fuzzer() as fuzzer:
        for finding in fuzzer.findings(seed, arguments.seconds, arguments.count):
            tried += 1
            if finding is not None:
                found += 1
                sys.stdout.write(f"{finding}\n")
                sys.stdout.flush()
    sys.stdout.write(f"{tried} statements from seed {seed}: {found} went wrong\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
