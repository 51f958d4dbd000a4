"""Which exchanged inputs of a stage may be shared out among several tasks, partition by partition."""

from typing import assert_never

from shoal.planner import physical as p
from shoal.planner.logical import JoinKind
from shoal.planner.physical import AggregatePhase, PhysicalNode

SHARES_LEFT = (JoinKind.INNER, JoinKind.LEFT, JoinKind.SEMI, JoinKind.ANTI)
SHARES_RIGHT = (JoinKind.INNER, JoinKind.RIGHT)


def split_inputs(root: PhysicalNode) -> frozenset[int]:
    """The exchanges below a stage's root, by identity, whose rows may be dealt out to tasks in any way.

    Each of these tasks has all of the stage's other inputs, and the rows that they deliver are together those of one
    task with everything::

        Aggregate partial                     the left exchange may be split (an inner join: the right one too);
          Join left                           not below a complete or final aggregate or a window, whose groups
            Exchange a by hash of a.k         would be cut, and not the right one, whose unmatched rows
            Exchange b by hash of b.k         would appear in every task
    """
    match root:
        case p.Exchange():
            return frozenset({id(root)}) if root.kind is p.ExchangeKind.HASH else frozenset()
        case p.Filter() | p.Project():
            return split_inputs(root.input)
        case p.LimitRows():
            rows = root.input.input if isinstance(root.input, p.SortRows) else root.input
            # A limit of spread rows has another one above its gather. An order alone is that of the tasks as well.
            return frozenset() if root.offset else split_inputs(rows)
        case p.HashAggregate():
            return split_inputs(root.input) if root.phase is AggregatePhase.PARTIAL else frozenset()
        case p.HashJoin():
            left = split_inputs(root.left) if root.kind in SHARES_LEFT else frozenset()
            return left | (split_inputs(root.right) if root.kind in SHARES_RIGHT else frozenset())
        case p.TableScan() | p.KernelQuery() | p.Literals() | p.WindowCompute() | p.SortRows() | p.Combine():
            return frozenset()
        case _:
            assert_never(root)
