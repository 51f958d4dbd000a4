"""Finds tables whose files are clustered on a key that the query joins or groups by, and cuts them at common borders.

Row-group bounds in Parquet footers tell where a key's values lie. Where they hardly overlap, a scan delivers its rows
parted by ranges of the key at no cost; tables joined on that key are cut at the same borders, so that nothing moves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from sqlglot import exp

from shoal.planner import logical, tree
from shoal.planner.distribution import HashSlot
from shoal.planner.ids import ColumnId
from shoal.planner.key_cuts import (
    MOST_OVERLAP,
    Cut,
    Nulls,
    SameRanges,
    cut_at_own_borders,
    cut_table,
    key_literal,
    make_key_splits,
)
from shoal.planner.live_row_groups import live_row_groups
from shoal.planner.logical import Node, Scan
from shoal.planner.protocols import KeyRange, Statistics
from shoal.planner.scalar import conjuncts
from shoal.planner.stage import Split

KEPT_CUTS = 256
"""Groups of key columns of tables whose common cuts are remembered."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One way to cut a scan: its distribution, its splits, and the share of rows that is read more than once."""

    slot: HashSlot
    splits: tuple[Split, ...]
    overlap: float


@dataclass(frozen=True, slots=True)
class _Key:
    """A key column of a table: its name and type, its bounds in every row group, and in which filters leave work."""

    name: str
    type: str
    ranges: SameRanges
    live: tuple[bool, ...] | None

    @property
    def worked(self) -> tuple[KeyRange, ...]:
        """The bounds of the row groups in which filters leave anything to do."""
        ranges = self.ranges.ranges
        if self.live is None or len(self.live) != len(ranges):
            return ranges
        return tuple(item for item, is_live in zip(ranges, self.live, strict=True) if is_live)


@dataclass(frozen=True, slots=True)
class _KeyCut:
    """One way to cut a table by a key: the borders, whether its NULLs are apart, and what a ``Cluster`` has."""

    literals: tuple[str, ...]
    nulls_apart: bool
    splits: tuple[Split, ...]
    overlap: float


@dataclass(slots=True)
class Clusters:
    """The ways to cut each scan of a query, by the scan's column ids."""

    found: dict[ColumnId, list[Cluster]] = field(default_factory=dict)

    def of(self, scan: Scan) -> list[Cluster]:
        """The cuts that this scan can deliver."""
        return [cluster for column in scan.columns for cluster in self.found.get(column.id, ())]


def find_clusters(root: Node, statistics: Statistics, tasks: int, *, balances: bool = True) -> Clusters:
    """The common cuts of all scans of a query into ``tasks`` parts, by every key that has an order and bounds.

    With ``balances`` the borders part the row groups that filters leave, otherwise all of them.
    """
    clusters = Clusters()
    scans = {column.id: (scan, name, column.type) for scan in tree.find(root, Scan) for column, name in _columns(scan)}
    filters = {id(node.input): node.predicate for node in tree.find(root, logical.Filter)} if balances else {}
    left: dict[int, tuple[bool, ...] | None] = {}
    for members in _equal_columns(root):
        keys: dict[ColumnId, _Key] = {}
        for id_of_key in sorted(members & scans.keys()):
            scan, name, type = scans[id_of_key]
            known = statistics.key_ranges(scan.source, name)
            if known:
                if id(scan) not in left:
                    left[id(scan)] = live_row_groups(scan, filters.get(id(scan)), statistics)
                keys[id_of_key] = _Key(name, type, SameRanges(known), left[id(scan)])
        clusters.found |= _common_cuts(keys, tasks)
    return clusters


def _common_cuts(keys: Mapping[ColumnId, _Key], tasks: int) -> dict[ColumnId, list[Cluster]]:
    """Cut all tables at the borders of the largest one that its own borders cut well and evenly."""
    largest_first = sorted(keys, key=lambda id: (-_worked_rows(keys[id]), id))
    cuts = _cut_alike(tuple(keys[id] for id in largest_first), tasks)
    found: dict[ColumnId, list[Cluster]] = {}
    for id, ways in zip(largest_first, cuts, strict=True):
        if ways is not None:
            type, column = keys[id].type, frozenset({id})
            slots = [HashSlot(column, type, way.literals, nulls_apart=way.nulls_apart) for way in ways]
            found[id] = [Cluster(slot, way.splits, way.overlap) for slot, way in zip(slots, ways, strict=True)]
    return found


@lru_cache(maxsize=KEPT_CUTS)
def _worked_rows(key: _Key) -> int:
    """The rows of a table that cost anything."""
    return sum(item.rows for item in key.worked)


@lru_cache(maxsize=KEPT_CUTS)
def _cut_alike(keys: tuple[_Key, ...], tasks: int) -> tuple[tuple[_KeyCut, ...] | None, ...]:
    """For each table the ways to cut it at the borders of the first one that its own borders cut; None for no way.

    To go through the row groups of large tables takes milliseconds, and statements over the same tables ask the same.
    """
    for anchor in keys:
        cut = cut_at_own_borders(anchor.worked, tasks, anchor.type)
        if cut is not None:
            return tuple(_cuts(key, cut, tasks) if key.type == anchor.type else None for key in keys)
    return (None,) * len(keys)


def _cuts(key: _Key, anchor: Cut, tasks: int) -> tuple[_KeyCut, ...]:
    """The ways to cut one table at given borders: with its NULLs in one part, and if that costs, with them anywhere."""
    found: list[_KeyCut] = []
    ranges, worked = key.ranges.ranges, key.worked
    together = cut_table(ranges, anchor.bounds, tasks, Nulls.TOGETHER)
    cuts = [together]
    if any(item.nulls != 0 for item in ranges):
        apart = cut_table(ranges, anchor.bounds, tasks, Nulls.APART)
        cuts += [apart] if apart.rows != together.rows else []
    literals = tuple(key_literal(bound, key.type) or "" for bound in anchor.bounds)
    for cut in cuts:
        overlap = cut_table(worked, cut.bounds, tasks, cut.nulls).overlap
        if overlap <= MOST_OVERLAP:
            splits = make_key_splits(ranges, cut, key.name, key.type)
            found.append(_KeyCut(literals, cut.nulls is Nulls.APART, splits, overlap))
    return tuple(found)


def _columns(scan: Scan) -> list[tuple[logical.Column, str]]:
    return list(zip(scan.columns, scan.names, strict=True))


def _equal_columns(root: Node) -> list[frozenset[ColumnId]]:
    """Classes of columns that a join equates or a projection renames, if rows are matched or grouped by one of them."""
    parents: dict[ColumnId, ColumnId] = {}
    wanted: set[ColumnId] = set()

    def leader(id: ColumnId) -> ColumnId:
        while parents.setdefault(id, id) != id:
            id = parents[id]
        return id

    for node in tree.walk(root):
        pairs = _equalities(node)
        for one, other in pairs:
            parents[leader(one)] = leader(other)
        if not isinstance(node, logical.Project):
            wanted.update(one for one, _ in pairs)
    classes: dict[ColumnId, set[ColumnId]] = {}
    for id in list(parents):
        classes.setdefault(leader(id), set()).add(id)
    return [frozenset(members) for _, members in sorted(classes.items()) if not wanted.isdisjoint(members)]


def _equalities(node: Node) -> list[tuple[ColumnId, ColumnId]]:
    """Pairs of columns that a node makes equal; a key of groups or windows is a pair of itself, so that it is known."""
    match node:
        case logical.Join():
            terms = [term for term in conjuncts(node.condition) if isinstance(term, (exp.EQ, exp.NullSafeEQ))]
            return [(ColumnId(term.this.name), ColumnId(term.expression.name)) for term in terms if _both_columns(term)]
        case logical.Project():
            columns = [item for item in node.assignments if isinstance(item.expression, exp.Column)]
            return [(item.column.id, ColumnId(item.expression.name)) for item in columns]
        case logical.Aggregate():
            return [(column.id, column.id) for column in node.keys]
        case logical.Sort():
            first = node.keys[0].expression
            return [(ColumnId(first.name), ColumnId(first.name))] if isinstance(first, exp.Column) else []
        case logical.Window():
            keys = [key for item in node.assignments for key in item.expression.args.get("partition_by") or []]
            return [(ColumnId(key.name), ColumnId(key.name)) for key in keys if isinstance(key, exp.Column)]
        case _:
            return []


def _both_columns(term: exp.Expression) -> bool:
    return isinstance(term.this, exp.Column) and isinstance(term.expression, exp.Column)
