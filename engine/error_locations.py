"""Where in the user's statement an error comes from, whichever text the kernel was running when it failed."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from shoal.planner.definitions import Definitions
from shoal.planner.error_places import find_place, locate_error, locate_setting
from shoal.planner.errors import BindError, DataError, Error, NotSupportedError, SettingError, SyntaxError_
from shoal.planner.lexer import Token, TokenKind, place_at, tokenize

_OF_TEXTS = (DataError, BindError, NotSupportedError, SyntaxError_)


def located(error: Error, sql: str, early: Callable[[], Error | None], definitions: Definitions) -> Error:
    """The error with its place in the user's statement, or with none if the place is in a text of the planner's.

    ``early`` gives the error that the kernel has before it reads any rows, if there is one: one that a task ran into
    is that, with the place that only the user's own text has.
    """
    place, told = error.context.place, error.context.sql
    if place is not None and (told is None or told == sql):
        return error
    if place is not None and told is not None:
        start = sum(map(len, told.splitlines(keepends=True)[: place.line - 1])) + place.column - 1
        if told[start:] and sql.startswith(told[start:], start):
            error.context = replace(error.context, sql=sql)
            return error
        error.context = replace(error.context, sql=None, place=None)
    if isinstance(error, _OF_TEXTS) and error.context.task is not None:
        error = _told_early(error, early)
    if isinstance(error, _OF_TEXTS):
        error = locate_error(error, sql)
    if isinstance(error, SettingError | NotSupportedError):
        error = locate_setting(error, sql)
    return _in_macro(error, sql, definitions) if isinstance(error, DataError) else error


def _told_early(error: Error, early: Callable[[], Error | None]) -> Error:
    with suppress(Error):
        found = early()
        if found is not None and type(found) is type(error) and found.context.place is not None:
            context = replace(error.context, sql=found.context.sql, place=found.context.place, hint=found.hint)
            return type(error)(found.message, context)
    return error


def _in_macro(error: Error, sql: str, definitions: Definitions) -> Error:
    """The error with the place of the one call of a macro in whose body it happened."""
    if error.context.place is not None or not definitions.macros:
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
        end = _end_of_call(tokens, index + 1)
        hint = error.hint or f"in the macro {macro.name}"
        place = place_at(sql, token.start, len(sql[token.start : end].partition("\n")[0]))
        error.context = replace(error.context, sql=sql, place=place, hint=hint)
    return error


def _is_call(token: Token, following: Token, name: str) -> bool:
    named = token.kind in (TokenKind.WORD, TokenKind.QUOTED) and token.name.casefold() == name.casefold()
    return named and following.text == "("


def _end_of_call(tokens: tuple[Token, ...], opening: int) -> int:
    depth = 0
    for token in tokens[opening:]:
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0:
            return token.end
    return tokens[-1].end
