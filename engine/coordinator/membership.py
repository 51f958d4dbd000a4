"""Who belongs to the cluster: executors by name, one life (incarnation) of each, their slots and their leases."""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from enum import StrEnum

from shoal.coordinator.events import ExecutorJoined
from shoal.coordinator.placement import Candidate
from shoal.coordinator.task_machine import TaskAttempt
from shoal.planner.ids import ExecutorId, Incarnation, QueryId, TaskId
from shoal.runner import ClusterShape


class MemberState(StrEnum):
    """Whether a member takes tasks. A lost member is no member: it is in no table."""

    ACTIVE = "active"
    DRAINING = "draining"


class Member:
    """One life of an executor: what it offers, what runs on it (each running task takes one slot), since when it is
    silent, how many tasks it was given, for which one it is kept free, and how many outputs of one query could not be
    read from it."""

    __slots__ = ("_unreadable_of", "alone_for", "joined", "last_seen", "launched", "running", "state", "unreadable")

    def __init__(self, joined: ExecutorJoined, now: float) -> None:
        self.joined = joined
        self.state = MemberState.ACTIVE
        self.last_seen = now
        self.running: dict[TaskId, TaskAttempt] = {}
        self.launched = 0
        self.alone_for: object | None = None
        self.unreadable = 0
        self._unreadable_of: QueryId | None = None

    @property
    def executor(self) -> ExecutorId:
        """The executor's name."""
        return self.joined.executor

    @property
    def incarnation(self) -> Incarnation:
        """Its present life."""
        return self.joined.incarnation

    @property
    def free(self) -> int:
        """Slots that an ordinary task can take now."""
        if self.state is not MemberState.ACTIVE or self.alone_for is not None:
            return 0
        return max(0, self.joined.slots - len(self.running))

    def has_core(self, busy: Mapping[str, int]) -> bool:
        """Whether one of the cores that it shares with others is free, when so many of each pool are busy."""
        joined = self.joined
        return not joined.core_pool or not joined.cores or busy[joined.core_pool] < joined.cores

    def cannot_read(self, query: QueryId) -> None:
        """One more output of a query could not be read; another query begins its own count."""
        self.unreadable = self.unreadable + 1 if query == self._unreadable_of else 1
        self._unreadable_of = query

    @property
    def candidate(self) -> Candidate:
        """The member as placement sees it."""
        joined = self.joined
        taken = len(self.running)
        return Candidate(joined.executor, joined.slots, taken, joined.host, joined.memory_bytes, self.launched)


class Membership:
    """The members of the cluster. Holds no clock and does no I/O.

    Incarnations that were lost are remembered (the latest ``remembered`` of them), so that a zombie that comes back
    under its old name is refused.
    """

    def __init__(self, remembered: int = 10_000) -> None:
        self._members: dict[ExecutorId, Member] = {}
        self._lost: OrderedDict[Incarnation, str] = OrderedDict()
        self._draining: dict[ExecutorId, Member] = {}
        self._remembered = remembered
        self.ever_joined = False
        self.version = 0

    def join(self, joined: ExecutorJoined, now: float) -> Member | None:
        """Add an executor; None if that incarnation was lost before, or offers nothing.

        The caller has lost an earlier life of the same executor before (see ``superseded``).
        """
        if self.is_refused(joined):
            return None
        member = self._members.get(joined.executor)
        if member is None:
            member = self._members[joined.executor] = Member(joined, now)
            self.ever_joined = True
            self.version += 1
        member.last_seen = now
        return member

    def is_refused(self, joined: ExecutorJoined) -> bool:
        """Whether that incarnation was lost before, or offers nothing."""
        return joined.incarnation in self._lost or joined.slots < 1

    def superseded(self, joined: ExecutorJoined) -> Member | None:
        """The earlier life of the executor that a new one ends, if there is one."""
        member = self._members.get(joined.executor)
        return member if member is not None and member.incarnation != joined.incarnation else None

    def find(self, executor: ExecutorId, incarnation: Incarnation) -> Member | None:
        """The member, if this is its present life."""
        member = self._members.get(executor)
        return member if member is not None and member.incarnation == incarnation else None

    def get(self, executor: ExecutorId) -> Member:
        """The member of that name, which is known to be one."""
        return self._members[executor]

    def seen(self, executor: ExecutorId, incarnation: Incarnation, now: float) -> Member | None:
        """Renew a lease; None if this is not the executor's present life."""
        member = self.find(executor, incarnation)
        if member is not None:
            member.last_seen = now
        return member

    def silent_until(self, member: Member) -> float | None:
        """When the member's lease ends, if it hears nothing more from it."""
        lease = member.joined.lease_seconds
        return None if lease is None else member.last_seen + lease

    def lose(self, executor: ExecutorId, incarnation: Incarnation, reason: str) -> Member | None:
        """End one life of an executor for good; None if it was not its present life."""
        self._lost[incarnation] = reason
        while len(self._lost) > self._remembered:
            self._lost.popitem(last=False)
        member = self.find(executor, incarnation)
        if member is not None:
            del self._members[executor]
            self._draining.pop(executor, None)
            self.version += 1
        return member

    def drain(self, executor: ExecutorId, incarnation: Incarnation) -> Member | None:
        """Give a member no more tasks; None if it is none."""
        member = self.find(executor, incarnation)
        if member is not None:
            member.state = MemberState.DRAINING
            self._draining[executor] = member
            self.version += 1
        return member

    def members(self) -> list[Member]:
        """All members, in the order in which they joined."""
        return list(self._members.values())

    def with_free_slots(self) -> list[Member]:
        """Members that an ordinary task can be placed on.

        Executors that share cores take no more tasks together than there are cores: more would only take turns, and
        each push the others' rows out of the caches.
        """
        busy = self._busy_cores()
        return [member for member in self._members.values() if member.free and member.has_core(busy)]

    def without_core(self, member: Member) -> list[ExecutorId]:
        """The executors that wait, like a member, for a core that they share with it; none while one is free."""
        if member.has_core(self._busy_cores()):
            return []
        pool = member.joined.core_pool
        return [other.executor for other in self._members.values() if other.joined.core_pool == pool]

    def _busy_cores(self) -> Counter[str]:
        """The tasks that run on the cores of each pool."""
        busy: Counter[str] = Counter()
        for member in self._members.values():
            busy[member.joined.core_pool] += len(member.running)
        return busy

    def active(self) -> list[Member]:
        """Members that take tasks, now or later."""
        return [member for member in self._members.values() if member.state is MemberState.ACTIVE]

    def drained(self) -> list[Member]:
        """Draining members on which nothing runs any more."""
        return [member for member in self._draining.values() if not member.running]

    def recent_losses(self, count: int = 3) -> list[str]:
        """Why the latest members were lost."""
        return list(self._lost.values())[-count:]

    def shape(self) -> ClusterShape:
        """What the planner wants to know of the members that take tasks; threads are those of one, on average."""
        active = [member.joined for member in self.active()]
        threads: Counter[tuple[str, int]] = Counter()
        for joined in active:
            threads[joined.core_pool, joined.cores] += joined.threads
        return ClusterShape(
            executors=len(active),
            threads=sum(joined.threads for joined in active) // max(1, len(active)),
            memory_bytes=min((joined.memory_bytes for joined in active), default=0),
            cores=sum(min(count, cores or count) for (_, cores), count in threads.items()),
        )
