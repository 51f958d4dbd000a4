"""Where in the user's statement an error comes from, whichever text the kernel was running when it failed."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from shoal.catalog import CatalogSnapshot
from shoal.error_hints import table_hint
from shoal.planner.definitions import Definitions
from shoal.planner.error_places import find_place, locate_error, locate_setting
from shoal.planner.error_words import end_of_call
from shoal.planner.errors import (
    BindError,
    DataError,
    Error,
    NotSupportedError,
    SettingError,
    SyntaxError_,
    TableNotFound,
)
from shoal.planner.lexer import Token, TokenKind, place_at, tokenize
from shoal.planner.source import ViewDefinition

_MISSING = re.compile(r"^(?:\w+ with name (?P<name>\S+) does not exist|there is no (?:table|view) (?P<other>\S+)$)")
_OF_TEXTS = (DataError, BindError, NotSupportedError, SyntaxError_)


Early = Callable[[CatalogSnapshot], Error | None]


def located(error: Error, sql: str, catalog: CatalogSnapshot, early: Early | None) -> Error:
    """The error with its place in the user's statement, or with none if the place is in a text of the planner's.

    ``early`` gives the error that the kernel has before it reads any rows, if there is one: one that a task ran into
    is that, with the place that only the user's own text has.
    """
    error = _placed(error, sql, catalog, early)
    if isinstance(error, TableNotFound) and error.hint is None and (missing := _MISSING.search(error.message)):
        error.context = replace(
            error.context, hint=table_hint((missing["name"] or missing["other"]).strip('"'), catalog)
        )
    if not isinstance(error, DataError) or error.context.place is not None:
        return error
    return _in_view(_in_macro(error, sql, catalog.definitions), sql, catalog)


def _placed(error: Error, sql: str, catalog: CatalogSnapshot, early: Early | None) -> Error:
    place, told = error.context.place, error.context.sql
    if place is not None and (told is None or told == sql):
        return error
    if place is not None and told is not None:
        start = sum(map(len, told.splitlines(keepends=True)[: place.line - 1])) + place.column - 1
        if told[start:] and sql.startswith(told[start:], start):
            error.context = replace(error.context, sql=sql)
            return error
        error.context = replace(error.context, sql=None, place=None)
    if isinstance(error, _OF_TEXTS) and error.context.task is not None and early:
        error = _told_early(error, catalog, early)
    if isinstance(error, _OF_TEXTS):
        error = locate_error(error, sql)
    if isinstance(error, SettingError | NotSupportedError):
        error = locate_setting(error, sql)
    return error


def _told_early(error: Error, catalog: CatalogSnapshot, early: Early) -> Error:
    with suppress(Error):
        found = early(catalog)
        if found is not None and type(found) is type(error) and found.context.place is not None:
            context = replace(error.context, sql=found.context.sql, place=found.context.place, hint=found.hint)
            return type(error)(found.message, context)
    return error


def _in_macro(error: Error, sql: str, definitions: Definitions) -> Error:
    """The error with the place of the one call of a macro in whose body it happened."""
    if not definitions.macros:
        return error
    tokens = tuple(tokenize(sql))
    calls = [
        (macro, token, index)
        for macro in definitions.macros
        for index, token in enumerate(tokens[:-1])
        if _is_call(token, tokens[index + 1], macro.name)
    ]
    if len(calls) == 1 and find_place(error.message, calls[0][0].text) is not None:
        macro, token, index = calls[0]
        end = end_of_call(tokens, index + 1)
        hint = error.hint or f"it is in the macro {macro.name}"
        place = place_at(sql, token.start, len(sql[token.start : end].partition("\n")[0]))
        error.context = replace(error.context, sql=sql, place=place, hint=hint)
    return error


def _in_view(error: Error, sql: str, catalog: CatalogSnapshot) -> Error:
    """The error with the one view that the statement names, and in whose text it happened, as its hint."""
    if error.context.place is not None or error.hint is not None:
        return error
    words = {token.name for token in tokenize(sql) if token.kind in (TokenKind.WORD, TokenKind.QUOTED)}
    views = [entry for name in sorted(words) if isinstance(entry := catalog.entry(name), ViewDefinition)]
    places = {view.name: (view.sql, place) for view in views if (place := find_place(error.message, view.sql))}
    if len(places) == 1:
        ((name, (text, place)),) = places.items()
        shown = text.splitlines()[place.line - 1][place.column - 1 :][: place.length]
        error.context = replace(error.context, hint=f"it is in the view {name}: {shown}")
    return error


def _is_call(token: Token, following: Token, name: str) -> bool:
    named = token.kind in (TokenKind.WORD, TokenKind.QUOTED) and token.name.casefold() == name.casefold()
    return named and following.text == "("
