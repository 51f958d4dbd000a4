"""Which columns identify the rows of a node, proved from the plan alone."""

from typing import assert_never

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.ids import ColumnId
from shoal.planner.logical import ApplyKind, JoinKind, Node
from shoal.planner.scalar import conjuncts, equality, unwrap


def is_unique(node: Node, columns: frozenset[ColumnId]) -> bool:
    """Whether no two rows of the node agree on all of the columns (NULLs agree with each other)."""
    return any(key <= columns for key in unique_keys(node))


def unique_keys(node: Node) -> tuple[frozenset[ColumnId], ...]:
    """Sets of columns that identify a row; the empty set stands for a node with at most one row."""
    match node:
        case logical.Scan() | logical.KernelBlock() | logical.SharedScan() | logical.Unnest():
            return ()
        case logical.Values():
            return (frozenset(),) if len(node.rows) <= 1 else ()
        case logical.Limit():
            return (frozenset(),) if node.count is not None and node.count <= 1 else unique_keys(node.input)
        case logical.Filter() | logical.Sort() | logical.Window():
            return unique_keys(node.input)
        case logical.Aggregate():
            own = () if node.partial else (frozenset(column.id for column in node.keys),)
            return (*own, *_kept_keys(node.input, node))
        case logical.Project():
            return _through_project(node)
        case logical.Join():
            return _of_join(node)
        case logical.Apply():
            keeps_left = node.mark is not None or node.kind in (ApplyKind.SEMI, ApplyKind.ANTI)
            return unique_keys(node.left) if keeps_left else ()
        case logical.SetOperation():
            return () if node.all else (frozenset(column.id for column in node.columns),)
        case _:
            assert_never(node)


def _kept_keys(below: Node, node: logical.Aggregate) -> tuple[frozenset[ColumnId], ...]:
    """Keys of the input among the group keys: each group is one row then."""
    own = frozenset(column.id for column in node.keys)
    return tuple(key for key in unique_keys(below) if key < own)


def _through_project(node: logical.Project) -> tuple[frozenset[ColumnId], ...]:
    passed = {
        ColumnId(unwrap(item.expression).name): item.column.id
        for item in node.assignments
        if isinstance(unwrap(item.expression), exp.Column)
    }
    return tuple(frozenset(passed[column] for column in key) for key in unique_keys(node.input) if key <= passed.keys())


def _of_join(node: logical.Join) -> tuple[frozenset[ColumnId], ...]:
    """A join keeps one side's keys when each of its rows has at most one partner; both sides' together always."""
    if node.kind in (JoinKind.SEMI, JoinKind.ANTI):
        return unique_keys(node.left)
    left, right = unique_keys(node.left), unique_keys(node.right)
    left_columns, right_columns = equated_columns(node)
    found: list[frozenset[ColumnId]] = []
    if node.kind in (JoinKind.INNER, JoinKind.LEFT) and any(key <= right_columns for key in right):
        found += left
    if node.kind in (JoinKind.INNER, JoinKind.RIGHT) and any(key <= left_columns for key in left):
        found += right
    if node.kind is JoinKind.FULL:
        return ()
    return tuple(found) + tuple(one | other for one in left for other in right)


def equated_columns(node: logical.Join) -> tuple[frozenset[ColumnId], frozenset[ColumnId]]:
    """The columns of each side that the condition equates with a column of the same type of the other side.

    Between types, different values may be equal: '1' and '01' both are 1.
    """
    left, right = ({column.id: column.type for column in logical.schema(side)} for side in (node.left, node.right))
    sides: tuple[set[ColumnId], set[ColumnId]] = (set(), set())
    for term in conjuncts(node.condition):
        operands = equality(term)
        if operands is None:
            continue
        one, other = (unwrap(operand) for operand in operands)
        if not isinstance(one, exp.Column) or not isinstance(other, exp.Column):
            continue
        for first, second in ((one, other), (other, one)):
            mine, theirs = ColumnId(first.name), ColumnId(second.name)
            if left.get(mine) and left[mine] == right.get(theirs):
                sides[0].add(mine)
                sides[1].add(theirs)
    return frozenset(sides[0]), frozenset(sides[1])
