"""Plans a statement as one stage of one task that runs its own text: the kernel does everything."""

import re

from shoal.planner.errors import NotSupportedError
from shoal.planner.ids import StageId
from shoal.planner.names import MAIN, SEPARATOR, hidden_name
from shoal.planner.protocols import Catalog, Kernel
from shoal.planner.source import VIRTUAL_COLUMNS, Field, FileFormat, TableSource, ViewDefinition
from shoal.planner.stage import ScanInput, Split, Stage, StagedPlan

_FORMATS = {
    ".parquet": FileFormat.PARQUET,
    ".csv": FileFormat.CSV,
    ".tsv": FileFormat.CSV,
    ".json": FileFormat.JSON,
    ".jsonl": FileFormat.JSON,
    ".ndjson": FileFormat.JSON,
}
NAMES_BY_VALUES = re.compile(r"\b(?:query(?:_table)?\s*\(|histogram(?:_values)?\s*\(\s*')", re.IGNORECASE)
"""Functions whose argument is a table's name, or a query, and need not be written in the text."""

_VIRTUAL_COLUMNS = re.compile(rf"\b({'|'.join(sorted(VIRTUAL_COLUMNS))})\b", re.IGNORECASE)
"""Columns that only a real file has: a text that names one of them reads its files by itself."""


def whole_statement(sql: str, fields: tuple[Field, ...], catalog: Catalog, kernel: Kernel, reason: str) -> StagedPlan:
    """One stage whose tables and views have the names that the text uses; the kernel orders its joins itself."""
    tables: dict[str, tuple[str, TableSource]] = {}
    views: dict[str, tuple[str, str]] = {}
    collect_sources(sql, catalog, kernel, tables, views)
    scans = tuple(
        ScanInput(name, source, tuple(field.name for field in source.columns), (Split(whole=True),))
        for name, source in tables.values()
    )
    stage = Stage(
        StageId(0),
        sql,
        fields,
        scans=scans,
        setup=tuple(views.values()),
        kernel_join_order=True,
        deterministic=False,
        reason=reason,
    )
    return StagedPlan((stage,), fields)


def collect_sources(
    sql: str,
    catalog: Catalog,
    kernel: Kernel,
    tables: dict[str, tuple[str, TableSource]],
    views: dict[str, tuple[str, str]],
) -> None:
    """Everything that a text names, and that the views it names do; a view comes after what it is made of.

    Macros and variables are among the views, as statements without a name.
    """
    definitions = catalog.definitions
    for macro in definitions.macros_of(sql):
        for query in macro.queries():
            _collect_named(query, catalog, kernel, tables, views)
    for statement in definitions.statements(sql):
        views.setdefault(f"{statement}\n", ("", statement))
    _collect_named(sql, catalog, kernel, tables, views)
    hidden = hidden_name((*tables, *views))
    if hidden is not None and catalog.lookup(hidden) is not catalog.lookup(f"{MAIN}{SEPARATOR}{hidden}"):
        raise NotSupportedError(f"{hidden} of two schemas in one statement: qualify both names")


def _collect_named(
    sql: str,
    catalog: Catalog,
    kernel: Kernel,
    tables: dict[str, tuple[str, TableSource]],
    views: dict[str, tuple[str, str]],
) -> None:
    registered = {name.lower() for name in catalog.names()}
    named = kernel.table_names(sql)
    for name in (*named, *catalog.names()) if NAMES_BY_VALUES.search(sql) else named:
        key = name.lower()
        if key in tables or key in views or (key not in registered and _VIRTUAL_COLUMNS.search(sql)):
            continue
        found = catalog.lookup(name)
        if isinstance(found, ViewDefinition):
            collect_sources(found.sql, catalog, kernel, tables, views)
            views[key] = (name, _view_query(found))
        elif found is not None:
            tables[key] = (name, found)
        else:
            source = _file(name, catalog)
            if source is not None:
                tables[key] = (name, source)


def _view_query(view: ViewDefinition) -> str:
    if not view.columns:
        return view.sql
    names = ", ".join('"' + name.replace('"', '""') + '"' for name in view.columns)
    return f"SELECT * FROM ({view.sql}\n) AS view_rows({names})"


def _file(name: str, catalog: Catalog) -> TableSource | None:
    bare = name.lower().removesuffix(".gz").removesuffix(".zst")
    for suffix, format in _FORMATS.items():
        if bare.endswith(suffix):
            return catalog.files(format, (name,), ())
    return None
