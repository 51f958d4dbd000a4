"""SQL text as tokens, far enough to split statements, name their kind, find parameters and refuse what is too large.

This is not a parser: it knows quotes, comments, words, numbers, parameters and single characters, in DuckDB's dialect,
never fails, and never recurses. Imports only errors.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from shoal.planner.errors import ErrorContext, Place, StatementTooLarge, SyntaxError_

MAX_CHARACTERS = 1_000_000
MAX_NESTING = 200
MAX_SELECTS = 1_000
MAX_NAME_PARTS = 100
"""DuckDB's binder takes quadratic time for the parts of a name, and so does its optimizer for the parts of a union."""

KEPT_CHARACTERS = 20_000
"""Texts up to this length are remembered with their tokens: a statement is looked at several times, and often again."""

_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<comment>--[^\n]*)
    | (?P<block>/\*)
    | (?P<string>[eE]'(?:[^'\\]|\\.|'')*(?:'|\\?\Z) | '[^']*(?:''[^']*)*(?:'|\Z))
    | (?P<quoted>"[^"]*(?:""[^"]*)*(?:"|\Z))
    | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
    | (?P<parameter>\?\d* | \$\w+)
    | (?P<word>[^\W\d]\w*)
    | (?P<number>\d[\w.]* | \.\d\w*)
    | (?P<symbol>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/\*|\*/")
_OPENING = frozenset("([{")
_CLOSING = frozenset(")]}")
_COUNTED_LENGTHS = frozenset(map(len, ("CASE", "END", "SELECT")))


class TokenKind(StrEnum):
    """What a token is; space and comments are skipped."""

    WORD = "word"
    QUOTED = "quoted"
    STRING = "string"
    NUMBER = "number"
    PARAMETER = "parameter"
    SYMBOL = "symbol"


class Token(NamedTuple):
    """A token and its offsets in the text, in characters: ``text[start:end]``."""

    kind: TokenKind
    text: str
    start: int
    end: int

    def is_word(self, *words: str) -> bool:
        """Whether this is one of the given words (in capitals), unquoted, in any case."""
        return self.kind is TokenKind.WORD and self.text.upper() in words

    @property
    def name(self) -> str:
        """The text of a word, or of a quoted name or string without its quotes."""
        if self.kind is TokenKind.QUOTED:
            return self.text[1:].removesuffix('"').replace('""', '"')
        if self.kind is TokenKind.STRING and self.text.startswith("'"):
            return self.text[1:].removesuffix("'").replace("''", "'")
        return self.text


_KINDS = {kind.value: kind for kind in TokenKind}


def tokenize(sql: str) -> Iterator[Token]:
    """The tokens of a text, without space and comments. An unfinished quote or comment reaches to the end."""
    return iter(_kept_tokens(sql)) if len(sql) <= KEPT_CHARACTERS else _tokens(sql)


@lru_cache(maxsize=64)
def _kept_tokens(sql: str) -> tuple[Token, ...]:
    return tuple(_tokens(sql))


def _tokens(sql: str) -> Iterator[Token]:
    position = 0
    while match := _TOKEN.match(sql, position):
        start, position = match.span()
        kind = match.lastgroup
        if kind == "block":
            position = _end_of_block(sql, position)
        elif kind == "dollar":
            closing = sql.find(match.group(), position)
            position = len(sql) if closing < 0 else closing + len(match.group())
            yield Token(TokenKind.STRING, sql[start:position], start, position)
        elif kind in _KINDS:
            yield Token(_KINDS[kind], match.group(), start, position)


def _end_of_block(sql: str, position: int) -> int:
    depth = 1
    while depth and (edge := _BLOCK_EDGE.search(sql, position)):
        depth += 1 if edge.group() == "/*" else -1
        position = edge.end()
    return len(sql) if depth else position


def place_at(sql: str, start: int, length: int = 1) -> Place:
    """The place of ``length`` characters from the offset ``start`` (from 0) of a text."""
    line_start = sql.rfind("\n", 0, start) + 1
    return Place(sql.count("\n", 0, start) + 1, start - line_start + 1, max(1, length))


def check_size(sql: str) -> None:
    """Refuse a text that is longer or nested deeper than any parser should see; raises ``StatementTooLarge``.

    Raises ``SyntaxError_`` for half a surrogate pair, which no parser can be given.

    Nesting counts brackets of all three kinds and CASE, outside quotes and comments. For each statement of the text
    the SELECTs are counted too, and the parts of each name.
    """
    if len(sql) <= KEPT_CHARACTERS:
        _check_kept(sql)
    else:
        _check(sql)


@lru_cache(maxsize=64)
def _check_kept(sql: str) -> None:
    _check(sql)


def _check(sql: str) -> None:
    if len(sql) > MAX_CHARACTERS:
        message = f"the statement has {len(sql):,} characters; at most {MAX_CHARACTERS:,} are allowed"
        raise StatementTooLarge(message, ErrorContext(place=place_at(sql, MAX_CHARACTERS)))
    try:
        sql.encode()
    except UnicodeEncodeError as error:
        message = "the statement has half of a surrogate pair, which is no character"
        raise SyntaxError_(message, ErrorContext(place=place_at(sql, error.start))) from error
    brackets = cases = selects = dots = 0
    after_dot = False
    for token in tokenize(sql):
        kind, text = token.kind, token.text
        is_dot = False
        if kind is TokenKind.SYMBOL:
            if text in _OPENING:
                brackets += 1
            elif text in _CLOSING:
                brackets = max(0, brackets - 1)
            elif text == ";":
                brackets = cases = selects = 0
            is_dot = text == "."
        elif kind is TokenKind.WORD and len(text) in _COUNTED_LENGTHS:
            word = text.upper()
            cases = cases + 1 if word == "CASE" else max(0, cases - 1) if word == "END" else cases
            selects += word == "SELECT"
        dots = dots + 1 if is_dot else dots if after_dot else 0
        after_dot = is_dot
        if brackets + cases > MAX_NESTING:
            raise _too_large(f"the statement is nested deeper than {MAX_NESTING} levels", sql, token)
        if selects > MAX_SELECTS:
            raise _too_large(f"the statement has more than {MAX_SELECTS:,} SELECTs", sql, token)
        if dots >= MAX_NAME_PARTS:
            raise _too_large(f"a name has more than {MAX_NAME_PARTS} parts", sql, token)


def _too_large(message: str, sql: str, token: Token) -> StatementTooLarge:
    return StatementTooLarge(message, ErrorContext(sql=sql, place=place_at(sql, token.start, len(token.text))))


@dataclass(frozen=True, slots=True)
class StatementText:
    """One statement of a text, without its semicolon, and where it begins there (line and column from 1)."""

    sql: str
    line: int = 1
    column: int = 1

    def place_in_text(self, place: Place) -> Place:
        """The place in the whole text of a place in this statement."""
        column = place.column + (self.column - 1 if place.line == 1 else 0)
        return Place(place.line + self.line - 1, column, place.length)


def split_statements(sql: str) -> tuple[StatementText, ...]:
    """The statements of a text, parted by semicolons outside quotes and comments; empty ones are left out.

    The first statement starts where the text does, so that its places are the text's own.
    """
    statements: list[StatementText] = []
    start = line = 0
    line_start = 0
    filled = False
    end_of_text = Token(TokenKind.SYMBOL, ";", len(sql), len(sql))
    for token in (*tokenize(sql), end_of_text):
        if token.text != ";" or token.kind is not TokenKind.SYMBOL:
            filled = True
            continue
        if filled:
            statements.append(StatementText(sql[start : token.start], line + 1, start - line_start + 1))
        newlines = sql.count("\n", start, token.end)
        if newlines:
            line += newlines
            line_start = sql.rfind("\n", start, token.end) + 1
        start, filled = token.end, False
    return tuple(statements)
