"""Aggregates that are brought below joins: where they go, where they must not, and that the rows stay."""

import importlib
import random

import pytest

from shoal.planner import logical
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Aggregate, Assignment, Column, JoinKind, Node, schema
from shoal.planner.protocols import ColumnStatistics
from shoal.planner.rules.combined_calls import cannot_fail
from shoal.planner.rules.push_aggregates import push_aggregates
from shoal.planner.tree import find
from tests.planner.small_tables import CountedStatistics, apply, context, expression, join, project, scan, where

A, B, C = scan("a", 1_000_000), scan("b", 100), scan("c", 100)
TYPES = {"sum": "HUGEINT", "count": "BIGINT", "min": "INTEGER", "max": "INTEGER", "avg": "DOUBLE"}


def totals(node: Node, *keys: str, **calls: str) -> Aggregate:
    """An aggregate with the kernel's types."""
    columns = {column.id: column for column in schema(node)}
    made = tuple(
        Assignment(Column(ColumnId(name), TYPES.get(text.partition("(")[0], "INTEGER")), expression(text))
        for name, text in calls.items()
    )
    return Aggregate(node, tuple(columns[ColumnId(key)] for key in keys), made)


def partials(node: Node) -> list[Aggregate]:
    return [item for item in find(node, Aggregate) if item.partial]


@pytest.fixture
def forced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it may, the rule fires, at the deepest place."""
    rule_file = importlib.import_module("shoal.planner.rules.push_aggregates")
    monkeypatch.setattr(rule_file, "MOST_LEFT", float("inf"))
    monkeypatch.setattr(rule_file, "_gain", lambda _node, place, _partial, _estimator: float(len(place.path)))


def test_many_rows_of_few_keys_are_added_up_before_the_join() -> None:
    after = apply(push_aggregates, totals(join(A, B, "a_x = b_x"), "b_y", s="sum(a_y)", n="count(*)"))
    (partial,) = partials(after)
    assert partial.input == A
    assert [key.id for key in partial.keys] == ["a_x"]
    assert isinstance(after, logical.Project)


def test_rows_that_a_join_drops_are_not_added_up_before() -> None:
    few = where(B, "b_y = 1 AND b_z = 1")
    node = totals(join(A, few, "a_x = b_x AND a_y = b_y AND a_z = b_z"), "b_x", s="sum(a_y)")
    assert apply(push_aggregates, node) is node


def test_few_rows_to_a_key_stay() -> None:
    node = totals(join(A, B, "a_x = b_x"), "b_y", s="sum(a_y)")
    assert apply(push_aggregates, node, statistics=CountedStatistics(1_000_000.0)) is node


CALLS = ("sum(a_y)", "count(a_y)", "count(*)", "min(a_y)", "max(a_z)", "sum(a_y + a_z * 2)", "sum(-a_y)")


@pytest.mark.usefixtures("forced")
@pytest.mark.parametrize("kind", list(JoinKind))
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("keys", [(), ("a_z",), ("a_x", "a_z")])
def test_every_kind_of_join(kind: JoinKind, call: str, keys: tuple[str, ...]) -> None:
    after = apply(push_aggregates, totals(join(A, B, "a_x = b_x", kind), *keys, s=call))
    found = [item.input for item in partials(after)]
    assert found == ([] if kind is JoinKind.FULL else [B if (kind, call) == (JoinKind.RIGHT, "count(*)") else A])


@pytest.mark.usefixtures("forced")
@pytest.mark.parametrize("call", ["sum(b_y)", "count(b_y)", "min(b_y)", "count(*)"])
@pytest.mark.parametrize("kind", [JoinKind.LEFT, JoinKind.RIGHT, JoinKind.INNER])
def test_the_right_side(kind: JoinKind, call: str) -> None:
    after = apply(push_aggregates, totals(join(A, B, "a_x = b_x AND b_z > 0", kind), "a_z", s=call))
    (partial,) = partials(after)
    right = call != "count(*)" or kind is JoinKind.RIGHT
    assert partial.input == (B if right else A)


@pytest.mark.usefixtures("forced")
@pytest.mark.parametrize(
    "node",
    [
        totals(join(A, B, "a_x = b_x"), "b_y", s="sum(DISTINCT a_y)"),
        totals(join(A, B, "a_x = b_x"), "b_y", s="sum(a_y) FILTER (WHERE a_z > 1)"),
        totals(join(A, B, "a_x = b_x"), "b_y", s="sum(a_y + b_y)"),
        totals(join(A, B, "a_x = b_x"), "b_y", s="avg(a_y)"),
        totals(join(A, B, "a_x = b_x"), "b_y", s="sum(a_y)", t="sum(b_y)"),
        totals(join(A, B), "b_y", s="sum(a_y)"),
        totals(join(A, B, "a_x = b_x AND random() < 2"), "b_y", s="sum(a_y)"),
        totals(join(A, B, "a_x = b_x"), "b_y", s="sum(a_y::VARCHAR::INTEGER)"),
        totals(join(A, B, "a_x = b_x"), "b_y"),
        totals(A, "a_x", s="sum(a_y)"),
        totals(where(A, "a_x > 2"), "a_x", s="sum(a_y)"),
    ],
)
def test_where_it_must_not(node: Aggregate) -> None:
    assert push_aggregates(node, context()) is node


@pytest.mark.usefixtures("forced")
@pytest.mark.parametrize("kind", [JoinKind.INNER, JoinKind.LEFT, JoinKind.SEMI])
def test_no_partners_at_all(kind: JoinKind) -> None:
    joined = join(A, where(B, "b_y > 100"), "a_x = b_x", kind)
    for keys in ((), ("a_z",)):
        after = apply(push_aggregates, totals(joined, *keys, s="sum(a_y)", n="count(*)", c="count(a_y)"))
        assert partials(after)


@pytest.mark.usefixtures("forced")
def test_constants_of_rows_that_are_filled_up_do_not_count() -> None:
    node = totals(project(join(A, B, "a_x = b_x", JoinKind.LEFT), one="1", z="a_z"), "z", s="sum(one)")
    (partial,) = partials(apply(push_aggregates, node))
    assert partial.input == A


@pytest.mark.usefixtures("forced")
def test_projections_and_filters_on_the_way() -> None:
    joined = where(project(join(A, B, "a_x = b_x"), k="a_z + b_z", v="a_y * 2", w="a_y", u="b_y"), "w > 1 OR u = 3")
    after = apply(push_aggregates, totals(joined, "k", s="sum(v)", n="count(w)", m="max(u)"))
    assert not partials(after)
    after = apply(push_aggregates, totals(joined, "k", s="sum(v)", n="count(w)"))
    (partial,) = partials(after)
    assert partial.input == A
    assert {key.id for key in partial.keys} == {"a_x", "a_y", "a_z"}


@pytest.mark.usefixtures("forced")
def test_random_plans() -> None:
    chance = random.Random(5)
    fired = 0
    for _ in range(150):
        node: Node = scan("a")
        columns = ["a_x", "a_y", "a_z"]
        for table in ("b", "c", "d")[: chance.randint(1, 3)]:
            kind = chance.choice(list(JoinKind))
            condition = f"{chance.choice(columns)} = {table}_x"
            condition += chance.choice(["", f" AND {chance.choice(columns)} <= {table}_y"])
            node = join(node, scan(table), condition, kind)
            columns += [f"{table}_{name}" for name in "xyz"] if kind not in (JoinKind.SEMI, JoinKind.ANTI) else []
            if chance.random() < 0.3:
                node = where(node, f"{chance.choice(columns)} > 1 OR {chance.choice(columns)} IS NULL")
        keys = chance.sample(columns, chance.randint(0, 2))
        used = [name for name in columns if name[0] == chance.choice("abcd")] or columns
        calls = {f"c{number}": f"{name}({chance.choice(used)})" for number, name in enumerate(("sum", "count", "min"))}
        calls |= {"n": "count(*)"} if chance.random() < 0.3 else {}
        fired += len(partials(apply(push_aggregates, totals(node, *keys, **calls))))
    assert fired > 30


@pytest.mark.parametrize(
    ("text", "type", "bounds", "expected"),
    [
        ("k", "VARCHAR", (None, None), True),
        ("k + 1", "VARCHAR", (None, None), False),
        ("k + 1", "INTEGER", (None, None), False),
        ("k + 1", "INTEGER", (0, 1000), True),
        ("k * k", "INTEGER", (0, 100_000), False),
        ("k * (1 - k)", "DECIMAL(15,2)", (None, None), False),
        ("k * (1 - k)", "DECIMAL(7,2)", (None, None), True),
        ("k / 2", "DECIMAL(9,2)", (1, 2), False),
        ("k + 1", "DOUBLE", (1, 2), False),
        ("abs(k)", "INTEGER", (1, 2), False),
    ],
)
def test_arguments_that_cannot_fail(text: str, type: str, bounds: tuple[int, int], expected: bool) -> None:
    known = {ColumnId("k"): ColumnStatistics(*bounds)}
    assert cannot_fail(expression(text), {ColumnId("k"): type}, known) is expected
