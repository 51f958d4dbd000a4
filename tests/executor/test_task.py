"""Tasks: the answers of plain DuckDB through scans, exchanges and partitions, and a clean end however they end."""

import json
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from shoal.executor.cancellation import CancelToken
from shoal.executor.faults import Fault, FaultKind, installed, parse_faults
from shoal.planner.errors import (
    BindError,
    DataError,
    Error,
    ExecutorLost,
    FetchFailed,
    InterfaceError,
    InternalError,
    InvariantViolated,
    OutOfMemory,
    QueryCancelled,
    SettingError,
    SourceChanged,
    SourceNotFound,
)
from shoal.planner.source import Field
from shoal.planner.stage import FileRange, OutputFile, OutputPartitioning, Split, TaskExchange, TaskScan, TaskSpec
from tests.executor.node import Node, describe, parquet, whole

MakeNode = Callable[..., Node]
ENDLESS = "SELECT count(*) AS n FROM range(10000000) a, range(10000000) b WHERE a.range * b.range % 7 = 1"
COUNT = (Field("n", "BIGINT"),)


def plain(sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(sql).fetchall()


def leftovers(node: Node) -> list[Path]:
    """Files of the shuffle store and the kernel."""
    owners = [node.store._memory, node.store._disk, node.kernel._spill]
    found = [path for owner in owners if owner is not None for path in owner.path.rglob("*")]
    return [path for path in found if path.is_file() and path.name != "owner.lock"]


@pytest.mark.parametrize("mmap", [True, False])
@pytest.mark.parametrize("shuffle_bytes", [64 << 20, 0])
def test_a_shuffled_aggregate(make_node: MakeNode, tpch_folder: Path, mmap: bool, shuffle_bytes: int) -> None:
    """Two nodes scan a half each, part it by key, and aggregate a part each."""
    nodes = [make_node(name, shuffle_bytes=shuffle_bytes) for name in ("one", "two")]
    path = tpch_folder / "lineitem.parquet"
    source = parquet(path)
    (file,) = source.files
    (rows,) = plain(f"SELECT count(*) FROM '{path}'")[0]
    columns = describe(f"SELECT l_partkey, l_quantity, l_comment FROM '{path}'")
    sql = "SELECT l_partkey, l_quantity, l_comment, (hash(l_partkey) % 3)::UTINYINT AS p FROM l"
    outputs = []
    for number, node in enumerate(nodes):
        split = Split((FileRange(file, number * (rows // 2), rows // 2 - 1 if number == 0 else None),))
        scan = TaskScan("l", source, ("l_partkey", "l_quantity", "l_comment"), split)
        outputs.append(node.run(node.task(sql, columns, scans=(scan,), output=OutputPartitioning(3, "p"))))
    assert sum(sum(output.rows) for output in outputs) == rows
    final = "SELECT l_partkey, sum(l_quantity) AS q, max(l_comment) AS c, count(*) AS n FROM {} GROUP BY l_partkey"
    shape = describe(final.format(f"'{path}'"))
    found: list[tuple[object, ...]] = []
    for partition in range(3):
        exchange = TaskExchange("x", columns, tuple(outputs), (partition,))
        node = nodes[partition % 2]
        found += node.rows(node.task(final.format("x"), shape, exchanges=(exchange,), mmap=mmap))
    assert sorted(found) == sorted(plain(final.format(f"'{path}'")))  # type: ignore[type-var]


def test_metrics(node: Node, tpch_folder: Path) -> None:
    path = tpch_folder / "orders.parquet"
    columns = describe(f"SELECT o_orderkey, o_comment FROM '{path}'")
    sql = "SELECT *, (o_orderkey % 2)::UTINYINT AS p FROM o"
    task = node.task(
        sql, columns, scans=(whole("o", parquet(path), "o_orderkey", "o_comment"),), output=OutputPartitioning(2, "p")
    )
    first = node.run(task)
    metrics = node.metrics[-1]
    assert metrics.rows_in == metrics.rows_out == sum(first.rows) == 15_000
    assert 0 < metrics.bytes_in <= path.stat().st_size
    assert metrics.bytes_out == sum(first.bytes) > 15_000 * 20
    assert metrics.seconds > 0
    assert metrics.cpu_seconds > 0
    assert metrics.peak_memory_bytes > 0
    assert metrics.spilled_bytes == 0
    counting = node.task("SELECT count(*) AS n FROM x", COUNT, exchanges=(node.exchange("x", first, columns, 1),))
    assert node.rows(counting) == [(first.rows[1],)]
    assert node.metrics[-1].rows_in == first.rows[1]
    assert node.metrics[-1].bytes_in == first.bytes[1]


def test_an_exchange_read_twice(node: Node) -> None:
    columns = (Field("k", "BIGINT"),)
    first = node.run(node.task("SELECT range AS k FROM range(1000)", columns))
    sql = "WITH y AS (SELECT * FROM x WHERE k < 10) SELECT count(*) AS n FROM x JOIN y USING (k)"
    for mmap in (True, False):
        task = node.task(sql, COUNT, exchanges=(node.exchange("x", first, columns),), mmap=mmap)
        assert node.rows(task) == [(10,)]


@pytest.mark.parametrize("shuffle_bytes", [512 << 20, 0])
def test_inputs_larger_than_memory_go_through_the_kernel(make_node: MakeNode, shuffle_bytes: int) -> None:
    """What is not mapped becomes a table that the kernel can spill, and can still be read twice."""
    node = make_node(memory_bytes=96 << 20, shuffle_bytes=shuffle_bytes)
    columns = (Field("k", "BIGINT"), Field("h", "HUGEINT"), Field("s", "VARCHAR"))
    made = "SELECT range AS k, range::HUGEINT AS h, md5(range::VARCHAR) AS s FROM range(1500000)"
    first = node.run(node.task(made, columns))
    sql = "SELECT count(*) AS n, sum(a.h) AS h, max(b.s) AS s FROM x a JOIN x b ON a.k = b.k AND b.k % 1000 = 0"
    shape = (Field("n", "BIGINT"), Field("h", "HUGEINT"), Field("s", "VARCHAR"))
    task = node.task(sql, shape, exchanges=(node.exchange("x", first, columns),), mmap=False)
    expected = plain(sql.replace("x a", f"({made}) a").replace("x b", f"({made}) b"))
    assert node.rows(task) == expected
    assert pa.total_allocated_bytes() < 80 << 20
    assert node.metrics[-1].bytes_in == sum(first.bytes)
    assert node.metrics[-1].spilled_bytes > 0


def test_an_input_without_files_or_rows(node: Node) -> None:
    columns = (Field("k", "BIGINT"), Field("u", "UUID"))
    empty = node.run(node.task("SELECT range AS k, uuid() AS u FROM range(0)", columns))
    sql = "SELECT count(*) AS n, typeof(any_value(u)) AS t FROM x"
    for files in ((), (empty,)):
        exchange = TaskExchange("x", columns, files, (0,))
        task = node.task(sql, (*COUNT, Field("t", "VARCHAR")), exchanges=(exchange,))
        assert node.rows(task) == [(0, "UUID")]


def test_views_settings_and_limits_with_an_order(node: Node) -> None:
    sql = "SELECT k, date_part('hour', t) AS h FROM v ORDER BY k DESC LIMIT 3"
    task = node.task(
        sql,
        (Field("k", "BIGINT"), Field("h", "BIGINT")),
        setup=(
            ("u", "SELECT range AS k FROM range(100)"),
            ("v", "SELECT k, TIMESTAMPTZ '2024-01-01 00:00:00+00' AS t FROM u"),
        ),
        settings=(("TimeZone", "'Asia/Tokyo'"),),
    )
    assert node.rows(task) == [(99, 9), (98, 9), (97, 9)]
    with pytest.raises(SettingError):
        node.run(node.task("SELECT 1 AS n", COUNT, settings=(("no_such", "1"),)))


def test_results_keep_the_order_of_plain_duckdb(node: Node, tpch_folder: Path) -> None:
    path = tpch_folder / "lineitem.parquet"
    source = parquet(path)
    for sql in (
        "SELECT l_orderkey, l_comment FROM l",
        "SELECT l_orderkey, l_comment FROM l WHERE l_quantity < 10 LIMIT 1000",
        "SELECT l_orderkey, l_comment FROM l ORDER BY l_extendedprice DESC, l_orderkey, l_linenumber",
    ):
        task = node.task(sql, describe(sql.replace("FROM l", f"FROM '{path}'")), scans=(whole("l", source),))
        assert node.rows(task) == plain(sql.replace("FROM l", f"FROM '{path}'"))


def leaves(plan: list[dict[str, Any]]) -> list[int]:
    """The rows of the scans of a plan, probe sides first."""
    found = []
    for node in plan:
        found += leaves(node["children"]) or [int(node["extra_info"]["Estimated Cardinality"])]
    return found


def test_joins_keep_the_written_order_in_tasks(node: Node) -> None:
    """With the join optimizers off, the order of joins and the build side (the right one) are the plan's."""
    columns = (Field("k", "BIGINT"),)
    inputs = []
    for name, rows in (("small", 10), ("big", 50_000), ("middle", 1_000)):
        output = node.run(node.task(f"SELECT range AS k FROM range({rows})", columns))
        inputs.append(node.exchange(name, output, columns))
    sql = "SELECT count(*) FROM small JOIN big ON small.k = big.k JOIN middle ON big.k = middle.k"
    shape = (Field("explain_key", "VARCHAR"), Field("explain_value", "VARCHAR"))
    scans = {}
    for join_order in (True, False):
        explain = f"EXPLAIN (FORMAT json) {sql}"
        task = node.task(explain, shape, exchanges=tuple(inputs), kernel_join_order=join_order)
        ((_, plan),) = node.rows(task)
        scans[join_order] = leaves(json.loads(str(plan)))
    assert scans[False] == [10, 50_000, 1_000]
    assert scans[True][0] == 50_000


def test_tasks_side_by_side(node: Node) -> None:
    """Each with views of the same names, settings of its own, and either way of joining."""

    def work(number: int) -> list[tuple[object, ...]]:
        zone = ("'Asia/Tokyo'", "'UTC'")[number % 2]
        task = node.task(
            "SELECT sum(k) + date_part('hour', TIMESTAMPTZ '2024-01-01 00:00:00+00') AS n FROM v",
            (Field("n", "HUGEINT"),),
            setup=(("v", f"SELECT range + {number} AS k FROM range(1000)"),),
            settings=(("TimeZone", zone),),
            kernel_join_order=number % 3 == 0,
        )
        return node.rows(task)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(work, range(24)))
    assert found == [[(499_500 + 1000 * number + (0 if number % 2 else 9),)] for number in range(24)]


def test_cancel_stops_the_kernel_and_leaves_nothing(node: Node) -> None:
    token = CancelToken()
    threading.Timer(0.3, token.cancel).start()
    started = time.monotonic()
    with pytest.raises(QueryCancelled) as caught:
        node.run(node.task(ENDLESS, COUNT), token)
    assert time.monotonic() - started < 1.5
    assert caught.value.context.task is not None
    assert not leftovers(node)


def test_cancel_in_the_middle_of_the_output(node: Node) -> None:
    token = CancelToken()
    task = node.task("SELECT range AS n FROM range(100000000000)", COUNT)
    threading.Timer(0.3, token.cancel).start()
    with pytest.raises(QueryCancelled):
        node.run(task, token)
    assert not leftovers(node)
    assert node.store.usage().memory_bytes == node.store.usage().disk_bytes == 0


def test_cancel_before_the_start_and_after_the_end(node: Node) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(QueryCancelled):
        node.run(node.task("SELECT 1 AS n", COUNT), token)
    late = CancelToken()
    output = node.run(node.task("SELECT 1 AS n", COUNT), late)
    late.cancel()
    assert output.rows == (1,)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1 // (range - 150000) AS n FROM range(200000)", DataError),
        ("SELECT (9223372036854775807 - 150000) + range AS n FROM range(200000)", DataError),
        ("SELECT CASE WHEN range < 150000 THEN range ELSE error('boo') END AS n FROM range(200000)", DataError),
        ("SELECT nosuch AS n", BindError),
    ],
)
def test_errors_of_the_statement(node: Node, sql: str, expected: type[Error]) -> None:
    with pytest.raises(expected) as caught:
        node.run(node.task(sql, COUNT))
    context = caught.value.context
    assert context.query is not None
    assert context.stage == 0
    assert context.task is not None
    assert not leftovers(node)


def test_too_little_memory(make_node: MakeNode) -> None:
    node = make_node(memory_bytes=64 << 20)
    sql = "SELECT count(*) AS n FROM (SELECT list(range) AS l FROM range(50000000)) WHERE len(l) > 0"
    with pytest.raises(OutOfMemory):
        node.run(node.task(sql, COUNT))
    assert not leftovers(node)
    assert node.rows(node.task("SELECT 1 AS n", COUNT)) == [(1,)]


def test_too_little_disk(make_node: MakeNode) -> None:
    node = make_node(shuffle_bytes=1 << 20, disk_budget=2 << 20)
    with pytest.raises(OutOfMemory, match="budget"):
        node.run(node.task("SELECT md5(range::VARCHAR) AS n FROM range(500000)", (Field("n", "VARCHAR"),)))
    assert not leftovers(node)


def test_a_file_that_changes_while_the_task_runs(node: Node, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    duckdb.sql("SELECT range AS k FROM range(1000)").write_parquet(str(path))
    task = node.task("SELECT count(*) AS n FROM a", COUNT, scans=(whole("a", parquet(path)),))
    for change, expected in ((lambda: os.utime(path), SourceChanged), (path.unlink, SourceNotFound)):
        with installed(Fault("task.before_finish", FaultKind.HANG, 0.5)):
            timer = threading.Timer(0.2, change)
            timer.start()
            with pytest.raises(expected):
                node.run(replace(task, scans=(whole("a", parquet(path)),)) if path.exists() else task)
            timer.join()
    assert not leftovers(node)


def test_a_lost_input(node: Node) -> None:
    columns = (Field("k", "BIGINT"),)
    first = node.run(node.task("SELECT range AS k FROM range(1000)", columns))
    node.store.drop_output(first.task)
    for mmap in (True, False):
        task = node.task(
            "SELECT count(*) AS n FROM x", COUNT, exchanges=(node.exchange("x", first, columns),), mmap=mmap
        )
        with pytest.raises(FetchFailed) as caught:
            node.run(task)
        assert (caught.value.context.executor, caught.value.context.stage) == ("one", 0)


def test_an_input_that_is_lost_while_the_kernel_reads_it(make_node: MakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel pulls the stream and wraps what it raises; the task still says what it was."""
    monkeypatch.setattr("shoal.executor.task._HEAP_SHARE", 1 << 40)
    node = make_node(shuffle_bytes=0)
    columns = (Field("k", "BIGINT"),)
    first: OutputFile = node.run(node.task("SELECT range AS k FROM range(1000)", columns))
    content = bytearray(Path(first.path).read_bytes())
    content[len(content) // 2] ^= 255
    Path(first.path).write_bytes(content)
    task = node.task("SELECT count(*) AS n FROM x", COUNT, exchanges=(node.exchange("x", first, columns),))
    with pytest.raises(FetchFailed, match="checksum") as caught:
        node.run(task)
    assert caught.value.context.executor == "one"


def test_plans_that_do_not_fit_their_statement(node: Node) -> None:
    with pytest.raises(InvariantViolated, match="columns"):
        node.run(node.task("SELECT 1 AS a, 2 AS b", COUNT))
    with pytest.raises(InvariantViolated, match="integer"):
        node.run(node.task("SELECT 1 AS n, 'x' AS p", COUNT, output=OutputPartitioning(2, "p")))
    with pytest.raises(InvariantViolated, match="partition number"):
        node.run(node.task("SELECT 1 AS n, 5 AS p", COUNT, output=OutputPartitioning(2, "p")))
    with pytest.raises(InvariantViolated, match="partition number"):
        node.run(node.task("SELECT 1 AS n, NULL::INTEGER AS p", COUNT, output=OutputPartitioning(2, "p")))


@pytest.mark.parametrize("point", ["task.start", "task.before_run", "task.batch", "task.before_finish", "shuffle.open"])
def test_faults_leave_nothing(node: Node, point: str) -> None:
    columns = (Field("k", "BIGINT"),)
    first = node.run(node.task("SELECT range AS k FROM range(1000)", columns))
    before = len(leftovers(node))

    def again() -> TaskSpec:
        return node.task("SELECT k AS n FROM x", COUNT, exchanges=(node.exchange("x", first, columns),))

    for kind, expected in ((FaultKind.ERROR, InternalError), (FaultKind.LOST, ExecutorLost)):
        with installed(Fault(point, kind)), pytest.raises(expected, match=point):
            node.run(again())
        assert len(leftovers(node)) == before
    assert len(node.rows(again())) == 1000


def test_fault_rules(tmp_path: Path) -> None:
    assert parse_faults("") == ()
    assert parse_faults("a.b=error@3, c=hang(0.5),d=exit(9)") == (
        Fault("a.b", FaultKind.ERROR, 1.0, 3),
        Fault("c", FaultKind.HANG, 0.5, 1),
        Fault("d", FaultKind.EXIT, 9.0, 1),
    )
    for wrong in ("a", "a=boom", "=error", "a=error@x"):
        with pytest.raises(InterfaceError):
            parse_faults(wrong)


def test_large_strings(node: Node) -> None:
    """More text in one batch than 32-bit offsets can address."""
    if os.environ.get("SHOAL_LARGE_TESTS") is None:
        pytest.skip("takes 8 GB of memory; set SHOAL_LARGE_TESTS to run it")
    sql = "SELECT repeat('x', 30000000) AS s FROM range(80)"
    output = node.run(node.task(sql, (Field("s", "VARCHAR"),)))
    assert sum(output.bytes) > 2 << 30
