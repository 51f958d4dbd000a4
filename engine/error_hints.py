"""What DuckDB's binder says about a text, with hints from the user's own tables, columns, macros and files."""

import difflib
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from shoal.catalog import CatalogSnapshot
from shoal.planner.errors import (
    ColumnNotFound,
    Error,
    FunctionNotFound,
    NotSupportedError,
    Place,
    SourceError,
    SyntaxError_,
    TableNotFound,
)
from shoal.planner.lexer import TokenKind, place_at, tokenize
from shoal.planner.names import shown_name
from shoal.planner.statement import suggest
from shoal.source_files import format_of

_KEYWORDS = (
    "SELECT", "FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "OFFSET", "JOIN", "INNER", "LEFT", "RIGHT", "CROSS",
    "UNION", "EXCEPT", "INTERSECT", "DISTINCT", "BETWEEN", "QUALIFY", "WINDOW", "PARTITION", "USING", "VALUES", "WITH",
)  # fmt: skip
_MISSING_COLUMN = re.compile(r'^(?:Table|Values list) "(?P<table>.*)" does not have a column named "(?P<column>.*)"$')
_MISSING_FUNCTION = re.compile(r"Function with name (?P<name>.+) does not exist")


def explain_binding(error: Error, sql: str, catalog: CatalogSnapshot, names: tuple[str, ...], before: int) -> Error:
    """The error with its place in the user's text, before which the binder saw ``before`` lines, and a hint of ours.

    ``names`` are the tables that the text names.
    """
    context = error.context
    place, hint, message = context.place, context.hint, error.message
    if place is not None:
        place = Place(max(1, place.line - before), place.column, place.length)
    match error:
        case TableNotFound():
            hint = _table_hint(_word_at(sql, place), catalog)
        case SyntaxError_():
            hint = _keyword_hint(sql, place, catalog) or hint
        case ColumnNotFound() if missing := _MISSING_COLUMN.match(message):
            # The binder sees views of no rows, and calls what is made of VALUES so.
            message = f'Table "{missing["table"]}" does not have a column named "{missing["column"]}"'
            hint = _column_hint(missing["column"], hint) or suggest(missing["column"], _columns_of(names, catalog))
        case ColumnNotFound():
            hint = _keyword_hint(sql, place, catalog) or _column_hint(_word_at(sql, place), hint)
        case FunctionNotFound() if missing := _MISSING_FUNCTION.search(message):
            macros = tuple(macro.name for macro in catalog.definitions.macros)
            hint = suggest(missing["name"], macros) or hint
    return type(error)(message, replace(context, sql=sql, place=place, hint=hint))


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


def _table_hint(name: str, catalog: CatalogSnapshot) -> str | None:
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
    for token in tokenize(sql):
        found = place_at(sql, token.start)
        if (found.line, found.column) > (place.line, place.column):
            break
        if token.kind is TokenKind.WORD:
            words.append(token.text)
    for word in reversed(words[-3:]):
        if word.upper() in _KEYWORDS or len(word) < 3 or catalog.entry(word) is not None:
            continue
        near = difflib.get_close_matches(word.upper(), _KEYWORDS, n=1, cutoff=0.75)
        if near:
            return f'did you mean {near[0]} instead of "{word}"?'
    return None
