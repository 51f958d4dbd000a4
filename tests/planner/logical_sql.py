"""Prints a logical tree as nested DuckDB subqueries, independently of the planner's own lowering."""

from typing import assert_never

from shoal.planner import logical
from shoal.planner.logical import Assignment, JoinKind, Node, schema
from shoal.planner.scalar import sql_of

JOINS = {
    JoinKind.INNER: "JOIN",
    JoinKind.LEFT: "LEFT JOIN",
    JoinKind.RIGHT: "RIGHT JOIN",
    JoinKind.FULL: "FULL JOIN",
    JoinKind.SEMI: "SEMI JOIN",
    JoinKind.ANTI: "ANTI JOIN",
}


def to_sql(node: Node) -> str:
    """The SQL of a tree without an ``Apply``; a scan's alias is the name of its table."""
    match node:
        case logical.Scan():
            pairs = zip(node.columns, node.names, strict=True)
            items = ", ".join(f"{quoted(name)} AS {quoted(column.id)}" for column, name in pairs)
            return f"SELECT {items} FROM {node.alias}"
        case logical.Values():
            if not node.rows:
                nulls = ", ".join(f"CAST(NULL AS {column.type}) AS {quoted(column.id)}" for column in node.columns)
                return f"SELECT {nulls or '1 AS unit'} WHERE false"
            if not node.columns:
                return "SELECT 1 AS unit"
            rows = ", ".join(f"({', '.join(sql_of(cell) for cell in row)})" for row in node.rows)
            return f"SELECT * FROM (VALUES {rows}) AS t({columns_sql(node)})"
        case logical.Filter():
            return f"SELECT {columns_sql(node)} FROM {inner(node.input)} WHERE {sql_of(node.predicate)}"
        case logical.Project():
            return f"SELECT {', '.join(map(assigned, node.assignments))} FROM {inner(node.input)}"
        case logical.Join():
            return join_sql(node)
        case logical.Aggregate():
            keys = [quoted(key.id) for key in node.keys]
            items = ", ".join([*keys, *map(assigned, node.assignments)])
            return f"SELECT {items} FROM {inner(node.input)}" + (f" GROUP BY {', '.join(keys)}" if keys else "")
        case logical.Window() | logical.Unnest():
            return f"SELECT {', '.join(['*', *map(assigned, node.assignments)])} FROM {inner(node.input)}"
        case logical.Sort():
            order = {False: "LAST", True: "FIRST"}
            keys = [
                f"{sql_of(key.expression)}{' DESC' if key.descending else ''} NULLS {order[key.nulls_first]}"
                for key in node.keys
            ]
            return f"SELECT {columns_sql(node)} FROM {inner(node.input)} ORDER BY {', '.join(keys)}"
        case logical.Limit():
            count = "" if node.count is None else f" LIMIT {node.count}"
            return (
                f"{to_sql(node.input)}{count} OFFSET {node.offset}"
                if isinstance(node.input, logical.Sort)
                else (f"SELECT {columns_sql(node)} FROM {inner(node.input)}{count} OFFSET {node.offset}")
            )
        case logical.SetOperation():
            operator = node.operator.upper() + (" ALL" if node.all else "")
            both = f"{positional(node.left)} {operator} {positional(node.right)}"
            return f"SELECT * FROM ({both}) AS t({columns_sql(node)})"
        case logical.Apply() | logical.KernelBlock() | logical.SharedScan():
            raise AssertionError(f"{type(node).__name__} has no plain SQL")
        case _:
            assert_never(node)


def join_sql(node: logical.Join) -> str:
    """A join; both sides are subqueries."""
    condition = "TRUE" if node.condition is None else sql_of(node.condition)
    sides = f"{inner(node.left)} AS l {JOINS[node.kind]} {inner(node.right)} AS r"
    return f"SELECT {columns_sql(node)} FROM {sides} ON {condition}"


def positional(node: Node) -> str:
    """A side of a set operation."""
    return f"(SELECT {columns_sql(node)} FROM {inner(node)})"


def inner(node: Node) -> str:
    """A tree as a subquery."""
    return f"({to_sql(node)})"


def columns_sql(node: Node) -> str:
    """The columns of a tree as a select list."""
    return ", ".join(quoted(column.id) for column in schema(node)) or "1 AS unit"


def assigned(item: Assignment) -> str:
    """An item of a select list."""
    return f"{sql_of(item.expression)} AS {quoted(item.column.id)}"


def quoted(name: str) -> str:
    """A name that is never a keyword."""
    return f'"{name}"'
