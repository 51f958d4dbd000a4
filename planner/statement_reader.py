"""Reading a statement that holds a query: the query keeps its places. Imports the lexer and the kinds."""

import re
from collections.abc import Iterator

from shoal.planner.errors import NotSupportedError, SyntaxError_
from shoal.planner.lexer import Token, TokenKind
from shoal.planner.names import SEPARATOR
from shoal.planner.statement_kinds import Query
from shoal.planner.table_statements import Part
from shoal.planner.token_reader import TokenReader

SHOWN_WORDS = ("DESCRIBE", "DESC", "SHOW", "SUMMARIZE")
"""The words of statements whose answer can be selected from, between brackets."""

_PIVOTS = ("PIVOT", "UNPIVOT", "PIVOT_WIDER", "PIVOT_LONGER")
QUERY_WORDS = ("SELECT", "WITH", "FROM", "VALUES", "TABLE", *_PIVOTS, "SUMMARIZE")
"""The words that a query can start with, in capitals."""

_NOT_BLANK = re.compile(r"[^\n]")
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_DATABASE = "memory"
"""The name of the one database, as DuckDB calls one in memory."""


class StatementReader(TokenReader):
    """A position in a statement that may hold a query."""

    def rest_as_query(self) -> Query:
        """The rest of the statement as a query, with blanks for what stands before it."""
        start = self.tokens[self.index].start
        rest = self.tokens[self.index :]
        text = _NOT_BLANK.sub(" ", self.sql[:start]) + self.sql[start:] if self.index else self.sql
        if rest[0].is_word("TABLE"):
            # TABLE t is FROM t; of the two only the latter is known to every parser.
            text = text[:start] + "FROM " + text[rest[0].end :]
        if len(rest) == 1 and rest[0].is_word("VALUES"):
            self.index += 1
            self.expected("a row of values in brackets")
        dynamic = any(token.is_word("PIVOT", "PIVOT_WIDER") for token in rest)
        return Query(text if not rest[0].is_word(*SHOWN_WORDS) else f"FROM (\n{text}\n)", dynamic)

    def rest_in_place(self) -> str:
        """The rest of the statement, with blanks for what stands before it."""
        start = self.tokens[self.index].start
        return _NOT_BLANK.sub(" ", self.sql[:start]) + self.sql[start:]

    def query_until(self, end: int, before: Part | None = None) -> Query:
        """The tokens up to ``end`` as a query, with blanks for what stands before them.

        ``before`` is an earlier WITH that goes with the query; it stays where it is.
        """
        first = self.tokens[self.index]
        following = self.tokens[self.index : end]
        self.index = end
        text = self.sql[first.start : following[-1].end]
        if first.is_word("TABLE"):
            text = "FROM " + text[len("TABLE") :]
        blank = _NOT_BLANK.sub(" ", self.sql[: first.start])
        if before is not None:
            blank = blank[: before.start] + before.of(self.sql) + blank[before.end :]
            if first.is_word("WITH"):
                text = ",   " + text[len("WITH") :]
        dynamic = any(token.is_word("PIVOT", "PIVOT_WIDER") for token in following)
        return Query(f"FROM (\n{blank}{text}\n)" if first.is_word(*SHOWN_WORDS) else blank + text, dynamic)

    def table_name(self) -> str:
        """A name that may be qualified with a schema, and that with the one database: see ``shoal.planner.names``."""
        first = self.peek()
        parts: list[str] = []
        while True:
            token = self.next("a name")
            if token.kind not in (TokenKind.WORD, TokenKind.QUOTED):
                raise SyntaxError_("expected a name", self.context(token))
            parts.append(token.name)
            following = self.peek()
            if following is None or following.text != ".":
                break
            self.index += 1
        if len(parts) > 1 and parts[0].casefold() == _DATABASE:
            del parts[0]
        if len(parts) > 2:
            raise NotSupportedError("a session has one database", None if first is None else self.context(first))
        return SEPARATOR.join(parts)

    def outer_tokens(self, start: int, stop: int) -> Iterator[int]:
        """The indexes of the tokens between two indexes that stand outside brackets."""
        depth = 0
        for index in range(start, stop):
            text = self.tokens[index].text
            if text in _CLOSING:
                depth -= 1
            if depth == 0:
                yield index
            if text in _OPENING:
                depth += 1

    def closing_bracket(self, index: int) -> int:
        """The index of the bracket that closes the one at ``index``; raises ``SyntaxError_`` if there is none."""
        depth = 0
        for position in range(index, len(self.tokens)):
            text = self.tokens[position].text
            depth += (text in _OPENING) - (text in _CLOSING)
            if depth == 0:
                return position
        raise SyntaxError_("this bracket is not closed", self.context(self.tokens[index]))

    def starts_query(self, *, shown: bool = False) -> bool:
        """Whether a query comes next; with ``shown``, or a statement that answers as one does."""
        token = self.peek()
        words = (*QUERY_WORDS, *SHOWN_WORDS) if shown else QUERY_WORDS
        return token is not None and (token.text == "(" or token.is_word(*words))

    def is_time_zone(self, token: Token) -> bool:
        """Whether a token is the first word of TIME ZONE."""
        following = self.peek()
        return token.is_word("TIME") and following is not None and following.is_word("ZONE")
