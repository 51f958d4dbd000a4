"""The kernel's own reading of a statement: its syntax tree with the places of expressions in the text.

``Kernel.syntax`` gives the tree as JSON, as DuckDB's ``json_serialize_sql`` writes it. Places are counted in bytes of
UTF-8. A place may tell less than the whole expression: only ``::INTEGER`` of ``a::INTEGER``, nothing of what was made
from another form; ``extent`` finds the rest. Imports nothing.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Tree = dict[str, Any]
"""A node of the syntax tree."""

Span = tuple[int, int]
"""The first byte of an expression and the one after its last."""

_OWN_EXTENT = frozenset({"WINDOW", "SUBQUERY"})
"""Classes whose place is all of them; what a named window stands for is written elsewhere."""


_NOWHERE = 2**64 - 1
"""What the kernel writes for the place of what has none, such as the ANY that it makes of ALL."""


@dataclass(slots=True)
class SyntaxTree:
    """A statement as the kernel reads it."""

    sql: str
    root: Tree
    _extents: dict[int, Span | None] = field(default_factory=dict)
    _bytes: bytes = b""

    def __post_init__(self) -> None:
        self._bytes = self.sql.encode()

    @staticmethod
    def read(sql: str, serialised: str) -> "SyntaxTree | None":
        """The tree of a statement; None if the kernel could not write it down."""
        tree: Tree = json.loads(serialised or "{}")
        statements = tree.get("statements", [])
        return SyntaxTree(sql, statements[0]) if len(statements) == 1 and not tree.get("error") else None

    def text(self, span: Span) -> str:
        """The text of a span."""
        return self._bytes[span[0] : span[1]].decode()

    def extent(self, node: Tree) -> Span | None:
        """All of the text of an expression, brackets around its parts included; None if it cannot be told."""
        key = id(node)
        if key not in self._extents:
            self._extents[key] = self._find_extent(node)
        return self._extents[key]

    def _find_extent(self, node: Tree) -> Span | None:
        spans = [own] if (own := own_span(node)) else []
        if node.get("class") == "SUBQUERY" and isinstance(needle := node.get("child"), dict):
            # The place of ``a IN (SELECT ...)`` is that of its brackets alone.
            spans += [span] if (span := self.extent(needle)) is not None else []
        elif node.get("class") not in _OWN_EXTENT or not spans:
            spans += [span for child in expressions_of(node) if (span := self.extent(child)) is not None]
        if not spans:
            return None
        return self._balanced(min(span[0] for span in spans), max(span[1] for span in spans))

    def _balanced(self, start: int, end: int) -> Span | None:
        """The span with the brackets that only one end of it has."""
        depth = opened = 0
        for mark in _brackets(self._bytes[start:end]):
            depth += 1 if mark == "(" else -1
            if depth < 0:
                opened, depth = opened + 1, 0
        for _ in range(opened):
            start = len(self._bytes[:start].rstrip()) - 1
            if start < 0 or self._bytes[start : start + 1] != b"(":
                return None
        for _ in range(depth):
            end += len(self._bytes[end:]) - len(self._bytes[end:].lstrip()) + 1
            if self._bytes[end - 1 : end] != b")":
                return None
        return start, end


def own_span(node: Tree) -> Span | None:
    """The place that the kernel gives to a node."""
    start = node.get("query_location")
    return (start, start + node.get("query_location_length", 0)) if start is not None and start != _NOWHERE else None


def expressions_of(node: Any) -> Iterator[Tree]:
    """The nearest expressions below a node, in no particular order."""
    parts = node.values() if isinstance(node, dict) else node
    for part in parts:
        if isinstance(part, dict) and "class" in part:
            yield part
        elif isinstance(part, (dict, list)):
            yield from expressions_of(part)


def walk(node: Tree) -> Iterator[Tree]:
    """A node and all expressions below it."""
    yield node
    for child in expressions_of(node):
        yield from walk(child)


def _brackets(text: bytes) -> Iterator[str]:
    """The round brackets of a piece of text that are not inside literals, quoted names or comments."""
    from shoal.planner.lexer import TokenKind, tokenize

    for token in tokenize(text.decode()):
        if token.kind is TokenKind.SYMBOL and token.text in "()":
            yield token.text
