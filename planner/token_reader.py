"""Reading a statement's tokens from left to right: the primitives, and their errors with places. Imports the lexer."""

from typing import NoReturn

from shoal.planner.errors import ErrorContext, NotSupportedError, Place, SyntaxError_
from shoal.planner.lexer import Token, TokenKind, place_at, tokenize


class TokenReader:
    """A position in the tokens of one statement."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.tokens = tuple(tokenize(sql))
        self.index = 0

    def name(self) -> str:
        """A name of one part; raises ``NotSupportedError`` for a qualified one."""
        token = self.next("a name")
        if token.kind not in (TokenKind.WORD, TokenKind.QUOTED):
            raise SyntaxError_("expected a name", self.context(token))
        following = self.peek()
        if following is not None and following.text == ".":
            raise NotSupportedError("a name of one part is taken here", self.context(following))
        return token.name

    def skip(self, *words: str) -> bool:
        """Whether the given words come next; if so they are passed."""
        found = self.tokens[self.index : self.index + len(words)]
        if len(found) < len(words) or not all(token.is_word(word) for token, word in zip(found, words, strict=True)):
            return False
        self.index += len(words)
        return True

    def peek(self) -> Token | None:
        """The next token, or None at the end."""
        return self.tokens[self.index] if self.index < len(self.tokens) else None

    def next(self, what: str) -> Token:
        """The next token, passed; if there is none, ``SyntaxError_`` says that ``what`` was expected."""
        token = self.peek()
        if token is None:
            self.expected(what)
        self.index += 1
        return token

    def expect_symbol(self, symbol: str) -> None:
        """Pass a symbol; raises ``SyntaxError_`` if it is not there."""
        token = self.next(symbol)
        if token.text != symbol:
            raise SyntaxError_(f"expected {symbol}", self.context(token))

    def end(self) -> None:
        """Raise ``SyntaxError_`` unless the statement ends here."""
        token = self.peek()
        if token is not None:
            raise SyntaxError_(f'the statement should end before "{token.text}"', self.context(token))

    def expected(self, what: str) -> NoReturn:
        """Raise ``SyntaxError_``: ``what`` was expected here."""
        token = self.peek()
        context = self.context(token) if token else ErrorContext(sql=self.sql, place=self._after_last())
        raise SyntaxError_(f"expected {what}", context)

    def _after_last(self) -> Place:
        return place_at(self.sql, self.tokens[-1].end)

    def context(self, token: Token, hint: str | None = None) -> ErrorContext:
        """The context of an error at a token."""
        return ErrorContext(sql=self.sql, place=place_at(self.sql, token.start, token.end - token.start), hint=hint)
