"""Inputs of joins whose heavy keys further tasks may join, although their rows must not be shared out in any way."""

from collections.abc import Iterator
from dataclasses import replace

from sqlglot import exp

from shoal.planner import physical as p
from shoal.planner.ids import ColumnId
from shoal.planner.logical import JoinKind
from shoal.planner.physical import AggregatePhase, HashJoin, PhysicalNode
from shoal.planner.scalar import conjuncts
from shoal.planner.split_inputs import SHARES_LEFT, SHARES_RIGHT
from shoal.planner.types import is_grouped_exactly

_LEFT = {JoinKind.FULL: JoinKind.LEFT, JoinKind.RIGHT: JoinKind.INNER}
_RIGHT = {JoinKind.FULL: JoinKind.RIGHT, JoinKind.LEFT: JoinKind.INNER}


def heavy_inputs(root: PhysicalNode) -> Iterator[tuple[p.Exchange, PhysicalNode]]:
    """Such exchanges below a stage's root, each with what a task does that has only some of its rows.

    Another task has a row of every key that these rows have, so it knows which rows of the other side match, and alone
    delivers those that do not::

        Join left, b being heavy          first task: all of a, of b a row of each key and all that is not heavy
          Exchange a by hash of a.k   ->  further tasks: Join inner
          Exchange b by hash of b.k         Exchange a, Exchange b: rows of heavy keys

    Only where nothing but the key decides what matches, and not below a filter, which could drop just that one row.
    """
    match root:
        case p.Filter() | p.Project():
            yield from ((found, replace(root, input=changed)) for found, changed in heavy_inputs(root.input))
        case p.HashAggregate() if root.phase is AggregatePhase.PARTIAL:
            yield from ((found, replace(root, input=changed)) for found, changed in heavy_inputs(root.input))
        case HashJoin():
            yield from _of_join(root)
            if root.kind in SHARES_LEFT:
                yield from ((found, replace(root, left=changed)) for found, changed in heavy_inputs(root.left))
            if root.kind in SHARES_RIGHT:
                yield from ((found, replace(root, right=changed)) for found, changed in heavy_inputs(root.right))


def _of_join(join: HashJoin) -> Iterator[tuple[p.Exchange, PhysicalNode]]:
    for side, kinds in ((join.left, _LEFT), (join.right, _RIGHT)):
        moved = side
        while isinstance(moved, p.Project):
            moved = moved.input
        if join.kind in kinds and isinstance(moved, p.Exchange) and _decides(moved, side, join):
            yield moved, replace(join, kind=kinds[join.kind])


def _decides(moved: p.Exchange, side: PhysicalNode, join: HashJoin) -> bool:
    """Whether only the keys by which a side is parted decide what matches, and equal ones are the same value."""
    if moved.kind is not p.ExchangeKind.HASH or moved.bounds or join.condition is None:
        return False
    types = {column.id: column.type for column in p.schema(moved)}
    ours = {column.id for column in p.schema(side)}
    if not all(is_grouped_exactly(types[key]) for key in moved.keys):
        return False
    for term in conjuncts(join.condition):
        if not isinstance(term, (exp.EQ, exp.NullSafeEQ)):
            return False
        sides = term.this, term.expression
        if not all(isinstance(each, exp.Column) for each in sides):
            return False
        mine = {ColumnId(each.name) for each in sides} & ours
        if len(mine) != 1 or not mine <= set(moved.keys):
            return False
    return True
