"""A small language for queries with subqueries that yields both their SQL and their logical tree with ``Apply``s.

Expressions are texts: ``alias.column`` is a column, ``$name`` an aggregate of the query at hand, ``{name}`` one of its
subqueries. An alias must be unique in the whole query.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp

from shoal.planner.column_ids import ColumnIds
from shoal.planner.ids import ColumnId
from shoal.planner.logical import (
    Aggregate,
    Apply,
    ApplyKind,
    Assignment,
    Column,
    Filter,
    Join,
    JoinKind,
    Limit,
    Node,
    Project,
    Scan,
    SetOperation,
    SetOperator,
    Sort,
    SortKey,
    Values,
    Window,
    schema,
)
from shoal.planner.scalar import column_ref
from shoal.planner.source import ArrowSource

TABLES: dict[str, dict[str, str]] = {
    "o": {"a": "INTEGER", "b": "INTEGER", "s": "VARCHAR"},
    "i": {"x": "INTEGER", "y": "INTEGER", "z": "BIGINT", "t": "VARCHAR"},
    "j": {"u": "INTEGER", "v": "INTEGER", "w": "DOUBLE"},
    "nothing": {"k": "INTEGER", "l": "INTEGER"},
}

ROWS = """
CREATE TABLE o(a INTEGER, b INTEGER, s VARCHAR);
INSERT INTO o VALUES (1, 10, 'p'), (1, 10, 'p'), (2, 20, 'q'), (3, NULL, 'r'), (NULL, 5, NULL), (NULL, NULL, 'p'),
    (7, 2, 'q'), (0, 1, 'p');
CREATE TABLE i(x INTEGER, y INTEGER, z BIGINT, t VARCHAR);
INSERT INTO i VALUES (1, 10, 1, 'p'), (1, 12, 1, 'q'), (1, NULL, 2, 'p'), (2, 20, 2, NULL), (2, 20, 2, 'q'),
    (NULL, 5, 7, 'p'), (NULL, NULL, NULL, NULL), (7, 7, 7, 'r'), (3, NULL, 3, 'q');
CREATE TABLE j(u INTEGER, v INTEGER, w DOUBLE);
INSERT INTO j VALUES (1, 1, 1.5), (1, 2, -0.0), (2, 10, 0.0), (NULL, 7, NULL), (7, NULL, 2.5), (5, 5, 5.0),
    (2, 10, 1.0);
CREATE TABLE nothing(k INTEGER, l INTEGER);
"""


@dataclass
class From:
    """A FROM clause: its SQL and its tree."""

    sql: str
    node: Node


@dataclass
class Sub:
    """A subquery in an expression; ``needle`` is the left operand of IN."""

    kind: ApplyKind
    query: "Built"
    needle: str = ""


@dataclass
class Built:
    """A query: its SQL and its tree, whose columns are named ``alias_name``."""

    alias: str
    sql: str
    node: Node


@dataclass
class Builder:
    """Builds queries over ``TABLES``; one builder for each statement."""

    ids: ColumnIds = field(default_factory=ColumnIds)

    def column(self, alias: str, name: str, type_: str) -> Column:
        found = self.ids.fresh(f"{alias}_{name}")
        assert found == f"{alias}_{name}", "an alias is used twice"
        return Column(found, type_)

    def table(self, name: str, alias: str) -> From:
        columns = tuple(self.column(alias, column, type_) for column, type_ in TABLES[name].items())
        source = ArrowSource(name, (), 0, 0)
        return From(f"{name} AS {alias}", Scan(source, columns, tuple(TABLES[name]), name))

    def nothing(self) -> From:
        return From("", Values((), ((),)))

    def derived(self, query: Built) -> From:
        return From(f"({query.sql}) AS {query.alias}", query.node)

    def lateral(self, left: From, query: Built, on: str = "TRUE", kind: ApplyKind = ApplyKind.INNER) -> From:
        word = "LEFT JOIN" if kind is ApplyKind.LEFT else "JOIN"
        sql = f"{left.sql} {word} LATERAL ({query.sql}) AS {query.alias} ON {on}"
        return From(sql, Apply(kind, left.node, query.node, condition=tree(on)))

    def join(self, kind: JoinKind, left: From, right: From, on: str) -> From:
        return From(f"{left.sql} {kind.upper()} JOIN {right.sql} ON {on}", Join(kind, left.node, right.node, tree(on)))

    def select(
        self,
        alias: str,
        source: From,
        items: Mapping[str, str],
        where: str = "",
        groups: tuple[str, ...] = (),
        aggregates: Mapping[str, tuple[str, str]] | None = None,
        having: str = "",
        windows: Mapping[str, tuple[str, str]] | None = None,
        distinct: bool = False,
        order: tuple[str, ...] = (),
        limit: int | None = None,
        offset: int = 0,
        subs: Mapping[str, Sub] | None = None,
        types: Mapping[str, str] | None = None,
    ) -> Built:
        aggregates, windows, subs, types = aggregates or {}, windows or {}, subs or {}, types or {}
        expand = {name: text for name, (text, _) in [*aggregates.items(), *windows.items()]}
        node, used = source.node, _Marks(self, alias, subs)
        if where:
            node = Filter(used.attach(node, where), tree(where, alias, used.names))
        if groups or aggregates:
            known = {column.id: column for column in schema(node)}
            keys = tuple(known[ColumnId(group.replace(".", "_"))] for group in groups)
            for text, _ in aggregates.values():
                node = used.attach(node, text)
            calls = tuple(
                Assignment(self.column(alias, name, type_), tree(text, alias, used.names))
                for name, (text, type_) in aggregates.items()
            )
            node = Aggregate(node, keys, calls)
        if having:
            node = Filter(used.attach(node, having), tree(having, alias, used.names))
        if windows:
            calls = tuple(
                Assignment(self.column(alias, name, type_), tree(text, alias))
                for name, (text, type_) in windows.items()
            )
            node = Window(node, calls)
        for text in items.values():
            node = used.attach(node, text)
        known = {column.id: column.type for column in schema(node)}
        outputs = []
        for name, text in items.items():
            expression = tree(text, alias, used.names)
            type_ = known.get(ColumnId(expression.name), "") if isinstance(expression, exp.Column) else ""
            outputs.append(Assignment(self.column(alias, f"{name}_out", types.get(name, type_)), expression))
        node = Project(node, tuple(outputs))
        if distinct:
            node = Aggregate(node, schema(node), ())
        if order:
            node = Sort(node, tuple(SortKey(column_ref(ColumnId(f"{alias}_{name}_out"))) for name in order))
        if limit is not None or offset:
            node = Limit(node, limit, offset)
        parts = [f"SELECT {'DISTINCT ' if distinct else ''}"]
        parts.append(", ".join(f"{sql(text, expand, subs)} AS {name}_out" for name, text in items.items()))
        parts += [f" FROM {source.sql}"] if source.sql else []
        parts += [f" WHERE {sql(where, expand, subs)}"] if where else []
        parts += [f" GROUP BY {', '.join(groups)}"] if groups else []
        parts += [f" HAVING {sql(having, expand, subs)}"] if having else []
        parts += [f" ORDER BY {', '.join(f'{name}_out ASC NULLS LAST' for name in order)}"] if order else []
        parts += [f" LIMIT {limit}"] if limit is not None else []
        parts += [f" OFFSET {offset}"] if offset else []
        return Built(alias, "".join(parts), node)

    def combine(self, alias: str, operator: SetOperator, all_: bool, left: Built, right: Built) -> Built:
        columns = tuple(
            self.column(alias, item.id.removeprefix(f"{left.alias}_"), item.type) for item in schema(left.node)
        )
        text = f"({left.sql}) {operator.upper()}{' ALL' if all_ else ''} ({right.sql})"
        return Built(alias, text, SetOperation(operator, all_, left.node, right.node, columns))


@dataclass
class _Marks:
    """The ``Apply``s of one select's subqueries, put on the tree where an expression first names them."""

    builder: Builder
    alias: str
    subs: Mapping[str, Sub]
    names: dict[str, ColumnId] = field(default_factory=dict)

    def attach(self, node: Node, text: str) -> Node:
        for name in re.findall(r"\{(\w+)\}", text):
            sub = self.subs[name]
            mark = Column(
                self.builder.ids.fresh(f"{self.alias}_{name}"), "" if sub.kind is ApplyKind.SCALAR else "BOOLEAN"
            )
            needle = tree(sub.needle, self.alias) if sub.needle else None
            node = Apply(sub.kind, node, sub.query.node, mark, needle)
            self.names[name] = mark.id
        return node


def sql(text: str, expand: Mapping[str, str], subs: Mapping[str, Sub]) -> str:
    """The SQL of an expression text."""
    text = re.sub(r"\$(\w+)", lambda found: expand[found[1]], text)

    def subquery(found: re.Match[str]) -> str:
        sub = subs[found[1]]
        lead = {ApplyKind.EXISTS: "EXISTS ", ApplyKind.IN: f"{sql(sub.needle, expand, subs)} IN "}.get(sub.kind, "")
        return f"({lead}({sub.query.sql}))"

    return re.sub(r"\{(\w+)\}", subquery, text)


def tree(text: str, alias: str = "", marks: Mapping[str, ColumnId] | None = None) -> exp.Expression:
    """The expression of a text over column ids."""
    text = re.sub(r"\$(\w+)", lambda found: f"{alias}.{found[1]}", text)
    text = re.sub(r"\{(\w+)\}", lambda found: f"mark.{found[1]}", text)
    parsed = sqlglot.parse_one(text, dialect="duckdb")

    def leaf(node: exp.Expression) -> exp.Expression:
        if not isinstance(node, exp.Column):
            return node
        if node.table == "mark":
            return column_ref((marks or {})[node.name])
        return column_ref(ColumnId(f"{node.table}_{node.name}"))

    return parsed.transform(leaf)


def semi(node: Node, query: Built, condition: str = "", anti: bool = False) -> Node:
    """A semi or anti join as the binder makes it of a whole conjunct."""
    kind = ApplyKind.ANTI if anti else ApplyKind.SEMI
    return Apply(kind, node, query.node, condition=tree(condition) if condition else None)
