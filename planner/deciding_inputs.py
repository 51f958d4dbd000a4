"""Which exchanged inputs of a stage decide whether it delivers anything: without a row of theirs it has none."""

from typing import assert_never

from shoal.planner import physical as p
from shoal.planner.logical import JoinKind, SetOperator
from shoal.planner.physical import PhysicalNode

_NEEDS_LEFT = (JoinKind.INNER, JoinKind.SEMI, JoinKind.LEFT, JoinKind.ANTI)
_NEEDS_RIGHT = (JoinKind.INNER, JoinKind.SEMI, JoinKind.RIGHT)


def deciding_inputs(root: PhysicalNode) -> frozenset[int]:
    """The exchanges below a stage's root, by identity, each of which leaves the stage without rows if it is empty::

        Aggregate by a.g             both exchanges decide; with a left join only the left one;
          Join inner                 none below an aggregate without keys, which has a row for no rows
            Exchange a by hash of a.k
            Exchange b by hash of b.k

    Tables are not looked at: whether they have rows is known before.
    """
    match root:
        case p.Exchange():
            return frozenset({id(root)})
        case p.Filter() | p.Project() | p.WindowCompute() | p.SortRows() | p.LimitRows():
            return deciding_inputs(root.input)
        case p.HashAggregate():
            return deciding_inputs(root.input) if root.keys else frozenset()
        case p.HashJoin():
            left = deciding_inputs(root.left) if root.kind in _NEEDS_LEFT else frozenset()
            return left | (deciding_inputs(root.right) if root.kind in _NEEDS_RIGHT else frozenset())
        case p.Combine():
            left = deciding_inputs(root.left) if root.operator is not SetOperator.UNION else frozenset()
            return left | (deciding_inputs(root.right) if root.operator is SetOperator.INTERSECT else frozenset())
        case p.TableScan() | p.KernelQuery() | p.Literals():
            return frozenset()
        case _:
            assert_never(root)
