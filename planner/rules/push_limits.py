"""Let inputs deliver no more rows than a limit above them takes."""

from dataclasses import replace

from shoal.planner import logical
from shoal.planner.logical import JoinKind, Node, SetOperator
from shoal.planner.rules.context import RuleContext
from shoal.planner.scalar import columns_of
from shoal.planner.tree import transform_down


def push_limits(node: Node, context: RuleContext) -> Node:
    """Limit earlier where the first rows of the output come from the first rows of an input.

        Limit(10, Project(t))          ->  Project(Limit(10, t))
        Limit(10, UnionAll(t, u))      ->  Limit(10, UnionAll(Limit(10, t), Limit(10, u)))
        Limit(10, Join(left, t, u))    ->  Limit(10, Join(left, Limit(10, t), u))
        Limit(10, Limit(20, t))        ->  Limit(10, t)
        Join(semi, t, u)               ->  Join(semi, t, Limit(1, u))

    The last, for anti joins too, where the condition has no column of u: one row tells as much as all of them.
    Does not fire through filters, inner joins, aggregates, windows or sorts: these choose among all rows.
    """
    return transform_down(node, _push_at)


def _push_at(node: Node) -> Node:
    if isinstance(node, logical.Join) and node.kind in (JoinKind.SEMI, JoinKind.ANTI):
        return _look_for_one(node)
    if not isinstance(node, logical.Limit):
        return node
    match node.input:
        case logical.Limit():
            return _push_at(_merged(node, node.input))
        case logical.Project() as project if not isinstance(project.input, logical.Sort):
            return replace(project, input=replace(node, input=project.input))
        case logical.SetOperation(operator=SetOperator.UNION, all=True) as union if node.count is not None:
            sides = _limited(union.left, node), _limited(union.right, node)
            if sides == (union.left, union.right):
                return node
            return replace(node, input=replace(union, left=sides[0], right=sides[1]))
        case logical.Join(kind=JoinKind.LEFT) as join if node.count is not None:
            left = _limited(join.left, node)
            return node if left is join.left else replace(node, input=replace(join, left=left))
    return node


def _look_for_one(join: logical.Join) -> Node:
    right = {column.id for column in logical.schema(join.right)}
    if not right.isdisjoint(columns_of(join.condition)):
        return join
    limited = _limited(join.right, logical.Limit(join.right, 1))
    return join if limited is join.right else replace(join, right=limited)


def _limited(side: Node, limit: logical.Limit) -> Node:
    """A side with as many rows as the limit can use; the side itself when it has no more anyway."""
    most = (limit.count or 0) + limit.offset
    if isinstance(side, logical.Limit) and side.count is not None and side.count <= most:
        return side
    if isinstance(side, logical.Sort):
        side = side.input
    return logical.Limit(side, most)


def _merged(outer: logical.Limit, inner: logical.Limit) -> logical.Limit:
    """One limit for two: the outer one counts within the rows of the inner one."""
    rest = None if inner.count is None else max(0, inner.count - outer.offset)
    counts = [count for count in (outer.count, rest) if count is not None]
    return logical.Limit(inner.input, min(counts, default=None), inner.offset + outer.offset)
