"""Every error that Shoal raises, in one tree; the classes above ``ShoalError``'s children are those of PEP 249.

    Error
    ├── InterfaceError                    wrong use of the driver itself (a closed cursor, a wrong argument)
    └── DatabaseError
        ├── ProgrammingError              user: the statement is wrong
        │   ├── SyntaxError_              the text is not SQL; has a place
        │   ├── BindError                 a name, type or overload does not fit; has a place
        │   │   ├── TableNotFound, ColumnNotFound, FunctionNotFound
        │   ├── ParameterError            too few, too many or unusable parameters
        │   ├── StatementTooLarge         too long or nested too deep
        │   └── SettingError              an unknown setting or a value it does not take
        ├── DataError                     user: the data does not fit (cast, overflow, division by zero)
        ├── NotSupportedError             user: a statement that Shoal does not take
        ├── IntegrityError                user: the data breaks a rule of its table
        ├── OperationalError              resource
        │   ├── SourceError               a file cannot be read
        │   │   ├── SourceNotFound, SourceCorrupt, SourceChanged
        │   ├── ConnectionFailed          there is no coordinator there, or it is gone
        │   ├── VersionMismatch           coordinator and executor or client are of different versions
        │   ├── NoExecutors               the cluster has no executor
        │   ├── ExecutorLost              retryable: an executor is gone
        │   ├── FetchFailed               retryable: a shuffle output cannot be read
        │   ├── OutOfMemory               the kernel's memory limit or the disk budget is used up
        │   ├── QueryTimeout              a deadline has passed
        │   └── QueryCancelled            somebody cancelled the query
        └── InternalError                 internal: Shoal's own fault
            ├── InvariantViolated         a plan or a state machine is not as it must be
            ├── ProtocolError             a message from another process is not as it must be
            └── WrongAnswer               ``SET verify = on`` found a difference from plain DuckDB

An error carries fields, not text: place, hint, query, stage and task are added once, at the boundary that knows them.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar, Self


class ErrorKind(StrEnum):
    """Whose fault an error is, as it travels between processes (the wire's enum has the same members)."""

    USER = "USER"
    RETRYABLE = "RETRYABLE"
    FETCH_FAILED = "FETCH_FAILED"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    CANCELLED = "CANCELLED"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a SQL text: line and column from 1, and how many characters are meant."""

    line: int
    column: int
    length: int = 1


@dataclass(frozen=True, slots=True)
class ErrorContext:
    """What is known about an error besides its message; every field may be missing.

    ``sqlstate`` is there where it is more exact than that of the class.
    """

    sql: str | None = None
    place: Place | None = None
    hint: str | None = None
    query: str | None = None
    stage: int | None = None
    task: str | None = None
    executor: str | None = None
    partition: int | None = None
    story: tuple[str, ...] = ()
    sqlstate: str | None = None


class Warning(Exception):  # noqa: A001 - PEP 249 names it so
    """PEP 249's warning class; Shoal warns through ``warnings`` and raises it nowhere."""


class Error(Exception):
    """The root of all that Shoal raises: a message, and the fields of ``ErrorContext``."""

    kind: ClassVar[ErrorKind] = ErrorKind.INTERNAL
    retryable: ClassVar[bool] = False
    default_sqlstate: ClassVar[str] = "XX000"

    def __init__(self, message: str, context: ErrorContext | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.context = context or ErrorContext()

    def with_context(self, **fields: object) -> Self:
        """Fill the fields of the context that are still empty, in place, and return the error itself."""
        empty = {name: value for name, value in fields.items() if getattr(self.context, name) in (None, ())}
        self.context = replace(self.context, **empty)  # type: ignore[arg-type]
        return self

    def cause(self, error: BaseException) -> BaseException | None:
        """What to raise it from where ``error`` was caught: never itself, which is a chain without an end."""
        found = error.__cause__ if error is self else error
        return None if found is self else found

    @property
    def sqlstate(self) -> str:
        """The five characters that SQL gives to this kind of error."""
        return self.context.sqlstate or self.default_sqlstate

    @property
    def line(self) -> int | None:
        """The line of the place in the SQL text, from 1."""
        return self.context.place.line if self.context.place else None

    @property
    def column(self) -> int | None:
        """The column of the place in the SQL text, from 1."""
        return self.context.place.column if self.context.place else None

    @property
    def hint(self) -> str | None:
        """What to do about it, or what is near."""
        return self.context.hint

    @property
    def query_id(self) -> str | None:
        """The query in which it happened."""
        return self.context.query

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> list[str]:
        context = self.context
        lines = [self.message]
        if context.place is not None and context.sql is not None:
            lines += caret_lines(context.sql, context.place)
        if context.hint:
            lines.append("  hint: " + context.hint.replace("\n", "\n    "))
        where = [
            f"{name} {value}"
            for name, value in (
                ("query", context.query),
                ("stage", context.stage),
                ("task", context.task),
                ("executor", context.executor),
            )
            if value is not None
        ]
        if where:
            lines.append("  in " + ", ".join(where))
        lines += [f"  {event}" for event in context.story]
        return lines


def caret_lines(sql: str, place: Place, width: int = 100) -> list[str]:
    """Show a place: its line of the SQL, cut to ``width`` characters around it, and carets underneath."""
    lines = sql.splitlines() or [""]
    text = lines[min(place.line, len(lines)) - 1].replace("\t", " ")
    start = max(0, place.column - 1 - width // 2)
    shown = text[start : start + width]
    lead = f"  line {place.line}: " + ("..." if start else "")
    before = shown[: place.column - 1 - start]
    meant = shown[len(before) : len(before) + place.length]
    indent = len(lead) + _cells(before) + max(0, place.column - 1 - start - len(before))
    return [lead + shown, " " * indent + "^" * max(1, _cells(meant))]


def _cells(text: str) -> int:
    """How many columns of a terminal a text takes: wide characters two, those that combine with others none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(each) in ("Mn", "Me", "Cf") else 1 + (unicodedata.east_asian_width(each) in "WF")
        for each in text
    )


class InterfaceError(Error):
    """The driver was used wrongly: a closed cursor, an argument of the wrong kind."""

    kind = ErrorKind.USER
    default_sqlstate = "08000"


class DatabaseError(Error):
    """PEP 249's class for everything that is about the database rather than the driver."""


class ProgrammingError(DatabaseError):
    """The statement is wrong."""

    kind = ErrorKind.USER
    default_sqlstate = "42000"


class SyntaxError_(ProgrammingError):  # noqa: N801 - the plain name is Python's own
    """The text is not SQL."""

    default_sqlstate = "42601"


class BindError(ProgrammingError):
    """A name, a type or an overload does not fit."""

    default_sqlstate = "42804"


class TableNotFound(BindError):
    """There is no such table, view or file."""

    default_sqlstate = "42P01"


class ColumnNotFound(BindError):
    """There is no such column in scope."""

    default_sqlstate = "42703"


class FunctionNotFound(BindError):
    """There is no such function."""

    default_sqlstate = "42883"


class ParameterError(ProgrammingError):
    """Too few or too many parameters, or one that has no SQL type."""

    default_sqlstate = "07001"


class StatementTooLarge(ProgrammingError):
    """The statement is too long, or nested too deep."""

    default_sqlstate = "54001"


class SettingError(ProgrammingError):
    """An unknown setting, or a value that it does not take."""

    default_sqlstate = "22023"


class DataError(DatabaseError):
    """The data does not fit: a cast, an overflow, a division by zero."""

    kind = ErrorKind.USER
    default_sqlstate = "22000"


class NotSupportedError(DatabaseError):
    """A statement that Shoal does not take."""

    kind = ErrorKind.USER
    default_sqlstate = "0A000"


class IntegrityError(DatabaseError):
    """The data breaks a rule of its table (NOT NULL, CHECK)."""

    kind = ErrorKind.USER
    default_sqlstate = "23000"


class OperationalError(DatabaseError):
    """Something outside the statement is in the way."""

    default_sqlstate = "58000"


class SourceError(OperationalError):
    """A file cannot be read."""

    kind = ErrorKind.USER
    default_sqlstate = "58030"


class SourceNotFound(SourceError):
    """There is no such file."""

    default_sqlstate = "58P01"


class SourceCorrupt(SourceError):
    """The file is not what its name says."""


class SourceChanged(SourceError):
    """The file was replaced while the query ran."""


class ConnectionFailed(OperationalError):
    """There is no coordinator there, or it is gone."""

    default_sqlstate = "08001"


class VersionMismatch(OperationalError):
    """The two sides are of different versions."""

    kind = ErrorKind.USER
    default_sqlstate = "08004"


class NoExecutors(OperationalError):
    """The cluster has no executor to run on."""

    default_sqlstate = "57P03"


class ExecutorLost(OperationalError):
    """An executor is gone; its work can run again elsewhere."""

    kind = ErrorKind.RETRYABLE
    retryable = True
    default_sqlstate = "57P01"


class FetchFailed(OperationalError):
    """A shuffle output cannot be read; its producer must run again. The context names executor, stage, partition."""

    kind = ErrorKind.FETCH_FAILED
    retryable = True
    default_sqlstate = "58030"


class OutOfMemory(OperationalError):
    """The kernel's memory limit, or the disk budget behind it, is used up."""

    kind = ErrorKind.OUT_OF_MEMORY
    default_sqlstate = "53200"


class QueryTimeout(OperationalError):
    """A deadline has passed."""

    kind = ErrorKind.CANCELLED
    default_sqlstate = "57014"


class QueryCancelled(OperationalError):
    """Somebody cancelled the query."""

    kind = ErrorKind.CANCELLED
    default_sqlstate = "57014"


class InternalError(DatabaseError):
    """Shoal's own fault."""


class InvariantViolated(InternalError):
    """A plan or a state machine is not as it must be."""


class ProtocolError(InternalError):
    """A message to or from another process is not as it must be."""


class WrongAnswer(InternalError):
    """The check against plain DuckDB found a difference."""


def _subclasses(root: type[Error]) -> dict[str, type[Error]]:
    found = {root.__name__: root}
    for child in root.__subclasses__():
        found |= _subclasses(child)
    return found


ERROR_CLASSES: Mapping[str, type[Error]] = _subclasses(Error)
"""Every class of the tree by its name: how an error is built again on the other side of a wire."""
