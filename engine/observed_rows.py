"""What the stages of past queries delivered, for later plans of the same session.

A stage's rows are kept under the canonical key of its subplan, which names tables by the identity of their files: a
file that was replaced is another table, and what was observed of the old one is never asked for again.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence

from shoal.planner.cost.as_logical import as_logical
from shoal.planner.cost.canonical import CanonicalPlans
from shoal.planner.ids import StageId
from shoal.planner.physical import PhysicalNode
from shoal.planner.stage import StagedPlan
from shoal.runner import StageRun

KEPT = 2048
"""Subplans whose rows are remembered."""

SURPRISE = 2.0
"""A guess that was wrong by this factor makes plans that were made with it worth making again."""


class ObservableStages:
    """Which subplans the stages of one plan carry out; the keys are made when they are first asked for."""

    def __init__(self, staged: StagedPlan, roots: Sequence[PhysicalNode]) -> None:
        self._staged = staged
        self._roots = roots
        self._keys: dict[StageId, tuple[str, int]] | None = None

    @property
    def expected(self) -> Mapping[StageId, float]:
        """The rows that were expected of each stage."""
        return {stage.id: stage.estimate.rows for stage in self._staged.stages if stage.estimate is not None}

    def filtered(self, adapted: frozenset[StageId]) -> frozenset[StageId]:
        """The stages that may have dropped rows because of what others delivered, if these stages were ``adapted``."""
        chosen = [item for item in self._staged.variants if item.stage.id in adapted and item.waits == item.stage.id]
        return frozenset(stage for item in chosen for stage in (item.stage.id, *item.drops))

    def keys(self) -> Mapping[StageId, tuple[str, int]]:
        """For each stage whose subplan can be told, its key and the number of its tables."""
        if self._keys is None:
            plans = CanonicalPlans()
            found: dict[StageId, tuple[str, int]] = {}
            for stage, root in zip(self._staged.stages, self._roots, strict=False):
                node = as_logical(root)
                key = None if node is None else plans.key(node)
                if node is not None and key is not None:
                    found[stage.id] = key, plans.tables(node)
            self._keys = found
        return self._keys


class ObservedRows:
    """Rows by the key of a subplan. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._tables: frozenset[int] = frozenset()

    @property
    def tables(self) -> frozenset[int]:
        """The numbers of the tables of all subplans that were observed."""
        return self._tables

    def find(self, key: str) -> float | None:
        """The rows that a subplan delivered when it last ran."""
        with self._lock:
            found = self._rows.get(key)
            if found is not None:
                self._rows.move_to_end(key)
            return None if found is None else found[0]

    def record(self, stages: ObservableStages, runs: Iterable[StageRun]) -> bool:
        """Remember what stages delivered; whether that is a surprise to the plans made so far."""
        keys, expected = stages.keys(), stages.expected
        surprise = False
        runs = tuple(runs)
        filtered = stages.filtered(frozenset(run.stage for run in runs if run.adapted))
        for run in runs:
            if run.stage not in keys or not run.tasks or run.stage in filtered:
                continue
            key, tables = keys[run.stage]
            rows = float(sum(task.metrics.rows_out for task in run.tasks))
            with self._lock:
                known = self._rows.get(key)
                self._rows[key] = rows, tables
                self._rows.move_to_end(key)
                if known is None:
                    self._forget_oldest()
                    self._tables = frozenset(number for _, number in self._rows.values())
            believed = known[0] if known is not None else expected.get(run.stage, rows)
            surprise = surprise or _is_surprise(believed, rows)
        return surprise

    def _forget_oldest(self) -> None:
        while len(self._rows) > KEPT:
            self._rows.popitem(last=False)


def _is_surprise(believed: float, rows: float) -> bool:
    low, high = sorted((max(1.0, believed), max(1.0, rows)))
    return high > SURPRISE * low
