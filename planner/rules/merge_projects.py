"""Make one projection of two, and none of those that only pass columns on."""

from collections import Counter
from dataclasses import replace

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Assignment, Node
from shoal.planner.positions import keep_positions
from shoal.planner.rules.context import RuleContext
from shoal.planner.scalar import is_volatile, substitute, unwrap
from shoal.planner.tree import with_children


def merge_projects(node: Node, context: RuleContext) -> Node:
    """Bring joins that only projections part next to each other, and compute in one step what two computed.

        Project(c := b + 1, Project(b := a * 2, t))  ->  Project(c := (a * 2) + 1, t)
        Join(Project(a := a, Join(t, u)), v)         ->  Join(Join(t, u), v)

    Does not fire where an expression would be computed twice or is volatile, nor on projections that narrow what a
    sort, a limit or a window carries, or that put columns into the order of a set operation.
    """
    # Dropping a projection changes which columns the nodes above deliver, which only set operations mind: they have to
    # see their inputs as they were, and the transforms of the tree module show them only as they are.
    merged = with_children(node, tuple(merge_projects(child, context) for child in logical.children(node)))
    return _merge_at(keep_positions(node, merged))


def _merge_at(node: Node) -> Node:
    match node:
        case logical.Project():
            below = _without_passing(node.input)
            if isinstance(below, logical.Project) and _may_merge(node, below):
                mapping = {item.column.id: item.expression for item in below.assignments}
                computed = (substitute(item.expression, mapping) for item in node.assignments)
                pairs = zip(node.assignments, computed, strict=True)
                return logical.Project(below.input, tuple(replace(item, expression=new) for item, new in pairs))
            return with_children(node, (below,))
        case logical.Aggregate() | logical.Filter() | logical.Join():
            return with_children(node, tuple(_without_passing(child) for child in logical.children(node)))
    return node


def _without_passing(node: Node) -> Node:
    while isinstance(node, logical.Project) and all(passes_on(item) for item in node.assignments):
        node = node.input
    return node


def passes_on(item: Assignment) -> bool:
    """Whether an assignment delivers a column of the input under its own id."""
    bare = unwrap(item.expression)
    return isinstance(bare, exp.Column) and ColumnId(bare.name) == item.column.id


def _may_merge(outer: logical.Project, inner: logical.Project) -> bool:
    """Whether no expression of the inner projection is volatile, or computed and wanted more than once, and none means
    something else to the function that takes it."""
    columns = [column for item in outer.assignments for column in item.expression.find_all(exp.Column)]
    uses = Counter(ColumnId(column.name) for column in columns)
    nulls = {item.column.id for item in inner.assignments if _is_null(item.expression)}
    if nulls and any(ColumnId(column.name) in nulls and _is_dated(column) for column in columns):
        return False
    return all(
        isinstance(unwrap(item.expression), (exp.Column, exp.Literal, exp.Null, exp.Boolean))
        or (uses[item.column.id] <= 1 and not is_volatile(item.expression))
        for item in inner.assignments
    )


def _is_null(expression: exp.Expression) -> bool:
    """Whether a value is NULL as it is written, of whatever type."""
    while isinstance(expression, (exp.Cast, exp.Paren)):
        expression = expression.this
    return isinstance(expression, exp.Null)


def _is_dated(column: exp.Column) -> bool:
    """Whether a part of a column's date is asked for: of a NULL that is written there it is a DOUBLE to the kernel."""
    call = column.parent
    while isinstance(call, (exp.Cast, exp.Paren)):
        call = call.parent
    named = isinstance(call, exp.Anonymous) and call.name.lower() in ("date_part", "datepart")
    return named or isinstance(call, exp.Extract)
