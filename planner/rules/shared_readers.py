"""What the readers of a shared plan ask of it together: the columns that one of them needs, the rows that one wants."""

from collections.abc import Iterable, Sequence

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Node, SharedPlan, SharedScan
from shoal.planner.scalar import columns_of, conjuncts, disjunction, is_volatile, rename
from shoal.planner.tree import find

MOST_READERS = 8
"""Readers whose filters are put together; of more, one that wants everything is nearly sure to be among them."""


def needed_columns(key: str, readers: Iterable[Node]) -> tuple[ColumnId, ...]:
    """The columns of a shared plan that somebody reads, in a fixed order."""
    scans = (scan for reader in readers for scan in find(reader, SharedScan) if scan.key == key)
    return tuple(dict.fromkeys(origin for scan in scans for origin in scan.origins))


def filter_for_all(plan: SharedPlan, readers: Sequence[Node]) -> Node:
    """The plan without the rows that no reader wants.

        a: Filter(x = 1, SharedScan s)   b: Filter(x = 2, SharedScan s)   ->   s: Filter(x = 1 OR x = 2, s)

    The readers keep their filters. Does not fire when one reader takes all rows, nor for volatile filters.
    """
    wanted: list[exp.Expression] = []
    filtered = {id(node.input): node.predicate for reader in readers for node in find(reader, logical.Filter)}
    scans = [scan for reader in readers for scan in find(reader, SharedScan) if scan.key == plan.key]
    for scan in scans:
        predicate = filtered.get(id(scan))
        names = dict(zip((column.id for column in scan.columns), scan.origins, strict=True))
        terms = [term for term in conjuncts(predicate) if not is_volatile(term) and columns_of(term) <= names.keys()]
        if not terms or len(scans) > MOST_READERS:
            return plan.root
        wanted.append(rename(_all_of(terms), names))
    predicate = disjunction(list(dict.fromkeys(wanted)))
    return plan.root if predicate is None else logical.Filter(plan.root, predicate)


def _all_of(terms: Sequence[exp.Expression]) -> exp.Expression:
    found = terms[0].copy()
    for term in terms[1:]:
        found = exp.And(this=found, expression=exp.Paren(this=term.copy()))
    return exp.Paren(this=found)
