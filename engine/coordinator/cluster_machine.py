"""The one machine that the loop drives: members, queries and timers behind ``handle(event, now)``.

No clock, socket, thread or unseeded chance inside: the same events at the same times give the same instructions. What
happens to queries is in ``query_table``; here are the executors, and what both have to do with each other.
"""

from random import Random
from typing import assert_never

from shoal.coordinator import expiry
from shoal.coordinator.attempt_book import ExecutorLife
from shoal.coordinator.events import (
    Event,
    ExecutorDraining,
    ExecutorJoined,
    ExecutorLost,
    Heartbeat,
    QueryCancelRequested,
    QueryReleased,
    QuerySubmitted,
    TaskFailed,
    TaskStarted,
    TaskSucceeded,
    Tick,
)
from shoal.coordinator.instructions import DisconnectExecutor, Instruction
from shoal.coordinator.membership import Member, Membership
from shoal.coordinator.policy import Policy
from shoal.coordinator.query_machine import QueryMachine
from shoal.coordinator.query_table import QueryTable
from shoal.coordinator.task_machine import TaskAttempt
from shoal.coordinator.turn import (
    CancelGraceOver,
    DeadlineReached,
    DelayOver,
    LeaseOver,
    NoExecutorGraceOver,
    Suspicion,
    Timer,
    Timers,
    Turn,
)
from shoal.planner.ids import QueryId
from shoal.runner import ClusterShape, QueryProgress, StageRun

_FEW_TIMERS = 1024


class ClusterMachine:
    """Executors and queries, as the coordinator knows them."""

    def __init__(self, policy: Policy | None = None, random: Random | None = None) -> None:
        self._policy = policy or Policy()
        self._membership = Membership()
        chance = random or Random(0)  # noqa: S311 - spreads retries, guards nothing
        self._queries = QueryTable(self._policy, chance, self._membership)
        self._timers = Timers()
        self._prune_at = _FEW_TIMERS

    def handle(self, event: Event, now: float) -> list[Instruction]:
        """Let an event act; returns what is to be done because of it, in order. ``now`` never goes back."""
        turn = Turn(now, self._timers)
        match event:
            case ExecutorJoined():
                self._join(event, turn)
            case ExecutorLost():
                self._lose((event.executor, event.incarnation), event.reason, turn)
            case QuerySubmitted():
                self._queries.submit(event, turn)
            case QueryCancelRequested():
                self._queries.cancel(event, turn)
            case QueryReleased():
                self._queries.release(event, turn)
            case Tick():
                for due, timer in self._timers.due(now):
                    self._timer(timer, due, turn)
            case ExecutorDraining() | Heartbeat() | TaskStarted() | TaskSucceeded() | TaskFailed():
                self._hear(event, turn)
            case _:
                assert_never(event)
        self._settle(turn)
        return turn.instructions

    @property
    def wake_at(self) -> float | None:
        """When the next ``Tick`` is due."""
        return self._timers.next

    @property
    def ever_joined(self) -> bool:
        """Whether there has been any executor so far."""
        return self._membership.ever_joined

    @property
    def membership_version(self) -> int:
        """A number that changes with the members and what they take."""
        return self._membership.version

    def shape(self) -> ClusterShape:
        """The executors that take tasks."""
        return self._membership.shape()

    def members(self) -> list[Member]:
        """The executors as they are now."""
        return self._membership.members()

    def queries(self) -> list[QueryMachine]:
        """The queries that have left something anywhere, or still run."""
        return list(self._queries.by_id.values())

    def progress(self, query: QueryId, now: float) -> QueryProgress | None:
        """How far a query is; None if it is unknown (any more)."""
        machine = self._queries.by_id.get(query)
        return machine.progress(now) if machine is not None else None

    def runs(self, query: QueryId) -> tuple[StageRun, ...]:
        """What the finished stages of a query measured; empty if it is unknown (any more)."""
        machine = self._queries.by_id.get(query)
        return machine.runs() if machine is not None else ()

    # Executors

    def _join(self, joined: ExecutorJoined, turn: Turn) -> None:
        earlier = self._membership.superseded(joined)
        known = self._membership.find(joined.executor, joined.incarnation)
        if earlier is not None and not self._membership.is_refused(joined):
            self._lose((earlier.executor, earlier.incarnation), "it was started anew", turn)
        member = self._membership.join(joined, turn.now)
        if member is None:
            reason = "this incarnation was lost, or offers no slots; join under a new one"
            turn.instruct(DisconnectExecutor(joined.executor, joined.incarnation, reason))
        elif known is None:
            self._set_lease(member)

    def _hear(self, event: ExecutorDraining | Heartbeat | TaskStarted | TaskSucceeded | TaskFailed, turn: Turn) -> None:
        life = (event.executor, event.incarnation)
        member = self._membership.seen(*life, turn.now)
        if member is None:
            turn.instruct(DisconnectExecutor(*life, "this incarnation is not a member; join under a new one"))
            return
        match event:
            case Heartbeat():
                pass
            case ExecutorDraining():
                self._membership.drain(*life)
                self._queries.watch_for_executors(turn)
            case TaskStarted():
                self._queries.task_started(event, life, turn)
            case TaskSucceeded():
                self._free(member, self._queries.task_succeeded(event, turn))
            case TaskFailed():
                self._free(member, self._queries.task_failed(event, turn))
            case _:
                assert_never(event)

    def _free(self, member: Member, attempt: TaskAttempt | None) -> None:
        if attempt is not None:
            del member.running[attempt.id]
            if attempt.alone:
                member.alone_for = None

    def _lose(self, life: ExecutorLife, reason: str, turn: Turn) -> None:
        """The one path on which an executor is lost, whatever noticed it."""
        if self._membership.lose(*life, reason) is None:
            return
        turn.instruct(DisconnectExecutor(*life, reason))
        self._queries.executor_lost(life, reason, turn)
        self._queries.watch_for_executors(turn)

    def _suspect(self, suspicion: Suspicion, turn: Turn) -> None:
        """An executor whose outputs cannot be read counts as lost when it was not just the one."""
        member = self._membership.find(suspicion.executor, suspicion.incarnation)
        if member is None:
            return
        if suspicion.task is not None:
            member.cannot_read(suspicion.task.query)
        if suspicion.task is None or member.unreadable >= self._policy.executor_fetch_failures:
            life = (suspicion.executor, suspicion.incarnation)
            self._lose(life, f"its outputs cannot be read: {suspicion.reason}", turn)

    def _set_lease(self, member: Member) -> None:
        ends = self._membership.silent_until(member)
        if ends is not None:
            self._timers.set(ends, LeaseOver(member.executor, member.incarnation))

    # Time

    def _timer(self, timer: Timer, due: float, turn: Turn) -> None:
        match timer:
            case LeaseOver():
                self._lease_over(timer, due, turn)
            case CancelGraceOver():
                self._cancel_grace_over(timer, turn)
            case DelayOver() | DeadlineReached() | NoExecutorGraceOver():
                self._queries.timer(timer, turn)
            case _:
                assert_never(timer)

    def _lease_over(self, timer: LeaseOver, due: float, turn: Turn) -> None:
        ends = expiry.lease_end(timer, due, turn.now, self._membership, self._policy)
        if ends is not None and ends > turn.now:
            self._timers.set(ends, timer)
        elif ends is not None:
            seconds = self._membership.get(timer.executor).joined.lease_seconds or 0.0
            self._lose((timer.executor, timer.incarnation), f"it was silent for {seconds:.1f} s", turn)

    def _cancel_grace_over(self, timer: CancelGraceOver, turn: Turn) -> None:
        if expiry.is_stuck(timer, self._membership):
            reason = f"it did not stop task {timer.task} in {self._policy.cancel_grace:g} s"
            self._lose((timer.executor, timer.incarnation), reason, turn)

    # After each event

    def _settle(self, turn: Turn) -> None:
        while turn.suspicions:
            self._suspect(turn.suspicions.pop(), turn)
        self._queries.launch_ready(turn)
        for member in self._membership.drained():
            life = (member.executor, member.incarnation)
            if not self._queries.holds(life):
                self._lose(life, "it was drained", turn)
        if len(self._timers) >= self._prune_at:
            self._timers.prune(is_live=lambda timer: expiry.is_live(timer, self._membership, self._queries.by_id))
            self._prune_at = max(_FEW_TIMERS, 2 * len(self._timers))
