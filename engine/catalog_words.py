"""Telling queries of the catalog from those of tables, by their words. Imports the catalog and the lexer."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shoal.catalog import CatalogSnapshot
from shoal.planner.lexer import Token, TokenKind, tokenize
from shoal.planner.source import ViewDefinition

_SCHEMAS = frozenset({"information_schema", "pg_catalog"})
_FUNCTIONS = frozenset(
    """duckdb_columns duckdb_constraints duckdb_databases duckdb_dependencies duckdb_functions duckdb_indexes
    duckdb_schemas duckdb_sequences duckdb_tables duckdb_types duckdb_variables duckdb_views pragma_show
    pragma_storage_info pragma_table_info""".split()
)
_TABLES = frozenset(
    """duckdb_columns duckdb_constraints duckdb_databases duckdb_indexes duckdb_schemas duckdb_tables duckdb_types
    duckdb_views pg_am pg_attrdef pg_attribute pg_class pg_collation pg_constraint pg_database pg_depend pg_description
    pg_enum pg_index pg_indexes pg_namespace pg_prepared_statements pg_proc pg_sequence pg_sequences pg_settings
    pg_tables pg_tablespace pg_type pg_views pragma_database_list sqlite_master sqlite_schema sqlite_temp_master
    sqlite_temp_schema""".split()
)
_MAY_READ = re.compile(r"information_schema|pg_|duckdb_|pragma_|sqlite_|\(\s*(show|describe|desc)\b", re.IGNORECASE)
_PLACES = frozenset({"current_schema", "current_schemas", "current_database", "current_catalog"})
_MAY_ASK_PLACE = re.compile("current_", re.IGNORECASE)
_NAMES = (TokenKind.WORD, TokenKind.QUOTED)


@dataclass(frozen=True, slots=True)
class CatalogPart:
    """Where a text reads the catalog: the characters ``start`` to ``end``, as a query, and a name for its rows.

    ``bare``: by a name of one part, which may be that of something else.
    """

    start: int
    end: int
    query: str
    name: str
    bracketed: bool = False
    bare: bool = False


def may_read_catalog(sql: str, catalog: CatalogSnapshot) -> bool:
    """Whether a query may ask for the catalog, by itself or through views; cheap, as every query is looked at."""
    if _MAY_READ.search(sql) or (catalog.schemas.made and _MAY_ASK_PLACE.search(sql)):
        return True
    views = (entry for _, entry in catalog.entries.values() if isinstance(entry, ViewDefinition))
    return any(_MAY_READ.search(view.sql) for view in views)


def reads_catalog(sql: str) -> bool:
    """Whether a query asks for the catalog: by the schema of a table, or by a function's name."""
    return next(catalog_parts(sql), None) is not None


def catalog_parts(sql: str) -> Iterator[CatalogPart]:
    """The tables, functions and SHOW or DESCRIBE in brackets by which a query asks for the catalog, in order."""
    if not _MAY_READ.search(sql):
        return
    tokens = tuple(tokenize(sql))
    index = 0
    while index < len(tokens):
        part, length = _part_at(sql, tokens, index)
        if part is not None:
            yield part
        index += length


def _part_at(sql: str, tokens: Sequence[Token], index: int) -> tuple[CatalogPart | None, int]:
    """The part that begins with a token, and how many tokens were looked at."""
    token, before = tokens[index], tokens[index - 1] if index else None
    if token.is_word("SHOW", "DESCRIBE", "DESC") and before is not None and before.text == "(":
        close = _closing(tokens, index - 1)
        query = sql[token.start : tokens[close].start]
        return CatalogPart(token.start, tokens[close].start, query, f"shown {index}", bracketed=True), close - index
    if token.kind not in _NAMES or (before is not None and before.text == "."):
        return None, 1
    name = token.name.casefold()
    following = [each.text for each in tokens[index + 1 : index + 4]]
    if name in _SCHEMAS and following[:1] == ["."] and len(following) > 1 and tokens[index + 2].kind in _NAMES:
        end, table = tokens[index + 2].end, tokens[index + 2].name
        return CatalogPart(token.start, end, f"FROM {sql[token.start : end]}", table), 3
    if name in _FUNCTIONS and following[:1] == ["("]:
        close = _closing(tokens, index + 1)
        end = tokens[close].end
        return CatalogPart(token.start, end, f"FROM {sql[token.start : end]}", token.name), close - index + 1
    is_table = before is not None and (before.is_word("FROM", "JOIN") or before.text == ",")
    if name in _TABLES and is_table and following[:1] != ["("]:
        return CatalogPart(token.start, token.end, f"FROM {token.text}", token.name, bare=True), 1
    return None, 1


def _closing(tokens: Sequence[Token], index: int) -> int:
    """The bracket that closes the one at ``index``, or the last token."""
    depth = 0
    for position in range(index, len(tokens)):
        depth += (tokens[position].text == "(") - (tokens[position].text == ")")
        if depth == 0:
            return position
    return len(tokens) - 1


def reads_place(sql: str) -> bool:
    """Whether a query asks for the schema or the database in use."""
    folded = sql.casefold()
    return any(word in folded for word in _PLACES) and any(
        token.kind is TokenKind.WORD and token.name.casefold() in _PLACES for token in tokenize(sql)
    )
