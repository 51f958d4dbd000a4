"""DuckDB's exceptions in terms of Shoal's: the class, the message without its trailer, the place, the hint.

DuckDB says what is wrong in three ways, and all of them arrive here: as an exception class of its own, as text that
begins with the kind (``Binder Error: ...``, also when Arrow passes it on as ``ArrowInvalid``), and, where
``errors_as_json`` is on, as an object with the exact place and a subtype. Only text without JSON shows the place in a
``LINE n:`` trailer, whose line is cut with ``...`` when it is long; then the fragment is looked up in the SQL.
"""

import errno
import json
import re
import unicodedata
from dataclasses import dataclass, field
from types import MappingProxyType

import duckdb

from shoal.executor.sqlstates import exact_sqlstate
from shoal.planner.errors import (
    BindError,
    ColumnNotFound,
    DataError,
    Error,
    ErrorContext,
    FunctionNotFound,
    IntegrityError,
    InternalError,
    NotSupportedError,
    OperationalError,
    OutOfMemory,
    ParameterError,
    Place,
    ProgrammingError,
    QueryCancelled,
    SettingError,
    SourceCorrupt,
    SourceError,
    SourceNotFound,
    StatementTooLarge,
    SyntaxError_,
    TableNotFound,
)

_PREFIX = re.compile(r"^(?:Invalid: |ArrowInvalid: )?(?P<kind>[A-Z][A-Za-z ]*?) Error: ?", re.DOTALL)
_TRAILER = re.compile(r"\n+LINE (?P<line>\d+): (?P<shown>[^\n]*)\n(?P<caret>[^\S\n]*)(?P<mark>\^+)\s*$")
_HINT = re.compile(
    r"\n\s*(?:Possible solutions:\s*)?"
    r"(?P<hint>(?:Did you mean|Candidate|Use \"SET|Either add|HINT|This limit was set|\* |Try |You may).*)$",
    re.DOTALL,
)
_STACK = re.compile(r"\n+Stack Trace:.*$", re.DOTALL)
_NO_SQL_TYPE = re.compile(r"^Unable to transform python value of type '<class '(?P<type>[^']*)'>' .*$")
_UNLIKE_FILES = re.compile(
    r"\n\s*In file \"[^\n]* the column [^\n]*, but we are trying to read it as type .*$", re.DOTALL
)
_FIRST_FILE_COUNTS = (
    "the first file gives the columns and their types: union_by_name = true combines those of all files"
)
_HINT_LINES = 8
_MESSAGE_CHARACTERS = 1_000
"""A value or a piece of SQL in a message may be a megabyte long."""
_KERNEL_SETTING = re.compile(
    r"(?:,? or |\s*\bUse )?\"?\bSET (?:GLOBAL |SESSION )?\w+(?: TO \w+|\s?=\s?\w+)\"?[^.\n]*(?:\.|$)"
)
"""Advice to change settings of DuckDB, which users of Shoal cannot."""

_DISK = re.compile(r"offload|max_temp_directory_size|No space left|[Dd]isk quota")
_MORE_DISK = "the disk space for spilling is used up: free some, or give each executor more memory"
_MORE_MEMORY = "give each executor more memory, or fewer threads, or start more executors"

_BY_KIND: MappingProxyType[str, type[Error]] = MappingProxyType(
    {
        "Parser": SyntaxError_,
        "Syntax": SyntaxError_,
        "Binder": BindError,
        "Catalog": BindError,
        "Mismatch Type": BindError,
        "Invalid Type": BindError,
        "Type Mismatch": BindError,
        "Decimal": DataError,
        "Conversion": DataError,
        "Out of Range": DataError,
        "Divide by Zero": DataError,
        "Invalid Input": DataError,
        "Constraint": IntegrityError,
        "Sequence": DataError,
        "Parameter Not Resolved": ParameterError,
        "Parameter Not Allowed": ParameterError,
        "Out of Memory": OutOfMemory,
        "INTERRUPT": QueryCancelled,
        "IO": SourceError,
        "HTTP": SourceError,
        "Permission": SourceError,
        "Not implemented": NotSupportedError,
        "Not Implemented": NotSupportedError,
        "Missing Extension": NotSupportedError,
        "Extension Autoloading": NotSupportedError,
        "Dependency": ProgrammingError,
        "Settings": SettingError,
        "Connection": OperationalError,
        "INTERNAL": InternalError,
        "FATAL": InternalError,
        "TransactionContext": InternalError,
        "Serialization": InternalError,
    }
)
"""The kind that a message begins with, to the class that it has when its text says nothing more exact."""

_BY_CLASS: MappingProxyType[str, str] = MappingProxyType(
    {
        "ParserException": "Parser",
        "SyntaxException": "Syntax",
        "BinderException": "Binder",
        "CatalogException": "Catalog",
        "TypeMismatchException": "Mismatch Type",
        "InvalidTypeException": "Invalid Type",
        "ConversionException": "Conversion",
        "OutOfRangeException": "Out of Range",
        "InvalidInputException": "Invalid Input",
        "ConstraintException": "Constraint",
        "SequenceException": "Sequence",
        "OutOfMemoryException": "Out of Memory",
        "InterruptException": "INTERRUPT",
        "IOException": "IO",
        "HTTPException": "HTTP",
        "PermissionException": "Permission",
        "NotImplementedException": "Not implemented",
        "DependencyException": "Dependency",
        "ConnectionException": "Connection",
        "InternalException": "INTERNAL",
        "FatalException": "FATAL",
        "TransactionException": "TransactionContext",
        "SerializationException": "Serialization",
        "MemoryError": "Out of Memory",
        "ArrowMemoryError": "Out of Memory",
        "ArrowCancelled": "INTERRUPT",
    }
)
"""Exception classes to kinds, for messages that do not begin with one."""

_EXACT_CODES = frozenset({DataError, BindError, IntegrityError, SourceError})
"""Classes of many kinds of errors: the message tells the SQLSTATE."""

_CORRUPT = (
    r"No magic bytes found|too small to be a Parquet file|[Ff]ooter length|Failed to read file|thrift|"
    r"[Ss]nappy|ZSTD|LZ4|GZIP|decompress|not a valid [Pp]arquet|Malformed JSON in file|CSV Error|sniff|"
    r"Invalid Parquet|corrupt|Corrupt|TProtocolException|Invalid unicode .* file|Out of buffer"
)
_MORE_EXACT: tuple[tuple[str, str, type[Error]], ...] = (
    ("Catalog", r"unrecognized configuration parameter", SettingError),
    ("Catalog", r"(Table|View|Schema|Catalog) with name .* does not exist", TableNotFound),
    ("Catalog", r"(Function|Macro|Aggregate).* with name .* does not exist", FunctionNotFound),
    ("Catalog", r"(cannot be set|option \")", SettingError),
    ("Binder", r"Referenced table .* not found", TableNotFound),
    ("Binder", r"Referenced column|does not have a column (named|with name)", ColumnNotFound),
    ("Binder", r"Column .* not found in FROM", ColumnNotFound),
    ("Binder", r"not found in (USING|FROM) clause|Column .* in EXCLUDE list not found", ColumnNotFound),
    ("Binder", r"Max expression depth", StatementTooLarge),
    ("Parser", r"Max expression depth|[Mm]aximum (recursion|expression) depth", StatementTooLarge),
    ("Invalid Input", r"Values were not provided for|[Pp]repared statement (needs|parameter)|Parameter argument/count",
     ParameterError),
    ("Not implemented", r"has no SQL type", ParameterError),
    ("Binder", r"Parameter/argument count mismatch", ParameterError),
    ("Not implemented", r"Mixing named and positional", ParameterError),
    ("Conversion", r"Unimplemented type for cast", BindError),
    ("Invalid Input", _CORRUPT, SourceCorrupt),
    ("Conversion", r"CSV Error on Line", SourceCorrupt),
    ("Invalid Input", r"[Ii]nterrupted", QueryCancelled),
    ("Invalid Input", r"the required extension", NotSupportedError),
    ("IO", r"No files found|[Nn]o such file|Cannot open file .* (No such|does not exist)", SourceNotFound),
    ("IO", r"No space left on device|max_temp_directory_size|[Dd]isk quota exceeded", OutOfMemory),
    ("IO", _CORRUPT, SourceCorrupt),
)  # fmt: skip
"""(kind, pattern in the message, class): the first that fits wins over ``_BY_KIND``."""

_BY_SUBTYPE: MappingProxyType[str, type[Error]] = MappingProxyType({"COLUMN_NOT_FOUND": ColumnNotFound})


@dataclass(frozen=True, slots=True)
class _Told:
    """What DuckDB said, taken apart; ``position`` counts bytes of UTF-8."""

    kind: str
    message: str
    details: dict[str, str] = field(default_factory=dict)


def translate_error(exception: BaseException, sql: str = "") -> Error:
    """Shoal's error for anything that the kernel, or Arrow on its behalf, raises while it binds or runs ``sql``.

    The place is set when DuckDB tells it, in characters of ``sql``. Errors of Shoal come back as they are; exceptions
    that are not DuckDB's become ``InternalError``. Use as ``raise translate_error(error, sql) from error``.
    """
    if isinstance(exception, Error):
        return exception
    told = _take_apart(exception)
    message, place = _split_trailer(told, sql)
    message = _STACK.sub("", message)
    message, unlike = _UNLIKE_FILES.subn("", message)
    message, hint = (message.replace(": : ", ": "), _FIRST_FILE_COUNTS) if unlike else _split_hint(message)
    message = _KERNEL_SETTING.sub("", message)
    message, hint = _one_line(message, hint)
    message = _NO_SQL_TYPE.sub(r"a parameter of type \g<type> has no SQL type", message)
    hint = _KERNEL_SETTING.sub("", hint or "").strip() or None
    found = _class_of(told, message)
    if found is OutOfMemory:
        hint = _MORE_DISK if _DISK.search(message) else _MORE_MEMORY
    sqlstate = exact_sqlstate(told.kind, message) if found in _EXACT_CODES else None
    if found is OutOfMemory and hint == _MORE_DISK:
        sqlstate = "53100"
    context = ErrorContext(sql=sql if place and sql else None, place=place, hint=hint, sqlstate=sqlstate)
    if len(message) > _MESSAGE_CHARACTERS:
        message = message[:_MESSAGE_CHARACTERS] + " ..."
    return found(message or type(exception).__name__, context)


def is_fatal(exception: BaseException) -> bool:
    """Whether the database that raised this can no longer be used."""
    text = str(exception)
    if "database has been invalidated" in text or '"exception_type":"INTERNAL"' in text:
        return True
    # The kernel trusts no database in which one of its own assumptions has failed.
    return type(exception).__name__ in ("FatalException", "InternalException")


def _take_apart(exception: BaseException) -> _Told:
    text = str(exception)
    kind = _BY_CLASS.get(type(exception).__name__, "")
    if match := _PREFIX.match(text):
        kind, text = match["kind"], text[match.end() :]
    elif isinstance(exception, OSError):
        kind = "IO"
        if exception.errno in (errno.ENOSPC, errno.EDQUOT):
            text = f"No space left on device: {text}"
    elif not kind and type(exception) is duckdb.Error:
        kind = "Invalid Input"  # one of the kinds that the driver has no class for
    elif not kind:
        kind = "INTERNAL"
        text = f"{type(exception).__name__}: {text}"
    details: dict[str, str] = {}
    if text.startswith('{"exception_type"'):
        try:
            details = json.JSONDecoder().raw_decode(text)[0]  # a stack trace may follow
        except ValueError:
            return _Told(kind, text)
        text = details.get("exception_message", text)
    return _Told(kind, text, details)


def _class_of(told: _Told, message: str) -> type[Error]:
    if (subtype := told.details.get("error_subtype", "")) in _BY_SUBTYPE:
        return _BY_SUBTYPE[subtype]
    for kind, pattern, found in _MORE_EXACT:
        if kind == told.kind and re.search(pattern, message):
            return found
    return _BY_KIND.get(told.kind, InternalError)


def _split_hint(message: str) -> tuple[str, str | None]:
    message = message.rstrip()
    match = _HINT.search(message)
    if match is None:
        return message, None
    lines = [line.strip() for line in match["hint"].splitlines() if line.strip()]
    if len(lines) > _HINT_LINES:
        lines = [*lines[:_HINT_LINES], f"... and {len(lines) - _HINT_LINES} more"]
    hint = "\n".join(lines).replace(": : ", ": ")
    return message[: match.start()].rstrip(), hint


def _one_line(message: str, hint: str | None) -> tuple[str, str | None]:
    """The first line, and the others as a hint; of a value that has several, all are kept, in one line."""
    first, newline, rest = message.partition("\n")
    if not newline:
        return message, hint
    if first.count("'") % 2 or first.count('"') % 2:
        return message.replace("\n", "\\n"), hint
    return first.rstrip(), "\n".join(part for part in (rest.strip(), hint) if part)


def _split_trailer(told: _Told, sql: str) -> tuple[str, Place | None]:
    """The message without its ``LINE n:`` trailer, and the place that either that or the JSON tells."""
    message = told.message
    place = _place_of_bytes(told.details, sql)
    if match := _TRAILER.search(message):
        message = message[: match.start()]
        if sql and place is None:
            place = _place_of_trailer(match, sql.lstrip())
            if sql[:1].isspace():
                place = _counted_from_start(place, sql)
    return message, place


def _counted_from_start(place: Place, sql: str) -> Place:
    """The place in a text that begins with space: DuckDB shows it without, and counts the characters with it."""
    lines = sql.lstrip().split("\n")[: place.line - 1]
    offset = sum(len(line) + 1 for line in lines) + place.column - 1
    return _place(sql[:offset], sql[offset : offset + place.length])


def _place_of_bytes(details: dict[str, str], sql: str) -> Place | None:
    if "location" not in details or not sql:
        return None
    encoded = sql.encode()
    start, length = json.loads(details["location"])
    if not 0 <= start <= len(encoded):
        return None
    before = encoded[:start].decode(errors="replace")
    meant = encoded[start : start + length].decode(errors="replace")
    return _place(before, meant)


def _place(before: str, meant: str) -> Place:
    column = len(before) - (before.rfind("\n") + 1) + 1
    return Place(before.count("\n") + 1, column, max(1, len(meant.partition("\n")[0])))


def _place_of_trailer(match: re.Match[str], sql: str) -> Place:
    """Where the caret points. ``shown`` may be cut with ``...`` on both sides; columns count display cells."""
    line, shown = int(match["line"]), match["shown"]
    cells = len(match["caret"]) - len(f"LINE {line}: ")
    index = _index_of_cell(shown, cells)
    length = _index_of_cell(shown[index:], len(match["mark"]))
    lines = sql.split("\n")
    if line <= len(lines):
        cut = len("...") if shown.startswith("...") else 0
        fragment = shown[cut:]
        found = lines[line - 1].find(fragment.removesuffix("...") if fragment.endswith("...") else fragment)
        if found > 0:
            index += found - cut
    return Place(line, max(0, index) + 1, max(1, length))


def _index_of_cell(text: str, cells: int) -> int:
    """The index of the character that covers a display cell; control characters take none."""
    for index, character in enumerate(text):
        width = 0 if unicodedata.category(character) in ("Cc", "Mn") else 1
        if unicodedata.east_asian_width(character) in "WF":
            width = 2
        if cells < width or (cells <= 0 and width):
            return index
        cells -= width
    return len(text) + max(0, cells)
