"""Completion by context: tables after FROM and JOIN, a table's columns after its alias and a dot, words elsewhere."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from shoal.planner.lexer import Token, TokenKind, tokenize
from shoal.shell.commands import COMMANDS, CommandArgument
from shoal.shell.keywords import KEYWORDS, RESERVED, TYPES
from shoal.shell.names import Names

_TABLE_WORDS = frozenset({"FROM", "JOIN", "TABLE", "DESCRIBE", "SUMMARIZE"})
_CLAUSE_WORDS = frozenset(
    {"FROM", "SELECT", "WHERE", "GROUP", "ORDER", "HAVING", "ON", "USING", "LIMIT", "QUALIFY", "WINDOW", "SET", "UNION"}
)
_JOIN_WORDS = frozenset({"LEFT", "RIGHT", "FULL", "INNER", "CROSS", "NATURAL", "ASOF", "SEMI", "ANTI", "POSITIONAL"})
_MANY_TABLES = 40
"""With more tables than this, their columns are offered only once FROM says which table is meant."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text to put in place of the ``replaces`` characters before the cursor, and what kind of thing it is."""

    text: str
    kind: str
    replaces: int


class SqlCompleter(Completer):
    """prompt-toolkit's completer interface; wrap it in a ``ThreadedCompleter``, for it asks the connection."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Candidates for the word before the cursor, best first."""
        asked = complete_event.completion_requested
        for candidate in candidates(document.text_before_cursor, document.text_after_cursor, self._names, asked=asked):
            yield Completion(candidate.text, start_position=-candidate.replaces, display_meta=candidate.kind)


def candidates(before: str, after: str, names: Names, *, asked: bool) -> Iterator[Candidate]:
    """What could stand at the cursor. ``asked``: the user pressed a key for it; otherwise a word must have begun."""
    if before.lstrip().startswith("\\"):
        yield from _command_candidates(before.lstrip(), names)
        return
    tokens = _open_statement(list(tokenize(before)))
    last = tokens[-1] if tokens else None
    if last is not None and last.kind is TokenKind.STRING and last.end == len(before) and _is_unfinished(last):
        if len(tokens) > 1 and tokens[-2].is_word(*_TABLE_WORDS):
            yield from _paths(last.text[1:], closing="'")
        return
    if _in_comment(before, last):
        return
    typed = ""
    if last is not None and last.end == len(before) and last.kind in (TokenKind.WORD, TokenKind.QUOTED):
        typed, tokens = last.text, tokens[:-1]
    whole = tokens + _first_statement(list(tokenize(after)))
    previous = tokens[-1] if tokens else None
    if previous is not None and previous.text == "." and len(tokens) > 1:
        table = _tables_by_alias(whole).get(tokens[-2].name.casefold())
        yield from _matching(typed, [(column, "column") for column in names.columns(table)] if table else [])
    elif _wants_table(tokens):
        found = [(name, "table") for name in names.tables()] + [(name, "with") for name in _with_names(whole)]
        yield from _matching(typed, found)
    elif previous is not None and previous.is_word("SET", "RESET", "SHOW") and len(tokens) == 1:
        yield from _matching(typed, [(name, "setting") for name in names.settings()])
    elif _wants_table(tokens[:-1]):
        # Here a new alias may be typed, which nobody can guess: only a word that begins a clause is offered.
        yield from _matching(typed, [(word, "keyword") for word in sorted(KEYWORDS)] if len(typed) > 1 or asked else [])
    elif typed or asked:
        yield from _matching(typed, _words(whole, names))


def _words(tokens: list[Token], names: Names) -> Iterator[tuple[str, str]]:
    aliases = _tables_by_alias(tokens)
    tables = tuple(dict.fromkeys(aliases.values()))
    if not tables and len(names.tables()) <= _MANY_TABLES:
        tables = tuple(quoted(name) for name in names.tables())
    for table in tables:
        for column in names.columns(table):
            yield column, "column"
    yield from ((alias, "alias") for alias in aliases)
    yield from ((word, "keyword") for word in sorted(KEYWORDS))
    yield from ((function, "function") for function in names.functions())
    yield from ((word, "type") for word in sorted(TYPES))


def _matching(typed: str, found: Iterable[tuple[str, str]]) -> Iterator[Candidate]:
    """Those that begin with what was typed, then those that have it inside; each text once, in their given order."""
    prefix = typed.removeprefix('"').casefold()
    seen: set[str] = set()
    inside: list[Candidate] = []
    for name, kind in found:
        if kind in ("keyword", "type"):
            text = name.lower() if typed and typed == typed.lower() else name
        else:
            text = name if kind in ("function", "alias", "setting") else quoted(name, force=typed.startswith('"'))
        folded = name.casefold()
        if text in seen or (folded == prefix and not typed.startswith('"')):
            continue
        seen.add(text)
        if folded.startswith(prefix):
            yield Candidate(text, kind, len(typed))
        elif prefix in folded and kind in ("column", "table") and len(prefix) > 1:
            inside.append(Candidate(text, kind, len(typed)))
    yield from inside


def quoted(name: str, *, force: bool = False) -> str:
    """A name as SQL must write it: in quotes when it is not a plain word, or is a keyword."""
    plain = name.isidentifier() and name.isascii() and name.upper() not in RESERVED
    return name if plain and not force else '"' + name.replace('"', '""') + '"'


def _open_statement(tokens: list[Token]) -> list[Token]:
    for index in range(len(tokens) - 1, -1, -1):
        if tokens[index].kind is TokenKind.SYMBOL and tokens[index].text == ";":
            return tokens[index + 1 :]
    return tokens


def _first_statement(tokens: list[Token]) -> list[Token]:
    for index, token in enumerate(tokens):
        if token.kind is TokenKind.SYMBOL and token.text == ";":
            return tokens[:index]
    return tokens


def _wants_table(tokens: list[Token]) -> bool:
    if not tokens:
        return False
    if tokens[-1].is_word(*_TABLE_WORDS):
        return True
    if tokens[-1].text != ",":
        return False
    depth = 0
    for token in reversed(tokens):
        depth += (token.text == ")") - (token.text == "(")
        if depth < 0:
            return False
        if depth == 0 and token.is_word(*_CLAUSE_WORDS):
            return token.is_word("FROM")
    return False


def _tables_by_alias(tokens: list[Token]) -> dict[str, str]:
    """Tables of FROM and JOIN, as SQL writes them, by the folded names under which their columns are reached."""
    found: dict[str, str] = {}
    for index, token in enumerate(tokens):
        if token.kind not in (TokenKind.WORD, TokenKind.QUOTED, TokenKind.STRING) or not _wants_table(tokens[:index]):
            continue
        if token.is_word(*KEYWORDS) or (tokens[index + 1 : index + 2] and tokens[index + 1].text in ("(", ".")):
            continue
        following = tokens[index + 1 :]
        if following and following[0].is_word("AS"):
            following = following[1:]
        alias = token.name
        if following and following[0].kind in (TokenKind.WORD, TokenKind.QUOTED):
            word = following[0]
            if not word.is_word(*KEYWORDS) and not word.is_word(*_JOIN_WORDS):
                alias = word.name
        elif token.kind is TokenKind.STRING:
            alias = Path(token.name).stem
        found[alias.casefold()] = token.text
    return found


def _with_names(tokens: list[Token]) -> list[str]:
    """Names that a WITH clause gives: each is a word before ``AS (`` that follows WITH or a comma."""
    return [
        token.text
        for index, token in enumerate(tokens)
        if token.kind is TokenKind.WORD
        and index > 0
        and (tokens[index - 1].is_word("WITH", "RECURSIVE") or tokens[index - 1].text == ",")
        and [following.text.upper() for following in tokens[index + 1 : index + 3]] == ["AS", "("]
    ]


def _is_unfinished(token: Token) -> bool:
    return token.text.startswith("'") and (len(token.text) == 1 or token.text.count("'") % 2 == 1)


def _in_comment(before: str, last: Token | None) -> bool:
    rest = before[last.end if last else 0 :]
    return bool(rest.strip()) or ("--" in rest and "\n" not in rest)


def _command_candidates(text: str, names: Names) -> Iterator[Candidate]:
    word, space, argument = text[1:].partition(" ")
    if not space:
        for command in COMMANDS:
            if command.name.startswith(word):
                yield Candidate("\\" + command.name, command.help, len(text))
        return
    command_found = next((command for command in COMMANDS if command.name == word), None)
    if command_found is None:
        return
    argument = argument.lstrip()
    match command_found.argument:
        case CommandArgument.NONE | CommandArgument.TEXT:
            return
        case CommandArgument.TABLE:
            yield from _matching(argument, [(name, "table") for name in names.tables()])
        case CommandArgument.FILE:
            yield from _paths(argument, closing="")
        case tuple() as words:
            yield from (Candidate(each, "", len(argument)) for each in words if each.startswith(argument))


def _paths(typed: str, *, closing: str) -> Iterator[Candidate]:
    folder, _, start = typed.rpartition("/")
    base = Path(folder + "/" if "/" in typed else ".").expanduser()
    try:
        entries = sorted(base.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(start) and (start.startswith(".") or not entry.name.startswith(".")):
            is_folder = entry.is_dir()
            yield Candidate(entry.name + ("/" if is_folder else closing), "folder" if is_folder else "file", len(start))
