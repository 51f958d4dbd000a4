"""Finds tables whose files are clustered on a key that the query joins or groups by, and cuts them at common borders.

Row-group bounds in Parquet footers tell where a key's values lie. Where they hardly overlap, a scan delivers its rows
parted by ranges of the key at no cost; tables joined on that key are cut at the same borders, so that nothing moves.
"""

import datetime as dt
from bisect import bisect_right
from dataclasses import dataclass, field

from sqlglot import exp

from shoal.planner import logical, tree
from shoal.planner.distribution import HashSlot
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Node, Scan
from shoal.planner.protocols import Key, KeyRange, Statistics
from shoal.planner.scalar import conjuncts
from shoal.planner.stage import FileRange, Split

MOST_OVERLAP = 0.15
"""The share of rows that may lie in row groups across a border (each is read by two tasks) before a cut costs more."""
MOST_UNEVEN = 1.5
"""How many times its even share the largest part of the table that gives the borders may have."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One way to cut a scan: its distribution, its splits, and the share of rows that is read more than once."""

    slot: HashSlot
    splits: tuple[Split, ...]
    overlap: float


@dataclass(frozen=True, slots=True)
class _Cut:
    """A table cut at rising borders: first and last part of each row group, rows of each part, share read again."""

    bounds: list[Key]
    places: list[tuple[int, int]]
    rows: list[int]
    overlap: float


@dataclass(slots=True)
class Clusters:
    """The ways to cut each scan of a query, by the scan's column ids."""

    found: dict[ColumnId, Cluster] = field(default_factory=dict)

    def of(self, scan: Scan) -> list[Cluster]:
        """The cuts that this scan can deliver."""
        return [self.found[column.id] for column in scan.columns if column.id in self.found]


def find_clusters(root: Node, statistics: Statistics, tasks: int) -> Clusters:
    """The common cuts of all scans of a query into ``tasks`` parts; keys are integers or dates without NULLs."""
    clusters = Clusters()
    scans = {column.id: (scan, name, column.type) for scan in tree.find(root, Scan) for column, name in _columns(scan)}
    for members in _equal_columns(root):
        ranges: dict[ColumnId, tuple[KeyRange, ...]] = {}
        for id in sorted(members & scans.keys()):
            scan, name, _ = scans[id]
            known = statistics.key_ranges(scan.source, name)
            if known:
                ranges[id] = known
        types = {id: scans[id][2] for id in ranges}
        names = {id: scans[id][1] for id in ranges}
        clusters.found |= _common_cuts(ranges, names, types, tasks)
    return clusters


def _common_cuts(
    ranges: dict[ColumnId, tuple[KeyRange, ...]],
    names: dict[ColumnId, str],
    types: dict[ColumnId, str],
    tasks: int,
) -> dict[ColumnId, Cluster]:
    """Cut all tables at the borders of the largest one that its own borders cut well and evenly."""
    for anchor in sorted(ranges, key=lambda id: (-sum(item.rows for item in ranges[id]), id)):
        cut = _cut(ranges[anchor], _borders(ranges[anchor], tasks), tasks)
        if cut.bounds and cut.overlap <= MOST_OVERLAP and max(cut.rows) * tasks <= sum(cut.rows) * MOST_UNEVEN:
            break
    else:
        return {}
    found: dict[ColumnId, Cluster] = {}
    for id, known in ranges.items():
        if types[id] != types[anchor]:
            continue
        own = cut if id == anchor else _cut(known, cut.bounds, tasks)
        if own.overlap <= MOST_OVERLAP:
            slot = HashSlot(frozenset({id}), types[id], tuple(_literal(bound) for bound in cut.bounds))
            found[id] = Cluster(slot, _splits(known, own, names[id]), own.overlap)
    return found


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
        case logical.Window():
            keys = [key for item in node.assignments for key in item.expression.args.get("partition_by") or []]
            return [(ColumnId(key.name), ColumnId(key.name)) for key in keys if isinstance(key, exp.Column)]
        case _:
            return []


def _both_columns(term: exp.Expression) -> bool:
    return isinstance(term.this, exp.Column) and isinstance(term.expression, exp.Column)


def _borders(ranges: tuple[KeyRange, ...], tasks: int) -> list[Key]:
    """At most ``tasks`` - 1 rising borders that part the rows evenly, each the smallest key of a row group."""
    ordered = sorted(ranges, key=lambda item: (item.minimum, item.maximum))
    total = sum(item.rows for item in ordered)
    borders: list[Key] = []
    before = 0
    for item in ordered:
        wanted = (len(borders) + 1) * total / tasks
        above = not borders or item.minimum > borders[-1]  # type: ignore[operator]
        if len(borders) < tasks - 1 and before + item.rows / 2 >= wanted and before > 0 and above:
            borders.append(item.minimum)
        before += item.rows
    return borders


def _cut(ranges: tuple[KeyRange, ...], bounds: list[Key], tasks: int) -> _Cut:
    """Where the row groups of one table lie between borders."""
    places: list[tuple[int, int]] = []
    rows = [0] * tasks
    repeated = total = 0
    for item in ranges:
        first, last = bisect_right(bounds, item.minimum), bisect_right(bounds, item.maximum)
        places.append((first, last))
        total += item.rows
        repeated += item.rows * (last - first)
        for task in range(first, last + 1):
            rows[task] += item.rows
    return _Cut(bounds, places, rows, repeated / max(1, total))


def _splits(ranges: tuple[KeyRange, ...], cut: _Cut, name: str) -> tuple[Split, ...]:
    """What each task reads of a table."""
    parts: list[list[FileRange]] = [[] for _ in cut.rows]
    for item, (first, last) in zip(ranges, cut.places, strict=True):
        for task in range(first, last + 1):
            _append(parts[task], item, _predicate(name, task, first, last, cut.bounds))
    return tuple(Split(tuple(part), rows=count) for part, count in zip(parts, cut.rows, strict=True))


def _append(part: list[FileRange], item: KeyRange, predicate: str) -> None:
    """Add a row group, joining it with the one before where both are neighbours in a file and need no predicate."""
    before = part[-1] if part else None
    joined = before is not None and before.file == item.file and not predicate and not before.predicate
    if joined and before is not None and before.last_row == item.first_row - 1:
        part[-1] = FileRange(item.file, before.first_row, item.first_row + item.rows - 1)
    elif item.rows:
        part.append(FileRange(item.file, item.first_row, item.first_row + item.rows - 1, predicate))


def _predicate(name: str, task: int, first: int, last: int, bounds: list[Key]) -> str:
    if first == last:
        return ""
    key = '"' + name.replace('"', '""') + '"'
    terms = [f"{key} >= {_literal(bounds[task - 1])}"] if task > first else []
    terms += [f"{key} < {_literal(bounds[task])}"] if task < last else []
    return " AND ".join(terms)


def _literal(bound: Key) -> str:
    return f"DATE '{bound.isoformat()}'" if isinstance(bound, dt.date) else str(bound)
