"""Which columns of the two sides of a set operation belong together: by their places, or by their names."""

from dataclasses import dataclass

from shoal.planner.bind_expression import BoundQuery
from shoal.planner.ids import ColumnId
from shoal.planner.not_distributable import NotDistributable


@dataclass(frozen=True, slots=True)
class PairedColumn:
    """A column of a set operation: its name, and the columns of both sides; None where a side has none."""

    name: str
    columns: tuple[ColumnId | None, ColumnId | None]


def paired_by_place(left: BoundQuery, right: BoundQuery) -> list[PairedColumn]:
    """The first column with the first, and so on; names are those of the left side."""
    if len(left.outputs) != len(right.outputs):
        raise NotDistributable("a set operation over different numbers of columns")
    pairs = zip(left.outputs, right.outputs, strict=True)
    return [PairedColumn(name, (one, other)) for (name, one), (_, other) in pairs]


def paired_by_name(left: BoundQuery, right: BoundQuery) -> list[PairedColumn]:
    """Columns of the same name; then those that only the right side has."""
    ours = {name.lower(): id for name, id in left.outputs}
    theirs = {name.lower(): id for name, id in right.outputs}
    if len(ours) < len(left.outputs) or len(theirs) < len(right.outputs):
        raise NotDistributable("a set operation by name over names that occur twice")
    pairs = [PairedColumn(name, (id, theirs.get(name.lower()))) for name, id in left.outputs]
    return pairs + [PairedColumn(name, (None, id)) for name, id in right.outputs if name.lower() not in ours]
