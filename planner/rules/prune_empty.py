"""Replace what can deliver no rows by nothing at all."""

from typing import assert_never

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.ids import ColumnId
from shoal.planner.logical import ApplyKind, Assignment, Column, JoinKind, Node, Schema, SetOperator, Values
from shoal.planner.rules.context import RuleContext
from shoal.planner.rules.contradictions import ColumnTypes, contradict
from shoal.planner.scalar import column_ref, conjuncts, is_volatile
from shoal.planner.tree import transform_up, walk
from shoal.planner.types import null_of


def prune_empty(node: Node, context: RuleContext) -> Node:
    """Compute nothing where it is known that no row comes out.

        Filter(x > 5 AND x < 3, t)       ->  Values()
        Join(inner, Limit(0, t), u)      ->  Values()
        Join(left, t, Values())          ->  Project(t.*, NULL, ...)
        Aggregate(keys k, Values())      ->  Values()

    Empty are filters that no row can fulfil, limits of no rows, and tables whose files have no rows; and what needs
    rows of something empty. Does not fire on aggregates without keys, which have a row for no rows, nor does it drop
    anything that is to be evaluated for its effect, such as ``error()``.
    """

    def prune(item: Node) -> Node:
        changed = _prune_at(item, context)
        if changed is item or not _has_effects(item):
            return changed
        return item

    return transform_up(node, prune)


def is_empty(node: Node) -> bool:
    """Whether a node is known to have no rows, and says so."""
    return isinstance(node, Values) and not node.rows


def _prune_at(node: Node, context: RuleContext) -> Node:
    match node:
        case logical.Scan():
            table = context.estimator.statistics.table(node.source, frozenset())
            return _nothing(node) if table.exact and table.rows == 0 else node
        case logical.Filter():
            gone = is_empty(node.input) or contradict(conjuncts(node.predicate), ColumnTypes(node.input))
            return _nothing(node) if gone else node
        case logical.Limit():
            return _nothing(node) if is_empty(node.input) or node.count == 0 else node
        case logical.Project() | logical.Window() | logical.Unnest() | logical.Sort():
            return _nothing(node) if is_empty(node.input) else node
        case logical.Aggregate():
            return _nothing(node) if node.keys and is_empty(node.input) else node
        case logical.Join():
            return _join(node)
        case logical.Apply():
            return _apply(node)
        case logical.SetOperation():
            return _set_operation(node)
        case logical.KernelBlock() | logical.SharedScan() | Values():
            return node
        case _:
            assert_never(node)


def _nothing(node: Node) -> Node:
    return Values(logical.schema(node), ())


def _has_effects(node: Node) -> bool:
    """Whether something is evaluated, or might be, that must not be left out."""
    return any(
        isinstance(item, (logical.KernelBlock, logical.SharedScan))
        or any(is_volatile(expression) for expression in logical.expressions(item))
        for item in walk(node)
    )


def _join(node: logical.Join) -> Node:
    never = contradict(conjuncts(node.condition), ColumnTypes(node.left, node.right))
    left, right = is_empty(node.left), is_empty(node.right)
    if not (left or right or never):
        return node
    match node.kind:
        case JoinKind.INNER | JoinKind.SEMI:
            return _nothing(node)
        case JoinKind.ANTI:
            return _nothing(node) if left else node.left
        case JoinKind.LEFT:
            return _nothing(node) if left else _filled(node.left, node)
        case JoinKind.RIGHT:
            return _nothing(node) if right else _filled(node.right, node)
        case JoinKind.FULL:
            if left and right:
                return _nothing(node)
            return _filled(node.left, node) if right else _filled(node.right, node) if left else node
        case _:
            assert_never(node.kind)


def _apply(node: logical.Apply) -> Node:
    if is_empty(node.left):
        return _nothing(node)
    if not is_empty(node.right):
        return node
    match node.kind:
        case ApplyKind.SEMI | ApplyKind.INNER:
            return _nothing(node)
        case ApplyKind.ANTI:
            return node.left
        case ApplyKind.LEFT | ApplyKind.SCALAR:
            return _filled(node.left, node)
        case ApplyKind.EXISTS | ApplyKind.IN:
            assert node.mark is not None
            passed = _passed(logical.schema(node.left))
            return logical.Project(node.left, (*passed, Assignment(node.mark, exp.false())))
        case _:
            assert_never(node.kind)


def _set_operation(node: logical.SetOperation) -> Node:
    left, right = is_empty(node.left), is_empty(node.right)
    if not (left or right):
        return node
    match node.operator:
        case SetOperator.INTERSECT:
            return _nothing(node)
        case SetOperator.UNION:
            return _nothing(node) if left and right else _renamed(node.right if left else node.left, node)
        case SetOperator.EXCEPT:
            if left:
                return _nothing(node)
            rows = _renamed(node.left, node)
            return rows if node.all else logical.Aggregate(rows, node.columns, ())
        case _:
            assert_never(node.operator)


def _passed(columns: Schema) -> tuple[Assignment, ...]:
    return tuple(Assignment(column, column_ref(column.id)) for column in columns)


def _filled(kept: Node, node: logical.Join | logical.Apply) -> Node:
    """The rows of one side, with NULLs in all other columns of the node."""
    have = logical.column_ids(kept)
    return logical.Project(
        kept,
        tuple(
            Assignment(column, column_ref(column.id) if column.id in have else _null(column))
            for column in logical.schema(node)
        ),
    )


def _null(column: Column) -> exp.Expression:
    if not column.type:
        return exp.null()
    return null_of(column.type)


def _renamed(side: Node, node: logical.SetOperation) -> Node:
    pairs = zip(node.columns, logical.schema(side), strict=True)
    return logical.Project(side, tuple(Assignment(own, column_ref(ColumnId(theirs.id))) for own, theirs in pairs))
