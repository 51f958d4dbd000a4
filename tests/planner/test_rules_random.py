"""Random plans through all rules: whatever the shape, the rows stay."""

import random
from dataclasses import replace

import pytest

from shoal.planner import logical
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Assignment, Column, JoinKind, Node, Query, SetOperator, schema
from shoal.planner.rules import optimise
from tests.planner.small_tables import NAMES, TABLES, context, expression, group, join, project, rows, scan, where

KINDS = (JoinKind.INNER, JoinKind.INNER, JoinKind.INNER, *JoinKind)


class Plans:
    """Makes plans; every scan has ids of its own."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.made = 0

    def name(self, stem: str) -> str:
        """An id that nothing else has."""
        self.made += 1
        return f"{stem}_{self.made}"

    def column(self, node: Node) -> str:
        """Some integer column of a node."""
        return str(self.chance.choice([item.id for item in schema(node) if item.type == "INTEGER"]))

    def term(self, node: Node) -> str:
        """Some predicate over a node."""
        one, other, number = self.column(node), self.column(node), self.chance.randrange(8)
        return self.chance.choice(
            [
                f"{one} = {number}",
                f"{one} > {number}",
                f"{one} IS NULL",
                f"{one} IS NOT NULL",
                f"{one} <= {other}",
                f"NOT ({one} = {number} OR {other} > 3)",
                f"({one} = 1 AND {other} < 5) OR ({one} = {number} AND {other} > 2)",
                f"{one} IN (1, 2, {number})",
                f"coalesce({one}, 0) = {number}",
                f"{one} BETWEEN 1 AND {number}",
                "1 = 1",
            ]
        )

    def plan(self, depth: int) -> Node:
        """A plan of that many levels at most."""
        if depth == 0:
            label = self.name("t")
            return scan(self.chance.choice(TABLES), self.chance.randint(1, 100_000), label)
        shape = self.chance.choice(["join", "join", "join", "filter", "filter", "project", "group", "set", "window"])
        below = self.plan(depth - 1)
        match shape:
            case "join":
                return self.join(below, self.plan(self.chance.randrange(depth)))
            case "filter":
                return where(below, " AND ".join(self.term(below) for _ in range(self.chance.randint(1, 3))))
            case "project":
                passed = {str(item.id): str(item.id) for item in schema(below)[: self.chance.randint(1, 4)]}
                new = {self.name("p"): f"{self.column(below)} + 1", self.name("p"): self.column(below)}
                return project(below, **(passed if self.chance.random() < 0.5 else passed | new))
            case "group":
                keys = dict.fromkeys([self.column(below) for _ in range(self.chance.randrange(3))])
                calls = {self.name("g"): f"max({self.column(below)})"} if not keys or self.chance.random() < 0.7 else {}
                return group(below, *keys, **calls)
            case "set":
                return self.union(below, self.plan(self.chance.randrange(depth)))
            case _:
                call = f"max({self.column(below)}) OVER (PARTITION BY {self.column(below)})"
                added = Assignment(Column(ColumnId(self.name("w")), "INTEGER"), expression(call))
                return logical.Window(below, (added,))

    def join(self, left: Node, right: Node) -> Node:
        """A join of any kind by one to three terms."""
        terms = [f"{self.column(left)} = {self.column(right)}"]
        terms += [self.term(left)] if self.chance.random() < 0.3 else []
        terms += [self.term(right)] if self.chance.random() < 0.3 else []
        terms += [f"{self.column(left)} < {self.column(right)} + 2"] if self.chance.random() < 0.2 else []
        return join(left, right, " AND ".join(terms), self.chance.choice(KINDS))

    def union(self, left: Node, right: Node) -> Node:
        """A set operation over the first columns of two plans."""
        width = min(len(schema(left)), len(schema(right)), 3)
        sides = [side if len(schema(side)) == width else self.cut(side, width) for side in (left, right)]
        columns = tuple(Column(ColumnId(self.name("u")), "INTEGER") for _ in range(width))
        operator = self.chance.choice(list(SetOperator))
        return logical.SetOperation(operator, self.chance.random() < 0.6, sides[0], sides[1], columns)

    def cut(self, node: Node, width: int) -> Node:
        """The first columns of a plan, under their ids or new ones."""
        kept = [str(item.id) for item in schema(node)[:width]]
        return project(node, **{item if self.chance.random() < 0.5 else self.name("c"): item for item in kept})


@pytest.mark.parametrize("seed", range(150))
def test_random_plans_keep_their_rows(seed: int) -> None:
    plans = Plans(seed)
    root = plans.plan(plans.chance.randint(2, 5))
    ids = [item.id for item in schema(root)]
    outputs = tuple(plans.chance.sample(ids, plans.chance.randint(1, len(ids))))
    given = context()
    for number in range(plans.made + 1):
        for name in NAMES:
            given.ids.fresh(f"t_{number}_{name}")
    query = Query(root, outputs, tuple(map(str, outputs)), ("INTEGER",) * len(outputs))
    after = optimise(query, given)
    assert rows(after.root, outputs) == rows(root, outputs)
    again = optimise(after, replace(given))
    assert rows(again.root, outputs) == rows(root, outputs)
