"""The transport over gRPC: executors of any host attach to a server, one bidirectional stream each.

The server belongs to the transport, and lives on the coordinator's loop; other services can be added to it.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc
import grpc.aio

from shoal.coordinator.events import ExecutorLost
from shoal.coordinator.executor_stream import ExecutorStream, StreamSettings, read_registration
from shoal.coordinator.transport import EventSink
from shoal.executor.protocol import control
from shoal.executor.protocol import shoal_pb2 as wire
from shoal.executor.protocol.messages import tasks_to_wire
from shoal.planner import codec
from shoal.planner.errors import ConnectionFailed, InvariantViolated
from shoal.planner.ids import ExecutorId, Incarnation, QueryId, TaskId
from shoal.planner.stage import TaskSpec

CLOSE_SECONDS = 1.0
"""How long streams have to end by themselves when the transport closes."""

_Life = tuple[ExecutorId, Incarnation]


class GrpcTransport:
    """A ``Transport`` whose executors come over the network.

    Port 0 takes a free one. ``handlers`` are further services of the same server. ``start`` raises
    ``ConnectionFailed`` if the port is taken.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        settings: StreamSettings | None = None,
        handlers: Sequence["grpc.GenericRpcHandler[Any, Any]"] = (),
    ) -> None:
        self._host = host
        self._port = port
        self._settings = settings or StreamSettings()
        self._handlers = tuple(handlers)
        self._streams: dict[_Life, ExecutorStream] = {}
        self._server: grpc.aio.Server | None = None
        self._sink: EventSink | None = None

    @property
    def port(self) -> int:
        """The port on which the started transport listens."""
        return self._port

    async def start(self, sink: EventSink) -> None:
        """Open the port; see ``Transport``."""
        self._sink = sink
        server = grpc.aio.server(options=(*control.GRPC_OPTIONS, ("grpc.so_reuseport", 0)))
        attach = grpc.stream_stream_rpc_method_handler(
            self._attach,
            request_deserializer=control.parse_executor_message,
            response_serializer=control.serialize_coordinator_message,
        )
        own = grpc.method_handlers_generic_handler(control.SERVICE, {control.ATTACH: attach})
        server.add_generic_rpc_handlers((own, *self._handlers))
        host = f"[{self._host}]" if ":" in self._host else self._host
        address = f"{host}:{self._port}"
        try:
            self._port = server.add_insecure_port(address)
        except RuntimeError as error:
            raise ConnectionFailed(f"cannot listen on {address}: {error}") from error
        await server.start()
        self._server = server

    def launch(self, executor: ExecutorId, incarnation: Incarnation, spec: TaskSpec) -> None:
        """See ``Transport``."""
        stream = self._streams.get((executor, incarnation))
        if stream is not None:
            stream.launch(spec.id, codec.encode(spec))

    def cancel(self, executor: ExecutorId, incarnation: Incarnation, tasks: tuple[TaskId, ...]) -> None:
        """See ``Transport``."""
        cancel = wire.CancelTasks(tasks=tasks_to_wire(tasks))
        self._send(executor, incarnation, wire.CoordinatorMessage(cancel=cancel))

    def drop_outputs(self, executor: ExecutorId, incarnation: Incarnation, tasks: tuple[TaskId, ...]) -> None:
        """See ``Transport``."""
        drop = wire.DropOutputs(tasks=tasks_to_wire(tasks))
        self._send(executor, incarnation, wire.CoordinatorMessage(drop_outputs=drop))

    def drop_query(self, executor: ExecutorId, incarnation: Incarnation, query: QueryId) -> None:
        """See ``Transport``."""
        self._send(executor, incarnation, wire.CoordinatorMessage(drop_query=wire.DropQuery(query=query)))

    def drain(self, executor: ExecutorId, incarnation: Incarnation) -> None:
        """Ask an executor to finish what runs and leave; it answers with ``ExecutorDraining``."""
        self._send(executor, incarnation, wire.CoordinatorMessage(drain=wire.Drain()))

    def disconnect(self, executor: ExecutorId, incarnation: Incarnation, reason: str) -> None:
        """See ``Transport``."""
        stream = self._streams.get((executor, incarnation))
        if stream is not None:
            stream.disconnect(reason)

    async def close(self) -> None:
        """See ``Transport``."""
        server, self._server = self._server, None
        if server is None:
            return
        for stream in list(self._streams.values()):
            stream.disconnect("the coordinator is shutting down")
        await server.stop(CLOSE_SECONDS)

    def _send(self, executor: ExecutorId, incarnation: Incarnation, message: wire.CoordinatorMessage) -> None:
        stream = self._streams.get((executor, incarnation))
        if stream is not None:
            stream.send(message)

    async def _attach(self, _requests: object, context: control.AttachContext) -> None:
        """Serve one stream until it ends, then post ``ExecutorLost``."""
        sink = self._sink
        if sink is None:
            raise InvariantViolated("an executor attached before the transport was started")
        joined = await read_registration(context, self._settings)
        if joined is None:
            return
        life = joined.executor, joined.incarnation
        if life in self._streams:
            text = f"executor {joined.executor} is attached already as incarnation {joined.incarnation}"
            refuse = wire.Refuse(reason=wire.REFUSE_REASON_MALFORMED, text=text)
            await context.write(wire.CoordinatorMessage(refuse=refuse))
            return
        stream = self._streams[life] = ExecutorStream(joined, context, sink)
        reason = "its handler was stopped"
        try:
            sink(joined)
            reason = await stream.serve(self._settings)
        except asyncio.CancelledError:
            reason = "its stream was closed"
            raise
        finally:
            del self._streams[life]
            sink(ExecutorLost(joined.executor, joined.incarnation, reason))
