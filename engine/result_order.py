"""What a statement promises about the order of its rows, and whether plain DuckDB would give the same ones again."""

from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from shoal.planner.lexer import TokenKind, tokenize

_VOLATILE = frozenset(
    {
        "RANDOM", "UUID", "UUIDV4", "UUIDV7", "GEN_RANDOM_UUID", "NEXTVAL", "NOW", "CURRENT_TIMESTAMP", "CURRENT_TIME",
        "TRANSACTION_TIMESTAMP", "GET_CURRENT_TIMESTAMP", "GET_CURRENT_TIME", "LOCALTIME", "LOCALTIMESTAMP", "SETSEED",
        "TABLESAMPLE", "SAMPLE", "RESERVOIR",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ResultOrder:
    """``keys``: the result's columns (by index) by which its rows are ordered. ``limited``: a LIMIT cuts them off."""

    keys: tuple[int, ...] = ()
    limited: bool = False


def is_volatile(sql: str) -> bool:
    """Whether a statement names a function that gives something else each time."""
    return any(token.kind is TokenKind.WORD and token.text.upper() in _VOLATILE for token in tokenize(sql))


def result_order(sql: str, names: tuple[str, ...]) -> ResultOrder:
    """The order that the outermost ORDER BY promises, as far as its keys are columns of the result."""
    try:
        query = sqlglot.parse_one(sql, dialect="duckdb")
    except (SqlglotError, RecursionError):
        return ResultOrder()
    while isinstance(query, exp.Subquery) and not query.args.get("order"):
        query = query.this
    limited = any(query.args.get(part) is not None for part in ("limit", "offset", "fetch"))
    order = query.args.get("order")
    if order is None:
        return ResultOrder((), limited)
    selects = list(query.selects) if isinstance(query, exp.Query) else []
    keys: list[int] = []
    for ordered in order.expressions:
        key = ordered.this if isinstance(ordered, exp.Ordered) else ordered
        if key.sql("duckdb").upper() == "ALL":
            return ResultOrder(tuple(range(len(names))), limited)
        found = _position(key, selects, names)
        if found is not None and found not in keys:
            keys.append(found)
    return ResultOrder(tuple(keys), limited)


def _position(key: exp.Expr, selects: list[exp.Expr], names: tuple[str, ...]) -> int | None:
    """The index of the result's column that an ORDER BY expression stands for, if it is exactly one."""
    if isinstance(key, exp.Literal) and not key.is_string and key.this.isdigit():
        index = int(key.this) - 1
        return index if 0 <= index < len(names) else None
    if isinstance(key, exp.Column):
        alike = [index for index, name in enumerate(names) if name.lower() == key.name.lower()]
        return alike[0] if len(alike) == 1 else None
    if len(selects) != len(names):
        return None
    alike = [index for index, select in enumerate(selects) if select.unalias() == key]
    return alike[0] if alike else None
