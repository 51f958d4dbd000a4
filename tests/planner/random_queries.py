"""Random queries with subqueries nested to a depth, correlated over any number of levels; equal for equal seeds."""

import random
from dataclasses import dataclass, field

from shoal.planner.logical import ApplyKind, JoinKind, SetOperator
from tests.planner.correlated_queries import Builder, Built, From, Sub

COLUMNS = {"o": ("a", "b"), "i": ("x", "y", "z"), "j": ("u", "v"), "nothing": ("k", "l")}
CALLS = (
    ("count(*)", "BIGINT"),
    ("count({0})", "BIGINT"),
    ("sum({0})", "HUGEINT"),
    ("max({0})", "INTEGER"),
    ("count(DISTINCT {0})", "BIGINT"),
    ("min({0} + {1})", "INTEGER"),
)
KINDS = (ApplyKind.SCALAR, ApplyKind.SCALAR, ApplyKind.EXISTS, ApplyKind.IN)


@dataclass
class RandomQueries:
    """Makes random queries; ``outer`` columns are those of all queries around the one that is made."""

    seed: int
    builder: Builder = field(default_factory=Builder)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.count = 0

    def statement(self) -> Built:
        """A whole statement."""
        return self.query((), self.random.choice((1, 2, 2, 3)))

    def query(self, outer: tuple[str, ...], depth: int, single: bool = False) -> Built:
        """A query of one column ``r_out``; of one row at most if ``single``."""
        chance = self.random.random()
        if chance < 0.1 and depth and outer and not single:
            operator = self.random.choice(tuple(SetOperator))
            left, right = self.query(outer, depth - 1), self.query(outer, depth - 1)
            return self.builder.combine(self.alias("c"), operator, self.random.random() < 0.5, left, right)
        return self.select(outer, depth, single or chance > 0.75)

    def select(self, outer: tuple[str, ...], depth: int, single: bool) -> Built:
        alias = self.alias("q")
        source, own = self.source(outer, depth)
        subs: dict[str, Sub] = {}
        where = " AND ".join(self.term(own, outer, depth, subs) for _ in range(self.random.choice((0, 1, 1, 2, 3))))
        grouped = self.random.random() < 0.3
        if single or grouped:
            text, type_ = self.random.choice(CALLS)
            visible = own + outer if self.random.random() < 0.2 else own
            text = text.format(f"({self.pick(own)})::INTEGER", f"({self.pick(visible)})::INTEGER")
            groups = (self.random.choice(own),) if grouped and not single else ()
            having = f"$g > {self.operand((*groups, *outer))}" if self.random.random() < 0.3 else ""
            item = self.random.choice(("$g", "$g", f"$g + {self.operand((*groups, *outer))}"))
            calls = {"g": (text, type_)}
            return self.builder.select(
                alias,
                source,
                {"r": f"({item})::BIGINT"},
                where,
                groups,
                calls,
                having,
                subs=subs,
                types={"r": "BIGINT"},
            )
        item = f"({self.operand(own, outer, depth, subs)})::BIGINT"
        limit = self.random.choice((None, None, None, 1, 2))
        order = ("r",) if limit is not None else ()
        return self.builder.select(
            alias, source, {"r": item}, where, distinct=self.random.random() < 0.2, order=order, limit=limit,
            offset=self.random.choice((0, 1)) if order else 0, subs=subs, types={"r": "BIGINT"},
        )  # fmt: skip

    def source(self, outer: tuple[str, ...], depth: int) -> tuple[From, tuple[str, ...]]:
        """A FROM clause and its columns."""
        source, own = self.relation(outer, depth)
        if self.random.random() < 0.3:
            other, more = self.relation(outer, 0)
            kind = self.random.choice((JoinKind.INNER, JoinKind.LEFT, JoinKind.RIGHT, JoinKind.FULL))
            on = f"{self.random.choice(own)} = {self.random.choice(more)}"
            if kind is not JoinKind.FULL and outer and self.random.random() < 0.3:
                on += f" AND {self.random.choice(more)} <= {self.random.choice(outer)}"
            source, own = self.builder.join(kind, source, other, on), own + more
        if depth and self.random.random() < 0.15:
            query = self.query(own + outer, depth - 1)
            kind = self.random.choice((ApplyKind.INNER, ApplyKind.LEFT))
            source, own = self.builder.lateral(source, query, "TRUE", kind), (*own, f"{query.alias}.r_out")
        return source, own

    def relation(self, outer: tuple[str, ...], depth: int) -> tuple[From, tuple[str, ...]]:
        if depth and outer and self.random.random() < 0.25:
            query = self.query(outer, depth - 1)
            return self.builder.derived(query), (f"{query.alias}.r_out",)
        name = self.random.choice(("o", "i", "i", "j", "j", "nothing"))
        alias = self.alias(name)
        return self.builder.table(name, alias), tuple(f"{alias}.{column}" for column in COLUMNS[name])

    def term(self, own: tuple[str, ...], outer: tuple[str, ...], depth: int, subs: dict[str, Sub]) -> str:
        chance = self.random.random()
        if depth and chance < 0.45:
            kind = self.random.choice(KINDS)
            text = self.sub(kind, own, outer, depth, subs)
            if kind is ApplyKind.SCALAR:
                return f"{self.pick(own)} {self.operator()} {text}"
            text = self.random.choice(("", "NOT ")) + text
            return self.random.choice((text, text, f"({text} OR {self.pick(own)} = 1)"))
        if outer and chance < 0.85:
            return f"{self.random.choice(own)} {self.operator()} {self.operand(outer)}"
        return f"{self.random.choice(own)} {self.operator()} {self.operand(own)}"

    def sub(
        self, kind: ApplyKind, own: tuple[str, ...], outer: tuple[str, ...], depth: int, subs: dict[str, Sub]
    ) -> str:
        name = f"s{len(subs)}"
        query = self.query(own + outer, depth - 1, single=kind is ApplyKind.SCALAR and self.random.random() < 0.9)
        subs[name] = Sub(kind, query, self.operand(own) if kind is ApplyKind.IN else "")
        return f"{{{name}}}"

    def operand(
        self, own: tuple[str, ...], outer: tuple[str, ...] = (), depth: int = 0, subs: dict[str, Sub] | None = None
    ) -> str:
        if depth and subs is not None and self.random.random() < 0.3:
            kind = self.random.choice(KINDS)
            text = self.sub(kind, own, outer, depth, subs)
            return text if kind is ApplyKind.SCALAR else f"CASE {text} WHEN TRUE THEN 1 WHEN FALSE THEN 0 END"
        chance = self.random.random()
        if chance < 0.6 and own:
            return self.random.choice(own)
        if chance < 0.8 and own:
            return f"({self.random.choice(own)} + {self.random.choice((*own, *outer, '1'))})"
        return str(self.random.choice((0, 1, 2, 7, 10)))

    def pick(self, columns: tuple[str, ...]) -> str:
        return self.random.choice(columns)

    def operator(self) -> str:
        return self.random.choice(("=", "=", "=", "=", "<", "<=", "<>", "IS NOT DISTINCT FROM"))

    def alias(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"
