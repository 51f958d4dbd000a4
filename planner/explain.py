"""Shows a planned query: as a tree of operators for each stage, as JSON, or as the statements that tasks run.

The text is an interface: ids are in plan order, there are no addresses and no times of the clock in it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

from sqlglot import exp

from shoal.planner import physical as p
from shoal.planner.ids import StageId
from shoal.planner.logical import SortKey
from shoal.planner.physical import AggregatePhase, ExchangeKind, PhysicalNode
from shoal.planner.plan import PlannedQuery
from shoal.planner.scalar import sql_of
from shoal.planner.source import FileSource, TableSource
from shoal.planner.stage import Estimate, ScanInput, Split, Stage
from shoal.planner.stage_nodes import stage_nodes

LONGEST_EXPRESSION = 120
"""Characters of an expression that are shown in the tree."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator as it is shown: its name, what it works on, why, and what is expected of it."""

    name: str
    detail: str
    reason: str
    estimate: Estimate
    inputs: tuple["Operator", ...]


def render_text(planned: PlannedQuery) -> str:
    """The physical plan: stages from the result down, with exchanges, estimates and the reason for each choice."""
    lines = [f"{_count(len(planned.staged.stages), 'stage')}: {planned.reason}"]
    for stage in reversed(planned.staged.stages):
        lines += ["", _stage_line(planned, stage), *_variant_lines(planned, stage)]
        operator = _stage_operator(planned, stage)
        if operator is None:
            lines += [f"  {line}" for line in _whole_lines(stage)]
        else:
            lines += _tree_lines(operator, "  ", "  ")
    return "\n".join(lines)


def render_json(planned: PlannedQuery) -> str:
    """The same as JSON: a list of stages in the order in which they run, each with its tree of operators."""
    stages = []
    for stage in planned.staged.stages:
        operator = _stage_operator(planned, stage)
        stages.append(
            {
                "stage": stage.id,
                "tasks": stage.tasks,
                "output": _output(planned, stage),
                "deterministic": stage.deterministic,
                "kernel_join_order": stage.kernel_join_order,
                "reads": [{"stage": item.stage, "mode": item.mode.value} for item in stage.exchanges],
                "estimate": _estimate_json(stage.estimate),
                "plan": None if operator is None else _operator_json(operator),
                "sql": stage.sql,
            }
        )
    whole = {"reason": planned.reason, "seconds": dict(planned.seconds), "stages": stages}
    return json.dumps(whole, indent=2)


def render_fragments(planned: PlannedQuery) -> str:
    """What each task runs: its inputs and its statement, which can be pasted into DuckDB."""
    lines: list[str] = []
    for stage in planned.staged.stages:
        lines.append(f"-- {_stage_line(planned, stage)}")
        lines += [f"-- {item.name} = {_scan_text(item)}" for item in stage.scans]
        for exchange in stage.exchanges:
            part = "its own partition" if exchange.mode.value == "aligned" else "all partitions"
            lines.append(f"-- {exchange.name} = {part} of stage {exchange.stage}")
        for task in range(stage.tasks):
            splits = [(item.name, _split_of(item, task)) for item in stage.scans if len(item.splits) > 1]
            lines += [f"-- task {task}: {name} {_split_text(split)}" for name, split in splits]
        lines += [f"CREATE TEMP VIEW {name} AS {sql};" if name else f"{sql};" for name, sql in stage.setup]
        lines += [f"{stage.sql.rstrip().rstrip(';')};", ""]
    return "\n".join(lines).rstrip()


def _stage_operator(planned: PlannedQuery, stage: Stage) -> Operator | None:
    if stage.id >= len(planned.roots):
        return None
    return _operator(planned.roots[stage.id], _Shown([item.stage for item in stage.exchanges], planned.repeated))


@dataclass(slots=True)
class _Shown:
    """How far a stage's tree has been shown: the stages that it reads, in the order of the tree, still to come, and
    which of the parts that occur more than once were there already."""

    exchanges: list[StageId]
    repeated: Mapping[int, int]
    parts: set[int] = field(default_factory=set)


def _stage_line(planned: PlannedQuery, stage: Stage) -> str:
    estimate = f", expects {_rows(stage.estimate)}" if stage.estimate is not None else ""
    return f"stage {stage.id}, {_count(stage.tasks, 'task')} -> {_output(planned, stage)}{estimate}"


def _variant_lines(planned: PlannedQuery, stage: Stage) -> list[str]:
    """What the stage becomes, and until when it or the one that it then does without waits."""
    lines = []
    for variant in planned.staged.variants:
        if variant.stage.id == stage.id:
            others = " and ".join(f"stage {one}" for one in variant.measured)
            then = f"all of it goes to every task, and stage {variant.waits} is not run"
            if variant.waits == stage.id:
                then = "only rows that match it are delivered"
            lines.append(f"  (if {others} delivers at most {_size(variant.most_bytes)}, {then})")
    turned = [one.side for one in planned.staged.turned if one.stage.id == stage.id]
    lines += [
        f"  (if the {side} side of a join has far fewer rows than the other, it builds on that)" for side in turned
    ]
    return lines


def _output(planned: PlannedQuery, stage: Stage) -> str:
    if stage.id == planned.staged.result.id:
        return "result"
    if stage.output.column is not None:
        return f"{stage.output.partitions} partitions {_parting(planned, stage)}"
    readers = [s for s in planned.staged.stages for item in s.exchanges if item.stage == stage.id]
    tasks = max((item.tasks for item in readers), default=1)
    return f"broadcast to {tasks} tasks" if tasks > 1 else "gather"


def _parting(planned: PlannedQuery, stage: Stage) -> str:
    """How the rows of a stage are parted: the word for the exchange that it was made for."""
    for reader, root in zip(planned.staged.stages, planned.roots, strict=False):
        read = (node for node in stage_nodes(root) if isinstance(node, p.Exchange))
        for item, node in zip(reader.exchanges, read, strict=False):
            if item.stage == stage.id and node.kind is not ExchangeKind.GATHER:
                return "in turn" if node.kind is ExchangeKind.ROUND_ROBIN else f"by {_range_or_hash(node)}"
    return "by hash"


def _range_or_hash(exchange: p.Exchange) -> str:
    return "range" if exchange.bounds or exchange.kind is ExchangeKind.RANGE else "hash"


def _whole_lines(stage: Stage) -> list[str]:
    lines = ["the kernel's own plan of the whole statement over"]
    lines += [f"  {item.name} = {_scan_text(item)}" for item in stage.scans] or ["  no table"]
    return lines


def _operator(node: PhysicalNode, shown: _Shown) -> Operator:
    """The operator of a node, and of its inputs unless they were shown before."""
    exchanges = shown.exchanges
    if isinstance(node, p.Exchange):
        once = f"{node.once} is computed once for all who read it" if node.once else ""
        if node.kind is ExchangeKind.ROUND_ROBIN:
            detail = f"from stage {exchanges.pop(0)}, rows dealt out in turn"
            return Operator("Exchange", detail, once, node.estimate, ())
        kind = (
            f" by {_range_or_hash(node)} of {', '.join(node.keys)}"
            if node.kind in (ExchangeKind.HASH, ExchangeKind.RANGE)
            else ""
        )
        return Operator("Exchange", f"from stage {exchanges.pop(0)}{kind}", once, node.estimate, ())
    name, detail, reason = _described(node)
    part = shown.repeated.get(id(node))
    if part in shown.parts:
        return Operator(f"once_{part}", "", "the same rows as above, computed once", node.estimate, ())
    if part is not None:
        shown.parts.add(part)
        reason = "; ".join(text for text in (reason, f"computed once, as once_{part}") if text)
    inputs = tuple(_operator(child, shown) for child in p.children(node))
    return Operator(name, detail, reason, node.estimate, inputs)


def _described(node: PhysicalNode) -> tuple[str, str, str]:
    match node:
        case p.TableScan():
            how = "split among the tasks" if node.split else "whole in each task"
            if node.clustered_on:
                how = f"cut at the same borders of {node.clustered_on} that its files are clustered on"
            return "Scan", f"{node.scan.alias} ({', '.join(node.scan.names)})", how
        case p.KernelQuery():
            return "Kernel", _short(node.block.sql), f"one executor runs it: {node.block.reason}"
        case p.Literals():
            nothing = "" if node.values.rows else "it is known that there are none"
            return "Values", _count(len(node.values.rows), "row"), nothing
        case p.Filter():
            return "Filter", _short(sql_of(node.predicate)), ""
        case p.Project():
            computed = [item for item in node.assignments if not isinstance(item.expression, exp.Column)]
            return (
                "Project",
                _short(", ".join(f"{item.column.id} = {sql_of(item.expression)}" for item in computed)),
                "",
            )
        case p.HashJoin():
            condition = _short(sql_of(node.condition)) if node.condition is not None else "every pair"
            build = "left" if node.build_left else "right"
            return (
                f"Join {node.kind.value}",
                f"on {condition}",
                f"{node.strategy.value}, builds on the {build}: {node.reason}",
            )
        case p.HashAggregate():
            phase = "" if node.phase is AggregatePhase.COMPLETE else f" {node.phase.value}"
            calls = ", ".join(sql_of(item.expression) for item in node.assignments)
            keys = f" by {', '.join(column.id for column in node.keys)}" if node.keys else ""
            ranges = "" if node.ranges is None else f"in {len(node.ranges.borders) + 1} ranges of {node.ranges.key}"
            return f"Aggregate{phase}", _short(f"{calls or 'distinct'}{keys}"), node.reason or ranges
        case p.WindowCompute():
            return "Window", _short(", ".join(sql_of(item.expression) for item in node.assignments)), ""
        case p.SortRows():
            return "Sort", ", ".join(_key(key) for key in node.keys), ""
        case p.LimitRows():
            offset = f" after {node.offset}" if node.offset else ""
            return "Limit", ("all" if node.count is None else str(node.count)) + offset, ""
        case p.Combine():
            return node.operator.value.capitalize(), "all" if node.all else "distinct", ""
        case p.Exchange():
            return "Exchange", "", ""
        case _:
            assert_never(node)


def _tree_lines(operator: Operator, first: str, rest: str) -> list[str]:
    reason = f"  [{operator.reason}]" if operator.reason else ""
    detail = f" {operator.detail}" if operator.detail else ""
    lines = [f"{first}{operator.name}{detail}  ~{_rows(operator.estimate)}{reason}"]
    for position, child in enumerate(operator.inputs):
        last = position == len(operator.inputs) - 1
        lines += _tree_lines(child, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "))
    return lines


def _operator_json(operator: Operator) -> dict[str, object]:
    return {
        "operator": operator.name,
        "detail": operator.detail,
        "reason": operator.reason,
        "estimate": _estimate_json(operator.estimate),
        "inputs": [_operator_json(child) for child in operator.inputs],
    }


def _estimate_json(estimate: Estimate | None) -> dict[str, int | str] | None:
    if estimate is None:
        return None
    origin = {"origin": estimate.origin} if estimate.origin else {}
    return {"rows": round(estimate.rows), "bytes": round(estimate.bytes), **origin}


def _scan_text(item: ScanInput) -> str:
    return f"{_source_text(item.source)} ({', '.join(item.columns)})"


def _source_text(source: TableSource) -> str:
    if isinstance(source, FileSource):
        paths = ", ".join(f"'{file.path}'" for file in source.files[:3])
        more = f", and {len(source.files) - 3} more" if len(source.files) > 3 else ""
        return f"{source.format.value}([{paths}{more}])"
    return f"Arrow data of {_count(source.rows, 'row')}"


def _split_of(item: ScanInput, task: int) -> Split:
    return item.splits[task] if len(item.splits) > 1 else item.splits[0]


def _split_text(split: Split) -> str:
    if split.whole:
        return "whole"
    if not split.ranges:
        return "nothing"
    parts = [
        f"'{one.file.path}'" if one.first_row is None else f"'{one.file.path}' rows {one.first_row} to {one.last_row}"
        for one in split.ranges
    ]
    return ", ".join(parts)


def _key(key: SortKey) -> str:
    return sql_of(key.expression) + (" DESC" if key.descending else "")


def _rows(estimate: Estimate) -> str:
    origin = f" ({estimate.origin})" if estimate.origin else ""
    return f"{_count(round(estimate.rows), 'row')}, {_size(estimate.bytes)}{origin}"


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return ""


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= LONGEST_EXPRESSION else flat[: LONGEST_EXPRESSION - 3] + "..."
