"""What is known of the two plans for a statement that runs in this process: the kernel's own, and Shoal's in one task.

Which of the two optimizers does better is not foreseen but measured, when a statement is repeated. The cheaper plan
then runs it, for as long as its text, the catalog and its files stay. ``shoal.plan_trials`` does the measuring.
"""

from collections import deque
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from shoal.run_clock import Cost

if TYPE_CHECKING:
    from shoal.plan_cache import SessionPlan
    from shoal.planner.plan import PlannedQuery

LEAST_SECONDS = 0.01
"""Statements that take less are not worth a trial."""

LONG_SECONDS = 0.15
"""Statements over several tables that take as long are tried on their second run."""

SPENT_SECONDS = 1.0
"""What all runs of others must have taken before a trial, whose planning takes a small part of that."""

SURE_RUNS = 2
"""Runs by the kernel's plan that tell what it takes; a single one may have read cold files."""

MARGIN = 0.95
"""The share of the kernel's CPU time that Shoal's plan must stay below to be taken."""

FIRST_MARGIN = 0.9
"""The same where the kernel's plan has run only once: what a first run costs more, Shoal's has paid as well."""

CHECKED_AFTER = 4
"""Runs by Shoal's plan after which the kernel's has its second one, if Shoal's was taken after the first."""

DOUBT = 1.0
"""Below so many times the kernel's CPU time, Shoal's plan gets a second trial."""

_LATEST = 3
_MOST_CHANGES = 4


@dataclass(frozen=True, slots=True)
class OwnPlan:
    """Shoal's plan of a statement as one stage of one task, and what EXPLAIN shows of it."""

    plan: "SessionPlan"
    planned: "PlannedQuery"


@dataclass(slots=True)
class PlanRuns:
    """What the latest runs by one plan took."""

    count: int = 0
    total_seconds: float = 0.0
    latest: deque[Cost] = field(default_factory=lambda: deque(maxlen=_LATEST))

    def add(self, cost: Cost) -> None:
        """A run has ended."""
        self.count += 1
        self.total_seconds += cost.seconds
        self.latest.append(cost)

    @property
    def seconds(self) -> float:
        """Seconds of wall time that a run takes where nothing holds it up; endless if none is known."""
        return min((cost.seconds for cost in self.latest), default=inf)

    @property
    def cpu_seconds(self) -> float:
        """Seconds of CPU time that a run takes; endless if none is known."""
        values = sorted(cost.cpu_seconds for cost in self.latest)
        # Of a few the least, as whatever disturbs a run makes it slower; of more, one may also have had luck.
        return values[_LATEST // 2] if len(values) >= _LATEST else values[0] if values else inf

    def __str__(self) -> str:
        return str(Cost(self.seconds, self.cpu_seconds))


@dataclass(slots=True)
class PlanChoice:
    """What the runs of one remembered statement took by its two plans; ``version`` is the catalog's."""

    version: int
    is_simple: bool = False
    """It reads one table, so that there is hardly a choice: it is not tried before it has taken long in all."""
    kernel_runs: PlanRuns = field(default_factory=PlanRuns)
    own_runs: PlanRuns = field(default_factory=PlanRuns)
    own: OwnPlan | None = None
    is_planned: bool = False
    """Shoal has planned it, perhaps in vain."""
    given_up: str = ""
    """Why the trial of Shoal's plan came to nothing, if it did."""
    prefers_own: bool = False
    """Whether Shoal's plan was the cheaper one."""
    changes: int = 0

    @property
    def wants_trial(self) -> bool:
        """Whether the next run should be by Shoal's plan, to learn what it takes."""
        if self.prefers_own or self.given_up or (self.is_planned and self.own is None):
            return False
        own, kernel = self.own_runs, self.kernel_runs
        if own.count:
            if kernel.count < SURE_RUNS:
                return False
            # What took less CPU time but longer may have waited for others: the machine is busy.
            trials, share = (_LATEST, MARGIN) if own.count > 1 else (2, DOUBT)
            return own.count < trials and not self.changes and own.cpu_seconds < kernel.cpu_seconds * share
        is_long = kernel.seconds >= LONG_SECONDS and not self.is_simple
        is_worth_it = is_long or kernel.total_seconds >= SPENT_SECONDS
        return kernel.count > 0 and kernel.seconds >= LEAST_SECONDS and is_worth_it

    @property
    def runs_own(self) -> bool:
        """Whether the next run is by Shoal's plan because that is the cheaper one."""
        is_sure = self.kernel_runs.count >= SURE_RUNS or self.own_runs.count != CHECKED_AFTER
        return self.prefers_own and self.own is not None and is_sure

    @property
    def reason(self) -> str:
        """Why Shoal's plan is taken or not, for EXPLAIN; nothing if there was no trial."""
        if self.prefers_own:
            return f"by measurement: {self.own_runs}, against {self.kernel_runs} by the kernel's own plan"
        if self.given_up:
            return f"Shoal's own plan was given up: {self.given_up}"
        if self.own_runs.count:
            return f"Shoal's own plan took {self.own_runs}, the kernel's {self.kernel_runs}"
        return ""

    def give_up(self, reason: str) -> None:
        """Shoal's plan is of no use."""
        self.own = None
        self.prefers_own = False
        self.given_up = reason

    def kernel_took(self, cost: Cost) -> None:
        """A run by the kernel's plan has ended."""
        self.kernel_runs.add(cost)
        self._decide()

    def own_took(self, cost: Cost) -> None:
        """A run by Shoal's plan has ended."""
        self.own_runs.add(cost)
        self._decide()

    def _decide(self) -> None:
        """The plan that runs it changes rarely: by a margin, and not for ever to and fro."""
        own, kernel = self.own_runs, self.kernel_runs
        if self.prefers_own:
            prefers = own.cpu_seconds < kernel.cpu_seconds
        else:
            # A plan may take less CPU time and still let its caller wait longer, where it has less to do at once.
            margin = MARGIN if kernel.count >= SURE_RUNS else FIRST_MARGIN
            cheaper = own.cpu_seconds < kernel.cpu_seconds * margin and own.seconds < kernel.seconds
            prefers = self.own is not None and self.changes < _MOST_CHANGES and cheaper
        if prefers is not self.prefers_own:
            self.prefers_own = prefers
            self.changes += 1
