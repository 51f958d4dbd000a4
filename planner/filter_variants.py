"""Runtime filters: a stage whose rows are joined elsewhere drops what cannot match, if the other side is small."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from shoal.planner import physical as p
from shoal.planner.column_paths import path_down
from shoal.planner.cost.model import BUILD_ROW, PROBE_ROW, RECEIVE_BYTE, SEND_BYTE, SEND_ROW
from shoal.planner.fragment import Fragmenter
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Assignment, Column, JoinKind
from shoal.planner.physical import ExchangeKind, HashJoin, PhysicalNode
from shoal.planner.scalar import column_ref, conjunction, conjuncts
from shoal.planner.stage import Stage, StageVariant
from shoal.planner.stage_nodes import is_exact, replaced, stage_nodes

_DROPS_LEFT = (JoinKind.INNER, JoinKind.SEMI, JoinKind.RIGHT)
_DROPS_RIGHT = (JoinKind.INNER, JoinKind.SEMI, JoinKind.LEFT, JoinKind.ANTI)

UNCERTAIN = 50.0
"""Estimates may be wrong by this factor; where even then a filter would not pay, nobody waits for the truth."""

LEAST_ROWS = 10_000
"""Fewer rows are not worth waiting for."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where rows can be dropped: above ``node`` in ``stage``, by ``column``; the exchanges from there to the join."""

    stage: Stage
    node: PhysicalNode
    column: ColumnId
    exchanges: tuple[p.Exchange, ...]


@dataclass(frozen=True, slots=True)
class _Term:
    """An equality of a join: where rows can be dropped, and the column of ``keys`` that has the values that match."""

    place: _Place
    keys: p.Exchange
    column: ColumnId
    null_safe: bool


def filter_variants(fragmenter: Fragmenter, stage: Stage, root: PhysicalNode) -> Iterator[StageVariant]:
    """What the stages before a stage could be, if the other sides of its joins have few rows::

        stage 2: Join a.k = b.k                stage 1: Aggregate by b.k
          Exchange a from stage 0        ->      Join semi b.k = a.k
          Exchange b from stage 1                  Scan b
        stage 1: Aggregate by b.k                  Exchange, whole, from stage 0
          Scan b

    The kernel then prunes files and row groups by the least and the largest of the keys before it reads them. Rows
    are dropped as far down as they can be, also some stages before; not from the side of an outer join that keeps
    them, nor where another stage reads them, too, nor in a stage that reads the keys anyway.
    """
    for join in stage_nodes(root):
        if isinstance(join, HashJoin) and join.condition is not None:
            if join.kind in _DROPS_RIGHT:
                yield from _variants(fragmenter, stage, join, join.right, join.left)
            if join.kind in _DROPS_LEFT:
                yield from _variants(fragmenter, stage, join, join.left, join.right)


def _variants(
    fragmenter: Fragmenter, reader: Stage, join: HashJoin, moved: PhysicalNode, other: PhysicalNode
) -> Iterator[StageVariant]:
    alike: dict[tuple[int, int], list[_Term]] = {}
    for term in _terms(fragmenter, reader, join, moved, other):
        alike.setdefault((id(term.place.node), id(term.keys)), []).append(term)
    for terms in alike.values():
        found = _variant(fragmenter, join, terms)
        if found is not None:
            yield found


def _variant(fragmenter: Fragmenter, join: HashJoin, terms: Sequence[_Term]) -> StageVariant | None:
    place, keys = terms[0].place, terms[0].keys
    if any(item.stage == fragmenter.stage_of(keys) for item in place.stage.exchanges):
        return None
    dropped = max(place.exchanges, key=lambda item: item.estimate.rows)
    limit = _most_rows(join, dropped, keys, place.stage.tasks)
    if keys.estimate.rows > (limit if is_exact(keys) else UNCERTAIN * limit):
        return None
    whole = p.Exchange(keys.input, ExchangeKind.GATHER, keys.estimate)
    fragmenter.read_like(whole, keys)
    # Both sides may read one common table, and have columns of one name: the keys get names of their own.
    types = {column.id: column.type for column in p.schema(keys)}
    named = [
        (Column(ColumnId(f"shoal_key_{number}"), types[term.column]), term) for number, term in enumerate(terms, 1)
    ]
    renamed = p.Project(
        whole, tuple(Assignment(column, column_ref(term.column)) for column, term in named), keys.estimate
    )
    condition = conjunction([_equality(term, column.id) for column, term in named])
    few = HashJoin(
        JoinKind.SEMI, place.node, renamed, condition, p.JoinStrategy.BROADCAST, False, "", place.node.estimate
    )
    plan = replaced(fragmenter.roots[place.stage.id], place.node, few)
    width = keys.estimate.bytes / max(1.0, keys.estimate.rows)
    drops = tuple(fragmenter.stage_of(exchange) for exchange in place.exchanges)
    changed = fragmenter.again(place.stage.id, plan)
    return StageVariant(changed, place.stage.id, (fragmenter.stage_of(keys),), int(limit * width), drops)


def _equality(term: _Term, key: ColumnId) -> exp.Expression:
    kind = exp.NullSafeEQ if term.null_safe else exp.EQ
    return kind(this=column_ref(term.place.column), expression=column_ref(key))


def _terms(
    fragmenter: Fragmenter, reader: Stage, join: HashJoin, moved: PhysicalNode, other: PhysicalNode
) -> Iterator[_Term]:
    ours, theirs = ({column.id for column in p.schema(side)} for side in (moved, other))
    for term in conjuncts(join.condition):
        if not isinstance(term, (exp.EQ, exp.NullSafeEQ)):
            continue
        sides = term.this, term.expression
        if not all(isinstance(side, exp.Column) for side in sides):
            continue
        names = {ColumnId(side.name) for side in sides}
        if len(names & ours) != 1 or len(names & theirs) != 1:
            continue
        place = _place(fragmenter, reader, moved, *(names & ours))
        node, column = list(path_down(other, *(names & theirs)))[-1]
        if place is not None and isinstance(node, p.Exchange):
            yield _Term(place, node, column, isinstance(term, exp.NullSafeEQ))


def _place(fragmenter: Fragmenter, reader: Stage, moved: PhysicalNode, column: ColumnId) -> _Place | None:
    """The furthest place from a side of a join at which rows can be dropped by a column, some stage before."""
    found: _Place | None = None
    exchanges: list[p.Exchange] = []
    while True:
        path = list(path_down(moved, column))
        if exchanges:
            filtered = len(path) > 1 and isinstance(path[-1][0], p.TableScan) and isinstance(path[-2][0], p.Filter)
            found = _Place(reader, *path[-2 if filtered else -1], tuple(exchanges))
        node, column = path[-1]
        if not isinstance(node, p.Exchange) or node.kind is ExchangeKind.GATHER:
            return found
        if not _is_only_read_by(fragmenter, node, reader):
            return found
        exchanges.append(node)
        reader, moved = fragmenter.stages[fragmenter.stage_of(node)], node.input


def _is_only_read_by(fragmenter: Fragmenter, exchange: p.Exchange, reader: Stage) -> bool:
    """Whether a stage was made for this exchange, which nothing but one place of one stage reads."""
    stage = fragmenter.stage_of(exchange)
    return fragmenter.is_made_for(exchange) and fragmenter.readers_of(stage) == [reader.id]


def _most_rows(join: HashJoin, dropped: p.Exchange, keys: p.Exchange, tasks: int) -> float:
    """Up to how many rows of ``keys`` a filter pays: it then drops enough, and costs less than moving what it drops.

    What a join keeps of the rows is taken to grow with the number of keys. How much it keeps of them when there are as
    many as expected can be told for inner joins only; otherwise that is taken to be all.
    """
    rows, size = dropped.estimate.rows, max(1.0, dropped.estimate.bytes)
    if rows < LEAST_ROWS:
        return 0.0
    kept = min(1.0, join.estimate.rows / rows) if join.kind is JoinKind.INNER else 1.0
    move = SEND_ROW + size / rows * (SEND_BYTE + RECEIVE_BYTE) + PROBE_ROW
    # Half of what dropping every row would save is for the probes, the other half for building the filter.
    worth = max(0.0, move / 2 - PROBE_ROW / 2) * rows / tasks / BUILD_ROW
    return min(worth, keys.estimate.rows * 0.5 / max(1e-6, kept))
