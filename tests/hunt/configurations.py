"""Random settings: how statements are cut into tasks, and on what they run."""

import random
import re
from dataclasses import dataclass

from shoal.planner.rules import rule_names
from tests.project_files import source_files

NEEDED_RULES = frozenset({"decorrelate_subqueries"})
"""Without these there is no plan of several tasks."""

_DISABLED = re.compile(r'"(\w+)" (?:not )?in [\w.]*disabled')


def _names_in_sources() -> tuple[str, ...]:
    """The names that the planner and the engine look for among those that are switched off."""
    found = {name for file in source_files() for name in _DISABLED.findall(file.read_text())}
    return tuple(sorted(found | {"own_plans"}))


OTHER_RULES = _names_in_sources()
"""Optimisations outside the logical rules that can be switched off."""

FAULTS = "faults"
"""Not a setting of Shoal's: faults that are injected in this process, see ``shoal.executor.faults``."""

_POINTS = ("task.start", "task.before_run", "task.batch", "task.before_finish", "shuffle.open", "flight.do_get")

Settings = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Backend:
    """What statements run on: this process (``executors`` 0), in batches of so many rows, or executor processes.

    ``faults`` are injected, see ``shoal.executor.faults``.
    """

    executors: int = 0
    mmap: bool = True
    memory: str = "512MB"
    faults: str = ""
    batch_rows: int = 131_072


def choose_backend(seed: int, cluster_share: float) -> Backend:
    """On what a block of statements runs."""
    chooser = random.Random(f"backend {seed}")
    if chooser.random() >= cluster_share:
        return Backend(batch_rows=chooser.choice((131_072, 131_072, 2048, 7, 1)))
    faults = ""
    if chooser.random() < 0.6:
        rules = [
            f"{chooser.choice(_POINTS)}={chooser.choice(('lost', 'lost', 'exit(9)'))}@{n * 37}" for n in range(1, 8)
        ]
        faults = ",".join(rules)
    return Backend(
        chooser.choice((1, 2, 3, 3, 7)), chooser.random() < 0.7, chooser.choice(("512MB", "512MB", "64MB")), faults
    )


def choose_settings(seed: int) -> Settings:
    """The settings of one statement."""
    chooser = random.Random(f"settings {seed}")
    rules = [name for name in (*rule_names(), *OTHER_RULES) if name not in NEEDED_RULES]
    disabled = chooser.sample(rules, chooser.choice((0, 0, 1, 1, 2, 6)))
    if chooser.random() < 0.04:
        disabled = rules
    faults = f"{chooser.choice(_POINTS[:4])}=lost@{chooser.choice((1, 1, 2, 5))}" if chooser.random() < 0.06 else ""
    return (
        (FAULTS, faults),
        ("distribute", chooser.choice(("always",) * 9 + ("auto",))),
        ("partitions", str(chooser.choice((1, 2, 2, 2, 2, 2, 3, 3, 3, 5, 7)))),
        ("join_strategy", chooser.choice(("auto", "auto", "broadcast", "partitioned"))),
        ("disabled_rules", ",".join(sorted(disabled))),
        ("mmap", chooser.choice(("on", "on", "on", "off"))),
        ("task_bytes", chooser.choice(("2 MB", "2 MB", "2 kB", "100 B"))),
    )
