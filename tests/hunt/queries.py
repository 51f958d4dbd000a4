"""Random queries over the tables of a world; equal for equal seeds.

The answer of each is determined by the tables: whatever is cut off or numbered is ordered by all of its columns.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.hunt.expressions import GROUPED, Column, Expressions
from tests.hunt.kinds import KINDS, literal
from tests.hunt.world import World, quoted

JOINS = (
    "JOIN", "JOIN", "JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN",
    "INNER JOIN", "LEFT OUTER JOIN", "FULL OUTER JOIN",
)  # fmt: skip
SET_OPERATORS = (
    "UNION", "UNION ALL", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL", "UNION BY NAME",
    "UNION ALL BY NAME",
)  # fmt: skip
KEYED = (
    "int",
    "int",
    "int",
    "str",
    "date",
    "dec",
    "bool",
    "ts",
    "enum",
    "uuid",
    "huge",
    "dbl",
    "tstz",
    "struct",
    "list",
)
"""Kinds of columns that joins are made on; tables are joined on the first that both have."""


@dataclass(frozen=True)
class Source:
    """A FROM clause and the columns that it shows."""

    text: str
    columns: tuple[Column, ...]


class Queries:
    """Makes queries, one after another."""

    def __init__(self, seed: int, world: World) -> None:
        self.random = random.Random(f"query {seed}")
        self.world = world
        self.expressions = Expressions(self.random, self.subquery)
        self._aliases = 0
        self._ctes: list[tuple[str, tuple[Column, ...]]] = []

    def choice(self, *items: str) -> str:
        """One of some texts."""
        return self.random.choice(items)

    def alias(self) -> str:
        """A name that is not in use."""
        self._aliases += 1
        return f"t{self._aliases}"

    def query(self, depth: int = 2) -> str:
        """A whole query."""
        chance = self.random.random()
        if chance < 0.12:
            return self.set_operation(depth)
        if chance < 0.27:
            return self.with_query(depth)
        return self.select(depth)

    def with_query(self, depth: int) -> str:
        """A query over common table expressions, which may be used in any subquery, and more than once."""
        kept, parts = list(self._ctes), []
        for number in range(self.random.choice((1, 1, 2, 3))):
            kinds = ["int", self.expressions.kind(), self.expressions.kind()]
            names = ["k", "m", "n"]
            body = self.select(max(0, depth - 1), kinds, names, plain=self.random.random() < 0.5)
            name = self.choice(f"w{number}", f"w{number}", "a")
            hint = self.choice("", "", "", "MATERIALIZED ", "NOT MATERIALIZED ")
            if name in (known for known, _ in self._ctes):
                name = f"w{number}"
            parts.append(f"{name} AS {hint}({body})")
            self._ctes.append((name, tuple(Column(n, k) for n, k in zip(names, kinds, strict=True))))
        inner = self.set_operation(depth - 1) if self.random.random() < 0.15 else self.select(depth)
        self._ctes = kept
        return f"WITH {', '.join(parts)} {inner}"

    def set_operation(self, depth: int) -> str:
        """Two or three queries put together, perhaps ordered and cut off."""
        operator = self.random.choice(SET_OPERATORS)
        kinds = [self.expressions.kind() for _ in range(self.random.choice((1, 2, 3)))]
        if operator.startswith("UNION") and "ALL" not in operator:
            kinds = [kind if kind in GROUPED else "int" for kind in kinds]
        names = [f"r{number}" for number in range(len(kinds))]
        sides = []
        for _ in range(self.random.choice((2, 2, 2, 3))):
            order = list(range(len(kinds)))
            if "BY NAME" in operator:
                self.random.shuffle(order)
            sides.append(self.select(depth - 1, [kinds[i] for i in order], [names[i] for i in order]))
        if operator == "UNION BY NAME" and self.random.random() < 0.5:
            sides.append("SELECT 1 AS r0, 'more' AS extra")
        text = f" {operator} ".join(f"({side})" for side in sides)
        if self.random.random() < 0.25:
            text += f" ORDER BY ALL{self.choice('', ' DESC', ' NULLS FIRST')}{self.choice('', ' LIMIT 7')}"
        return text

    def select(
        self,
        depth: int,
        kinds: Sequence[str] | None = None,
        names: Sequence[str] | None = None,
        *,
        outer: Sequence[Column] = (),
        plain: bool = False,
    ) -> str:
        """A query of columns of these kinds (any, if None), perhaps grouped, perhaps ordered and cut off."""
        source = self.source(depth)
        final = kinds is None
        wanted = list(kinds or [self.expressions.kind() for _ in range(self.random.choice((1, 2, 3, 4)))])
        labels = list(
            names or [self.choice(f"r{number}", f"r{number}", f'"R {number}"') for number in range(len(wanted))]
        )
        where = self.where(source.columns, depth, outer)
        grouped = not plain and self.random.random() < 0.4
        if grouped:
            items, tail = self._grouped(source.columns, wanted, depth, final)
        else:
            items, tail = self._plain(source.columns, wanted, depth)
        distinct = self._distinct(wanted, grouped)
        text = ", ".join(f"{item} AS {label}" for item, label in zip(items, labels, strict=True))
        sql = f"SELECT {distinct}{text} FROM {source.text}{where}{tail}"
        return sql + self._order(labels, wanted)

    def subquery(self, columns: Sequence[Column], purpose: str, depth: int) -> str:
        """A query inside an expression that may use the ``columns`` around it; see ``expressions.Subquery``."""
        source = self.source(max(0, depth))
        inner = list(source.columns)
        correlated = self.random.random() < 0.6 and bool(columns)
        condition = self._correlation(inner, columns) if correlated else self.expressions.term(inner, max(0, depth))
        both = [*inner, *self.random.sample(list(columns), min(len(columns), 2))] if correlated else inner
        where = f" WHERE {condition}" if correlated or self.random.random() < 0.7 else ""
        if purpose == "exists":
            return f"SELECT {self.choice('1', '*', 'NULL')} FROM {source.text}{where}"
        if purpose == "pairs":
            one, other = self.expressions.scalar(inner, "int", 0), self.expressions.scalar(both, "str", 0)
            return f"SELECT {one}, {other} FROM {source.text}{where}"
        if purpose.startswith("rows "):
            item = self.expressions.scalar(both, purpose.removeprefix("rows "), 1 if depth > 0 else 0)
            tail = ""
            if self.random.random() < 0.15:
                tail = f" GROUP BY ALL HAVING {self.choice('count(*) > 1', 'count(*) % 2 = 0')}"
            elif self.random.random() < 0.1:
                tail = f" ORDER BY 1 LIMIT {self.choice('1', '3')}"
            return f"SELECT {item} FROM {source.text}{where}{tail}"
        if self.random.random() < 0.75:
            call = self.expressions.aggregate(both if self.random.random() < 0.2 else inner, purpose)
            having = (
                f" HAVING {self.choice('count(*) > 2', 'true', 'min(1) = 1')}" if self.random.random() < 0.1 else ""
            )
            return f"(SELECT {call} FROM {source.text}{where}{having})"
        item = self.expressions.scalar(both, purpose, 0)
        return f"(SELECT {item} FROM {source.text}{where} ORDER BY 1{self.choice('', ' DESC')} LIMIT 1)"

    def where(self, columns: Sequence[Column], depth: int, outer: Sequence[Column] = ()) -> str:
        """A WHERE clause, or nothing."""
        terms = [self.expressions.term(columns, depth) for _ in range(self.random.choice((0, 1, 1, 2)))]
        if outer:
            terms.append(self._correlation(columns, outer))
        return f" WHERE {' AND '.join(terms)}" if terms else ""

    def source(self, depth: int) -> Source:
        """A FROM clause."""
        found = self.relation(depth)
        for _ in range(self.random.choice((0, 0, 0, 1, 1, 2) if depth > 0 else (0, 0, 0, 0, 1))):
            found = self._joined(found, depth - 1)
        return found

    def relation(self, depth: int) -> Source:
        """Something that FROM may name."""
        alias = self.alias()
        chance = self.random.random()
        if depth > 0 and chance < 0.16:
            kinds = ["int", self.expressions.kind(), self.expressions.kind()]
            query = self.select(depth - 1, kinds, ["k", "m", "n"])
            return Source(f"({query}) AS {alias}", _named(alias, zip("kmn", kinds, strict=True)))
        if self._ctes and chance < 0.6:
            name, columns = self.random.choice(self._ctes)
            return Source(f"{name} AS {alias}", _named(alias, ((column.text, column.kind) for column in columns)))
        if chance > 0.97:
            rows = ", ".join(
                f"({literal(self.random, 'int')}, {literal(self.random, 'str')})"
                for _ in range(self.random.choice((1, 3, 6)))
            )
            return Source(f"(VALUES {rows}) AS {alias}(k, s)", _named(alias, (("k", "int"), ("s", "str"))))
        if chance > 0.94:
            call = self.choice("range(7)", "generate_series(1, 12, 3)", "range(0)", "unnest([1, 2, 2, NULL])")
            return Source(f"{call} AS {alias}(k)", _named(alias, (("k", "int"),)))
        table = self.random.choice([*self.world.tables, *self.world.tables[:2]])
        if any(table.name == name for name, _ in self._ctes):
            table = self.world.tables[1]
        return Source(f"{quoted(table.name)} AS {alias}", _named(alias, table.visible))

    def _joined(self, left: Source, depth: int) -> Source:
        chance = self.random.random()
        if chance < 0.08:
            return self._using(left)
        if chance < 0.13:
            return self._lateral(left)
        if chance < 0.17:
            return self._asof(left)
        right = self.relation(depth)
        if chance < 0.19:
            rows = f"(SELECT * FROM {right.text} ORDER BY ALL LIMIT 3)"
            alias = right.text.rsplit(" AS ", 1)[1].partition("(")[0]
            if "(" not in right.text.rsplit(" AS ", 1)[1]:
                return Source(
                    f"{left.text} {self.choice('CROSS JOIN', ',')} {rows} AS {alias}", left.columns + right.columns
                )
        word = self.random.choice(JOINS)
        condition = self._condition(left.columns, right.columns, word)
        columns = left.columns if word in ("SEMI JOIN", "ANTI JOIN") else left.columns + right.columns
        return Source(f"{left.text} {word} {right.text} ON {condition}", columns)

    def _condition(self, left: Sequence[Column], right: Sequence[Column], word: str) -> str:
        both = [kind for kind in KEYED if _of(left, kind) and _of(right, kind)]
        kind = self.random.choice(both) if both else "int"
        ours, theirs = _of(left, kind), _of(right, kind)
        one = self.random.choice(ours) if ours else self.expressions.scalar(left, kind, 1)
        other = self.random.choice(theirs) if theirs else self.expressions.scalar(right, kind, 1)
        if self.random.random() < 0.15:
            one = self.expressions.scalar(left, kind, 1)
        operator = self.choice("=", "=", "=", "=", "=", "IS NOT DISTINCT FROM")
        if self.random.random() < 0.05:
            operator = self.choice("<", ">=", "<>")
        terms = [f"{one} {operator} {other}"]
        if self.random.random() < 0.35:
            inner = word in ("JOIN", "INNER JOIN")
            terms.append(self.expressions.term([*left, *right], 1 if inner and self.random.random() < 0.3 else 0))
        return " AND ".join(terms)

    def _using(self, left: Source) -> Source:
        """The columns of a join with USING, or of a natural one, are those of a subquery over it."""
        tables = [self.random.choice(self.world.tables) for _ in range(2)]
        one, other, alias = self.alias(), self.alias(), self.alias()
        shared = [name for name, _ in tables[0].visible if name in dict(tables[1].visible) and name != "id"]
        kinds = dict(tables[0].visible)
        names = self.random.sample(shared, min(len(shared), self.random.choice((1, 1, 2))))
        word = self.choice("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
        rest = next((name for name, _ in tables[1].visible if name not in names), names[0])
        chosen = ", ".join([*names, f"{one}.{tables[0].visible[0][0]} AS p", f"{other}.{rest} AS q"])
        columns = [*((name, kinds[name]) for name in names), ("p", "int"), ("q", dict(tables[1].visible)[rest])]
        if self.random.random() < 0.2:
            listed = ", ".join(names)
            query = (
                f"SELECT {listed} FROM (SELECT {listed} FROM {quoted(tables[0].name)}) NATURAL {word} "
                f"(SELECT {listed} FROM {quoted(tables[1].name)})"
            )
            columns = columns[: len(names)]
        else:
            query = (
                f"SELECT {chosen} FROM {quoted(tables[0].name)} AS {one} {word} {quoted(tables[1].name)} AS {other} "
                f"USING ({', '.join(names)})"
            )
        found = Source(f"({query}) AS {alias}", _named(alias, columns))
        condition = self._condition(left.columns, found.columns, "JOIN")
        return Source(f"{left.text} JOIN {found.text} ON {condition}", left.columns + found.columns)

    def _lateral(self, left: Source) -> Source:
        alias = self.alias()
        source = self.source(0)
        item = self.expressions.scalar([*source.columns, *left.columns], "int", 0)
        condition = self._correlation(source.columns, left.columns)
        if self.random.random() < 0.5:
            query = f"SELECT count(*) AS k, max({item}) AS m FROM {source.text} WHERE {condition}"
        else:
            query = f"SELECT {item} AS k, 1 AS m FROM {source.text} WHERE {condition} ORDER BY ALL LIMIT 2"
        word = self.choice(f", LATERAL ({query}) AS {alias}", f" LEFT JOIN LATERAL ({query}) AS {alias} ON true")
        return Source(f"{left.text}{word}", left.columns + _named(alias, (("k", "int"), ("m", "int"))))

    def _asof(self, left: Source) -> Source:
        """The rows on the right are made unique in what they are found by, so that one row is meant."""
        table = self.random.choice(self.world.tables)
        times = [name for name, kind in table.visible if kind in ("int", "date", "ts")]
        name = self.random.choice(times)
        kind = dict(table.visible)[name]
        ours = _of(left.columns, kind)
        if not ours:
            return left
        alias = self.alias()
        query = f"SELECT {name} AS k, max(s) AS m FROM {quoted(table.name)} WHERE {name} IS NOT NULL GROUP BY ALL"
        word, operator = self.choice("ASOF JOIN", "ASOF LEFT JOIN"), self.choice(">=", ">=", "<", "<=", ">")
        columns = left.columns + _named(alias, (("k", kind), ("m", "str")))
        return Source(
            f"{left.text} {word} ({query}) AS {alias} ON {self.random.choice(ours)} {operator} {alias}.k", columns
        )

    def _correlation(self, inner: Sequence[Column], outer: Sequence[Column]) -> str:
        both = [kind for kind in KEYED if _of(inner, kind) and _of(outer, kind)]
        if not both:
            return self.expressions.term(inner, 0)
        kind = self.random.choice(both)
        operator = self.choice("=", "=", "=", "=", "=", "<", "<>", "IS NOT DISTINCT FROM")
        term = f"{self.random.choice(_of(inner, kind))} {operator} {self.random.choice(_of(outer, kind))}"
        return f"{term} AND {self.expressions.term([*inner, *outer], 0)}" if self.random.random() < 0.3 else term

    def _plain(self, columns: Sequence[Column], wanted: Sequence[str], depth: int) -> tuple[list[str], str]:
        items, has_windows = [], False
        for kind in wanted:
            window = self.expressions.window(columns, kind) if self.random.random() < 0.12 else None
            has_windows = has_windows or window is not None
            items.append(window or self.expressions.scalar(columns, kind, depth))
        tail = ""
        if self.random.random() < 0.07 and columns:
            rank = self.expressions.fill(
                "row_number() OVER ({part} ORDER BY {total}) <= {number}", columns, 0, number="2"
            )
            other = self.expressions.fill("rank() OVER ({part} ORDER BY {key}{turn}) = 1", columns, 0)
            # Of equal rows any may be the first two, and those need not be equal in another window.
            tail = f" QUALIFY {other if has_windows else self.choice(rank, rank, other)}"
        return items, tail

    def _grouped(
        self, columns: Sequence[Column], wanted: Sequence[str], depth: int, final: bool
    ) -> tuple[list[str], str]:
        count = self.random.choice((0, 1, 1, 2))
        keys = [self.expressions.scalar(columns, kind, 1) for kind in wanted[:count]]
        if any(kind not in GROUPED for kind in wanted[:count]):
            keys = []
        calls = [self.expressions.aggregate(columns, kind) for kind in wanted[len(keys) :]]
        if final and calls and wanted[-1] == "dbl" and self.random.random() < 0.4:
            calls[-1] = self.expressions.inexact(columns)
        constant = any(not any(column.text in key for column in columns) for key in keys)
        tail = f" GROUP BY {self._group_by(len(keys), constant=constant)}" if keys else ""
        if self.random.random() < 0.25:
            more = f"{self.expressions.aggregate(columns, 'int')} > 3"
            terms = ("count(*) > 1", "count(*) % 2 = 0", more, f"{self.expressions.term([], depth)}")
            tail += f" HAVING {self.choice(*terms)}"
        return [*keys, *calls], tail

    def _group_by(self, count: int, *, constant: bool) -> str:
        """Places of the select list; no sets of constants, of which the kernel loses the grand total (DuckDB 2.0)."""
        places = [str(number + 1) for number in range(count)]
        listed = ", ".join(places)
        chance = self.random.random()
        if chance < 0.6 or constant:
            return listed
        if chance < 0.7:
            return f"ROLLUP ({listed})"
        if chance < 0.8:
            return f"CUBE ({listed})"
        if chance < 0.9:
            return f"GROUPING SETS (({listed}), ({places[0]}), ())"
        return f"GROUPING SETS (({listed}))" if count > 1 else listed

    def _distinct(self, wanted: Sequence[str], grouped: bool) -> str:
        if self.random.random() > 0.1 or any(kind not in GROUPED for kind in wanted):
            return ""
        return "DISTINCT "

    def _order(self, labels: Sequence[str], wanted: Sequence[str]) -> str:
        if self.random.random() > 0.25:
            return ""
        if self.random.random() < 0.3:
            order = f" ORDER BY ALL{self.choice('', ' DESC', ' DESC NULLS LAST')}"
        else:
            keys = [f"{label}{self.choice('', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST')}" for label in labels]
            order = f" ORDER BY {', '.join(keys)}"
        if self.random.random() < 0.65:
            order += f" LIMIT {self.choice('1', '5', '40', '0', '3 + 2')}{self.choice('', '', ' OFFSET 3')}"
        return order


def _named(alias: str, columns: object) -> tuple[Column, ...]:
    return tuple(Column(f"{alias}.{name}", kind) for name, kind in columns)  # type: ignore[attr-defined]


def _of(columns: Sequence[Column], kind: str) -> list[str]:
    return [column.text for column in columns if column.kind == kind]


__all__ = ["KINDS", "Queries", "Source"]
