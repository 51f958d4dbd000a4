"""Pushes the domain of a dependent join down its right side, until nothing there refers to the left side any more.

The rules are those of Neumann and Kemper, "Unnesting Arbitrary Queries" (BTW 2015), section 3: a node over its input
becomes the same node over its input joined with the domain, with the domain's columns as further group keys, partition
keys and join keys. Where the correlation is an equality with an inner column, that column stands for the domain's and
no domain is built (their section 4.1; also "Improving Unnesting of Complex Queries", BTW 2025).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.column_ids import ColumnIds
from shoal.planner.errors import InvariantViolated
from shoal.planner.ids import ColumnId
from shoal.planner.logical import (
    Aggregate,
    Assignment,
    Column,
    Filter,
    Join,
    JoinKind,
    Node,
    Project,
    Schema,
    SetOperation,
)
from shoal.planner.rules.decorrelate_columns import (
    is_correlated,
    pass_on,
    rename_assignments,
    rename_references,
    rename_sort_keys,
    unique,
)
from shoal.planner.rules.decorrelate_domain import Domain
from shoal.planner.rules.decorrelate_empty import value_over_nothing
from shoal.planner.rules.decorrelate_pull import pull_filters
from shoal.planner.scalar import column_ref, conjunction, conjuncts, null_safe_equality, rename


@dataclass(frozen=True, slots=True)
class Pushed:
    """A right side with, for each row, the values of the outer columns that it belongs to.

    ``carriers`` hold them, in the order of the domain's columns. It may have rows for values that the left side does
    not have. ``strict``: rows with a NULL carrier mean nothing, and there are none for an outer NULL.
    """

    node: Node
    carriers: Schema
    strict: bool


def push_domain(node: Node, domain: Domain) -> Pushed:
    """Make a right side independent of the left side; it keeps its columns and gains the carriers.

    Raises ``NotDistributable`` when a domain must be built from a left side that cannot be evaluated twice.
    """
    pulled = pull_filters(node, domain.outer)
    if not is_correlated(pulled.node, domain.outer):
        return _attach(pulled.node, pulled.predicates, domain)
    pushed = _push_node(pulled.node, domain)
    return _filtered(pushed, pulled.predicates, domain)


def matches(left: Schema, pushed: Pushed) -> tuple[exp.Expression, ...]:
    """The terms of a join of ``pushed`` with rows whose outer columns are ``left``."""
    return _equal(left, pushed.carriers, strict=pushed.strict)


def join_aggregate(current: Node, aggregate: Aggregate, left: Node, ids: ColumnIds) -> Node:
    """Join the one row of an aggregate without keys to each row of ``current``, which has the columns of ``left``.

        Apply(left, Aggregate(count(*), Filter(b = left.x, t)))
        ->  Project(.., coalesce(n, 0), LEFT JOIN(left, Aggregate(by b: n := count(*), t), b = x))

    Raises ``NotDistributable`` for an aggregate whose value over no rows is not known.
    """
    domain = Domain.of(left, aggregate, ids)
    if not domain.columns:
        return Join(JoinKind.INNER, current, aggregate)
    pushed = push_domain(aggregate.input, domain)
    items = rename_assignments(aggregate.assignments, _renaming(domain, pushed.carriers))
    defaults = {item.column.id: value_over_nothing(item.expression) for item in items}
    raw = {item.column.id: ids.fresh(item.column.id) for item in items if defaults[item.column.id] is not None}
    grouped = Aggregate(
        pushed.node,
        unique(pushed.carriers),
        tuple(replace(item, column=replace(item.column, id=raw.get(item.column.id, item.column.id))) for item in items),
    )
    joined = Join(JoinKind.LEFT, current, grouped, conjunction(matches(domain.columns, pushed)))
    if not raw:
        return joined
    values = []
    for item in items:
        default, own = defaults[item.column.id], item.column.id
        value = column_ref(own) if default is None else exp.Coalesce(this=column_ref(raw[own]), expressions=[default])
        values.append(Assignment(item.column, value))
    return Project(joined, pass_on(logical.schema(current)) + tuple(values))


def _attach(node: Node, terms: Sequence[exp.Expression], domain: Domain) -> Pushed:
    """Bring an independent tree and the domain together under the terms that connect them."""
    stand_ins = domain.stand_ins(node, terms)
    if stand_ins is not None:
        return _filtered(Pushed(node, stand_ins, strict=True), terms, domain)
    source, columns = domain.build()
    condition = conjunction([rename(term, _renaming(domain, columns)) for term in terms])
    if isinstance(node, logical.Values) and not node.columns and len(node.rows) == 1:
        return Pushed(source if condition is None else Filter(source, condition), columns, strict=False)
    return Pushed(Join(JoinKind.INNER, source, node, condition), columns, strict=False)


def _filtered(pushed: Pushed, terms: Sequence[exp.Expression], domain: Domain) -> Pushed:
    """Filter by terms over the domain's columns; an equality of a column with itself is left out where it may be."""
    renamed = [rename(term, _renaming(domain, pushed.carriers)) for term in terms]
    predicate = conjunction([term for term in renamed if not (pushed.strict and _is_reflexive(term))])
    return pushed if predicate is None else replace(pushed, node=Filter(pushed.node, predicate))


def _is_reflexive(term: exp.Expression) -> bool:
    return isinstance(term, exp.EQ) and isinstance(term.this, exp.Column) and term.this == term.expression


def _push_node(node: Node, domain: Domain) -> Pushed:
    match node:
        case Filter():
            return _filtered(push_domain(node.input, domain), conjuncts(node.predicate), domain)
        case Project():
            below = push_domain(node.input, domain)
            items = rename_assignments(node.assignments, _renaming(domain, below.carriers))
            present = {item.column.id for item in items}
            more = pass_on(column for column in unique(below.carriers) if column.id not in present)
            return replace(below, node=Project(below.node, items + more))
        case Join():
            return _push_join(node, domain)
        case Aggregate():
            return _push_aggregate(node, domain)
        case logical.Window():
            below = push_domain(node.input, domain)
            items = rename_assignments(node.assignments, _renaming(domain, below.carriers))
            return replace(below, node=logical.Window(below.node, _partitioned(items, below.carriers)))
        case logical.Unnest():
            below = push_domain(node.input, domain)
            items = rename_assignments(node.assignments, _renaming(domain, below.carriers))
            return replace(below, node=logical.Unnest(below.node, items))
        case logical.Sort():
            return push_domain(node.input, domain)
        case logical.Limit():
            return _push_limit(node, domain)
        case SetOperation():
            return _push_set_operation(node, domain)
        case logical.Values():
            return _push_values(node, domain)
        case logical.Scan() | logical.KernelBlock() | logical.SharedScan() | logical.Apply():
            raise InvariantViolated(f"decorrelation met a correlated {type(node).__name__}")
        case _:
            assert_never(node)


def _push_aggregate(node: Aggregate, domain: Domain) -> Pushed:
    if not node.keys:
        source, columns = domain.build()
        renamed = rename_references(node, _renaming(domain, columns))
        assert isinstance(renamed, Aggregate)
        return Pushed(join_aggregate(source, renamed, source, domain.ids), columns, strict=False)
    below = push_domain(node.input, domain)
    items = rename_assignments(node.assignments, _renaming(domain, below.carriers))
    return replace(below, node=Aggregate(below.node, unique(node.keys + below.carriers), items))


def _push_limit(node: logical.Limit, domain: Domain) -> Pushed:
    """A limit for each combination of outer values: a filter on a row number within its partition."""
    sort = node.input if isinstance(node.input, logical.Sort) else None
    below = push_domain(node.input if sort is None else sort.input, domain)
    if node.count is None and not node.offset:
        return below
    keys = rename_sort_keys(sort.keys, _renaming(domain, below.carriers)) if sort is not None else ()
    ordered = [exp.Ordered(this=key.expression, desc=key.descending, nulls_first=key.nulls_first) for key in keys]
    window = exp.Window(this=exp.RowNumber(), order=exp.Order(expressions=ordered) if ordered else None)
    number = Column(domain.ids.fresh("row_number"), "BIGINT")
    numbered = logical.Window(below.node, _partitioned((Assignment(number, window),), below.carriers))
    terms: list[exp.Expression] = []
    if node.offset:
        terms.append(exp.GT(this=column_ref(number.id), expression=exp.Literal.number(node.offset)))
    if node.count is not None:
        last = exp.Literal.number(node.offset + node.count)
        terms.append(exp.LTE(this=column_ref(number.id), expression=last))
    predicate = conjunction(terms)
    assert predicate is not None
    return replace(below, node=Project(Filter(numbered, predicate), pass_on(logical.schema(below.node))))


def _partitioned(items: tuple[Assignment, ...], carriers: Schema) -> tuple[Assignment, ...]:
    """Window calls with the carriers as further partition keys."""
    changed = []
    for item in items:
        window = item.expression.copy()
        keys = [*(window.args.get("partition_by") or ()), *(column_ref(column.id) for column in unique(carriers))]
        window.set("partition_by", keys)
        changed.append(replace(item, expression=window))
    return tuple(changed)


def _push_set_operation(node: SetOperation, domain: Domain) -> Pushed:
    left, right = push_domain(node.left, domain), push_domain(node.right, domain)
    if left.strict != right.strict:
        left, right = _without_nulls(left), _without_nulls(right)
    carriers = tuple(replace(column, id=domain.ids.fresh(column.id)) for column in domain.columns)
    sides = (_by_position(left, node.left, domain.ids), _by_position(right, node.right, domain.ids))
    combined = replace(node, left=sides[0], right=sides[1], columns=node.columns + carriers)
    return Pushed(combined, carriers, left.strict)


def _by_position(pushed: Pushed, original: Node, ids: ColumnIds) -> Node:
    """The original's columns in their order, and the carriers behind them, under fresh ids."""
    fresh = (Assignment(replace(item, id=ids.fresh(item.id)), column_ref(item.id)) for item in pushed.carriers)
    return Project(pushed.node, pass_on(logical.schema(original)) + tuple(fresh))


def _without_nulls(pushed: Pushed) -> Pushed:
    """The rows of a strict side that mean something, so that it can be combined with one that is not strict."""
    if not pushed.strict:
        return pushed
    terms = [exp.Not(this=exp.Is(this=column_ref(column.id), expression=exp.Null())) for column in pushed.carriers]
    predicate = conjunction(terms)
    assert predicate is not None
    return Pushed(Filter(pushed.node, predicate), pushed.carriers, strict=False)


def _push_values(node: logical.Values, domain: Domain) -> Pushed:
    """Each row of literals is a projection of the domain."""
    branches: list[tuple[Node, Schema]] = []
    for row in node.rows:
        source, columns = domain.build()
        fresh = [replace(column, id=domain.ids.fresh(column.id)) for column in node.columns]
        cells = (rename(cell, _renaming(domain, columns)) for cell in row)
        items = tuple(Assignment(column, cell) for column, cell in zip(fresh, cells, strict=True))
        branches.append((Project(source, items + pass_on(columns)), columns))
    result, columns = branches[0]
    for branch, _ in branches[1:]:
        own = tuple(replace(column, id=domain.ids.fresh(column.id)) for column in node.columns + domain.columns)
        result, columns = SetOperation(logical.SetOperator.UNION, True, result, branch, own), own[len(node.columns) :]
    delivered = logical.schema(result)[: len(node.columns)]
    items = tuple(
        Assignment(column, column_ref(given.id)) for column, given in zip(node.columns, delivered, strict=True)
    )
    return Pushed(Project(result, items + pass_on(columns)), columns, strict=False)


def _push_join(node: Join, domain: Domain) -> Pushed:
    match node.kind:
        case JoinKind.RIGHT:
            return _push_one_sided(Join(JoinKind.LEFT, node.right, node.left, node.condition), domain)
        case JoinKind.LEFT | JoinKind.SEMI | JoinKind.ANTI:
            return _push_one_sided(node, domain)
        case JoinKind.FULL:
            return _push_full(node, domain)
        case JoinKind.INNER:
            return _push_inner(node, domain)
        case _:
            assert_never(node.kind)


def _push_inner(node: Join, domain: Domain) -> Pushed:
    if not is_correlated(node.right, domain.outer):
        left = push_domain(node.left, domain)
        return replace(left, node=replace(node, left=left.node))
    right = push_domain(node.right, domain)
    if not is_correlated(node.left, domain.outer):
        return replace(right, node=replace(node, right=right.node))
    left = push_domain(node.left, domain)
    terms = conjuncts(node.condition) + _equal(left.carriers, right.carriers, strict=left.strict or right.strict)
    joined = Join(JoinKind.INNER, left.node, right.node, conjunction(terms))
    return Pushed(joined, left.carriers, left.strict or right.strict)


def _push_one_sided(node: Join, domain: Domain) -> Pushed:
    """LEFT, SEMI, ANTI: the left side always carries the outer values, the right side if it needs them."""
    left = push_domain(node.left, domain)
    terms = conjuncts(node.condition)
    pulled = pull_filters(node.right, domain.outer)
    right = pulled.node
    if is_correlated(right, domain.outer):
        pushed = push_domain(node.right, domain)
        terms += _equal(left.carriers, pushed.carriers, strict=left.strict or pushed.strict)
        right = pushed.node
    else:
        terms += pulled.predicates
    renaming = _renaming(domain, left.carriers)
    condition = conjunction([rename(term, renaming) for term in terms])
    return replace(left, node=Join(node.kind, left.node, right, condition))


def _push_full(node: Join, domain: Domain) -> Pushed:
    left, right = push_domain(node.left, domain), push_domain(node.right, domain)
    if left.strict != right.strict:
        left, right = _without_nulls(left), _without_nulls(right)
    renaming = _renaming(domain, left.carriers)
    terms = [rename(term, renaming) for term in conjuncts(node.condition)]
    same = _equal(left.carriers, right.carriers, strict=left.strict)
    joined = Join(JoinKind.FULL, left.node, right.node, conjunction([*terms, *same]))
    carriers = tuple(replace(column, id=domain.ids.fresh(column.id)) for column in domain.columns)
    items = tuple(
        Assignment(column, exp.Coalesce(this=column_ref(mine.id), expressions=[column_ref(other.id)]))
        for column, mine, other in zip(carriers, left.carriers, right.carriers, strict=True)
    )
    return Pushed(Project(joined, pass_on(logical.schema(joined)) + items), carriers, left.strict)


def _equal(left: Schema, right: Schema, *, strict: bool) -> tuple[exp.Expression, ...]:
    terms: list[exp.Expression] = []
    for mine, other in zip(left, right, strict=True):
        sides = column_ref(mine.id), column_ref(other.id)
        terms.append(exp.EQ(this=sides[0], expression=sides[1]) if strict else null_safe_equality(*sides))
    return tuple(terms)


def _renaming(domain: Domain, carriers: Schema) -> Mapping[ColumnId, ColumnId]:
    return {column.id: carrier.id for column, carrier in zip(domain.columns, carriers, strict=True)}
