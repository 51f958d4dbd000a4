"""Where the values of a column come from, node by node down a physical plan."""

from collections.abc import Iterator

from sqlglot import exp

from shoal.planner import physical as p
from shoal.planner.ids import ColumnId
from shoal.planner.physical import PhysicalNode
from shoal.planner.split_inputs import SHARES_LEFT, SHARES_RIGHT


def path_down(node: PhysicalNode, column: ColumnId) -> Iterator[tuple[PhysicalNode, ColumnId]]:
    """The node and those below it that deliver a column under some name, as far as rows may be dropped by its value::

        Join left on a.k = b.k        a.g: the join, the aggregate, the filter, the exchange
          Aggregate by a.g            b.x: the join alone; unmatched rows of the left side have a NULL there,
            Filter                        and would have one in place of what was dropped
              Exchange a
          Exchange b

    Every value of the column at one node is one at the next, and dropping rows there by that value drops the same rows
    here, and changes no others. The last one is an exchange or a table, or where that ends.
    """
    at: tuple[PhysicalNode, ColumnId] | None = (node, column)
    while at is not None:
        yield at
        at = _below(*at)


def _below(node: PhysicalNode, column: ColumnId) -> tuple[PhysicalNode, ColumnId] | None:
    match node:
        case p.Filter() | p.SortRows():
            return node.input, column
        case p.Project():
            found = next(item.expression for item in node.assignments if item.column.id == column)
            return (node.input, ColumnId(found.name)) if isinstance(found, exp.Column) else None
        case p.HashAggregate():
            return (node.input, column) if any(key.id == column for key in node.keys) else None
        case p.WindowCompute():
            return (
                (node.input, column) if all(_parts_by(item.expression, column) for item in node.assignments) else None
            )
        case p.HashJoin():
            if any(one.id == column for one in p.schema(node.left)):
                return (node.left, column) if node.kind in SHARES_LEFT else None
            return (node.right, column) if node.kind in SHARES_RIGHT else None
        case _:
            return None


def _parts_by(expression: exp.Expression, column: ColumnId) -> bool:
    """Whether every window function of an expression sees only rows of one value of a column."""
    windows = list(expression.find_all(exp.Window))
    return bool(windows) and all(
        any(isinstance(key, exp.Column) and key.name == column for key in window.args.get("partition_by") or ())
        for window in windows
    )
