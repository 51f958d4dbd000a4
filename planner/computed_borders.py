"""Where the values of a computed sort key lie: from a sample of what it is computed from, or from its moments."""

from dataclasses import dataclass
from statistics import NormalDist

from sqlglot import exp

from shoal.planner import logical, tree
from shoal.planner.column_origin import origin_of
from shoal.planner.cost.cardinality import Estimator
from shoal.planner.cost.moments import column_moments, moments
from shoal.planner.cost.sampled import is_plain
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Node
from shoal.planner.protocols import ColumnStatistics
from shoal.planner.scalar import column_ref, columns_of, sql_of, substitute
from shoal.planner.source import TableSource


@dataclass(frozen=True, slots=True)
class KeyValues:
    """What is known of a key's values: ``quantiles`` of a sample, or the ``places`` that would part them if they were
    normally distributed; neither where nothing is known."""

    quantiles: tuple[object, ...] = ()
    places: tuple[float, ...] = ()


def find_key_values(node: Node, key: ColumnId, estimator: Estimator, parts: int) -> KeyValues:
    """Where the values of a computed column lie, so that they can be cut into ``parts``.

    ORDER BY price * (1 - discount)   a sample of the table, for which it is computed
    ORDER BY sum(price)               mean and deviation of the groups' sums
    """
    defined = _definition_of(node, key)
    if defined is None:
        return KeyValues()
    at, expression = defined
    source = _over_source(at, expression)
    if source is not None:
        table, sampled = source
        names = frozenset(str(name) for name in columns_of(sampled))
        found = estimator.statistics.quantiles(table, sql_of(sampled), names)
        if len(found) > 2:
            return KeyValues(quantiles=found)
    known = estimator.estimate(at).columns.get(key, ColumnStatistics())
    below = estimator.estimate(at.input).columns
    spread = column_moments(known) or (moments(expression, below) if isinstance(at, logical.Project) else None)
    if spread is None or spread[1] <= 0:
        return KeyValues()
    curve = NormalDist(*spread)
    return KeyValues(places=tuple(curve.inv_cdf(part / parts) for part in range(1, parts)))


def _definition_of(node: Node, key: ColumnId) -> tuple[logical.Project | logical.Aggregate, exp.Expression] | None:
    """The node that computes a column, under whatever name, and the expression."""
    for item in tree.walk(node):
        if not isinstance(item, (logical.Project, logical.Aggregate)):
            continue
        for one in item.assignments:
            if one.column.id == key:
                if isinstance(one.expression, exp.Column):
                    key = ColumnId(one.expression.name)
                else:
                    return item, one.expression
                break
    return None


def _over_source(
    at: logical.Project | logical.Aggregate, expression: exp.Expression
) -> tuple[TableSource, exp.Expression] | None:
    """An expression over the columns of the one table that it is computed from; None if there are several."""
    if isinstance(at, logical.Aggregate) or not is_plain(expression):
        return None
    names: dict[ColumnId, exp.Expression] = {}
    scans: dict[int, logical.Scan] = {}
    for column in columns_of(expression):
        origin = origin_of(at.input, column)
        if origin is None:
            return None
        scans[id(origin[0])] = origin[0]
        names[column] = column_ref(ColumnId(origin[1]))
    if len(scans) != 1:
        return None
    return next(iter(scans.values())).source, substitute(expression, names)
