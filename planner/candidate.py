"""Alternatives for one subtree: a plan, the distribution that it delivers, and its price; and how they are compared.

Prices are expected seconds of wall time on the cluster at hand; what work costs one core is in
``shoal.planner.cost.model``.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from shoal.planner.cost.model import RECEIVE_BYTE, SCAN_BYTE, SCAN_ROW, SEND_BYTE, SEND_ROW, STAGE_SECONDS
from shoal.planner.distribution import Arbitrary, Distribution, Hash, Single, Whole, is_spread
from shoal.planner.options import Distribute, PlanOptions
from shoal.planner.physical import Exchange, ExchangeKind, PhysicalNode
from shoal.planner.stage import Estimate


@dataclass(frozen=True, slots=True)
class Candidate:
    """One alternative: ``seconds`` is its price; ``stable`` means that two computations give the same rows."""

    plan: PhysicalNode
    distribution: Distribution
    seconds: float
    stable: bool = True


@dataclass(frozen=True, slots=True)
class Prices:
    """The shape of the cluster, as far as prices need it: the threads of all tasks have ``cores`` together."""

    tasks: int
    threads: int
    cores: int
    stage_seconds: float = STAGE_SECONDS

    def share(self, distribution: Distribution) -> float:
        """By how much work over rows of this distribution is divided."""
        return float(min(self.cores, self.threads * (self.tasks if is_spread(distribution) else 1)))

    @property
    def turns(self) -> float:
        """How much longer it takes when every task does the same work than when one does it: 1 with cores enough."""
        return max(1.0, self.tasks * self.threads / self.cores)

    def again(self, candidate: Candidate) -> float:
        """The seconds that it takes longer to have all rows in every task than in one."""
        made = isinstance(candidate.plan, Exchange)
        once = candidate.plan.estimate.bytes * RECEIVE_BYTE if made else candidate.seconds
        return once * (self.turns - 1.0)

    def exchange(self, candidate: Candidate, kind: ExchangeKind) -> float:
        """The seconds that an exchange adds."""
        rows, size = candidate.plan.estimate.rows, candidate.plan.estimate.bytes
        together = min(self.tasks, self.cores)
        producers = together if is_spread(candidate.distribution) else 1
        parted = kind in (ExchangeKind.HASH, ExchangeKind.RANGE, ExchangeKind.ROUND_ROBIN)
        send = (rows * (SEND_ROW if parted else 0.0) + size * SEND_BYTE) / producers
        readers = together if parted else 1
        return self.stage_seconds + send + size * RECEIVE_BYTE / readers


def prices_of(options: PlanOptions) -> Prices:
    """The prices for a cluster of this shape."""
    tasks, threads = options.partitions or max(1, options.executors), max(1, options.threads)
    cores = options.cores or tasks * threads
    stage_seconds = 0.0 if options.distribute is Distribute.ALWAYS else STAGE_SECONDS * max(1.0, tasks / cores)
    return Prices(tasks, threads, cores, stage_seconds)


def gathered(candidate: Candidate, prices: Prices) -> Candidate:
    """The candidate with all rows in every task that asks."""
    if not is_spread(candidate.distribution) and candidate.stable:
        return candidate
    return exchanged_whole(candidate, prices)


def exchanged_whole(candidate: Candidate, prices: Prices) -> Candidate:
    """The candidate behind an exchange that every task may read in full."""
    kind = ExchangeKind.GATHER
    seconds = candidate.seconds + prices.exchange(candidate, kind)
    return Candidate(Exchange(candidate.plan, kind, candidate.plan.estimate, seconds=seconds), Whole(), seconds)


def dealt(candidate: Candidate, prices: Prices) -> Candidate:
    """The candidate, which is in one task, behind an exchange that deals its rows out to all tasks in turn."""
    kind = ExchangeKind.ROUND_ROBIN
    seconds = candidate.seconds + prices.exchange(candidate, kind)
    return Candidate(Exchange(candidate.plan, kind, candidate.plan.estimate, seconds=seconds), Arbitrary(), seconds)


def hashed(candidate: Candidate, wanted: Hash, prices: Prices) -> Candidate:
    """The candidate behind an exchange by the hash of the keys; each slot names exactly one column to send by."""
    keys = tuple(min(slot.columns) for slot in wanted.slots)
    types = tuple(slot.type for slot in wanted.slots)
    bounds = wanted.slots[0].bounds if len(wanted.slots) == 1 else ()
    kind, estimate = ExchangeKind.HASH, candidate.plan.estimate
    seconds = candidate.seconds + prices.exchange(candidate, kind)
    return Candidate(Exchange(candidate.plan, kind, estimate, keys, types, bounds, seconds=seconds), wanted, seconds)


def cheapest(candidates: Iterable[Candidate]) -> list[Candidate]:
    """For each distribution (and stability) the cheapest candidate, in order of price.

    A candidate that another one beats in price by the seconds of any exchange, and in distribution, is left out.
    """
    best: dict[tuple[Distribution, bool], Candidate] = {}
    for item in candidates:
        key = (item.distribution, item.stable)
        if key not in best or item.seconds < best[key].seconds:
            best[key] = item
    return sorted(best.values(), key=lambda item: item.seconds)


def scan_seconds(estimate: Estimate) -> float:
    """One core's seconds for reading a table's columns."""
    return estimate.rows * SCAN_ROW + estimate.bytes * SCAN_BYTE


def single_task(distribution: Distribution) -> bool:
    """Whether the rows can only be in one task."""
    return isinstance(distribution, Single)


def is_arbitrary(distribution: Distribution) -> bool:
    """Whether nothing is known of the spread."""
    return isinstance(distribution, Arbitrary)
