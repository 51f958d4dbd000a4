"""What Shoal refuses by name, each with the reason and what to do instead. Imports the lexer and errors.

DuckDB's statements on a database file, on extensions and on the settings of one process have no meaning where a session
has tables of its own and kernels come and go; table functions with an effect on a kernel would reach other sessions.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType

from shoal.planner.errors import ErrorContext, NotSupportedError
from shoal.planner.lexer import Token, TokenKind, place_at, tokenize

_NO_DATABASE = "a session has one database, which is its own"
_NO_EXTENSIONS = "kernels have the extensions that they are built with"
_NO_TRANSACTIONS = "each statement is a transaction of its own"
_NO_USERS = "there are no users"
_NO_CURSORS = "a cursor of the driver fetches rows as they come"

REFUSED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "ATTACH": (_NO_DATABASE, "register files or tables, or name files in the query"),
        "DETACH": (_NO_DATABASE, "DROP TABLE and DROP VIEW forget names, and so does unregister()"),
        "INSTALL": (_NO_EXTENSIONS, "Parquet, CSV, JSON and ICU are there"),
        "UNINSTALL": (_NO_EXTENSIONS, "Parquet, CSV, JSON and ICU are there"),
        "LOAD": (_NO_EXTENSIONS, "Parquet, CSV, JSON and ICU are there"),
        "FORCE": ("what it forces, INSTALL or CHECKPOINT, is not there", "leave it out"),
        "PRAGMA": ("it sets or shows what belongs to one kernel", "use SET, SHOW, DESCRIBE, or FROM pragma_...()"),
        "CALL": ("it runs a function for its effect on one kernel", "select from the function: FROM function(...)"),
        "EXPORT": (_NO_DATABASE, "write each table with COPY ... TO"),
        "IMPORT": (_NO_DATABASE, "register the files, or CREATE TABLE ... AS FROM 'file'"),
        "CHECKPOINT": ("there is no write-ahead log: what a statement has written is there", "leave it out"),
        "VACUUM": ("old versions of tables go by themselves", "ANALYZE measures a table"),
        "REINDEX": ("there are no indexes", "leave it out"),
        "CLUSTER": ("there are no indexes", "CREATE TABLE ... AS SELECT ... ORDER BY sorts a table"),
        "BEGIN": (_NO_TRANSACTIONS, "leave it out"),
        "START": (_NO_TRANSACTIONS, "leave it out"),
        "COMMIT": (_NO_TRANSACTIONS, "leave it out"),
        "END": (_NO_TRANSACTIONS, "leave it out"),
        "ROLLBACK": (_NO_TRANSACTIONS, "a failed statement changes nothing"),
        "ABORT": (_NO_TRANSACTIONS, "a failed statement changes nothing"),
        "SAVEPOINT": (_NO_TRANSACTIONS, "a failed statement changes nothing"),
        "RELEASE": (_NO_TRANSACTIONS, "leave it out"),
        "LOCK": (_NO_TRANSACTIONS, "a statement reads one snapshot of all its tables"),
        "COMMENT": ("there is no place to keep it", "leave it out"),
        "GRANT": (_NO_USERS, "leave it out"),
        "REVOKE": (_NO_USERS, "leave it out"),
        "DECLARE": (_NO_CURSORS, "execute the query and fetch from it"),
        "FETCH": (_NO_CURSORS, "execute the query and fetch from it"),
        "DO": ("there is no procedural language", "write the statements one after another"),
        "LISTEN": ("there are no notifications", "leave it out"),
        "NOTIFY": ("there are no notifications", "leave it out"),
        "KILL": ("a query is cancelled by whoever runs it", "use cursor.cancel(), or Ctrl-C"),
    }
)
"""First words of statements: the reason, and what to do instead."""

_WRITES = ("INSERT", "UPDATE", "DELETE", "MERGE")
_EFFECTS = frozenset(
    """add_parquet_key checkpoint copy_database create_external_resource deregister_external_resource
    destroy_external_resource disable_logging disable_profile disable_profiling enable_logging enable_profile
    enable_profiling force_checkpoint import_database register_external_resource register_external_resource_type
    truncate_duckdb_logs""".split()
)
"""Table functions that change the kernel that runs them, which other sessions share."""


def refusal_of(sql: str, token: Token, hint: str | None = None) -> NotSupportedError | None:
    """Why a statement that begins with a word is refused; None if the word is not known."""
    word = token.text.upper()
    if token.kind is not TokenKind.WORD or word not in REFUSED:
        return None
    reason, instead = REFUSED[word]
    context = ErrorContext(sql=sql, place=place_at(sql, token.start, len(token.text)), hint=hint or instead)
    return NotSupportedError(f"{word} is not supported: {reason}", context)


def refuse_extensions(sql: str, tokens: Sequence[Token]) -> None:
    """Raise ``NotSupportedError`` for UPDATE EXTENSIONS, which reads like an UPDATE."""
    is_meant = len(tokens) > 1 and tokens[0].is_word("UPDATE") and tokens[1].is_word("EXTENSIONS")
    if is_meant and not any(token.is_word("SET") for token in tokens):
        place = place_at(sql, tokens[0].start, tokens[1].end - tokens[0].start)
        context = ErrorContext(sql=sql, place=place, hint=REFUSED["INSTALL"][1])
        raise NotSupportedError(f"UPDATE EXTENSIONS is not supported: {_NO_EXTENSIONS}", context)


def refuse_inner_writes(sql: str, tokens: Sequence[Token]) -> None:
    """Raise ``NotSupportedError`` for a WITH whose part changes a table: ``WITH q AS (DELETE FROM t RETURNING *)``."""
    for before, bracket, verb in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if bracket.text == "(" and verb.is_word(*_WRITES) and before.is_word("AS", "MATERIALIZED"):
            place = place_at(sql, verb.start, len(verb.text))
            context = ErrorContext(sql=sql, place=place, hint="run it by itself: what it returns is its answer")
            message = f"{verb.text.upper()} inside a statement is not supported: a statement writes at most one table"
            raise NotSupportedError(message, context)


def refuse_effects(sql: str) -> None:
    """Raise ``NotSupportedError`` for a table function with an effect on the kernel."""
    folded = sql.casefold()
    if not any(name in folded for name in _EFFECTS):
        return
    names = (TokenKind.WORD, TokenKind.QUOTED)
    for token, after in pairwise(tokenize(sql)):
        if after.text == "(" and token.kind in names and token.name.casefold() in _EFFECTS:
            context = ErrorContext(sql=sql, place=place_at(sql, token.start, token.end - token.start))
            message = f"{token.name}() is not supported: it changes the kernel that runs it, which other sessions share"
            raise NotSupportedError(message, context)
