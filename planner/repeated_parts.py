"""Finds parts of a stage's plan that deliver the same rows, so that each task computes them once."""

from collections.abc import Mapping

from shoal.planner import physical as p
from shoal.planner.physical import PhysicalNode
from shoal.planner.share_exchanges import Renaming
from shoal.planner.stage_nodes import stage_nodes

Part = tuple[PhysicalNode, ...]
"""Nodes of one stage that deliver the same rows; their columns match by position."""

_WORK = (p.HashAggregate, p.HashJoin, p.WindowCompute)
"""Operators whose result is worth keeping for a second reader; the others cost less than keeping their rows."""


def repeated_parts(root: PhysicalNode, leaders: Mapping[int, p.Exchange]) -> tuple[Part, ...]:
    """The largest parts that occur more than once below the root of a stage, each with all its places in order.

        Join a.total = b.best                       WITH once_1 AS MATERIALIZED (Aggregate final ...)
          Aggregate final ... as a            ->    Join a.total = b.best
          Aggregate max(total) as b                   once_1 as a
            Aggregate final ...                       Aggregate max(total) of once_1 as b

    ``leaders`` are the exchanges whose stage others read; two readings of one stage are the same rows. Does not fire
    on anything volatile, on blocks of the kernel, nor where the result has more rows than what it is computed from.
    """
    work = [node for node in stage_nodes(root) if isinstance(node, _WORK)]
    if len({type(node) for node in work}) == len(work):
        return ()
    marks: dict[int, int] = {}
    _mark(root, leaders, marks)
    alike: dict[int, list[PhysicalNode]] = {}
    _collect(root, marks, alike)
    candidates = {mark for mark, nodes in alike.items() if len(nodes) > 1}
    if not candidates:
        return ()
    found: dict[object, list[PhysicalNode]] = {}
    _group(root, marks, candidates, leaders, found)
    return tuple(tuple(nodes) for nodes in found.values() if len(nodes) > 1)


def _mark(node: PhysicalNode, leaders: Mapping[int, p.Exchange], marks: dict[int, int]) -> int:
    """Give each node a number that two equal parts have in common."""
    if isinstance(node, p.Exchange):
        mark = hash((p.Exchange, id(leaders.get(id(node), node)), node.kind))
    else:
        inputs = tuple(_mark(child, leaders, marks) for child in p.children(node))
        # A table's files are compared when all else is alike.
        mark = hash((type(node), id(node.scan.source) if isinstance(node, p.TableScan) else 0, inputs))
    marks[id(node)] = mark
    return mark


def _collect(node: PhysicalNode, marks: Mapping[int, int], alike: dict[int, list[PhysicalNode]]) -> None:
    if isinstance(node, _WORK) and _shrinks(node):
        alike.setdefault(marks[id(node)], []).append(node)
    for child in _inputs(node):
        _collect(child, marks, alike)


def _group(
    node: PhysicalNode,
    marks: Mapping[int, int],
    candidates: set[int],
    leaders: Mapping[int, p.Exchange],
    found: dict[object, list[PhysicalNode]],
) -> None:
    """Group candidates by all that decides their rows; what is inside of one is not looked at by itself."""
    if isinstance(node, _WORK) and marks[id(node)] in candidates and _shrinks(node):
        shape = Renaming(leaders=leaders).shape(node)
        if shape is not None:
            found.setdefault(shape, []).append(node)
            if len(found[shape]) > 1:
                return
    for child in _inputs(node):
        _group(child, marks, candidates, leaders, found)


def _inputs(node: PhysicalNode) -> tuple[PhysicalNode, ...]:
    return () if isinstance(node, p.Exchange) else p.children(node)


def _shrinks(node: PhysicalNode) -> bool:
    return node.estimate.rows <= sum(child.estimate.rows for child in p.children(node))
