"""The macros and variables that the scratch connection knows: those that the text that is being bound needs."""

import duckdb

from shoal.executor.kernel_errors import translate_error
from shoal.planner.definitions import Definitions, Macro, Variable, setting_of
from shoal.scratch import Scratch
from shoal.source_files import quote_name


class ScratchMacros:
    """Makes definitions in a scratch connection, each once. Its lock is held by whoever calls."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self._made: dict[tuple[bool, str], Macro] = {}
        self._variables: tuple[Variable, ...] = ()

    def make(self, sql: str, definitions: Definitions) -> object:
        """Have the connection know what a text needs, and no macro that there is no more; returns what that is.

        The tables that the macros name are there already. Raises errors of Shoal.
        """
        self._make_variables(definitions)
        if not self._made and not definitions.macros:
            return ()
        current = {macro.key: macro for macro in definitions.macros}
        for key, macro in list(self._made.items()):
            if current.get(key) != macro:
                self._drop(macro)
        needed = definitions.macros_of(sql)
        for macro in needed:
            if macro.key not in self._made:
                self._create(macro, f"CREATE OR REPLACE MACRO {macro.text}")
        return needed

    def check(self, macro: Macro, sql: str) -> None:
        """Have the connection make a macro by its user's own statement; raises its error with the place there."""
        known = self._made.get(macro.key)
        if known is not None:
            self._drop(known)
        self._create(macro, sql)

    def forget_shadows(self) -> None:
        """Remove the macros that hide a function of the kernel, which the planner's own texts may call."""
        for macro in list(self._made.values()):
            if macro.shadows:
                self._drop(macro)

    def hides_function(self, name: str) -> bool:
        """Whether the kernel has a function of that name."""
        found = "SELECT count(*) FROM duckdb_functions() WHERE function_name = lower(?) AND internal"
        return self._scratch.rows(found, [name])[0][0] != 0

    def _create(self, macro: Macro, sql: str) -> None:
        try:
            self._scratch.rows(sql)
        except (duckdb.Error, RuntimeError) as error:
            raise translate_error(error, sql) from error
        self._made[macro.key] = macro

    def _drop(self, macro: Macro) -> None:
        kind = "MACRO TABLE" if macro.is_table else "MACRO"
        self._scratch.rows(f"DROP {kind} IF EXISTS {quote_name(macro.name)}")
        del self._made[macro.key]

    def _make_variables(self, definitions: Definitions) -> None:
        if self._variables is definitions.variables:
            return
        known = {variable.name: variable for variable in self._variables}
        for variable in definitions.variables:
            if known.pop(variable.name, None) != variable:
                self._scratch.rows(setting_of(variable))
        for name in known:
            self._scratch.rows(f"RESET VARIABLE {quote_name(name)}")
        self._variables = definitions.variables
