"""What kind of statement a text is: queries go to the planner, the rest is the session's own business.

Kinds are allowed by name; whatever is not named here is refused with a word on what Shoal takes instead. The text
inside a statement (the query of EXPLAIN, of a view) keeps its places: what stands before it is replaced by blanks.
Imports only the lexer, the kinds and errors.
"""

from collections.abc import Callable, Mapping

from shoal.planner.errors import Error, ErrorContext, NotSupportedError, SyntaxError_
from shoal.planner.lexer import Token, TokenKind, check_size, split_statements
from shoal.planner.session_kinds import SessionStatement, ShowVariables
from shoal.planner.statement_changes import read_change, read_copy, read_truncate, verb_behind_with
from shoal.planner.statement_kinds import (
    Analyze,
    CreateView,
    Describe,
    DropView,
    Explain,
    ExplainMode,
    ExplainStatement,
    Query,
    ResetVariable,
    SetVariable,
    ShowAll,
    ShowSetting,
    ShowStats,
    ShowTables,
    Statement,
)
from shoal.planner.statement_macro import is_create_macro, is_drop_macro, read_create_macro, read_drop_macro
from shoal.planner.statement_reader import QUERY_WORDS, StatementReader
from shoal.planner.statement_refusals import refusal_of, refuse_effects, refuse_extensions, refuse_inner_writes
from shoal.planner.statement_session import read_deallocate, read_execute, read_prepare, read_reset, read_set
from shoal.planner.statement_tables import names_in_brackets, read_alter, read_create, read_drop, read_use
from shoal.planner.suggest import suggest
from shoal.planner.table_statements import TableStatement

__all__ = [
    "Analyze",
    "CreateView",
    "Describe",
    "DropView",
    "Explain",
    "ExplainMode",
    "ExplainStatement",
    "Query",
    "ResetVariable",
    "SetVariable",
    "ShowAll",
    "ShowSetting",
    "ShowStats",
    "ShowTables",
    "Statement",
    "check_size",
    "classify",
    "split_statements",
    "suggest",
]

_STARTS = (
    *QUERY_WORDS,
    "CREATE",
    "DROP",
    "ALTER",
    "INSERT",
    "UPDATE",
    "DELETE",
    "TRUNCATE",
    "COPY",
    "USE",
    "SET",
    "RESET",
    "PREPARE",
    "EXECUTE",
    "DEALLOCATE",
    "SHOW",
    "DESCRIBE",
    "DESC",
    "EXPLAIN",
    "ANALYZE",
)
_TAKES = (
    "Shoal takes queries, CREATE, DROP and ALTER, INSERT, UPDATE, DELETE, TRUNCATE, COPY, USE, "
    "SET, RESET, SHOW, DESCRIBE, EXPLAIN and ANALYZE"
)
_READERS: Mapping[str, Callable[[StatementReader], Statement | SessionStatement | TableStatement]] = {
    **dict.fromkeys(("INSERT", "UPDATE", "DELETE", "MERGE"), read_change),
    "TRUNCATE": read_truncate,
    "ALTER": read_alter,
    "USE": read_use,
    "COPY": read_copy,
    "SET": read_set,
    "RESET": read_reset,
    "PREPARE": read_prepare,
    "EXECUTE": read_execute,
    "DEALLOCATE": read_deallocate,
}
_EXPLAINED = ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "CREATE", "DROP", "ALTER", "COPY", "EXECUTE", "MERGE")
"""What EXPLAIN takes besides queries."""

_EXPLAIN_OPTIONS = ("ANALYZE", "FRAGMENTS", "FORMAT")


def classify(sql: str) -> Statement | SessionStatement | TableStatement:
    """What a text of exactly one statement (perhaps with a semicolon) is.

    Raises ``StatementTooLarge``, ``SyntaxError_`` or ``NotSupportedError``, each with its place in ``sql``.
    """
    check_size(sql)
    statements = split_statements(sql)
    if not statements:
        raise SyntaxError_("there is no statement in this text", ErrorContext(sql=sql, hint=_TAKES))
    if len(statements) > 1:
        raise NotSupportedError("one statement at a time is taken here", ErrorContext(sql=sql))
    return _Reader(statements[0].sql).statement()


class _Reader(StatementReader):
    """The grammar of statements, as far as the session needs it."""

    def statement(self) -> Statement | SessionStatement | TableStatement:
        first = self.tokens[0]
        refuse_extensions(self.sql, self.tokens)
        refuse_effects(self.sql)
        refuse_inner_writes(self.sql, self.tokens)
        word = first.text.upper() if first.kind is TokenKind.WORD else first.text
        match word:
            case "WITH" if (verb := verb_behind_with(self)) is not None:
                return read_change(self, verb)
            case _ if word in _READERS:
                return _READERS[word](self)
            case _ if word in ("(", *QUERY_WORDS):
                return self.rest_as_query()
            case "EXPLAIN":
                return self._explain()
            case "DESCRIBE" | "DESC":
                return self._describe()
            case "SHOW":
                return self._show()
            case "ANALYZE":
                return self._analyze()
            case "CREATE" if is_create_macro(self):
                return read_create_macro(self)
            case "DROP" if is_drop_macro(self):
                return read_drop_macro(self)
            case "CREATE":
                return read_create(self)
            case "DROP":
                return read_drop(self)
            case _:
                raise self._refusal(first, word)

    def _refusal(self, first: Token, word: str) -> Error:
        if (refused := refusal_of(self.sql, first)) is not None:
            return refused
        hint = suggest(word, _STARTS) if first.kind is TokenKind.WORD else None
        return SyntaxError_(f'a statement cannot start with "{first.text[:40]}"', self.context(first, hint or _TAKES))

    def _explain(self) -> Explain | ExplainStatement:
        self.index = 1
        mode = ExplainMode.PLAN
        token = self.peek()
        if token is not None and token.is_word("ANALYZE"):
            mode = ExplainMode.ANALYZE
            self.index += 1
        elif token is not None and token.text == "(" and not self._bracket_holds_query():
            mode = self._explain_options()
        token = self.peek()
        is_change = token is not None and token.is_word("WITH") and verb_behind_with(self, self.index) is not None
        if token is not None and (is_change or token.is_word(*_EXPLAINED)):
            if mode is ExplainMode.ANALYZE and not token.is_word("EXECUTE"):
                message = "EXPLAIN ANALYZE of a statement that writes is not supported: it would have to write"
                raise NotSupportedError(message, self.context(token, "EXPLAIN shows its plan; ANALYZE its query"))
            return ExplainStatement(mode, self.rest_in_place())
        if not self.starts_query():
            refused = None if token is None else refusal_of(self.sql, token)
            if refused is not None:
                raise refused
            self.expected("a query to explain")
        return Explain(mode, self.rest_as_query())

    def _bracket_holds_query(self) -> bool:
        following = self.tokens[self.index + 1 : self.index + 2]
        return bool(following) and (following[0].text == "(" or following[0].is_word(*QUERY_WORDS))

    def _explain_options(self) -> ExplainMode:
        self.expect_symbol("(")
        modes: list[ExplainMode] = []
        while True:
            token = self.next("an option of EXPLAIN")
            match token.text.upper():
                case "ANALYZE":
                    modes.append(ExplainMode.ANALYZE)
                case "FRAGMENTS":
                    modes.append(ExplainMode.FRAGMENTS)
                case "FORMAT":
                    modes.append(self._explain_format())
                case _:
                    hint = suggest(token.text, _EXPLAIN_OPTIONS) or "options: " + ", ".join(_EXPLAIN_OPTIONS)
                    raise SyntaxError_(f"EXPLAIN has no option {token.text}", self.context(token, hint))
            token = self.next("a comma or a closing bracket")
            if token.text == ")":
                break
            if token.text != ",":
                raise SyntaxError_("expected a comma or a closing bracket", self.context(token))
        chosen = [mode for mode in modes if mode is not ExplainMode.PLAN]
        if len(chosen) > 1:
            options = " with ".join(mode.value.upper() for mode in chosen)
            raise NotSupportedError(f"EXPLAIN takes one of its options at a time, not {options}", self.context(token))
        return chosen[0] if chosen else ExplainMode.PLAN

    def _explain_format(self) -> ExplainMode:
        token = self.next("a format")
        match token.name.upper():
            case "JSON":
                return ExplainMode.JSON
            case "TEXT":
                return ExplainMode.PLAN
            case _:
                hint = suggest(token.name, ("json", "text")) or "formats: json, text"
                raise SyntaxError_(f"EXPLAIN has no format {token.name}", self.context(token, hint))

    def _describe(self) -> Describe | ShowTables:
        keyword = self.tokens[0]
        self.index = 1
        if self.peek() is None:
            return ShowTables(everywhere=True)
        if self.starts_query():
            return Describe(self.rest_as_query().sql)
        token = self.peek()
        name = self.table_name() if token is not None and token.kind is not TokenKind.STRING else None
        self.index = 1
        return Describe(self._select_from_name(keyword, "a table or a query to describe"), name)

    def _select_from_name(self, keyword: Token, what: str) -> str:
        """The statement with FROM in place of its keyword: of the same length, so that places stay."""
        self.next(what)
        self.index = len(self.tokens)
        select = "FROM".ljust(len(keyword.text))
        return self.sql[: keyword.start] + select + self.sql[keyword.end :]

    def _analyze(self) -> Analyze:
        self.index = 1
        _ = self.skip("TABLE")
        if self.peek() is None:
            return Analyze()
        if self.tokens[-1].text != ")":
            return Analyze(self._table_name())
        name = self.table_name()
        columns = names_in_brackets(self)
        self.end()
        return Analyze(name, columns)

    def _table_name(self) -> str:
        """The name of a table, or the path of a file in quotes, at the end of the statement."""
        token = self.peek()
        if token is not None and token.kind is TokenKind.STRING:
            self.index += 1
            name = token.name
        else:
            name = self.table_name()
        self.end()
        return name

    def _show(self) -> Query | ShowAll | ShowTables | ShowSetting | ShowStats | ShowVariables:
        keyword = self.tokens[0]
        self.index = 1
        if self.peek() is None:
            return ShowTables(everywhere=True)
        token = self.next("a setting, a table, ALL, TABLES or STATS FOR a table")
        whole = token.is_word("DATABASES", "SCHEMAS") and self.peek() is None
        if whole or (token.is_word("TABLES") and self.skip("FROM")):
            self.index = len(self.tokens)
            return Query(f"FROM (\n{self.sql}\n)")
        if token.is_word("STATS") and self.skip("FOR"):
            return ShowStats(self._table_name())
        if token.is_word("ALL") and self.peek() is None:
            return ShowAll()
        if token.is_word("VARIABLES") and self.peek() is None:
            return ShowVariables()
        if token.is_word("TABLES") and self.peek() is None:
            return ShowTables()
        if token.is_word("ALL") and self.tokens[self.index].is_word("TABLES") and len(self.tokens) == 3:
            return ShowTables(everywhere=True)
        name = token.name
        if self.is_time_zone(token):
            name = "timezone"
        elif (following := self.peek()) is not None and following.text == ".":
            self.index = 1
            name = self.table_name()
        return ShowSetting(name, self.sql[: keyword.start] + "FROM" + self.sql[keyword.end :])
