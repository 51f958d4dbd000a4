"""Statements that make and remove macros. Imports the lexer, the kinds and errors."""

from shoal.planner.definitions import Macro, MacroOverload
from shoal.planner.errors import NotSupportedError, SyntaxError_
from shoal.planner.lexer import TokenKind
from shoal.planner.session_kinds import CreateMacro, DropMacro
from shoal.planner.statement_reader import StatementReader

_OPTIONAL = (("OR", "REPLACE"), ("TEMP",), ("TEMPORARY",))
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_SCHEMA = "main"


def is_create_macro(reader: StatementReader) -> bool:
    """Whether a statement that begins with CREATE makes a macro."""
    words = [token for token in reader.tokens[1:5] if not token.is_word("OR", "REPLACE", "TEMP", "TEMPORARY")]
    return bool(words) and words[0].is_word("MACRO", "FUNCTION")


def is_drop_macro(reader: StatementReader) -> bool:
    """Whether a statement that begins with DROP removes a macro."""
    return len(reader.tokens) > 1 and reader.tokens[1].is_word("MACRO", "FUNCTION")


def read_create_macro(reader: StatementReader) -> CreateMacro:
    """``CREATE MACRO``, from its first word."""
    reader.index = 1
    start = reader.index
    or_replace = reader.skip("OR", "REPLACE")
    _ = reader.skip("TEMP") or reader.skip("TEMPORARY")
    blanks = list(reader.tokens[start : reader.index])
    reader.index += 1  # MACRO or FUNCTION
    start = reader.index
    if_not_exists = reader.skip("IF", "NOT", "EXISTS")
    blanks += reader.tokens[start : reader.index]
    sql = reader.sql
    for token in blanks:
        sql = sql[: token.start] + " " * len(token.text) + sql[token.end :]
    name = macro_name(reader)
    first = reader.peek()
    if first is None or first.text != "(":
        reader.expected("the macro's parameters in brackets")
    head = reader.tokens[reader.index]
    overloads, is_table = _overloads(reader)
    text = f"{_quoted(name)}{reader.sql[head.start : reader.tokens[-1].end]}"
    return CreateMacro(Macro(name, text, overloads, is_table), sql, or_replace, if_not_exists)


def read_drop_macro(reader: StatementReader) -> DropMacro:
    """``DROP MACRO``, from its first word."""
    reader.index = 2
    is_table = True if reader.skip("TABLE") else None
    if_exists = reader.skip("IF", "EXISTS")
    name = macro_name(reader)
    _ = reader.skip("CASCADE") or reader.skip("RESTRICT")
    reader.end()
    return DropMacro(name, is_table, if_exists)


def macro_name(reader: StatementReader) -> str:
    """A macro's name, perhaps with the one schema before it."""
    token = reader.next("a name")
    if token.kind not in (TokenKind.WORD, TokenKind.QUOTED):
        raise SyntaxError_("expected a name", reader.context(token))
    following = reader.peek()
    if following is None or following.text != ".":
        return token.name
    if token.name.casefold() != _SCHEMA:
        raise NotSupportedError("macros are in the schema main", reader.context(token))
    reader.index += 1
    return reader.name()


def _overloads(reader: StatementReader) -> tuple[tuple[MacroOverload, ...], bool]:
    """All of ``(parameters) AS [TABLE] body, ...``; the kernel has the last word on whether it is right."""
    overloads: list[MacroOverload] = []
    is_table = False
    while True:
        parameters, typed = _parameters(reader)
        if not reader.skip("AS"):
            reader.expected("AS and the macro's body")
        is_table = reader.skip("TABLE") or is_table
        if reader.peek() is None:
            reader.expected("the macro's body")
        start = reader.index
        end = _end_of_body(reader, is_table)
        body = reader.sql[reader.tokens[start].start : reader.tokens[end - 1].end] if end > start else ""
        overloads.append(MacroOverload(parameters, body, typed))
        reader.index = end + 1
        if end >= len(reader.tokens):
            return tuple(overloads), is_table


def _parameters(reader: StatementReader) -> tuple[tuple[tuple[str, str | None], ...], bool]:
    reader.expect_symbol("(")
    found: list[tuple[str, str | None]] = []
    typed = False
    while (token := reader.next("a parameter or a closing bracket")).text != ")":
        if token.kind not in (TokenKind.WORD, TokenKind.QUOTED):
            raise SyntaxError_("expected the name of a parameter", reader.context(token))
        start = reader.index
        end = _end_of_item(reader, start)
        items = reader.tokens[start:end]
        default = next((number for number, item in enumerate(items) if item.text in ("=", "=>")), None)
        typed = typed or (bool(items) and items[0].text not in (":", "=", "=>"))
        value = None
        if default is not None and default + 1 < len(items):
            value = reader.sql[items[default + 1].start : items[-1].end]
        found.append((token.name, value))
        reader.index = end
        if (following := reader.peek()) is not None and following.text == ",":
            reader.index += 1
    return tuple(found), typed


def _end_of_item(reader: StatementReader, start: int) -> int:
    """The index of the comma or closing bracket that ends what begins at ``start``."""
    depth = 0
    for index in range(start, len(reader.tokens)):
        text = reader.tokens[index].text
        if depth == 0 and text in (",", ")"):
            return index
        depth += (text in _OPENING) - (text in _CLOSING)
    return len(reader.tokens)


def _end_of_body(reader: StatementReader, is_table: bool) -> int:
    """The index of the comma before the next overload, or the end."""
    depth = 0
    for index in range(reader.index, len(reader.tokens)):
        text = reader.tokens[index].text
        if depth == 0 and text == "," and _starts_overload(reader, index + 1, is_table):
            return index
        depth += (text in _OPENING) - (text in _CLOSING)
    return len(reader.tokens)


def _starts_overload(reader: StatementReader, start: int, is_table: bool) -> bool:
    tokens = reader.tokens
    if start >= len(tokens) or tokens[start].text != "(":
        return False
    depth = 0
    for index in range(start, len(tokens)):
        depth += (tokens[index].text in _OPENING) - (tokens[index].text in _CLOSING)
        if depth == 0:
            following = tokens[index + 1 : index + 3]
            starts = bool(following) and following[0].is_word("AS")
            return starts and (not is_table or (len(following) == 2 and following[1].is_word("TABLE")))
    return False


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
