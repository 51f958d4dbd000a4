"""What the kernel of this process measures of a statement, for EXPLAIN ANALYZE."""

import json

import duckdb

from shoal.executor.kernel import Session
from shoal.planner.stage import TaskMetrics


def start_measuring(session: Session) -> None:
    """Have the kernel measure what the session runs from now on."""
    session.connection.execute("PRAGMA enable_profiling = 'no_output'")
    session.connection.execute("SET SESSION tracked_metrics = ['query.*', 'system.*', 'io.*']")


def kernel_metrics(session: Session) -> TaskMetrics:
    """What the kernel measured of the latest statement; zeros where it tells nothing."""
    try:
        profile = json.loads(session.connection.get_profiling_information())
    except (duckdb.Error, ValueError):
        profile = {}
    query, system, files = (profile.get(part, {}) for part in ("query", "system", "io"))
    return TaskMetrics(
        seconds=0.0,
        cpu_seconds=0.0,
        rows_in=int(query.get("total_rows_scanned", 0)),
        bytes_in=int(files.get("total_bytes_read", 0)),
        rows_out=0,
        bytes_out=0,
        spilled_bytes=int(system.get("peak_temp_dir_size", 0)),
        peak_memory_bytes=int(system.get("peak_buffer_memory", 0)),
    )
