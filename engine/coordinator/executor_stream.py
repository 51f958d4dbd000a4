"""The coordinator's end of one executor's stream: messages to events, instructions to messages."""

import asyncio
from dataclasses import dataclass
from typing import assert_never

import grpc
import grpc.aio

from shoal.coordinator.events import (
    ExecutorDraining,
    ExecutorEvent,
    ExecutorJoined,
    Heartbeat,
    TaskFailed,
    TaskFailure,
    TaskStarted,
    TaskSucceeded,
)
from shoal.coordinator.transport import EventSink
from shoal.executor.protocol import control
from shoal.executor.protocol import shoal_pb2 as wire
from shoal.executor.protocol.messages import error_from_wire, task_from_wire
from shoal.executor.protocol.version import VERSION
from shoal.planner import codec
from shoal.planner.errors import InternalError, ProtocolError
from shoal.planner.ids import ExecutorId, Incarnation, TaskId
from shoal.planner.stage import OutputFile, TaskMetrics

REGISTER_SECONDS = 10.0
"""How long a new stream has to say who it is."""

LAST_WORD_SECONDS = 5.0
"""How long the last messages to an executor may take."""

MAX_QUEUED = 10_000
"""An executor that leaves so many messages unread counts as lost."""

MAX_SLOTS = 4096


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How often an executor gives a sign of life, and after how long a silence each side gives up the other."""

    heartbeat_seconds: float = 2.0
    lease_seconds: float = 20.0
    version: str = VERSION


async def read_registration(context: control.AttachContext, settings: StreamSettings) -> ExecutorJoined | None:
    """Read who attaches; None after refusing it, for another version or a registration that makes no sense."""
    try:
        async with asyncio.timeout(REGISTER_SECONDS):
            message = await context.read()
    except TimeoutError:
        return None
    if not isinstance(message, wire.ExecutorMessage):
        return None
    register = message.register
    if message.HasField("register") and register.version != settings.version:
        text = f"the coordinator runs Shoal {settings.version}, this executor {register.version}"
        refuse = wire.Refuse(reason=wire.REFUSE_REASON_VERSION, text=text, version=settings.version)
    elif not (register.executor and register.incarnation and 1 <= register.slots <= MAX_SLOTS and register.threads):
        refuse = wire.Refuse(reason=wire.REFUSE_REASON_MALFORMED, text="the registration is incomplete")
    else:
        return ExecutorJoined(
            executor=ExecutorId(register.executor),
            incarnation=Incarnation(register.incarnation),
            threads=register.threads,
            slots=register.slots,
            memory_bytes=register.memory_bytes,
            host=register.host,
            location=register.location,
            lease_seconds=settings.lease_seconds,
            core_pool=register.core_pool,
            cores=register.cores,
        )
    await context.write(wire.CoordinatorMessage(refuse=refuse))
    return None


class ExecutorStream:
    """One attached executor. ``serve`` runs until the stream ends; all else queues a message and returns at once."""

    def __init__(self, joined: ExecutorJoined, context: control.AttachContext, sink: EventSink) -> None:
        self._joined = joined
        self._context = context
        self._sink = sink
        self._outgoing: asyncio.Queue[wire.CoordinatorMessage] = asyncio.Queue()
        self._ending: str | None = None

    def send(self, message: wire.CoordinatorMessage) -> None:
        """Queue a message; an executor that reads none is disconnected."""
        if self._ending is None and self._outgoing.qsize() >= MAX_QUEUED:
            self.disconnect(f"it leaves {MAX_QUEUED} messages unread")
        elif self._ending is None:
            self._outgoing.put_nowait(message)

    def launch(self, task: TaskId, spec: bytes) -> None:
        """Queue a task; one that is too large for a message fails at once."""
        if len(spec) > control.MAX_MESSAGE_BYTES - 1024:
            error = InternalError(f"a task of {len(spec)} bytes does not fit into a message")
            self._sink(TaskFailed(self._joined.executor, self._joined.incarnation, task, TaskFailure.of(error)))
            return
        self.send(wire.CoordinatorMessage(launch=wire.LaunchTask(spec=spec)))

    def disconnect(self, reason: str) -> None:
        """Say goodbye, and end the stream when that is delivered; nothing is sent after it."""
        if self._ending is None:
            self._ending = reason
            self._outgoing.put_nowait(wire.CoordinatorMessage(disconnect=wire.Disconnect(reason=reason)))

    async def serve(self, settings: StreamSettings) -> str:
        """Welcome the executor, then carry messages both ways; returns why the stream has ended."""
        welcome = wire.Welcome(heartbeat_seconds=settings.heartbeat_seconds, lease_seconds=settings.lease_seconds)
        await self._context.write(wire.CoordinatorMessage(welcome=welcome))
        reader = asyncio.create_task(self._read())
        writer = asyncio.create_task(self._write())
        try:
            await asyncio.wait((reader, writer), return_when=asyncio.FIRST_COMPLETED)
            if reader.done() and self._ending is not None:
                await asyncio.wait((writer,), timeout=LAST_WORD_SECONDS)
            return reader.result() if reader.done() else writer.result()
        finally:
            reader.cancel()
            writer.cancel()
            await asyncio.gather(reader, writer, return_exceptions=True)

    async def _read(self) -> str:
        while True:
            try:
                message = await self._context.read()
                if not isinstance(message, wire.ExecutorMessage):
                    return self._ending or "its stream was closed"
                if message.HasField("leaving"):
                    return message.leaving.reason
                self._sink(self._event(message))
                if message.HasField("heartbeat"):
                    self.send(wire.CoordinatorMessage(heartbeat=wire.Heartbeat()))
            except (grpc.RpcError, grpc.aio.UsageError, asyncio.InvalidStateError) as error:
                return f"its stream broke: {error}"
            except ProtocolError as error:
                self.disconnect(f"it sent a message that makes no sense: {error.message}")
                return self._ending or ""

    async def _write(self) -> str:
        while True:
            message = await self._outgoing.get()
            try:
                await self._context.write(message)
            except (grpc.RpcError, grpc.aio.UsageError, asyncio.InvalidStateError) as error:
                return f"its stream broke: {error}"
            if message.HasField("disconnect"):
                return message.disconnect.reason

    def _event(self, message: wire.ExecutorMessage) -> ExecutorEvent:
        who = self._joined.executor, self._joined.incarnation
        match message.WhichOneof("message"):
            case "heartbeat":
                return Heartbeat(*who)
            case "started":
                return TaskStarted(*who, task_from_wire(message.started.task))
            case "succeeded":
                return self._succeeded(message.succeeded)
            case "failed":
                failure = TaskFailure.of(error_from_wire(message.failed.error))
                return TaskFailed(*who, task_from_wire(message.failed.task), failure)
            case "draining":
                return ExecutorDraining(*who)
            case "register" | "leaving" | None:
                raise ProtocolError("a second registration, or nothing")
            case unknown:
                assert_never(unknown)

    def _succeeded(self, message: wire.TaskSucceeded) -> TaskSucceeded:
        joined = self._joined
        output = codec.decode(OutputFile, message.output)
        mine = output.executor == joined.executor and output.incarnation == joined.incarnation
        if not mine or output.task != task_from_wire(message.task):
            raise ProtocolError(f"an output of {output.task} at {output.executor} for another task or executor")
        return TaskSucceeded(joined.executor, joined.incarnation, output, codec.decode(TaskMetrics, message.metrics))
