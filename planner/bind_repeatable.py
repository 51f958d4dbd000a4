"""Tells whether a block that a statement names twice gives the same rows, to the last bit, each time it is computed."""

from sqlglot import exp

from shoal.planner import logical, tree
from shoal.planner.bind_expression import BoundQuery
from shoal.planner.functions import ORDER_FREE, aggregate_call, function_name
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Aggregate, Node, Query, SetOperator
from shoal.planner.protocols import Kernel
from shoal.planner.rules.decorrelate_repeatable import why_unrepeatable
from shoal.planner.scalar import columns_of, sql_of
from shoal.planner.source import Field
from shoal.planner.types import is_floating
from shoal.planner.typing import assign_types

_EXACT_OF_FLOATS = frozenset(
    {"min", "max", "median", "quantile", "quantile_cont", "quantile_disc", "count", "count_if"}
)
"""Aggregates that only choose or count floats."""


def computes_alike(bound: BoundQuery, kernel: Kernel) -> bool:
    """Whether the block's result does not depend on the order in which tasks deliver rows.

    Sums of floats do, as do aggregates that depend on the order of rows: computed twice, the two results of
    ``WITH t AS (SELECT k, sum(price) AS p ...) ... WHERE p = (SELECT max(p) FROM t)`` might differ in a last bit.
    """
    if next(tree.find(bound.node, Aggregate), None) is None:
        return True
    typed = assign_types(Query(bound.node, tuple(id for _, id in bound.outputs), (), ()), kernel)
    return all(_is_exact(node, kernel) for node in tree.find(typed.root, Aggregate))


def stable_columns(node: Node) -> frozenset[ColumnId] | None:
    """Of groups whose rows are the same each time, but for the values of their aggregates, the other columns.

    None where more than these values may differ, such as which rows there are.
    """
    match node:
        case logical.Filter():
            return stable_columns(node.input)
        case logical.Project():
            below = stable_columns(node.input)
            if below is None:
                return None
            return frozenset(item.column.id for item in node.assignments if columns_of(item.expression) <= below)
        case Aggregate() if node.keys and why_unrepeatable(node.input) is None:
            return frozenset(column.id for column in node.keys)
        case logical.SetOperation(operator=SetOperator.UNION, all=True):
            sides = [(stable_columns(side), logical.schema(side)) for side in (node.left, node.right)]
            places = [[column.id in found for column in columns] for found, columns in sides if found is not None]
            if len(places) < len(sides):
                return None
            return frozenset(own.id for own, *alike in zip(node.columns, *places, strict=True) if all(alike))
        case _:
            return logical.column_ids(node) if why_unrepeatable(node) is None else None


def _is_exact(node: Aggregate, kernel: Kernel) -> bool:
    for item in node.assignments:
        call = aggregate_call(item.expression)
        name = function_name(call)
        if name not in ORDER_FREE:
            return False
        if not is_floating(item.column.type) or name in _EXACT_OF_FLOATS:
            continue
        if name not in ("avg", "mean") or _is_floating_argument(call.this, node.input, kernel):
            return False
    return True


def _is_floating_argument(argument: exp.Expression, over: Node, kernel: Kernel) -> bool:
    fields = [Field(str(column.id), column.type) for column in logical.schema(over)]
    plain = argument.expressions[0] if isinstance(argument, exp.Distinct) else argument
    return is_floating(kernel.types(fields, [{"shoal_argument": sql_of(plain)}])["shoal_argument"])
