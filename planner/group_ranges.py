"""Many groups of a clustered key are made range by range: the hash table of each range fits into the caches."""

from collections.abc import Mapping
from dataclasses import replace
from math import ceil

from sqlglot import exp

from shoal.planner import logical
from shoal.planner import physical as p
from shoal.planner.candidate import Candidate, prices_of
from shoal.planner.ids import ColumnId
from shoal.planner.key_cuts import has_range_type, own_borders
from shoal.planner.logical import Node
from shoal.planner.options import PlanOptions
from shoal.planner.physical import GroupRanges, PhysicalNode
from shoal.planner.protocols import Statistics

RULE = "group_by_ranges"
"""Among ``disabled_rules`` it leaves all groups of a task to one hash table."""

LEAST_GROUPS = 800_000
"""Groups of one task from which ranges pay: reading footers for each range costs more than it spares below."""

RANGE_GROUPS = 400_000
"""Groups of one range, whose hash table one core's caches nearly hold."""

MOST_RANGES = 32
"""Each range is a part of the statement of its own, which the kernel has to plan."""

RANGE_BYTES = 4 << 20
"""What the hash table of a range takes for each thread, however few groups it has: about 1 MB, and room to be wrong.
The kernel begins them all before the first one is done."""

MEMORY_SHARE = 0.25
"""The part of an executor's memory that this may be in all."""


def group_ranges(
    node: logical.Aggregate, groups: float, options: PlanOptions, statistics: Statistics
) -> GroupRanges | None:
    """The ranges of a key in which ``groups`` groups, spread over all tasks, are made; None if one hash table does.

        Aggregate(keys k, f(x), Scan)  ->  Aggregate(keys k, f(x), Scan where k < 5)
                                           UNION ALL Aggregate(keys k, f(x), Scan where k >= 5) ...

    None where the key is computed, where rows come from more than one filtered table, or where its files are not
    clustered on the key, as each range would be looked for in all of them.
    """
    prices = prices_of(options)
    if groups < LEAST_GROUPS * prices.tasks:
        return None
    affordable = int(options.memory_bytes * MEMORY_SHARE / (RANGE_BYTES * prices.threads))
    count = min(MOST_RANGES, ceil(groups / RANGE_GROUPS), affordable)
    found = _scanned(node.input)
    if found is None:
        return None
    scan, names = found
    for key in node.keys:
        name = names.get(key.id)
        if name is None or not has_range_type(key.type):
            continue
        ranges = statistics.key_ranges(scan.source, name)
        borders = own_borders(ranges, count, key.type)
        if borders:
            return GroupRanges(key.id, borders)
    return None


def _is_scanned(plan: PhysicalNode) -> bool:
    """Whether rows come from a table of files, at most filtered and computed from."""
    while isinstance(plan, (p.Filter, p.Project)):
        plan = plan.input
    return isinstance(plan, p.TableScan)


def _scanned(node: Node) -> tuple[logical.Scan, Mapping[ColumnId, str]] | None:
    """The table that a node reads alone, and the names there of the columns that are only passed on."""
    passed: list[logical.Project] = []
    while isinstance(node, (logical.Filter, logical.Project)):
        passed += [node] if isinstance(node, logical.Project) else []
        node = node.input
    if not isinstance(node, logical.Scan):
        return None
    names = {column.id: name for column, name in zip(node.columns, node.names, strict=True)}
    for project in reversed(passed):
        columns = [one for one in project.assignments if isinstance(one.expression, exp.Column)]
        known = [(one.column.id, names.get(ColumnId(one.expression.name))) for one in columns]
        names = {id: name for id, name in known if name is not None}
    return node, names


def in_ranges(candidate: Candidate, ranges: GroupRanges | None) -> Candidate:
    """The same aggregate with its groups made in ranges, if its rows are scanned where they are grouped."""
    plan = candidate.plan
    if ranges is None or not isinstance(plan, p.HashAggregate) or not _is_scanned(plan.input):
        return candidate
    return replace(candidate, plan=replace(plan, ranges=ranges))
