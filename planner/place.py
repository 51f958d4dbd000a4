"""Where a statement runs: the process that plans it, one executor, or several tasks; whichever is predicted to be done
first. A small statement never pays for a cluster."""

from dataclasses import dataclass
from enum import StrEnum

from shoal.planner.cost.model import STAGE_SECONDS
from shoal.planner.options import Distribute, PlanOptions

TASKS_LEAD = 0.005
"""Seconds by which several tasks must be cheaper than one: below it the guess is worth nothing."""

MOST_OWN_SECONDS = 0.05
"""The longest statement that the planning process runs itself: what takes longer, takes memory, and belongs in a
process that can be watched and replaced."""


class Place(StrEnum):
    """Where a statement can run."""

    PROCESS = "one process"
    EXECUTOR = "one executor"
    TASKS = "tasks"


@dataclass(frozen=True, slots=True)
class Offers:
    """The predicted seconds at each place, the wait for executors included; ``process`` None: it runs nothing."""

    process: float | None
    executor: float
    tasks: float
    count: int

    @property
    def several(self) -> str:
        """How many tasks there would be, in words."""
        return f"{self.count} task" + ("" if self.count == 1 else "s")

    @property
    def named(self) -> tuple[tuple[str, float], ...]:
        """The prices as EXPLAIN names them."""
        own = () if self.process is None else ((Place.PROCESS.value, self.process),)
        return (*own, (Place.EXECUTOR.value, self.executor), (self.several, self.tasks))

    def choose(self, distribute: Distribute) -> Place:
        """The cheapest place, as far as the user left the choice open."""
        if distribute is Distribute.ALWAYS or self.executor > self.tasks + TASKS_LEAD:
            best, price = Place.TASKS, self.tasks
        else:
            best, price = Place.EXECUTOR, self.executor
        own = self.process
        if own is not None and distribute is Distribute.AUTO and own <= min(price, MOST_OWN_SECONDS):
            return Place.PROCESS
        return best

    def reason(self, place: Place, distribute: Distribute) -> str:
        """The choice with all three prices, the chosen one first."""
        names = {Place.PROCESS: "one process", Place.EXECUTOR: "one executor", Place.TASKS: self.several}
        prices = {Place.TASKS: self.tasks, Place.EXECUTOR: self.executor, Place.PROCESS: self.process}
        chosen = prices.pop(place) or 0.0
        verb = "are" if place is Place.TASKS and self.count != 1 else "is"
        texts = [f"{names[place]} {verb} expected to take {chosen:.3f} s"]
        texts += [f"{names[other]} {price:.3f} s" for other, price in prices.items() if price is not None]
        if self.process is None:
            texts.append("one process: the one that plans runs nothing")
        elif distribute is Distribute.AUTO and self.process <= chosen and place is not Place.PROCESS:
            texts[-1] += f" (its limit is {MOST_OWN_SECONDS} s)"
        return ", ".join(texts)


def price_places(executor_work: float, tasks_work: float, count: int, options: PlanOptions) -> Offers:
    """The offers for the work that one executor, and ``count`` tasks, have with a statement, in seconds.

    Executors are told of their last stage, and its end is heard of; a process that runs the statement spares that.
    """
    own_threads = options.own_threads if options.executors else options.threads
    process = executor_work * options.threads / own_threads if own_threads else None
    return Offers(process, executor_work + STAGE_SECONDS, tasks_work + STAGE_SECONDS, count)
