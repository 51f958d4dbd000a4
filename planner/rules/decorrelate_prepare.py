"""Brings every ``Apply`` into a form that is cheap to remove: filters below it, marks that only filter, and IN."""

from collections.abc import Iterable
from dataclasses import replace

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.column_ids import ColumnIds
from shoal.planner.logical import Aggregate, Apply, ApplyKind, Assignment, Column, Filter, Node, Project, schema
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.rules.decorrelate_columns import copy_fresh, is_correlated, pass_on
from shoal.planner.rules.decorrelate_repeatable import why_unrepeatable
from shoal.planner.scalar import column_ref, columns_of, conjunction, conjuncts, is_volatile, operand, unwrap


def sink_filters(node: Node, ids: ColumnIds) -> Node:
    """Bring the terms of a filter below the ``Apply``s under it, and make joins of marks that a filter only tests.

        Filter(m AND a > 1, Apply(EXISTS m, t, right))  ->  Project(t, m := TRUE, Apply(SEMI, Filter(a > 1, t), right))

    Does not fire for terms that use the mark otherwise (``m OR a > 1``), nor for volatile ones.
    """
    if not isinstance(node, Filter) or not isinstance(node.input, Apply):
        return node
    return _sink(node.input, conjuncts(node.predicate), ids)


def _sink(node: Node, terms: tuple[exp.Expression, ...], ids: ColumnIds) -> Node:
    """``Filter(terms, node)`` with the terms as deep below the applies as they may go."""
    if not terms or not isinstance(node, Apply):
        return _filtered(node, terms)
    made = frozenset(column.id for column in schema(node)) - logical.column_ids(node.left)
    sinking, staying, test = [], [], None
    for term in terms:
        if columns_of(term).isdisjoint(made) and not is_volatile(term):
            sinking.append(term)
        elif test is None and _tested(term, node) is not None:
            test = _tested(term, node)
        else:
            staying.append(term)
    below = replace(node, left=_sink(node.left, tuple(sinking), ids))
    changed = below if test is None else _joined(below, test, ids)
    return _filtered(changed, staying)


def _filtered(node: Node, terms: Iterable[exp.Expression]) -> Node:
    predicate = conjunction(tuple(terms))
    return node if predicate is None else Filter(node, predicate)


def _tested(term: exp.Expression, apply: Apply) -> bool | None:
    """Whether a term says that the mark of EXISTS or IN is true, or false; None for any other term."""
    if apply.mark is None or apply.kind is ApplyKind.SCALAR:
        return None
    bare = unwrap(term)
    wanted = not isinstance(bare, exp.Not)
    inner = bare if wanted else unwrap(bare.this)
    return wanted if isinstance(inner, exp.Column) and inner.name == apply.mark.id else None


def _joined(apply: Apply, wanted: bool, ids: ColumnIds) -> Node:
    """The rows whose mark is as wanted, with the mark as a constant."""
    assert apply.mark is not None
    constant = (*pass_on(schema(apply.left)), Assignment(apply.mark, exp.true() if wanted else exp.false()))
    if apply.kind is ApplyKind.IN:
        rows = _matching(apply) if wanted else _certainly_absent(apply, ids)
    else:
        rows = Apply(ApplyKind.SEMI if wanted else ApplyKind.ANTI, apply.left, apply.right)
    return Project(rows, constant)


def _matching(apply: Apply) -> Node:
    return Apply(ApplyKind.SEMI, apply.left, apply.right, condition=_needle_equals(apply))


def _certainly_absent(apply: Apply, ids: ColumnIds) -> Node:
    """``NOT (needle IN (right))`` as a filter: no match, and no NULL on either side that might be one."""
    assert apply.needle is not None
    condition = _needle_equals(apply)
    if is_correlated(apply.right, logical.column_ids(apply.left)):
        # The counts first: the domain of the anti join does not need them, theirs would need the anti join.
        counted, rows, values = _count_values(apply.left, apply, ids)
        absent: Node = Apply(ApplyKind.ANTI, counted, apply.right, condition=condition)
    else:
        absent, rows, values = _count_values(
            Apply(ApplyKind.ANTI, apply.left, apply.right, condition=condition), apply, ids
        )
    empty, complete = _equals_zero(rows), exp.EQ(this=column_ref(values.id), expression=column_ref(rows.id))
    given = exp.Not(this=exp.Is(this=operand(apply.needle.copy()), expression=exp.Null()))
    predicate = exp.Or(this=empty, expression=exp.Paren(this=exp.And(this=given, expression=complete)))
    return Filter(absent, predicate)


def rewrite_in(node: Node, ids: ColumnIds) -> Node:
    """Replace IN by what it says: TRUE for a match, else FALSE for no rows, else NULL if a NULL may be a match.

        Apply(IN m, left, right)
        ->  Project(left, m := CASE .., Apply(EXISTS, Apply(INNER, left, Aggregate(count(*), count(y), right)), right))

    Raises ``NotDistributable`` when the right side would not give the same rows a second time.
    """
    if not isinstance(node, Apply) or node.kind is not ApplyKind.IN:
        return node
    assert node.mark is not None
    assert node.needle is not None
    condition = _needle_equals(node)
    counted, rows, values = _count_values(node.left, node, ids)
    hit = Column(ids.fresh("hit"), "BOOLEAN")
    marked = Apply(ApplyKind.EXISTS, counted, Filter(node.right, condition), mark=hit)
    unknown = exp.Or(
        this=exp.Is(this=operand(node.needle.copy()), expression=exp.Null()),
        expression=exp.LT(this=column_ref(values.id), expression=column_ref(rows.id)),
    )
    mark = exp.Case(
        ifs=[
            exp.If(this=column_ref(hit.id), true=exp.true()),
            exp.If(this=_equals_zero(rows), true=exp.false()),
            exp.If(this=unknown, true=exp.Cast(this=exp.Null(), to=exp.DataType.build("BOOLEAN"))),
        ],
        default=exp.false(),
    )
    return Project(marked, (*pass_on(schema(node.left)), Assignment(node.mark, mark)))


def _count_values(left: Node, apply: Apply, ids: ColumnIds) -> tuple[Node, Column, Column]:
    """The left side with the numbers of rows and of non-NULL values of the right side, which is copied."""
    reason = why_unrepeatable(apply.right)
    if reason is not None:
        raise NotDistributable(f"IN over rows that cannot be computed twice: {reason}")
    copied, _ = copy_fresh(apply.right, ids)
    rows, values = Column(ids.fresh("rows"), "BIGINT"), Column(ids.fresh("values"), "BIGINT")
    counts = (
        Assignment(rows, exp.Count(this=exp.Star())),
        Assignment(values, exp.Count(this=column_ref(schema(copied)[0].id))),
    )
    return Apply(ApplyKind.INNER, left, Aggregate(copied, (), counts)), rows, values


def _needle_equals(apply: Apply) -> exp.Expression:
    needle = apply.needle
    assert needle is not None
    if isinstance(unwrap(needle), exp.Tuple) or len(schema(apply.right)) != 1:
        raise NotDistributable("IN over rows of several columns as a value")
    if is_volatile(needle):
        raise NotDistributable("IN with a volatile left operand")
    return exp.EQ(this=operand(needle.copy()), expression=column_ref(schema(apply.right)[0].id))


def _equals_zero(column: Column) -> exp.Expression:
    return exp.EQ(this=column_ref(column.id), expression=exp.Literal.number(0))
