"""Named places at which a test makes the executor fail, by count and so deterministically.

``SHOAL_FAULTS`` holds rules ``name=kind[(argument)][@n]`` separated by commas: the *n*-th passage (default 1) of the
point ``name`` fails, once. Kinds: ``error`` raises an ``InternalError``, ``lost`` an ``ExecutorLost``, ``exit(code)``
ends the process without any cleaning up, ``hang(seconds)`` sleeps. If ``SHOAL_FAULTS_DIRECTORY`` names a directory, a
rule fires once among all processes that share it. Without rules a point costs one dictionary look-up.
"""

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import assert_never

from shoal.planner.errors import ExecutorLost, InterfaceError, InternalError

RULES_VARIABLE = "SHOAL_FAULTS"
DIRECTORY_VARIABLE = "SHOAL_FAULTS_DIRECTORY"
_RULE = re.compile(r"^(?P<name>[\w.]+)=(?P<kind>\w+)(?:\((?P<argument>[\d.]+)\))?(?:@(?P<passage>\d+))?$")


class FaultKind(StrEnum):
    """What happens at a point."""

    ERROR = "error"
    LOST = "lost"
    EXIT = "exit"
    HANG = "hang"


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule: the ``passage``-th time (from 1) that ``name`` is passed, ``kind`` happens with ``argument``."""

    name: str
    kind: FaultKind
    argument: float = 1.0
    passage: int = 1


def parse_faults(text: str) -> tuple[Fault, ...]:
    """Read rules as ``SHOAL_FAULTS`` holds them; raises ``InterfaceError`` on a rule that is none."""
    faults = []
    for rule in filter(None, (part.strip() for part in text.split(","))):
        match = _RULE.match(rule)
        if match is None or match["kind"] not in list(FaultKind):
            raise InterfaceError(f"not a fault rule: {rule!r} (want name=kind(argument)@passage)")
        faults.append(
            Fault(match["name"], FaultKind(match["kind"]), float(match["argument"] or 1), int(match["passage"] or 1))
        )
    return tuple(faults)


class _Rules:
    """The rules in force and how often each point was passed."""

    def __init__(self, faults: tuple[Fault, ...], directory: str | None) -> None:
        self.directory = directory
        self.by_name: dict[str, list[Fault]] = {}
        self.passages: dict[str, int] = {}
        self.lock = threading.Lock()
        for rule in faults:
            self.by_name.setdefault(rule.name, []).append(rule)

    def due(self, name: str) -> Fault | None:
        with self.lock:
            passage = self.passages[name] = self.passages.get(name, 0) + 1
        for rule in self.by_name[name]:
            if rule.passage == passage and self._claim(rule):
                return rule
        return None

    def _claim(self, rule: Fault) -> bool:
        if self.directory is None:
            return True
        token = Path(self.directory) / f"{rule.name}@{rule.passage}"
        try:
            os.close(os.open(token, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return False
        return True


_rules = [_Rules(parse_faults(os.environ.get(RULES_VARIABLE, "")), os.environ.get(DIRECTORY_VARIABLE))]
"""A stack: the last ones are in force."""


def fault(name: str) -> None:
    """Pass the point ``name``: whatever a rule asks for happens here, nothing otherwise."""
    rules = _rules[-1]
    if name not in rules.by_name:
        return
    rule = rules.due(name)
    if rule is None:
        return
    match rule.kind:
        case FaultKind.ERROR:
            raise InternalError(f"fault {name} was injected")
        case FaultKind.LOST:
            raise ExecutorLost(f"fault {name} was injected")
        case FaultKind.EXIT:
            os._exit(int(rule.argument))
        case FaultKind.HANG:
            time.sleep(rule.argument)
        case other:
            assert_never(other)


@contextmanager
def installed(*faults: Fault) -> Iterator[None]:
    """Put rules in force in this process for the length of a block; for tests."""
    _rules.append(_Rules(faults, None))
    try:
        yield
    finally:
        _rules.pop()
