"""Parses one query into a sqlglot tree, after its size and depth were checked."""

import re
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from shoal.planner.kernel_text import PLAIN_NUMBER, CarriedTexts
from shoal.planner.lexer import Token, TokenKind, check_size, tokenize
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.protocols import Kernel
from shoal.planner.safe_nodes import FIRST_IS_UNIT, KERNEL_ONLY, SAFE_NODES
from shoal.planner.same_syntax import same_syntax
from shoal.planner.scalar import DIALECT, sql_of
from shoal.planner.syntax_tree import SyntaxTree

_SAFE = frozenset(SAFE_NODES)
_JUDGED = (exp.Condition, exp.Func, exp.Lambda, exp.Comprehension, exp.ColumnDef, exp.Properties)
"""What stands inside expressions; clauses are the binder's business."""
_NAMED_UNIT = r"(?:year|month|day|hour|minute|second|week|quarter|m(?:illi|icro)second)s?"
_UNITS = re.compile(
    rf"\b(?:{'|'.join(sorted(FIRST_IS_UNIT))})\b\"?\s*\(\s*+(?!')|"
    rf"\binterval\s+\.?\d[\w.]*+\s*+(?!{_NAMED_UNIT}\b)|"
    rf"\binterval\s*+(?!'(?:[^'a-z]*|\s*-?\d+\s*{_NAMED_UNIT}\s*)')(?:e?'|\$\w*\$)|"
    r"(?<![\w'])[xb]'",
    re.IGNORECASE,
)
"""Where sqlglot may take something for what it is not: a column for the name of a unit (``date_trunc(month, day)``), a
number without a unit, which the kernel refuses, for an interval, the first unit of ``INTERVAL '1 day 02:00'`` for all
of it, and a literal of bytes or bits for a column and its alias."""

QUERY_NODES = (exp.Select, exp.SetOperation, exp.Subquery, exp.Values, exp.Pivot)


def parse_query(sql: str) -> exp.Expression:
    """The tree of a query that the kernel has accepted.

    Raises ``StatementTooLarge``, and ``NotDistributable`` for what sqlglot does not take for one query: the kernel then
    runs the text as it is.
    """
    check_size(sql)
    try:
        parsed = sqlglot.parse(sql, dialect=DIALECT)
    except (SqlglotError, RecursionError) as error:
        raise NotDistributable("the planner's parser does not know this syntax") from error
    statements = [item for item in parsed if item is not None]
    if len(statements) != 1 or not isinstance(statements[0], QUERY_NODES):
        raise NotDistributable("the planner's parser does not take this for a query")
    for node in statements[0].walk():
        # Places in the text, which errors take from the kernel: every copy of a node would copy them.
        node._meta = None  # noqa: SLF001
    return statements[0]


@dataclass(slots=True)
class QueryReader:
    """Reads the texts of one statement, its own and those of views, so that all of them show the same time.

    ``kept`` are the functions that are not the kernel's own.
    """

    kernel: Kernel
    kept: frozenset[str] = frozenset()
    _moment: str = ""
    _read: list[str] = field(default_factory=list)
    """What sqlglot has read and has not been compared yet."""

    def read(self, sql: str) -> exp.Expression:
        """The tree of a query that the kernel has accepted, with the kernel's own text where sqlglot is not trusted.

        Raises what ``parse_query`` does.
        """
        try:
            parsed = parse_query(sql)
        except NotDistributable:
            parsed = None
        doubtful = parsed is None or any(map(_is_doubtful, parsed.walk())) or _UNITS.search(sql) is not None
        if parsed is not None and not doubtful and all(map(_is_plain_token, tokenize(sql))):
            self._read.append(sql)
            return parsed
        tree = SyntaxTree.read(sql, self.kernel.syntax(sql))
        if tree is None:
            return parse_query(sql) if parsed is None else parsed
        texts = CarriedTexts(tree, self.kept, self.moment)
        marked = texts.marked()
        parsed = parse_query(marked)
        self._read.append(marked)
        return texts.restored(parsed)

    def is_faithful(self) -> bool:
        """Whether the kernel reads all that was read so far as it does after sqlglot has written it."""
        while self._read:
            sql = self._read[-1]
            trees = [SyntaxTree.read(text, self.kernel.syntax(text)) for text in (sql, sql_of(parse_query(sql)))]
            if trees[0] is None or trees[1] is None or not same_syntax(trees[0], trees[1]):
                return False
            self._read.pop()
        return True

    @property
    def shows_time(self) -> bool:
        """Whether the time is written into what was read."""
        return bool(self._moment)

    def moment(self) -> str:
        """The time that the statement shows."""
        self._moment = self._moment or self.kernel.moment()
        return self._moment


def _is_doubtful(node: object) -> bool:
    """Whether an expression may come out of sqlglot otherwise, or shows the time."""
    if isinstance(node, exp.ToMap):
        return True  # an empty one is written as something else
    if isinstance(node, exp.Anonymous):
        return str(node.this).lower() in KERNEL_ONLY
    if isinstance(node, exp.Dot) and (isinstance(node.this, exp.Identifier) or isinstance(node.expression, exp.Func)):
        return True  # a function called as a method: its column is no column to sqlglot
    return isinstance(node, _JUDGED) and type(node) not in _SAFE


def _is_plain_token(token: Token) -> bool:
    """Whether sqlglot takes a token for what it is: it reads ``0xff`` as 0 with an alias."""
    return token.kind is not TokenKind.NUMBER or PLAIN_NUMBER.match(token.text) is not None
