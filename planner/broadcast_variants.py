"""Partitioned joins whose one side may turn out small: the same stage with that side broadcast, chosen when it runs."""

from dataclasses import replace

from shoal.planner import physical as p
from shoal.planner.cost.model import BUILD_BYTE, BUILD_ROW, RECEIVE_BYTE, SEND_BYTE, SEND_ROW
from shoal.planner.fragment import Fragmenter
from shoal.planner.physical import ExchangeKind, PhysicalNode
from shoal.planner.split_inputs import split_inputs
from shoal.planner.stage import Stage, StageVariant
from shoal.planner.stage_nodes import is_exact, stage_nodes

UNCERTAIN = 20.0
"""Estimates may be wrong by this factor; where even then a broadcast would not pay, nobody waits for the truth."""

MEMORY_SHARE = 1 / 8
"""The share of an executor's memory that rows sent to every task may take."""


def broadcast_variant(
    fragmenter: Fragmenter, stage: Stage, root: PhysicalNode, memory_bytes: int
) -> StageVariant | None:
    """For a stage that joins parted inputs, what it could be if all of these but the largest were small::

        stage 2: Join partitioned               stage 2: Join broadcast
          Exchange by hash from stage 0    ->     Exchange, whole, from stage 0
          Exchange by hash from stage 1           what stage 1 would have done, whose rows need not move

    Only where the largest input may be shared out in any way, so not where groups above the join need its keys in one
    task, and not where a table is split along the same keys.
    """
    splittable = split_inputs(root)
    inputs = [node for node in stage_nodes(root) if isinstance(node, p.Exchange)]
    if stage.tasks == 1 or not splittable or len(inputs) < 2 or _reads_splits(root):
        return None
    largest = max((node for node in inputs if id(node) in splittable), key=lambda node: node.estimate.bytes)
    skipped = fragmenter.stages[fragmenter.stage_of(largest)]
    others = [node for node in inputs if node is not largest and node.kind is not ExchangeKind.GATHER]
    measured = tuple(dict.fromkeys(fragmenter.stage_of(node) for node in others))
    if (
        not others
        or len(fragmenter.readers_of(skipped.id)) > 1
        or skipped.tasks == 1
        or not fragmenter.is_made_for(largest)
    ):
        return None
    limit = min(_break_even(largest, stage.tasks), memory_bytes * MEMORY_SHARE)
    most = limit if all(is_exact(node) for node in others) else UNCERTAIN * limit
    if sum(node.estimate.bytes for node in others) > most:
        return None
    changed: dict[int, PhysicalNode] = {id(largest): largest.input}
    for node in others:
        whole = p.Exchange(node.input, ExchangeKind.GATHER, node.estimate)
        fragmenter.read_like(whole, node)
        changed[id(node)] = whole
    plan = _changed(root, changed, id(largest))
    return StageVariant(fragmenter.again(stage.id, plan), skipped.id, measured, int(limit))


def _break_even(moved: p.Exchange, tasks: int) -> float:
    """The bytes that may go to every task instead of parting the rows of ``moved``."""
    rows, size = moved.estimate.rows, max(1.0, moved.estimate.bytes)
    move = (rows * SEND_ROW + size * (SEND_BYTE + RECEIVE_BYTE)) / tasks
    per_byte = RECEIVE_BYTE + BUILD_BYTE + BUILD_ROW * rows / size
    return move / (per_byte * (1 - 1 / tasks))


def _reads_splits(root: PhysicalNode) -> bool:
    return any(
        isinstance(node, p.KernelQuery) or (isinstance(node, p.TableScan) and node.split) for node in stage_nodes(root)
    )


def _changed(node: PhysicalNode, changed: dict[int, PhysicalNode], moved: int) -> PhysicalNode:
    """The plan of a stage with other inputs; every join on the way to ``moved`` builds on its other side."""
    if id(node) in changed:
        return changed[id(node)]
    match node:
        case p.HashJoin():
            left, right = _changed(node.left, changed, moved), _changed(node.right, changed, moved)
            held = [any(id(each) == moved for each in stage_nodes(side)) for side in (node.left, node.right)]
            joined = replace(node, left=left, right=right)
            return replace(joined, strategy=p.JoinStrategy.BROADCAST, build_left=held[1]) if any(held) else joined
        case p.Combine():
            return replace(node, left=_changed(node.left, changed, moved), right=_changed(node.right, changed, moved))
        case p.Filter() | p.Project() | p.HashAggregate() | p.WindowCompute() | p.SortRows() | p.LimitRows():
            return replace(node, input=_changed(node.input, changed, moved))
        case _:
            return node
