"""Issues the unique ids under which columns are known inside one planned statement."""

import re

from shoal.planner.ids import ColumnId
from shoal.planner.source import VIRTUAL_COLUMNS

LONGEST_ID = 40
"""Characters of an id: long enough to be read, short enough for plans of many columns."""

RESERVED_NAMES = VIRTUAL_COLUMNS | {"rowid"}
"""Names that the kernel gives to virtual columns of scans; a column of that name gets a suffix."""

_UNFIT = re.compile(r"[^a-z0-9_]+")


class ColumnIds:
    """Fresh ids for one statement: readable, deterministic, and never equal, whatever the case."""

    def __init__(self) -> None:
        self._used: set[str] = set(RESERVED_NAMES)
        self._next: dict[str, int] = {}

    def fresh(self, name: str) -> ColumnId:
        """A new id that resembles ``name``: ``l_orderkey``, then ``l_orderkey_2`` and so on."""
        stem = _UNFIT.sub("_", name.lower()).strip("_")[:LONGEST_ID] or "column"
        if stem[0].isdigit():
            stem = f"c_{stem}"[:LONGEST_ID]
        candidate, number = stem, self._next.get(stem, 2)
        while candidate in self._used:
            suffix = f"_{number}"
            candidate, number = stem[: LONGEST_ID - len(suffix)] + suffix, number + 1
        self._next[stem] = number
        self._used.add(candidate)
        return ColumnId(candidate)
