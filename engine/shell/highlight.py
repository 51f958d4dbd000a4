"""SQL in colours while it is typed."""

from collections.abc import Callable
from functools import lru_cache
from itertools import zip_longest

from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.formatted_text.utils import split_lines
from prompt_toolkit.lexers import Lexer

from shoal.planner.lexer import Token, TokenKind, tokenize
from shoal.shell.keywords import KEYWORDS, TYPES

STYLES = {
    "sql.keyword": "ansiblue bold",
    "sql.type": "ansicyan",
    "sql.function": "ansiyellow",
    "sql.string": "ansigreen",
    "sql.number": "ansimagenta",
    "sql.comment": "ansibrightblack italic",
    "sql.quoted": "ansicyan",
    "sql.parameter": "ansired",
    "sql.command": "ansiyellow bold",
}
_LARGE = 100_000
"""Characters of a text that is shown as it is: colours are not worth a slow keyboard."""


class SqlLexer(Lexer):
    """prompt-toolkit's lexer interface over Shoal's own tokens."""

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """The coloured pieces of each line."""
        lines = _lines(document.text)
        return lambda number: lines[number] if number < len(lines) else []


@lru_cache(maxsize=8)
def _lines(text: str) -> list[StyleAndTextTuples]:
    return [list(line) for line in split_lines(highlight(text))]


def highlight(text: str) -> StyleAndTextTuples:
    """Pieces of ``text`` with their style, in order; together they are the text. Unfinished quotes are fine."""
    if text.lstrip().startswith("\\"):
        return [("class:sql.command", text)]
    if len(text) > _LARGE:
        return [("", text)]
    pieces: StyleAndTextTuples = []
    position = 0
    tokens = list(tokenize(text))
    for token, following in zip_longest(tokens, tokens[1:]):
        if token.start > position:
            pieces.append(_between(text[position : token.start]))
        pieces.append((_style(token, following), token.text))
        position = token.end
    if position < len(text):
        pieces.append(_between(text[position:]))
    return pieces


def _between(text: str) -> tuple[str, str]:
    """What the tokens leave out is space or a comment."""
    return ("class:sql.comment" if text.strip() else "", text)


def _style(token: Token, following: Token | None) -> str:
    match token.kind:
        case TokenKind.WORD:
            if token.text.upper() in KEYWORDS:
                return "class:sql.keyword"
            if following is not None and following.text == "(" and following.start == token.end:
                return "class:sql.function"
            return "class:sql.type" if token.text.upper() in TYPES else ""
        case TokenKind.SYMBOL:
            return ""
        case _:
            return f"class:sql.{token.kind.value}"
