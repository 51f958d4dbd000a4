"""Keys that hold much of a partition, set aside while the rows are written: in memory, on disk, over Flight."""

from collections.abc import Callable

import pyarrow as pa
import pytest

from shoal.executor.shuffle.heavy_keys import HeavyKeys
from shoal.planner.source import Field
from shoal.planner.stage import OutputPartitioning, RowSlice
from tests.executor.node import Node

MakeNode = Callable[..., Node]

COLUMNS = (Field("k", "BIGINT"), Field("s", "VARCHAR"))
SQL = (
    "SELECT CASE WHEN i % 10 < 7 THEN 4 ELSE i % 1000 END AS k, 'row ' || i AS s, (k % 2)::UTINYINT AS p "
    "FROM range(300000) r(i)"
)


@pytest.mark.parametrize("mmap", [True, False])
@pytest.mark.parametrize("shuffle_bytes", [None, 0, 3_000_000], ids=["memory", "disk", "moved to disk"])
def test_rows_of_a_heavy_key_come_last(make_node: MakeNode, shuffle_bytes: int | None, mmap: bool) -> None:
    node = make_node() if shuffle_bytes is None else make_node(shuffle_bytes=shuffle_bytes)
    output = node.run(node.task(SQL, COLUMNS, output=OutputPartitioning(2, "p", keys=(0,))))
    plain = node.run(node.task(SQL, COLUMNS, output=OutputPartitioning(2, "p")))
    heavy, light = output.heavy
    assert light == 0
    assert heavy >= 200_000
    assert (output.rows, plain.heavy) == (plain.rows, ())
    for number in (0, 1):
        found, expected = (node.table(each, [number], mmap=mmap) for each in (output, plain))
        names = found.column_names
        assert found.sort_by(names[1]).equals(expected.sort_by(names[1]))
    others = output.rows[0] - heavy
    keys = node.reader.open_output(output, [0], rows=RowSlice(others, heavy), mmap=mmap).table().column(0)
    assert set(keys.to_pylist()) == {4}
    rest = node.reader.open_output(output, [0], rows=RowSlice(0, others), mmap=mmap).table().column(0).to_pylist()
    assert 4 in rest
    assert len(set(rest)) > 100


def divided(columns: list[pa.Array], keys: list[int], partitions: int = 4) -> tuple[pa.RecordBatch, list[int]]:
    """What stays of a batch that is one of ``partitions``, and the rows that are set aside, by their last column."""
    batch = pa.record_batch([*columns, pa.array(range(len(columns[0])))], [str(i) for i in range(len(columns) + 1)])
    stays, aside = HeavyKeys(keys, partitions).divide(0, batch)
    return stays, [] if aside is None else aside.column(len(columns)).to_pylist()


def test_null_is_a_key_like_others() -> None:
    keys = pa.array([None if i % 3 else i for i in range(9000)], pa.int64())
    stays, aside = divided([keys], [0])
    assert len(aside) == 5999
    assert stays.column(0).null_count == 1


def test_all_columns_of_a_key_must_agree() -> None:
    one, other = pa.array(["a"] * 9000), pa.array([i % 2 for i in range(9000)])
    _, aside = divided([one, other], [0, 1])
    assert len(set(aside)) == 4499
    assert len({number % 2 for number in aside}) == 1


@pytest.mark.parametrize(
    ("rows", "partitions", "distinct"), [(9000, 1, 2), (1000, 4, 2), (9000, 4, 50)], ids=["fair", "few", "no key"]
)
def test_what_is_not_set_aside(rows: int, partitions: int, distinct: int) -> None:
    stays, aside = divided([pa.array([i % distinct for i in range(rows)])], [0], partitions)
    assert (stays.num_rows, aside) == (rows, [])


def test_later_rows_follow_the_first() -> None:
    heavy = HeavyKeys([0], 4)
    first = pa.record_batch([pa.array([7] * 6000)], ["k"])
    assert heavy.divide(0, first)[0].num_rows == 1
    stays, aside = heavy.divide(0, pa.record_batch([pa.array([7, 8, None, 7])], ["k"]))
    assert stays.column(0).to_pylist() == [8, None]
    assert aside is not None
    assert aside.num_rows == 2
