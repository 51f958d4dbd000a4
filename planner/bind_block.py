"""Blocks that only the kernel can run: one fragment each, while the statement around them is distributed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sqlglot import exp

from shoal.planner.bind_expression import BoundQuery
from shoal.planner.column_ids import ColumnIds
from shoal.planner.common_tables import CommonTable, CommonTables, with_named
from shoal.planner.errors import ProgrammingError
from shoal.planner.logical import Assignment, BlockInput, Column, KernelBlock, Project, Query, schema
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.protocols import Catalog, Kernel
from shoal.planner.scalar import DIALECT, column_ref
from shoal.planner.source import TableSource
from shoal.planner.types import null_of
from shoal.planner.typing import assign_types
from shoal.planner.whole_statement import collect_sources


@dataclass(slots=True)
class BlockMaker:
    """Makes blocks; ``rows`` binds a common table that a block names, and raises what binding raises."""

    catalog: Catalog
    kernel: Kernel
    ids: ColumnIds
    rows: Callable[[CommonTable], BoundQuery]
    _inputs: dict[int, BlockInput] = field(default_factory=dict)

    def block(self, query: exp.Expression, reason: str, visible: CommonTables) -> KernelBlock:
        """A query as a block of its own, with the tables, views and common tables that it names.

        Common tables that can be distributed are its inputs; the others stand in front of its text. Raises
        ``NotDistributable`` for the same ``reason`` if the query refers to columns around it, or to something that only
        the planning kernel knows; and for its own if the block cannot stand by itself.
        """
        standing = with_named(query, visible, self._is_input)
        inputs = tuple(self._inputs[id(common)] for common in standing.inputs.values())
        typed = _with_empty(standing.query, inputs)
        text = typed.sql(dialect=DIALECT, comments=False)
        try:
            fields = self.kernel.describe(text)
        except ProgrammingError:
            raise NotDistributable(reason) from None
        tables: dict[str, tuple[str, TableSource]] = {}
        views: dict[str, tuple[str, str]] = {}
        collect_sources(text, self.catalog, self.kernel, tables, views)
        known = {*tables, *views, *(item.args["alias"].name.lower() for item in typed.find_all(exp.CTE))}
        for table in typed.find_all(exp.Table):
            if isinstance(table.this, exp.Identifier) and (table.args.get("db") or table.name.lower() not in known):
                raise NotDistributable(reason)
        columns = tuple(Column(self.ids.fresh(one.name), one.type) for one in fields)
        names = tuple(one.name for one in fields)
        sql = standing.query.sql(dialect=DIALECT, comments=False)
        return KernelBlock(sql, columns, names, tuple(tables.values()), tuple(views.values()), reason, inputs)

    def _is_input(self, common: CommonTable) -> bool:
        try:
            bound = self.rows(common)
        except NotDistributable:
            return False
        labels = [name for name, _ in bound.outputs]
        labels[: len(common.columns)] = common.columns
        if len({label.lower() for label in labels}) < len(labels):
            return False
        items = (Assignment(Column(self.ids.fresh(name)), column_ref(id)) for name, id in bound.outputs)
        node = Project(bound.node, tuple(items))
        typed = assign_types(Query(node, tuple(item.column.id for item in node.assignments), (), ()), self.kernel)
        self._inputs[id(common)] = BlockInput(typed.root, common.name, tuple(labels))
        return True


def _with_empty(query: exp.Expression, inputs: Iterable[BlockInput]) -> exp.Expression:
    """The query with its inputs defined as rows of NULLs of their types, for the kernel's binder."""
    copy = query.copy()
    definitions = []
    for item in inputs:
        cells = [null_of(column.type) for column in schema(item.node)]
        columns = [exp.to_identifier(label, quoted=True) for label in item.labels]
        alias = exp.TableAlias(this=exp.to_identifier(item.name, quoted=True), columns=columns)
        definitions.append(exp.CTE(this=exp.select(*cells), alias=alias))
    own = copy.args.get("with_")
    inner = list(own.expressions) if own is not None else []
    if definitions:
        recursive = own is not None and bool(own.args.get("recursive"))
        copy.set("with_", exp.With(expressions=[*definitions, *inner], recursive=recursive))
    return copy
