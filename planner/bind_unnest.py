"""Binds functions of which one call gives several rows: UNNEST and its kin, in the select list and in FROM.

SELECT a, unnest(l) + 1 FROM t       ->  Project(a, n + 1) over Unnest(n) over t
FROM t, unnest(t.l) AS u(n)          ->  Unnest(n) over t
FROM t LEFT JOIN unnest(t.l) ON true ->  the same over CASE WHEN len(l) > 0 THEN l ELSE [NULL] END
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlglot import exp

from shoal.planner.column_ids import ColumnIds
from shoal.planner.errors import ProgrammingError
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Assignment, Column, Node, Unnest
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.protocols import Kernel
from shoal.planner.safe_nodes import ROW_MAKING
from shoal.planner.scalar import column_ref, sql_of

_LONGEST_LIST = 100_000
"""The most values of a series that are made as one list."""


@dataclass(frozen=True, slots=True)
class RowSource:
    """A function in FROM that makes rows of a list: the list, not bound yet, and the names of its columns."""

    list: exp.Expression
    names: tuple[str, ...]


def is_row_making(node: exp.Expression) -> bool:
    """Whether a call gives several rows."""
    if isinstance(node, exp.Anonymous):
        return str(node.this).lower() in ROW_MAKING
    return isinstance(node, exp.Explode)


def _calls(expression: exp.Expression) -> list[exp.Expression]:
    found: list[exp.Expression] = [*expression.find_all(exp.Explode), *expression.find_all(exp.Anonymous)]
    return [call for call in found if is_row_making(call)]


def unnest_items(
    node: Node, expressions: Iterable[exp.Expression], ids: ColumnIds
) -> tuple[Node, dict[str, exp.Expression]]:
    """The node with a column for each row-making call in bound expressions, by the call's text."""
    calls = {sql_of(call): call for item in expressions for call in _calls(item)}
    if not calls:
        return node, {}
    assignments: list[Assignment] = []
    columns: dict[str, exp.Expression] = {}
    for text, call in calls.items():
        rows = _list_of(call)
        if _calls(rows):
            raise NotDistributable("UNNEST of what UNNEST makes")
        column = Column(ids.fresh("unnested"))
        assignments.append(Assignment(column, exp.Explode(this=rows.copy())))
        columns[text] = column_ref(column.id)
    return Unnest(node, tuple(assignments)), columns


def _list_of(call: exp.Expression) -> exp.Expression:
    """The list whose elements become rows."""
    arguments: list[exp.Expression] = [item.copy() for item in call.expressions]
    if isinstance(call, exp.Explode):
        if arguments:
            raise NotDistributable("UNNEST with an option")
        rows: exp.Expression = call.this
        return rows
    match str(call.this).lower():
        case "unnest" if len(arguments) == 1:
            return arguments[0]
        case "generate_subscripts" if len(arguments) == 2:
            last = exp.Anonymous(this="array_length", expressions=arguments)
            return exp.Anonymous(this="generate_series", expressions=[exp.Literal.number(1), last])
        case "regexp_split_to_table":
            return exp.Anonymous(this="regexp_split_to_array", expressions=arguments)
        case _:
            raise NotDistributable(f"{call.this} in this form")


def row_source(item: exp.Expression) -> RowSource | None:
    """What an item of FROM makes rows of; None if it is something else."""
    match item:
        case exp.Unnest():
            offset = item.args.get("offset")
            if len(item.expressions) != 1:
                raise NotDistributable("UNNEST of several lists in FROM")
            named = offset.name if isinstance(offset, exp.Expression) else "ordinality"
            names = ("unnest", named) if offset else ("unnest",)
            return RowSource(item.expressions[0].copy().transform(_series_as_list), names)
        case exp.Table(this=exp.GenerateSeries() as series):
            made = _series_as_list(series)
            return RowSource(made, (made.name,))
        case _:
            return None


def own_columns(
    item: exp.Expression, names: tuple[str, ...], columns: tuple[Column, ...]
) -> tuple[tuple[str, ColumnId], ...]:
    """The columns of a function in FROM by their names; its alias is the name of the first of them, too."""
    labels = (item.alias, *names[1:]) if item.alias else names
    return tuple((label, column.id) for label, column in zip(labels, columns, strict=True))


def is_short(table: exp.Table, kernel: Kernel) -> bool:
    """Whether a series in FROM can be a list: of a constant one so many values at most, of others nothing is known."""
    source = row_source(table)
    if source is None or table.find(exp.Column, exp.Query) is not None:
        return source is not None
    some = f"(SELECT 1 FROM {sql_of(source.list)} LIMIT {_LONGEST_LIST + 1})"
    try:
        return int(kernel.evaluate(f"SELECT count(*) FROM {some}")[0][1]) <= _LONGEST_LIST
    except (ProgrammingError, ValueError, IndexError):
        return False


def _series_as_list(node: exp.Expression) -> exp.Expression:
    """A call of ``range`` or ``generate_series`` under its own name; any other node is left alone."""
    if not isinstance(node, exp.GenerateSeries):
        return node
    arguments = [node.args.get(key) for key in ("start", "end", "step")]
    given = [argument.copy() for argument in arguments if argument is not None]
    return exp.Anonymous(this="range" if node.args.get("is_end_exclusive") else "generate_series", expressions=given)


def add_rows(
    node: Node, rows: exp.Expression, names: tuple[str, ...], ids: ColumnIds, *, keep_empty: bool
) -> tuple[Node, tuple[Column, ...]]:
    """The node with the elements of a bound list, and perhaps their numbers; ``keep_empty``: NULL where it has none."""
    columns = tuple(Column(ids.fresh(name), "BIGINT" if position else "") for position, name in enumerate(names))
    length = exp.Anonymous(this="len", expressions=[rows.copy()])
    lists = [rows]
    if len(names) > 1:
        lists.append(exp.Anonymous(this="generate_series", expressions=[exp.Literal.number(1), length.copy()]))
    if keep_empty:
        some = exp.GT(this=length, expression=exp.Literal.number(0))
        nothing = exp.Array(expressions=[exp.Null()])
        lists = [exp.Case().when(some.copy(), item.copy()).else_(nothing.copy()) for item in lists]
    items = zip(columns, lists, strict=True)
    return Unnest(node, tuple(Assignment(column, exp.Explode(this=item.copy())) for column, item in items)), columns
