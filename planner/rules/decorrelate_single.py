"""Dependent joins whose right side is one row for each left row, perhaps filtered: aggregates without keys, literals.

They need neither a check for a second row nor a mark from a join: the row's columns are joined to the left side, what
lies above is computed there, and the filters become a flag that says whether the row counts.
"""

from dataclasses import dataclass

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.column_ids import ColumnIds
from shoal.planner.errors import InvariantViolated
from shoal.planner.logical import Aggregate, Apply, ApplyKind, Assignment, Column, Filter, Node, Project, Values, schema
from shoal.planner.rules.decorrelate_columns import copy_fresh, deliver, pass_on
from shoal.planner.rules.decorrelate_push import join_aggregate
from shoal.planner.scalar import column_ref, conjunction, conjuncts, rename


def is_single_row(node: Node) -> bool:
    """Whether a right side is exactly one row but for filters, which may drop it."""
    match node:
        case Filter() | Project() | logical.Sort():
            return is_single_row(node.input)
        case logical.Limit():
            return not node.offset and node.count != 0 and is_single_row(node.input)
        case Aggregate():
            return not node.keys
        case Values():
            return len(node.rows) == 1
        case logical.Join():
            inner = node.kind is logical.JoinKind.INNER
            return inner and is_single_row(node.left) and is_single_row(node.right)
        case _:
            return False


@dataclass(frozen=True, slots=True)
class _Joined:
    """The left side with the columns of the right side's row; ``keep``: whether that row is there (None: always)."""

    node: Node
    keep: Column | None = None

    def guarded(self, value: exp.Expression) -> exp.Expression:
        """The value where the row is there, else NULL."""
        return value if self.keep is None else _case(column_ref(self.keep.id), value, exp.Null())

    def holds(self, condition: exp.Expression | None) -> exp.Expression | None:
        """The row is there and the condition is true of it; None when that is always so."""
        terms = conjuncts(condition)
        return conjunction(terms if self.keep is None else (column_ref(self.keep.id), *terms))


def remove_single_apply(apply: Apply, ids: ColumnIds) -> Node:
    """Remove an ``Apply`` over a single-row right side.

        Apply(SCALAR m, left, Project(x := 2 * s, Aggregate(s := sum(a), Filter(b = left.k, t))))
        ->  Project(left, m := 2 * s, LEFT JOIN(left, Aggregate(by b: s := sum(a), t), b = k))

    Must not be called for a right side that can have two rows (``is_single_row``).
    """
    if apply.kind is ApplyKind.LEFT:
        return _padded(apply, ids)
    left = schema(apply.left)
    joined = _join_row(_Joined(apply.left), apply.right, apply.left, ids)
    holds = joined.holds(apply.condition)
    match apply.kind:
        case ApplyKind.SCALAR:
            assert apply.mark is not None
            value = joined.guarded(column_ref(schema(apply.right)[0].id))
            return deliver(joined.node, (*pass_on(left), Assignment(apply.mark, value)))
        case ApplyKind.EXISTS:
            assert apply.mark is not None
            mark = exp.true() if joined.keep is None else column_ref(joined.keep.id)
            return deliver(joined.node, (*pass_on(left), Assignment(apply.mark, mark)))
        case ApplyKind.SEMI:
            return deliver(_filter(joined.node, holds), pass_on(left))
        case ApplyKind.ANTI:
            absent = exp.Not(this=exp.Paren(this=_case(holds or exp.true(), exp.true(), exp.false())))
            return deliver(_filter(joined.node, absent), pass_on(left))
        case ApplyKind.INNER:
            return deliver(_filter(joined.node, holds), pass_on(schema(apply)))
        case ApplyKind.LEFT:
            raise InvariantViolated("a lateral left join is handled on its own")
        case ApplyKind.IN:
            raise InvariantViolated("an IN is rewritten before decorrelation removes it")


def _padded(apply: Apply, ids: ColumnIds) -> Node:
    """A lateral left join: the row's columns, computed under other ids, where the condition holds, else NULL."""
    right, renamed = copy_fresh(apply.right, ids)
    joined = _join_row(_Joined(apply.left), right, apply.left, ids)
    holds = joined.holds(None if apply.condition is None else rename(apply.condition, renamed))
    values = (column_ref(renamed[column.id]) for column in schema(apply.right))
    items = (
        Assignment(column, value if holds is None else _case(holds, value, exp.Null()))
        for column, value in zip(schema(apply.right), values, strict=True)
    )
    return deliver(joined.node, (*pass_on(schema(apply.left)), *items))


def _join_row(current: _Joined, node: Node, left: Node, ids: ColumnIds) -> _Joined:
    """Join the row of ``node`` to the current rows, keeping all columns that are there."""
    match node:
        case logical.Sort() | logical.Limit():
            return _join_row(current, node.input, left, ids)
        case Filter():
            return _drop(_join_row(current, node.input, left, ids), node.predicate, ids)
        case Project():
            below = _join_row(current, node.input, left, ids)
            present = logical.column_ids(below.node)
            new = [item for item in node.assignments if item.column.id not in present]
            items = tuple(Assignment(item.column, below.guarded(item.expression)) for item in new)
            return _Joined(_extended(below.node, items), below.keep)
        case Aggregate():
            return _Joined(join_aggregate(current.node, node, left, ids), current.keep)
        case Values():
            cells = zip(node.columns, node.rows[0], strict=True)
            items = tuple(Assignment(column, cell) for column, cell in cells)
            return _Joined(_extended(current.node, items), current.keep)
        case logical.Join():
            both = _join_row(_join_row(current, node.left, left, ids), node.right, left, ids)
            return both if node.condition is None else _drop(both, node.condition, ids)
        case _:
            raise InvariantViolated(f"{type(node).__name__} is not a single row")


def _drop(joined: _Joined, predicate: exp.Expression, ids: ColumnIds) -> _Joined:
    """Let the row be there only where the predicate is true."""
    holds = joined.holds(predicate)
    if holds is None:
        return joined
    keep = Column(ids.fresh("keep"), "BOOLEAN")
    item = Assignment(keep, _case(holds, exp.true(), exp.false()))
    return _Joined(_extended(joined.node, (item,)), keep)


def _extended(node: Node, items: tuple[Assignment, ...]) -> Node:
    return Project(node, pass_on(schema(node)) + items) if items else node


def _filter(node: Node, predicate: exp.Expression | None) -> Node:
    return node if predicate is None else Filter(node, predicate)


def _case(condition: exp.Expression, value: exp.Expression, otherwise: exp.Expression) -> exp.Expression:
    return exp.Case(ifs=[exp.If(this=condition.copy(), true=value.copy())], default=otherwise)
