"""Set operations count the columns of their inputs by position; everything else in a plan goes by ids."""

from shoal.planner import logical
from shoal.planner.logical import Assignment, Node
from shoal.planner.scalar import column_ref
from shoal.planner.tree import with_children


def keep_positions(before: Node, after: Node) -> Node:
    """A node with changed inputs; if it is a set operation, these deliver their columns as they did ``before``."""
    if not isinstance(after, logical.SetOperation):
        return after
    sides = []
    for old, new in zip(logical.children(before), logical.children(after), strict=True):
        wanted = logical.schema(old)
        passed = tuple(Assignment(column, column_ref(column.id)) for column in wanted)
        sides.append(new if logical.schema(new) == wanted else logical.Project(new, passed))
    return with_children(after, tuple(sides))
