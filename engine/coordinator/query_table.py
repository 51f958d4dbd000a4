"""The queries of a cluster: how they come, hear what happens to them, wait for executors and are forgotten.

As pure as the machine that holds it; imports the machines of one query, the members and the dispatcher.
"""

from collections.abc import Mapping
from random import Random
from types import MappingProxyType
from typing import assert_never

from shoal.coordinator import expiry
from shoal.coordinator.attempt_book import ExecutorLife
from shoal.coordinator.dispatch import Dispatcher
from shoal.coordinator.events import (
    QueryCancelRequested,
    QueryReleased,
    QuerySubmitted,
    TaskFailed,
    TaskStarted,
    TaskSucceeded,
)
from shoal.coordinator.instructions import QueryFailed
from shoal.coordinator.membership import Membership
from shoal.coordinator.policy import Policy
from shoal.coordinator.query_machine import QueryMachine
from shoal.coordinator.task_machine import TaskAttempt
from shoal.coordinator.task_specs import check_plan
from shoal.coordinator.turn import DeadlineReached, DelayOver, NoExecutorGraceOver, Turn
from shoal.planner.errors import InvariantViolated, QueryCancelled, QueryTimeout
from shoal.planner.ids import QueryId


class QueryTable:
    """The queries that have left something anywhere, or still run.

    After each event that reaches a query, the query gets its turn at the free slots or, if nothing is left of it, goes.
    """

    def __init__(self, policy: Policy, random: Random, membership: Membership) -> None:
        self._policy = policy
        self._random = random
        self._membership = membership
        self._queries: dict[QueryId, QueryMachine] = {}
        self._dispatcher = Dispatcher(membership, self._queries)
        self._empty_since = 0.0

    @property
    def by_id(self) -> Mapping[QueryId, QueryMachine]:
        """The queries, to look at."""
        return MappingProxyType(self._queries)

    def launch_ready(self, turn: Turn) -> None:
        """Launch all that can be launched now."""
        self._dispatcher.run(turn)

    def holds(self, life: ExecutorLife) -> bool:
        """Whether any query still needs what an executor runs or has made."""
        return any(query.attempts.holds(life) for query in self._queries.values())

    # What users ask for

    def submit(self, event: QuerySubmitted, turn: Turn) -> None:
        """Begin a query, or refuse it."""
        if event.query in self._queries:
            self._refuse(event.query, InvariantViolated(f"query {event.query} runs already"), turn)
            return
        try:
            check_plan(event.plan)
        except InvariantViolated as error:
            self._refuse(event.query, error, turn)
            return
        query = self._queries[event.query] = QueryMachine(event, self._policy, self._random, turn.now)
        if not self._membership.ever_joined:
            query.fail(expiry.no_executors("none has joined yet", self._membership), turn)
            self._acted(query)
            return
        if event.timeout is not None:
            turn.timers.set(turn.now + event.timeout, DeadlineReached(event.query))
        if not self._membership.active():
            self._watch(query, turn.now, turn)
        query.begin(turn)
        self._acted(query)

    def cancel(self, event: QueryCancelRequested, turn: Turn) -> None:
        """Stop a query; nothing if it is unknown (any more)."""
        query = self._queries.get(event.query)
        if query is not None:
            query.cancel(QueryCancelled(event.reason), turn)
            self._acted(query)

    def release(self, event: QueryReleased, turn: Turn) -> None:
        """Have everything that a query has left deleted; stops it first if it still runs."""
        query = self._queries.get(event.query)
        if query is not None:
            query.cancel(QueryCancelled("the query was released before its end"), turn)
            query.attempts.release(turn)
            self._acted(query)

    # What executors report

    def task_started(self, event: TaskStarted, life: ExecutorLife, turn: Turn) -> None:
        """A member says that it runs a task."""
        query = self._queries.get(event.task.query)
        if query is not None:
            query.task_started(event.task, life, turn.now)

    def task_succeeded(self, event: TaskSucceeded, turn: Turn) -> TaskAttempt | None:
        """A member has made an output; the attempt whose slot is free because of it. What nobody needs is dropped."""
        query = self._queries.get(event.output.task.query)
        if query is None:
            turn.drop([event.output])
            return None
        attempt = query.task_succeeded(event, turn)
        self._acted(query)
        return attempt

    def task_failed(self, event: TaskFailed, turn: Turn) -> TaskAttempt | None:
        """A member could not run a task; the attempt whose slot is free because of it."""
        query = self._queries.get(event.task.query)
        if query is None:
            return None
        attempt = query.task_failed(event, turn)
        self._acted(query)
        return attempt

    def executor_lost(self, life: ExecutorLife, reason: str, turn: Turn) -> None:
        """Every query learns that an executor and its outputs are gone."""
        for query in list(self._queries.values()):
            query.executor_lost(life, reason, turn)
            self._acted(query)

    # Time

    def watch_for_executors(self, turn: Turn) -> None:
        """Give each query its last time to wait, if no member takes tasks any more."""
        if not self._membership.active():
            self._empty_since = turn.now
            for query in self._queries.values():
                self._watch(query, turn.now, turn)

    def timer(self, timer: DelayOver | DeadlineReached | NoExecutorGraceOver, turn: Turn) -> None:
        """A timer of a query is due."""
        query = self._queries.get(timer.query)
        if query is None:
            return
        match timer:
            case DelayOver():
                query.delay_over(timer, turn)
            case DeadlineReached():
                query.fail(QueryTimeout("the query has reached its deadline"), turn)
            case NoExecutorGraceOver():
                self._no_executor_grace_over(query, turn)
            case _:
                assert_never(timer)
        self._acted(query)

    def _no_executor_grace_over(self, query: QueryMachine, turn: Turn) -> None:
        grace = self._policy.no_executor_grace
        if self._membership.active():
            return
        if self._empty_since + grace > turn.now:
            self._watch(query, self._empty_since, turn)
        elif query.attempts.has_running:
            self._watch(query, turn.now, turn)
        else:
            query.fail(expiry.no_executors(f"none came for {grace:g} s", self._membership), turn)

    def _watch(self, query: QueryMachine, since: float, turn: Turn) -> None:
        if not query.state.is_terminal:
            turn.timers.set(since + self._policy.no_executor_grace, NoExecutorGraceOver(query.id))

    def _refuse(self, query: QueryId, error: InvariantViolated, turn: Turn) -> None:
        turn.instruct(QueryFailed(query, error.with_context(query=query)))

    def _acted(self, query: QueryMachine) -> None:
        """A query may have something ready now, or have left nothing."""
        if query.is_forgettable:
            del self._queries[query.id]
        else:
            self._dispatcher.notice(query)
