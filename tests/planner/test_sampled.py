"""What the planner makes of samples and of past runs."""

from dataclasses import replace

import pytest

from shoal.planner.cost.canonical import CanonicalPlans
from shoal.planner.cost.cardinality import Estimator
from shoal.planner.cost.join_cardinality import common_selectivity
from shoal.planner.cost.join_edges import build_graph
from shoal.planner.cost.join_members import members_of
from shoal.planner.cost.join_region import collect_region
from shoal.planner.ids import ColumnId
from shoal.planner.logical import JoinKind, Node
from shoal.planner.protocols import ColumnSample, ColumnStatistics, SampledStatistics, TableStatistics
from shoal.planner.source import TableSource
from tests.planner.random_joins import KeyStatistics
from tests.planner.small_tables import CountedStatistics, group, join, scan, where

ROWS = 1_000_000


class Told(CountedStatistics):
    """Statistics with one answer for every sample, that remember what they were asked; and with past runs."""

    def __init__(self, answer: SampledStatistics | None = None, distinct: float = 100.0) -> None:
        super().__init__(distinct)
        self.answer = answer
        self.asked: list[tuple[tuple[str, ...], frozenset[str]]] = []
        self.rows: dict[str, float] = {}
        self.observed_tables: frozenset[int] = frozenset()

    def sample(
        self, source: TableSource, terms: tuple[str, ...], columns: frozenset[str], keys: frozenset[str]
    ) -> SampledStatistics | None:
        """The answer."""
        self.asked.append((terms, keys))
        return self.answer

    def observed(self, subplan: str) -> float | None:
        """The rows of a past run."""
        return self.rows.get(subplan)

    def remember(self, node: Node, rows: float) -> None:
        """Let a subplan have run."""
        plans = CanonicalPlans()
        key = plans.key(node)
        assert key is not None
        self.rows[key] = rows
        self.observed_tables |= {plans.tables(node)}


def found(matched: int, *banded: int) -> SampledStatistics:
    return SampledStatistics(16_000, matched, frozenset(banded))


@pytest.mark.parametrize(
    ("predicate", "answer", "share"),
    [
        ("a_x = 1 AND a_y = 2", found(8000), 0.5),
        ("a_x < a_y", found(16_000), 1.0),
        ("a_x < 50 AND a_y % 2 = 0", found(8000, 0), 0.25),
        ("a_x = 1 AND a_y = 2", found(0), 1 / 16_000),
        ("a_x = 1 AND a_y = 2", found(4), 0.0001),
        ("a_x = 1 AND a_y = 2", None, 0.001),
        ("a_x = 1 AND a_y = 2", SampledStatistics(0, 0), 0.001),
        ("a_x = 1 AND a_y = 2", found(16_000, 0, 1), 0.001),
    ],
)
def test_what_a_sample_measured_counts(predicate: str, answer: SampledStatistics | None, share: float) -> None:
    estimate = Estimator(Told(answer)).estimate(where(scan("a", ROWS), predicate))
    assert estimate.rows == pytest.approx(ROWS * share, rel=0.3)
    measured = answer is not None and answer.rows > 0 and len(answer.banded) < 2
    assert estimate.origin == ("sampled" if measured else "")


@pytest.mark.parametrize(
    "node",
    [
        where(scan("a", 1000), "a_x = 1 AND a_y = 2"),
        where(scan("a", ROWS), "a_x < 50"),
        where(scan("a", ROWS), "a_x > 1000"),
        where(scan("a", ROWS), "random() < a_x"),
        where(scan("a", ROWS), "repeat('x', a_x) = 'xx'"),
        where(scan("a", ROWS), "a_x IN (SELECT 1)"),
        where(join(scan("a", ROWS), scan("b"), "a_x = b_x"), "a_y = 1 OR b_y = 2"),
        where(group(scan("a", ROWS), "a_x", n="sum(a_y)"), "n = 3"),
    ],
)
def test_what_footers_tell_or_no_sample_can_is_not_asked(node: Node) -> None:
    statistics = Told(found(8000))
    Estimator(statistics).estimate(node)
    assert not statistics.asked


def test_the_switch() -> None:
    statistics = Told(found(8000))
    Estimator(statistics, frozenset({"sample_tables"})).estimate(where(scan("a", ROWS), "a_x = 1 AND a_y = 2"))
    assert not statistics.asked


@pytest.mark.parametrize(("sure", "distinct"), [(True, 5000.0), (False, 900_000.0)])
def test_doubtful_keys_are_looked_into(sure: bool, distinct: float) -> None:
    statistics = Told(
        SampledStatistics(16_000, 16_000, columns={"x": ColumnSample(5000.0, 0.25, 0.0, sure)}), 900_000.0
    )
    estimator = Estimator(statistics)
    node = join(scan("a", ROWS), scan("b", ROWS), "a_x = b_x")
    estimator.watch_keys(node)
    known = estimator.estimate(node.left).columns[ColumnId("a_x")]
    assert statistics.asked == [((), frozenset({"x"}))]
    assert known.distinct == distinct
    assert known.common_share == 0.25


def test_past_runs_come_before_guesses() -> None:
    a, b, c = scan("a", 10_000), scan("b", 1000), scan("c", 1000)
    statistics = Told()
    statistics.remember(join(where(b, "b_y = 1"), a, "b_x = a_x"), 7.0)
    node = join(a, where(b, "b_y = 1"), "a_x = b_x")
    estimate = Estimator(statistics).estimate(node)
    assert (estimate.rows, estimate.origin) == (7.0, "observed")
    assert Estimator(statistics, frozenset({"observed_rows"})).estimate(node).origin == ""
    assert Estimator(statistics).estimate(join(a, c, "a_x = c_x")).origin == ""


@pytest.mark.parametrize("kind", [JoinKind.INNER, JoinKind.SEMI])
def test_the_search_knows_of_past_runs(kind: JoinKind) -> None:
    a, b, c = scan("a", 10_000), scan("b", 1000), scan("c", 1000)
    region = collect_region(join(join(a, b, "a_x = b_x", kind), c, "a_y = c_y"))
    statistics = Told()
    members = members_of(region)
    before = build_graph(members, region.terms, Estimator(statistics))
    statistics.remember(join(a, b, "a_x = b_x", kind), 20.0)
    after = build_graph(members, region.terms, Estimator(statistics))
    pair = sum(1 << index for index, node in enumerate(members.relations) if node is not c)
    assert after.rows(pair) == pytest.approx(20.0)
    assert after.rows(after.all) == pytest.approx(before.rows(before.all) * 20.0 / before.rows(pair))


def test_common_values_of_both_sides_meet() -> None:
    one = ColumnStatistics(distinct=1000.0, null_fraction=0.0, common_values=((7, 0.5), (8, 0.1)))
    other = ColumnStatistics(distinct=2000.0, null_fraction=0.0, common_values=((7, 0.4), (9, 0.2)))
    share = common_selectivity(one, other)
    assert share is not None
    assert 0.2 < share < 0.201
    assert common_selectivity(one, ColumnStatistics(distinct=2000.0)) is None


def test_common_values_count_in_the_join_graph_and_in_the_estimate() -> None:
    class Common(KeyStatistics):
        def table(self, source: TableSource, columns: frozenset[str]) -> TableStatistics:
            found = super().table(source, columns)
            common = {name: replace(item, common_values=((7, 0.3),)) for name, item in found.columns.items()}
            return replace(found, columns=common)

    node = join(scan("a", 10_000), scan("b", 20_000), "a_y = b_y")
    region = collect_region(node)
    for statistics, least in ((KeyStatistics(), 0.0), (Common(), 0.09)):
        estimator = Estimator(statistics)
        graph = build_graph(members_of(region), region.terms, estimator)
        share = graph.rows(0b11) / (10_000 * 20_000)
        assert share == pytest.approx(estimator.rows(node) / (10_000 * 20_000))
        assert least <= share < least + 0.01
