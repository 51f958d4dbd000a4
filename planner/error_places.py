"""Where in a statement's text a run-time error comes from, when its message tells that and only one place fits.

The kernel of a task runs a text of the planner's, whose places mean nothing to the user. Its messages name the types of
a cast, the operator that overflowed or the expression that was divided. Imports only the lexer, errors and
``error_words``.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from shoal.planner.error_words import find_words, in_own_words
from shoal.planner.errors import Error, Place
from shoal.planner.lexer import Token, TokenKind, place_at, tokenize

_LONGEST = 100_000
_CAST = re.compile(
    r"(?:^Could not convert string .* to |^Could not cast value .* to |destination type |^Casting value .* to type |"
    r"type for cast .* -> )"
    r"(?P<type>[A-Z][A-Z0-9_ ]*)",
    re.DOTALL,
)
_SOURCE = re.compile(r"when casting from source column (?P<column>.+)$", re.DOTALL)
_FIELD = re.compile(r"(?P<type>date|time|timestamp) field (?:value out of range|format)")
_TEXT = re.compile(r"^(?P<type>Malformed JSON)|string -> (?P<other>blob|bit) conversion|^Cannot cast .* to array")
_OVERFLOW = re.compile(
    r"^Overflow in (?P<what>addition|subtraction|multiplication)"
    r"(?:[^(]*(?:\(\d+\))?[^(]*\((?P<operands>[^()]*)\))?"
)
_DIVISION = re.compile(r"^Division by zero in expression (?P<expression>.+)\. Use TRY\(", re.DOTALL)
_SEVERAL_ROWS = "More than one row returned by a subquery"
_OPERATORS = {"addition": "+", "subtraction": "-", "multiplication": "*"}
_TYPES = {
    "BOOL": ("BOOLEAN", "BOOL", "LOGICAL"),
    "INT8": ("TINYINT", "INT1"),
    "INT16": ("SMALLINT", "INT2", "SHORT", "INT16"),
    "INT32": ("INTEGER", "INT", "INT4", "SIGNED", "INT32"),
    "INT64": ("BIGINT", "INT8", "LONG", "INT64"),
    "INT128": ("HUGEINT", "INT128"),
    "UINT8": ("UTINYINT", "UINT8"),
    "UINT16": ("USMALLINT", "UINT16"),
    "UINT32": ("UINTEGER", "UINT32"),
    "UINT64": ("UBIGINT", "UINT64"),
    "FLOAT": ("FLOAT", "FLOAT4", "REAL"),
    "DOUBLE": ("DOUBLE", "FLOAT8"),
    "DECIMAL": ("DECIMAL", "NUMERIC", "DEC"),
    "TIMESTAMP": ("TIMESTAMP", "DATETIME", "TIMESTAMPTZ"),
}
"""The names under which types are written in SQL, by those that messages call them."""

_OPERAND_ENDS = (TokenKind.WORD, TokenKind.QUOTED, TokenKind.STRING, TokenKind.NUMBER, TokenKind.PARAMETER)
_NOT_OPERANDS = tuple("SELECT DISTINCT ALL WHEN THEN ELSE AND OR NOT BY WHERE ON HAVING".split())
_NOT_SCALAR = tuple("FROM JOIN IN EXISTS LATERAL ANY ALL SOME AS ARRAY UNION EXCEPT INTERSECT USING".split())


def find_place(message: str, sql: str) -> Place | None:
    """The place that an error's message means, None if it tells none or several fit."""
    if len(sql) > _LONGEST:
        return None
    tokens = tuple(tokenize(sql))
    source = _SOURCE.search(message)
    column = source["column"] if source else None
    if match := _DIVISION.match(message):
        found = list(_expressions(tokens, match["expression"]))
    elif match := _OVERFLOW.match(message):
        found = list(_binary_operators(tokens, _OPERATORS[match["what"]], (match["operands"] or "").split()))
    elif message.startswith(_SEVERAL_ROWS):
        found = list(_scalar_subqueries(tokens))
    elif match := _CAST.search(message):
        found = _casts(tokens, match["type"].strip(), column)
    elif match := _FIELD.search(message):
        found = _casts(tokens, match["type"].upper(), column)
    elif match := _TEXT.search(message):
        found = _casts(tokens, "JSON" if match["type"] else (match["other"] or "").upper(), column)
    else:
        found = []
    meant = found[0] if len(found) == 1 else find_words(message, tokens)
    if meant is None:
        return None
    start, end = meant
    return place_at(sql, start, len(sql[start:end].partition("\n")[0]))


def locate_error(error: Error, sql: str) -> Error:
    """The error in the words of the text, with its place in it if it had none and its message tells one."""
    if len(sql) <= _LONGEST:
        error.message = in_own_words(error.message, tuple(tokenize(sql)))
    if error.context.place is None:
        place = find_place(error.message, sql)
        if place is not None:
            error.context = replace(error.context, sql=sql, place=place)
    return error


def locate_setting(error: Error, sql: str) -> Error:
    """The error about a setting, with the place of its name in SET, RESET or SHOW if it had none."""
    tokens = tuple(tokenize(sql))
    if error.context.place is None and len(tokens) > 1 and tokens[0].is_word("SET", "RESET", "SHOW"):
        name = tokens[2] if tokens[1].is_word("SESSION", "GLOBAL", "LOCAL") and len(tokens) > 2 else tokens[1]
        error.context = replace(error.context, sql=sql, place=place_at(sql, name.start, name.end - name.start))
    return error


Span = tuple[int, int]


def _casts(tokens: Sequence[Token], type_name: str, column: str | None) -> list[Span]:
    """``x::T`` from its colons on, and ``CAST(x AS T)``; those of the column, if some are."""
    names = _TYPES.get(type_name, (type_name,))
    found: list[tuple[Span, bool]] = []
    for index, token in enumerate(tokens):
        if index < 1 or not token.is_word(*names):
            continue
        before, first = tokens[index - 1], tokens[index - 2]
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        if following is not None and following.kind is TokenKind.STRING:
            if column is not None:
                continue  # a literal comes from no column
            found.append(((token.start, following.end), False))
        elif before.text == ":" == first.text:
            end = _end_of_type(tokens, index)
            is_meant = column is not None and index > 2 and tokens[index - 3].name.casefold() == column.casefold()
            found.append(((first.start, tokens[end].end), is_meant))
        elif before.is_word("AS") and (opening := _opening(tokens, index)) and tokens[opening - 1].is_word("CAST"):
            inner = tokens[opening + 1 : index - 1]
            is_meant = column is not None and bool(inner) and inner[-1].name.casefold() == column.casefold()
            found.append(((tokens[opening - 1].start, tokens[_closing(tokens, opening)].end), is_meant))
    meant = [span for span, is_meant in found if is_meant]
    return meant or [span for span, _ in found]


def _binary_operators(tokens: Sequence[Token], symbol: str, operands: Sequence[str]) -> list[Span]:
    """The operators of a symbol; those beside a number that is one of the operands, if some are."""
    found: list[tuple[Span, bool]] = []
    for index, (before, token) in enumerate(pairwise(tokens)):
        ends = before.kind in _OPERAND_ENDS and not before.is_word(*_NOT_OPERANDS)
        if token.text == symbol and token.kind is TokenKind.SYMBOL and (ends or before.text in (")", "]", "}")):
            after = tokens[index + 2].text if index + 2 < len(tokens) else ""
            is_meant = bool(operands) and (before.text == operands[0] or after == operands[-1])
            found.append(((token.start, token.end), is_meant))
    return [span for span, is_meant in found if is_meant] or [span for span, _ in found]


def _scalar_subqueries(tokens: Sequence[Token]) -> Iterator[Span]:
    depth_of_from = _from_lists(tokens)
    for index, token in enumerate(tokens[:-1]):
        before = tokens[index - 1] if index else None
        starts = token.text == "(" and tokens[index + 1].is_word("SELECT", "FROM", "WITH", "VALUES")
        if starts and before is not None and not before.is_word(*_NOT_SCALAR) and index not in depth_of_from:
            yield token.start, tokens[_closing(tokens, index)].end


def _from_lists(tokens: Sequence[Token]) -> set[int]:
    """The brackets that open a table of a list in FROM: those after a comma of it."""
    found: set[int] = set()
    within: list[bool] = [False]
    for index, token in enumerate(tokens):
        if token.text == "(":
            if within[-1] and index and tokens[index - 1].text == ",":
                found.add(index)
            within.append(False)
        elif token.text == ")" and len(within) > 1:
            within.pop()
        elif token.is_word("FROM"):
            within[-1] = True
        elif token.is_word("WHERE", "GROUP", "ORDER", "HAVING", "SELECT", "LIMIT", "QUALIFY", "UNION", "ON", "WINDOW"):
            within[-1] = False
    return found


def _expressions(tokens: Sequence[Token], expression: str) -> Iterator[Span]:
    """The places where the tokens of an expression stand one after another, whatever brackets there are."""
    wanted = [_plain(token) for token in tokenize(expression) if token.text not in ("(", ")")]
    bare = [token for token in _without_qualifiers(tokens) if token.text not in ("(", ")")]
    texts = [_plain(token) for token in bare]
    for index in range(len(texts) - len(wanted) + 1):
        if texts[index : index + len(wanted)] == wanted:
            yield bare[index].start, bare[index + len(wanted) - 1].end


def _without_qualifiers(tokens: Sequence[Token]) -> Iterator[Token]:
    """The tokens, where ``i.id`` is one with the name ``id`` and the place of both."""
    start: int | None = None
    for index, token in enumerate(tokens):
        following = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if following == "." and token.kind in (TokenKind.WORD, TokenKind.QUOTED):
            start = token.start if start is None else start
        elif token.text != "." or start is None:
            yield token if start is None else token._replace(start=start)
            start = None


def _plain(token: Token) -> str:
    return token.name.casefold() if token.kind in (TokenKind.WORD, TokenKind.QUOTED) else token.text


def _end_of_type(tokens: Sequence[Token], index: int) -> int:
    """The index of the last token of a type that begins with a word: ``DECIMAL(4,1)``, ``INTEGER[3]``."""
    while index + 1 < len(tokens) and tokens[index + 1].text in ("(", "["):
        closing = ")" if tokens[index + 1].text == "(" else "]"
        ends = [number for number in range(index + 2, len(tokens)) if tokens[number].text == closing]
        if not ends:
            break
        index = _closing(tokens, index + 1) if closing == ")" else ends[0]
    return index


def _closing(tokens: Sequence[Token], opening: int) -> int:
    """The index of the bracket that closes the one at ``opening``; the last token if there is none."""
    depth = 0
    for index in range(opening, len(tokens)):
        depth += (tokens[index].text == "(") - (tokens[index].text == ")")
        if depth == 0:
            return index
    return len(tokens) - 1


def _opening(tokens: Sequence[Token], index: int) -> int:
    """The index of the innermost bracket that is open at a token; 0 if there is none."""
    depth = 0
    for before in range(index - 1, 0, -1):
        text = tokens[before].text
        if text == "(" and depth == 0:
            return before
        depth += (text == ")") - (text == "(")
    return 0
