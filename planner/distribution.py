"""How the rows of a node are spread over tasks, and when one distribution serves as another."""

from dataclasses import dataclass, replace

from sqlglot import exp

from shoal.planner.ids import ColumnId
from shoal.planner.null_rejection import rejects_nulls


@dataclass(frozen=True, slots=True)
class Single:
    """All rows in the one task there is; computing them twice might give other rows."""

    def __str__(self) -> str:
        return "single"


@dataclass(frozen=True, slots=True)
class Whole:
    """Every task has all rows, however many tasks there are; with one task it is ``Single``."""

    def __str__(self) -> str:
        return "whole"


@dataclass(frozen=True, slots=True)
class Arbitrary:
    """Each row is in exactly one task, any one."""

    def __str__(self) -> str:
        return "arbitrary"


@dataclass(frozen=True, slots=True)
class HashSlot:
    """One key of a hash distribution: columns that are equal in every row, and the type in which they are hashed.

    With ``bounds``, SQL literals in rising order, the task is not told by a hash but by how many bounds the key has
    reached: rows of clustered files are parted like that already. ``nulls_apart``: rows without a key may then be in
    several tasks; otherwise they are all in the first one.
    """

    columns: frozenset[ColumnId]
    type: str
    bounds: tuple[str, ...] = ()
    nulls_apart: bool = False


@dataclass(frozen=True, slots=True)
class Hash:
    """Each row is in the task that the hash of its keys names."""

    slots: tuple[HashSlot, ...]

    def __str__(self) -> str:
        word = "range" if any(slot.bounds for slot in self.slots) else "hash"
        return f"{word}({', '.join(min(slot.columns) for slot in self.slots)})"


Distribution = Single | Whole | Arbitrary | Hash


def groups_together(distribution: Distribution, keys: frozenset[ColumnId]) -> bool:
    """Whether rows that agree in all of ``keys`` (two NULLs agree) are in one task."""
    if isinstance(distribution, Hash):
        return all(not slot.columns.isdisjoint(keys) and not slot.nulls_apart for slot in distribution.slots)
    return isinstance(distribution, (Single, Whole))


def is_spread(distribution: Distribution) -> bool:
    """Whether the rows are spread over several tasks."""
    return isinstance(distribution, (Arbitrary, Hash))


def restricted(distribution: Distribution, kept: frozenset[ColumnId]) -> Distribution:
    """The distribution as it can still be told by the ``kept`` columns."""
    if not isinstance(distribution, Hash):
        return distribution
    slots = tuple(replace(slot, columns=slot.columns & kept) for slot in distribution.slots)
    return Hash(slots) if all(slot.columns for slot in slots) else Arbitrary()


def without_nulls(distribution: Distribution, columns: frozenset[ColumnId]) -> Distribution:
    """The distribution, knowing that these columns hold no NULL."""
    if not isinstance(distribution, Hash) or not any(slot.nulls_apart for slot in distribution.slots):
        return distribution
    slots = (
        replace(slot, nulls_apart=slot.nulls_apart and columns.isdisjoint(slot.columns)) for slot in distribution.slots
    )
    return Hash(tuple(slots))


def filtered(distribution: Distribution, predicate: exp.Expression) -> Distribution:
    """The distribution of the rows for which a predicate is true."""
    if not isinstance(distribution, Hash):
        return distribution
    apart = [slot.columns for slot in distribution.slots if slot.nulls_apart]
    return without_nulls(distribution, frozenset().union(*(some for some in apart if rejects_nulls(predicate, some))))


def with_equalities(distribution: Distribution, pairs: list[tuple[ColumnId, ColumnId]]) -> Distribution:
    """The distribution, knowing that the two columns of each pair are equal in every row."""
    if not isinstance(distribution, Hash):
        return distribution
    slots = list(distribution.slots)
    for one, other in pairs:
        for place, slot in enumerate(slots):
            if (one in slot.columns) != (other in slot.columns):
                slots[place] = replace(slot, columns=slot.columns | {one, other})
    return Hash(tuple(slots))
