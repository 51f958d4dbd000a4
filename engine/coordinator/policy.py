"""The limits that the coordinator keeps: budgets of attempts, delays between them, graces and leases."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Policy:
    """All times are in seconds.

    ``task_attempts``: how often one task may fail or be lost with its executor before the query fails.
    ``stage_attempts``: how often in a row a stage may have to make lost outputs again, until one of its consumers is
    complete. ``task_launches`` bounds the launches of one partition over everything, so that no query runs for ever.
    ``executor_fetch_failures``: from so many different outputs of one executor that nobody can read, it counts as lost.
    """

    task_attempts: int = 4
    stage_attempts: int = 4
    task_launches: int = 64
    executor_fetch_failures: int = 2
    first_delay: float = 0.1
    largest_delay: float = 10.0
    no_executor_grace: float = 10.0
    cancel_grace: float = 30.0
    lateness: float = 1.0
    """A timer that fires this late shows that the coordinator itself stood still: leases then start anew."""

    def delay(self, failures: int, random: Random) -> float:
        """How long to wait after the ``failures``-th failure (from 1): a random part of a bound that doubles."""
        bound = min(self.largest_delay, self.first_delay * 2.0 ** min(failures, 30))
        return random.uniform(self.first_delay, max(self.first_delay, bound))
