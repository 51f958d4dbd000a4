"""How many rows each logical node delivers, and what is known of its columns.

A column's ``distinct`` is that of its domain: a filter on another column does not lower it, so that a join between two
filtered tables still divides by the size of the key's domain. ``drawn`` says how many of them a number of rows shows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from shoal.planner import logical
from shoal.planner.cost.canonical import CanonicalPlans
from shoal.planner.cost.derived_columns import (
    aggregate_statistics,
    filtered_columns,
    joined_columns,
    keys_capped,
    shown,
    united,
    values_columns,
)
from shoal.planner.cost.expression_statistics import UNKNOWN, expression_statistics
from shoal.planner.cost.join_cardinality import join_rows
from shoal.planner.cost.sampled import filter_share, key_columns, sampled_keys
from shoal.planner.cost.widths import type_width
from shoal.planner.ids import ColumnId
from shoal.planner.logical import ApplyKind, Node, Schema, SetOperator
from shoal.planner.protocols import ColumnStatistics, Home, Statistics
from shoal.planner.rank_filters import find_rank_limit
from shoal.planner.scalar import conjuncts
from shoal.planner.source import ArrowSource, TableSource

LEAST_ROWS = 1.0
"""No node is believed to deliver nothing: a guess of zero would hide the price of everything above it."""

LIST_ELEMENTS = 4.0
"""Elements that a list is believed to have."""

DISTINCT_SHARE = 0.9
"""Rows that remain when a set operation or DISTINCT drops duplicates and nothing is known of the columns."""

OVERLAP_SHARE = 0.5
"""Rows of the smaller input that INTERSECT keeps, or of the left one that EXCEPT keeps."""

APPLY_SEMI_SHARE = 0.5
"""Left rows that a correlated EXISTS or IN keeps while it is not a join yet."""


_OBSERVED = (logical.Filter, logical.Join, logical.Aggregate)
"""Nodes whose rows may have been observed: all that decide a number of rows."""


@dataclass(frozen=True, slots=True)
class RelationEstimate:
    """What is known of a relation: its rows, the statistics of its columns, and the bytes of one row.

    ``domain`` are the rows before filters: as many combinations of key columns as can exist. ``origin`` says where the
    rows come from if they are no guess: "sampled" or "observed".
    """

    rows: float
    columns: Mapping[ColumnId, ColumnStatistics] = field(default_factory=dict)
    width: float = 8.0
    domain: float = 1.0
    origin: str = ""

    @property
    def bytes(self) -> float:
        """The bytes of all rows, uncompressed."""
        return self.rows * self.width


class Estimator:
    """Estimates nodes, each once while the object lives; make one for each planning run.

    ``disabled`` are names of optimisations to leave out, among them ``sample_tables``.
    """

    def __init__(self, statistics: Statistics, disabled: frozenset[str] = frozenset()) -> None:
        self.statistics = statistics
        self.disabled = disabled
        self._samples = "sample_tables" not in disabled
        self.observed_tables = frozenset() if "observed_rows" in disabled else statistics.observed_tables
        """What past runs have told something of, as ``tables_of`` numbers it; nothing if that is left out."""
        self._plans = CanonicalPlans()
        self._keys: frozenset[ColumnId] = frozenset()
        # The node is kept with its estimate, so that its identity cannot be given to another node meanwhile.
        self._known: dict[int, tuple[Node, RelationEstimate]] = {}
        self._shared: dict[str, Node] = {}

    def watch_keys(self, *roots: Node) -> None:
        """From now on, doubtful distinct counts of the columns that plans join or group by are looked into."""
        if self._samples:
            self._keys = frozenset().union(*(key_columns(root) for root in roots))

    def share(self, key: str, root: Node) -> None:
        """From now on, this is the plan that all scans of a shared plan of this name read."""
        self._shared[key] = root
        self._known.clear()

    def estimate(self, node: Node) -> RelationEstimate:
        """Rows, column statistics and row width of what a node delivers."""
        known = self._known.get(id(node))
        if known is None:
            known = (node, self._derive(node))
            self._known[id(node)] = known
        return known[1]

    def rows(self, node: Node) -> float:
        """The estimated number of rows alone."""
        return self.estimate(node).rows

    def _derive(self, node: Node) -> RelationEstimate:
        rows, columns, origin = self._measured(node)
        observed = self.observed_rows(node)
        if observed is not None:
            rows, origin = observed, "observed"
        rows = max(LEAST_ROWS, rows)
        schema = logical.schema(node)
        mine = {column.id: columns.get(column.id, UNKNOWN) for column in schema}
        return RelationEstimate(rows, mine, row_width(schema, mine), max(rows, self._domain(node)), origin)

    def tables_of(self, node: Node) -> int:
        """A number for the tables of a subplan; numbers of inputs add up to that of their join."""
        return self._plans.tables(node)

    def observed_rows(self, node: Node) -> float | None:
        """The rows that this very subplan delivered when a query of the session last ran it."""
        if not self.observed_tables or not isinstance(node, _OBSERVED):
            return None
        key = self._plans.key(node)
        return None if key is None else self.statistics.observed(key)

    def _measured(self, node: Node) -> tuple[float, Mapping[ColumnId, ColumnStatistics], str]:
        """Rows and columns, and where the rows come from if they are no guess."""
        if isinstance(node, logical.Filter):
            below = self.estimate(node.input)
            found = filter_share(node, below.columns, below.rows, self.statistics if self._samples else None)
            rows = below.rows * found.share
            limit = find_rank_limit(node)
            if limit is not None:
                rows = min(rows, group_count(limit.partition, below) * limit.most)
            columns = keys_capped(filtered_columns(node.predicate, below.columns), below.domain, rows)
            return rows, columns, "sampled" if found.sampled else ""
        return (*self._rows_and_columns(node), "")

    def _domain(self, node: Node) -> float:
        match node:
            case (
                logical.Filter()
                | logical.Project()
                | logical.Window()
                | logical.Unnest()
                | logical.Sort()
                | logical.Limit()
            ):
                return self.estimate(node.input).domain
            case logical.Join():
                return max(self.estimate(node.left).domain, self.estimate(node.right).domain)
            case logical.Apply():
                return self.estimate(node.left).domain
        return LEAST_ROWS

    def _rows_and_columns(self, node: Node) -> tuple[float, Mapping[ColumnId, ColumnStatistics]]:
        match node:
            case logical.Scan():
                return self._scan(node)
            case logical.KernelBlock():
                tables = [self.statistics.table(source, frozenset()).rows for _, source in node.tables]
                tables += [self.rows(item.node) for item in node.inputs]
                return max(tables, default=LEAST_ROWS), {}
            case logical.SharedScan():
                made = self.estimate(self._shared[node.key])
                pairs = zip(node.columns, node.origins, strict=True)
                return made.rows, {column.id: made.columns.get(origin, UNKNOWN) for column, origin in pairs}
            case logical.Values():
                return float(len(node.rows)), values_columns(node)
            case logical.Project():
                below = self.estimate(node.input)
                return below.rows, {
                    item.column.id: expression_statistics(item.expression, below.columns) for item in node.assignments
                }
            case logical.Join():
                left, right = self.estimate(node.left), self.estimate(node.right)
                return self._join(node, left, right)
            case logical.Apply():
                return self._apply(node)
            case logical.Aggregate():
                return self._aggregate(node)
            case logical.Window() | logical.Sort() | logical.Filter():
                below = self.estimate(node.input)
                return below.rows, below.columns
            case logical.Unnest():
                below = self.estimate(node.input)
                return below.rows * LIST_ELEMENTS, below.columns
            case logical.Limit():
                below = self.estimate(node.input)
                left_over = max(0.0, below.rows - node.offset)
                return left_over if node.count is None else min(left_over, float(node.count)), below.columns
            case logical.SetOperation():
                return self._set_operation(node)
            case _:
                assert_never(node)

    def _scan(self, node: logical.Scan) -> tuple[float, Mapping[ColumnId, ColumnStatistics]]:
        table = self.statistics.table(node.source, frozenset(node.names))
        homes = frozenset({Home(str(node.columns[0].id), _table_name(node.source), table.rows)} if node.columns else ())
        columns = {
            column.id: table.columns.get(name, UNKNOWN) for column, name in zip(node.columns, node.names, strict=True)
        }
        known = sampled_keys(node, self._keys, columns, table.rows, self.statistics)
        return table.rows, {
            column: replace(item, homes=homes, base=item.distinct, domain=item.distinct)
            for column, item in known.items()
        }

    def _join(
        self, node: logical.Join, left: RelationEstimate, right: RelationEstimate
    ) -> tuple[float, Mapping[ColumnId, ColumnStatistics]]:
        columns: Mapping[ColumnId, ColumnStatistics] = {**left.columns, **right.columns}
        rows = join_rows(
            node.kind,
            conjuncts(node.condition),
            (left.rows, left.columns, left.domain),
            (right.rows, right.columns, right.domain),
        )
        if node.kind is logical.JoinKind.INNER:
            columns = joined_columns(conjuncts(node.condition), columns)
        elif node.kind is logical.JoinKind.SEMI:
            present = {
                column: replace(known, distinct=shown(known.distinct, right.rows))
                for column, known in right.columns.items()
                if known.distinct
            }
            columns = joined_columns(conjuncts(node.condition), {**columns, **present})
        return rows, columns

    def _apply(self, node: logical.Apply) -> tuple[float, Mapping[ColumnId, ColumnStatistics]]:
        left, right = self.estimate(node.left), self.estimate(node.right)
        match node.kind:
            case ApplyKind.SEMI | ApplyKind.ANTI:
                return left.rows * APPLY_SEMI_SHARE, left.columns
            case ApplyKind.INNER | ApplyKind.LEFT:
                return left.rows * right.rows, {**left.columns, **right.columns}
            case ApplyKind.SCALAR | ApplyKind.EXISTS | ApplyKind.IN:
                return left.rows, left.columns
            case _:
                assert_never(node.kind)

    def _aggregate(self, node: logical.Aggregate) -> tuple[float, Mapping[ColumnId, ColumnStatistics]]:
        below = self.estimate(node.input)
        columns = dict(below.columns)
        groups = group_count((column.id for column in node.keys), below) if node.keys else 1.0
        for item in node.assignments:
            columns[item.column.id] = aggregate_statistics(item.expression, below.columns, below.rows, groups)
        return groups, columns

    def _set_operation(self, node: logical.SetOperation) -> tuple[float, Mapping[ColumnId, ColumnStatistics]]:
        left, right = self.estimate(node.left), self.estimate(node.right)
        columns = {
            own.id: united(left.columns.get(first.id), right.columns.get(second.id))
            for own, first, second in zip(
                node.columns, logical.schema(node.left), logical.schema(node.right), strict=True
            )
        }
        match node.operator:
            case SetOperator.UNION:
                rows = left.rows + right.rows
                return (rows if node.all else rows * DISTINCT_SHARE), columns
            case SetOperator.INTERSECT:
                return min(left.rows, right.rows) * OVERLAP_SHARE, columns
            case SetOperator.EXCEPT:
                return left.rows * OVERLAP_SHARE, columns
            case _:
                assert_never(node.operator)


def _table_name(source: TableSource) -> str:
    """What two scans of one table have in common."""
    if isinstance(source, ArrowSource):
        return source.key
    return source.files[0].path if source.files else ""


def row_width(schema: Schema, columns: Mapping[ColumnId, ColumnStatistics]) -> float:
    """The bytes of one row of a schema."""
    total = 0.0
    for column in schema:
        known = columns.get(column.id)
        total += known.width if known is not None and known.width else type_width(column.type)
    return max(1.0, total)


def group_count(keys: Iterable[ColumnId], below: RelationEstimate) -> float:
    """Groups of an aggregate: the keys' distinct counts multiplied, less and less for keys that others may imply."""
    counts = sorted((_key_count(key, below) for key in keys), reverse=True)
    groups = 1.0
    for index, count in enumerate(counts):
        groups *= count ** (0.5**index)
    return max(LEAST_ROWS, min(groups, below.rows))


def _key_count(key: ColumnId, below: RelationEstimate) -> float:
    known = below.columns.get(key)
    if known is None or known.distinct is None:
        return max(LEAST_ROWS, below.rows * DISTINCT_SHARE)
    nulls = 1.0 if known.null_fraction else 0.0
    return shown(known.distinct, below.rows) + nulls
