"""What a session has defined besides tables and views: macros and variables; data types, and who needs which of them.

A statement that names a macro or reads a variable is followed into their texts; whatever kernel runs it gets exactly
those, as statements that stand before it. Imports only the lexer and parameters.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shoal.planner.lexer import TokenKind, tokenize
from shoal.planner.parameters import TypedText, literal

_READS_VARIABLE = "getvariable"


@dataclass(frozen=True, slots=True)
class MacroOverload:
    """One body of a macro: its parameters as (name, default's SQL or None), and the SQL of its body.

    ``typed``: a parameter has a type, and the kernel chooses among the overloads by it.
    """

    parameters: tuple[tuple[str, str | None], ...]
    body: str
    typed: bool = False


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro. ``text`` is what stands behind CREATE MACRO; ``shadows``: the kernel has a function of that name."""

    name: str
    text: str
    overloads: tuple[MacroOverload, ...]
    is_table: bool = False
    shadows: bool = False

    @property
    def key(self) -> tuple[bool, str]:
        """What tells macros apart: scalar and table macros have names of their own."""
        return self.is_table, self.name.casefold()

    def queries(self) -> Iterator[str]:
        """The bodies as queries, for the names of the tables in them."""
        for overload in self.overloads:
            yield overload.body if self.is_table else f"SELECT (\n{overload.body}\n)"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of ``SET VARIABLE``, and its value."""

    name: str
    value: TypedText


@dataclass(frozen=True, slots=True)
class Definitions:
    """The macros and variables of a session at one time, in the order in which they were made."""

    macros: tuple[Macro, ...] = ()
    variables: tuple[Variable, ...] = ()

    def macros_of(self, sql: str) -> tuple[Macro, ...]:
        """The macros that a text names, and those that these name, each after those that it needs."""
        if not self.macros:
            return ()
        found: dict[tuple[bool, str], Macro] = {}
        self._follow(sql, found, set())
        return tuple(found.values())

    def reads_variables(self, sqls: Iterable[str]) -> bool:
        """Whether one of the texts, or a macro that it names, reads a variable."""
        if not self.variables:
            return False
        texts = [text for sql in sqls for text in (sql, *(macro.text for macro in self.macros_of(sql)))]
        return any(_READS_VARIABLE in text.casefold() for text in texts)

    def statements(self, sql: str) -> tuple[str, ...]:
        """What a kernel has to be told before it can run a text: variables, then macros."""
        told = [setting_of(variable) for variable in self.variables] if self.reads_variables([sql]) else []
        return (*told, *(f"CREATE OR REPLACE TEMP MACRO {macro.text}" for macro in self.macros_of(sql)))

    def _follow(self, sql: str, found: dict[tuple[bool, str], Macro], within: set[tuple[bool, str]]) -> None:
        words = (TokenKind.WORD, TokenKind.QUOTED)
        names = {token.name.casefold() for token in tokenize(sql) if token.kind in words}
        for macro in self.macros:
            if macro.name.casefold() in names and macro.key not in found and macro.key not in within:
                self._follow(macro.text, found, {*within, macro.key})
                found[macro.key] = macro


NO_DEFINITIONS = Definitions()


def setting_of(variable: Variable) -> str:
    """The statement that gives a kernel a variable."""
    name = variable.name.replace('"', '""')
    return f'SET VARIABLE "{name}" = {literal(variable.value)}'
