"""What the text of a query promises of the order of its answer, and the text whose answer shows whether it is kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import expressions as exp

_KEY = "order_key_{}"
"""How a column is named that is added because a query orders by it without giving it out."""


@dataclass(frozen=True, slots=True)
class Ordering:
    """What a query promises of its answer: the columns it orders by, as places in the answer to ``without_limit``, and
    its limit. ``hidden`` columns at the end of that answer are only ordered by."""

    columns: tuple[int, ...] = ()
    limit: int | None = None
    hidden: int = 0


def read_ordering(sql: str, names: Sequence[str]) -> Ordering:
    """The ordering of a query, given the names of the columns that ``without_limit`` of it answers with.

    An item that can be told neither from the text nor by these names ends the columns: what it orders is not known.
    """
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    limit = tree.args.get("limit")
    hidden = _hidden_items(tree)
    places = []
    for item in _items(tree):
        place = _place(tree, item, hidden, [name.lower() for name in names])
        if place is None:
            break
        places.append(place)
    return Ordering(tuple(places), int(limit.expression.name) if limit else None, len(hidden))


def without_limit(sql: str) -> str:
    """The query without its ``LIMIT`` and with what it orders by but does not give out as columns at the end."""
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    hidden = _hidden_items(tree)
    tree.set("limit", None)
    if hidden:
        assert isinstance(tree, exp.Select)
        added = [exp.alias_(item.copy(), _KEY.format(number)) for number, item in enumerate(hidden)]
        tree = tree.select(*added, copy=False)
    return tree.sql(dialect="duckdb") if isinstance(tree, exp.Query) else sql


def _items(tree: exp.Expr) -> Iterator[exp.Expr]:
    order = tree.args.get("order")
    for item in order.expressions if order else ():
        yield item.this.unnest()


def _hidden_items(tree: exp.Expr) -> list[exp.Expr]:
    """The items that are neither a column's name, nor its place, nor what a column computes."""
    if not isinstance(tree, exp.Select) or tree.args.get("distinct"):
        return []
    return [item for item in _items(tree) if not isinstance(item, exp.Literal) and _needs_column(tree, item)]


def _needs_column(tree: exp.Select, item: exp.Expr) -> bool:
    if _computed_at(tree, item) is not None:
        return False
    given = any(select.is_star for select in tree.selects) or item.name.lower() in _names(tree)
    return not (isinstance(item, exp.Column) and given)


def _place(tree: exp.Expr, item: exp.Expr, hidden: list[exp.Expr], names: list[str]) -> int | None:
    """Where the column of an item is in the answer; None if that cannot be told."""
    if isinstance(item, exp.Literal):
        return int(item.name) - 1
    if item in hidden:
        return len(names) - len(hidden) + hidden.index(item)
    if isinstance(tree, exp.Select) and (place := _computed_at(tree, item)) is not None:
        return place
    return names.index(item.name.lower()) if item.name.lower() in names else None


def _computed_at(tree: exp.Select, item: exp.Expr) -> int | None:
    """The place of the column that computes just this; a column of a name that is also an alias is the alias's."""
    if any(select.is_star for select in tree.selects):
        return None
    if isinstance(item, exp.Column) and not item.table and item.name.lower() in _names(tree):
        return _names(tree).index(item.name.lower())
    found = [place for place, select in enumerate(tree.selects) if select.unalias().unnest() == item]
    return found[0] if found else None


def _names(tree: exp.Select) -> list[str]:
    return [select.unnest().alias_or_name.lower() for select in tree.selects]
