"""The physical algebra: how and where a query runs. Exchanges are explicit; everything between them is one fragment.

Every node carries what the planner expects of its output; distributions are derived by ``shoal.planner.distribute``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Assignment, Column, JoinKind, Schema, SetOperator, SortKey
from shoal.planner.stage import Estimate, Split


class JoinStrategy(StrEnum):
    """How the two sides of a join meet: in one place, the build side everywhere, or both by the hash of the keys."""

    LOCAL = "local"
    BROADCAST = "broadcast"
    PARTITIONED = "partitioned"


class AggregatePhase(StrEnum):
    """Whether an aggregate does all the work, makes partial results, or combines them."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    FINAL = "final"


class ExchangeKind(StrEnum):
    """Where rows go: all to every reader, each to the task that its key's hash names, or to the tasks in turn.

    With RANGE the tasks get ranges of the key in rising order, or falling: their sorted rows are an order together.
    """

    GATHER = "gather"
    BROADCAST = "broadcast"
    HASH = "hash"
    RANGE = "range"
    ROUND_ROBIN = "round_robin"


@dataclass(frozen=True, slots=True)
class TableScan:
    """Reads a base table; each task its own split, or (``split`` false) each task all of it."""

    scan: logical.Scan
    split: bool
    estimate: Estimate
    splits: tuple[Split, ...] = ()
    """The splits of a clustered scan, cut at the borders of ``clustered_on``; otherwise fragmenting makes them."""
    clustered_on: str = ""


@dataclass(frozen=True, slots=True)
class KernelQuery:
    """Runs a block that only the kernel understands, whole; ``inputs`` give the rows of the block's own."""

    block: logical.KernelBlock
    estimate: Estimate
    inputs: tuple["PhysicalNode", ...] = ()


@dataclass(frozen=True, slots=True)
class Literals:
    """Literal rows, made where they are needed."""

    values: logical.Values
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Filter:
    """The rows for which the predicate is true."""

    input: "PhysicalNode"
    predicate: exp.Expression
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Project:
    """Computed columns."""

    input: "PhysicalNode"
    assignments: tuple[Assignment, ...]
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class HashJoin:
    """A join whose build side is the right input, or the left one with ``build_left``."""

    kind: JoinKind
    left: "PhysicalNode"
    right: "PhysicalNode"
    condition: exp.Expression | None
    strategy: JoinStrategy
    build_left: bool
    reason: str
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class GroupRanges:
    """Ranges of a key of groups: below the first of the rising ``borders``, between two, from the last one on, and the
    rows without a key. Every row is in one of them."""

    key: ColumnId
    borders: tuple[str, ...]

    def predicates(self, key: str) -> tuple[str, ...]:
        """SQL terms over a key, of which one is true for each row."""
        low = ["", *(f"{key} >= {border}" for border in self.borders)]
        high = [*(f"{key} < {border}" for border in self.borders), ""]
        terms = [" AND ".join(filter(None, pair)) for pair in zip(low, high, strict=True)]
        return (*terms, f"{key} IS NULL")


@dataclass(frozen=True, slots=True)
class HashAggregate:
    """Groups; a partial one delivers a state column for each assignment under the same id.

    ``pieces``: the rows of a group are in several tasks, each of which delivers its own result of them.
    ``ranges``: the groups of each range of a key are made on their own.
    """

    input: "PhysicalNode"
    keys: Schema
    assignments: tuple[Assignment, ...]
    phase: AggregatePhase
    estimate: Estimate
    argument_types: tuple[tuple[str, ...], ...] = ()
    reason: str = ""
    pieces: bool = False
    ranges: GroupRanges | None = None


@dataclass(frozen=True, slots=True)
class WindowCompute:
    """Window functions; all rows of a partition are in one task."""

    input: "PhysicalNode"
    assignments: tuple[Assignment, ...]
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class SortRows:
    """An order within the one task that delivers it."""

    input: "PhysicalNode"
    keys: tuple[SortKey, ...]
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class LimitRows:
    """At most ``count`` rows after ``offset``, in each task; a limit of all tasks has another above its gather."""

    input: "PhysicalNode"
    count: int | None
    offset: int
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Combine:
    """A set operation within each task."""

    operator: SetOperator
    all: bool
    left: "PhysicalNode"
    right: "PhysicalNode"
    columns: Schema
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Exchange:
    """Moves rows between tasks. ``keys`` with the types in which they are hashed belong to HASH.

    With ``bounds`` the one key's place among them tells the task, as in the clustered files on the other side.
    ``descending`` and ``nulls_first`` belong to RANGE. ``once`` is the name of a shared plan: all its readers have an
    exchange of the very same input, which one stage makes; those that GATHER read whatever the others have parted.
    """

    input: "PhysicalNode"
    kind: ExchangeKind
    estimate: Estimate
    keys: tuple[ColumnId, ...] = ()
    key_types: tuple[str, ...] = ()
    bounds: tuple[str, ...] = ()
    descending: bool = False
    nulls_first: bool = True
    once: str = ""
    seconds: float = 0.0
    """What it costs to have the rows there, as far as that was priced."""


PhysicalNode = (
    TableScan
    | KernelQuery
    | Literals
    | Filter
    | Project
    | HashJoin
    | HashAggregate
    | WindowCompute
    | SortRows
    | LimitRows
    | Combine
    | Exchange
)


def children(node: PhysicalNode) -> tuple[PhysicalNode, ...]:
    """The inputs of a node, left to right."""
    match node:
        case TableScan() | Literals():
            return ()
        case KernelQuery():
            return node.inputs
        case Filter() | Project() | HashAggregate() | WindowCompute() | SortRows() | LimitRows() | Exchange():
            return (node.input,)
        case HashJoin() | Combine():
            return (node.left, node.right)
        case _:
            assert_never(node)


def schema(node: PhysicalNode) -> Schema:
    """The columns that a node delivers; state columns of a partial aggregate have the type ``""``."""
    match node:
        case TableScan():
            return node.scan.columns
        case KernelQuery():
            return node.block.columns
        case Literals():
            return node.values.columns
        case Filter() | SortRows() | LimitRows() | Exchange():
            return schema(node.input)
        case Project():
            return tuple(item.column for item in node.assignments)
        case HashJoin():
            if node.kind in (JoinKind.SEMI, JoinKind.ANTI):
                return schema(node.left)
            return schema(node.left) + schema(node.right)
        case HashAggregate():
            columns = tuple(item.column for item in node.assignments)
            if node.phase is AggregatePhase.PARTIAL:
                states = zip(columns, node.argument_types, strict=True)
                columns = tuple(Column(column.id) if types else column for column, types in states)
            return node.keys + columns
        case WindowCompute():
            return schema(node.input) + tuple(item.column for item in node.assignments)
        case Combine():
            return node.columns
        case _:
            assert_never(node)


def transform_up(node: PhysicalNode, change: Callable[[PhysicalNode], PhysicalNode]) -> PhysicalNode:
    """Change the inputs first, then the node; unchanged parts stay the same objects."""
    match node:
        case TableScan() | Literals():
            return change(node)
        case KernelQuery():
            inputs = tuple(transform_up(child, change) for child in node.inputs)
            return change(replace(node, inputs=inputs) if inputs != node.inputs else node)
        case HashJoin() | Combine():
            left, right = transform_up(node.left, change), transform_up(node.right, change)
            if left is not node.left or right is not node.right:
                return change(replace(node, left=left, right=right))
            return change(node)
        case Filter() | Project() | HashAggregate() | WindowCompute() | SortRows() | LimitRows() | Exchange():
            inner = transform_up(node.input, change)
            return change(replace(node, input=inner) if inner is not node.input else node)
        case _:
            assert_never(node)
