"""The planner's ``Kernel``: DuckDB's own binder, over empty views of the right schema.

A scratch connection holds an empty view for each catalog name that a statement mentions, made when it is first
mentioned and made anew when its columns change. Describing a statement therefore reads no data; only table functions of
the user (``read_csv('x')``) open their files, as DuckDB does to learn their columns.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import duckdb

from shoal.catalog import CatalogSnapshot
from shoal.error_hints import explain_binding
from shoal.executor.kernel_errors import translate_error
from shoal.planner.definitions import Macro
from shoal.planner.errors import (
    BindError,
    ColumnNotFound,
    Error,
    NotSupportedError,
    SourceError,
)
from shoal.planner.lexer import TokenKind, place_at, split_statements, tokenize
from shoal.planner.names import MAIN, SEPARATOR, TEMPORARY, own_name, quoted_name, schema_of, shown_name
from shoal.planner.parameters import TypedText, parameter_names
from shoal.planner.source import VIRTUAL_COLUMNS, Field, TableSource, ViewDefinition
from shoal.planner.whole_statement import NAMES_BY_VALUES
from shoal.running import check_cancelled
from shoal.scratch import Scratch
from shoal.scratch_macros import ScratchMacros
from shoal.source_files import format_of, quote_name

_SCRATCH_SCHEMA, _SCHEMA = '"temp".main.', "memory.main."
"""Where tables stand in the scratch connection, and where in a session: names of columns may tell it."""
_PREFIX = "DESCRIBE\n"
_EXPLAIN = "EXPLAIN\n"
_CACHED_TYPES = 2048
_CACHED_NAMES = 256
_LONG_TEXT = 20_000
"""Characters of a statement of which no second one is remembered."""
_SYNTAX = "SELECT json_serialize_sql(?::VARCHAR, skip_null := true, skip_empty := true, skip_default := true)"
_VIRTUAL_COLUMNS = re.compile(rf'"({"|".join(sorted(VIRTUAL_COLUMNS))})"', re.IGNORECASE)
"""Columns that only a real file has: a statement that names one is bound to the file itself."""


def words_of(sql: str) -> frozenset[str]:
    """Every name in a text, of one part or qualified with a schema."""
    kinds = (TokenKind.WORD, TokenKind.QUOTED)
    tokens = tuple(tokenize(sql))
    names = {token.name for token in tokens if token.kind in kinds}
    for first, dot, second in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if dot.text == "." and first.kind in kinds and second.kind in kinds:
            names.add(f"{first.name}{SEPARATOR}{second.name}")
    return frozenset(names)


class Binder:
    """Names and types of statements. Shared by all statements of a session; see ``BoundCatalog`` for one of them."""

    words = staticmethod(words_of)

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self._made: dict[str, object] = {}
        self._written: dict[str, str] = {}
        self._macros = ScratchMacros(scratch)
        self._types: dict[object, dict[str, str]] = {}
        self._names: dict[str, tuple[str, ...]] = {}

    def describe(self, sql: str, parameters: Sequence[object], catalog: CatalogSnapshot) -> tuple[Field, ...]:
        """Names and types of a query's result; raises a user error with its place in ``sql``. Runs nothing."""
        if len(split_statements(sql)) != 1:
            raise NotSupportedError("one statement at a time is taken here")
        text = sql.rstrip().rstrip(";")
        with self._scratch.lock:
            names = self.table_names(text)
            self._make_all((*names, *(catalog.names() if NAMES_BY_VALUES.search(text) else ())), sql, catalog)
            self._define(text, catalog, ())
            try:
                rows = self._described(text, parameters)
            except ColumnNotFound as error:
                files = [name for name in names if catalog.entry(name) is None and format_of(name)]
                if not files or not _VIRTUAL_COLUMNS.search(error.message):
                    raise self._explain(error, sql, catalog) from error
                for name in files:
                    self._drop(name.casefold())
                rows = self._described(text, parameters)
            except Error as error:
                raise self._explain(error, sql, catalog) from error
            finally:
                self._macros.forget_shadows()
        return tuple(Field(str(row[0]).replace(_SCRATCH_SCHEMA, _SCHEMA), str(row[1])) for row in rows)

    def check_prepared(self, name: str, sql: str, text: str, catalog: CatalogSnapshot) -> None:
        """Have DuckDB check ``sql``, which prepares the query ``text`` under a name; raises user errors."""
        with self._scratch.lock:
            self._make_all(self.table_names(text), sql, catalog)
            self._define(text, catalog, ())
            try:
                self._scratch.rows(sql)
                self._scratch.rows(f"DEALLOCATE {quote_name(name)}")
            except (duckdb.Error, RuntimeError) as error:
                raise self._explain(translate_error(error, sql), sql, catalog, 0) from error
            finally:
                self._macros.forget_shadows()

    def early_error(self, sql: str, parameters: Sequence[object], catalog: CatalogSnapshot) -> Error | None:
        """What DuckDB refuses of a query before it reads any rows, such as a constant that does not fit; else None."""
        with self._scratch.lock:
            self.making(sql, catalog)
            try:
                self._described(sql.rstrip().rstrip(";"), parameters, _EXPLAIN)
                return None
            except Error as error:
                return self._explain(error, sql, catalog)
            finally:
                self._macros.forget_shadows()

    def check_change(
        self,
        sql: str,
        parameters: Sequence[object],
        target: str,
        columns: str,
        catalog: CatalogSnapshot,
        prepared: str = "",
    ) -> None:
        """Have DuckDB bind a statement that changes the table ``target``, whose columns are given as CREATE TABLE has
        them, or prepare it under the name ``prepared``; raises user errors with their places. Runs nothing."""
        text = sql.rstrip().rstrip(";")
        # A name in main is looked up among the temporary ones first, as those of one part are.
        target = target if schema_of(target).casefold() != MAIN else own_name(target)
        folded = target.casefold().removeprefix(f"{TEMPORARY}{SEPARATOR}")
        with self._scratch.lock:
            # DuckDB tells no names of a statement that changes a table it does not know.
            own = (folded, target.casefold(), f"{MAIN}{SEPARATOR}{folded}")
            names = {item for item in words_of(text) if item.casefold() not in own}
            self._make_all(sorted(name for name in names if catalog.entry(name) is not None), sql, catalog)
            self._define(text, catalog, ())
            self._drop(folded)
            _create_schema(target, self._scratch)
            self._scratch.rows(f"CREATE {_temporary(target)}TABLE {_in_scratch(target)} {columns}")
            told = text if prepared else _EXPLAIN + text
            try:
                self._scratch.rows(told, None if prepared else bound_values(text, parameters) or None)
                if prepared:
                    self._scratch.rows(f"DEALLOCATE {quote_name(prepared)}")
            except (duckdb.Error, RuntimeError, ValueError, TypeError) as error:
                raise self._explain(translate_error(error, told), sql, catalog, 0 if prepared else 1) from error
            finally:
                self._scratch.rows(f"DROP TABLE {_in_scratch(target)}")
                self._macros.forget_shadows()

    def making(self, query: str, catalog: CatalogSnapshot) -> None:
        """Have the scratch connection know all that a query names; the caller holds its lock."""
        self._make_all(self.table_names(query), query, catalog)
        self._define(query, catalog, ())

    def define_macro(self, macro: Macro, sql: str, catalog: CatalogSnapshot) -> Macro:
        """Have DuckDB check a macro's own statement; the macro as it is to be kept. Raises user errors."""
        with self._scratch.lock:
            for query in macro.queries():
                self._make_all(self.table_names(query), sql, catalog)
            self._define(macro.text, catalog, ())
            macro = replace(macro, shadows=self._macros.hides_function(macro.name))
            try:
                self._macros.check(macro, sql)
            except Error as error:
                raise self._explain(error, sql, catalog, 0) from error
            finally:
                self._macros.forget_shadows()
        return macro

    def _define(self, sql: str, catalog: CatalogSnapshot, within: tuple[str, ...]) -> object:
        """Have the scratch connection know the macros and variables of a text; returns what these are made from."""
        inner = [
            self._make(name, catalog, within)
            for macro in catalog.definitions.macros_of(sql)
            for query in macro.queries()
            for name in self.table_names(query)
        ]
        return self._macros.make(sql, catalog.definitions), tuple(inner)

    def _described(self, text: str, parameters: Sequence[object], how: str = _PREFIX) -> list[tuple[object, ...]]:
        try:
            return self._scratch.rows(how + text, bound_values(text, parameters) or None)
        except (duckdb.Error, RuntimeError, ValueError, TypeError) as error:
            if "DESCRIBE with" in str(error):  # which says no more of some errors in syntax
                return self._described(text, parameters, _EXPLAIN)
            raise translate_error(error, how + text) from error

    def _make_all(self, names: Sequence[str], sql: str, catalog: CatalogSnapshot) -> None:
        hidden = catalog.has_two(names)
        if hidden is not None:
            raise NotSupportedError(f"{hidden} of two schemas in one statement: qualify both names")
        for name in names:
            try:
                self._make(name, catalog, ())
            except SourceError as error:
                places = (place_at(sql, token.start, len(token.text)) for token in tokenize(sql) if token.name == name)
                raise error.with_context(sql=sql, place=next(places, None)) from error

    def table_names(self, sql: str) -> tuple[str, ...]:
        """The names of tables, views and files that a query reads; every name in it when DuckDB cannot tell."""
        text = sql.rstrip().rstrip(";")
        # A statement is asked about when it is bound, and again when its plan is made, or it is run again.
        known = self._names.get(text)
        if known is None:
            try:
                known = tuple(sorted(self._scratch.table_names(text)))
            except (duckdb.Error, RuntimeError):
                # Macros are called by names that need not be told apart by their schemas.
                return tuple(sorted(words_of(_without_calls(text))))
            if len(self._names) >= _CACHED_NAMES or len(text) > _LONG_TEXT:
                self._names.clear()
            self._names[text] = known
        return known

    def syntax(self, sql: str) -> str:
        """How the kernel reads a statement, as JSON; nothing if it cannot be written down."""
        try:
            return self._scratch.strings(_SYNTAX, [sql])[0]
        except duckdb.Error:
            return ""

    def evaluate(self, sql: str) -> tuple[tuple[str, str], ...]:
        """The names and values of the one row of a query without tables; raises a user error."""
        try:
            names = self._scratch.strings(f"DESCRIBE {sql}")
            (row,) = self._scratch.rows(sql)
        except (duckdb.Error, ValueError) as error:
            raise translate_error(error) from error
        return tuple((name, str(value)) for name, value in zip(names, row, strict=True))

    def moment(self) -> str:
        """The time now."""
        return self._scratch.strings("SELECT CAST(CAST(now() AS TIMESTAMPTZ) AS VARCHAR)")[0]

    def types(self, columns: Sequence[Field], layers: Sequence[Mapping[str, str]]) -> dict[str, str]:
        """The DuckDB types of expressions, layer upon layer; see ``shoal.planner.protocols.Kernel``."""
        key = (tuple(columns), tuple(tuple(layer.items()) for layer in layers))
        known = self._types.get(key)
        if known is None:
            sql = _typing_statement(columns, layers)
            try:
                rows = self._scratch.rows("DESCRIBE " + sql)
            except (duckdb.Error, RuntimeError) as error:
                raise translate_error(error) from error
            wanted = {name for layer in layers for name in layer}
            known = {str(row[0]): str(row[1]) for row in rows if row[0] in wanted}
            if len(self._types) >= _CACHED_TYPES:
                self._types.clear()
            self._types[key] = known
        return dict(known)

    def _make(self, name: str, catalog: CatalogSnapshot, within: tuple[str, ...]) -> object:
        """Have the scratch connection know a name as the catalog does; returns what it is made from."""
        entry = catalog.lookup(name)
        # DuckDB looks up a name in the schema main among the temporary ones first: it is made there.
        name = own_name(name) if schema_of(name).casefold() == MAIN else name
        folded = name.casefold().removeprefix(f"{TEMPORARY}{SEPARATOR}")
        if folded in within:
            raise BindError(f"the view {shown_name(name)} refers to itself")
        if entry is None:
            self._drop(folded)
            return None
        definition: object
        match entry:
            case ViewDefinition():
                inner = tuple(self._make(item, catalog, (*within, folded)) for item in self.table_names(entry.sql))
                definition = (entry, inner, self._define(entry.sql, catalog, (*within, folded)))
            case _:
                definition = entry.columns
        if definition != self._made.get(folded):
            self._drop(folded)
            self._create(name, entry)
            self._made[folded] = definition
            self._written[folded] = name
        return definition

    def _drop(self, folded: str) -> None:
        if folded in self._made:
            # Letters beyond ASCII have no case in DuckDB's names.
            self._scratch.rows(f"DROP VIEW IF EXISTS {_in_scratch(self._written.pop(folded, folded))}")
            del self._made[folded]

    def _create(self, name: str, entry: TableSource | ViewDefinition) -> None:
        if isinstance(entry, ViewDefinition):
            named = f"({', '.join(map(quote_name, entry.columns))})" if entry.columns else ""
            sql = f"CREATE {_temporary(name)}VIEW {_in_scratch(name)}{named} AS\n{entry.sql}"
        else:
            # A view, as DESCRIBE forgets an alias that is a table's column in other case.
            columns = ", ".join(f"CAST(NULL AS {column.type}) AS {quote_name(column.name)}" for column in entry.columns)
            sql = f"CREATE {_temporary(name)}VIEW {_in_scratch(name)} AS SELECT {columns} WHERE false"
        try:
            _create_schema(name, self._scratch)
            self._scratch.rows(sql)
        except duckdb.Error as error:
            told = translate_error(error)
            kind = "view" if isinstance(entry, ViewDefinition) else "table"
            message = f"in the {kind} {shown_name(name)}: {told.message}"
            raise type(told)(message, replace(told.context, place=None)) from error

    def _explain(self, error: Error, sql: str, catalog: CatalogSnapshot, before: int = 1) -> Error:
        """The error with its place in the user's text, and a hint from our own catalog instead of DuckDB's."""
        return explain_binding(error, sql, catalog, self.table_names(sql), before)


class BoundCatalog:
    """The binder over one snapshot of the catalog: what the planner sees as its ``Kernel``."""

    def __init__(self, binder: Binder, catalog: CatalogSnapshot) -> None:
        self._binder = binder
        self._catalog = catalog

    def describe(self, sql: str, parameters: Sequence[object] = ()) -> tuple[Field, ...]:
        """Names and types of a statement's result; raises a user error with its place in ``sql``."""
        check_cancelled()
        return self._binder.describe(sql, parameters, self._catalog)

    def table_names(self, sql: str) -> tuple[str, ...]:
        """The names of tables, views and files that a statement refers to, as it writes them."""
        return self._binder.table_names(sql)

    def syntax(self, sql: str) -> str:
        """How the kernel reads a statement, as JSON."""
        return self._binder.syntax(sql)

    def evaluate(self, sql: str) -> tuple[tuple[str, str], ...]:
        """The one row of a query without tables."""
        return self._binder.evaluate(sql)

    def moment(self) -> str:
        """The time now."""
        return self._binder.moment()

    def types(self, columns: Sequence[Field], layers: Sequence[Mapping[str, str]]) -> dict[str, str]:
        """The DuckDB types of scalar or aggregate expressions."""
        check_cancelled()
        return self._binder.types(columns, layers)


def _create_schema(name: str, scratch: Scratch) -> None:
    schema = schema_of(name)
    if schema and schema.casefold() not in (MAIN, TEMPORARY):
        scratch.rows(f"CREATE SCHEMA IF NOT EXISTS {quoted_name(schema)}")


def _temporary(name: str) -> str:
    """The word for a name of one part: such are found before those of the schema main, as the kernel finds them."""
    return "TEMP " if schema_of(name).casefold() in ("", TEMPORARY) else ""


def _in_scratch(name: str) -> str:
    """A name as SQL, as the scratch connection has it."""
    return quoted_name(f"{TEMPORARY}{SEPARATOR}{own_name(name)}" if _temporary(name) else name)


def _without_calls(sql: str) -> str:
    """The text with blanks for the names of functions that are called, and for what they are qualified with."""
    tokens = tuple(tokenize(sql))
    for index, token in enumerate(tokens[:-1]):
        if tokens[index + 1].text == "(" and token.kind in (TokenKind.WORD, TokenKind.QUOTED):
            qualified = index > 1 and tokens[index - 1].text == "."
            start = tokens[index - 2].start if qualified else token.start
            sql = sql[:start] + " " * (token.end - start) + sql[token.end :]
    return sql


def bound_values(sql: str, parameters: Sequence[object]) -> list[object] | dict[str, object]:
    """Values as DuckDB takes them: in order, or by name where the text's parameters have names."""
    values = [
        duckdb.Value(value.text, duckdb.type(value.type)) if isinstance(value, TypedText) else value
        for value in parameters
    ]
    names = parameter_names(sql)
    return dict(zip(names, values, strict=True)) if names else values


def _typing_statement(columns: Sequence[Field], layers: Sequence[Mapping[str, str]]) -> str:
    """A query with one column for each expression; GROUP BY ALL lets aggregates stand beside plain columns.

    It refuses windows, so those of a layer come after its aggregates; they see the same columns.
    """
    start = ", ".join(f"CAST(NULL AS {column.type}) AS {quote_name(column.name)}" for column in columns)
    steps = [f"SELECT {start or 'NULL AS nothing'}"]
    for layer in layers:
        windows = {name for name, expression in layer.items() if _is_windowed(expression)}
        for names, grouping in ((layer.keys() - windows, " GROUP BY ALL"), (windows, "")):
            added = "".join(f", {layer[name]} AS {quote_name(name)}" for name in layer if name in names)
            if added:
                steps.append(f"SELECT *{added} FROM step{len(steps) - 1}{grouping}")
    named = ", ".join(f"step{number} AS ({step})" for number, step in enumerate(steps))
    return f"WITH {named} FROM step{len(steps) - 1}"


def _is_windowed(expression: str) -> bool:
    return any(token.is_word("OVER") for token in tokenize(expression))
