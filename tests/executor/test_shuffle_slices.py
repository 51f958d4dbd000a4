"""Some rows of one partition of a shuffle file: mapped, over Flight, and as a task's input."""

import json
from collections.abc import Callable
from dataclasses import asdict

import pytest

from shoal.executor.shuffle.flight import OutputTicket, decode_ticket, encode_ticket
from shoal.planner.errors import FetchFailed
from shoal.planner.ids import Incarnation, QueryId, StageId, TaskId
from shoal.planner.source import Field
from shoal.planner.stage import OutputFile, OutputPartitioning, RowSlice, TaskExchange
from tests.executor.node import Node

MakeNode = Callable[..., Node]

COLUMNS = (Field("x", "BIGINT"), Field("s", "VARCHAR"))
SQL = "SELECT i AS x, 'row ' || i AS s, (i % 2)::UTINYINT AS p FROM range(300000) r(i)"
ROWS = 150_000
SLICES = [(0, ROWS), (0, 1), (ROWS - 1, 1), (65_000, 1_000), (65_536, 65_536), (10, 140_000)]
TICKET = OutputTicket(TaskId(QueryId("q"), StageId(1), 2, 3, 4), Incarnation("x"), (1,), rows=RowSlice(5, 7))


@pytest.fixture(params=[None, 0], ids=["memory", "disk"])
def node(request: pytest.FixtureRequest, make_node: MakeNode) -> Node:
    return make_node() if request.param is None else make_node(shuffle_bytes=0)


@pytest.fixture
def output(node: Node) -> OutputFile:
    return node.run(node.task(SQL, COLUMNS, output=OutputPartitioning(2, "p")))


@pytest.mark.parametrize("mmap", [True, False])
def test_slices_are_parts_of_the_partition(node: Node, output: OutputFile, mmap: bool) -> None:
    whole = node.table(output, [1])
    for first, rows in SLICES:
        opened = node.reader.open_output(output, [1], rows=RowSlice(first, rows), mmap=mmap)
        assert opened.table().equals(whole.slice(first, rows))


@pytest.mark.parametrize("mmap", [True, False])
def test_a_slice_that_is_not_there_is_a_failed_fetch(node: Node, output: OutputFile, mmap: bool) -> None:
    """Otherwise rows would be missing from an answer."""
    opened = node.reader.open_output(output, [1], rows=RowSlice(ROWS - 5, 6), mmap=mmap)
    with pytest.raises(FetchFailed) as caught:
        opened.table()
    assert caught.value.context.stage == output.task.stage


def test_tasks_that_share_a_partition_read_all_of_it(node: Node, output: OutputFile) -> None:
    found: list[object] = []
    for part in (RowSlice(0, 60_000), RowSlice(60_000, 40_000), RowSlice(100_000, 50_000)):
        exchange = TaskExchange("e", COLUMNS, (output,), (1,), (part,))
        found += node.rows(node.task("SELECT x FROM e", (COLUMNS[0],), exchanges=(exchange,)))
    assert sorted(row[0] for row in found) == list(range(1, 300_000, 2))  # type: ignore[index]


def test_tickets_name_slices() -> None:
    assert decode_ticket(encode_ticket(TICKET)) == TICKET


@pytest.mark.parametrize(
    "rows", [5, [1, 2], {"first": -1, "rows": 1}, {"first": 0, "rows": 0}, {"first": "0", "rows": 1}]
)
def test_bad_slices_are_refused(rows: object) -> None:
    with pytest.raises(FetchFailed):
        decode_ticket(json.dumps({**asdict(TICKET), "rows": rows}).encode())
    with pytest.raises(FetchFailed):
        decode_ticket(json.dumps({**asdict(TICKET), "partitions": [0, 1]}).encode())
