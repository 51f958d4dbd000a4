"""Removes every dependent join: correlated subqueries and lateral joins become joins and aggregates.

After Neumann and Kemper, "Unnesting Arbitrary Queries" (BTW 2015), and Neumann, "Improving Unnesting of Complex
Queries" (BTW 2025): whatever nests, whatever refers to whatever is outside, and however deep, what comes out has no
dependent join. The parts: ``decorrelate_prepare`` (filters and IN), ``_pull`` (correlated filters), ``_single`` (one
row for each left row), ``_push`` and ``_domain`` (the general method).
"""

from dataclasses import replace
from functools import partial

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.column_ids import ColumnIds
from shoal.planner.errors import InvariantViolated
from shoal.planner.ids import ColumnId
from shoal.planner.logical import (
    Aggregate,
    Apply,
    ApplyKind,
    Assignment,
    Column,
    Join,
    JoinKind,
    Limit,
    Node,
    Project,
    Values,
    schema,
)
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.rules.decorrelate_columns import deliver, is_correlated, pass_on, references, size_of, unique
from shoal.planner.rules.decorrelate_domain import Domain
from shoal.planner.rules.decorrelate_prepare import rewrite_in, sink_filters
from shoal.planner.rules.decorrelate_pull import Pulled, pull_filters, simplify_existence
from shoal.planner.rules.decorrelate_push import Pushed, matches, push_domain
from shoal.planner.rules.decorrelate_single import is_single_row, remove_single_apply
from shoal.planner.scalar import column_ref, columns_of, conjunction, conjuncts, rename
from shoal.planner.tree import find, transform_down, transform_up, walk

LARGEST_PLAN = 2_000
"""Nodes of a plan beyond which its subqueries are not unnested."""

SECOND_ROW = (
    "More than one row returned by a subquery used as an expression - scalar subqueries can only return a single row."
)

_JOIN_KINDS = {
    ApplyKind.SEMI: JoinKind.SEMI,
    ApplyKind.ANTI: JoinKind.ANTI,
    ApplyKind.INNER: JoinKind.INNER,
    ApplyKind.LEFT: JoinKind.LEFT,
}


def decorrelate(node: Node, ids: ColumnIds) -> Node:
    """The plan without any ``Apply``; it delivers the same columns.

        Apply(SEMI, a, Filter(b.x = a.x, b))  ->  Join(SEMI, a, b, b.x = a.x)

    Does not fire on a plan without an ``Apply``: the same object comes back. Raises ``NotDistributable`` where a part
    would have to be computed twice and might come out differently.
    """
    if next(find(node, Apply), None) is None:
        return node
    typed = transform_up(node, _with_typed_mark)
    prepared = transform_down(typed, partial(sink_filters, ids=ids))
    prepared = transform_down(prepared, partial(rewrite_in, ids=ids))
    nested = frozenset(
        inner.mark.id for outer in find(prepared, Apply) for inner in find(outer.right, Apply) if inner.mark is not None
    )
    return transform_up(prepared, partial(remove_apply, ids=ids, nested=nested))


def _with_typed_mark(node: Node) -> Node:
    if not isinstance(node, Apply) or node.mark is None or node.mark.type:
        return node
    type_ = schema(node.right)[0].type if node.kind is ApplyKind.SCALAR else "BOOLEAN"
    return replace(node, mark=replace(node.mark, type=type_))


def remove_apply(node: Node, ids: ColumnIds, nested: frozenset[ColumnId] = frozenset()) -> Node:
    """Replace one ``Apply`` whose inputs have none; any other node comes back as it is.

    ``nested`` are the marks made within the right sides of others. Raises ``NotDistributable`` also when the plan would
    grow out of proportion: each level of nesting may double it.
    """
    if not isinstance(node, Apply):
        return node
    removed = _removed(node, ids, nested)
    if size_of(removed) > LARGEST_PLAN:
        raise NotDistributable("correlated subqueries are nested too deep")
    return removed


def _removed(node: Apply, ids: ColumnIds, nested: frozenset[ColumnId]) -> Node:
    apply = _without_irrelevant_rows(node)
    if is_single_row(apply.right):
        return remove_single_apply(apply, ids)
    outer = references(apply.right) & logical.column_ids(apply.left)
    match apply.kind:
        case ApplyKind.SCALAR:
            return _remove_scalar(apply, outer, ids, eager=apply.mark is not None and apply.mark.id not in nested)
        case ApplyKind.EXISTS:
            return _remove_exists(apply, outer, ids)
        case ApplyKind.SEMI | ApplyKind.ANTI | ApplyKind.INNER | ApplyKind.LEFT:
            return _remove_join(apply, outer, ids)
        case ApplyKind.IN:
            raise InvariantViolated("an IN is left after it was rewritten")


def _without_irrelevant_rows(apply: Apply) -> Apply:
    if apply.kind not in (ApplyKind.EXISTS, ApplyKind.SEMI, ApplyKind.ANTI):
        return apply
    used = columns_of(apply.condition)
    return Apply(apply.kind, apply.left, simplify_existence(apply.right, used), apply.mark, None, apply.condition)


def _remove_join(apply: Apply, outer: frozenset[ColumnId], ids: ColumnIds) -> Node:
    """SEMI, ANTI, INNER and LEFT: the filters that correlate join; only what else correlates needs the domain."""
    kind = _JOIN_KINDS[apply.kind]
    pulled = pull_filters(apply.right, outer)
    if is_correlated(pulled.node, outer):
        pushed = push_domain(apply.right, Domain.of(apply.left, apply.right, ids))
        pulled = Pulled(pushed.node, matches(_outer_columns(apply), pushed))
    condition = conjunction(pulled.predicates + conjuncts(apply.condition))
    return deliver(Join(kind, apply.left, pulled.node, condition), pass_on(schema(apply)))


def _outer_columns(apply: Apply) -> logical.Schema:
    used = references(apply.right)
    return tuple(column for column in schema(apply.left) if column.id in used)


def _remove_exists(apply: Apply, outer: frozenset[ColumnId], ids: ColumnIds) -> Node:
    """A mark: join with the distinct outer values for which there is a row, and look whether the join found one."""
    assert apply.mark is not None
    if not outer:
        return _remove_plain_exists(apply, apply.mark, ids)
    pushed = _existing(apply, outer, ids)
    marker = Column(ids.fresh("found"), "BOOLEAN")
    carriers = unique(pushed.carriers)
    found = Project(Aggregate(pushed.node, carriers, ()), (*pass_on(carriers), Assignment(marker, exp.true())))
    joined = Join(JoinKind.LEFT, apply.left, found, conjunction(matches(_outer_columns(apply), pushed)))
    mark = exp.Not(this=exp.Is(this=column_ref(marker.id), expression=exp.Null()))
    return Project(joined, (*pass_on(schema(apply.left)), Assignment(apply.mark, mark)))


def _existing(apply: Apply, outer: frozenset[ColumnId], ids: ColumnIds) -> Pushed:
    """The outer values for which the right side has a row; a semi-join of the domain where filters alone correlate."""
    domain = Domain.of(apply.left, apply.right, ids)
    pulled = pull_filters(apply.right, outer)
    if is_correlated(pulled.node, outer) or domain.stand_ins(pulled.node, pulled.predicates) is not None:
        return push_domain(apply.right, domain)
    source, columns = domain.build()
    renaming = {column.id: built.id for column, built in zip(domain.columns, columns, strict=True)}
    condition = conjunction([rename(term, renaming) for term in pulled.predicates])
    return Pushed(Join(JoinKind.SEMI, source, pulled.node, condition), columns, strict=False)


def _remove_plain_exists(apply: Apply, mark: Column, ids: ColumnIds) -> Node:
    """An uncorrelated EXISTS: the number of rows, of at most one row, once for all left rows."""
    rows = Column(ids.fresh("rows"), "BIGINT")
    inner = apply.right
    if _is_independent(inner):
        # A limit below a subquery of the next level would have to be one for each of that level's rows.
        inner = Limit(inner, 1)
    counted = Aggregate(inner, (), (Assignment(rows, exp.Count(this=exp.Star())),))
    any_ = exp.GT(this=column_ref(rows.id), expression=exp.Literal.number(0))
    joined = Join(JoinKind.INNER, apply.left, counted)
    return Project(joined, (*pass_on(schema(apply.left)), Assignment(mark, any_)))


def _is_independent(node: Node) -> bool:
    """Whether a tree refers to nothing outside, of this level or another."""
    return references(node) <= frozenset().union(*(logical.column_ids(item) for item in walk(node)))


def _remove_scalar(apply: Apply, outer: frozenset[ColumnId], ids: ColumnIds, *, eager: bool) -> Node:
    """The one value: a left join, with a check for a second row unless there cannot be one.

    ``eager``: an uncorrelated one is checked even if no left row needs it, as DuckDB does at the outermost level.
    """
    assert apply.mark is not None
    value = schema(apply.right)[0]
    pushed = Pushed(apply.right, (), strict=True)
    if outer:
        pushed = push_domain(apply.right, Domain.of(apply.left, apply.right, ids))
    terms = matches(_outer_columns(apply), pushed)
    if outer and _is_at_most_one_row(apply.right):
        joined = Join(JoinKind.LEFT, apply.left, pushed.node, conjunction(terms))
        return deliver(joined, (*pass_on(schema(apply.left)), Assignment(apply.mark, column_ref(value.id))))
    rows, one = Column(ids.fresh("rows"), "BIGINT"), Column(ids.fresh(value.id), value.type)
    counted = Aggregate(
        pushed.node,
        unique(pushed.carriers),
        (
            # Of one value the least is the value, and partial results of MIN combine.
            Assignment(one, exp.Min(this=column_ref(value.id))),
            Assignment(rows, exp.Count(this=exp.Star())),
        ),
    )
    if eager and not outer:
        once = Project(counted, (Assignment(apply.mark, _checked(one, rows)),))
        return Join(JoinKind.INNER, apply.left, once)
    # An aggregate without keys always has its row; one with keys has none where there is nothing.
    joined = Join(JoinKind.LEFT if outer else JoinKind.INNER, apply.left, counted, conjunction(terms))
    return Project(joined, (*pass_on(schema(apply.left)), Assignment(apply.mark, _checked(one, rows))))


def _checked(value: Column, rows: Column) -> exp.Expression:
    """The value, or DuckDB's error if there were several rows."""
    several = exp.GT(this=column_ref(rows.id), expression=exp.Literal.number(1))
    error = exp.Anonymous(this="error", expressions=[exp.Literal.string(SECOND_ROW)])
    return exp.Case(ifs=[exp.If(this=several, true=error)], default=column_ref(value.id))


def _is_at_most_one_row(node: Node) -> bool:
    match node:
        case logical.Filter() | Project() | logical.Sort():
            return _is_at_most_one_row(node.input)
        case Limit():
            return (node.count is not None and node.count <= 1) or _is_at_most_one_row(node.input)
        case Aggregate():
            return not node.keys
        case Values():
            return len(node.rows) <= 1
        case Join(kind=JoinKind.INNER):
            return _is_at_most_one_row(node.left) and _is_at_most_one_row(node.right)
        case Join(kind=JoinKind.SEMI | JoinKind.ANTI):
            return _is_at_most_one_row(node.left)
        case _:
            return False
