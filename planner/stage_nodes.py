"""The part of a physical plan that one stage runs."""

from collections.abc import Iterator

from shoal.planner import physical as p
from shoal.planner.physical import PhysicalNode


def stage_nodes(root: PhysicalNode) -> Iterator[PhysicalNode]:
    """The nodes of a stage from its root down, its exchanged inputs being the last ones."""
    yield root
    if not isinstance(root, p.Exchange):
        for child in p.children(root):
            yield from stage_nodes(child)
