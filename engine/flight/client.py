"""Our client's calls to a coordinator: blocking, each with a deadline, errors as they were raised there."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from shoal.executor.protocol.control import MAX_MESSAGE_BYTES
from shoal.flight import flight_pb2 as wire
from shoal.flight.requests import SERVICE, SESSION_KEY
from shoal.flight.status import MAX_METADATA_BYTES, error_of
from shoal.planner.errors import ConnectionFailed, InterfaceError

CALL_SECONDS = 30.0
"""How long a call that does something quick may take."""

CONNECT_SECONDS = 5.0

_OPTIONS = (
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_metadata_size", MAX_METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", 2 * MAX_METADATA_BYTES),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
)


class FlightClient:
    """A connection to the coordinator at ``host:port``. Thread-safe; every call may raise ``ConnectionFailed``."""

    def __init__(self, host: str, port: int) -> None:
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._channel = grpc.insecure_channel(self.address, options=_OPTIONS)
        self._metadata: tuple[tuple[str, str], ...] = ()
        self._action = self._call(self._channel.unary_stream, "DoAction", wire.ActionResult)
        self._poll = self._call(self._channel.unary_unary, "PollFlightInfo", wire.PollInfo)
        self._get = self._call(self._channel.unary_stream, "DoGet", wire.FlightData)
        self._put = self._call(self._channel.stream_stream, "DoPut", wire.PutResult)
        self._closed = False

    def enter(self, session: str) -> None:
        """Make all further calls in a session."""
        self._metadata = ((SESSION_KEY, session),)

    def action(self, kind: str, body: bytes, timeout: float = CALL_SECONDS) -> bytes:
        """Do something at once and return the answer's body; raises the coordinator's error."""
        with self._translating():
            results = list(self._action(wire.Action(type=kind, body=body), timeout=timeout, metadata=self._metadata))
        return bytes(results[0].body) if results else b""

    def action_soon(self, kind: str, body: bytes) -> None:
        """Do something without waiting for it; whether it works out does not matter."""
        if not self._closed:
            call = self._action(wire.Action(type=kind, body=body), timeout=CALL_SECONDS, metadata=self._metadata)
            call.add_done_callback(_ignore)

    def poll(self, command: bytes, sql: str, timeout: float) -> wire.PollInfo:
        """Start or await a statement; raises its error with its place in ``sql``."""
        descriptor = wire.FlightDescriptor(type=wire.CMD, cmd=command)
        with self._translating(sql):
            found: wire.PollInfo = self._poll(descriptor, timeout=timeout, metadata=self._metadata)
        return found

    def get(self, ticket: bytes, timeout: float) -> Iterator[wire.FlightData]:
        """The messages of a result that the coordinator holds."""
        with self._translating():
            yield from self._get(wire.Ticket(ticket=ticket), timeout=timeout, metadata=self._metadata)

    def put(self, command: bytes, frames: Iterable[wire.FlightData], timeout: float) -> None:
        """Send a table."""
        descriptor = wire.FlightDescriptor(type=wire.CMD, cmd=command)

        def described() -> Iterator[wire.FlightData]:
            for number, frame in enumerate(frames):
                if number == 0:
                    frame.flight_descriptor.CopyFrom(descriptor)
                yield frame

        with self._translating():
            for _ in self._put(described(), timeout=timeout, metadata=self._metadata):
                pass

    def close(self) -> None:
        """Close the connection; idempotent."""
        self._closed = True
        self._channel.close()

    def _call(self, make: Callable[..., Any], method: str, answer: Any) -> Any:
        return make(
            f"/{SERVICE}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=answer.FromString,
        )

    @contextmanager
    def _translating(self, sql: str = "") -> Iterator[None]:
        """Raise what the coordinator raised, or ``ConnectionFailed`` when it is not there to raise anything."""
        try:
            yield
        except grpc.RpcError as error:
            call: Any = error
            told = error_of(call.trailing_metadata(), sql)
            if told is not None:
                raise told from None
            if self._closed:
                raise InterfaceError("the connection is closed") from error
            raise ConnectionFailed(_reason(call, self.address)) from error
        except ValueError as error:
            if not self._closed:
                raise
            raise InterfaceError("the connection is closed") from error


def _reason(call: Any, address: str) -> str:
    match call.code():
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return f"the coordinator at {address} does not answer"
        case grpc.StatusCode.UNIMPLEMENTED:
            return f"what listens at {address} is not a coordinator of Shoal"
        case _:
            return f"there is no coordinator at {address}: {call.details() or call.code().name}"


def _ignore(_call: object) -> None:
    """Whoever does not wait for a call does not want to know how it ended."""
