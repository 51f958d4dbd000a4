"""Plans that were made before: a repeated text is not planned again while nothing that it depends on has changed."""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shoal.catalog import FileTable
from shoal.kept_statements import KeptStatement
from shoal.plan_choice import PlanChoice
from shoal.planner.errors import SourceError
from shoal.planner.source import Field, FileSource
from shoal.planner.stage import StagedPlan
from shoal.source_files import SourceFiles

if TYPE_CHECKING:
    from shoal.observed_rows import ObservableStages

_KEPT = 256


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """A plan as the session runs it: the stages, the result's columns, and the files it was made with."""

    staged: StagedPlan
    columns: tuple[Field, ...]
    sources: Mapping[FileTable, FileSource]
    native_names: frozenset[str] = frozenset()
    is_small: bool = False
    """There is a cluster, but this process is expected to be done before a task would have been started."""
    choice: PlanChoice | None = field(default=None, compare=False)
    """For a statement that the kernel plans: what is known of the time that it and Shoal's plan take."""
    kept: KeptStatement | None = field(default=None, compare=False)
    """For a statement that the kernel of this process runs: what one run keeps for the next."""
    lasting: bool = True
    """It may be run again: there is no time in it."""
    observable: "ObservableStages | None" = field(default=None, compare=False)
    """For a plan of several stages: which subplans they carry out."""


class PlanCache:
    """The latest plans by whatever they depend on; thread-safe. Files are compared with what they are now."""

    def __init__(self, files: SourceFiles) -> None:
        self._files = files
        self._lock = threading.Lock()
        self._plans: OrderedDict[Hashable, SessionPlan] = OrderedDict()

    def find(self, key: Hashable) -> SessionPlan | None:
        """The plan for a key, if all its files are still the same."""
        with self._lock:
            plan = self._plans.get(key)
            if plan is None:
                return None
            self._plans.move_to_end(key)
        if all(self._is_unchanged(table, source) for table, source in plan.sources.items()):
            return plan
        self.drop(key)
        return None

    def keep(self, key: Hashable, plan: SessionPlan) -> None:
        """Remember a plan."""
        with self._lock:
            gone = [self._plans.pop(key, None)]
            self._plans[key] = plan
            while len(self._plans) > _KEPT:
                gone.append(self._plans.popitem(last=False)[1])
        for other in gone:
            _free(other)

    def drop(self, key: Hashable) -> None:
        """Forget a plan."""
        with self._lock:
            plan = self._plans.pop(key, None)
        _free(plan)

    def _is_unchanged(self, table: FileTable, source: FileSource) -> bool:
        try:
            return self._files.resolve(table.kind, table.paths, table.options) == source
        except SourceError:
            return False


def _free(plan: SessionPlan | None) -> None:
    """Close what a plan that nobody finds any more keeps; a run of it that still goes on is left alone."""
    if plan is None:
        return
    for kept in (plan.kept, plan.choice and plan.choice.own and plan.choice.own.plan.kept):
        if kept:
            kept.refuse()
