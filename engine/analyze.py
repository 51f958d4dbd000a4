"""EXPLAIN in its four modes: the plan, the fragments, both as JSON, and what a run of it measured."""

import time
from collections.abc import Callable
from typing import assert_never

from shoal.distributed import DistributedStream
from shoal.embedded import EmbeddedStream
from shoal.planner.explain import render_fragments, render_json, render_text
from shoal.planner.plan import PlannedQuery
from shoal.planner.statement import ExplainMode
from shoal.runner import StageRun


def explain(mode: ExplainMode, planned: PlannedQuery, run: Callable[[], EmbeddedStream | DistributedStream]) -> str:
    """The text of an EXPLAIN; ``run`` starts the plan, for ANALYZE."""
    match mode:
        case ExplainMode.PLAN:
            return render_text(planned)
        case ExplainMode.FRAGMENTS:
            return render_fragments(planned)
        case ExplainMode.JSON:
            return render_json(planned)
        case ExplainMode.ANALYZE:
            return _analyzed(planned, run)
        case _:
            assert_never(mode)


def _analyzed(planned: PlannedQuery, run: Callable[[], EmbeddedStream | DistributedStream]) -> str:
    """Run the plan, drop its rows, and put what it measured before the plan."""
    started = time.monotonic()
    stream = run()
    rows = size = 0
    try:
        while (batch := stream.next_batch()) is not None:
            rows += batch.num_rows
            size += batch.nbytes
        runs = stream.stage_runs
    finally:
        stream.close()
    seconds = time.monotonic() - started
    lines = [f"{_seconds(seconds)} in all, {rows:,} rows, {_bytes(size)} of result"]
    for stage_run in runs:
        lines += _stage_lines(stage_run, seconds)
    return "\n".join([*lines, "", render_text(planned)])


def _stage_lines(run: StageRun, total: float) -> list[str]:
    metrics = [task.metrics for task in run.tasks]
    slowest = max((item.seconds for item in metrics), default=0.0)
    attempts = "" if run.attempts == 1 else f", {run.attempts} attempts"
    share = f"{100 * slowest / total:.0f} % of the time" if total else ""
    head = (
        f"stage {run.stage}: {len(run.tasks)} task{'' if len(run.tasks) == 1 else 's'}{attempts}, "
        f"{_seconds(slowest)} ({share}), {sum(item.rows_in for item in metrics):,} rows in, "
        f"{sum(item.rows_out for item in metrics):,} rows out, {_bytes(sum(item.bytes_in for item in metrics))} in, "
        f"{_bytes(sum(item.bytes_out for item in metrics))} out"
    )
    spilled = sum(item.spilled_bytes for item in metrics)
    lines = [f"{head}, {_bytes(spilled)} spilled" if spilled else head]
    lines += [f"  adapted: {note}" for note in run.adapted]
    for task in run.tasks:
        item = task.metrics
        lines.append(
            f"  task {task.task.partition} on {task.executor}: {_seconds(item.seconds)} ({_seconds(item.cpu_seconds)} "
            f"CPU), {item.rows_in:,} rows in, {item.rows_out:,} rows out, {_bytes(item.bytes_out)} out, "
            f"{_bytes(item.peak_memory_bytes)} of memory"
        )
    return lines


def _seconds(value: float) -> str:
    return f"{value:.3f} s"


def _bytes(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("the last unit returns")
