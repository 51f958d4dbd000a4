"""Statements on the session itself: variables, prepared statements and macros."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from shoal.binder import Binder
from shoal.catalog import SessionCatalog
from shoal.planner.definitions import Definitions, Macro, Variable
from shoal.planner.errors import (
    BindError,
    ColumnNotFound,
    ErrorContext,
    FunctionNotFound,
    NotSupportedError,
    ParameterError,
    ProgrammingError,
    SyntaxError_,
)
from shoal.planner.lexer import TokenKind, tokenize
from shoal.planner.parameters import Parameters, TypedText, inline_parameters
from shoal.planner.session_kinds import (
    AssignVariable,
    CreateMacro,
    Deallocate,
    DropMacro,
    Execute,
    ForgetVariable,
    Prepare,
    SessionStatement,
    ShowVariables,
)
from shoal.planner.source import Field
from shoal.planner.statement import Query, classify, suggest
from shoal.planner.table_statements import Delete, Insert, Update
from shoal.table_changes import is_dynamic, table_named

_NULL = '"NULL"'

Row = tuple[object, ...]
Evaluate = Callable[[str], Sequence[Row]]
"""The rows of a query that the session runs for itself."""


@dataclass(frozen=True, slots=True)
class Table:
    """What a statement shows: columns of text."""

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Another:
    """What has to be run in a statement's place: a prepared one, with its values."""

    sql: str
    parameters: Parameters


class SessionStatements:
    """Runs them. Macros and variables live in the session's catalog, prepared statements here. Thread-safe."""

    def __init__(self, catalog: SessionCatalog, binder: Binder) -> None:
        self._catalog = catalog
        self._binder = binder
        self._lock = threading.Lock()
        self._prepared: dict[str, tuple[str, str]] = {}

    def run(
        self, statement: SessionStatement, parameters: Sequence[object], evaluate: Evaluate
    ) -> Table | Another | None:
        """Run a statement; raises a user error, with its place where there is one."""
        match statement:
            case AssignVariable():
                self._assign(statement, parameters, evaluate)
            case ForgetVariable():
                self._forget(statement)
            case ShowVariables():
                return self._variables()
            case Prepare():
                self._prepare(statement)
            case Execute():
                return self.executed(statement, evaluate)
            case Deallocate():
                with self._lock:
                    self._prepared.pop(statement.name.casefold(), None)
            case CreateMacro():
                self._create_macro(statement)
            case DropMacro():
                self._drop_macro(statement)
            case _:
                assert_never(statement)
        return None

    def _assign(self, statement: AssignVariable, parameters: Sequence[object], evaluate: Evaluate) -> None:
        word = _lone_name(statement.expression)
        try:
            fields = self._binder.describe(statement.sql, parameters, self._catalog.snapshot())
        except ColumnNotFound:
            if word is None:
                raise
            fields = (Field("", "VARCHAR"),)
        if len(fields) != 1:
            raise SyntaxError_("SET VARIABLE takes one value", ErrorContext(hint="put several into a list or a struct"))
        if word is not None:
            value = TypedText(word, "VARCHAR")
        else:
            (value,) = _values([(inline_parameters(statement.expression, parameters), fields[0])], evaluate)

        def change(definitions: Definitions) -> Definitions:
            kept = _without(definitions.variables, statement.name)
            return replace(definitions, variables=(*kept, Variable(statement.name, value)))

        self._catalog.define(change)

    def _forget(self, statement: ForgetVariable) -> None:
        self._catalog.define(lambda known: replace(known, variables=_without(known.variables, statement.name)))

    def _variables(self) -> Table:
        found = self._catalog.snapshot().definitions.variables
        rows = tuple((each.name, each.value.text or "NULL", each.value.type) for each in found)
        return Table(("name", "value", "type"), tuple(sorted(rows)))

    def _prepare(self, statement: Prepare) -> None:
        inner = classify(statement.sql)
        if isinstance(inner, Query) and not inner.dynamic:
            catalog = self._catalog.snapshot()
            self._binder.check_prepared(statement.name, statement.statement, inner.sql, catalog)
        elif isinstance(inner, Insert | Update | Delete):
            self._check_change(statement, inner)
        with self._lock:
            self._prepared[statement.name.casefold()] = (statement.name, statement.sql)

    def _check_change(self, statement: Prepare, change: Insert | Update | Delete) -> None:
        catalog, written = self._catalog.snapshot(), change.target.name
        version = table_named(catalog.key(written) or written, statement.statement, catalog)
        if not is_dynamic(change, statement.sql, catalog):
            columns = version.definition.body()
            self._binder.check_change(statement.statement, (), written, columns, catalog, prepared=statement.name)

    def executed(self, statement: Execute, evaluate: Evaluate) -> Another:
        """What an EXECUTE runs; raises ``BindError`` if there is no such statement."""
        with self._lock:
            found = self._prepared.get(statement.name.casefold())
            names = tuple(name for name, _ in self._prepared.values())
        if found is None:
            hint = suggest(statement.name, names) or "PREPARE name AS statement makes one"
            raise BindError(f"there is no prepared statement {statement.name}", ErrorContext(hint=hint))
        if not statement.values:
            return Another(found[1], ())
        texts = ", ".join(f"(\n{sql}\n)" for _, sql in statement.values)
        fields = self._binder.describe(f"SELECT {texts}", (), self._catalog.snapshot())
        expressions = [(sql, field) for (_, sql), field in zip(statement.values, fields, strict=True)]
        values = [None if value.text is None else value for value in _values(expressions, evaluate)]
        given = [name for name, _ in statement.values]
        if given[0] is None:
            return Another(found[1], tuple(values))
        named = {str(name): value for name, value in zip(given, values, strict=True)}
        if len(named) < len(given):
            raise ParameterError("EXECUTE names a parameter twice")
        return Another(found[1], named)

    def _create_macro(self, statement: CreateMacro) -> None:
        catalog = self._catalog.snapshot()
        wanted = statement.macro
        if any(macro.key == wanted.key for macro in catalog.definitions.macros) and not statement.or_replace:
            if statement.if_not_exists:
                return
            hint = "CREATE OR REPLACE MACRO replaces it"
            raise ProgrammingError(f"there is a macro {wanted.name} already", ErrorContext(hint=hint, sqlstate="42723"))
        macro = self._binder.define_macro(wanted, statement.sql, catalog)

        def change(definitions: Definitions) -> Definitions:
            kept = tuple(each for each in definitions.macros if each.key != macro.key)
            return replace(definitions, macros=(*kept, macro))

        self._catalog.define(change)

    def _drop_macro(self, statement: DropMacro) -> None:
        known = self._catalog.snapshot().definitions.macros
        if not any(_is_meant(macro, statement) for macro in known):
            if statement.if_exists:
                return
            hint = suggest(statement.name, tuple(macro.name for macro in known))
            raise FunctionNotFound(f"there is no macro {statement.name}", ErrorContext(hint=hint))

        def change(definitions: Definitions) -> Definitions:
            kept = tuple(macro for macro in definitions.macros if not _is_meant(macro, statement))
            return replace(definitions, macros=kept)

        self._catalog.define(change)


def _lone_name(expression: str) -> str | None:
    """The text of a name that stands alone, which means just that in DuckDB's SET; None for any other expression."""
    tokens = tuple(tokenize(expression))
    is_name = len(tokens) == 1 and tokens[0].kind in (TokenKind.WORD, TokenKind.QUOTED)
    return tokens[0].name if is_name and not tokens[0].is_word("TRUE", "FALSE", "NULL", "DEFAULT") else None


def _values(expressions: Sequence[tuple[str, Field]], evaluate: Evaluate) -> list[TypedText]:
    """The values of expressions, whose types are known; raises ``NotSupportedError`` for what has no lossless text."""
    items: list[str] = []
    for _, field in expressions:
        number = len(items)
        text = f"CAST(value{number} AS VARCHAR)"
        same = "true" if field.type == _NULL else f"CAST({text} AS {field.type}) IS NOT DISTINCT FROM value{number}"
        items.append(f"{text}, {same}")
    inner = ", ".join(f"(\n{sql}\n) AS value{number}" for number, (sql, _) in enumerate(expressions))
    (row,) = evaluate(f"SELECT {', '.join(items)} FROM (SELECT {inner}) AS given")
    values = []
    for number, (_, field) in enumerate(expressions):
        value, is_same = row[2 * number], row[2 * number + 1]
        if not is_same:
            raise NotSupportedError(f"a value of type {field.type} cannot be kept", ErrorContext(hint="keep its text"))
        values.append(TypedText(None if value is None else str(value), field.type))
    return values


def _without(variables: tuple[Variable, ...], name: str) -> tuple[Variable, ...]:
    return tuple(each for each in variables if each.name.casefold() != name.casefold())


def _is_meant(macro: Macro, statement: DropMacro) -> bool:
    same = macro.name.casefold() == statement.name.casefold()
    return same and statement.is_table in (None, macro.is_table)
