"""The coordinator as a service of its own: what ``shoal serve`` runs. Executors join it, clients connect to it."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from shoal.coordinator.coordinator_runner import CoordinatorRunner
from shoal.coordinator.grpc_transport import GrpcTransport
from shoal.coordinator.policy import Policy
from shoal.planner.errors import InterfaceError

if TYPE_CHECKING:
    import grpc

DEFAULT_PORT = 7432

Handlers = Sequence["grpc.GenericRpcHandler[Any, Any]"]


class CoordinatorServer:
    """A coordinator that listens on ``host:port`` (port 0 takes a free one); runs until ``close``.

    ``services`` makes the handlers of further gRPC services on the same port. It is called with the server before that
    listens; ``runner`` and ``port`` are there by the time the first request comes. The handlers run on the
    coordinator's loop. Raises ``ConnectionFailed`` if the port is taken.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        services: Callable[["CoordinatorServer"], Handlers] | None = None,
        policy: Policy | None = None,
    ) -> None:
        self.host = host
        self._runner: CoordinatorRunner | None = None
        self._closers: list[Callable[[], None]] = []
        self._transport = GrpcTransport(host, port, handlers=services(self) if services is not None else ())
        try:
            self._runner = CoordinatorRunner(self._transport, policy)
        except BaseException:
            self.close()
            raise

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return self._transport.port

    @property
    def runner(self) -> CoordinatorRunner:
        """The coordinator."""
        if self._runner is None:
            raise InterfaceError("the coordinator is starting")
        return self._runner

    def on_close(self, closer: Callable[[], None]) -> None:
        """Call this, which must be harmless when repeated, before the coordinator stops."""
        self._closers.append(closer)

    def close(self) -> None:
        """Cancel what runs and stop listening. Idempotent."""
        for closer in reversed(self._closers):
            closer()
        if self._runner is not None:
            self._runner.close()


def serve_coordinator(
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    services: Callable[[CoordinatorServer], Handlers] | None = None,
) -> None:
    """Run a coordinator until SIGTERM or SIGINT; says on standard error where it listens. Call it on the main thread.

    ``services`` is the Flight SQL service for clients unless another is given. Raises ``ConnectionFailed`` if the port
    is taken.
    """
    if services is None:
        from shoal.flight.service import flight_services

        services = flight_services
    with _signalled() as stop:
        server = CoordinatorServer(host, port, services)
        try:
            sys.stderr.write(f"shoal coordinator listens on {host}:{server.port}\n")
            sys.stderr.flush()
            while not stop.wait(60.0):
                pass
        finally:
            server.close()


@contextmanager
def _signalled() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set instead of what they do otherwise."""
    stop = threading.Event()

    def note(_number: int, _frame: object) -> None:
        stop.set()

    previous = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
