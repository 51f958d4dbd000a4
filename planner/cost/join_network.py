"""What the joins of a region cost in the network, when several tasks share the work.

Columns that conditions equate form a *class*. Rows lie parted by a class if those that agree in it are in one task: in
clustered files from the start, behind an exchange by its hash otherwise. A join moves what is not parted by a class of
its own, or sends its build side to every task, whichever costs less; so the search for an order sees that a relation
need not move, or that wide rows would. Where rows move in the end is decided by ``shoal.planner.distribute``.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.cost.cardinality import Estimator, RelationEstimate
from shoal.planner.cost.join_members import Members
from shoal.planner.cost.model import RESCAN_ROW, broadcast_seconds, move_seconds
from shoal.planner.ids import ColumnId
from shoal.planner.key_cuts import parts_well
from shoal.planner.logical import Node
from shoal.planner.scalar import equality, unwrap

Classes = Mapping[ColumnId, int]
"""The class of each column that a condition equates with another one, as a bit."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The tasks that share the work: how many, with how many cores in all, and the seconds that a stage takes."""

    tasks: int = 1
    cores: int = 1
    stage_seconds: float = 0.0


ONE_TASK = Cluster()


@dataclass(frozen=True, slots=True)
class Network:
    """How the relations of a region lie in a cluster, by their indexes.

    ``keys`` are the classes of which a relation has a column, ``parted`` those of them by which its rows are parted,
    ``again`` the seconds that another task needs to read it as well, infinite where it is no table. ``wanted`` are the
    classes by one of which the result should be parted, or else it moves once more, or what is left of it after a
    first step: at most ``groups`` rows in each task.
    """

    cluster: Cluster
    keys: tuple[int, ...]
    parted: tuple[int, ...]
    again: tuple[float, ...]
    wanted: int = 0
    groups: float = math.inf

    def move(self, rows: float, size: float) -> float:
        """The seconds for taking rows to the tasks of their keys."""
        return move_seconds(rows, size) + self.cluster.stage_seconds * self.cluster.cores

    def regroup(self, rows: float, size: float) -> float:
        """The seconds for bringing the groups of a result together that is not parted as wanted."""
        left = min(1.0, self.groups * self.cluster.tasks / max(1.0, rows))
        return self.move(rows * left, size * left)

    def send(self, size: float, build: float, again: float) -> float:
        """The seconds for having rows in every task, sent or made there ``again``, and building on them once more."""
        others = self.cluster.tasks - 1
        sent = broadcast_seconds(size, self.cluster.tasks) + self.cluster.stage_seconds * self.cluster.cores
        return min(sent, again * others) + build * others


def find_network(
    members: Members,
    terms: Sequence[exp.Expression],
    estimates: Sequence[RelationEstimate],
    estimator: Estimator,
    cluster: Cluster,
    above: logical.Aggregate | None,
) -> Network | None:
    """How the relations of a region lie in a cluster; None where one task does all the work.

    ``above`` is the aggregate that the result goes into, projections apart.
    """
    if cluster.tasks <= 1:
        return None
    classes = _classes([*terms, *(term for item in members.operators for term in item.terms)])
    keys, parted, again = [], [], []
    for node, estimate in zip(members.relations, estimates, strict=True):
        mask = 0
        for id in logical.column_ids(node):
            mask |= classes.get(id, 0)
        keys.append(mask)
        parted.append(_parted(node, classes, estimator, cluster.tasks))
        again.append(estimate.domain * RESCAN_ROW if isinstance(_source_of(node)[0], logical.Scan) else math.inf)
    wanted = 0
    if above is not None:
        _, names = _source_of(above.input)
        origins = {new: old for old, new in names.items()}
        for column in above.keys:
            wanted |= classes.get(origins.get(column.id, column.id), 0)
    if above is None or not any(wanted & mask for mask in parted):
        return Network(cluster, tuple(keys), tuple(parted), tuple(again))
    return Network(cluster, tuple(keys), tuple(parted), tuple(again), wanted, estimator.rows(above))


def _classes(terms: Sequence[exp.Expression]) -> Classes:
    groups: dict[ColumnId, list[ColumnId]] = {}
    for term in terms:
        sides = equality(term)
        if sides is None and isinstance(unwrap(term), exp.NullSafeEQ):
            sides = unwrap(term).this, unwrap(term).expression
        if sides is None:
            continue
        one, other = unwrap(sides[0]), unwrap(sides[1])
        if not isinstance(one, exp.Column) or not isinstance(other, exp.Column):
            continue
        first = groups.setdefault(ColumnId(one.name), [ColumnId(one.name)])
        second = groups.setdefault(ColumnId(other.name), [ColumnId(other.name)])
        if first is not second:
            first += second
            for column in second:
                groups[column] = first
    distinct = {id(group): group for group in groups.values()}
    return {column: 1 << number for number, group in enumerate(distinct.values()) for column in group}


def _parted(node: Node, classes: Classes, estimator: Estimator, tasks: int) -> int:
    """The classes by which a relation is parted as it is: groups by their key, tables by what they are clustered on."""
    source, names = _source_of(node)
    if isinstance(source, logical.Aggregate) and len(source.keys) == 1:
        return _class_of(source.keys[0].id, names, classes)
    if not isinstance(source, logical.Scan) or "use_clustering" in estimator.disabled:
        return 0
    found = 0
    for column, name in zip(source.columns, source.names, strict=True):
        mask = _class_of(column.id, names, classes)
        if mask and parts_well(estimator.statistics.key_ranges(source.source, name), tasks, column.type):
            found |= mask
    return found


def _class_of(column: ColumnId, names: Mapping[ColumnId, ColumnId], classes: Classes) -> int:
    return classes.get(names.get(column, column), 0)


def _source_of(node: Node) -> tuple[Node, Mapping[ColumnId, ColumnId]]:
    """What a relation's rows are before filters and projections, and how these call its columns."""
    names: dict[ColumnId, ColumnId] = {}
    while isinstance(node, (logical.Filter, logical.Project)):
        if isinstance(node, logical.Project):
            passed = [item for item in node.assignments if isinstance(item.expression, exp.Column)]
            names = {ColumnId(item.expression.name): names.get(item.column.id, item.column.id) for item in passed}
        node = node.input
    return node, names
