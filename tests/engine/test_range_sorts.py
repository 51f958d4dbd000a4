"""Results that several tasks sort by ranges: the order is DuckDB's, whatever the type, the direction and the NULLs."""

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

import shoal

ROWS = 6000

TABLE = f"""
SELECT i AS id,
    CASE WHEN i % 11 = 0 THEN NULL ELSE (i * 7919) % 1000 - 500 END::INTEGER AS whole,
    (i * 7919) % 3 AS few,
    DATE '2020-01-01' + ((i * 31) % 900)::INTEGER AS day,
    CASE WHEN i % 13 = 0 THEN NULL ELSE ((i * 104729) % 100000) / 100 END::DECIMAL(9,2) AS amount,
    CASE WHEN i % 17 = 0 THEN 'nan' WHEN i % 19 = 0 THEN NULL WHEN i % 23 = 0 THEN '-inf' WHEN i % 29 = 0 THEN '-0.0'
        ELSE ((i * 7) % 997 / 10)::VARCHAR END::DOUBLE AS real,
    ((i * 7) % 997 - 500) / 10.0::DOUBLE AS plain,
    TIMESTAMP '2021-03-04 05:06:07' + to_seconds((i * 7919) % 86400) AS moment,
    TIMESTAMPTZ '2021-03-04 05:06:07+00' + to_minutes((i * 7919) % 86400) AS zoned,
    printf('name %05d', i // 2) AS rising,
    md5((i % 50)::VARCHAR) AS text,
    (i * 7919)::HUGEINT * 100000000000000 AS huge,
    NULL::INTEGER AS nothing,
    i % 2 = 0 AS flag
FROM range({ROWS}) AS t(i)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sorts")
    kernel = duckdb.connect()
    kernel.execute(f"CREATE TABLE t AS {TABLE}")
    for part in range(3):
        low, high = part * ROWS // 3, (part + 1) * ROWS // 3
        target = path / f"{part}.parquet"
        kernel.execute(f"COPY (FROM t WHERE id >= {low} AND id < {high}) TO '{target}' (ROW_GROUP_SIZE 500)")
    kernel.close()
    return path


@pytest.fixture(scope="module")
def oracle(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    kernel = duckdb.connect(config={"python_enable_replacements": "false"})
    kernel.execute(f"SET TimeZone = 'UTC'; CREATE VIEW t AS FROM read_parquet('{folder}/*.parquet')")
    yield kernel
    kernel.close()


@pytest.fixture(scope="module", params=[1, 2, 3, 7])
def connection(folder: Path, request: pytest.FixtureRequest) -> Iterator[shoal.Connection]:
    options = {
        "distribute": "always",
        "partitions": str(request.param),
        "timezone": "UTC",
        "check_plans": "on",
        "task_bytes": "1",
    }
    with shoal.connect(threads=1, **options) as made:
        made.register("t", folder)
        yield made


def explained(connection: shoal.Connection, sql: str) -> str:
    return "\n".join(row[0] for row in connection.execute(f"EXPLAIN {sql}").fetchall())


def same(ours: pa.Table, theirs: pa.Table) -> bool:
    """Value for value; a NaN equals a NaN."""
    return [str(row) for row in ours.to_pylist()] == [str(row) for row in theirs.to_pylist()]


CUT = ("whole", "few", "day", "amount", "plain", "moment", "zoned", "rising", "id")
KEPT = ("real", "huge", "text", "nothing", "flag")
"""Of these the files do not tell where the values lie."""


@pytest.mark.parametrize("key", [*CUT, *KEPT])
@pytest.mark.parametrize("order", ["", "DESC", "NULLS FIRST", "DESC NULLS LAST"])
def test_every_type_and_direction(
    connection: shoal.Connection, oracle: duckdb.DuckDBPyConnection, key: str, order: str
) -> None:
    sql = f"SELECT {key}, id FROM t ORDER BY {key} {order}, id DESC"
    assert same(connection.execute(sql).fetch_arrow_table(), oracle.sql(sql).to_arrow_table())
    partitions = int(connection.execute("SHOW partitions").fetchall()[0][0])
    plan = explained(connection, sql)
    # Files that rise with the key are cut where they are, with no exchange; that puts their NULLs first.
    in_place = f"cut at the same borders of {key} " in plan and f"{partitions} tasks -> result" in plan
    assert not (in_place and ("DESC" in order or key not in ("rising", "id")))
    if (key, partitions) != ("rising", 7):  # There are only three row groups.
        assert (f"by range of {key}" in plan or in_place) == (key in CUT and partitions > 1)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT whole, count(*) AS n, sum(amount) AS a FROM t GROUP BY whole, id ORDER BY whole, a, n",
        "SELECT id AS other, day FROM t WHERE day > DATE '2021-01-01' ORDER BY day DESC, id",
        "SELECT a.id, b.whole FROM t a JOIN t b ON a.id = b.id ORDER BY b.whole DESC, a.id",
        "SELECT id + 1 AS next FROM t ORDER BY moment, id",
        "SELECT a.id, b.whole FROM t a LEFT JOIN t b ON a.id = b.id + 5000 ORDER BY b.whole NULLS FIRST, a.id",
        "SELECT id FROM t WHERE whole > 10000 ORDER BY whole",
        "SELECT whole, row_number() OVER (PARTITION BY few ORDER BY id) AS r FROM t ORDER BY whole, r, few",
        "SELECT id, whole FROM t UNION ALL SELECT id, few FROM t ORDER BY whole, id",
        "SELECT whole % 7 AS w, id FROM t ORDER BY w, id",
        "SELECT id FROM t ORDER BY text COLLATE NOCASE, id",
        "SELECT id FROM t ORDER BY day LIMIT 2000 OFFSET 100",
    ],
)
def test_sorts_above_other_nodes(connection: shoal.Connection, oracle: duckdb.DuckDBPyConnection, sql: str) -> None:
    ours, theirs = connection.execute(sql).fetch_arrow_table(), oracle.sql(sql).to_arrow_table()
    if "LIMIT" in sql:
        assert ours.num_rows == theirs.num_rows
    else:
        assert same(ours, theirs)


def test_it_can_be_switched_off(folder: Path, oracle: duckdb.DuckDBPyConnection) -> None:
    sql = "SELECT id FROM t ORDER BY whole, id"
    with shoal.connect(threads=1, distribute="always", partitions="3", task_bytes="1") as connection:
        connection.register("t", folder)
        assert "Exchange from stage 0 by range of whole" in explained(connection, sql)
        connection.execute("SET disabled_rules = 'sort_by_ranges'")
        assert "by range of" not in explained(connection, sql)
        assert connection.execute(sql).fetchall() == oracle.sql(sql).fetchall()


SAMPLED = (
    "SELECT i AS id, md5(i::VARCHAR) AS text, CASE WHEN i % 9 = 0 THEN 'nan' ELSE ln(i + 1)::VARCHAR END::DOUBLE AS v"
)


@pytest.mark.parametrize("order", ["text", "text DESC", "v, id", "v DESC NULLS LAST, id"])
def test_borders_are_sampled_where_files_do_not_tell(
    tmp_path: Path, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shoal.sampling.SAMPLE_SECONDS", 20.0)
    with duckdb.connect() as kernel:
        kernel.execute(f"COPY ({SAMPLED} FROM range(120000) AS t(i)) TO '{tmp_path}/t.parquet' (ROW_GROUP_SIZE 10000)")
        sql = f"SELECT id FROM t ORDER BY {order}"
        theirs = kernel.sql(sql.replace("FROM t", f"FROM '{tmp_path}/t.parquet'")).fetchall()
    with shoal.connect(threads=1, distribute="always", partitions="3", task_bytes="1", data=tmp_path) as connection:
        assert "by range of" in explained(connection, sql)
        cursor = connection.execute(sql)
        assert cursor.fetchall() == theirs
        analyzed = "\n".join(row[0] for row in connection.execute(f"EXPLAIN ANALYZE {sql}").fetchall())
    last = analyzed.split("\nstage 1: ")[1].split("\n\n")[0]
    rows = [int(found.replace(",", "")) for found in re.findall(r"([\d,]+) rows out", last)[1:]]
    assert len(rows) == 3
    assert max(rows) < 1.4 * 40_000


CLUSTERED = [
    ("id", True),
    ("id, whole", True),
    ("id NULLS FIRST", True),
    ("id DESC", False),
    ("late", False),
    ("late NULLS FIRST", True),
    ("late DESC", False),
]


@pytest.mark.parametrize(("order", "stays"), CLUSTERED)
@pytest.mark.parametrize("partitions", ["2", "3", "7"])
def test_clustered_files_are_sorted_where_they_are(tmp_path: Path, order: str, stays: bool, partitions: str) -> None:
    late = "CASE WHEN id < 4500 THEN NULL ELSE id // 3 END AS late"
    query = f"SELECT *, {late} FROM ({TABLE.replace(str(ROWS), '60000')}) ORDER BY id"
    with duckdb.connect() as kernel:
        kernel.execute(f"COPY ({query}) TO '{tmp_path}/t.parquet' (ROW_GROUP_SIZE 2048)")
        sql = f"SELECT id, late FROM t ORDER BY {order}" + ("" if order.startswith("id") else ", id")
        theirs = kernel.sql(sql.replace("FROM t", f"FROM '{tmp_path}/t.parquet'")).fetchall()
    with shoal.connect(threads=1, distribute="always", partitions=partitions, data=tmp_path) as connection:
        connection.execute("SET task_bytes = 1")
        assert connection.execute(sql).fetchall() == theirs
        shown = explained(connection, sql)
        assert ("Exchange" not in shown and f"{partitions} tasks -> result" in shown) == stays, shown
        joined = sql.replace("FROM t", "FROM t JOIN (SELECT id AS other FROM t WHERE few = 1) ON id = other")
        with duckdb.connect() as kernel:
            theirs = kernel.sql(joined.replace("FROM t", f"FROM '{tmp_path}/t.parquet'")).fetchall()
        assert connection.execute(joined).fetchall() == theirs


COMPUTED = {
    "SELECT id, whole * 2 + few AS k FROM t ORDER BY whole * 2 + few DESC, id": True,
    "SELECT id FROM t ORDER BY amount - id, id DESC": True,
    "SELECT id, -plain AS k FROM t ORDER BY k NULLS FIRST, id": True,
    "SELECT id FROM t ORDER BY day + 3 DESC NULLS LAST, id": True,
    "SELECT whole, id % 50 AS g, count(*) AS n, sum(amount) AS a FROM t GROUP BY ALL ORDER BY n DESC, whole, g": True,
    "SELECT whole, id % 50 AS g, sum(id) AS a FROM t GROUP BY ALL ORDER BY a, whole, g": True,
    "SELECT a.id FROM t a JOIN t b ON a.id = b.id ORDER BY a.whole + b.few, a.id": True,
    "SELECT id FROM t ORDER BY upper(rising), id": False,
    "SELECT id FROM t ORDER BY CASE WHEN few = 1 THEN NULL ELSE whole END DESC, id": False,
    "SELECT id FROM t ORDER BY real * 2, id": False,
}
"""Orders by computed keys, and whether anything is known of where their values lie."""


@pytest.mark.parametrize("sql", COMPUTED)
def test_computed_keys(connection: shoal.Connection, oracle: duckdb.DuckDBPyConnection, sql: str) -> None:
    theirs = oracle.sql(sql).to_arrow_table()
    partitions = int(connection.execute("SHOW partitions").fetchall()[0][0])
    for disabled in ("", "sort_by_expressions"):
        connection.execute(f"SET disabled_rules = '{disabled}'")
        assert same(connection.execute(sql).fetch_arrow_table(), theirs)
        ranges = COMPUTED[sql] and partitions > 1 and not disabled
        assert ("by range of" in explained(connection, sql)) == ranges
    connection.execute("RESET disabled_rules")
