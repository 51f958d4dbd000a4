"""Which column of which table a column of a plan is, under whatever names it was passed on."""

from sqlglot import exp

from shoal.planner import logical, tree
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Node


def origin_of(node: Node, key: ColumnId) -> tuple[logical.Scan, str] | None:
    """The scan whose column a column of a node is, and its name there; None if it is computed."""
    renamed: dict[ColumnId, exp.Expression] = {}
    scans: dict[ColumnId, tuple[logical.Scan, str]] = {}
    for item in tree.walk(node):
        if isinstance(item, logical.Scan):
            names = zip(item.columns, item.names, strict=True)
            scans |= {column.id: (item, name) for column, name in names}
        elif isinstance(item, logical.Project):
            renamed |= {one.column.id: one.expression for one in item.assignments if one.column.id not in renamed}
    while key not in scans and key in renamed:
        source = renamed.pop(key)
        if not isinstance(source, exp.Column):
            return None
        key = ColumnId(source.name)
    return scans.get(key)
