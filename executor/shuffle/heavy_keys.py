"""Heavy keys: which one value of the key holds most rows of a partition, noticed while the rows are parted."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

LEAST_ROWS = 5_000
"""Rows of all partitions before shares mean anything."""

SKEWED = 1.5
"""A partition is looked into when it has so many times its share of the rows."""

HEAVY = 0.4
"""A key is heavy when it holds so much of what is looked at."""

LOOKED_AT = 1024
"""Rows of a batch that are looked at, evenly spread."""

Value = tuple[pa.Scalar, ...]


class HeavyKeys:
    """Takes the rows of partitions as they come, and sets aside those of a key that turns out to be heavy.

    Each task finds its own. A key that is set aside has at least one row, in the same task, that is not: whoever reads
    only the other rows still meets every key. ``columns`` are the places of the key's columns.
    """

    def __init__(self, columns: Sequence[int], partitions: int) -> None:
        self._columns = tuple(columns)
        self._rows = [0] * partitions
        self._heavy: dict[int, Value] = {}

    def divide(self, number: int, part: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.RecordBatch | None]:
        """The rows of a part of a partition that stay, and those that are set aside, if any."""
        if not self._columns:
            return part, None
        self._rows[number] += part.num_rows
        known = self._heavy.get(number)
        if known is not None:
            mask = self._holds(part, known)
            return part.filter(pc.invert(mask)), part.filter(mask)
        if not self._is_skewed(number):
            return part, None
        found = self._most_common(part)
        if found is None:
            return part, None
        self._heavy[number] = found
        mask = self._holds(part, found)
        first = pc.index(mask, True).as_py()
        stays = pa.array([place == first for place in range(part.num_rows)])
        mask = pc.and_not(mask, stays)
        return part.filter(pc.invert(mask)), part.filter(mask)

    def _is_skewed(self, number: int) -> bool:
        total = sum(self._rows)
        return total >= LEAST_ROWS and self._rows[number] * len(self._rows) > SKEWED * total

    def _most_common(self, part: pa.RecordBatch) -> Value | None:
        """The value that holds most of some rows, or None if there is none; columns are looked at one by one."""
        step = max(1, part.num_rows // LOOKED_AT)
        shown = part.select(list(self._columns)).take(pa.array(range(0, part.num_rows, step)))
        found = []
        for column in shown.columns:
            values, counts = pc.value_counts(column).flatten()
            found.append(values[pc.index(counts, pc.max(counts)).as_py()])
        held = pc.sum(self._holds(shown, tuple(found), range(shown.num_columns))).as_py()
        return tuple(found) if held >= HEAVY * shown.num_rows else None

    def _holds(self, rows: pa.RecordBatch, value: Value, places: Sequence[int] = ()) -> pa.Array:
        """For each row, whether its key is this value; NULL is a value like others."""
        mask: pa.Array | None = None
        for place, scalar in zip(places or self._columns, value, strict=True):
            column = rows.column(place)
            same = pc.fill_null(pc.equal(column, scalar), False) if scalar.is_valid else pc.is_null(column)
            mask = same if mask is None else pc.and_(mask, same)
        return mask
