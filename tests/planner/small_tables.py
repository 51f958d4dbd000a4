"""Three small tables with NULLs and repeated values, their logical scans, and ways to run a plan over them."""

from collections.abc import Iterable
from functools import cache

import duckdb
import sqlglot
from sqlglot import exp

from shoal.planner import logical
from shoal.planner.check import check
from shoal.planner.column_ids import ColumnIds
from shoal.planner.cost.cardinality import Estimator
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Aggregate, Assignment, Column, Join, JoinKind, Node, Project, Query, Scan, schema
from shoal.planner.options import PlanOptions
from shoal.planner.protocols import ColumnStatistics, Statistics, TableStatistics, WithoutSamples
from shoal.planner.rules.context import Rule, RuleContext
from shoal.planner.source import ArrowSource, Field, TableSource
from shoal.planner.tree import walk
from tests.planner.logical_sql import to_sql

NAMES = ("x", "y", "z")
TABLES = ("a", "b", "c", "d")


class CountedStatistics(WithoutSamples):
    """Statistics in which every table has the rows of its source, and every column so many values from 0."""

    def __init__(self, distinct: float = 10.0) -> None:
        self.distinct = distinct

    def table(self, source: TableSource, columns: frozenset[str]) -> TableStatistics:
        """The same statistics for every column."""
        assert isinstance(source, ArrowSource)
        known = ColumnStatistics(minimum=0, maximum=int(self.distinct) - 1, null_fraction=0.0, distinct=self.distinct)
        return TableStatistics(float(source.rows), float(source.bytes), dict.fromkeys(columns, known))


def scan(table: str, rows: int = 1000, label: str = "") -> Scan:
    """A scan of ``x``, ``y``, ``z`` of a table; the ids are ``table_x`` and so on, or begin with the label."""
    fields = tuple(Field(name, "INTEGER") for name in NAMES)
    columns = tuple(Column(ColumnId(f"{label or table}_{name}"), "INTEGER") for name in NAMES)
    return Scan(ArrowSource(table, fields, rows, rows * 12), columns, NAMES, table)


def expression(text: str) -> exp.Expression:
    """A scalar expression over column ids."""
    parsed = sqlglot.parse_one(text, dialect="duckdb")

    def quoted(node: exp.Expression) -> exp.Expression:
        return exp.Column(this=exp.Identifier(this=node.name, quoted=True)) if isinstance(node, exp.Column) else node

    return parsed.transform(quoted)


def where(node: Node, predicate: str) -> logical.Filter:
    """A filter."""
    return logical.Filter(node, expression(predicate))


def join(left: Node, right: Node, condition: str = "", kind: JoinKind = JoinKind.INNER) -> Join:
    """A join; no condition is a cross join."""
    return Join(kind, left, right, expression(condition) if condition else None)


def project(node: Node, **assignments: str) -> Project:
    """A projection of integers; each keyword is a new column."""
    return Project(node, assigned(assignments.items()))


def assigned(items: Iterable[tuple[str, str]]) -> tuple[Assignment, ...]:
    """Assignments of integers."""
    return tuple(Assignment(Column(ColumnId(name), "INTEGER"), expression(text)) for name, text in items)


def group(node: Node, *keys: str, **calls: str) -> Aggregate:
    """An aggregate with keys by name and a call for each keyword."""
    found = {column.id: column for column in schema(node)}
    return Aggregate(node, tuple(found[ColumnId(key)] for key in keys), assigned(calls.items()))


def context(
    statistics: Statistics | None = None, outputs: Iterable[str] = (), options: PlanOptions | None = None
) -> RuleContext:
    """What rules are given in tests."""
    ids = ColumnIds()
    for table in TABLES:
        for name in NAMES:
            ids.fresh(f"{table}_{name}")
    return RuleContext(
        ids,
        Estimator(statistics or CountedStatistics()),
        options or PlanOptions(check_plans=True),
        tuple(ColumnId(item) for item in outputs),
    )


def apply(rule: Rule, node: Node, outputs: Iterable[str] = (), statistics: Statistics | None = None) -> Node:
    """Run one rule, check the plan, and compare the rows before and after on DuckDB."""
    wanted = tuple(ColumnId(item) for item in outputs) or tuple(column.id for column in schema(node))
    after = rule(node, context(statistics, wanted))
    query = Query(after, wanted, tuple(wanted), ("INTEGER",) * len(wanted))
    check(query, after=getattr(rule, "__name__", "a rule"))
    assert rows(after, wanted) == rows(node, wanted)
    return after


@cache
def database() -> duckdb.DuckDBPyConnection:
    """The tables, made once a run; they are never changed."""
    connection = duckdb.connect()
    for number, table in enumerate(TABLES):
        connection.execute(
            f"CREATE TABLE {table} AS SELECT CASE WHEN i % 7 = {number} THEN NULL ELSE i % (5 + {number}) END AS x,"
            f" CASE WHEN i % 5 = 0 THEN NULL ELSE (i * 7 + {number}) % 9 END AS y, i % 4 AS z FROM range(40) t(i)"
        )
    return connection


def rows(node: Node, outputs: Iterable[ColumnId]) -> list[tuple[object, ...]]:
    """The rows that a plan delivers, in any order."""
    listed = ", ".join(f'"{item}"' for item in outputs)
    found = database().execute(f"SELECT {listed} FROM ({to_sql(node)})").fetchall()
    return sorted(found, key=lambda row: tuple((value is None, value) for value in row))


def predicates(node: Node) -> list[str]:
    """The SQL of all filters and join conditions, from the root down."""
    return [item.sql("duckdb").replace('"', "") for found in walk(node) for item in logical.expressions(found)]
