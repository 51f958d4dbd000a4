"""What is tried with one seed: a statement against plain DuckDB, or a pair of statements that must agree.

The pairs are those of SQLancer: ternary logic partitioning (Rigger and Su, OOPSLA 2020) and non-optimizing reference
engine construction (Rigger and Su, ESEC/FSE 2020).
"""

import random
from dataclasses import dataclass
from enum import StrEnum

from tests.hunt.expressions import GROUPED
from tests.hunt.queries import Queries
from tests.hunt.sessions import Sessions
from tests.hunt.templates import Templates
from tests.hunt.world import World


class Oracle(StrEnum):
    """Who knows what is right."""

    DUCKDB = "duckdb"
    PAIR = "pair"
    """The second statement's rows are those of the first."""
    SESSION = "session"
    """Each of some statements gives DuckDB's answer, in their order."""


@dataclass(frozen=True)
class Case:
    """``name`` says what is tried; ``sql`` is one statement, two that must give the same rows, or a session.

    ``times``: so often one statement is run: what was kept or learned the first time must not change the answer.
    """

    name: str
    oracle: Oracle
    sql: tuple[str, ...]
    times: int = 1


def make_case(seed: int, world: World) -> Case:
    """The case of a seed."""
    chooser = random.Random(f"case {seed}")
    chance = chooser.random()
    queries = Queries(seed, world)
    if chance < 0.018:
        return _where(queries)
    if chance < 0.035:
        return _having(queries)
    if chance < 0.05:
        return _distinct(queries)
    if chance < 0.067:
        return _aggregate(queries)
    if chance < 0.085:
        return _norec(queries)
    if chance < 0.3:
        return Case("session", Oracle.SESSION, Sessions(seed, world).statements())
    times = chooser.choice((1, 1, 2))
    if chance < 0.57:
        return Case("template", Oracle.DUCKDB, (Templates(queries).query(),), times)
    return Case("query", Oracle.DUCKDB, (queries.query(chooser.choice((0, 1, 1, 2))),), times)


def _split(predicate: str) -> tuple[str, str, str]:
    return (f"({predicate})", f"NOT ({predicate})", f"({predicate}) IS NULL")


def _where(queries: Queries) -> Case:
    source = queries.source(1)
    items = ", ".join(f"{column.text} AS r{number}" for number, column in enumerate(source.columns))
    predicate = queries.expressions.term(source.columns, 2)
    head = f"SELECT {items} FROM {source.text}"
    parts = " UNION ALL ".join(f"{head} WHERE {where}" for where in _split(predicate))
    return Case("tlp where", Oracle.PAIR, (head, parts))


def _distinct(queries: Queries) -> Case:
    source = queries.source(1)
    wanted = [column for column in source.columns if column.kind in GROUPED][:3]
    items = ", ".join(f"{column.text} AS r{number}" for number, column in enumerate(wanted)) or "1 AS r0"
    predicate = queries.expressions.term(source.columns, 2)
    head = f"SELECT DISTINCT {items} FROM {source.text}"
    parts = " UNION ".join(f"{head} WHERE {where}" for where in _split(predicate))
    return Case("tlp distinct", Oracle.PAIR, (head, parts))


def _having(queries: Queries) -> Case:
    source = queries.source(1)
    key = queries.expressions.operand("key", source.columns, 0)
    call = queries.expressions.aggregate(source.columns, "int")
    predicate = f"{queries.expressions.aggregate(source.columns, 'int')} {queries.choice('>', '=', '<')} {call}"
    head = f"SELECT {key} AS r0, {call} AS r1 FROM {source.text} GROUP BY {key}"
    parts = " UNION ALL ".join(f"{head} HAVING {having}" for having in _split(predicate))
    return Case("tlp having", Oracle.PAIR, (head, parts))


def _aggregate(queries: Queries) -> Case:
    source = queries.source(1)
    value = queries.expressions.operand("small", source.columns, 0)
    inner, outer = queries.random.choice(
        (("min", "min"), ("max", "max"), ("sum", "sum"), ("count", "sum"), ("bool_or", "bool_or"))
    )
    value = f"({value} > 2)" if inner == "bool_or" else value
    predicate = queries.expressions.term(source.columns, 2)
    head = f"SELECT {inner}({value}) AS r0 FROM {source.text}"
    parts = " UNION ALL ".join(f"{head} WHERE {where}" for where in _split(predicate))
    whole = f"SELECT r0::{'BOOLEAN' if inner == 'bool_or' else 'HUGEINT'} AS r0 FROM ({head})"
    type_ = "BOOLEAN" if inner == "bool_or" else "HUGEINT"
    return Case("tlp aggregate", Oracle.PAIR, (whole, f"SELECT {outer}(r0)::{type_} AS r0 FROM ({parts})"))


def _norec(queries: Queries) -> Case:
    source = queries.source(1)
    predicate = queries.expressions.term(source.columns, 2)
    fast = f"SELECT count(*)::BIGINT AS r0 FROM {source.text} WHERE {predicate}"
    slow = (
        f"SELECT coalesce(count_if(r0), 0)::BIGINT AS r0 FROM (SELECT (({predicate}) IS TRUE) AS r0 FROM {source.text})"
    )
    return Case("norec", Oracle.PAIR, (fast, slow))
