"""The process in which a benchmark runs one engine: statements in on standard input, what they took and gave out.

A line of JSON asks; a line of JSON answers, with as many bytes of an Arrow stream after it as it says. Alone in its
process, an engine's CPU time and memory are its own, and what it leaves in memory is no other engine's.
"""

import json
import os
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow

import shoal
from shoal.tpch.contenders import Contender, Shoal, ShoalOptions
from shoal.tpch.dataset import Dataset
from shoal.tpch.processes import reset_peaks, tree_usage
from shoal.tpch.results import Sample, available_cores
from shoal.tpch.rivals import RIVALS
from shoal.tpch.suite import Suite


def measure(engine: Contender, sql: str) -> tuple[Sample, pyarrow.Table]:
    """Run one query and fetch all of its rows; raises what the engine raises."""
    reset_peaks()
    before = tree_usage()
    start = time.perf_counter()
    answer = engine.answer(sql)
    seconds = time.perf_counter() - start
    after = tree_usage()
    told = engine.statistics if isinstance(engine, Shoal) else None
    sample = Sample(
        seconds,
        after.cpu_seconds - before.cpu_seconds,
        after.peak_bytes,
        None if told is None else told.bytes_exchanged,
        None if told is None else told.spilled_bytes,
    )
    return sample, answer


def open_engine(request: dict[str, Any]) -> Contender:
    """The engine that a request names, on the cores that it may have."""
    dataset, threads = _dataset(request), int(request["threads"])
    if threads < available_cores():
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    if request["options"] is not None:
        options = dict(request["options"])
        settings = tuple((name, value) for name, value in options.pop("settings"))
        return Shoal(dataset, ShoalOptions(**options, settings=settings))
    return RIVALS[request["engine"]].open(dataset, threads)


def _dataset(request: dict[str, Any]) -> Dataset:
    """The data set that a request describes; what JSON has made lists of is tuples again."""
    described = {name: _tuples(value) for name, value in request["suite"].items()}
    return Dataset(Path(request["folder"]), Suite(**described))


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def serve(engine: Contender, questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer until there are no more questions."""
    for line in questions:
        try:
            sample, table = measure(engine, json.loads(line)["sql"])
        except Exception as error:  # noqa: BLE001 - told to whoever asked, whatever it is
            _say(answers, {"error": str(error), "kind": type(error).__name__})
            continue
        stream = _stream(table)
        _say(answers, {"sample": asdict(sample), "bytes": len(stream)}, stream)


def _stream(table: pyarrow.Table) -> bytes:
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    found: bytes = sink.getvalue().to_pybytes()
    return found


def _say(answers: BinaryIO, header: dict[str, Any], body: bytes = b"") -> None:
    answers.write(json.dumps(header).encode() + b"\n")
    answers.write(body)
    answers.flush()


def main() -> None:
    """Open the engine that the first argument describes, say so, and serve."""
    # Whoever started this process ends it; Ctrl-C is meant for them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What an engine prints is no answer.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        engine = open_engine(json.loads(sys.argv[1]))
    except Exception as error:  # noqa: BLE001 - told to whoever asked, whatever it is
        _say(answers, {"error": str(error), "kind": type(error).__name__, "ours": isinstance(error, shoal.Error)})
        # Half-open engines leave threads behind that nobody can end.
        os._exit(1)
    try:
        _say(answers, {"ready": True})
        serve(engine, sys.stdin.buffer, answers)
    finally:
        engine.close()


if __name__ == "__main__":
    main()
