"""Binds the items of a select list: stars, COLUMNS, structs taken apart, and expressions with their names."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from shoal.planner.bind_expression import ExpressionBinder
from shoal.planner.bind_output import SelectItem
from shoal.planner.bind_stars import columns_of_star, expanded, is_star, needs_kernel
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.protocols import Kernel
from shoal.planner.scalar import column_ref
from shoal.planner.types import struct_fields


@dataclass(slots=True)
class ItemBinder:
    """Binds one select list."""

    expressions: ExpressionBinder
    kernel: Kernel
    items: list[SelectItem] = field(default_factory=list)
    aliases: dict[str, exp.Expression] = field(default_factory=dict)

    def bind(self, items: Sequence[exp.Expression]) -> tuple[list[SelectItem], dict[str, exp.Expression]]:
        """The bound items, and those that have a name of their own by that name in lower case."""
        for item in items:
            if needs_kernel(item) or isinstance(unaliased(item), exp.Columns):
                self._named_columns(item)
                continue
            copies = expanded(unaliased(item), self.expressions.scope, self.kernel)
            if len(copies) != 1 or copies[0] is not unaliased(item):
                self.items += [SelectItem(_default_name(item), self.expressions.bind(one)) for one in copies]
                continue
            if is_star(item):
                self._star(item)
                continue
            fields = self._unpacked(item)
            if fields:
                self.items += fields
                continue
            named = item if isinstance(item, exp.Alias) else None
            bound = self.expressions.bind(named.this if named is not None else item, self.aliases)
            name = named.alias if named is not None else _default_name(item)
            self.items.append(SelectItem(name, bound))
            if named is not None:
                self.aliases.setdefault(name.lower(), bound)
        return self.items, self.aliases

    def _named_columns(self, item: exp.Expression) -> None:
        """A star whose columns and names only the kernel can tell."""
        star = item.this if isinstance(item, exp.Column) else item
        if star.args.get("replace"):
            raise NotDistributable("a star that replaces and renames")
        for one in columns_of_star(item, self.expressions.scope, self.kernel):
            self.items.append(SelectItem(one.name, column_ref(one.column.id)))

    def _star(self, item: exp.Expression) -> None:
        star = item.this if isinstance(item, exp.Column) else item
        table = item.table or None if isinstance(item, exp.Column) else None
        if table is not None and not self.expressions.scope.has_relation(table):
            self.items += self._fields(table, None)
            return
        excluded = {column.name.lower() for column in star.args.get("except_") or []}
        replaced = {alias.alias.lower(): alias.this for alias in star.args.get("replace") or []}
        for column in self.expressions.scope.star(table):
            name = column.name.lower()
            if name in replaced:
                self.items.append(SelectItem(column.name, self.expressions.bind(replaced[name])))
            elif name not in excluded:
                self.items.append(SelectItem(column.name, column_ref(column.id)))

    def _unpacked(self, item: exp.Expression) -> list[SelectItem]:
        """The fields of ``unnest(struct)``; nothing for any other item."""
        if not isinstance(item, exp.Explode) or item.expressions or not isinstance(item.this, exp.Column):
            return []
        return self._fields(item.this.name, item.this.table or None) if len(item.this.parts) <= 2 else []

    def _fields(self, name: str, table: str | None) -> list[SelectItem]:
        """The fields of a column that is a struct."""
        column = self.expressions.scope.resolve(table, name)
        fields = struct_fields(column.type) if column is not None else ()
        if column is None:
            raise NotDistributable(f"the name {name} is resolved by the kernel only")
        values = (
            exp.Dot(this=exp.Paren(this=column_ref(column.id)), expression=exp.Identifier(this=one, quoted=True))
            for one in fields
        )
        return [SelectItem(one, value) for one, value in zip(fields, values, strict=True)]


def unaliased(item: exp.Expression) -> exp.Expression:
    """An item of a select list without its name."""
    bare: exp.Expression = item.this if isinstance(item, exp.Alias) else item
    return bare


def _default_name(item: exp.Expression) -> str:
    if isinstance(item, (exp.Column, exp.Dot)):
        return item.name or item.output_name
    return item.sql("duckdb").lower()
