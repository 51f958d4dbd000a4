"""Telling queries of the catalog from those of tables, by their words. Imports the lexer."""

from shoal.planner.lexer import TokenKind, tokenize

_SCHEMAS = frozenset({"information_schema", "pg_catalog"})
_FUNCTIONS = frozenset(
    {
        "duckdb_tables",
        "duckdb_columns",
        "duckdb_views",
        "duckdb_schemas",
        "duckdb_constraints",
        "duckdb_databases",
        "pragma_table_info",
        "pragma_show",
    }
)
_TABLES = frozenset({"duckdb_tables", "duckdb_columns", "duckdb_views", "duckdb_schemas", "sqlite_master", "pg_tables"})

_PLACES = frozenset({"current_schema", "current_schemas", "current_database", "current_catalog"})


def reads_catalog(sql: str) -> bool:
    """Whether a query asks for the catalog: by the schema of a table, or by a function's name."""
    folded = sql.casefold()
    if not any(word in folded for word in ("information_schema", "pg_", "duckdb_", "pragma_", "sqlite_", "show")):
        return False
    tokens = tuple(tokenize(sql))
    for index, token in enumerate(tokens):
        if token.is_word("SHOW") and index and tokens[index - 1].text == "(":
            return True
        following = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if token.kind not in (TokenKind.WORD, TokenKind.QUOTED):
            continue
        name = token.name.casefold()
        if (name in _SCHEMAS and following == ".") or (name in _FUNCTIONS and following == "("):
            return True
        if name in _TABLES and index and tokens[index - 1].is_word("FROM", "JOIN"):
            return True
    return False


def reads_place(sql: str) -> bool:
    """Whether a query asks for the schema or the database in use."""
    folded = sql.casefold()
    return any(word in folded for word in _PLACES) and any(
        token.kind is TokenKind.WORD and token.name.casefold() in _PLACES for token in tokenize(sql)
    )
