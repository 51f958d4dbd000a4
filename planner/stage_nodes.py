"""The part of a physical plan that one stage runs."""

from collections.abc import Iterator
from dataclasses import replace

from shoal.planner import physical as p
from shoal.planner.physical import PhysicalNode


def stage_nodes(root: PhysicalNode) -> Iterator[PhysicalNode]:
    """The nodes of a stage from its root down, its exchanged inputs being the last ones."""
    yield root
    if not isinstance(root, p.Exchange):
        for child in p.children(root):
            yield from stage_nodes(child)


def replaced(node: PhysicalNode, old: PhysicalNode, new: PhysicalNode) -> PhysicalNode:
    """The plan of a stage with one of its nodes changed; what lies behind exchanges stays as it is."""
    if node is old:
        return new
    match node:
        case p.HashJoin() | p.Combine():
            return replace(node, left=replaced(node.left, old, new), right=replaced(node.right, old, new))
        case p.Filter() | p.Project() | p.HashAggregate() | p.WindowCompute() | p.SortRows() | p.LimitRows():
            return replace(node, input=replaced(node.input, old, new))
        case _:
            return node


def is_exact(exchange: p.Exchange) -> bool:
    """Whether it is known, not guessed, how many rows an exchange moves: all those of a table."""
    return all(isinstance(node, (p.TableScan, p.Project)) for node in stage_nodes(exchange.input))
