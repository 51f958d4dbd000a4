"""Which row groups of a table can hold rows that a filter lets through: the work of a scan is where those are.

Only the balance of tasks depends on it, never an answer: the kernel itself skips what it need not read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import and_

from sqlglot import exp

from shoal.planner.cost.constants import position
from shoal.planner.cost.selectivity import collect_ranges, compared_with_constant
from shoal.planner.ids import ColumnId
from shoal.planner.key_cuts import SameRanges
from shoal.planner.logical import Scan
from shoal.planner.protocols import Key, Statistics
from shoal.planner.scalar import conjuncts, unwrap

KEPT_ANSWERS = 256
"""Ranges of columns of tables of which it is remembered which row groups they are in."""

_TICKS_A_DAY = {"TIMESTAMP": 86_400e6, "TIMESTAMP WITH TIME ZONE": 86_400e6, "TIMESTAMP_NS": 86_400e9}


@dataclass(frozen=True, slots=True)
class _Limits:
    """Places between which a column's values must lie; None is open."""

    column: ColumnId
    low: float | None
    high: float | None


def live_row_groups(scan: Scan, predicate: exp.Expression | None, statistics: Statistics) -> tuple[bool, ...] | None:
    """For each row group of a table, in order, whether it can hold rows that fulfil a predicate.

    None if the predicate does not tell, or all row groups or none of them can.
    """
    columns = {column.id: (name, column.type) for column, name in zip(scan.columns, scan.names, strict=True)}
    live: tuple[bool, ...] | None = None
    for limits in _limits(predicate):
        if limits.column not in columns:
            continue
        name, type = columns[limits.column]
        ranges = statistics.key_ranges(scan.source, name)
        if not ranges:
            continue
        can = _can_hold(SameRanges(ranges), type, limits.low, limits.high)
        live = can if live is None else tuple(map(and_, live, can))
    return None if live is None or all(live) or not any(live) else live


@lru_cache(maxsize=KEPT_ANSWERS)
def _can_hold(same: SameRanges, type: str, lowest: float | None, highest: float | None) -> tuple[bool, ...]:
    """For each row group whether values of a column between two limits can be in it; large tables have thousands."""
    live: list[bool] = []
    for item in same.ranges:
        low, high = _place(item.minimum, type), _place(item.maximum, type)
        below = high is not None and lowest is not None and high < lowest
        above = low is not None and highest is not None and low > highest
        live.append(not (below or above or item.nulls == item.rows))
    return tuple(live)


def _limits(predicate: exp.Expression | None) -> list[_Limits]:
    ranges, others = collect_ranges(conjuncts(predicate))
    found = [
        _Limits(ColumnId(item.operand.name), item.low, item.high)
        for item in ranges.values()
        if isinstance(item.operand, exp.Column)
    ]
    for term in others:
        bare = unwrap(term)
        if isinstance(bare, exp.EQ):
            operand, value, _ = compared_with_constant(bare)
            place = position(value)
            if isinstance(operand, exp.Column) and place is not None:
                found.append(_Limits(ColumnId(operand.name), place, place))
    return found


def _place(key: Key | None, type: str) -> float | None:
    """The place of a key on the number line on which constants of its type are placed."""
    ticks = _TICKS_A_DAY.get(type)
    return key / ticks if ticks is not None and isinstance(key, int) else position(key)


def work_of(rows: Sequence[int], live: Sequence[bool] | None) -> list[int]:
    """The rows of each row group that cost anything."""
    if live is None or len(live) != len(rows):
        return list(rows)
    return [count if is_live else 0 for count, is_live in zip(rows, live, strict=True)]
