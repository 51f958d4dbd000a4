"""Where in a statement's text the words stand that an error's message quotes, or the clause or call that it is about.

DuckDB tells places for most of what its binder refuses, and for nothing that its parser's second step or a running
statement does. Imports only the lexer.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from shoal.planner.lexer import Token, TokenKind

Span = tuple[int, int]
_NAMES = (TokenKind.WORD, TokenKind.QUOTED)
_QUOTED = re.compile(
    r"\"\"?([^\"]+)\"\"?|'([^']*)'|`([^`]+)`|\b(?:name|of|there is (?:no|a) [\w ]+?) (\w+)"
    r"(?: does not exist| already$|$)"
)
_DUPLICATE = re.compile(r"[Dd]uplicate|already (?:defined|exists)|occurs multiple times|occur in both")
_FROM_COLUMN = re.compile(r" when casting from source column (?P<column>.+)$", re.DOTALL)
_OF_LAMBDA = re.compile(r"\b(\w+?)_of_lambda\b")
_NUMBERED = re.compile(r"\b(?P<base>[^\W\d]\w*?)_\d+\b")
_AGGREGATES = ("sum", "count", "avg", "min", "max", "first", "list")
_DIVISION = "Division by zero in expression"
_TERM = re.compile(r"GROUP BY term out of range - should be between 1 and (\d+)")
_CLAUSE_WORDS = tuple("FROM WHERE GROUP HAVING ORDER LIMIT UNION EXCEPT INTERSECT QUALIFY WINDOW".split())

_FUNCTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"^(?:Macro|Function) (?P<name>\w+)\(\) does not support", ()),
    (r"^(?P<name>\w+)(?: expects|: | requires| accepts| only supports)", ()),
    (r"^Argument for (?P<name>\w+) must|^(?P<other>\w+) cannot be called", ()),
    (r"lambda parameters!$|LIST argument during lambda", ("list_transform", "list_filter", "list_reduce")),
    (r"^(?:APPROXIMATE )?QUANTILE can|^PERCENTILE", ("quantile_cont", "quantile_disc", "quantile", "approx_quantile",
      "percentile_cont", "percentile_disc")),
    (r"^Time out of range", ("make_time",)),
    (r"^Date out of range: ", ("make_date",)),
    (r"Codepoint", ("chr",)),
    (r"according to format specifier", ("strptime",)),
    (r"^Period must be|bucket", ("time_bucket",)),
    (r"n value must be > 0", ("max", "min", "arg_max", "arg_min", "max_by", "min_by")),
    (r"^cannot take logarithm", ("ln", "log", "log2", "log10")),
    (r"^cannot take square root", ("sqrt",)),
    (r"needs an ENUM", ("enum_range", "enum_first", "enum_last", "enum_code", "enum_range_boundary")),
    (r"^Malformed JSON", ("json", "json_keys", "json_extract", "json_extract_string", "json_array_length", "json_type",
      "json_valid", "json_structure", "json_transform", "from_json")),
    (r"ACOS|acos", ("acos",)),
    (r"ASIN|asin", ("asin",)),
    (r"factorial", ("factorial",)),
    (r"too many rows|step size cannot|interval cannot be 0", ("generate_series", "range")),
)  # fmt: skip
"""What a message says, and of which functions: ``name`` is one that it tells itself."""


def find_words(message: str, tokens: Sequence[Token]) -> Span | None:
    """The offsets of the one place that a message without a place of its own means; None if there is none or several.

    ``Column "word" does not exist on left side of join!`` -> ``word`` in ``JOIN few USING (word)``. It does not fire
    for values of rows: those are told with the column that they came from, and then the column is looked for.
    """
    if source := _FROM_COLUMN.search(message):
        return _only(_named(tokens, source["column"].strip('"'), _NAMES))
    for pattern, finder in _CLAUSES:
        if re.search(pattern, message):
            return _only(finder(tokens))
    if term := _TERM.search(message):
        return _only(_terms_of_groups(tokens, int(term[1])))
    if (found := _called(message, tokens)) is not None:
        return found
    return _quoted(message, tokens)


def in_own_words(message: str, tokens: Sequence[Token]) -> str:
    """A message without the names that columns have in the texts of tasks.

    ``... when casting from source column id_2`` -> ``... when casting from source column id``, or without that
    where the planner made the column. Names that the statement itself has stay.
    """
    message = _OF_LAMBDA.sub(r"\1", message)
    if not (source := _FROM_COLUMN.search(message)) and not message.startswith(_DIVISION):
        return message
    followed = zip(tokens, [*(token.text for token in tokens[1:]), ""], strict=True)
    names = {token.name.casefold() for token, following in followed if token.kind in _NAMES and following != "("}

    def own(match: re.Match[str]) -> str:
        word, base = match[0], match["base"]
        return base if word.casefold() not in names and base.casefold() in names else word

    message = message[: source.start()] + _NUMBERED.sub(own, source[0]) if source else _NUMBERED.sub(own, message)
    source = _FROM_COLUMN.search(message)
    if source is None or (column := source["column"].strip('"')).casefold() in names:
        return message
    is_made = column in _AGGREGATES or _NUMBERED.fullmatch(column) is not None
    return message[: source.start()] if is_made else message


def _called(message: str, tokens: Sequence[Token]) -> Span | None:
    for pattern, functions in _FUNCTIONS:
        if match := re.search(pattern, message):
            told = [name.casefold() for name in match.groupdict().values() if name]
            found = _only(_calls(tokens, (*functions, *told)))
            if found is not None:
                return found
    return None


def _quoted(message: str, tokens: Sequence[Token]) -> Span | None:
    """What a message quotes, or ends with, where it stands once; the second of two where it is about a duplicate."""
    texts = [next(filter(None, match.groups()), "") for match in _QUOTED.finditer(message)]
    texts += [message, message.rpartition(": ")[2]]
    for text in filter(None, texts):
        found = list(_named(tokens, text, (*_NAMES, TokenKind.STRING)))
        if _DUPLICATE.search(message) and len(found) > 1:
            defined = [span for span in found if _is_defined(tokens, span)]
            found = defined[1:2] if len(defined) == 2 else found[1:2] if len(found) == 2 else found
        if found:
            return _only(found)
    return None


def _only(spans: Iterator[Span] | Sequence[Span]) -> Span | None:
    found = list(spans)
    return found[0] if len(found) == 1 else None


def _named(tokens: Sequence[Token], text: str, kinds: Sequence[TokenKind]) -> Iterator[Span]:
    folded = text.casefold()
    for token in tokens:
        if token.kind in kinds and token.name.casefold() == folded:
            yield token.start, token.end


def _is_defined(tokens: Sequence[Token], span: Span) -> bool:
    """Whether a name is followed by ``AS (``, as those of WITH and WINDOW are."""
    index = next(number for number, token in enumerate(tokens) if token.start == span[0])
    return [token.text.upper() for token in tokens[index + 1 : index + 3]] == ["AS", "("]


def _calls(tokens: Sequence[Token], names: Sequence[str]) -> Iterator[Span]:
    for index, token in enumerate(tokens[:-1]):
        if tokens[index + 1].text == "(" and token.kind in _NAMES and token.name.casefold() in names:
            yield token.start, end_of_call(tokens, index + 1)


def end_of_call(tokens: Sequence[Token], opening: int) -> int:
    """Where the text of a call ends whose opening bracket is the token at ``opening``."""
    depth = 0
    for token in tokens[opening:]:
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0:
            return token.end
    return tokens[-1].end


def _words(*words: str) -> Callable[[Sequence[Token]], Iterator[Span]]:
    def find(tokens: Sequence[Token]) -> Iterator[Span]:
        return ((token.start, token.end) for token in tokens if token.is_word(*words))

    return find


def _after(*words: str) -> Callable[[Sequence[Token]], Iterator[Span]]:
    def find(tokens: Sequence[Token]) -> Iterator[Span]:
        for index, token in enumerate(tokens[:-1]):
            if token.is_word(*words):
                following = (
                    tokens[index + 1 + (tokens[index + 1].text in ("(", "-"))] if index + 2 < len(tokens) else None
                )
                yield (following or tokens[index + 1]).start, (following or tokens[index + 1]).end

    return find


def _empty_lists(tokens: Sequence[Token]) -> Iterator[Span]:
    """SELECT with nothing after it."""
    for index, token in enumerate(tokens):
        if not token.is_word("SELECT"):
            continue
        following = index + 1 + (index + 1 < len(tokens) and tokens[index + 1].is_word("DISTINCT", "ALL"))
        if (
            following >= len(tokens)
            or tokens[following].text in (")", ";")
            or tokens[following].is_word(*_CLAUSE_WORDS)
        ):
            yield token.start, tokens[following - 1].end


def _subqueries(tokens: Sequence[Token]) -> Iterator[Span]:
    for index, token in enumerate(tokens[:-1]):
        if token.text == "(" and tokens[index + 1].is_word("SELECT", "FROM", "WITH", "VALUES"):
            yield token.start, end_of_call(tokens, index)


def _terms_of_groups(tokens: Sequence[Token], last: int) -> Iterator[Span]:
    """The numbers of GROUP BY lists that mean no term."""
    depth, inside = 0, False
    for index, token in enumerate(tokens):
        if token.is_word("BY"):
            inside, depth = tokens[index - 1].is_word("GROUP"), 0
        elif token.is_word(*_CLAUSE_WORDS):
            inside = False
        depth += (token.text in "([") - (token.text in ")]")
        if inside and depth == 0 and token.text.isdigit():
            is_negative = tokens[index - 1].text == "-"
            if is_negative or not 1 <= int(token.text) <= last:
                yield tokens[index - is_negative].start, token.end


_CLAUSES: tuple[tuple[str, Callable[[Sequence[Token]], Iterator[Span]]], ...] = (
    (r"^SELECT clause without selection list", _empty_lists),
    (r"^Set operations can only apply", _words("UNION", "EXCEPT", "INTERSECT")),
    (r"ASOF JOIN inequalit", _words("ASOF")),
    (r"does not support time travel", _words("AT")),
    (r"^Sample sample_size", _after("TABLESAMPLE", "SAMPLE")),
    (r"^Limit percent|^LIMIT/OFFSET|^Limit ", _after("LIMIT")),
    (r"^Subquery returns \d+ columns", _subqueries),
)  # fmt: skip
