"""What is known of the two plans for a statement that runs in this process: the kernel's own, and Shoal's in one task.

Which of the two optimizers does better is not foreseen but measured: a statement that is repeated and takes long is run
by Shoal's plan once. From then on the faster plan runs it, for as long as its text, the catalog and its files stay.
Imports nothing of ours; ``shoal.plan_trials`` does the measuring.
"""

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shoal.plan_cache import SessionPlan
    from shoal.planner.plan import PlannedQuery

LEAST_SECONDS = 0.2
"""Statements that take less are not worth a trial: what one run takes varies by more than what could be won."""

KERNEL_RUNS = 2
"""Runs by the kernel's plan before a trial; the first of them may have read cold files."""

MARGIN = 0.95
"""The share of the kernel's time that Shoal's plan must stay below to be taken."""


@dataclass(frozen=True, slots=True)
class OwnPlan:
    """Shoal's plan of a statement as one stage of one task, and what EXPLAIN shows of it."""

    plan: "SessionPlan"
    planned: "PlannedQuery"


@dataclass(slots=True)
class PlanChoice:
    """What the two plans of one remembered statement took, in seconds; ``version`` is the catalog's."""

    version: int
    kernel_runs: int = 0
    kernel_seconds: float = inf
    own_seconds: float = inf
    own: OwnPlan | None = None
    is_tried: bool = False
    given_up: str = ""
    """Why the trial of Shoal's plan came to nothing, if it did."""

    @property
    def wants_trial(self) -> bool:
        """Whether the next run should be by Shoal's plan, to learn what it takes."""
        return not self.is_tried and self.kernel_runs >= KERNEL_RUNS and self.kernel_seconds >= LEAST_SECONDS

    @property
    def prefers_own(self) -> bool:
        """Whether Shoal's plan was the faster one."""
        return self.own is not None and self.own_seconds < self.kernel_seconds * MARGIN

    @property
    def reason(self) -> str:
        """Why Shoal's plan is taken or not, for EXPLAIN; nothing if there was no trial."""
        if self.prefers_own:
            kernel = f"{self.kernel_seconds:.3f} s by the kernel's own plan"
            return f"by measurement: {self.own_seconds:.3f} s, against {kernel}"
        if self.given_up:
            return f"Shoal's own plan was given up: {self.given_up}"
        if self.own is not None:
            return f"Shoal's own plan took {self.own_seconds:.3f} s, the kernel's {self.kernel_seconds:.3f} s"
        return ""

    def kernel_took(self, seconds: float) -> None:
        """A run by the kernel's plan has ended."""
        self.kernel_runs += 1
        self.kernel_seconds = min(self.kernel_seconds, seconds)

    def own_took(self, seconds: float) -> None:
        """A run by Shoal's plan has ended."""
        self.own_seconds = min(self.own_seconds, seconds)
