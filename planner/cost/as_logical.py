"""The logical subplan that a physical one carries out, as far as that decides its number of rows."""

from typing import assert_never

from shoal.planner import logical
from shoal.planner import physical as p
from shoal.planner.logical import Node
from shoal.planner.physical import AggregatePhase, PhysicalNode


def as_logical(node: PhysicalNode) -> Node | None:
    """The logical plan whose rows all tasks of a physical one deliver together; None where that is none's.

    The partial half of an aggregate, groups in pieces, and a limit in each task deliver rows that no logical node does.
    """
    match node:
        case p.TableScan():
            return node.scan
        case p.Literals():
            return node.values
        case p.Exchange() | p.SortRows():
            return as_logical(node.input)
        case p.Filter():
            below = as_logical(node.input)
            return None if below is None else logical.Filter(below, node.predicate)
        case p.Project():
            below = as_logical(node.input)
            return None if below is None else logical.Project(below, node.assignments)
        case p.WindowCompute():
            below = as_logical(node.input)
            return None if below is None else logical.Window(below, node.assignments)
        case p.HashJoin():
            left, right = as_logical(node.left), as_logical(node.right)
            return None if left is None or right is None else logical.Join(node.kind, left, right, node.condition)
        case p.HashAggregate():
            return _aggregate(node)
        case p.KernelQuery() | p.LimitRows() | p.Combine():
            return None
        case _:
            assert_never(node)


def _aggregate(node: p.HashAggregate) -> Node | None:
    match node.phase:
        case AggregatePhase.PARTIAL:
            return None
        case AggregatePhase.COMPLETE:
            below = None if node.pieces else as_logical(node.input)
        case AggregatePhase.FINAL:
            inner = node.input
            while isinstance(inner, p.Exchange):
                inner = inner.input
            if not isinstance(inner, p.HashAggregate) or inner.phase is not AggregatePhase.PARTIAL:
                return None
            below = as_logical(inner.input)
        case _:
            assert_never(node.phase)
    return None if below is None else logical.Aggregate(below, node.keys, node.assignments)
