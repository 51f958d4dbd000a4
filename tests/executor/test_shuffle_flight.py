"""Shuffle over Flight: the same rows as by memory map, clear refusals, and an end when a peer is silent or gone."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace

import pyarrow as pa
import pyarrow.flight
import pytest

from shoal.executor.cancellation import CancelToken
from shoal.executor.faults import Fault, FaultKind, installed
from shoal.executor.shuffle.flight import (
    MESSAGE_BYTES,
    ArrowTicket,
    OutputTicket,
    decode_ticket,
    encode_ticket,
)
from shoal.executor.shuffle.host import host_identity
from shoal.planner.errors import ErrorKind, FetchFailed, QueryCancelled
from shoal.planner.ids import Incarnation, QueryId, StageId, TaskId
from shoal.planner.source import Field
from shoal.planner.stage import OutputFile, OutputPartitioning
from tests.executor.node import Node

SQL = "SELECT range AS k, repeat('x', 20) || range AS s, (range % 4)::UTINYINT AS p FROM range(200000)"
COLUMNS = (Field("k", "BIGINT"), Field("s", "VARCHAR"))
MakeNode = Callable[..., Node]


@pytest.fixture
def output(node: Node) -> OutputFile:
    return node.run(node.task(SQL, COLUMNS, output=OutputPartitioning(4, "p")))


def test_flight_gives_the_rows_that_the_map_gives(node: Node, output: OutputFile) -> None:
    for partitions in ([0], [3, 1], [0, 1, 2, 3]):
        mapped = node.table(output, partitions)
        assert node.table(output, partitions, mmap=False).equals(mapped)
        assert mapped.num_rows == 50_000 * len(partitions)


def test_another_host_reads_over_flight_compressed(make_node: MakeNode, node: Node, output: OutputFile) -> None:
    elsewhere = replace(output, host="another", path="/no/such/file")
    opened = make_node("two").reader.open_output(elsewhere, [2])
    assert not opened.in_place
    assert opened.table().equals(node.table(output, [2]))


def test_files_on_disk_are_served_too(make_node: MakeNode) -> None:
    node = make_node(shuffle_bytes=0)
    output = node.run(node.task(SQL, COLUMNS, output=OutputPartitioning(4, "p")))
    assert node.table(output, [1], mmap=False).equals(node.table(output, [1]))


def test_large_batches_are_cut(node: Node) -> None:
    output = node.run(node.task("SELECT repeat('x', 10000) AS s FROM range(5000)", (Field("s", "VARCHAR"),)))
    table = node.table(output, mmap=False)
    assert table.num_rows == 5000
    assert len(table.to_batches()) > 2
    assert max(batch.nbytes for batch in table.to_batches()) <= MESSAGE_BYTES * 1.1


def test_what_is_not_there_names_its_producer(node: Node, output: OutputFile) -> None:
    broken = [
        replace(output, task=replace(output.task, partition=7)),
        replace(output, task=replace(output.task, attempt=1)),
        replace(output, incarnation=Incarnation("an-earlier-life")),
        replace(output, location="grpc://127.0.0.1:1"),
    ]
    for file in broken:
        with pytest.raises(FetchFailed) as caught:
            node.table(file, [0], mmap=False)
        assert caught.value.kind is ErrorKind.FETCH_FAILED
        context = caught.value.context
        assert (context.executor, context.stage, context.partition) == ("one", 0, file.task.partition)
        assert "Traceback" not in str(caught.value)
        assert ".py" not in str(caught.value)


def test_a_map_of_something_else_is_refused(node: Node, output: OutputFile) -> None:
    for file in (
        replace(output, task=replace(output.task, attempt=1)),
        replace(output, incarnation=Incarnation("another")),
        replace(output, path=output.path + "x"),
    ):
        with pytest.raises(FetchFailed):
            node.table(file, [0])


def test_a_dropped_query_is_served_no_more(node: Node, output: OutputFile) -> None:
    node.store.drop_query(output.task.query)
    for mmap in (True, False):
        with pytest.raises(FetchFailed):
            node.table(output, [0], mmap=mmap)


def test_after_a_failure_the_next_fetch_works(node: Node, output: OutputFile) -> None:
    with installed(Fault("flight.do_get", FaultKind.ERROR)):
        with pytest.raises(FetchFailed, match="injected"):
            node.table(output, [0], mmap=False)
        assert node.table(output, [0], mmap=False).num_rows == 50_000


def test_a_sibling_serves_the_output_of_the_dead(make_node: MakeNode, node: Node, output: OutputFile) -> None:
    sibling = make_node("two")
    file = replace(output, location=sibling.flight.location)
    assert node.table(file, [0], mmap=False).num_rows == 50_000


@pytest.fixture
def silent() -> Iterator[str]:
    """A port where somebody takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"grpc://127.0.0.1:{server.getsockname()[1]}"


def test_cancel_ends_a_fetch(node: Node, output: OutputFile) -> None:
    token = CancelToken()
    opened = node.reader.open_output(output, [0, 1, 2, 3], mmap=False, cancelled=token)
    next(opened.batches)
    token.cancel()
    with pytest.raises(QueryCancelled):
        list(opened.batches)


def test_a_silent_peer_ends_in_a_failure(
    node: Node, output: OutputFile, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shoal.executor.shuffle.reader._CALL_SECONDS", 0.3)
    started = time.monotonic()
    with pytest.raises(FetchFailed):
        node.table(replace(output, location=silent, bytes=(0, 0, 0, 0)), [0], mmap=False)
    assert time.monotonic() - started < 10


def test_cancel_ends_a_fetch_from_a_silent_peer(node: Node, output: OutputFile, silent: str) -> None:
    token = CancelToken()
    threading.Timer(0.3, token.cancel).start()
    started = time.monotonic()
    with pytest.raises(QueryCancelled):
        node.reader.open_output(replace(output, location=silent), [0], mmap=False, cancelled=token)
    assert time.monotonic() - started < 2


TASK = TaskId(QueryId("query"), StageId(1), 2, 3, 4)


def test_tickets_come_back() -> None:
    for ticket in (OutputTicket(TASK, Incarnation("x"), (1, 2), True), ArrowTicket("key"), ArrowTicket("key", True)):
        assert decode_ticket(encode_ticket(ticket)) == ticket


BAD_TICKETS = [
    b"",
    b"\xff\xfe",
    b"[]",
    b"null",
    b"{}",
    b'{"arrow": 1}',
    json.dumps({"task": asdict(TASK), "incarnation": "x", "partitions": "all"}).encode(),
    json.dumps({"task": asdict(TASK), "incarnation": "x", "partitions": [True]}).encode(),
    json.dumps({"task": asdict(TASK), "incarnation": 1, "partitions": []}).encode(),
    json.dumps({"task": {**asdict(TASK), "stage": "../.."}, "incarnation": "x", "partitions": []}).encode(),
    json.dumps({"task": {**asdict(TASK), "query": None}, "incarnation": "x", "partitions": []}).encode(),
    json.dumps({"task": "query", "incarnation": "x", "partitions": []}).encode(),
    b'{"arrow": "' + b"x" * (2 << 20) + b'"}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("ticket", BAD_TICKETS, ids=range(len(BAD_TICKETS)))
def test_bad_tickets_are_refused(node: Node, ticket: bytes) -> None:
    with pytest.raises(FetchFailed):
        decode_ticket(ticket)
    with pyarrow.flight.connect(node.flight.location) as client:
        with pytest.raises((pyarrow.flight.FlightUnavailableError, pa.ArrowException)) as caught:
            client.do_get(pyarrow.flight.Ticket(ticket)).read_all()
        assert "Traceback" not in str(caught.value)


def test_nothing_but_do_get_is_served(node: Node) -> None:
    with pyarrow.flight.connect(node.flight.location) as client:
        with pytest.raises(NotImplementedError):
            list(client.list_flights())
        with pytest.raises(NotImplementedError):
            client.do_put(pyarrow.flight.FlightDescriptor.for_path("x"), pa.schema([]))[0].close()


def test_partitions_that_the_file_does_not_have(node: Node, output: OutputFile) -> None:
    file = replace(output, bytes=(0,) * 10)
    for mmap in (True, False):
        with pytest.raises(FetchFailed, match="no partition 9"):
            node.table(file, [9], mmap=mmap)


def test_closing_twice(make_node: MakeNode) -> None:
    node = make_node("two")
    node.flight.close()
    node.flight.close()
    node.reader.close()


def test_host_identity_is_stable() -> None:
    assert host_identity() == host_identity()
    assert len(host_identity()) == 24
