"""What our client and the coordinator say to each other inside Flight's messages: data types only, and their names.

They travel as JSON written by ``shoal.planner.codec``: as bodies and results of actions, as commands of descriptors
(inside an ``Any``, as all commands of Flight SQL are), and as the ``app_metadata`` of a ``FlightInfo``.
"""

from dataclasses import dataclass
from typing import Any as AnyType

from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError, Message

from shoal.planner import codec
from shoal.planner.errors import ProtocolError
from shoal.planner.source import Field
from shoal.planner.stage import OutputFile
from shoal.query_statistics import QueryStatistics
from shoal.runner import QueryProgress

SERVICE = "arrow.flight.protocol.FlightService"
SESSION_KEY = "shoal-session"
"""The metadata key with which our client names its session; also the name of the cookie that others may send."""

SQL_TYPE = "type.googleapis.com/arrow.flight.protocol.sql."
OWN_TYPE = "type.googleapis.com/shoal.flight.v1."

MAX_UPLOAD_BYTES = 1 << 30
"""The largest table that ``register`` sends; larger data is a file's business."""

IDLE_SECONDS = 300.0
"""A session that nobody has used for so long ends."""


@dataclass(frozen=True, slots=True)
class OpenSession:
    """The first thing that our client says: its version and the settings it starts with."""

    version: str
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """The name of the new session, and after how many seconds without a word it ends."""

    session: str
    version: str
    idle_seconds: float


@dataclass(frozen=True, slots=True)
class Execute:
    """Run a statement under a query id of the client's; ``parameters`` is what ``encode_parameters`` makes."""

    query: str
    sql: str
    parameters: str = ""


@dataclass(frozen=True, slots=True)
class Await:
    """Ask again for the end of a statement."""

    query: str


@dataclass(frozen=True, slots=True)
class Upload:
    """Register the table that this stream holds."""

    name: str


@dataclass(frozen=True, slots=True)
class RegisterPath:
    """Register files of the cluster's machines."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class TableName:
    """A table or view."""

    name: str


@dataclass(frozen=True, slots=True)
class TableNames:
    """All tables and views."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table or view."""

    columns: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class QueryName:
    """A query of this session: to cancel it, or to free its result."""

    query: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """No more to say."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a statement ended. ``columns`` None: without a result. ``outputs``: the files of the executors that hold it.

    ``rows``: these are all, as an IPC stream; ``handle``: the coordinator holds the rows, and gives them for it.
    ``mmap`` and ``timezone`` are settings. ``statistics``: what the query cost. ``changed``: the rows that were.
    """

    query: str
    columns: tuple[Field, ...] | None = None
    outputs: tuple[OutputFile, ...] = ()
    rows: bytes = b""
    handle: str = ""
    mmap: bool = True
    timezone: str | None = None
    statistics: QueryStatistics | None = None
    changed: int | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """What a running statement says: how far it is, if anybody knows."""

    progress: QueryProgress | None = None


Command = Execute | Await | Upload

_COMMANDS: dict[str, type[Command]] = {OWN_TYPE + class_.__name__: class_ for class_ in (Execute, Await, Upload)}


def pack(message: Message) -> bytes:
    """A message of Flight SQL inside an ``Any``, under the standard's name."""
    return Any(type_url=SQL_TYPE + message.DESCRIPTOR.name, value=message.SerializeToString()).SerializeToString()


def pack_own(command: Command) -> bytes:
    """A command of ours inside an ``Any``."""
    return Any(type_url=OWN_TYPE + type(command).__name__, value=codec.encode(command)).SerializeToString()


def unpack(data: bytes) -> tuple[str, bytes]:
    """The name without its prefix, and the bytes, of what is inside an ``Any``; raises ``ProtocolError``."""
    try:
        found = Any.FromString(data)
    except DecodeError as error:
        raise ProtocolError("not a command of Flight SQL") from error
    return found.type_url.removeprefix(SQL_TYPE), found.value


def own_command(name: str, value: bytes) -> Command | None:
    """The command of ours that ``unpack`` found, None if it is none; raises ``ProtocolError``."""
    class_ = _COMMANDS.get(name)
    return None if class_ is None else codec.decode(class_, value)


def parse(message: AnyType, data: bytes) -> AnyType:
    """Read a message of class ``message``; raises ``ProtocolError``."""
    try:
        return message.FromString(data)
    except DecodeError as error:
        raise ProtocolError(f"not a {message.DESCRIPTOR.name}") from error
