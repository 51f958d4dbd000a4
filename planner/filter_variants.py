"""Runtime filters: a stage whose rows are joined elsewhere drops what cannot match, if the other side is small."""

from collections.abc import Iterator

from sqlglot import exp

from shoal.planner import physical as p
from shoal.planner.cost.model import BUILD_ROW, PROBE_ROW, RECEIVE_BYTE, SEND_BYTE, SEND_ROW
from shoal.planner.fragment import Fragmenter
from shoal.planner.ids import ColumnId
from shoal.planner.logical import JoinKind
from shoal.planner.physical import ExchangeKind, HashJoin, PhysicalNode
from shoal.planner.scalar import conjunction, conjuncts
from shoal.planner.stage import Estimate, Stage, StageVariant
from shoal.planner.stage_nodes import is_exact, stage_nodes

_DROPS_LEFT = (JoinKind.INNER, JoinKind.SEMI, JoinKind.RIGHT)
_DROPS_RIGHT = (JoinKind.INNER, JoinKind.SEMI, JoinKind.LEFT, JoinKind.ANTI)

UNCERTAIN = 50.0
"""Estimates may be wrong by this factor; where even then a filter would not pay, nobody waits for the truth."""

LEAST_ROWS = 10_000
"""Fewer rows are not worth waiting for."""


def filter_variants(fragmenter: Fragmenter, stage: Stage, root: PhysicalNode) -> Iterator[StageVariant]:
    """What the stages that a stage reads could be, if the other sides of their joins have few rows::

        stage 2: Join a.k = b.k                stage 1: Join semi b.k = a.k
          Exchange a from stage 0        ->      what stage 1 does
          Exchange b from stage 1                Exchange, whole, from stage 0

    The kernel then prunes files and row groups by the least and the largest of the keys before it reads them. Rows
    are not dropped from the side of an outer join that keeps them, nor where another stage reads them, too.
    """
    for join in stage_nodes(root):
        if isinstance(join, HashJoin) and join.condition is not None:
            if join.kind in _DROPS_RIGHT:
                yield from _variant(fragmenter, stage, join, join.right, join.left)
            if join.kind in _DROPS_LEFT:
                yield from _variant(fragmenter, stage, join, join.left, join.right)


def _variant(
    fragmenter: Fragmenter, reader: Stage, join: HashJoin, moved: PhysicalNode, other: PhysicalNode
) -> Iterator[StageVariant]:
    dropped, found = _rows_of(moved), _keys_of(other)
    if dropped is None or dropped.kind is ExchangeKind.GATHER or found is None:
        return
    keys, columns = found
    stage = fragmenter.stages[fragmenter.stage_of(dropped)]
    readers = [each.id for each in fragmenter.stages for item in each.exchanges if item.stage == stage.id]
    terms = _terms(join, frozenset(column.id for column in p.schema(dropped)), columns)
    limit = _most_rows(join, dropped, keys, stage.tasks)
    most = limit if is_exact(keys) else UNCERTAIN * limit
    only_reader = readers == [reader.id] and fragmenter.is_made_for(dropped)
    if not only_reader or not terms or keys.estimate.rows > most:
        return
    whole = p.Exchange(keys.input, ExchangeKind.GATHER, keys.estimate)
    fragmenter.read_like(whole, keys)
    estimate = Estimate(dropped.estimate.rows, dropped.estimate.bytes)
    plan = HashJoin(
        JoinKind.SEMI, dropped.input, whole, conjunction(terms), p.JoinStrategy.BROADCAST, False, "", estimate
    )
    width = keys.estimate.bytes / max(1.0, keys.estimate.rows)
    yield StageVariant(fragmenter.again(stage.id, plan), stage.id, (fragmenter.stage_of(keys),), int(limit * width))


def _rows_of(side: PhysicalNode) -> p.Exchange | None:
    """The exchange whose rows, each by itself, make a side of a join."""
    while isinstance(side, (p.Filter, p.Project)):
        side = side.input
    return side if isinstance(side, p.Exchange) else None


def _keys_of(side: PhysicalNode) -> tuple[p.Exchange, frozenset[ColumnId]] | None:
    """The exchange that has every value of some columns that a side of a join has, and these columns."""
    grouped: list[frozenset[ColumnId]] = []
    while isinstance(side, (p.Filter, p.Project, p.HashAggregate)):
        if isinstance(side, p.HashAggregate):
            grouped.append(frozenset(column.id for column in side.keys))
        side = side.input
    if not isinstance(side, p.Exchange):
        return None
    return side, frozenset(column.id for column in p.schema(side)).intersection(*grouped)


def _terms(join: HashJoin, ours: frozenset[ColumnId], theirs: frozenset[ColumnId]) -> list[exp.Expression]:
    """The equalities of a join between one of our columns and one of theirs."""
    found: list[exp.Expression] = []
    for term in conjuncts(join.condition):
        if isinstance(term, (exp.EQ, exp.NullSafeEQ)):
            sides = term.this, term.expression
            if all(isinstance(side, exp.Column) for side in sides):
                names = {ColumnId(side.name) for side in sides}
                if len(names & ours) == 1 and len(names & theirs) == 1:
                    found.append(term)
    return found


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
