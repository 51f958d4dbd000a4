"""``python -m tests.chaos``: queries for minutes on a local cluster whose executors are killed all the while.

Prints one line a round: how many were killed, how many answers were right, how many queries gave up. Ends with 1 at
the first wrong answer, error that is not one of a lost executor, or thing left behind. A seed repeats the same kills
and queries, though not the exact moments.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

import shoal
from shoal.tpch.generate import generate
from tests.engine.bad_input_modes import leaves_nothing
from tests.engine.chaos_script import Killer, expected_answers, joined, killing, run_queries


def main() -> int:
    """Run rounds until the time is over."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120.0, help="how long in all [120]")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="[the time]")
    parser.add_argument("--scale", type=float, default=0.1, help="of TPC-H [0.1]")
    options = parser.parse_args()
    chooser = random.Random(options.seed)
    _say(f"seed {options.seed}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(options.scale, folder)
        answers = expected_answers(folder)
        deadline = time.monotonic() + options.seconds
        while time.monotonic() < deadline:
            if not _round(folder, answers, chooser, min(30.0, options.seconds)):
                return 1
    return 0


def _round(folder: Path, answers: list[list[tuple[object, ...]]], chooser: random.Random, seconds: float) -> bool:
    executors, mmap = chooser.randint(2, 5), chooser.random() < 0.7
    shortest = chooser.choice((0.2, 0.5, 1.5))
    settings = {"executors": executors, "threads": 1, "memory": "512MB", "mmap": mmap, "data": str(folder)}
    with (
        leaves_nothing(),
        shoal.connect(distribute="always", partitions=executors + 1, **settings) as connection,  # type: ignore[arg-type]
    ):
        killer = Killer(random.Random(chooser.random()), shortest, 4 * shortest, lambda: joined(connection) >= 1)
        with killing(killer):
            outcome = run_queries(connection, answers, seconds, chooser)
    _say(
        f"{executors} executors, mmap {'on' if mmap else 'off'}: {killer.kills} killed, {outcome.right} right, "
        f"{len(outcome.wrong)} wrong, {len(outcome.given_up)} given up, slowest {outcome.slowest:.1f} s"
    )
    return not outcome.wrong


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
