"""Runs statements of this process by the faster of their two plans, and finds out which one that is."""

from collections.abc import Callable, Sequence

from shoal.distributed import DistributedStream
from shoal.embedded import EmbeddedStream, OutOfPatience
from shoal.execution import Execution
from shoal.plan_cache import SessionPlan
from shoal.plan_choice import OwnPlan, PlanChoice
from shoal.planner.errors import Error, QueryCancelled, QueryTimeout
from shoal.planner.statement import Query
from shoal.run_clock import Cost
from shoal.running import Running
from shoal.settings import Values

RULE = "own_plans"
"""Among ``disabled_rules`` it leaves every statement of this process to the kernel's plan."""

PATIENCE = 1.5
"""A trial that has taken so many times the kernel's time without a row is given up."""

GRACE_SECONDS = 0.1
"""What it may take on top: the first such plan opens a kernel of its own."""

OwnPlanner = Callable[[Query, Sequence[object], Values, SessionPlan, int], OwnPlan | None]
"""Makes Shoal's plan of a statement from the kernel's and the catalog's version; None if it is no single task."""


class PlanTrials:
    """Starts statements by the plan that is known to be faster, and finds out which one that is."""

    def __init__(self, execution: Execution, own: OwnPlanner) -> None:
        self._execution = execution
        self._own = own

    def start(
        self,
        query: Query,
        parameters: Sequence[object],
        plan: SessionPlan,
        values: Values,
        running: Running,
        *,
        measured: bool = False,
    ) -> EmbeddedStream | DistributedStream:
        """Run a plan until its first rows are there; raises the statement's error. ``measured``: for EXPLAIN."""
        choice = plan.choice
        if choice is None or RULE in values.disabled_rules:
            return self._execution.start(plan, values, running, measured=measured)
        if choice.wants_trial and not measured:
            if not choice.is_planned:
                choice.is_planned = True
                choice.own = self._planned(query, parameters, values, plan, choice.version)
            if choice.own is not None:
                tried = self._try(choice, choice.own, values, running)
                if tried is not None:
                    return tried
        if choice.runs_own and choice.own is not None:
            return self._timed(self._execution.start(choice.own.plan, values, running, measured=measured), choice, True)
        return self._timed(self._execution.start(plan, values, running, measured=measured), choice, False)

    def _planned(
        self, query: Query, parameters: Sequence[object], values: Values, plan: SessionPlan, version: int
    ) -> OwnPlan | None:
        own = self._own(query, parameters, values, plan, version)
        if own is not None and own.plan.kept is not None and plan.kept is not None and plan.kept.is_wanted:
            # The same rows: it is kept from its first run on, as the kernel's plan is by now.
            own.plan.kept.tell_size(0)
        return own

    def _try(self, choice: PlanChoice, own: OwnPlan, values: Values, running: Running) -> EmbeddedStream | None:
        """A run by Shoal's plan; None if it failed or took too long, which the kernel's plan may not."""
        kernel = choice.kernel_runs
        patience = Cost(kernel.seconds * PATIENCE + GRACE_SECONDS, kernel.cpu_seconds * PATIENCE + GRACE_SECONDS)
        try:
            stream = self._execution.start(own.plan, values, running, patience=patience)
        except OutOfPatience:
            choice.give_up(f"no row after {patience}")
            return None
        except QueryCancelled:
            raise
        except Error as error:
            choice.give_up(error.message)
            if running.token.cancelled or isinstance(error, QueryTimeout):
                raise
            return None
        self._timed(stream, choice, True)
        assert isinstance(stream, EmbeddedStream)
        return stream

    def _timed(
        self, stream: EmbeddedStream | DistributedStream, choice: PlanChoice, is_own: bool
    ) -> EmbeddedStream | DistributedStream:
        if isinstance(stream, EmbeddedStream):
            stream.tell_cost(choice.own_took if is_own else choice.kernel_took)
        return stream
