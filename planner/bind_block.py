"""Blocks that only the kernel can run: one fragment each, while the statement around them is distributed."""

from sqlglot import exp

from shoal.planner.column_ids import ColumnIds
from shoal.planner.common_tables import CommonTables, with_named
from shoal.planner.errors import ProgrammingError
from shoal.planner.logical import Column, KernelBlock
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.protocols import Catalog, Kernel
from shoal.planner.scalar import DIALECT
from shoal.planner.source import TableSource
from shoal.planner.whole_statement import collect_sources


def kernel_block(
    query: exp.Expression, reason: str, visible: CommonTables, catalog: Catalog, kernel: Kernel, ids: ColumnIds
) -> KernelBlock:
    """A query as a block of its own, with the common tables, views and tables that it names.

    Raises ``NotDistributable`` for the same ``reason`` if the query refers to columns around it, or to something that
    only the planning kernel knows; and for its own if the block cannot stand by itself.
    """
    whole = with_named(query, visible)
    sql = whole.sql(dialect=DIALECT, comments=False)
    try:
        fields = kernel.describe(sql)
    except ProgrammingError:
        raise NotDistributable(reason) from None
    tables: dict[str, tuple[str, TableSource]] = {}
    views: dict[str, tuple[str, str]] = {}
    collect_sources(sql, catalog, kernel, tables, views)
    known = {*tables, *views, *(item.args["alias"].name.lower() for item in whole.find_all(exp.CTE))}
    for table in whole.find_all(exp.Table):
        if isinstance(table.this, exp.Identifier) and (table.args.get("db") or table.name.lower() not in known):
            raise NotDistributable(reason)
    columns = tuple(Column(ids.fresh(field.name), field.type) for field in fields)
    names = tuple(field.name for field in fields)
    return KernelBlock(sql, columns, names, tuple(tables.values()), tuple(views.values()), reason)
