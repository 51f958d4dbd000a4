"""What the counts of a sample say of a whole table. Pure arithmetic."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from shoal.planner.protocols import ColumnSample

SATURATED = 3.0
"""How often on average a value must have been seen in different blocks for the sample to have shown nearly all."""

LEAST_RUN = 1.2
"""Rows of a value in its block from which values are taken to come in runs."""

LEAST_BLOCK_VALUES = 50.0
"""Values that a block must show for the length of runs to be told from them."""

APART = 0.98
"""The share of values that are in one block only, from which blocks are taken to have nothing in common."""

ENOUGH_REPEATED = 100
"""Values met again in another block, from which their number tells that of all values to a tenth."""

UNEVEN = 10.0
"""A value so many times as frequent as the average one shows that values are not equally frequent."""

BAND_DIFFERENCE = 0.5
"""A term is banded if its share in one block is so much larger than in another."""

OVERLAP_SHARE = 0.5
"""Columns whose blocks' ranges overlap the next one's less often than this are clustered."""


def column_sample(
    rows: int, present: int, distinct: int, most: int, in_blocks: int, total: float
) -> ColumnSample | None:
    """Statistics of a key column: of ``rows`` rows ``present`` are not NULL and show ``distinct`` values, one of them
    ``most`` times; the blocks' own distinct counts add up to ``in_blocks``; the table has ``total`` rows.
    """
    if rows <= 0:
        return None
    nulls = 1.0 - present / rows
    if present == 0:
        return ColumnSample(1.0, 0.0, 1.0, sure=True)
    largest = total * (1.0 - nulls)
    # A value that was seen once tells nothing of its share.
    common = most / rows if most > 1 else 1.0 / max(1.0, largest)
    blocks_values = in_blocks / 8
    if in_blocks >= SATURATED * distinct:
        return ColumnSample(float(distinct), common, nulls, sure=True)
    if distinct >= APART * in_blocks:
        runs = present >= LEAST_RUN * in_blocks and blocks_values >= LEAST_BLOCK_VALUES
        return ColumnSample(max(1.0, largest * distinct / present), common, nulls, sure=runs)
    found = max(1.0, min(largest, domain_of(float(distinct), float(in_blocks), largest)))
    met_again = in_blocks - distinct >= ENOUGH_REPEATED
    even = most * found <= UNEVEN * present + UNEVEN * found
    return ColumnSample(found, common, nulls, sure=met_again and even)


def domain_of(shown: float, draws: float, most: float) -> float:
    """The number d of equally frequent values of which so many draws show ``shown``: d (1 - exp(-draws / d))."""
    low, high = shown, max(shown, most)
    for _ in range(50):
        middle = (low + high) / 2
        seen = middle * -math.expm1(-draws / middle)
        low, high = (middle, high) if seen < shown else (low, middle)
    return high


def find_banded(blocks: Sequence[Sequence[Any]], terms: Sequence[str], columns: Sequence[str]) -> frozenset[int]:
    """The terms that hold in stretches. Each block is (rows, rows of each term, rows of all terms, bounds of columns).

    A term is banded if its share differs much between blocks, or if it names a column by which the rows are clustered.
    """
    if len(blocks) < 2:
        return frozenset()
    first_bound = len(terms) + 2
    clustered = [
        name
        for number, name in enumerate(columns)
        if is_clustered([(block[first_bound + 2 * number], block[first_bound + 2 * number + 1]) for block in blocks])
    ]
    found = set()
    for index, term in enumerate(terms):
        shares = [block[index + 1] / max(1, block[0]) for block in blocks]
        named = any(f'"{name}"' in term for name in clustered)
        if named or max(shares) - min(shares) > BAND_DIFFERENCE:
            found.add(index)
    return frozenset(found)


def is_clustered(bounds: Sequence[tuple[Any, Any]]) -> bool:
    """Whether the blocks have values of their own: the ranges of few of them overlap the next one's."""
    known = sorted((pair for pair in bounds if pair[0] is not None), key=lambda pair: (pair[0], pair[1]))
    if len(known) < 2:
        return False
    overlapping = sum(1 for one, other in pairwise(known) if one[1] >= other[0])
    return overlapping < OVERLAP_SHARE * (len(known) - 1)
