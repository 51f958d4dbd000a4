"""Measures predicates and key columns on a few rows of a table, while a statement is planned.

About 16,000 rows are looked at: runs of neighbours from the beginnings of row groups that are spread over the table.
The rows are kept, so that the next predicate over them costs one small query. Nothing here raises: what fails, or takes
longer than the time that a statement may spend, is not known.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import duckdb

from shoal.executor.kernel_types import quote
from shoal.executor.shuffle.registry import ArrowRegistry
from shoal.planner.protocols import ColumnSample, SampledStatistics, TableStatistics
from shoal.planner.source import ArrowSource, FileFormat, FileIdentity, FileSource, TableSource
from shoal.sample_estimates import column_sample, find_banded
from shoal.sample_rows import Footers, SampleRows, read_arrow_rows, read_parquet_rows

LEAST_ROWS = 100_000
"""Rows from which a table is worth a sample."""

STATEMENT_SECONDS = 0.05
"""When a statement has spent so much on samples, no further one is begun."""

SAMPLE_SECONDS = 0.05
"""What one sample may take."""

MOST_TRIES = 3
"""How often a sample that took too long is tried again."""

QUANTILES = 128
"""Ranges into which a sample is parted for borders."""

COMMON_VALUES = 8
"""Values of a key column that are looked at for being common ..."""

COMMON_SHARE = 0.01
"""... and the share of the sampled rows that they must have."""

KEPT_ANSWERS = 4096
KEPT_TABLES = 64

Identity = tuple[FileIdentity, ...] | str
Answer = tuple[Identity, tuple[str, ...], frozenset[str]]
K = TypeVar("K")
V = TypeVar("V")


class Budget:
    """The time that one statement has left for samples."""

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = STATEMENT_SECONDS if seconds is None else seconds


class TableSampler:
    """Samples of one session's tables by the identity of their files. Every method may be called from any thread."""

    def __init__(
        self, registry: ArrowRegistry, footers: Footers, cursor: Callable[[], duckdb.DuckDBPyConnection]
    ) -> None:
        self._registry = registry
        self._footers = footers
        self._cursor = cursor
        self._lock = threading.Lock()
        self._late: dict[Answer, int] = {}
        self._rows: OrderedDict[Identity, SampleRows] = OrderedDict()
        self._answers: OrderedDict[Answer, SampledStatistics | None] = OrderedDict()
        self._quantiles: OrderedDict[tuple[Identity, str], tuple[object, ...]] = OrderedDict()

    def sample(
        self,
        source: TableSource,
        known: TableStatistics,
        terms: tuple[str, ...],
        columns: frozenset[str],
        keys: frozenset[str],
        budget: Budget,
    ) -> SampledStatistics | None:
        """What a sample tells of terms over ``columns``, and of ``keys``; None if nothing."""
        identity = _identity(source)
        if identity is None or known.rows < LEAST_ROWS:
            return None
        with self._lock:
            answer = (identity, terms, keys)
            if answer in self._answers:
                self._answers.move_to_end(answer)
                return self._answers[answer]
            if budget.seconds <= 0:
                return None
            started = time.monotonic()
            deadline = started + SAMPLE_SECONDS
            try:
                found = self._measure(source, identity, known, terms, columns, keys, deadline)
            except Exception:  # noqa: BLE001 - a predicate, a file or the kernel can fail in any way; it costs a guess
                found = None
            budget.seconds -= time.monotonic() - started
            if found is not None or time.monotonic() < deadline or self._is_hopeless(answer):
                _keep(self._answers, answer, found, KEPT_ANSWERS)
            return found

    def quantiles(
        self, source: TableSource, known: TableStatistics, expression: str, columns: frozenset[str], budget: Budget
    ) -> tuple[object, ...]:
        """Values of an expression that part the sampled rows into ``QUANTILES`` equal ranges; nothing if that fails."""
        identity = _identity(source)
        if identity is None or known.rows < LEAST_ROWS:
            return ()
        with self._lock:
            key = (identity, expression)
            if key not in self._quantiles and budget.seconds > 0:
                started = time.monotonic()
                try:
                    found = self._parted(source, identity, known, expression, columns, started + SAMPLE_SECONDS)
                except Exception:  # noqa: BLE001 - see above
                    found = ()
                took = time.monotonic() - started
                budget.seconds -= took
                if found or took < SAMPLE_SECONDS:
                    _keep(self._quantiles, key, found, KEPT_ANSWERS)
            return self._quantiles.get(key, ())

    def _parted(
        self,
        source: TableSource,
        identity: Identity,
        known: TableStatistics,
        expression: str,
        columns: frozenset[str],
        deadline: float,
    ) -> tuple[object, ...]:
        rows = self._read(source, identity, known, columns, deadline)
        if rows is None or not rows.count:
            return ()
        types = {field.name: field.type for field in source.columns}
        places = ", ".join(f"{number / QUANTILES}" for number in range(QUANTILES + 1))
        with _Deadline(self._cursor(), deadline) as kernel:
            kernel.register("sample", rows.table(columns))
            view = ", ".join(f"CAST({quote(name)} AS {types[name]}) AS {quote(name)}" for name in sorted(columns))
            query = f"SELECT quantile_disc({expression}, [{places}]) FROM (SELECT {view} FROM sample)"
            found = kernel.execute(query).fetchall()
        return tuple(found[0][0] or ())

    def _is_hopeless(self, answer: Answer) -> bool:
        """Count one more time that a sample took too long; whether that is enough."""
        self._late[answer] = self._late.get(answer, 0) + 1
        if len(self._late) > KEPT_ANSWERS:
            self._late.clear()
        return self._late.get(answer, 0) >= MOST_TRIES

    def close(self) -> None:
        """Free the rows; idempotent."""
        with self._lock:
            self._rows.clear()
            self._answers.clear()
            self._quantiles.clear()

    def _measure(
        self,
        source: TableSource,
        identity: Identity,
        known: TableStatistics,
        terms: tuple[str, ...],
        columns: frozenset[str],
        keys: frozenset[str],
        deadline: float,
    ) -> SampledStatistics | None:
        rows = self._read(source, identity, known, columns | keys, deadline)
        if rows is None or not rows.count:
            return None
        types = {field.name: field.type for field in source.columns}
        with _Deadline(self._cursor(), deadline) as kernel:
            kernel.register("sample", rows.table(columns | keys))
            view = ", ".join(f"CAST({quote(name)} AS {types[name]}) AS {quote(name)}" for name in columns | keys)
            relation = f"(SELECT sample_block, {view} FROM sample)"
            banded, matched = _measure_terms(kernel, relation, rows, terms, columns)
            found = {name: self._column(kernel, relation, rows, name, known.rows) for name in sorted(keys)}
        return SampledStatistics(
            rows.count, matched, banded, {name: item for name, item in found.items() if item is not None}
        )

    def _column(
        self, kernel: duckdb.DuckDBPyConnection, relation: str, rows: SampleRows, name: str, total: float
    ) -> ColumnSample | None:
        # Common everywhere: a value that fills one stretch of the rows says nothing of the others.
        common = f"FILTER (WHERE total >= {COMMON_SHARE * rows.count} AND blocks * 2 > {len(rows.sizes)})"
        counts = kernel.execute(
            "SELECT count(*), sum(total)::BIGINT, max(total), sum(blocks)::BIGINT, "
            f"max_by(key, total, {COMMON_VALUES}) {common}, max(total, {COMMON_VALUES}) {common} FROM ("
            "SELECT key, sum(here) AS total, count(*) AS blocks FROM ("
            f"SELECT {quote(name)} AS key, count(*) AS here FROM {relation} "
            f"WHERE {quote(name)} IS NOT NULL GROUP BY {quote(name)}, sample_block) GROUP BY key)"
        ).fetchall()
        distinct, present, most, in_blocks = (int(item or 0) for item in counts[0][:4])
        found = column_sample(rows.count, present, distinct, most, in_blocks, total)
        if found is None or not counts[0][4]:
            return found
        shares = [int(count) / rows.count for count in counts[0][5]]
        return replace(found, common_values=tuple(zip(counts[0][4], shares, strict=True)))

    def _read(
        self, source: TableSource, identity: Identity, known: TableStatistics, columns: frozenset[str], deadline: float
    ) -> SampleRows | None:
        rows = self._rows.get(identity)
        if rows is not None and columns <= rows.columns.keys():
            self._rows.move_to_end(identity)
            return rows
        wanted = tuple(sorted(columns if rows is None else columns - rows.columns.keys()))
        if isinstance(source, ArrowSource):
            table = self._registry.get(source.key)
            found = None if table is None else read_arrow_rows(table, wanted)
        else:
            at = None if rows is None else rows.blocks
            found = read_parquet_rows(source, known.row_groups, self._footers, wanted, at, deadline)
        if found is None:
            return None
        if rows is not None:
            found = rows.joined(found)
        _keep(self._rows, identity, found, KEPT_TABLES)
        return found


class _Deadline:
    """Interrupts a cursor when its time is over, and closes it at the end."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, deadline: float) -> None:
        self._cursor = connection
        self._timer = threading.Timer(max(0.001, deadline - time.monotonic()), connection.interrupt)
        self._timer.daemon = True

    def __enter__(self) -> duckdb.DuckDBPyConnection:
        self._timer.start()
        return self._cursor

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()
        self._cursor.close()


def _measure_terms(
    kernel: duckdb.DuckDBPyConnection,
    relation: str,
    rows: SampleRows,
    terms: tuple[str, ...],
    columns: frozenset[str],
) -> tuple[frozenset[int], int]:
    """The banded terms, and the rows for which all others are true."""
    if not terms:
        return frozenset(), rows.count
    every = " AND ".join(f"({term})" for term in terms)
    counted = ", ".join(f"count(*) FILTER (WHERE ({term}))" for term in (*terms, every))
    bounds = ", ".join(f"min({quote(name)}), max({quote(name)})" for name in sorted(columns))
    blocks = kernel.execute(
        f"SELECT count(*), {counted}, {bounds} FROM {relation} GROUP BY sample_block ORDER BY sample_block"
    ).fetchall()
    banded = find_banded(blocks, terms, sorted(columns))
    if not banded:
        return banded, sum(block[len(terms) + 1] for block in blocks)
    left = " AND ".join(f"({term})" for index, term in enumerate(terms) if index not in banded)
    if not left:
        return banded, rows.count
    matched = kernel.execute(f"SELECT count(*) FROM {relation} WHERE {left}").fetchall()
    return banded, int(matched[0][0])


def _identity(source: TableSource) -> Identity | None:
    """What a sample is kept under; None for what is not sampled."""
    match source:
        case ArrowSource():
            return source.key
        case FileSource() if source.format is FileFormat.PARQUET and source.uniform:
            return None if any("://" in file.path for file in source.files) else source.files
    return None


def _keep(cache: OrderedDict[K, V], key: K, value: V, most: int) -> None:
    cache[key] = value
    cache.move_to_end(key)
    while len(cache) > most:
        cache.popitem(last=False)
