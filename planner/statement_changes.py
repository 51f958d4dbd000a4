"""Statements that change rows: INSERT, UPDATE, DELETE, TRUNCATE and COPY. Imports the lexer, the kinds and errors."""

from shoal.planner.errors import NotSupportedError, SyntaxError_
from shoal.planner.lexer import Token, TokenKind
from shoal.planner.statement_reader import QUERY_WORDS, SHOWN_WORDS, StatementReader
from shoal.planner.statement_tables import names_in_brackets, query_of_table
from shoal.planner.table_statements import (
    Assignment,
    CopyFrom,
    CopyTo,
    Delete,
    Insert,
    Part,
    Target,
    Truncate,
    Update,
)

_SETS = ("UNION", "EXCEPT", "INTERSECT", "ORDER", "LIMIT", "OFFSET")
_VERBS = ("INSERT", "UPDATE", "DELETE", "MERGE")
Change = Insert | Update | Delete


def verb_behind_with(reader: StatementReader, first: int = 0) -> int | None:
    """Where the INSERT, UPDATE or DELETE behind the WITH at ``first`` stands among the tokens; None in a query."""
    found = (
        index
        for index in reader.outer_tokens(first + 1, len(reader.tokens))
        if reader.tokens[index].is_word(*_VERBS) and reader.tokens[index - 1].text == ")"
    )
    return next(found, None)


def read_change(reader: StatementReader, first: int = 0) -> Change:
    """INSERT, UPDATE or DELETE, whose first word is token ``first``; what stands before it is its WITH."""
    reader.index = first + 1
    before = Part(reader.tokens[0].start, reader.tokens[first - 1].end) if first else None
    match reader.tokens[first].text.upper():
        case "INSERT":
            return _insert(reader, before)
        case "UPDATE":
            return _update(reader, before)
        case "DELETE":
            return _delete(reader, before)
        case _:
            message = "MERGE is not supported: use UPDATE, INSERT and DELETE"
            raise NotSupportedError(message, reader.context(reader.tokens[first]))


def read_truncate(reader: StatementReader) -> Truncate:
    """``TRUNCATE [TABLE] name``, from its first word."""
    reader.index = 1
    _ = reader.skip("TABLE")
    name = reader.table_name()
    token = reader.peek()
    if token is not None and token.is_word("CASCADE", "RESTRICT", "CONTINUE", "RESTART"):
        message = f"TRUNCATE ... {token.text.upper()} is not supported: there are no keys and no sequences"
        raise NotSupportedError(message, reader.context(token))
    reader.end()
    return Truncate(name)


def read_copy(reader: StatementReader) -> CopyTo | CopyFrom:
    """``COPY``, from its first word."""
    reader.index = 1
    keyword = reader.tokens[0]
    token = reader.next("a table, or a query in brackets")
    if token.text == "(":
        close = reader.closing_bracket(1)
        reader.index = 2
        query = reader.query_until(close)
        reader.index = close + 1
        if not reader.skip("TO"):
            reader.expected("TO and a path")
        return CopyTo(query, *_path_and_rest(reader))
    reader.index = 1
    if token.is_word("FROM") and reader.tokens[2:3] and reader.tokens[2].is_word("DATABASE"):
        raise NotSupportedError("COPY FROM DATABASE is not supported: a session has one database")
    name = reader.table_name()
    place = Part(token.start, reader.tokens[reader.index - 1].end)
    columns = _columns_text(reader)
    if reader.skip("TO"):
        return CopyTo(query_of_table(reader, keyword.end, place, columns), *_path_and_rest(reader))
    if not reader.skip("FROM"):
        reader.expected("TO or FROM and a path")
    path, _ = _path_and_rest(reader)
    return CopyFrom(name, path, Part(place.end, reader.tokens[-1].end))


def _path_and_rest(reader: StatementReader) -> tuple[str, Part]:
    token = reader.next("a path in quotes")
    if token.is_word("STDIN", "STDOUT"):
        message = f"COPY with {token.text.upper()} is not supported: a statement may run far from any terminal"
        raise NotSupportedError(message, reader.context(token, "name a file, or fetch the rows"))
    if token.kind is not TokenKind.STRING:
        raise SyntaxError_("expected a path in quotes", reader.context(token))
    return token.name, Part(token.start, reader.tokens[-1].end)


def _columns_text(reader: StatementReader) -> str:
    """What stands between the brackets that come next; nothing if there are none."""
    token = reader.peek()
    if token is None or token.text != "(":
        return ""
    close = reader.closing_bracket(reader.index)
    reader.index = close + 1
    return reader.sql[token.end : reader.tokens[close].start]


def _insert(reader: StatementReader, before: Part | None) -> Insert:
    token = reader.peek()
    if token is not None and token.is_word("OR"):
        raise NotSupportedError("INSERT OR is not supported: there are no unique keys", reader.context(token))
    if not reader.skip("INTO"):
        reader.expected("INTO and a table")
    target = _target(reader, before, ("BY", "VALUES", "DEFAULT", "TABLE", *QUERY_WORDS, *SHOWN_WORDS))
    columns: tuple[str, ...] = ()
    if (token := reader.peek()) is not None and token.text == "(" and not _holds_query(reader):
        columns = names_in_brackets(reader)
    by_name = reader.skip("BY", "NAME")
    _ = by_name or reader.skip("BY", "POSITION")
    end, returning = _returning(reader)
    for index in reader.outer_tokens(reader.index, end):
        token = reader.tokens[index]
        if (
            token.is_word("ON")
            and reader.tokens[index + 1 : index + 2]
            and reader.tokens[index + 1].is_word("CONFLICT")
        ):
            raise NotSupportedError("ON CONFLICT is not supported: there are no unique keys", reader.context(token))
    if reader.index >= end:
        reader.expected("VALUES or a query")
    first = reader.tokens[reader.index]
    source = Part(first.start, reader.tokens[end - 1].end)
    outer = [reader.tokens[index] for index in reader.outer_tokens(reader.index, end)]
    if first.is_word("DEFAULT") or (first.is_word("VALUES") and not any(token.is_word(*_SETS) for token in outer)):
        return Insert(target, columns, source, None, by_name, returning)
    if not reader.starts_query(shown=True):
        reader.expected("VALUES or a query")
    return Insert(target, columns, source, reader.query_until(end, before), by_name, returning)


def _holds_query(reader: StatementReader) -> bool:
    words = (*QUERY_WORDS, "DESCRIBE", "SHOW")
    following = reader.tokens[reader.index + 1 : reader.index + 2]
    return bool(following) and (following[0].text == "(" or following[0].is_word(*words))


def _target(reader: StatementReader, before: Part | None, no_alias: tuple[str, ...]) -> Target:
    first = reader.index
    name = reader.table_name()
    place = Part(reader.tokens[first].start, reader.tokens[reader.index - 1].end)
    alias = ""
    if reader.skip("AS") or _can_be_alias(reader.peek(), no_alias):
        alias = reader.name()
    return Target(name, place, alias, before)


def _can_be_alias(token: Token | None, not_alias: tuple[str, ...]) -> bool:
    if token is None or token.kind not in (TokenKind.WORD, TokenKind.QUOTED):
        return False
    return not token.is_word(*not_alias, "RETURNING")


def _returning(reader: StatementReader) -> tuple[int, Part | None]:
    """Where what comes before RETURNING ends among the tokens, and the expressions that follow it."""
    for index in reader.outer_tokens(reader.index, len(reader.tokens)):
        if reader.tokens[index].is_word("RETURNING"):
            if index + 1 == len(reader.tokens):
                reader.index = len(reader.tokens)
                reader.expected("expressions to return")
            return index, Part(reader.tokens[index + 1].start, reader.tokens[-1].end)
    return len(reader.tokens), None


def _update(reader: StatementReader, before: Part | None) -> Update:
    target = _target(reader, before, ("SET",))
    if not reader.skip("SET"):
        reader.expected("SET and an assignment")
    end, returning = _returning(reader)
    clauses = _clauses(reader, end, ("FROM", "WHERE"))
    stop = min([index for index, _ in clauses.values()], default=end)
    assignments: list[Assignment] = []
    while True:
        assignments += _assignments(reader, stop)
        if reader.index >= stop:
            break
        reader.expect_symbol(",")
    return Update(target, tuple(assignments), _part(clauses, "FROM"), _part(clauses, "WHERE"), returning)


def _delete(reader: StatementReader, before: Part | None) -> Delete:
    if not reader.skip("FROM"):
        reader.expected("FROM and a table")
    target = _target(reader, before, ("USING", "WHERE"))
    end, returning = _returning(reader)
    clauses = _clauses(reader, end, ("USING", "WHERE"))
    if reader.index != min([index for index, _ in clauses.values()], default=end):
        reader.expected("USING, WHERE, RETURNING or the end")
    return Delete(target, _part(clauses, "USING"), _part(clauses, "WHERE"), returning)


def _part(clauses: dict[str, tuple[int, Part]], word: str) -> Part | None:
    return clauses[word][1] if word in clauses else None


def _clauses(reader: StatementReader, end: int, words: tuple[str, ...]) -> dict[str, tuple[int, Part]]:
    """The clauses that begin with these words outside brackets: where each begins, and what follows its word."""
    starts: list[tuple[int, str]] = []
    for index in reader.outer_tokens(reader.index, end):
        token = reader.tokens[index]
        rank = next((number for number, word in enumerate(words) if token.is_word(word)), None)
        is_comparison = token.is_word("FROM") and reader.tokens[index - 1].is_word("DISTINCT")
        if rank is None or is_comparison or any(words.index(word) >= rank for _, word in starts):
            continue
        starts.append((index, words[rank]))
    found: dict[str, tuple[int, Part]] = {}
    for number, (index, word) in enumerate(starts):
        stop = starts[number + 1][0] if number + 1 < len(starts) else end
        if stop == index + 1:
            reader.index = index + 1
            reader.expected(f"something behind {word}")
        found[word] = (index, Part(reader.tokens[index + 1].start, reader.tokens[stop - 1].end))
    return found


def _assignments(reader: StatementReader, stop: int) -> list[Assignment]:
    """One assignment, or one to several columns in brackets."""
    token = reader.next("a column")
    reader.index -= 1
    columns = names_in_brackets(reader) if token.text == "(" else (_assigned_column(reader),)
    reader.expect_symbol("=")
    start = reader.index
    end = next((i for i in reader.outer_tokens(start, stop) if reader.tokens[i].text == ","), stop)
    if start == end:
        reader.expected("an expression")
    reader.index = end
    is_row = reader.tokens[start].is_word("ROW") and end - start > 2
    first = start + 1 if is_row else start
    is_listed = reader.tokens[first].text == "(" and reader.closing_bracket(first) == end - 1
    commas = [i for i in reader.outer_tokens(first + 1, end - 1) if reader.tokens[i].text == ","] if is_listed else []
    if len(columns) == 1 or not (is_row or commas):
        # One expression is that of every column.
        return [Assignment(column, _expression(reader, start, end)) for column in columns]
    edges = [first, *commas, end - 1]
    if len(edges) != len(columns) + 1:
        raise SyntaxError_("expected as many expressions in brackets as columns", reader.context(reader.tokens[start]))
    pairs = zip(columns, edges, edges[1:], strict=False)
    return [Assignment(column, _expression(reader, left + 1, right)) for column, left, right in pairs]


def _assigned_column(reader: StatementReader) -> str:
    column = reader.next("a column")
    following = reader.peek()
    reader.index -= 1
    if following is not None and following.text == ".":
        raise SyntaxError_("a column that is assigned is named without its table", reader.context(column))
    return reader.name()


def _expression(reader: StatementReader, start: int, end: int) -> Part | None:
    if end - start == 1 and reader.tokens[start].is_word("DEFAULT"):
        return None
    return Part(reader.tokens[start].start, reader.tokens[end - 1].end)
