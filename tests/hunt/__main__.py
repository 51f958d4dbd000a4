"""``python -m tests.hunt``: looks for wrong answers with random statements until the time is over.

``--minutes 60 --processes 2``. Each finding is made small, printed with its plan, and kept as a file in
``tests/hunt/regressions``; ``--seed N --count 1`` tries one again. The totals are printed each minute and at the end,
also when it is interrupted. Ends with 1 if anything was found: a difference, a statement that took longer than its
timeout (a hang), a process that died or fell silent.
"""

import argparse
import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.hunt.hunter import BLOCK
from tests.hunt.regression_files import FOLDER

SILENCE = 150.0
"""Seconds without a line after which a worker hangs."""
MOST_DEATHS = 20
"""Workers that may hang or die one after another, without a case between them, before the hunt is given up."""
STOP_SECONDS = 15.0
"""So long a worker may take to close what it has opened."""
TELL_SECONDS = 60.0
"""How often the totals are printed."""


@dataclass
class Totals:
    """What was tried, of all workers."""

    counts: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def wrong(self) -> int:
        """How much was found."""
        return sum(self.counts[name] for name in ("findings", "hangs", "crashes"))

    def __str__(self) -> str:
        names = ("cases", "statements", "distributed", "errors", "passed_over", "hangs", "crashes", "findings")
        words = {
            "distributed": "of them in several tasks",
            "errors": "errors on both sides",
            "passed_over": "cases passed over",
            "findings": "differences",
        }
        return ", ".join(f"{self.counts[name]:,} {words.get(name, name)}" for name in names)


class Worker:
    """One worker process after another: a new one for each that hangs or dies."""

    def __init__(self, options: argparse.Namespace, number: int, totals: Totals) -> None:
        self._options = options
        self._totals = totals
        self._seed = options.seed + number * BLOCK
        self._left = options.count
        self._deadline = time.monotonic() + options.minutes * 60
        self._last = time.monotonic()
        self._process: subprocess.Popen[str] | None = None
        self._hung = False
        self._stopped = False

    def run(self) -> None:
        """Until the time is over."""
        deaths = 0
        while deaths < MOST_DEATHS and self._left > 0 and (seconds := self._deadline - time.monotonic()) > 0:
            left = self._left
            # In a group of its own, so that Ctrl-C ends this process, which ends its workers.
            command = self._command(seconds)
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, process_group=0) as process:
                self._process, self._last, self._hung = process, time.monotonic(), False
                watchdog = threading.Thread(target=self._watch, args=(process,), daemon=True)
                watchdog.start()
                self._read(process)
            if self._stopped or process.returncode == 0:
                return
            deaths = deaths + 1 if self._left == left else 1
            what = "hangs" if self._hung else "crashes"
            with self._totals.lock:
                self._totals.counts[what] += 1
            _say(f"{what}: seed {self._seed}, exit code {process.returncode}\n")
            self._seed = _next_seed(self._seed, self._options.processes)

    def stop(self) -> None:
        """End the process; it closes what it has opened if it can."""
        self._stopped = True
        self._left = 0
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()

    def _command(self, seconds: float) -> Sequence[str]:
        given = {
            "--seed": self._seed,
            "--count": self._left,
            "--stride": self._options.processes,
            "--seconds": seconds,
            "--clusters": self._options.clusters,
            "--shrink": self._options.shrink,
        }
        words = [word for pair in given.items() for word in map(str, pair)]
        return [sys.executable, "-m", "tests.hunt.worker", *words]

    def _read(self, process: subprocess.Popen[str]) -> None:
        """Count what the worker tells, until it ends."""
        for message in _messages(process):
            self._last = time.monotonic()
            if "start" in message:
                self._seed = int(str(message["start"]))
            elif "end" not in message:
                self._left -= 1
                self._count(message)

    def _count(self, message: dict[str, object]) -> None:
        with self._totals.lock:
            counts = self._totals.counts
            counts["cases"] += 1
            for name in ("statements", "distributed", "errors", "passed_over"):
                counts[name] += int(message[name])  # type: ignore[call-overload]
            if "kind" not in message:
                return
            counts[str(message["what"])] += 1
            self._totals.kinds[str(message["kind"])] += 1
            _say(f"{message['text']}\n")
            if self._options.keep is not None:
                file = self._options.keep / f"seed_{message['seed']}.sql"
                file.write_text(str(message["file"]))

    def _watch(self, process: subprocess.Popen[str]) -> None:
        while process.poll() is None:
            if time.monotonic() - self._last > SILENCE + self._options.shrink:
                self._hung = True
                # It prints its stacks, as faulthandler is on.
                process.send_signal(signal.SIGABRT)
                return
            time.sleep(1)


def main() -> int:
    """Run from the command line; the exit code says whether anything was found."""
    options = _options()
    options.keep = None if options.keep == "" else Path(options.keep)
    totals = Totals()
    workers = [Worker(options, number, totals) for number in range(options.processes)]
    threads = [threading.Thread(target=worker.run) for worker in workers]
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    started = time.monotonic()
    for thread in threads:
        thread.start()
    interrupted = False
    try:
        _tell_until_the_end(threads, totals, started)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        for worker in workers:
            worker.stop()
        for thread in threads:
            thread.join()
    for kind, count in totals.kinds.most_common():
        _say(f"{count:6} x {kind}")
    seconds = time.monotonic() - started
    rate = totals.counts["statements"] / seconds
    _say(f"{'interrupted' if interrupted else 'ended'} after {seconds / 60:.1f} min: {totals}")
    _say(f"{rate:.1f} statements a second, from seed {options.seed}")
    return 1 if totals.wrong else 0


def _tell_until_the_end(threads: Sequence[threading.Thread], totals: Totals, started: float) -> None:
    told = started
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.2)
        if time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            _say(f"after {(told - started) / 60:.0f} min: {totals}")


def _interrupt(number: int, _frame: object) -> None:
    """The first signal ends the hunt, and what was found until then is told."""
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=None, help="the first seed; by default the time of day")
    parser.add_argument("--count", type=int, default=sys.maxsize, help="at most so many cases of each process")
    parser.add_argument("--clusters", type=float, default=0.1, help="the share of cases that run on a local cluster")
    parser.add_argument("--shrink", type=float, default=25, help="seconds for making a finding small; 0: not at all")
    parser.add_argument("--keep", default=str(FOLDER), help="where findings are kept; '': nowhere")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = int(time.time()) * BLOCK
    return options


def _next_seed(seed: int, stride: int) -> int:
    """The one after ``seed``, in the next block of the same worker if need be."""
    return seed + 1 if (seed + 1) % BLOCK else seed + 1 + (stride - 1) * BLOCK


def _messages(process: subprocess.Popen[str]) -> Iterator[dict[str, object]]:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("{"):
            yield json.loads(line)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
