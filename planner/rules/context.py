"""What a rule is given besides the plan, and what the driver reports of each rule."""

from collections.abc import Callable
from dataclasses import dataclass, field

from shoal.planner.column_ids import ColumnIds
from shoal.planner.cost.cardinality import Estimator
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Node
from shoal.planner.options import PlanOptions


@dataclass(frozen=True, slots=True)
class RuleRun:
    """One run of one rule: its name, whether it changed the plan, and how long it took."""

    name: str
    changed: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class RuleContext:
    """What rules may ask for.

    ``outputs`` are the columns of the root that the query delivers. ``clock`` is given from outside, as the planner
    reads none itself; ``record`` hears of every rule that ran.
    """

    ids: ColumnIds
    estimator: Estimator
    options: PlanOptions = field(default_factory=PlanOptions)
    outputs: tuple[ColumnId, ...] = ()
    clock: Callable[[], float] | None = None
    record: Callable[[RuleRun], None] | None = None


Rule = Callable[[Node, RuleContext], Node]
