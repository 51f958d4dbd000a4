"""Parses one query into a sqlglot tree, after its size and depth were checked."""

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from shoal.planner.lexer import check_size
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.scalar import DIALECT

QUERY_NODES = (exp.Select, exp.SetOperation, exp.Subquery, exp.Values)


def parse_query(sql: str) -> exp.Expression:
    """The tree of a query that the kernel has accepted.

    Raises ``StatementTooLarge``, and ``NotDistributable`` for what sqlglot does not take for one query: the kernel then
    runs the text as it is.
    """
    check_size(sql)
    try:
        parsed = sqlglot.parse(sql, dialect=DIALECT)
    except (SqlglotError, RecursionError) as error:
        raise NotDistributable("the planner's parser does not know this syntax") from error
    statements = [item for item in parsed if item is not None]
    if len(statements) != 1 or not isinstance(statements[0], QUERY_NODES):
        raise NotDistributable("the planner's parser does not take this for a query")
    for node in statements[0].walk():
        # Places in the text, which errors take from the kernel: every copy of a node would copy them.
        node._meta = None  # noqa: SLF001
    return statements[0]
