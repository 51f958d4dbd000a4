"""Columns that Parquet does not keep are stored in another type and come back; all others stay as they are."""

from pathlib import Path

import duckdb
import pytest

from shoal.executor.storage import is_encoded, restore, store
from tests.engine.table_scripts import TYPES


@pytest.mark.parametrize("type_", TYPES)
def test_values_come_back(type_: str, tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t(v {type_})")
        connection.execute(f"INSERT INTO t VALUES {TYPES[type_]}, (NULL)")
        ((found,),) = connection.execute("SELECT DISTINCT typeof(v) FROM t").fetchall()
        path = tmp_path / "t.parquet"
        connection.execute(f"COPY (SELECT {store(found, 'v')} AS v FROM t) TO '{path}' (FORMAT parquet)")
        restored = f"SELECT {restore(found, 'v')} AS v FROM '{path}'"
        query = "SELECT typeof(v), CAST(v AS VARCHAR) FROM ({}) ORDER BY ALL"
        expected = connection.execute(query.format("FROM t")).fetchall()
        assert connection.execute(query.format(restored)).fetchall() == expected
        kept = connection.execute(f"DESCRIBE FROM '{path}'").fetchall()[0][1]
        assert is_encoded(found) or kept == found
