"""Joins that may build on the wrong side: the same stage with the other side built, chosen when sizes are known."""

from collections.abc import Iterator
from dataclasses import replace

from shoal.planner import physical as p
from shoal.planner.cost.model import BUILD_LEFT_FACTOR
from shoal.planner.fragment import Fragmenter
from shoal.planner.logical import JoinKind
from shoal.planner.physical import ExchangeKind, HashJoin, PhysicalNode
from shoal.planner.stage import SideRows, Stage, TurnedStage
from shoal.planner.stage_nodes import is_exact, replaced, stage_nodes

UNCERTAIN = 20.0
"""Estimates may be wrong by this factor; where even then the same side would be built on, nothing else is planned."""

LEAST_ROWS = 10_000.0
"""Building on fewer rows is never worth a thought."""

_TURNED = (JoinKind.INNER, JoinKind.LEFT, JoinKind.RIGHT, JoinKind.FULL)


def turned_stage(fragmenter: Fragmenter, stage: Stage, root: PhysicalNode) -> TurnedStage | None:
    """What a stage could be if the side that its largest doubtful join builds on turned out the larger one::

        Join inner, builds on the right        Join inner, builds on the left
          Exchange a from stage 0         ->     Exchange a from stage 0
          Exchange b from stage 1                Exchange b from stage 1

    Only where each side's rows follow from those of one exchange, or are those of a table, and not semi and anti
    joins, for which the kernel has only one way. Not where estimates are as good as known.
    """
    joins = [node for node in stage_nodes(root) if isinstance(node, HashJoin) and node.kind in _TURNED]
    doubtful = [(join, sides) for join in joins if (sides := _sides(fragmenter, join)) is not None]
    if not doubtful:
        return None
    join, (built, probed) = max(doubtful, key=lambda pair: _built(pair[0]).estimate.rows)
    plan = replaced(root, join, replace(join, build_left=not join.build_left))
    factor = 2.0 if join.kind is JoinKind.INNER else BUILD_LEFT_FACTOR
    side = "right" if join.build_left else "left"
    return TurnedStage(fragmenter.again(stage.id, plan), built, probed, factor, side)


def _built(join: HashJoin) -> PhysicalNode:
    return join.left if join.build_left else join.right


def _sides(fragmenter: Fragmenter, join: HashJoin) -> tuple[SideRows, SideRows] | None:
    """What tells the rows of the side that is built on and of the other; None if they are not in doubt, or not told."""
    built = _built(join)
    probed = join.right if join.build_left else join.left
    if join.condition is None:
        return None
    rows = [_in_task(fragmenter, side) for side in (built, probed)]
    known = [_is_known(side) for side in (built, probed)]
    most = rows[0] * (1.0 if known[0] else UNCERTAIN)
    if most < LEAST_ROWS or rows[0] * UNCERTAIN < rows[1] or all(known):
        return None
    found = [_side_rows(fragmenter, side) for side in (built, probed)]
    one, other = found
    if one is None or other is None or (one.stage is None and other.stage is None):
        return None
    return one, other


def _in_task(fragmenter: Fragmenter, side: PhysicalNode) -> float:
    """The rows of a side that one task is expected to have."""
    spread = any(
        (isinstance(node, p.Exchange) and node.kind is not ExchangeKind.GATHER)
        or (isinstance(node, p.TableScan) and node.split)
        for node in stage_nodes(side)
    )
    return side.estimate.rows / (fragmenter.partitions if spread else 1)


def _is_known(side: PhysicalNode) -> bool:
    while isinstance(side, p.Project):
        side = side.input
    return isinstance(side, p.TableScan) or (isinstance(side, p.Exchange) and is_exact(side))


def _side_rows(fragmenter: Fragmenter, side: PhysicalNode) -> SideRows | None:
    inputs = [node for node in stage_nodes(side) if isinstance(node, p.Exchange)]
    rows = _in_task(fragmenter, side)
    if not inputs:
        return SideRows(None, rows)
    if len(inputs) > 1:
        return None
    return SideRows(fragmenter.stage_of(inputs[0]), rows / max(1.0, inputs[0].estimate.rows))


def turned_stages(fragmenter: Fragmenter) -> Iterator[TurnedStage]:
    """The turned stages of a plan."""
    for stage, root in list(zip(fragmenter.stages, fragmenter.roots, strict=True)):
        found = turned_stage(fragmenter, stage, root)
        if found is not None:
            yield found
