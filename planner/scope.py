"""Scopes: which names a query block sees, and the unique columns they stand for."""

from dataclasses import dataclass, field

from shoal.planner.ids import ColumnId
from shoal.planner.not_distributable import NotDistributable


@dataclass(frozen=True, slots=True)
class ScopeColumn:
    """A column under the name by which the statement knows it."""

    name: str
    id: ColumnId
    type: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """One item of FROM: its alias and its columns in order. ``hidden`` names are not part of ``*`` (USING)."""

    alias: str
    columns: tuple[ScopeColumn, ...]
    hidden: frozenset[str] = frozenset()


@dataclass(slots=True)
class Scope:
    """The relations of one FROM, the merged columns of USING, and the scope around it."""

    relations: list[Relation] = field(default_factory=list)
    merged: dict[str, ScopeColumn] = field(default_factory=dict)
    parent: "Scope | None" = None

    def resolve(self, table: str | None, name: str) -> ScopeColumn | None:
        """The column of that name here or in a scope around; None if there is none or it is ambiguous."""
        found = self.resolve_here(table, name)
        if found is not None:
            return found
        return self.parent.resolve(table, name) if self.parent is not None else None

    def resolve_here(self, table: str | None, name: str) -> ScopeColumn | None:
        """The column of that name in this scope alone."""
        wanted = name.lower()
        if table is None and wanted in self.merged:
            return self.merged[wanted]
        matches = [
            column
            for relation in self.relations
            if table is None or relation.alias.lower() == table.lower()
            for column in relation.columns
            if column.name.lower() == wanted
        ]
        if len(matches) > 1:
            raise NotDistributable(f"the name {name} is ambiguous to the planner")
        return matches[0] if matches else None

    def type_of(self, id: ColumnId) -> str:
        """The type of a column of this scope or of one around; nothing if it is not known."""
        for relation in self.relations:
            for column in relation.columns:
                if column.id == id:
                    return column.type
        return self.parent.type_of(id) if self.parent is not None else ""

    def row(self, alias: str) -> tuple[ScopeColumn, ...]:
        """The columns of the one relation of that alias, here or around; none if there is none."""
        found = [relation for relation in self.relations if relation.alias.lower() == alias.lower()]
        if len(found) == 1:
            return found[0].columns
        return self.parent.row(alias) if self.parent is not None and not found else ()

    def has_relation(self, alias: str) -> bool:
        """Whether a relation of that alias is here or around."""
        if any(relation.alias.lower() == alias.lower() for relation in self.relations):
            return True
        return self.parent is not None and self.parent.has_relation(alias)

    def star(self, table: str | None) -> list[ScopeColumn]:
        """What ``*`` or ``table.*`` stands for."""
        found: list[ScopeColumn] = []
        for relation in self.relations:
            if table is not None and relation.alias.lower() != table.lower():
                continue
            for column in relation.columns:
                if table is None and column.name.lower() in relation.hidden:
                    continue
                merged = self.merged.get(column.name.lower()) if table is None else None
                found.append(merged or column)
        return found
