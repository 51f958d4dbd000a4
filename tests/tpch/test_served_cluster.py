"""The coordinator and executor that the benchmarks start: they answer, and nothing of them is left."""

import pytest

import shoal
from shoal.tpch.served_cluster import ServedCluster


def answer(url: str, sql: str) -> list[tuple[object, ...]]:
    with shoal.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


@pytest.mark.cluster
def test_answers_while_open_and_refuses_afterwards():
    with ServedCluster(threads=1) as cluster:
        assert answer(cluster.url, "SELECT 6 * 7") == [(42,)]
    with pytest.raises(shoal.ConnectionFailed):
        answer(cluster.url, "SELECT 1")
