"""Random statements over small tables with NULLs, skew and mixed types; equal for equal seeds.

Nothing here can fail at run time (no overflow, no failing cast), so an error on one side alone is a defect.
"""

import random
from dataclasses import dataclass

TABLES = {
    "a": (("id", "int"), ("k", "int"), ("g", "int"), ("x", "dec"), ("s", "str"), ("d", "date"), ("b", "bool")),
    "b": (("id", "int"), ("k", "int"), ("y", "dec"), ("s", "str"), ("d", "date")),
    "c": (("k", "int"), ("w", "int"), ("s", "str"), ("b", "bool")),
    "e": (("k", "int"), ("s", "str")),
}
"""The tables' columns as (name, kind). ``a`` and ``b`` are large enough to be split, ``e`` is empty."""

LITERALS = {
    "int": ("0", "1", "2", "7", "25", "-3", "NULL"),
    "dec": ("0", "1.5", "12.25", "-7.75", "NULL"),
    "str": ("'v1'", "'v3'", "'v7'", "''", "'it''s'", "NULL"),
    "date": ("DATE '2020-01-10'", "DATE '2020-02-20'", "NULL"),
    "bool": ("true", "false", "NULL"),
}
_COUNTS = ("count({})", "count(DISTINCT {})", "approx_count_distinct({})")
AGGREGATES = {
    "int": (
        *((call, kind) for call in _COUNTS for kind in LITERALS),
        *((call, "int") for call in ("sum({})", "min({})", "max({})", "sum(DISTINCT {})", "bit_xor({})")),
        ("count_if({})", "bool"),
    ),
    "dec": tuple((call, "dec") for call in ("sum({})", "min({})", "max({})", "avg({})", "median({})", "stddev({})")),
    "str": (("min({})", "str"), ("max({})", "str")),
    "date": (("min({})", "date"), ("max({})", "date")),
    "bool": (("bool_and({})", "bool"), ("bool_or({})", "bool")),
}
"""For each kind the calls that give it, with the kind of their argument."""
JOINS = ("JOIN", "JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN")

Column = tuple[str, str]
"""A column as it can be named, and its kind."""


@dataclass(frozen=True)
class Statement:
    """A statement; with ``tlp`` its head up to WHERE and a predicate, to be tried as true, false and NULL."""

    sql: str
    tlp: tuple[str, str] | None = None


class Generator:
    """Makes statements, one after another."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._aliases = 0

    def statement(self) -> Statement:
        """The next statement."""
        self._aliases = 0
        chance = self.random.random()
        if chance < 0.08:
            source, columns = self._from(1)
            items = ", ".join(f"{name} AS r{number}" for number, (name, _) in enumerate(columns))
            return Statement("", (f"SELECT {items} FROM {source}", self._term(columns, 2)))
        if chance < 0.2:
            word = self.random.choice(("UNION", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"))
            kinds = [self._kind() for _ in range(self.random.choice((1, 2, 3)))]
            sides = [self._select(2, kinds) for _ in range(2)]
            return Statement(f"({sides[0]}) {word} ({sides[1]})")
        if chance < 0.3:
            inner = self._select(1, ["int", "dec"], ["p", "q"])
            outer = self.random.choice(
                (
                    "SELECT t.p, t.q, a.id FROM t JOIN a ON t.p = a.k AND a.id < 100",
                    "SELECT p, count(*), sum(q) FROM t GROUP BY p",
                    "SELECT u.p, u.q, v.q AS r FROM t u LEFT JOIN t v ON u.p = v.p AND u.q < v.q",
                    "SELECT c.w, (SELECT count(*) FROM t WHERE t.p = c.k) FROM c",
                )
            )
            return Statement(f"WITH t AS ({inner}) {outer}")
        return Statement(self._select(2, None))

    def _choice(self, *items: str) -> str:
        return self.random.choice(items)

    def _kind(self) -> str:
        return self.random.choice(("int", "int", "int", "dec", "str", "date", "bool"))

    def _alias(self) -> str:
        self._aliases += 1
        return f"t{self._aliases}"

    def _select(self, depth: int, kinds: list[str] | None, names: list[str] | None = None) -> str:
        """A query of columns of these kinds (any, if None), perhaps grouped, perhaps ordered and cut off."""
        source, columns = self._from(depth)
        wanted = kinds or [self._kind() for _ in range(self.random.choice((1, 2, 3, 4)))]
        chance = self.random.random()
        where = self._where(columns, depth)
        labels = names or [f"r{number}" for number in range(len(wanted))]
        tail = ""
        if chance < 0.4:
            keys = [self._scalar(columns, kind, 1) for kind in wanted[: self.random.choice((0, 1, 1, 2))]]
            calls = [self._aggregate(columns, kind) for kind in wanted[len(keys) :]]
            items = keys + calls
            tail = f" GROUP BY {', '.join(str(number + 1) for number in range(len(keys)))}" if keys else ""
            if self.random.random() < 0.3:
                more = f"{self._aggregate(columns, 'int')} > 3"
                tail += f" HAVING {self._choice('count(*) > 1', 'count(*) % 2 = 0', more)}"
        else:
            items = [self._item(columns, kind, depth) for kind in wanted]
        distinct = "DISTINCT " if self.random.random() < 0.12 else ""
        text = ", ".join(f"{item} AS {label}" for item, label in zip(items, labels, strict=True))
        sql = f"SELECT {distinct}{text} FROM {source}{where}{tail}"
        if self.random.random() < 0.25:
            keys = [f"{label}{self._choice('', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST')}" for label in labels]
            sql += f" ORDER BY {', '.join(keys)}"
            if self.random.random() < 0.7:
                sql += f" LIMIT {self._choice('1', '5', '40')}{self._choice('', '', ' OFFSET 3')}"
        return sql

    def _where(self, columns: list[Column], depth: int) -> str:
        count = self.random.choice((0, 1, 1, 2))
        terms = [self._term(columns, depth) for _ in range(count)]
        return f" WHERE {' AND '.join(terms)}" if terms else ""

    def _from(self, depth: int) -> tuple[str, list[Column]]:
        """A FROM clause, and the columns that it shows."""
        text, columns = self._relation(depth)
        for _ in range(self.random.choice((0, 0, 1, 1, 2))):
            other, theirs = self._relation(depth - 1)
            word = self.random.choice(JOINS)
            condition = self._join_condition(columns, theirs)
            text = f"{text} {word} {other} ON {condition}"
            if word not in ("SEMI JOIN", "ANTI JOIN"):
                columns = columns + theirs
        return text, columns

    def _relation(self, depth: int) -> tuple[str, list[Column]]:
        alias = self._alias()
        if depth > 0 and self.random.random() < 0.2:
            kinds = ["int", self._kind(), self._kind()]
            query = self._select(depth - 1, kinds, ["k", "m", "n"])
            return f"({query}) AS {alias}", [(f"{alias}.{n}", kind) for n, kind in zip("kmn", kinds, strict=True)]
        name = self.random.choice(("a", "a", "a", "b", "b", "c", "c", "e"))
        return f"{name} AS {alias}", [(f"{alias}.{column}", kind) for column, kind in TABLES[name]]

    def _join_condition(self, left: list[Column], right: list[Column]) -> str:
        kinds = [kind for _, kind in right if kind not in ("bool", "dec") and self._of(left, kind)]
        kind = self.random.choice(kinds) if kinds else "int"
        keys = [name for name in self._of(right, kind) if not name.endswith(".id")] or self._of(right, kind)
        operator = self._choice("=", "=", "=", "=", "IS NOT DISTINCT FROM")
        terms = [f"{self.random.choice(self._of(left, kind) or ['1'])} {operator} {self.random.choice(keys or ['1'])}"]
        if self.random.random() < 0.35:
            terms.append(self._term([*left, *right], 0))
        return " AND ".join(terms)

    def _of(self, columns: list[Column], kind: str) -> list[str]:
        return [name for name, one in columns if one == kind]

    def _scalar(self, columns: list[Column], kind: str, depth: int) -> str:
        """An expression of a kind."""
        names = self._of(columns, kind)
        chance = self.random.random()
        if names and (depth <= 0 or chance < 0.6):
            return self.random.choice(names)
        if depth <= 0 or chance < 0.68:
            return f"({self.random.choice(LITERALS[kind])})::{_TYPES[kind]}"
        one, other = (self._scalar(columns, kind, depth - 1) for _ in range(2))
        match kind:
            case "int":
                sums = f"({one} + {other}) % 1000"
                return self._choice(sums, f"({one} % 7)", f"abs({one})", f"coalesce({one}, {other})")
            case "dec":
                return self._choice(f"round({one}, 1)", f"greatest({one}, {other})", f"coalesce({one}, {other})")
            case "str":
                return self._choice(f"upper({one})", f"substring({one}, 2, 1)", f"left({one} || {other}, 4)")
            case "date":
                return self._choice(f"({one} + INTERVAL 1 DAY)::DATE", f"least({one}, {other})")
            case _:
                return f"({self._term(columns, depth - 1)})"

    def _item(self, columns: list[Column], kind: str, depth: int) -> str:
        chance = self.random.random()
        if kind == "int" and chance < 0.15:
            keys = [name for name, _ in columns]
            part, order = self.random.choice(keys), ", ".join(self.random.sample(keys, min(3, len(keys))))
            return self._choice(
                f"count(*) OVER (PARTITION BY {part})",
                f"rank() OVER (PARTITION BY {part} ORDER BY {order})",
                f"dense_rank() OVER (ORDER BY {order})",
                f"sum({self._scalar(columns, 'int', 0)}) OVER (PARTITION BY {part} ORDER BY {order})",
            )
        if kind == "int" and depth and chance < 0.3:
            return self._scalar_subquery(columns)
        if kind == "dec" and chance < 0.1:
            part = self.random.choice(columns)[0]
            return f"sum({self._scalar(columns, 'dec', 0)}) OVER (PARTITION BY {part})::DECIMAL(18,2)"
        return self._scalar(columns, kind, depth)

    def _scalar_subquery(self, outer: list[Column]) -> str:
        source, columns = self._from(0)
        match = self._correlation(columns, outer)
        value = self._scalar(columns, "int", 0)
        call = self._choice("count(*)", f"max({value})", f"sum({value})")
        return f"(SELECT {call} FROM {source} WHERE {match})"

    def _correlation(self, columns: list[Column], outer: list[Column]) -> str:
        kind = self._choice("int", "int", "str")
        ours, theirs = self._of(columns, kind), self._of(outer, kind)
        if not ours or not theirs:
            return self._term(columns, 0)
        term = f"{self.random.choice(ours)} {self._choice('=', '=', '=', '=', '<')} {self.random.choice(theirs)}"
        return f"{term} AND {self._term(columns, 0)}" if self.random.random() < 0.4 else term

    def _aggregate(self, columns: list[Column], kind: str) -> str:
        if kind == "int" and self.random.random() < 0.3:
            return "count(*)"
        call, over = self.random.choice(AGGREGATES[kind])
        call = call.format(self._scalar(columns, over, 1))
        return f"{call} FILTER (WHERE {self._term(columns, 0)})" if self.random.random() < 0.15 else call

    def _term(self, columns: list[Column], depth: int) -> str:
        """A predicate."""
        chance = self.random.random()
        if depth > 0 and chance < 0.3:
            return self._subquery_term(columns, depth)
        if depth > 0 and chance < 0.5:
            one, other = self._term(columns, depth - 1), self._term(columns, depth - 1)
            return self._choice(f"({one} OR {other})", f"NOT ({one})", f"({one} AND NOT ({other}))", f"({one}) IS NULL")
        kind = self._kind()
        one, other = self._scalar(columns, kind, depth), self._scalar(columns, kind, 0)
        if kind == "bool":
            return self._choice(f"({one})", f"NOT ({one})", f"({one}) IS NOT TRUE", f"({one}) IS NULL")
        return self._choice(
            f"{one} {self._choice('=', '<>', '<', '>=')} {other}",
            f"{one} {self._choice('=', '<', '>')} {self.random.choice(LITERALS[kind])}",
            f"{one} IS {self._choice('', 'NOT ')}NULL",
            f"{one} {self._choice('', 'NOT ')}IN ({', '.join(self.random.sample(LITERALS[kind][:-1], 2))})",
            f"{one} BETWEEN {self.random.choice(LITERALS[kind])} AND {other}",
            f"{one} IS {self._choice('', 'NOT ')}DISTINCT FROM {other}",
        )

    def _subquery_term(self, outer: list[Column], depth: int) -> str:
        source, columns = self._from(depth - 1)
        correlated = self.random.random() < 0.6
        match = self._correlation(columns, outer) if correlated else self._term(columns, depth - 1)
        chance = self.random.random()
        if chance < 0.4:
            return f"{self._choice('', 'NOT ')}EXISTS (SELECT 1 FROM {source} WHERE {match})"
        if chance < 0.75:
            kind = self._choice("int", "str")
            needle, item = self._scalar(outer, kind, 0), self._scalar(columns, kind, 0)
            return f"{needle} {self._choice('', 'NOT ')}IN (SELECT {item} FROM {source} WHERE {match})"
        return f"{self._scalar(outer, 'int', 0)} {self._choice('=', '<', '>=')} {self._scalar_subquery(outer)}"


_TYPES = {"int": "INTEGER", "dec": "DECIMAL(9,2)", "str": "VARCHAR", "date": "DATE", "bool": "BOOLEAN"}
