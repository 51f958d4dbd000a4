"""CREATE VIEW and DROP VIEW: a view is kept once its text has bound, alone and under its own name."""

from shoal.binder import Binder
from shoal.catalog import CatalogSnapshot, Entry, SessionCatalog
from shoal.planner.errors import BindError, Error, ErrorContext, ProgrammingError, TableNotFound
from shoal.planner.names import SEPARATOR, TEMPORARY, quoted_name, schema_of, shown_name
from shoal.planner.source import Field, ViewDefinition
from shoal.planner.statement import CreateView, DropView, suggest
from shoal.table_store import TableVersion

_REPLACES = "CREATE OR REPLACE VIEW replaces it"
_REMOVES = "DROP TABLE removes it"
_FORGETS = "unregister() removes it"


class Views:
    """The views of a session, which live in its catalog beside the tables."""

    def __init__(self, catalog: SessionCatalog, binder: Binder) -> None:
        self._catalog = catalog
        self._binder = binder

    def create(self, statement: CreateView) -> None:
        """Keep a view; raises what its query raises, and ``BindError`` if its name is taken."""
        catalog = self._catalog.snapshot()
        before = catalog.made(statement.name)
        if before is not None:
            if statement.if_not_exists and isinstance(before, ViewDefinition):
                return
            if not statement.or_replace or not isinstance(before, ViewDefinition):
                kind = "view" if isinstance(before, ViewDefinition) else "table"
                hint = _REPLACES if kind == "view" else _REMOVES if isinstance(before, TableVersion) else _FORGETS
                message = f"there is a {kind} {shown_name(statement.name)} already"
                raise BindError(message, ErrorContext(hint=hint, sqlstate="42P07"))
        text = self._qualified(statement, catalog)
        fields = self._binder.describe(text, (), catalog)
        if len(statement.columns) > len(fields):
            message = f"the view {statement.name} names {len(statement.columns)} columns, its query has {len(fields)}"
            raise ProgrammingError(message)
        self._catalog.put(statement.name, ViewDefinition(statement.name, text.strip(), statement.columns))
        try:
            columns_of(statement.name, self._catalog.snapshot(), self._binder)
        except Error:
            self._restore(statement.name, before)
            raise

    def drop(self, statement: DropView) -> None:
        """Forget a view; raises ``TableNotFound`` or ``ProgrammingError``."""
        if statement.if_exists and self._catalog.snapshot().entry(statement.name) is None:
            return
        self._catalog.remove(statement.name, view=True)

    def _qualified(self, statement: CreateView, catalog: CatalogSnapshot) -> str:
        """The view's text, in which names of one part that mean tables of the view's schema say so.

        They are looked up there first, whatever schema is in use when the view is read.
        """
        schema = schema_of(catalog.schemas.place(statement.name))
        if schema.casefold() in ("", TEMPORARY):
            return statement.sql
        names = self._binder.table_names(statement.sql)
        own = {name.casefold() for name in names if f"{schema}{SEPARATOR}{name}".casefold() in catalog.entries}
        if not own:
            return statement.sql
        # sqlglot takes long to import.
        from shoal.planner.qualify_tables import qualify_tables

        return qualify_tables(statement.sql, schema, frozenset(own))

    def _restore(self, name: str, before: Entry | None) -> None:
        """Take back a view that refers to itself, which shows only once it has its name."""
        if isinstance(before, ViewDefinition):
            self._catalog.put(name, before)
        else:
            self._catalog.remove(name)


def columns_of(name: str, catalog: CatalogSnapshot, binder: Binder) -> tuple[Field, ...]:
    """The columns of a table or view; raises ``TableNotFound``."""
    if catalog.entry(name) is None and catalog.entry(written := name.replace(".", SEPARATOR, 1)) is not None:
        name = written
    if catalog.entry(name) is None:
        message = f"there is no table {shown_name(name)}"
        raise TableNotFound(message, ErrorContext(hint=suggest(name, catalog.names())))
    return binder.describe(f"FROM {quoted_name(name)}", (), catalog)
