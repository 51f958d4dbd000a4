"""Puts the bodies of macros, and the values of variables, into a parsed query, as DuckDB's binder does.

What cannot be expanded for certain raises ``NotDistributable``: the kernel, which is told all definitions, then runs
the text as it is.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from shoal.planner.definitions import Definitions, Macro, MacroOverload
from shoal.planner.lexer import TokenKind, tokenize
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.parameters import literal
from shoal.planner.protocols import Catalog
from shoal.planner.scalar import DIALECT
from shoal.planner.source import FileFormat, FileSource, TableSource, ViewDefinition

_VARIABLE = "getvariable"
_DEEPEST = 32
_MOST_NODES = 20_000
"""A macro that calls a macro twice, and so on, grows without end."""


def expand_definitions(query: exp.Expression, sql: str, definitions: Definitions) -> exp.Expression:
    """``f(x)`` -> the body of the macro ``f`` with ``x`` for its parameter; ``getvariable('v')`` -> the value of v.

    The same object if the text names no macro and reads no variable.
    """
    named = definitions.macros_of(sql)
    reads = _VARIABLE in sql.casefold() or definitions.reads_variables([sql])
    if not named and not reads:
        return query
    if any(macro.shadows for macro in named):
        raise NotDistributable("a macro that hides a function")
    _check_names(query, {macro.name.casefold() for macro in named} | {_VARIABLE})
    wanted = _calls(sql, {macro.name.casefold() for macro in named})
    expander = _Expander({macro.key: macro for macro in named}, definitions)
    expanded = expander.expand(query, 0)
    if expander.direct != wanted:
        raise NotDistributable("a call of a macro that the planner's parser does not see")
    return expanded


def _check_names(query: exp.Expression, functions: set[str]) -> None:
    """Refuse columns of inner queries that are named after a call: its body would give them another name."""
    outermost = {id(query), *(id(side) for side in _sides(query))}
    for select in query.find_all(exp.Select):
        for item in select.expressions if id(select) not in outermost else ():
            calls = () if isinstance(item, exp.Alias) else item.find_all(exp.Anonymous)
            if any(call.name.casefold() in functions for call in calls):
                raise NotDistributable("a column of an inner query that is named after a macro's call")


def _sides(query: exp.Expression) -> Iterator[exp.Expression]:
    if isinstance(query, exp.SetOperation):
        for side in (query.this, query.expression):
            yield side
            yield from _sides(side)


def _calls(sql: str, names: set[str]) -> int:
    """How often a text calls one of the macros: no such call may be left."""
    words = (TokenKind.WORD, TokenKind.QUOTED)
    return sum(
        1
        for token, after in pairwise(tokenize(sql))
        if after.text == "(" and token.kind in words and token.name.casefold() in names
    )


class _Expander:
    def __init__(self, macros: Mapping[tuple[bool, str], Macro], definitions: Definitions) -> None:
        self._macros = macros
        self._values = {variable.name.casefold(): variable.value for variable in definitions.variables}
        self._nodes = 0
        self.direct = 0
        """The macros that the query itself calls, not those in their bodies."""

    def expand(self, tree: exp.Expression, depth: int) -> exp.Expression:
        if depth > _DEEPEST:
            raise NotDistributable("macros within macros")

        def change(node: exp.Expression) -> exp.Expression:
            self._nodes += 1
            if self._nodes > _MOST_NODES:
                raise NotDistributable("macros of too many nodes")
            if isinstance(node, exp.Table):
                return self._table(node, depth)
            if not isinstance(node, exp.Anonymous):
                return node
            name = node.name.casefold()
            if name == _VARIABLE:
                return self._variable(node)
            macro = self._macros.get((False, name))
            if macro is None:
                return node
            if isinstance(node.parent, exp.Dot):
                raise NotDistributable("a macro called by a qualified name or as a method")
            self.direct += depth == 0
            return exp.Paren(this=self.expand(self._body(macro, node, depth), depth + 1))

        return tree.transform(change)

    def _table(self, table: exp.Table, depth: int) -> exp.Expression:
        """A derived table of a table macro's body in the place of its call, under the same alias."""
        call = table.this
        macro = self._macros.get((True, call.name.casefold())) if isinstance(call, exp.Anonymous) else None
        if macro is None:
            return table
        if any(value for key, value in table.args.items() if key not in ("this", "alias")):
            raise NotDistributable("a table macro with clauses of its own")
        self.direct += depth == 0
        body = self.expand(self._body(macro, call, depth), depth + 1)
        alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(macro.name, quoted=True))
        return exp.Subquery(this=body.this if isinstance(body, exp.Subquery) else body, alias=alias)

    def _variable(self, call: exp.Anonymous) -> exp.Expression:
        (name, *rest) = call.expressions or [None]
        if rest or not isinstance(name, exp.Literal) or not name.is_string:
            raise NotDistributable("a variable with a computed name")
        value = self._values.get(name.name.casefold())
        return exp.Null() if value is None else _parsed(literal(value))

    def _body(self, macro: Macro, call: exp.Anonymous, depth: int) -> exp.Expression:
        # An argument is expanded before its node is visited again: it stands for itself, with its own macros.
        given = [self.expand(argument, depth) for argument in call.expressions]
        named = {item.this.name.casefold(): item.expression for item in given if _is_named(item)}
        positional = [item for item in given if not _is_named(item)]
        overload = _overload_for(macro, len(positional), named)
        values: dict[str, exp.Expression] = dict(named)
        for (parameter, default), position in zip(overload.parameters, range(len(overload.parameters)), strict=True):
            if position < len(positional):
                values[parameter.casefold()] = positional[position]
            elif parameter.casefold() not in values and default is not None:
                values[parameter.casefold()] = _parsed(default)
        body = _parsed(overload.body)
        # A table of the subquery may have a column of that name, which would take its place.
        if body.find(exp.Select) is not None and any(value.find(exp.Column) is not None for value in values.values()):
            raise NotDistributable("a column as the argument of a macro with a subquery")
        return body.transform(lambda node: _with_argument(node, values))


def _with_argument(node: exp.Expression, values: Mapping[str, exp.Expression]) -> exp.Expression:
    if isinstance(node, exp.Lambda):
        raise NotDistributable("a lambda in a macro")
    if isinstance(node, exp.Column) and node.parts[0].name.casefold() in values:
        if len(node.parts) > 1:
            raise NotDistributable("a field of a macro's parameter")
        return exp.Paren(this=values[node.name.casefold()].copy())
    return node


def _overload_for(macro: Macro, positional: int, named: Mapping[str, exp.Expression]) -> MacroOverload:
    """The one overload that takes the arguments; the kernel's binder knows that there is one."""
    found = [item for item in macro.overloads if _takes(item, positional, named)]
    if len(found) != 1 or (found[0].typed):
        raise NotDistributable(f"the overloads of the macro {macro.name}")
    return found[0]


def _takes(overload: MacroOverload, positional: int, named: Mapping[str, exp.Expression]) -> bool:
    names = [name.casefold() for name, _ in overload.parameters]
    rest = overload.parameters[positional:]
    filled = set(named)
    return (
        positional <= len(names)
        and filled <= set(names[positional:])
        and all(default is not None or name.casefold() in filled for name, default in rest)
    )


def _is_named(item: exp.Expression) -> bool:
    return isinstance(item, (exp.PropertyEQ, exp.Kwarg))


def _parsed(sql: str) -> exp.Expression:
    try:
        found = sqlglot.parse_one(sql, dialect=DIALECT)
    except (SqlglotError, RecursionError) as error:
        raise NotDistributable("the planner's parser does not know the body of a macro") from error
    if not isinstance(found, exp.Expression):
        raise NotDistributable("the planner's parser does not take the body of a macro for an expression")
    return exp.Subquery(this=found) if isinstance(found, exp.Query) else found


class ExpandedViews:
    """A catalog in which views that need definitions are left to the kernel; a ``Catalog``."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @property
    def version(self) -> int:
        """The catalog's own."""
        return self._catalog.version

    @property
    def definitions(self) -> Definitions:
        """The catalog's own."""
        return self._catalog.definitions

    def lookup(self, name: str) -> TableSource | ViewDefinition | None:
        """The catalog's own; raises ``NotDistributable`` for a view that calls a macro or reads a variable."""
        found = self._catalog.lookup(name)
        if isinstance(found, ViewDefinition):
            definitions = self._catalog.definitions
            if definitions.macros_of(found.sql) or definitions.reads_variables([found.sql]):
                raise NotDistributable(f"the view {name} calls a macro or reads a variable")
        return found

    def files(self, format: FileFormat, paths: tuple[str, ...], options: tuple[tuple[str, str], ...]) -> FileSource:
        """The catalog's own."""
        return self._catalog.files(format, paths, options)

    def names(self) -> tuple[str, ...]:
        """The catalog's own."""
        return self._catalog.names()
