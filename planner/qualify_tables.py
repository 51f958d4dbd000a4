"""Qualifies the tables of a query with a schema, so that it means the same wherever it is named. Imports sqlglot."""

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from shoal.planner.errors import ErrorContext, NotSupportedError
from shoal.planner.names import quoted_name
from shoal.planner.scalar import DIALECT


def qualify_tables(sql: str, schema: str, names: frozenset[str]) -> str:
    """The text with ``schema`` before the tables of these names (in lower case) that are written without one.

    ::

        SELECT t.a FROM t, u   ->   SELECT t.a FROM "s".t, u         (schema s, names t)

    Everything else stays as it is. Raises ``NotSupportedError`` where a common table expression has such a name too,
    or sqlglot, which is asked for the places, does not understand the text.
    """
    message = f"a view in the schema {schema} has to qualify the names of its tables"
    hint = ErrorContext(hint=f"qualify the names of tables, as in {schema}.{min(names, default='name')}")
    try:
        query = sqlglot.parse_one(sql, dialect=DIALECT)
    except (SqlglotError, RecursionError) as error:
        raise NotSupportedError(message, hint) from error
    if any(item.alias.lower() in names for item in query.find_all(exp.CTE)):
        raise NotSupportedError("a name is both a table's and that of a common table expression", hint)
    starts = [
        table.this.meta.get("start")
        for table in query.find_all(exp.Table)
        if isinstance(table.this, exp.Identifier) and not table.args.get("db") and table.name.lower() in names
    ]
    for start in sorted((start for start in starts if start is not None), reverse=True):
        sql = f"{sql[:start]}{quoted_name(schema)}.{sql[start:]}"
    if None in starts:
        raise NotSupportedError(message, hint)
    return sql
