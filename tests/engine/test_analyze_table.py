"""ANALYZE and SHOW STATS: what they find, for which files it holds, and that answers stay."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import shoal
from shoal.histograms import PARTS, bucket_sql, has_buckets, quantiles_of
from tests.engine.remote_cluster import SECONDS, coordinator, executors, url_of

ROWS = 4000
COLUMNS = ("column_name", "rows", "distinct", "null_fraction", "minimum", "maximum", "most_common", "source")


def table(rows: int = ROWS, offset: int = 0) -> pa.Table:
    day = dt.date(2024, 1, 1)
    return pa.table(
        {
            "id": pa.array([index + offset for index in range(rows)], pa.int64()),
            "skewed": pa.array([0 if index % 10 else index for index in range(rows)], pa.int64()),
            "day": [day + dt.timedelta(days=index % 366) for index in range(rows)],
            "price": pa.array([Decimal(index % 1000) / 100 for index in range(rows)], pa.decimal128(15, 2)),
            "word": pa.array([None if index % 4 == 0 else f"w{index % 3}" for index in range(rows)], pa.string()),
            "nothing": pa.nulls(rows, pa.int32()),
            "list": pa.array([[index] for index in range(rows)], pa.list_(pa.int64())),
            'odd "name"': pa.array([index % 2 == 0 for index in range(rows)]),
        }
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "t.parquet"
    pq.write_table(table(), found)
    return found


@pytest.fixture(params=["embedded", "distributed"])
def con(request: pytest.FixtureRequest, path: Path) -> Iterator[shoal.Connection]:
    found = shoal.connect()
    if request.param == "distributed":
        found.execute("SET distribute = 'always'")
        found.execute("SET partitions = 2")
    yield found.register("t", str(path))
    found.close()


def stats(con: shoal.Connection, name: str = "t") -> dict[str, dict[str, str]]:
    cursor = con.execute(f"SHOW STATS FOR {name}")
    assert cursor.description is not None
    assert tuple(item[0] for item in cursor.description) == COLUMNS
    return {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in cursor.fetchall()}


@pytest.mark.parametrize("statement", ["ANALYZE t", "ANALYZE TABLE t", 'analyze table "T";'])
def test_analyze_finds_everything(con: shoal.Connection, statement: str) -> None:
    assert con.execute(statement).description is None
    found = stats(con)
    assert {item["source"] for item in found.values()} == {"analyzed"}
    assert {item["rows"] for item in found.values()} == {str(ROWS)}
    assert float(found["id"]["distinct"]) == pytest.approx(ROWS, rel=0.1)
    assert (found["id"]["minimum"], found["id"]["maximum"]) == ("0", str(ROWS - 1))
    assert found["skewed"]["most_common"].startswith("0 (90 %)")
    assert found["day"]["minimum"] == "2024-01-01"
    assert found["word"]["null_fraction"] == "0.2500"
    assert found["word"]["distinct"] == "3"
    assert (found["nothing"]["null_fraction"], found["nothing"]["minimum"]) == ("1.0000", "")
    assert found["list"]["null_fraction"] == "0.0000"
    assert found['odd "name"']["distinct"] == "2"


def test_before_there_is_what_the_footers_say(con: shoal.Connection) -> None:
    found = stats(con)
    assert {item["source"] for item in found.values()} == {"footer", "unknown"}
    assert found["list"]["source"] == "unknown"
    assert found["id"]["maximum"] == str(ROWS - 1)


def test_a_replaced_file_is_not_analyzed(con: shoal.Connection, path: Path) -> None:
    con.execute("ANALYZE t")
    pq.write_table(table(100, 5000), path)
    found = stats(con)
    assert found["id"]["source"] == "footer"
    assert (found["id"]["rows"], found["id"]["maximum"]) == ("100", "5099")
    con.execute("ANALYZE t")
    assert stats(con)["id"]["source"] == "analyzed"


def test_a_table_without_rows(con: shoal.Connection, tmp_path: Path) -> None:
    pq.write_table(table(0), tmp_path / "empty.parquet")
    con.register("empty", str(tmp_path / "empty.parquet"))
    con.execute("ANALYZE empty")
    assert stats(con, "empty")["id"]["rows"] == "0"


def test_tables_in_memory_and_files_by_path(con: shoal.Connection, path: Path) -> None:
    con.register("m", table())
    con.execute("ANALYZE m")
    assert stats(con, "m")["day"]["source"] == "analyzed"
    con.execute(f"ANALYZE '{path}'")
    assert stats(con, f"'{path}'")["day"]["source"] == "analyzed"


def test_all_tables(con: shoal.Connection) -> None:
    con.register("m", table())
    con.execute("CREATE VIEW v AS SELECT 1 AS x")
    con.execute("ANALYZE")
    assert stats(con, "m")["day"]["source"] == stats(con)["id"]["source"] == "analyzed"


def test_refusals(con: shoal.Connection) -> None:
    con.execute("CREATE VIEW v AS SELECT 1 AS x")
    for statement, kind in (
        ("ANALYZE nowhere", shoal.ProgrammingError),
        ("SHOW STATS FOR nowhere", shoal.ProgrammingError),
        ("ANALYZE v", shoal.NotSupportedError),
        ("ANALYZE t t", shoal.ProgrammingError),
    ):
        with pytest.raises(kind):
            con.execute(statement)


def test_statistics_change_plans_but_no_answer(con: shoal.Connection, path: Path) -> None:
    query = "SELECT count(*) FROM t WHERE skewed = 0 AND day < DATE '2024-02-01'"
    before = con.execute(query).fetchall()
    con.execute("ANALYZE t")
    assert con.execute(query).fetchall() == before


def test_histograms_follow_the_rows() -> None:
    assert not has_buckets(None, 3)
    assert not has_buckets("a", "b")
    assert not has_buckets(3, 3)
    assert not has_buckets(0.0, float("inf"))
    assert "epoch" in bucket_sql("d", dt.date(2024, 1, 1), dt.date(2024, 12, 31))
    found = quantiles_of([(0, 900), (1023, 100)], 0, 1024)
    assert len(found) == PARTS + 1
    assert (found[0], found[-1]) == (0, 1024)
    assert found[PARTS // 2] == 1
    assert found[PARTS - 1] == 1024
    days = quantiles_of([(0, 10), (512, 10)], dt.date(2024, 1, 1), dt.date(2024, 12, 31))
    assert all(isinstance(day, dt.date) for day in days)
    assert list(days) == sorted(days)


@pytest.mark.cluster
def test_a_cluster_analyzes_and_observes(tmp_path: Path, path: Path) -> None:
    with coordinator() as server, executors(server.port, 2, tmp_path / "executors"):
        server.runner.wait_for_executors(2, SECONDS)
        with shoal.connect(url_of(server)) as con:
            con.register("t", str(path))
            con.execute("SET distribute = 'always'")
            con.execute("ANALYZE t")
            assert stats(con)["skewed"]["most_common"].startswith("0 (90 %)")
            query = "SELECT day, count(*) FROM t WHERE price > 5 AND skewed = 0 GROUP BY day ORDER BY day"
            assert len(con.execute(query).fetchall()) > 100
            con.execute("ANALYZE t")
            assert any("(observed)" in row[0] for row in con.execute("EXPLAIN " + query).fetchall())
