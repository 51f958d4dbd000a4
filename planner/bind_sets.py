"""Set operations: their sides, and which columns of these belong together: by their places, or by their names.

The kernel takes unions of unions of one kind for one union of all their sides, and finds the types of all sides at
once: ``SELECT 1 UNION ALL SELECT 2.5 UNION ALL SELECT 'x'`` gives 1, not 1.0.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from shoal.planner.bind_expression import BoundQuery
from shoal.planner.ids import ColumnId
from shoal.planner.not_distributable import NotDistributable

_KIND = ("distinct", "by_name")
_OWN_CLAUSES = ("with_", "order", "limit", "offset")


@dataclass(frozen=True, slots=True)
class PairedColumn:
    """A column of a set operation: its name, and the columns of all sides; None where a side has none."""

    name: str
    columns: tuple[ColumnId | None, ...]


def union_sides(query: exp.SetOperation) -> list[exp.Expression]:
    """The sides of a union, and in place of a side that is a union of the same kind and nothing more, its sides."""
    sides: list[exp.Expression] = []
    for side in (query.this, query.expression):
        bare = side
        while isinstance(bare, exp.Subquery) and not any(value for key, value in bare.args.items() if key != "this"):
            bare = bare.this
        alike = isinstance(bare, exp.Union) and all(
            bool(bare.args.get(key)) == bool(query.args.get(key)) for key in _KIND
        )
        own = any(bare.args.get(key) for key in _OWN_CLAUSES)
        sides += union_sides(bare) if alike and not own else [side]
    return sides


def paired_by_place(sides: Sequence[BoundQuery]) -> list[PairedColumn]:
    """The first column with the first, and so on; names are those of the first side."""
    if len({len(side.outputs) for side in sides}) > 1:
        raise NotDistributable("a set operation over different numbers of columns")
    names = [name for name, _ in sides[0].outputs]
    ids = zip(*([id for _, id in side.outputs] for side in sides), strict=True)
    return [PairedColumn(name, columns) for name, columns in zip(names, ids, strict=True)]


def paired_by_name(sides: Sequence[BoundQuery]) -> list[PairedColumn]:
    """Columns of the same name; those of the first side first, then those that later sides add."""
    found: list[dict[str, ColumnId]] = []
    names: dict[str, str] = {}
    for side in sides:
        found.append({name.lower(): id for name, id in side.outputs})
        if len(found[-1]) < len(side.outputs):
            raise NotDistributable("a set operation by name over names that occur twice")
        for name, _ in side.outputs:
            names.setdefault(name.lower(), name)
    return [PairedColumn(name, tuple(ids.get(key) for ids in found)) for key, name in names.items()]
