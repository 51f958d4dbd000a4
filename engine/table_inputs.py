"""The tables and views that a statement names, as views of the kernel session that writes a table."""

from collections.abc import Sequence

from shoal.binder import Binder, BoundCatalog, words_of
from shoal.catalog import CatalogSnapshot
from shoal.executor.kernel import Session
from shoal.executor.scan import scan_sql
from shoal.planner.errors import NotSupportedError
from shoal.planner.source import ArrowSource, Field, TableSource
from shoal.planner.stage import Split, TaskScan
from shoal.planner.whole_statement import collect_sources

_QUERIES = frozenset({"select", "from", "table"})
"""Without one of these words no part of a statement reads a table."""


class _Words:
    """The binder, where it is not a query that is asked for its tables: every word may be one."""

    def __init__(self, sql: str, binder: Binder, catalog: CatalogSnapshot) -> None:
        self._sql = sql
        self._bound = BoundCatalog(binder, catalog)
        self._catalog = catalog

    def table_names(self, sql: str) -> tuple[str, ...]:
        if sql != self._sql:
            return self._bound.table_names(sql)
        return tuple(sorted(name for name in words_of(sql) if self._catalog.knows(name)))

    def describe(self, sql: str, parameters: Sequence[object] = ()) -> tuple[Field, ...]:
        return self._bound.describe(sql, parameters)


def bind_names(text: str, catalog: CatalogSnapshot, binder: Binder, session: Session, name: str) -> bool:
    """Make views of all that a part of a statement may name; whether one of them is called ``name``.

    Raises ``NotSupportedError`` for a registered table, which only queries read.
    """
    tables: dict[str, tuple[str, TableSource]] = {}
    views: dict[str, tuple[str, str]] = {}
    collect_sources(text, catalog, _Words(text, binder, catalog), tables, views)  # type: ignore[arg-type]
    macros = [sql for written, sql in views.values() if not written]
    if not any(map(_has_query, (text, *macros))):
        # The words are names of something else, as of fields.
        for sql in macros:
            session.execute(sql)
        return False
    for written, source in tables.values():
        if isinstance(source, ArrowSource):
            raise NotSupportedError(f"VALUES cannot read {written}: insert a query instead")
        columns = tuple(field.name for field in source.columns)
        session.create_view(written, scan_sql(TaskScan(written, source, columns, Split(whole=True))))
    for written, sql in views.values():
        if written:
            session.create_view(written, sql)
        else:
            session.execute(sql)
    return name.casefold() in tables or name.casefold() in views


def _has_query(text: str) -> bool:
    return not _QUERIES.isdisjoint(word.casefold() for word in words_of(text))
