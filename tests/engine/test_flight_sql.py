"""Arrow Flight SQL as clients of others speak it: ADBC's driver, and single calls with what no driver would send."""

import datetime as dt
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import grpc
import pyarrow as pa
import pyarrow.flight
import pytest

from shoal.flight import flight_pb2 as wire
from shoal.flight.framing import from_frames, to_frames
from shoal.flight.parameters import decode_parameters
from shoal.flight.requests import SERVICE, pack
from shoal.planner.errors import ProtocolError
from shoal.serve import CoordinatorServer
from tests.engine.remote_cluster import SECONDS, coordinator, executors

adbc = pytest.importorskip("adbc_driver_flightsql.dbapi", reason="adbc-driver-flightsql is not installed")
manager = pytest.importorskip("adbc_driver_manager", reason="adbc-driver-manager is not installed")

pytestmark = pytest.mark.cluster

ENDLESS = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = -1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("executors")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[CoordinatorServer]:
    with coordinator() as server, executors(server.port, 2, folder):
        server.runner.wait_for_executors(2, SECONDS)
        yield server


@pytest.fixture
def cursor(server: CoordinatorServer) -> Iterator[Any]:
    with adbc.connect(f"grpc://127.0.0.1:{server.port}", autocommit=True) as connection, connection.cursor() as cursor:
        yield cursor


@pytest.fixture
def channel(server: CoordinatorServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel


def test_adbc_runs_queries_with_and_without_parameters(cursor: Any, tmp_path: Path) -> None:
    path = tmp_path / "numbers.parquet"
    duckdb.sql(f"COPY (SELECT range AS a, 'n' || range AS s FROM range(300000)) TO '{path}'")
    cursor.execute(f"SELECT * FROM '{path}' ORDER BY a")
    assert cursor.fetch_arrow_table().equals(duckdb.sql(f"SELECT * FROM '{path}' ORDER BY a").to_arrow_table())
    cursor.execute(f"SELECT count(*), min(s) FROM '{path}' WHERE a < ? AND s LIKE ?", (100, "n9%"))
    assert cursor.fetchall() == [(11, "n9")]
    cursor.execute("SELECT ? AS d, ? AS n, ? AS b", (dt.date(2024, 2, 29), None, b"\x00"))
    assert cursor.fetchall() == [(dt.date(2024, 2, 29), None, b"\x00")]


def test_adbc_runs_a_statement_for_many_parameters(cursor: Any) -> None:
    cursor.execute("CREATE OR REPLACE TABLE many (a BIGINT, b VARCHAR)")
    cursor.executemany("INSERT INTO many VALUES (?, ?)", [(1, "x"), (2, None), (3, "y")])
    cursor.execute("SELECT a, b FROM many ORDER BY a")
    assert cursor.fetchall() == [(1, "x"), (2, None), (3, "y")]


def test_adbc_gets_the_types_of_duckdb_even_where_they_travel_as_others(cursor: Any) -> None:
    cursor.execute("SELECT INTERVAL 1 DAY AS i, 'x'::ENUM ('x') AS e, 1.25::DECIMAL(9, 2) AS d, 1 AS a, 2 AS a")
    table = cursor.fetch_arrow_table()
    assert table.schema.names == ["i", "e", "d", "a", "a"]
    assert table.schema.field("i").type == pa.month_day_nano_interval()
    assert pa.types.is_dictionary(table.schema.field("e").type)
    assert table.column(2).to_pylist() == [Decimal("1.25")]
    cursor.execute("SELECT 1 AS a WHERE false")
    assert cursor.fetch_arrow_table().schema == pa.schema([("a", pa.int32())])


def test_adbc_sets_and_lists(cursor: Any) -> None:
    cursor.execute("CREATE VIEW squares AS SELECT i * i AS square FROM range(4) r(i)")
    cursor.execute("SET timezone = 'UTC'")
    cursor.execute("SHOW timezone")
    assert cursor.fetchall() == [("UTC",)]
    cursor.execute("EXPLAIN SELECT * FROM squares")
    assert "stage" in str(cursor.fetchall())
    connection = cursor.connection
    (catalog,) = connection.adbc_get_objects(depth="columns", table_name_filter="sq%").read_all().to_pylist()
    (table,) = catalog["catalog_db_schemas"][0]["db_schema_tables"]
    assert (table["table_name"], table["table_type"]) == ("squares", "VIEW")
    assert [column["column_name"] for column in table["table_columns"]] == ["square"]
    assert connection.adbc_get_table_types() == ["TABLE", "VIEW"]
    assert connection.adbc_get_info()["vendor_name"] == "shoal"
    assert connection.adbc_get_table_schema("squares").names == ["square"]
    cursor.execute("DROP VIEW squares")


@pytest.mark.parametrize(
    ("sql", "kind", "text"),
    [
        ("SELECT nme FROM (SELECT 1 AS name)", "ProgrammingError", "^^^\n  hint: did you mean name?"),
        ("SELEC 1", "ProgrammingError", "did you mean SELECT?"),
        ("SELECT 'abc'::INTEGER", "ProgrammingError", "Could not convert string"),
        ("DELETE FROM t", "ProgrammingError", "does not exist"),
    ],
)
def test_adbc_sees_clean_errors(cursor: Any, sql: str, kind: str, text: str) -> None:
    with pytest.raises(getattr(adbc, kind)) as caught:
        cursor.execute(sql)
    assert text in str(caught.value)
    assert "Traceback" not in str(caught.value)
    cursor.execute("SELECT 1")
    assert cursor.fetchall() == [(1,)]


def test_adbc_cancels(cursor: Any, server: CoordinatorServer) -> None:
    def cancel() -> None:
        deadline = time.monotonic() + SECONDS
        while not server.runner._running and time.monotonic() < deadline:
            time.sleep(0.02)
        cursor.adbc_cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(manager.Error):
        cursor.execute(ENDLESS)
    thread.join()
    deadline = time.monotonic() + SECONDS
    while server.runner._running:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_token_keeps_the_session_over_connections(server: CoordinatorServer) -> None:
    user = {"username": "somebody", "password": "anything"}
    with adbc.connect(f"grpc://127.0.0.1:{server.port}", db_kwargs=user, autocommit=True) as connection:
        with connection.cursor() as cursor:
            cursor.execute("CREATE VIEW mine AS SELECT 5 AS x")
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM mine")
            assert cursor.fetchall() == [(5,)]


def test_results_are_freed_with_their_statement(cursor: Any, folder: Path) -> None:
    for number in range(3):
        cursor.execute(f"SELECT {number} AS a FROM range(10)")
        assert len(cursor.fetchall()) == 10
    cursor.close()
    deadline = time.monotonic() + SECONDS
    while list(folder.rglob("*.arrow*")):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_plain_flight_client_reads_endpoint_by_endpoint(server: CoordinatorServer) -> None:
    with pyarrow.flight.FlightClient(f"grpc://127.0.0.1:{server.port}") as client:
        command = pack(wire.CommandStatementQuery(query="SELECT range AS a FROM range(5)"))
        descriptor = pyarrow.flight.FlightDescriptor.for_command(command)
        info = client.get_flight_info(descriptor)
        assert info.schema == client.get_schema(descriptor).schema == pa.schema([("a", pa.int64())])
        (endpoint,) = info.endpoints
        with pyarrow.flight.FlightClient(endpoint.locations[0]) as executor:
            assert executor.do_get(endpoint.ticket).read_all().to_pydict() == {"a": [0, 1, 2, 3, 4]}
        assert {"CreatePreparedStatement", "CancelFlightInfo"} <= {action.type for action in client.list_actions()}
        assert list(client.list_flights()) == []
        list(client.do_action(("CloseSession", b"")))


def test_long_errors_reach_clients_that_take_little_metadata(server: CoordinatorServer) -> None:
    with pyarrow.flight.FlightClient(f"grpc://127.0.0.1:{server.port}") as client:
        command = pack(wire.CommandStatementQuery(query="SELECT '" + "é€" * 20_000 + "', nme"))
        with pytest.raises(pa.ArrowInvalid, match="nme"):
            client.get_flight_info(pyarrow.flight.FlightDescriptor.for_command(command))


def call(channel: grpc.Channel, method: str, request: Any, answer: Any, *, stream: bool = False) -> Any:
    make = channel.unary_stream if stream else channel.unary_unary
    function = make(f"/{SERVICE}/{method}", lambda message: message.SerializeToString(), answer.FromString)
    found = function(request, timeout=SECONDS)
    return list(found) if stream else found


@pytest.mark.parametrize(
    "command",
    [
        b"",
        b"\xff\xff\xff",
        pack(wire.CommandPreparedStatementQuery(prepared_statement_handle=b"nothing")),
        pack(wire.CommandStatementUpdate(query="SELECT 1")),
        pack(wire.CommandStatementQuery(query="SELECT 1"))[:-3] + b"\xff\xff\xff",
    ],
)
def test_what_is_no_command_is_refused(channel: grpc.Channel, command: bytes) -> None:
    descriptor = wire.FlightDescriptor(type=wire.CMD, cmd=command)
    with pytest.raises(grpc.RpcError) as caught:
        call(channel, "GetFlightInfo", descriptor, wire.FlightInfo)
    code = caught.value.code()  # type: ignore[attr-defined]
    assert code in {grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL}


@pytest.mark.parametrize(
    "ticket", [b"", b"{", b'{"arrow": "x"}', pack(wire.TicketStatementQuery(statement_handle=b"x"))]
)
def test_what_is_no_ticket_is_refused(channel: grpc.Channel, ticket: bytes) -> None:
    with pytest.raises(grpc.RpcError):
        call(channel, "DoGet", wire.Ticket(ticket=ticket), wire.FlightData, stream=True)


def test_every_listing_can_be_read(channel: grpc.Channel) -> None:
    names = ["CommandGetCatalogs", "CommandGetPrimaryKeys", "CommandGetCrossReference", "CommandGetXdbcTypeInfo"]
    for name in names:
        cmd = pack(wire.CommandGetSqlInfo()).replace(b"CommandGetSqlInfo", name.encode())
        cmd = bytes([cmd[0], len("type.googleapis.com/arrow.flight.protocol.sql.") + len(name)]) + cmd[2:]
        info = call(channel, "GetFlightInfo", wire.FlightDescriptor(type=wire.CMD, cmd=cmd), wire.FlightInfo)
        frames = call(channel, "DoGet", info.endpoint[0].ticket, wire.FlightData, stream=True)
        table = from_frames(frames, 1 << 20)
        assert pa.ipc.read_schema(pa.py_buffer(info.schema)) == table.schema


def test_cancelling_an_info_frees_its_result(channel: grpc.Channel, folder: Path) -> None:
    cmd = pack(wire.CommandStatementQuery(query="SELECT 1 AS a"))
    info = call(channel, "GetFlightInfo", wire.FlightDescriptor(type=wire.CMD, cmd=cmd), wire.FlightInfo)
    body = wire.CancelFlightInfoRequest(info=info).SerializeToString()
    (result,) = call(
        channel, "DoAction", wire.Action(type="CancelFlightInfo", body=body), wire.ActionResult, stream=True
    )
    assert wire.CancelFlightInfoResult.FromString(result.body).status == wire.CANCEL_STATUS_CANCELLED
    deadline = time.monotonic() + SECONDS
    while list(folder.rglob("*.arrow*")):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("compress", [True, False])
def test_frames_keep_tables_as_they_are(compress: bool) -> None:
    table = pa.table({"a": pa.array(range(3_000_000)), "d": pa.array(["x", None, "y"] * 1_000_000).dictionary_encode()})
    frames = list(to_frames(table.schema, table.to_batches(), compress=compress))
    assert max(len(frame.data_body) for frame in frames) < 9 << 20
    assert from_frames(frames, 1 << 30) == table
    assert from_frames(to_frames(table.schema, ()), 1 << 20) == table.slice(0, 0)
    with pytest.raises(ProtocolError, match="more than 1 MiB"):
        from_frames(to_frames(table.schema, table.to_batches()), 1 << 20)
    with pytest.raises(ProtocolError):
        from_frames(frames[1:], 1 << 30)


@pytest.mark.parametrize("text", ["{", "7", "[[1]]", '[{"int":"x"}]', '[{"a":1}]', '[{"int":"1","x":2}]', "[" * 5000])
def test_what_are_no_parameters_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        decode_parameters(text)
