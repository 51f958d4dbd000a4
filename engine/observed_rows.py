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

KEPT = 8192
"""Subplans whose rows are remembered."""

SURPRISE = 2.0
"""A guess that was wrong by this factor makes plans that were made with it worth making again."""


class ObservableStages:
    """Which subplans the stages of one plan carry out; the keys are made when they are first asked for."""

    def __init__(self, staged: StagedPlan, roots: Sequence[PhysicalNode]) -> None:
        self._staged = staged
        self._roots = roots
        self._keys: dict[StageId, str] | None = None

    @property
    def expected(self) -> Mapping[StageId, float]:
        """The rows that were expected of each stage."""
        return {stage.id: stage.estimate.rows for stage in self._staged.stages if stage.estimate is not None}

    def keys(self) -> Mapping[StageId, str]:
        """The keys of those stages whose rows are always the subplan's own.

        Left out are stages that may drop rows because of what other stages have delivered.
        """
        if self._keys is None:
            filtered = {variant.stage.id for variant in self._staged.variants if variant.waits == variant.stage.id}
            plans = CanonicalPlans()
            found: dict[StageId, str] = {}
            for stage, root in zip(self._staged.stages, self._roots, strict=False):
                node = None if stage.id in filtered else as_logical(root)
                key = None if node is None else plans.key(node)
                if key is not None:
                    found[stage.id] = key
            self._keys = found
        return self._keys


class ObservedRows:
    """Rows by the key of a subplan. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: OrderedDict[str, float] = OrderedDict()

    def __bool__(self) -> bool:
        """Whether anything was observed."""
        return bool(self._rows)

    def find(self, key: str) -> float | None:
        """The rows that a subplan delivered when it last ran."""
        with self._lock:
            found = self._rows.get(key)
            if found is not None:
                self._rows.move_to_end(key)
            return found

    def record(self, stages: ObservableStages, runs: Iterable[StageRun]) -> bool:
        """Remember what stages delivered; whether that is a surprise to the plans made so far."""
        keys, expected = stages.keys(), stages.expected
        surprise = False
        for run in runs:
            key = keys.get(run.stage)
            if key is None or not run.tasks:
                continue
            rows = float(sum(task.metrics.rows_out for task in run.tasks))
            with self._lock:
                believed = self._rows.get(key, expected.get(run.stage, rows))
                self._rows[key] = rows
                self._rows.move_to_end(key)
                if len(self._rows) > KEPT:
                    self._rows.popitem(last=False)
            surprise = surprise or _is_surprise(believed, rows)
        return surprise


def _is_surprise(believed: float, rows: float) -> bool:
    low, high = sorted((max(1.0, believed), max(1.0, rows)))
    return high > SURPRISE * low
