"""Drop a DISTINCT over rows that are distinct already."""

from shoal.planner import logical
from shoal.planner.logical import Assignment, Node
from shoal.planner.rules.context import RuleContext
from shoal.planner.rules.unique_keys import is_unique
from shoal.planner.scalar import column_ref
from shoal.planner.tree import transform_up


def remove_distinct(node: Node, context: RuleContext) -> Node:
    """Make a projection of a DISTINCT whose columns contain a unique key of the input.

        Aggregate(keys a, b, Aggregate(keys a, b := max(c), t))  ->  Project(a, b, Aggregate(...))

    Uniqueness is proved from the plan (group keys, single rows), never from statistics. Does not fire on aggregates
    that compute something, nor when only a part of the unique key is among the columns.
    """
    return transform_up(node, _remove_at)


def _remove_at(node: Node) -> Node:
    if not isinstance(node, logical.Aggregate) or node.assignments or not node.keys:
        return node
    if not is_unique(node.input, frozenset(column.id for column in node.keys)):
        return node
    return logical.Project(node.input, tuple(Assignment(column, column_ref(column.id)) for column in node.keys))
