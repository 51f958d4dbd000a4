"""``python -m tests.hunt.worker``: a process that tries seeds and tells of each in a line of JSON; see ``__main__``."""

import argparse
import dataclasses
import faulthandler
import json
import signal
import sys
import time

from tests.hunt.hunter import Finding, hunt
from tests.hunt.regression_files import write_regression
from tests.hunt.shrink import kind_of, shrink


def main() -> int:
    """Try seeds until the time is over."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, required=True, help="the first one")
    parser.add_argument("--count", type=int, default=sys.maxsize, help="at most so many")
    parser.add_argument("--stride", type=int, default=1, help="of the blocks of seeds every so many-th is tried")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clusters", type=float, default=0.1, help="the share of blocks that run on a cluster")
    parser.add_argument("--shrink", type=float, default=25, help="seconds for making a finding small")
    options = parser.parse_args()
    faulthandler.enable()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    deadline = time.monotonic() + options.seconds
    known: set[str] = set()
    for tried in hunt(options.seed, options.stride, options.clusters, lambda seed: _say({"start": seed})):
        told = dataclasses.asdict(dataclasses.replace(tried, finding=None))
        if tried.finding is not None:
            told |= _told(tried.finding, known, options.shrink)
        _say(told)
        options.count -= 1
        if time.monotonic() > deadline or options.count <= 0:
            break
    _say({"end": True})
    return 0


def _told(finding: Finding, known: set[str], seconds: float) -> dict[str, str]:
    """What is told of a finding: small if nothing like it was found before."""
    kind = kind_of(finding.message)
    again = kind in known and kind != "rows"
    known.add(kind)
    # What hung or died once is not tried over and over.
    small = finding if again or not seconds or finding.what != "findings" else shrink(finding, seconds)
    return {"what": finding.what, "kind": kind, "text": str(small), "file": write_regression(small)}


def _say(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
