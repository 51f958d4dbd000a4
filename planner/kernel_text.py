"""Carries expressions that sqlglot would write otherwise than they were meant, as the text that the user wrote.

The kernel's syntax tree tells where in the statement an expression stands. What the planner does not know for certain
is replaced by a call of its own name over the columns, subqueries, aggregates and windows in it; after parsing, the
call becomes the text again, with those parts in it as expressions that can be bound. The kernel thus reads what the
user wrote, with columns under other names.

    SELECT list_filter(l, lambda x: x > a)[1:2] FROM t
 -> SELECT shoal_text_0(l, a) FROM t
 -> SELECT (list_filter( l , lambda x: x >  a )[1:2]) FROM t
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from sqlglot import exp

from shoal.planner.functions import AGGREGATES
from shoal.planner.lexer import TokenKind, tokenize
from shoal.planner.safe_nodes import FIRST_IS_UNIT, KERNEL_ONLY, ROW_MAKING, SAFE_NODES
from shoal.planner.syntax_tree import Span, SyntaxTree, Tree, expressions_of, own_span, walk

_PLACEHOLDER = "shoal_text_"
_FIELD_OF_LAMBDA = re.compile(r'"(\w+)_of_lambda"\s*\.')
_PLAIN_OPERATORS = frozenset({"+", "-", "*", "/", "//", "%", "||", "~~", "!~~", "~~*", "!~~*"})
_PLAIN_CLASSES = frozenset(
    {"COLUMN_REF", "CONSTANT", "COMPARISON", "CONJUNCTION", "BETWEEN", "CASE", "SUBQUERY", "WINDOW", "STAR", "TYPE"}
)
_PLAIN_OPERATOR_TYPES = frozenset(
    {
        "OPERATOR_NOT",
        "OPERATOR_IS_NULL",
        "OPERATOR_IS_NOT_NULL",
        "OPERATOR_COALESCE",
        "COMPARE_IN",
        "COMPARE_NOT_IN",
        "GROUPING_FUNCTION",
    }
)
PLAIN_NUMBER = re.compile(r"\d+(\.\d+)?([eE][+-]?\d+)?\Z")
"""Numbers that sqlglot reads as the kernel does: neither hexadecimal, nor without a digit before the point."""

_PLAIN_TYPE = re.compile(r"\w+(\s*\(\s*\d+\s*(,\s*\d+\s*)?\))?\Z")
_NAMES = (TokenKind.WORD, TokenKind.QUOTED)
_NEVER_CARRIED = frozenset({"STAR", "POSITIONAL_REFERENCE", "COLLATE", "DEFAULT", "PARAMETER", "GROUPING_FUNCTION"})
"""Classes whose meaning depends on more than the columns that they name."""

CLOCK_WORDS = {
    "current_date": "DATE",
    "current_time": "TIMETZ",
    "current_timestamp": "TIMESTAMPTZ",
    "localtime": "TIME",
    "localtimestamp": "TIMESTAMP",
}
CLOCKS = CLOCK_WORDS | {
    "now": "TIMESTAMPTZ",
    "get_current_timestamp": "TIMESTAMPTZ",
    "transaction_timestamp": "TIMESTAMPTZ",
    "today": "DATE",
    "get_current_time": "TIMETZ",
}
"""What shows the time, and as which type of it."""

_LAMBDA_FUNCTIONS = frozenset(
    f"{kind}_{verb}" for kind in ("list", "array") for verb in ("transform", "apply", "filter", "reduce")
) | {"apply", "filter", "reduce"}
PLAIN_FUNCTIONS = frozenset(
    name.lower() for node in SAFE_NODES if issubclass(node, exp.Func) for name in node.sql_names()
)
"""Functions that the planner may know something of; sqlglot writes them as they were meant."""


@dataclass(slots=True)
class CarriedTexts:
    """Replaces expressions of one statement by calls, and the calls by text again.

    ``kept`` are functions that something else has to see (macros of the user); ``moment`` tells the time that all of
    the statement's clocks show.
    """

    tree: SyntaxTree
    kept: frozenset[str] = frozenset()
    moment: Callable[[], str] | None = None
    _carried: list[tuple[str, ...]] = field(default_factory=list)
    """Of each expression the text before, between and after the parts in it."""

    def marked(self) -> str:
        """The statement with calls in place of the expressions that are carried."""
        return self._rewritten((0, len(self.tree.sql.encode())), self._edits(self.tree.root))

    def restored(self, parsed: exp.Expression) -> exp.Expression:
        """The parsed statement with text in place of the calls."""

        def restore(node: exp.Expression) -> exp.Expression:
            if not isinstance(node, exp.Anonymous) or not str(node.this).startswith(_PLACEHOLDER):
                return node
            pieces = self._carried[int(str(node.this).removeprefix(_PLACEHOLDER))]
            return carried_text(pieces, [part.transform(restore) for part in node.expressions])

        return parsed.transform(restore)

    def _edits(self, node: Tree) -> dict[Span, str]:
        """What is put in place of which spans, for everything below a node."""
        edits: dict[Span, str] = {}
        for child in _visited(node):
            edits |= self._edits_of(child)
        return edits

    def _edits_of(self, node: Tree) -> dict[Span, str]:
        if node["class"] == "STAR" or self._is_interval(node):
            return {}
        span = self.tree.extent(node)
        clock = self._clock(node)
        if clock is not None and span is not None:
            return {span: clock}
        if span is None or self._is_plain(node) or not self._is_carried(node) or _hides_subquery(node):
            return self._edits(node)
        parts = sorted(set(self._parts(node, frozenset())))
        if any(one[1] > other[0] for one, other in pairwise(parts)):
            return self._edits(node)
        edges = [span[0], *(edge for part in parts for edge in part), span[1]]
        renames = list(self._lambdas(node, span))
        pieces = [self._piece((edges[at], edges[at + 1]), renames) for at in range(0, len(edges), 2)]
        self._carried.append(tuple(pieces))
        name = f"{_PLACEHOLDER}{len(self._carried) - 1}"
        inner = self._edits(node) | dict(self._clocks(node))
        return {span: f"{name}({', '.join(self._rewritten(part, inner) for part in parts)})"}

    def _clock(self, node: Tree) -> str | None:
        """What a function of the clock shows in this statement."""
        if self.moment is None or not is_clock(node):
            return None
        shown = f"CAST('{self.moment()}' AS TIMESTAMPTZ)"
        type = CLOCKS[_clock_name(node)]
        if type == "TIME":  # which the kernel casts from no other
            shown = f"CAST({shown} AS TIMESTAMP)"
        return shown if type == "TIMESTAMPTZ" else f"CAST({shown} AS {type})"

    def _clocks(self, node: Tree) -> Iterator[tuple[Span, str]]:
        for child in walk(node):
            span, shown = self.tree.extent(child), self._clock(child)
            if span is not None and shown is not None:
                yield span, shown

    def _parts(self, node: Tree, bound: frozenset[str]) -> Iterator[Span]:
        """The columns, subqueries, aggregates and windows in an expression, where they are not a lambda's own."""
        owner = self._owner(node)
        if owner is not None and _first_name(self.tree.text(owner)) not in bound:
            yield owner
        for child in expressions_of(node):
            span = self.tree.extent(child)
            if child["class"] == "LAMBDA" and _is_lambda(node, child):
                names = bound | _lambda_names(child)
                yield from self._parts({"class": "", "expr": child["expr"]}, names)
            elif child["class"] == "COLUMN_REF":
                if span is not None and str(child["column_names"][0]).lower() not in bound:
                    yield span
            elif child["class"] in ("SUBQUERY", "WINDOW") or _is_aggregate(child) or self._clock(child):
                if span is not None:
                    yield span
            else:
                yield from self._parts(child, bound)

    def _lambdas(self, node: Tree, around: Span) -> Iterator[tuple[Span, frozenset[str]]]:
        """Where in an expression lambdas bring which names."""
        for child in expressions_of(node):
            inside = self.tree.extent(child) or around
            if child["class"] == "LAMBDA" and _is_lambda(node, child):
                # That of a list comprehension has no place of its own.
                yield (inside if own_span(child) else around), _lambda_names(child)
            yield from self._lambdas(child, inside if own_span(child) else around)

    def _piece(self, span: Span, renames: list[tuple[Span, frozenset[str]]]) -> str:
        """Text with other names for what lambdas bring: a column put into it may have the name that the user gave."""
        text = self.tree.text(span)
        found = ""
        position = 0
        for token in tokenize(text):
            place = span[0] + len(text[: token.start].encode())
            names = {name for where, brought in renames if where[0] <= place < where[1] for name in brought}
            is_field = text[: token.start].rstrip().endswith(".")
            is_call = text[token.end :].lstrip().startswith(("(", ":="))
            if token.name.lower() in names and token.kind in _NAMES and not is_field and not is_call:
                found += text[position : token.start] + f'"{token.name.lower()}_of_lambda"'
                position = token.end
        return found + text[position:]

    def _owner(self, node: Tree) -> Span | None:
        """The column of ``column.function()``, which the kernel first reads as a function in a schema."""
        span = own_span(node)
        if node.get("class") != "FUNCTION" or len(node.get("qualified_name", {}).get("path", ())) < 2 or span is None:
            return None
        prefix = self.tree.text(span).partition("(")[0].rpartition(".")[0].rstrip()
        return span[0], span[0] + len(prefix.encode())

    def _rewritten(self, span: Span, edits: dict[Span, str]) -> str:
        """The text of a span after the edits that are inside it; of nested ones the outer counts."""
        text, position = "", span[0]
        for start, end in sorted(edits, key=lambda item: (item[0], -item[1])):
            if start >= position and end <= span[1]:
                text += self.tree.text((position, start)) + edits[start, end]
                position = end
        return text + self.tree.text((position, span[1]))

    def _is_plain(self, node: Tree) -> bool:
        """Whether sqlglot reads and writes the node itself as it is meant."""
        kind = node["class"]
        if kind == "FUNCTION":
            name = str(node["function_name"]).lower()
            if node.get("is_operator") or not name.isidentifier():
                return name in _PLAIN_OPERATORS
            if not self._is_called_by_name(node):
                return _is_aggregate(node)
            if name in self.kept or name in ROW_MAKING or _is_aggregate(node):
                return True
            # sqlglot looks at the arguments of some functions, so these have to be what they are.
            if name in FIRST_IS_UNIT and _computes_first(node):
                return False
            return name in PLAIN_FUNCTIONS and all(self._is_plain_throughout(child) for child in expressions_of(node))
        if kind == "OPERATOR":
            return node["type"] in _PLAIN_OPERATOR_TYPES
        if kind == "CAST":
            types = [child for child in expressions_of(node) if child["class"] == "TYPE" and own_span(child)]
            return bool(types) and _PLAIN_TYPE.match(self.tree.text(own_span(types[0]) or (0, 0))) is not None
        if kind == "CONSTANT":
            text = self.tree.text(own_span(node) or (0, 0))
            if text[:1] in ("x", "X", "b", "B"):  # bytes and bits, of which sqlglot makes names with an alias
                return False
            return not text[:1].isdigit() and text[:1] != "." if not PLAIN_NUMBER.match(text) else True
        return kind in _PLAIN_CLASSES

    def _is_plain_throughout(self, node: Tree) -> bool:
        return self._is_interval(node) or (
            self._is_plain(node) and all(self._is_plain_throughout(child) for child in expressions_of(node))
        )

    def _is_interval(self, node: Tree) -> bool:
        """``INTERVAL 3 MONTH``, which the kernel reads as a call; of computed numbers it is carried."""
        span = own_span(node)
        if node["class"] != "FUNCTION" or span is None or not self.tree.text(span).lower().startswith("interval"):
            return False
        return all(child["class"] in ("FUNCTION", "CAST", "CONSTANT", "TYPE") for child in walk(node))

    def _is_called_by_name(self, node: Tree) -> bool:
        """Whether a function is written as ``name(...)``, not as an operator, a method or with words of its own."""
        span = own_span(node) or (0, 0)
        text = self.tree.text(span).lower().replace('"', "")
        name = str(node["function_name"]).lower()
        if self._owner(node) is not None or self.tree.text((0, span[0])).rstrip().endswith("."):
            return False
        return text.startswith(name) and text[len(name) :].lstrip().startswith("(")

    def _is_carried(self, node: Tree) -> bool:
        """Whether an expression means the same wherever it stands, over the same columns."""
        if node["class"] in _NEVER_CARRIED or node["type"] in _NEVER_CARRIED:
            return False
        if self._clock(node):
            return True
        if node["class"] == "FUNCTION" and not _is_aggregate(node):
            name = str(node["function_name"]).lower()
            if name in KERNEL_ONLY or name in ROW_MAKING or name in self.kept:
                return False
        inner = (child for child in expressions_of(node) if child["class"] not in ("SUBQUERY", "WINDOW"))
        return all(self._is_carried(child) for child in inner if not _is_aggregate(child))


def carried_text(pieces: tuple[str, ...], parts: list[exp.Expression]) -> exp.Expression:
    """An expression that is written as the pieces with the parts between them, in brackets."""
    text: exp.Expression = exp.Var(this=f"{pieces[-1]})")
    for piece, part in zip(reversed(pieces[:-1]), reversed(parts), strict=True):
        text = exp.Introducer(this=exp.Var(this=piece), expression=exp.Introducer(this=part, expression=text))
    return exp.Introducer(this=exp.Var(this="("), expression=text)


def lambdas_with_fields(text: str) -> list[str]:
    """The parameters of lambdas in a piece of carried text of which fields are taken.

    Where there is a column of that name, the kernel takes the field of the column instead.
    """
    return _FIELD_OF_LAMBDA.findall(text) if "_of_lambda" in text else []


def _visited(node: Tree) -> Iterator[Tree]:
    """The nearest expressions below a node, without what FROM takes as a function of rows or a pivot."""
    for key, part in node.items():
        if isinstance(part, dict):
            if part.get("type") in ("TABLE_FUNCTION", "PIVOT") or key in ("sample", "pivots"):
                continue
            yield from [part] if "class" in part else _visited(part)
        elif isinstance(part, list):
            for item in part:
                yield from [item] if isinstance(item, dict) and "class" in item else _visited({"item": item})


def _hides_subquery(node: Tree) -> bool:
    """Whether there is a subquery in an expression that nobody knows the place of: its text may not be carried."""
    return any(
        own_span(child) is None if child["class"] == "SUBQUERY" else _hides_subquery(child)
        for child in expressions_of(node)
    )


def _computes_first(call: Tree) -> bool:
    """Whether the first argument of a call is no literal."""
    first = next(expressions_of(call.get("arguments", ())), None)
    return first is not None and first["class"] != "CONSTANT"


def _is_aggregate(node: Tree) -> bool:
    return node.get("class") == "FUNCTION" and str(node.get("function_name")).lower() in AGGREGATES


def _lambda_names(node: Tree) -> frozenset[str]:
    """The parameters that a lambda brings."""
    if node.get("class") != "LAMBDA":
        return frozenset()
    left = node.get("lhs", {})
    found = [left, *expressions_of(left)]
    return frozenset(str(item["column_names"][0]).lower() for item in found if item.get("class") == "COLUMN_REF")


def _first_name(text: str) -> str:
    return text.partition(".")[0].strip().strip('"').lower()


def _is_lambda(call: Tree, argument: Tree) -> bool:
    """Whether an arrow is a lambda and not an access to JSON."""
    if argument.get("syntax_type") != "SINGLE_ARROW":
        return True
    return str(call.get("function_name")).lower() in _LAMBDA_FUNCTIONS


def is_clock(node: Tree) -> bool:
    """Whether a node asks for the time."""
    return _clock_name(node) in CLOCKS


def _clock_name(node: Tree) -> str:
    if node.get("class") == "COLUMN_REF" and len(node["column_names"]) == 1:
        name = str(node["column_names"][0]).lower()
        return name if name in CLOCK_WORDS else ""
    if node.get("class") == "FUNCTION" and not any(expressions_of(node)):
        return str(node["function_name"]).lower()
    return ""
