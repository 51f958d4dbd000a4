"""The executor's end of the control stream."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio

from shoal.executor.protocol import control
from shoal.executor.protocol import shoal_pb2 as wire
from shoal.planner.errors import ConnectionFailed, OperationalError, VersionMismatch

WELCOME_SECONDS = 10.0
FIRST_DELAY = 0.1
LARGEST_DELAY = 10.0
LAST_WORD_SECONDS = 2.0

_OPTIONS = (
    *control.GRPC_OPTIONS,
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)

_Channel = Any  # the stubs of grpc.aio take default arguments for required ones
_Attach = Any
_Call = Any


class ControlClient:
    """One stream to the coordinator at ``host:port``: ``join``, then ``send`` and ``messages``, then ``close``.

    Everything is called on the loop's thread.
    """

    def __init__(self, coordinator: str) -> None:
        self._coordinator = coordinator
        self._channel: _Channel = grpc.aio.insecure_channel(coordinator, options=_OPTIONS)
        self._attach: _Attach = self._channel.stream_stream(
            control.ATTACH_PATH,
            request_serializer=control.serialize_executor_message,
            response_deserializer=control.parse_coordinator_message,
        )
        self._call: _Call = None
        self._outgoing: asyncio.Queue[wire.ExecutorMessage] = asyncio.Queue()
        self._writer: asyncio.Task[None] | None = None

    async def join(self, register: wire.Register, seconds: float) -> wire.Welcome:
        """Register; tries again for ``seconds`` while nobody answers, each time after a longer, random delay.

        Raises ``ConnectionFailed``, ``VersionMismatch``, or ``OperationalError`` when refused for something else.
        """
        deadline = time.monotonic() + seconds
        bound = FIRST_DELAY
        while True:
            try:
                return await self._register(register)
            except (grpc.RpcError, TimeoutError, asyncio.InvalidStateError) as error:
                self._hang_up()
                left = deadline - time.monotonic()
                if left <= 0:
                    text = f"no coordinator answers at {self._coordinator} ({_describe(error)})"
                    raise ConnectionFailed(text) from error
                delay = random.uniform(FIRST_DELAY / 2, bound)  # noqa: S311 - spreads the executors, guards nothing
                await asyncio.sleep(min(delay, left))
                bound = min(LARGEST_DELAY, bound * 2)

    def send(self, message: wire.ExecutorMessage) -> None:
        """Queue a message."""
        self._outgoing.put_nowait(message)

    async def messages(self) -> AsyncIterator[wire.CoordinatorMessage]:
        """What the coordinator says, until the stream ends, for whatever reason."""
        while True:
            try:
                message = await self._call.read()
            except (grpc.RpcError, asyncio.InvalidStateError):
                return
            if not isinstance(message, wire.CoordinatorMessage):
                return
            yield message

    async def leave(self, reason: str) -> None:
        """Say why this executor goes, and wait until the coordinator has read it; at most ``LAST_WORD_SECONDS``.

        Somebody must be reading ``messages`` meanwhile.
        """
        if self._call.done():
            return
        self.send(wire.ExecutorMessage(leaving=wire.Leaving(reason=reason)))
        with contextlib.suppress(TimeoutError, grpc.RpcError, asyncio.InvalidStateError):
            async with asyncio.timeout(LAST_WORD_SECONDS):
                await self._outgoing.join()
                await self._call.done_writing()
                await self._call.code()

    async def close(self) -> None:
        """End the stream and the channel."""
        if self._writer is not None:
            self._writer.cancel()
        self._hang_up()
        await self._channel.close()

    async def _register(self, register: wire.Register) -> wire.Welcome:
        self._call = self._attach()
        async with asyncio.timeout(WELCOME_SECONDS):
            await self._call.write(wire.ExecutorMessage(register=register))
            answer = await self._call.read()
        if not isinstance(answer, wire.CoordinatorMessage):
            raise TimeoutError("the coordinator closed the stream")
        if answer.HasField("refuse"):
            refuse = answer.refuse
            refused = VersionMismatch if refuse.reason == wire.REFUSE_REASON_VERSION else OperationalError
            raise refused(f"the coordinator at {self._coordinator} refuses: {refuse.text}")
        if not answer.HasField("welcome"):
            raise OperationalError(f"what answers at {self._coordinator} is no coordinator")
        self._writer = asyncio.create_task(self._write())
        return answer.welcome

    async def _write(self) -> None:
        while True:
            message = await self._outgoing.get()
            # A broken stream is noticed by whoever reads; what is queued then has nobody to go to.
            with contextlib.suppress(grpc.RpcError, asyncio.InvalidStateError):
                await self._call.write(message)
            self._outgoing.task_done()

    def _hang_up(self) -> None:
        if self._call is not None:
            self._call.cancel()


def _describe(error: Exception) -> str:
    return str(error.details()) if isinstance(error, grpc.aio.AioRpcError) else str(error) or "it does not answer"
