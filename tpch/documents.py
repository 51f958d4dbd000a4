"""A result as JSON: the single runs, and beside them the medians, ratios and means."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from shoal.tpch.results import BenchmarkResult, EngineRuns, QueryOutcome


def write_json(result: BenchmarkResult, path: Path) -> None:
    """Write a result to a file."""
    path.write_text(json.dumps(to_document(result), indent=2) + "\n", encoding="utf-8")


def to_document(result: BenchmarkResult) -> dict[str, Any]:
    """A result as plain values; what is named ``rival`` and ``ratio`` is of the first rival."""
    document = asdict(result)
    document["machine"]["versions"] = dict(result.machine.versions)
    document["queries"] = [_query(query) for query in result.queries]
    first = result.against(0) if result.rivals else None
    document |= {
        "engines": [asdict(summary) for summary in result.summaries()],
        "rival": result.rival,
        "total_seconds": result.total_seconds,
        "rival_total_seconds": first.total_seconds if first else None,
        "geometric_seconds": result.geometric_seconds,
        "rival_geometric_seconds": first.geometric_seconds if first else None,
        "geometric_ratio": result.geometric_ratio,
        "exchanged_bytes": result.own.exchanged_bytes,
        "naive_exchanged_bytes": result.naive_exchanged_bytes,
        "failed": result.failed,
    }
    return document


def _query(query: QueryOutcome) -> dict[str, Any]:
    first = query.rivals[0] if query.rivals else None
    return {
        "number": query.number,
        "rows": query.rows,
        **_runs(query.own),
        "rival_seconds": first.seconds if first else None,
        "ratio": query.ratio,
        "naive_exchanged_bytes": query.naive_exchanged_bytes,
        "rivals": [{**_runs(runs), "ratio": query.ratio_to(index)} for index, runs in enumerate(query.rivals)],
    }


def _runs(runs: EngineRuns) -> dict[str, Any]:
    return {
        **asdict(runs),
        "seconds": runs.seconds,
        "cpu_seconds": runs.cpu_seconds,
        "peak_bytes": runs.peak_bytes,
        "exchanged_bytes": runs.exchanged_bytes,
        "spilled_bytes": runs.spilled_bytes,
    }
