"""What stages may become, and what they wait for."""

import pytest

from shoal.planner.options import Distribute, JoinStrategy, PlanOptions
from shoal.planner.plan import PlannedQuery
from shoal.planner.stage import ReadMode, StageVariant
from tests.planner.tpch_planning import EmptyKernel, InjectedTables, plan

UNKNOWN = "c_comment LIKE '%a%' AND c_address LIKE '%b%' AND c_name LIKE '%c%'"
GUESSED = "(FROM customer WHERE c_comment <> 'none')"
JOIN = f"SELECT o_orderkey, c.* FROM orders LEFT JOIN {GUESSED} c ON o_custkey = c_custkey"
FEW = f"(SELECT DISTINCT c_custkey FROM customer WHERE {UNKNOWN})"
FILTER = (
    f"SELECT c_custkey, row_number() OVER (PARTITION BY c_custkey) FROM {FEW} LEFT JOIN orders ON o_custkey = c_custkey"
)


@pytest.fixture(scope="module")
def tables() -> InjectedTables:
    return InjectedTables()


@pytest.fixture(scope="module")
def kernel(tables: InjectedTables) -> EmptyKernel:
    return EmptyKernel(tables.tables)


def planned(sql: str, tables: InjectedTables, kernel: EmptyKernel, **options: object) -> PlannedQuery:
    """The plan for four executors."""
    wanted = {"executors": 4, "distribute": Distribute.ALWAYS, "check_plans": True, **options}
    return plan(sql, PlanOptions(**wanted), tables, kernel)  # type: ignore[arg-type]


def check_variant(query: PlannedQuery, variant: StageVariant) -> None:
    """A variant stands for a stage of the plan, with the same output, and reads what comes before it."""
    stages = {stage.id: stage for stage in query.staged.stages}
    stage = stages[variant.stage.id]
    assert (variant.stage.columns, variant.stage.output) == (stage.columns, stage.output)
    assert variant.stage.sql != stage.sql
    assert all(item.stage < stage.id for item in variant.stage.exchanges)
    assert variant.waits not in variant.measured
    assert variant.most_bytes > 0


def test_a_partitioned_join_may_become_a_broadcast(tables: InjectedTables, kernel: EmptyKernel) -> None:
    query = planned(JOIN, tables, kernel)
    moved = [item for item in query.staged.result.exchanges if item.mode is ReadMode.ALIGNED]
    assert len(moved) == 2, query.staged
    (variant,) = [one for one in query.staged.variants if one.waits != one.stage.id]
    check_variant(query, variant)
    assert variant.waits in {item.stage for item in moved}
    assert {item.mode for item in variant.stage.exchanges} == {ReadMode.ALL}
    assert variant.stage.scans


def test_a_stage_may_be_filtered(tables: InjectedTables, kernel: EmptyKernel) -> None:
    query = planned(FILTER, tables, kernel)
    (variant,) = [one for one in query.staged.variants if one.waits == one.stage.id]
    check_variant(query, variant)
    assert "SEMI JOIN" in variant.stage.sql


@pytest.mark.parametrize("sql", [JOIN, FILTER])
def test_variants_can_be_switched_off(tables: InjectedTables, kernel: EmptyKernel, sql: str) -> None:
    disabled = frozenset({"switch_joins", "runtime_filters"})
    assert planned(sql, tables, kernel, disabled_rules=disabled).staged.variants == ()
    assert planned(sql, tables, kernel, partitions=1).staged.variants == ()


def test_a_forced_strategy_is_kept(tables: InjectedTables, kernel: EmptyKernel) -> None:
    query = planned(JOIN, tables, kernel, join_strategy=JoinStrategy.PARTITIONED)
    assert all(one.waits == one.stage.id for one in query.staged.variants)
