"""A fault of the planner costs no answer, and shows where plans are checked."""

from dataclasses import replace

import pytest

from shoal.planner import plan as planning
from shoal.planner.errors import ColumnNotFound, InvariantViolated, QueryCancelled, SourceCorrupt
from tests.planner.test_plan import ALWAYS, TABLES
from tests.planner.tpch_planning import EmptyKernel, plan

UNCHECKED = replace(ALWAYS, check_plans=False)


@pytest.fixture
def kernel() -> EmptyKernel:
    return EmptyKernel(TABLES.tables)


@pytest.mark.parametrize("fault", [KeyError("x"), AssertionError("no"), InvariantViolated("a plan"), IndexError(3)])
def test_a_fault_leaves_the_statement_whole(
    monkeypatch: pytest.MonkeyPatch, kernel: EmptyKernel, fault: Exception
) -> None:
    def fail(*_: object) -> None:
        raise fault

    monkeypatch.setattr(planning, "optimise", fail)
    planned = plan("SELECT g, count(*) FROM large GROUP BY g", UNCHECKED, TABLES, kernel)
    assert planned.physical is None
    assert f"the planner failed ({type(fault).__name__}" in planned.reason
    assert [scan.name for scan in planned.staged.result.scans] == ["large"]
    with pytest.raises(type(fault)):
        plan("SELECT g, count(*) FROM large GROUP BY g", ALWAYS, TABLES, kernel)


@pytest.mark.parametrize("error", [ColumnNotFound("x"), SourceCorrupt("x"), QueryCancelled("x")])
def test_errors_that_are_none_of_the_planner_are_raised(
    monkeypatch: pytest.MonkeyPatch, kernel: EmptyKernel, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(planning, "optimise", fail)
    with pytest.raises(type(error)):
        plan("SELECT g FROM large", UNCHECKED, TABLES, kernel)
