"""Errors as gRPC statuses: a code and a text for every client, and in the trailing metadata all fields for ours."""

from collections.abc import Sequence
from urllib.parse import quote

import grpc

from shoal.executor.protocol import shoal_pb2 as wire
from shoal.executor.protocol.messages import error_from_wire, error_to_wire
from shoal.planner.errors import (
    Error,
    ErrorKind,
    InternalError,
    NotSupportedError,
    OutOfMemory,
    QueryCancelled,
    QueryTimeout,
    SourceNotFound,
    TableNotFound,
    VersionMismatch,
)

ERROR_KEY = "shoal-error-bin"
MAX_METADATA_BYTES = 96 << 10
"""What our client takes as trailing metadata. Others take 8 kB: with more, they would see no error but that."""

_MAX_DETAILS = 4000
_MAX_ERROR = 48 << 10
_MAX_ERROR_OF_OTHERS = 1500
_MAX_STORY = 20

_CODES: tuple[tuple[type[Error], grpc.StatusCode], ...] = (
    (NotSupportedError, grpc.StatusCode.UNIMPLEMENTED),
    (TableNotFound, grpc.StatusCode.NOT_FOUND),
    (SourceNotFound, grpc.StatusCode.NOT_FOUND),
    (VersionMismatch, grpc.StatusCode.FAILED_PRECONDITION),
    (QueryCancelled, grpc.StatusCode.CANCELLED),
    (QueryTimeout, grpc.StatusCode.DEADLINE_EXCEEDED),
    (OutOfMemory, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (InternalError, grpc.StatusCode.INTERNAL),
)


def code_of(error: Error) -> grpc.StatusCode:
    """The status that stands for an error."""
    for class_, code in _CODES:
        if isinstance(error, class_):
            return code
    return grpc.StatusCode.INVALID_ARGUMENT if error.kind is ErrorKind.USER else grpc.StatusCode.UNAVAILABLE


def details_of(error: Error) -> str:
    """The text for clients that know only texts: message, carets and hint, cut to what metadata may hold."""
    text = str(error)
    while len(quote(text, safe=" ")) > _MAX_DETAILS:
        text = text[: len(text) * 3 // 4].removesuffix(" ...") + " ..."
    return text


def metadata_of(error: BaseException, sql: str, *, own: bool) -> tuple[tuple[str, bytes], ...]:
    """All fields of an error as metadata, for our client; for others only if there is room.

    ``sql`` is the client's own text: it need not travel back.
    """
    message = error_to_wire(error)
    if message.HasField("sql") and message.sql == sql:
        message.ClearField("sql")
    if message.ByteSize() > _MAX_ERROR:
        del message.story[:-_MAX_STORY]
    if message.ByteSize() > _MAX_ERROR:
        if message.HasField("sql"):
            message.ClearField("sql")
            message.ClearField("place")
        del message.story[:]
    if not own and message.ByteSize() > _MAX_ERROR_OF_OTHERS:
        return ()
    return ((ERROR_KEY, message.SerializeToString()),)


def error_of(metadata: Sequence[tuple[str, str | bytes]] | None, sql: str) -> Error | None:
    """The error that a coordinator has put into trailing metadata, None if it has not."""
    for key, value in metadata or ():
        if key == ERROR_KEY and isinstance(value, bytes):
            error = error_from_wire(wire.TaskError.FromString(value))
            return error.with_context(sql=sql) if error.context.place is not None and sql else error
    return None
