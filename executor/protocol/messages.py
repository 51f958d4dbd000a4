"""Identities and errors as messages, and back."""

from collections.abc import Iterable, Mapping

from shoal.executor.protocol import shoal_pb2 as wire
from shoal.planner.errors import (
    ERROR_CLASSES,
    Error,
    ErrorContext,
    ErrorKind,
    ExecutorLost,
    FetchFailed,
    InternalError,
    OutOfMemory,
    Place,
    ProgrammingError,
    QueryCancelled,
)
from shoal.planner.ids import QueryId, StageId, TaskId

MAX_TEXT = 16 << 10
"""Longer texts inside an error are cut, so that an error always fits into a message."""

MAX_STORY = 100
"""How many lines of a story travel: the latest ones."""

CLASS_OF_KIND: Mapping[ErrorKind, type[Error]] = {
    ErrorKind.USER: ProgrammingError,
    ErrorKind.RETRYABLE: ExecutorLost,
    ErrorKind.FETCH_FAILED: FetchFailed,
    ErrorKind.OUT_OF_MEMORY: OutOfMemory,
    ErrorKind.CANCELLED: QueryCancelled,
    ErrorKind.INTERNAL: InternalError,
}
"""What an error becomes whose class this side does not know."""


def task_to_wire(task: TaskId) -> wire.TaskId:
    """A task's identity as a message."""
    return wire.TaskId(
        query=task.query,
        stage=task.stage,
        stage_attempt=task.stage_attempt,
        partition=task.partition,
        attempt=task.attempt,
    )


def task_from_wire(message: wire.TaskId) -> TaskId:
    """A task's identity from a message."""
    return TaskId(
        QueryId(message.query), StageId(message.stage), message.stage_attempt, message.partition, message.attempt
    )


def tasks_to_wire(tasks: Iterable[TaskId]) -> list[wire.TaskId]:
    """Several identities as messages."""
    return [task_to_wire(task) for task in tasks]


def tasks_from_wire(messages: Iterable[wire.TaskId]) -> tuple[TaskId, ...]:
    """Several identities from messages."""
    return tuple(task_from_wire(message) for message in messages)


def error_to_wire(error: BaseException) -> wire.TaskError:
    """An error as a message; what is not of our tree is an ``InternalError`` with the class in its text."""
    if not isinstance(error, Error):
        error = InternalError(f"{type(error).__name__}: {error}")
    context = error.context
    place = context.place
    return wire.TaskError(
        kind=error.kind.name,
        error_class=type(error).__name__,
        message=_cut(error.message),
        sql=context.sql if context.sql is not None and len(context.sql) <= MAX_TEXT else None,
        place=None if place is None else wire.Place(line=place.line, column=place.column, length=place.length),
        hint=None if context.hint is None else _cut(context.hint),
        query=context.query,
        stage=context.stage,
        task=context.task,
        executor=context.executor,
        partition=context.partition,
        story=[_cut(line) for line in context.story[-MAX_STORY:]],
        sqlstate=context.sqlstate,
    )


def error_from_wire(message: wire.TaskError) -> Error:
    """The error again: of its own class, or if this side does not know that, of the one that stands for its kind."""
    place = message.place
    context = ErrorContext(
        sql=message.sql if message.HasField("sql") else None,
        place=Place(place.line, place.column, place.length) if message.HasField("place") else None,
        hint=message.hint if message.HasField("hint") else None,
        query=message.query if message.HasField("query") else None,
        stage=message.stage if message.HasField("stage") else None,
        task=message.task if message.HasField("task") else None,
        executor=message.executor if message.HasField("executor") else None,
        partition=message.partition if message.HasField("partition") else None,
        story=tuple(message.story),
        sqlstate=message.sqlstate if message.HasField("sqlstate") else None,
    )
    kind = _kind_from_wire(message.kind)
    class_ = ERROR_CLASSES.get(message.error_class)
    if class_ is None or class_.kind is not kind:
        class_ = CLASS_OF_KIND[kind]
    return class_(message.message, context)


def _kind_from_wire(number: int) -> ErrorKind:
    name = wire.ErrorKind.Name(number) if number in wire.ErrorKind.values() else ""
    return ErrorKind[name] if name in ErrorKind.__members__ else ErrorKind.INTERNAL


def _cut(text: str) -> str:
    """Bound a text, and replace what UTF-8 cannot hold (a path that is no text, say)."""
    text = text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}... ({len(text)} characters)"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
