"""What DuckDB's binder says about a text, with hints from the user's own tables, columns, macros and files."""

import difflib
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from shoal.catalog import CatalogSnapshot
from shoal.planner.errors import (
    BindError,
    ColumnNotFound,
    Error,
    FunctionNotFound,
    NotSupportedError,
    Place,
    SourceError,
    SyntaxError_,
    TableNotFound,
)
from shoal.planner.lexer import Token, TokenKind, place_at, tokenize
from shoal.planner.names import shown_name
from shoal.planner.statement import suggest
from shoal.source_files import format_of
from shoal.table_store import TableVersion

_SCRATCH = re.compile(r'"?(?:temp|memory)"?\.main\.|\b(?:temp|memory)\.(?=\w)')
"""Where tables stand in the scratch connection."""

_KEYWORDS = (
    "SELECT", "FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "OFFSET", "JOIN", "INNER", "LEFT", "RIGHT", "CROSS",
    "UNION", "EXCEPT", "INTERSECT", "DISTINCT", "BETWEEN", "QUALIFY", "WINDOW", "PARTITION", "USING", "VALUES", "WITH",
)  # fmt: skip
_BEFORE_OPERANDS = tuple("SELECT DISTINCT WHERE AND OR NOT ON BY HAVING WHEN THEN ELSE".split())
_MISSING_COLUMN = re.compile(r'^(?:Table|Values list) "(?P<table>.*)" does not have a column named "(?P<column>.*)"$')
_MISSING_FUNCTION = re.compile(r"Function with name (?P<name>.+) does not exist")
_ROW_NUMBER = re.compile(r'column (named )?"rowid"', re.IGNORECASE)


def explain_binding(error: Error, sql: str, catalog: CatalogSnapshot, names: tuple[str, ...], before: int) -> Error:
    """The error with its place in the user's text, before which the binder saw ``before`` lines, and a hint of ours.

    ``names`` are the tables that the text names.
    """
    context = error.context
    place, hint, message = context.place, context.hint, _SCRATCH.sub("", error.message)
    if place is not None:
        place = Place(max(1, place.line - before), place.column, place.length)
    if place is not None and not _is_whole(sql, place):
        place = None  # in the body of a macro
    match error:
        case TableNotFound() if message.startswith("Referenced table"):
            hint = hint and _SCRATCH.sub("", hint)
        case TableNotFound():
            hint = table_hint(_word_at(sql, place), catalog)
        case SyntaxError_():
            hint = _keyword_hint(sql, place, catalog) or hint
        case ColumnNotFound() if _ROW_NUMBER.search(message) and _has_table(names, catalog):
            hint = "number the rows yourself: a column of row_number() OVER () when the table is made"
            context = replace(context, sql=sql, place=place, hint=hint)
            return NotSupportedError("rowid is not supported: rows of tables have no places that stay", context)
        case ColumnNotFound() if missing := _MISSING_COLUMN.match(message):
            # The binder sees views of no rows, and calls what is made of VALUES so.
            message = f'Table "{missing["table"]}" does not have a column named "{missing["column"]}"'
            hint = _column_hint(missing["column"], hint) or suggest(missing["column"], _columns_of(names, catalog))
        case ColumnNotFound():
            hint = _keyword_hint(sql, place, catalog) or _column_hint(_word_at(sql, place), hint)
        case FunctionNotFound() if missing := _MISSING_FUNCTION.search(message):
            is_table = message.startswith("Table")
            macros = tuple(macro.name for macro in catalog.definitions.macros if macro.is_table is is_table)
            hint = suggest(missing["name"], macros) or hint
        case BindError() if message.startswith("Type with name"):
            hint = None if "." in (hint or "") else hint
    return type(error)(message, replace(context, sql=sql, place=place, hint=hint))


def _has_table(names: tuple[str, ...], catalog: CatalogSnapshot) -> bool:
    """Whether one of the names is that of a table which statements make, such as has a rowid in DuckDB."""
    return any(name.startswith("shoal target ") or isinstance(catalog.entry(name), TableVersion) for name in names)


def _is_whole(sql: str, place: Place) -> bool:
    """Whether a place begins where a token does; one of another text mostly does not."""
    return any(
        (found.line, found.column) == (place.line, place.column)
        for found in (place_at(sql, token.start) for token in tokenize(sql))
    )


def _columns_of(names: tuple[str, ...], catalog: CatalogSnapshot) -> tuple[str, ...]:
    found: list[str] = []
    for name in names:
        with suppress(SourceError, NotSupportedError):
            found += [field.name for field in getattr(catalog.lookup(name), "columns", ()) if hasattr(field, "type")]
    return tuple(dict.fromkeys(found))


def _word_at(sql: str, place: Place | None) -> str:
    if place is None:
        return ""
    for token in tokenize(sql):
        found = place_at(sql, token.start)
        if (found.line, found.column) == (place.line, place.column):
            return token.name
    return ""


def table_hint(name: str, catalog: CatalogSnapshot) -> str | None:
    """A table of a name much like it, or a file of that name, or what tables there are."""
    if not name:
        return None
    near = suggest(name, catalog.names())
    if near is not None:
        return near
    with suppress(OSError):
        for file in sorted(Path.cwd().iterdir()):
            if file.name.split(".")[0].casefold() == name.casefold() and format_of(file.name):
                return f"there is a file of that name: FROM '{file.name}'"
    known = ", ".join(map(shown_name, catalog.names()[:8]))
    return f"known tables: {known}" if known else "no table is registered: name a file, as in FROM 'data.parquet'"


def _column_hint(name: str, candidates: str | None) -> str | None:
    """DuckDB lists whatever is a little alike; say so only when nothing is much alike."""
    names = tuple(re.findall(r'"([^"]+)"', candidates or ""))
    return (suggest(name, names) if name else None) or candidates


def _keyword_hint(sql: str, place: Place | None, catalog: CatalogSnapshot) -> str | None:
    """A hint for a misspelt keyword, which DuckDB takes for an alias or a column and so notices a word too late."""
    if place is None:
        return None
    words = []
    before: Token | None = None
    for token in tokenize(sql):
        found = place_at(sql, token.start)
        if (found.line, found.column) > (place.line, place.column):
            break
        if token.kind is TokenKind.WORD and _ends_operand(before):
            words.append(token.text)
        before = token
    for word in reversed(words[-3:]):
        if word.upper() in _KEYWORDS or len(word) < 3 or catalog.entry(word) is not None:
            continue
        near = difflib.get_close_matches(word.upper(), _KEYWORDS, n=1, cutoff=0.75)
        if near:
            return f'did you mean {near[0]} instead of "{word}"?'
    return None


def _ends_operand(token: Token | None) -> bool:
    """Whether a keyword may follow a token rather than an operand: ``FROM t WEHRE``, but not ``SELECT nowhere``."""
    if token is None:
        return True
    if token.kind is TokenKind.SYMBOL:
        return token.text in ")]}*"
    return not token.is_word(*_BEFORE_OPERANDS)
