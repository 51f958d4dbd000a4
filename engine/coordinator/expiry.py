"""What a timer that is due still means: pure questions to the members and the queries."""

from collections.abc import Mapping
from typing import assert_never

from shoal.coordinator.membership import Membership
from shoal.coordinator.policy import Policy
from shoal.coordinator.query_machine import QueryMachine
from shoal.coordinator.task_machine import TaskState
from shoal.coordinator.turn import (
    CancelGraceOver,
    DeadlineReached,
    DelayOver,
    LeaseOver,
    NoExecutorGraceOver,
    Timer,
)
from shoal.planner.errors import NoExecutors
from shoal.planner.ids import QueryId

START_HINT = "start one with: shoal executor --join HOST:PORT"


def is_live(timer: Timer, membership: Membership, queries: Mapping[QueryId, QueryMachine]) -> bool:
    """Whether a timer can still mean anything."""
    match timer:
        case LeaseOver():
            return membership.find(timer.executor, timer.incarnation) is not None
        case CancelGraceOver():
            member = membership.find(timer.executor, timer.incarnation)
            return member is not None and timer.task in member.running
        case DelayOver() | DeadlineReached() | NoExecutorGraceOver():
            query = queries.get(timer.query)
            return query is not None and not query.state.is_terminal
        case _:
            assert_never(timer)


def lease_end(timer: LeaseOver, due: float, now: float, membership: Membership, policy: Policy) -> float | None:
    """Until when an executor's lease now runs, ``now`` or before if it is over; None if there is no such lease.

    A timer that comes late shows that the coordinator itself stood still, and could not hear anybody: a new lease.
    """
    member = membership.find(timer.executor, timer.incarnation)
    if member is None:
        return None
    if now - due > policy.lateness:
        member.last_seen = now
    return membership.silent_until(member)


def is_stuck(timer: CancelGraceOver, membership: Membership) -> bool:
    """Whether a task that was told to stop has still not been answered."""
    member = membership.find(timer.executor, timer.incarnation)
    attempt = member.running.get(timer.task) if member is not None else None
    return attempt is not None and attempt.state is TaskState.CANCELLING


def no_executors(what: str, membership: Membership) -> NoExecutors:
    """The error of a query that nobody can run; it tells why the latest executors were lost."""
    losses = tuple(membership.recent_losses())
    return NoExecutors(f"no executor to run on: {what}").with_context(hint=START_HINT, story=losses)
