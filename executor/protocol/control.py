"""The control service's name, method and limits: what both ends of the stream must agree on besides the messages."""

from typing import Protocol

from shoal.executor.protocol.shoal_pb2 import CoordinatorMessage, ExecutorMessage

SERVICE = "shoal.v1.Control"
ATTACH = "Attach"
ATTACH_PATH = f"/{SERVICE}/{ATTACH}"

MAX_MESSAGE_BYTES = 64 << 20
"""A task with thousands of inputs is a few megabytes; nothing larger than this is sent or taken."""

GRPC_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
)


def serialize_executor_message(message: ExecutorMessage) -> bytes:
    """What an executor sends, as bytes."""
    return message.SerializeToString()


def serialize_coordinator_message(message: CoordinatorMessage) -> bytes:
    """What a coordinator sends, as bytes."""
    return message.SerializeToString()


parse_executor_message = ExecutorMessage.FromString
parse_coordinator_message = CoordinatorMessage.FromString


class AttachContext(Protocol):
    """What the coordinator's end of a stream is used for; ``grpc.aio.ServicerContext`` has it."""

    async def read(self) -> object:
        """The next message, or ``grpc.aio.EOF`` when the other side has closed."""

    async def write(self, message: CoordinatorMessage) -> None:
        """Send a message; returns when the transport has taken it."""
