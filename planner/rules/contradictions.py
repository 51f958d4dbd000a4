"""Whether terms exclude each other for every row, proved from comparisons of one column with constants."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlglot import exp

from shoal.planner.cost.constants import constant_value
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Node, schema
from shoal.planner.scalar import unwrap

_INTEGERS = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"}
)
_WHOLE = re.compile(r"\d{1,18}")
_FRACTION = re.compile(r"\d{1,15}(\.\d{1,10})?")
_MIRRORED: dict[type[exp.Expression], type[exp.Expression]] = {
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
    exp.EQ: exp.EQ,
}

Constant = int | Decimal | date


@dataclass(slots=True)
class _Limits:
    """What is left of a column's values: those between two bounds, each perhaps excluded itself; or only NULL."""

    low: Constant | None = None
    high: Constant | None = None
    above: bool = False
    below: bool = False
    compared: bool = False
    null: bool = False
    texts: tuple[str, ...] = ()

    def at_least(self, value: Constant, *, excluded: bool) -> None:
        if self.low is None or value > self.low or (value == self.low and excluded):  # type: ignore[operator]
            self.low, self.above = value, excluded

    def at_most(self, value: Constant, *, excluded: bool) -> None:
        if self.high is None or value < self.high or (value == self.high and excluded):  # type: ignore[operator]
            self.high, self.below = value, excluded

    @property
    def is_empty(self) -> bool:
        """Whether no value is left."""
        if (self.null and self.compared) or len(set(self.texts)) > 1:
            return True
        if self.low is None or self.high is None:
            return False
        if self.low == self.high:
            return self.above or self.below
        return self.low > self.high  # type: ignore[operator]


class ColumnTypes:
    """The DuckDB types of the columns that nodes deliver; put together when the first one is asked for."""

    def __init__(self, *nodes: Node) -> None:
        self._nodes = nodes
        self._known: dict[ColumnId, str] | None = None

    def get(self, column: ColumnId, default: str = "") -> str:
        """The type of a column."""
        if self._known is None:
            self._known = {item.id: item.type for node in self._nodes for item in schema(node)}
        return self._known.get(column, default)


def contradict(terms: Sequence[exp.Expression], types: ColumnTypes) -> bool:
    """Whether no row can fulfil all of some terms over columns of these DuckDB types.

    ``FALSE`` and ``NULL`` are such terms; so are ``x > 5`` and ``x < 3``, or ``x = 1`` and ``x IS NULL``. Only columns
    and constants that the kernel compares exactly count: integers, decimals and dates, but not floats; and of strings
    only whether they are two different words in any case, as a collation may change all else.
    """
    limits: dict[ColumnId, _Limits] = {}
    for term in terms:
        bare = unwrap(term)
        if isinstance(bare, exp.Null) or (isinstance(bare, exp.Boolean) and bare.this is False):
            return True
        if isinstance(bare, exp.EQ) and len({_word(unwrap(bare.this)), _word(unwrap(bare.expression)), None}) == 3:
            return True
        _narrow(bare, types, limits)
    return any(item.is_empty for item in limits.values())


def _narrow(term: exp.Expression, types: ColumnTypes, limits: dict[ColumnId, _Limits]) -> None:
    left = unwrap(term.this) if isinstance(term.this, exp.Expression) else None
    if isinstance(term, exp.Is) and isinstance(left, exp.Column) and isinstance(term.expression, exp.Null):
        limits.setdefault(ColumnId(left.name), _Limits()).null = True
    elif isinstance(term, exp.Between) and isinstance(left, exp.Column) and not term.args.get("symmetric"):
        _bound(left, exp.GTE, term.args["low"], types, limits)
        _bound(left, exp.LTE, term.args["high"], types, limits)
    elif type(term) in _MIRRORED and left is not None:
        right = unwrap(term.expression)
        if isinstance(left, exp.Column):
            _bound(left, type(term), right, types, limits)
        elif isinstance(right, exp.Column):
            _bound(right, _MIRRORED[type(term)], left, types, limits)


def _bound(
    column: exp.Column,
    kind: type[exp.Expression],
    constant: exp.Expression,
    types: ColumnTypes,
    limits: dict[ColumnId, _Limits],
) -> None:
    if isinstance(constant, exp.Column):
        return
    id = ColumnId(column.name)
    word = _word(unwrap(constant)) if kind is exp.EQ and types.get(id) == "VARCHAR" else None
    if word is not None:
        found = limits.setdefault(id, _Limits())
        found.compared, found.texts = True, (*found.texts, word)
        return
    value = _exact(unwrap(constant), types.get(id, ""))
    if value is None:
        return
    found = limits.setdefault(id, _Limits())
    found.compared = True
    if kind in (exp.EQ, exp.GT, exp.GTE):
        found.at_least(value, excluded=kind is exp.GT)
    if kind in (exp.EQ, exp.LT, exp.LTE):
        found.at_most(value, excluded=kind is exp.LT)


def _whole_number(constant: exp.Expression) -> int | None:
    """The value of sums and products of small whole numbers, such as ``2001 + 1``."""
    leaves = list(constant.find_all(exp.Literal, exp.Column, exp.Func, exp.Subquery))
    plain = all(isinstance(leaf, exp.Literal) and not leaf.is_string for leaf in leaves)
    if not plain or len(leaves) > 3 or any(len(str(leaf.this)) > 5 or not leaf.is_int for leaf in leaves):
        return None
    value = constant_value(constant)
    return int(value) if isinstance(value, Decimal) and value == int(value) else None


def _word(constant: exp.Expression) -> str | None:
    """A string of plain letters and digits without regard to case; no collation takes two of these for one."""
    if not isinstance(constant, exp.Literal) or not constant.is_string:
        return None
    text = str(constant.this)
    return text.casefold() if text.isascii() and text.isalnum() else None


def _exact(constant: exp.Expression, type: str) -> Constant | None:
    """The value of a constant that the kernel compares with a column of this type as it is written."""
    if type == "DATE":
        value = constant_value(constant)
        plain = isinstance(value, date) and not isinstance(value, datetime)
        return value if plain and not isinstance(constant, exp.Literal) else None  # type: ignore[return-value]
    if type in _INTEGERS and isinstance(constant, (exp.Add, exp.Sub, exp.Mul)):
        return _whole_number(constant)
    sign = 1
    if isinstance(constant, exp.Neg):
        sign, constant = -1, unwrap(constant.this)
    if not isinstance(constant, exp.Literal) or constant.is_string:
        return None
    text = str(constant.this)
    if type in _INTEGERS and _WHOLE.fullmatch(text):
        return sign * int(text)
    if type.startswith("DECIMAL") and _FRACTION.fullmatch(text):
        return sign * Decimal(text)
    return None
