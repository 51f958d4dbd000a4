"""Names in statements that the kernel would look up elsewhere than the session does, written so that it cannot.

Kernels know a name of one part as a temporary view, which also hides that of the schema main, and have no database
``memory``. Imports the catalog, the binder and the lexer.
"""

from dataclasses import replace

from shoal.binder import Binder
from shoal.catalog import CatalogSnapshot
from shoal.planner.lexer import Token, TokenKind, tokenize
from shoal.planner.names import MAIN, schema_of
from shoal.planner.statement_kinds import Query

_DATABASE = "memory"
_BEFORE_TABLE = ("FROM", "JOIN", "INTO", "UPDATE", "TABLE", "COPY", "EXISTS", "VIEW", "DESCRIBE", "SUMMARIZE")


def without_database(sql: str, catalog: CatalogSnapshot) -> str:
    """The statement without the name of the one database before those of schemas and tables, on the same places.

    ``FROM memory.s.t``  ->  ``FROM        s.t``, and ``FROM memory.t``  ->  ``FROM   main.t``. Not where ``memory``
    stands alone too, and may so be something else.
    """
    if _DATABASE not in sql.casefold():
        return sql
    tokens = tuple(tokenize(sql))
    found = [index for index, token in enumerate(tokens) if _is_database(token)]
    if any(index + 1 == len(tokens) or tokens[index + 1].text != "." for index in found):
        return sql
    schemas = {MAIN, "information_schema", "pg_catalog", *catalog.schemas.made}
    for index in found:
        parts = [tokens[index + offset].text for offset in (1, 3) if index + offset < len(tokens)]
        if not parts or (index and tokens[index - 1].text == "."):
            continue
        token, name = tokens[index], tokens[index + 2].name.casefold() if index + 2 < len(tokens) else ""
        if parts == [".", "."] and name in schemas:
            blank = " " * (tokens[index + 1].end - token.start)
            sql = sql[: token.start] + blank + sql[tokens[index + 1].end :]
        elif parts[1:] != ["."] and index and tokens[index - 1].is_word(*_BEFORE_TABLE):
            sql = sql[: token.start] + MAIN.rjust(token.end - token.start) + sql[token.end :]
    return sql


def _is_database(token: Token) -> bool:
    return token.kind in (TokenKind.WORD, TokenKind.QUOTED) and token.name.casefold() == _DATABASE


def tell_apart(query: Query, catalog: CatalogSnapshot, binder: Binder) -> Query:
    """The query, in which names of one part say their schema if ``t`` and ``main.t`` are different tables.

    ``FROM t, main.t``  ->  ``FROM "s".t, main.t`` after USE s.
    """
    current = catalog.schemas.current
    if current.casefold() == MAIN or query.dynamic:
        return query
    names = binder.table_names(query.sql)
    if catalog.has_two(names) is None:
        return query
    # sqlglot takes long to import.
    from shoal.planner.qualify_tables import qualify_tables

    own = {name.casefold() for name in names if schema_of(catalog.key(name) or "") == current.casefold()}
    return replace(query, sql=qualify_tables(query.sql, current, frozenset(own)))
