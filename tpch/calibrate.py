"""``python -m shoal.tpch.calibrate``: measure what the planner's price constants stand for, and print them.

The names are those of ``planner/cost/model.py``. Each is the difference between two runs that differ in one thing, in
CPU seconds of one thread, divided by the rows, values or bytes of that thing; the least of several runs counts. The
kernel's optimizers that would change what is measured (join orders, filters from one join side to the other) are off.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click
import duckdb
import pyarrow
import pyarrow.compute

import shoal

CELLS = 8
"""Columns of the wide table, of 8 bytes each."""

BYTES = 8.0 * CELLS
LABEL_BYTES = 18.0
"""Bytes of a value of its column of strings."""

BATCH_ROWS = 131_072
SMALL_ROWS = 1_000
"""Rows of the table whose hash table every cache holds."""

LABEL = "printf('Clerk#%012d', i % 100003) AS label"

SCARCE = 0.5
"""The share of its build side that a join has memory for, when what spilling costs is measured ..."""

SPILL_BASE = 48 << 20
"""... besides what the kernel needs for anything at all."""

UNWANTED = "join_order, build_side_probe_side, join_filter_pushdown, statistics_propagation, column_lifetime"

Constants = dict[str, float]


@dataclass(frozen=True, slots=True)
class Bench:
    """A kernel with the tables to measure with.

    ``wide`` has a unique key ``k`` in random order, ``few`` with 100 values, the columns ``c0`` to ``c7`` and
    a ``label``; ``small`` the first thousand keys; ``strange`` keys that are in neither.
    """

    connection: duckdb.DuckDBPyConnection
    folder: Path
    rows: int
    repeats: int

    def seconds(self, sql: str) -> float:
        """The CPU seconds of a statement."""
        return self.least(lambda: self.connection.execute(sql).fetchall())

    def arrow_seconds(self, sql: str) -> float:
        """The CPU seconds of a statement whose rows are wanted."""
        return self.least(lambda: self.connection.sql(sql).to_arrow_table())

    def least(self, work: Callable[[], object]) -> float:
        """The least CPU seconds of some runs."""
        taken: list[float] = []
        for _ in range(self.repeats):
            started = time.process_time()
            work()
            taken.append(time.process_time() - started)
        return min(taken)

    def each(self, more: str, less: str, count: float | None = None) -> float:
        """What one statement takes more than another for each of so many things, all rows if not given."""
        return max(0.0, self.seconds(more) - self.seconds(less)) / (count or self.rows)


def largest(columns: int, table: str = "") -> str:
    """A select list that looks at so many columns."""
    prefix = f"{table}." if table else ""
    return ", ".join(f"max({prefix}c{index})" for index in range(columns))


def scan_constants(bench: Bench) -> Constants:
    """Reading Parquet: what a file takes more than a table in memory; a byte is one of a number half the time."""
    path = bench.folder / "wide.parquet"
    bench.connection.execute(f"COPY wide TO '{path}' (FORMAT parquet)")
    source = f"read_parquet('{path}')"

    def extra(columns: str) -> float:
        read, held = (bench.seconds(f"SELECT {columns} FROM {table}") for table in (source, "wide"))
        return max(0.0, read - held) / bench.rows

    row = extra("max(few)")
    number = (extra(largest(CELLS)) - row) / BYTES
    text = (extra("max(label)") - row) / LABEL_BYTES
    again = bench.seconds(f"SELECT count(*) FROM {source} WHERE c0 < 0.5 AND c4 < 0.5") / bench.rows
    return {"SCAN_BYTE": max(0.0, number + text) / 2, "SCAN_ROW": row, "RESCAN_ROW": again}


def row_constants(bench: Bench) -> Constants:
    """What operators do with each row on its own."""
    filtered = bench.each("SELECT count(*) FROM wide WHERE c0 < 0.5", "SELECT count(c0) FROM wide")
    computed = bench.each("SELECT max(c1 * c5) FROM wide", "SELECT max(c1), max(c5) FROM wide")
    return {"FILTER_ROW": filtered, "PROJECT_CELL": computed}


def join_constants(bench: Bench) -> Constants:
    """Hash joins: the right side is built on."""
    plain = "SELECT count(k) FROM wide"
    build = "SELECT count(*) FROM strange JOIN wide USING (k)"
    probe = bench.each("SELECT count(*) FROM wide JOIN strange USING (k)", plain)
    row = max(0.0, bench.each("SELECT count(*) FROM wide JOIN small ON wide.few = small.k", plain) - probe)
    built = bench.each(build, plain)
    large = bench.each("SELECT count(*) FROM wide AS probe JOIN wide USING (k)", plain) - built - probe - row
    carried = bench.each(f"SELECT {largest(CELLS, 'wide')} FROM small JOIN wide USING (k)", build) / BYTES
    copied = bench.each(_matched(CELLS), _matched(1)) / (CELLS - 1)
    return {
        "BUILD_ROW": built,
        "BUILD_BYTE": carried,
        "PROBE_ROW": probe,
        "PROBE_MISS": max(0.0, large),
        "OUTPUT_ROW": row,
        "JOIN_CELL": copied,
    }


def _matched(columns: int) -> str:
    return f"SELECT {largest(columns, 'small')} FROM wide JOIN small ON wide.few = small.k"


def pair_constants(bench: Bench) -> Constants:
    """Joins that compare every row with every other one."""
    pairs = "SELECT count(*) FROM (FROM wide LIMIT 20000) AS a JOIN small ON a.c0 + small.c0 < -1"
    return {"NESTED_PAIR": bench.seconds(pairs) / 20_000 / SMALL_ROWS}


def group_constants(bench: Bench) -> Constants:
    """Aggregates, sorts, windows."""
    plain = "SELECT count(few), max(c0) FROM wide"
    grouped = "SELECT max(m) FROM (SELECT {0}, max(c0) AS m FROM wide GROUP BY {0})"
    row = bench.each(grouped.format("few"), plain)
    window = "SELECT max(place) FROM (SELECT row_number() OVER (PARTITION BY few ORDER BY c0) AS place FROM wide)"
    ordered = bench.arrow_seconds("SELECT c0 FROM wide ORDER BY c0") - bench.arrow_seconds("SELECT c0 FROM wide")
    return {
        "GROUP_ROW": row,
        "GROUP_NEW": max(0.0, bench.each(grouped.format("k"), plain) - row),
        "SORT_ROW": max(0.0, ordered) / bench.rows,
        "WINDOW_ROW": bench.each(window, plain),
    }


def exchange_constants(bench: Bench) -> Constants:
    """Parting batches by the hash of a key, writing them to an Arrow file, and reading that through memory mapping."""
    query = "SELECT (hash(k) % 8)::UTINYINT AS part, * EXCLUDE label FROM wide"
    batches = list(bench.connection.sql(query).to_arrow_reader(BATCH_ROWS))
    keys = [batch.select(["part", "k"]) for batch in batches]
    parted = bench.least(lambda: [_parted(batch) for batch in keys])
    hashed = bench.each("SELECT max((hash(k) % 8)::UTINYINT) FROM wide", "SELECT max(k) FROM wide")
    whole = bench.least(lambda: [_parted(batch) for batch in batches])
    path = bench.folder / "wide.arrow"
    written = bench.least(lambda: _write(path, batches))
    with pyarrow.memory_map(str(path)) as source:
        mapped = pyarrow.ipc.open_file(source).read_all()
        bench.connection.register("mapped", mapped)
        read = bench.each(
            f"SELECT {largest(CELLS)} FROM mapped", f"SELECT {largest(1)} FROM mapped", bench.rows * (BYTES - 8)
        )
        bench.connection.unregister("mapped")
        del mapped
    taken = max(0.0, whole - parted) / bench.rows / BYTES
    return {
        "SEND_ROW": hashed + parted / bench.rows,
        "SEND_BYTE": taken + written / bench.rows / BYTES,
        "RECEIVE_BYTE": read,
    }


def _parted(batch: pyarrow.RecordBatch) -> pyarrow.RecordBatch:
    return batch.take(pyarrow.compute.array_sort_indices(batch.column("part")))


def _write(path: Path, batches: list[pyarrow.RecordBatch]) -> None:
    with pyarrow.OSFile(str(path), "wb") as sink, pyarrow.ipc.new_file(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def spill_constants(bench: Bench) -> Constants:
    """A join of the wide file with itself, with plenty of memory and with half of what its build side takes."""
    path = bench.folder / "wide.parquet"
    join = f"SELECT {largest(CELLS, 'build')}, max(probe.c0) FROM '{path}' AS probe JOIN '{path}' AS build USING (k)"
    bytes_built, bytes_probed = bench.rows * (BYTES + 8), bench.rows * 16.0
    taken: list[float] = []
    for limit in (bytes_built * 8, bytes_built * SCARCE + SPILL_BASE):
        with duckdb.connect() as connection:
            _prepare(connection, bench.folder)
            connection.execute(f"SET memory_limit = '{int(limit)}B'")
            try:
                taken.append(replace(bench, connection=connection).seconds(join))
            except duckdb.OutOfMemoryException:
                return {}
    return {"SPILL_BYTE": max(0.0, taken[1] - taken[0]) / ((bytes_built + bytes_probed) * (1 - SCARCE))}


def stage_constants(bench: Bench) -> Constants:
    """Statements over next to no rows on a local cluster: what each stage adds, in seconds of wall time."""
    path = bench.folder / "small.parquet"
    bench.connection.execute(f"COPY small TO '{path}' (FORMAT parquet)")
    sql = f"SELECT k % 10, count(*) FROM '{path}' GROUP BY 1"
    with shoal.connect(executors=2, threads=1) as connection, connection.cursor() as cursor:
        taken = {choice: _wall_seconds(cursor, choice, sql, bench.repeats * 5) for choice in ("always", "never")}
        cursor.execute("SET distribute = 'always'")
        cursor.execute(f"EXPLAIN {sql}")
        text = "\n".join(str(row[-1]) for row in cursor.fetchall())
    stages = sum(line.startswith("stage ") for line in text.splitlines())
    return {"STAGE_SECONDS": max(0.0, taken["always"] - taken["never"]) / max(1, stages - 1)}


def _wall_seconds(cursor: shoal.Cursor, distribute: str, sql: str, repeats: int) -> float:
    cursor.execute(f"SET distribute = '{distribute}'")
    taken: list[float] = []
    for _ in range(repeats):
        started = time.perf_counter()
        cursor.execute(sql)
        cursor.fetchall()
        taken.append(time.perf_counter() - started)
    return min(taken)


MEASURES = (
    scan_constants,
    row_constants,
    join_constants,
    pair_constants,
    group_constants,
    exchange_constants,
    spill_constants,
    stage_constants,
)


@contextmanager
def bench_of(rows: int, repeats: int) -> Iterator[Bench]:
    """A kernel with one thread and the tables, in a folder that goes with it."""
    with tempfile.TemporaryDirectory(prefix="calibrate-") as name, duckdb.connect() as connection:
        folder = Path(name)
        _prepare(connection, folder)
        cells = ", ".join(_cell(index) for index in range(CELLS))
        connection.execute(
            f"CREATE TABLE wide AS SELECT i AS k, i % 100 AS few, {cells}, {LABEL}"
            f" FROM range({rows}) AS t(i) ORDER BY hash(i)"
        )
        connection.execute(f"CREATE TABLE small AS SELECT * FROM wide WHERE k < {SMALL_ROWS}")
        connection.execute(f"CREATE TABLE strange AS SELECT -1 - k AS k FROM range({SMALL_ROWS}) AS t(k)")
        yield Bench(connection, folder, rows, repeats)


def _prepare(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    for setting in (
        "threads = 1",
        "enable_progress_bar = false",
        "python_enable_replacements = false",
        "preserve_insertion_order = false",
        f"temp_directory = '{folder / 'spilled'}'",
        f"disabled_optimizers = '{UNWANTED}'",
    ):
        connection.execute(f"SET {setting}")


def _cell(index: int) -> str:
    """Columns as tables have them: numbers with many values and with few, decimals among them."""
    values = (
        "random()",
        "(random() * 100000)::DECIMAL(15, 2)",
        "(random() * 50)::DECIMAL(15, 2)",
        "(random() * 2000)::BIGINT",
    )
    return f"{values[index % len(values)]} AS c{index}"


@click.command(name="calibrate")
@click.option("--rows", type=click.IntRange(min=SMALL_ROWS), default=2_000_000, show_default=True)
@click.option("--repeats", type=click.IntRange(min=1), default=3, show_default=True, help="Runs; the least counts.")
def calibrate(rows: int, repeats: int) -> None:
    """Print the planner's price constants as this machine has them."""
    with bench_of(rows, repeats) as bench:
        for measure in MEASURES:
            for name, value in measure(bench).items():
                click.echo(f"{name} = {value:.2g}")


if __name__ == "__main__":
    calibrate(prog_name="python -m shoal.tpch.calibrate")
