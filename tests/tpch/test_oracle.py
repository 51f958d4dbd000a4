"""Plain DuckDB answers the 22 queries as the specification expects."""

from shoal.tpch.contenders import Duckdb
from shoal.tpch.dataset import Dataset
from shoal.tpch.queries import QUERY_NUMBERS, query_text

ROWS_AT_SCALE_001 = (4, 4, 10, 5, 5, 1, 4, 2, 173, 20, 1, 2, 33, 1, 1, 296, 1, 2, 1, 1, 1, 7)


def test_number_of_rows(tpch_folder):
    with Duckdb(Dataset(tpch_folder), threads=1) as engine:
        rows = tuple(engine.answer(query_text(number, scale=0.01)).num_rows for number in QUERY_NUMBERS)
    assert rows == ROWS_AT_SCALE_001


def test_the_parts_hold_the_same_data(tpch_folder, tpch_parts_folder):
    sql = query_text(1)
    with Duckdb(Dataset(tpch_folder), threads=1) as one, Duckdb(Dataset(tpch_parts_folder), threads=1) as parts:
        columns = ["sum_charge", "count_order"]
        assert one.answer(sql).select(columns).equals(parts.answer(sql).select(columns))
