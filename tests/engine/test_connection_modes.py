"""Importing is light, and the same statements run in this process and on a local cluster."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

import shoal

ENDLESS = "SELECT count(*) FROM range(100000000000) AS a(i), range(1000) AS b(j) WHERE (i * j) % 7 = 3"


def test_importing_loads_nothing_heavy() -> None:
    heavy = "duckdb pyarrow sqlglot pandas polars grpc rich prompt_toolkit asyncio".split()
    code = f"import sys, shoal; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_the_module_has_what_it_names() -> None:
    assert all(getattr(shoal, name) is not None for name in shoal.__all__)
    with pytest.raises(AttributeError):
        _ = shoal.no_such_name  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def cluster(tpch_folder: Path) -> Iterator[shoal.Connection]:
    with shoal.connect("shoal://?executors=2&threads=1", data=str(tpch_folder), verify=True) as opened:
        yield opened


pytestmark = pytest.mark.timeout(90)


@pytest.mark.cluster
@pytest.mark.parametrize("distribute", ["auto", "always", "never"])
def test_a_cluster_answers(cluster: shoal.Connection, distribute: str) -> None:
    cluster.execute(f"SET distribute = {distribute}")
    sql = (
        "SELECT o_orderpriority, count(*) AS n, sum(l_quantity) AS q, max(INTERVAL 1 DAY * l_linenumber) AS i "
        "FROM orders JOIN lineitem ON o_orderkey = l_orderkey WHERE l_tax > ? GROUP BY 1 ORDER BY 1"
    )
    with cluster.execute(sql, [0.05]) as cursor:
        assert len(cursor.fetchall()) == 5
        assert cursor.rowcount == 5
    assert len(cluster.execute(sql, [0.05]).fetch_arrow_table()) == 5


@pytest.mark.cluster
def test_a_cluster_reads_registered_data(cluster: shoal.Connection) -> None:
    cluster.register("mine", pa.table({"k": [1, 2], "v": ["x", "y"]}))
    cluster.execute("CREATE OR REPLACE VIEW doubled AS SELECT k * 2 AS k FROM mine")
    sql = "SELECT sum(d.k), any_value(o_orderkey IS NOT NULL) FROM doubled AS d, orders WHERE o_orderkey = 1"
    assert cluster.execute(sql).fetchall() == [(6, True)]


@pytest.mark.cluster
def test_a_cluster_cancels(cluster: shoal.Connection) -> None:
    cursor = cluster.cursor()
    timer = threading.Timer(0.3, cursor.cancel)
    timer.start()
    with pytest.raises(shoal.QueryCancelled) as caught:
        cursor.execute(ENDLESS)
    timer.join()
    assert caught.value.query_id == cursor.query_id
    cluster.execute("SET timeout = '300ms'")
    try:
        with pytest.raises(shoal.QueryTimeout):
            cursor.execute(ENDLESS)
    finally:
        cluster.execute("RESET timeout")
    assert cursor.execute("SELECT 1").fetchall() == [(1,)]


@pytest.mark.cluster
def test_explain_analyze_names_tasks(cluster: shoal.Connection) -> None:
    cluster.execute("SET distribute = always")
    text = "\n".join(row[0] for row in cluster.execute("EXPLAIN ANALYZE SELECT count(*) FROM lineitem"))
    assert "stage 0: 2 tasks" in text
    assert "on local-1" in text or "on local-2" in text
    assert "60,175 rows in" in text or "rows in" in text


@pytest.mark.cluster
def test_a_cluster_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    memory = Path("/dev/shm")
    before = set(memory.glob("shoal-*")) if memory.is_dir() else set()
    with shoal.connect(executors=1, threads=1) as connection:
        connection.register("t", pa.table({"a": [1, 2, 3]}))
        connection.execute("SELECT sum(a) FROM t").fetchall()
        connection.execute("SELECT * FROM t")
    assert list(tmp_path.iterdir()) == []
    deadline = time.monotonic() + 10
    ours = f"shoal-{os.getpid()}-"
    while time.monotonic() < deadline:
        left = {path for path in memory.glob("shoal-*") if path.name.startswith(ours)} - before
        if not left:
            break
        time.sleep(0.05)
    else:
        pytest.fail(f"left behind: {left}")
