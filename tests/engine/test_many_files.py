"""Tables of thousands of files: planned soon, sooner the second time, and right when one of the files changes."""

import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import shoal

FILES = 2000
ROWS = 20
COLD_SECONDS = 2.0
"""Of processor time, to find, read and plan over all files for the first time; about 1.2 were measured."""
WARM_SECONDS = 0.2
"""The same for another statement over them; about 0.05 were measured."""


def write(path: Path, number: int) -> None:
    """A file of keys that go on where those of the file before end."""
    keys = range(number * ROWS, (number + 1) * ROWS)
    table = pa.table({"k": pa.array(keys, pa.int64()), "g": [key % 7 for key in keys], "v": [number] * ROWS})
    pq.write_table(table, path, row_group_size=ROWS // 2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("many")
    for number in range(FILES):
        write(found / f"part{number:05}.parquet", number)
    return found


@pytest.fixture
def connection() -> Iterator[shoal.Connection]:
    with shoal.connect(threads=1, distribute="always", partitions=3) as opened:
        yield opened


def seconds(connection: shoal.Connection, sql: str) -> float:
    """The processor seconds of a statement."""
    started = time.process_time()
    connection.execute(sql).fetchall()
    return time.process_time() - started


def test_planning_over_many_files_is_quick(connection: shoal.Connection, folder: Path) -> None:
    connection.execute("EXPLAIN SELECT 1").fetchall()
    sql = f"SELECT k, sum(v) FROM '{folder}/*.parquet' WHERE v < 900 GROUP BY k"
    assert seconds(connection, f"EXPLAIN {sql}") < COLD_SECONDS
    again = min(seconds(connection, f"EXPLAIN {sql.replace('900', str(limit))}") for limit in (901, 902, 903))
    assert again < WARM_SECONDS
    text = str(connection.execute(f"EXPLAIN {sql}").fetchall())
    assert "its files are clustered on" in text
    assert "hash of" not in text


def test_answers_over_many_files(connection: shoal.Connection, folder: Path) -> None:
    connection.register("t", folder)
    assert connection.execute("SELECT count(*), sum(v), max(k) FROM t").fetchall() == [
        (FILES * ROWS, ROWS * FILES * (FILES - 1) // 2, FILES * ROWS - 1)
    ]
    sql = "SELECT count(*), sum(n) FROM (SELECT a.k, count(*) AS n FROM t AS a JOIN t AS b ON a.k = b.k GROUP BY a.k)"
    assert connection.execute(sql).fetchall() == [(FILES * ROWS, FILES * ROWS)]
    assert connection.execute("SELECT g, count(*) FROM t GROUP BY g ORDER BY g LIMIT 1").fetchall() == [(0, 5715)]


def test_a_new_file_and_a_changed_one_are_seen(connection: shoal.Connection, folder: Path) -> None:
    connection.register("t", folder)
    sql = "SELECT count(*), max(k) FROM t"
    last = FILES * ROWS - 1
    assert connection.execute(sql).fetchall() == [(FILES * ROWS, last)]
    new = folder / "part99999.parquet"
    write(new, FILES)
    assert connection.execute(sql).fetchall() == [((FILES + 1) * ROWS, last + ROWS)]
    write(new, FILES + 5)
    assert connection.execute(sql).fetchall() == [((FILES + 1) * ROWS, last + 6 * ROWS)]
    new.unlink()
    assert connection.execute(sql).fetchall() == [(FILES * ROWS, last)]
