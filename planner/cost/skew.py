"""What one value of a key that holds much of a table does to the task that gets its rows."""

from collections.abc import Iterable

from shoal.planner.cost.cardinality import RelationEstimate
from shoal.planner.ids import ColumnId


def heavy_share(relation: RelationEstimate, keys: Iterable[ColumnId], tasks: int) -> float:
    """The share of the rows that agree in all ``keys``, if it is more than a task's share; otherwise 0.

    NULL is a value like others. Several keys can at most hold what each of them does; one of which nothing is known
    makes it 0.
    """
    shares = [_largest(relation, key) for key in keys]
    largest = min(shares, default=0.0)
    return largest if largest * tasks > 1.0 else 0.0


def _largest(relation: RelationEstimate, key: ColumnId) -> float:
    known = relation.columns.get(key)
    if known is None:
        return 0.0
    shares = [share for _, share in known.common_values]
    return max([known.common_share or 0.0, known.null_fraction or 0.0, *shares])
