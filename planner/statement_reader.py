"""Reading a statement that holds a query: the query keeps its places. Imports the lexer and the kinds."""

import re

from shoal.planner.lexer import Token
from shoal.planner.statement_kinds import Query
from shoal.planner.token_reader import TokenReader

QUERY_WORDS = ("SELECT", "WITH", "FROM", "VALUES", "TABLE", "PIVOT", "UNPIVOT", "SUMMARIZE")
"""The words that a query can start with, in capitals."""

_NOT_BLANK = re.compile(r"[^\n]")


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
        dynamic = any(token.is_word("PIVOT", "PIVOT_WIDER") for token in rest)
        return Query(text if not rest[0].is_word("SUMMARIZE") else f"FROM (\n{text}\n)", dynamic)

    def starts_query(self) -> bool:
        """Whether a query comes next."""
        token = self.peek()
        return token is not None and (token.text == "(" or token.is_word(*QUERY_WORDS))

    def is_time_zone(self, token: Token) -> bool:
        """Whether a token is the first word of TIME ZONE."""
        following = self.peek()
        return token.is_word("TIME") and following is not None and following.is_word("ZONE")
