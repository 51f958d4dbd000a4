"""The logical algebra: what a statement asks for, without saying how or where.

Nodes are frozen dataclasses. Scalar expressions are sqlglot expressions whose column leaves are ``column_ref`` of
unique ``ColumnId``s: no node needs a table qualifier, and two sides of a join never share an id. Expressions are never
changed in place: copy first. Every node derives its ``schema``; nothing stores it twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from sqlglot import exp

from shoal.planner.errors import InvariantViolated
from shoal.planner.ids import ColumnId
from shoal.planner.source import TableSource


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a schema: its unique id and its DuckDB type (``""`` until the binder has typed it)."""

    id: ColumnId
    type: str = ""


Schema = tuple[Column, ...]


class JoinKind(StrEnum):
    """The kinds of joins; ``SEMI`` and ``ANTI`` keep the left side's columns only.

    ``ANTI`` keeps a left row when no right row makes the condition true (NOT EXISTS; not NOT IN).
    """

    INNER = "inner"
    LEFT = "left"
    RIGHT = "right"
    FULL = "full"
    SEMI = "semi"
    ANTI = "anti"


class ApplyKind(StrEnum):
    """What an ``Apply`` makes of its right side for each left row.

    ``SCALAR``: the one value of its one column (NULL if there is no row; an error if there are two), as a new column.
    ``EXISTS``: whether it has a row, as a new column. ``IN``: the three-valued ``needle IN (right)``, as a new column.
    ``SEMI``/``ANTI``: keep the left row if it has a row / none (``condition`` may restrict the rows that count).
    ``INNER``/``LEFT``: a lateral join with ``condition``.
    """

    SCALAR = "scalar"
    EXISTS = "exists"
    IN = "in"
    SEMI = "semi"
    ANTI = "anti"
    INNER = "inner"
    LEFT = "left"


class SetOperator(StrEnum):
    """UNION, INTERSECT, EXCEPT; each with or without ALL."""

    UNION = "union"
    INTERSECT = "intersect"
    EXCEPT = "except"


@dataclass(frozen=True, slots=True)
class Assignment:
    """A new column and the expression that gives its value."""

    column: Column
    expression: exp.Expression


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of an order; ``nulls_first`` is always settled by the binder."""

    expression: exp.Expression
    descending: bool = False
    nulls_first: bool = False


@dataclass(frozen=True, slots=True)
class Scan:
    """A base table. ``columns`` are the ids it delivers, ``names`` the source's names for them, ``alias`` a label."""

    source: TableSource
    columns: Schema
    names: tuple[str, ...]
    alias: str

    def __post_init__(self) -> None:
        if len(self.columns) != len(self.names):
            raise InvariantViolated(f"scan of {self.alias}: {len(self.columns)} ids for {len(self.names)} columns")


@dataclass(frozen=True, slots=True)
class BlockInput:
    """Rows that a kernel's block reads under a ``name``, and what it calls their columns."""

    node: "Node"
    name: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KernelBlock:
    """A whole uncorrelated query that only the kernel can run, as one fragment: its SQL and the tables it names.

    ``inputs`` are common tables that it reads, too, but that are not computed in it.
    """

    sql: str
    columns: Schema
    names: tuple[str, ...]
    tables: tuple[tuple[str, TableSource], ...]
    views: tuple[tuple[str, str], ...]
    reason: str
    inputs: tuple[BlockInput, ...] = ()


@dataclass(frozen=True, slots=True)
class SharedScan:
    """Reads a ``SharedPlan``, which is computed once for all who read it.

    ``columns`` are names of this reader's own for the plan's columns ``origins``.
    """

    key: str
    columns: Schema
    origins: tuple[ColumnId, ...]

    def __post_init__(self) -> None:
        if len(self.columns) != len(self.origins):
            raise InvariantViolated(f"scan of {self.key}: {len(self.columns)} ids for {len(self.origins)} columns")


@dataclass(frozen=True, slots=True)
class Values:
    """Literal rows; ``Values((), ((),))`` is the one row of a SELECT without FROM."""

    columns: Schema
    rows: tuple[tuple[exp.Expression, ...], ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """The rows for which the predicate is true."""

    input: "Node"
    predicate: exp.Expression


@dataclass(frozen=True, slots=True)
class Project:
    """New columns computed from the input; only these are delivered."""

    input: "Node"
    assignments: tuple[Assignment, ...]


@dataclass(frozen=True, slots=True)
class Join:
    """A join; ``condition`` None is true (a cross join when inner)."""

    kind: JoinKind
    left: "Node"
    right: "Node"
    condition: exp.Expression | None = None


@dataclass(frozen=True, slots=True)
class Apply:
    """A dependent join: the right side may refer to the left side's columns. Gone after decorrelation.

    ``mark`` is the new column of SCALAR, EXISTS and IN; ``needle`` the left operand of IN (over left columns; the
    right side then has exactly one column); ``condition`` belongs to SEMI, ANTI, INNER and LEFT.
    """

    kind: ApplyKind
    left: "Node"
    right: "Node"
    mark: Column | None = None
    needle: exp.Expression | None = None
    condition: exp.Expression | None = None

    def __post_init__(self) -> None:
        marked = self.kind in (ApplyKind.SCALAR, ApplyKind.EXISTS, ApplyKind.IN)
        if marked != (self.mark is not None):
            raise InvariantViolated(f"apply {self.kind}: a mark column where none belongs, or none where one does")
        if (self.kind is ApplyKind.IN) != (self.needle is not None):
            raise InvariantViolated(f"apply {self.kind}: needle and kind do not agree")


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Groups by columns of the input (none: one row always) and one aggregate call for each assignment.

    Every assignment's expression is a single aggregate call, perhaps inside ``exp.Filter``; its arguments are scalar
    expressions over the input. Without assignments this is DISTINCT. Of a ``partial`` one another aggregate combines
    the results: it may deliver a group in several pieces.
    """

    input: "Node"
    keys: Schema
    assignments: tuple[Assignment, ...]
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """Adds columns; each assignment's expression is one ``exp.Window``. All input columns are kept."""

    input: "Node"
    assignments: tuple[Assignment, ...]


@dataclass(frozen=True, slots=True)
class Unnest:
    """Each row once for every element of its lists, one in each assignment's UNNEST; all input columns are kept.

    Shorter lists are filled up with NULLs; a row whose lists are all empty or NULL is gone.
    """

    input: "Node"
    assignments: tuple[Assignment, ...]


@dataclass(frozen=True, slots=True)
class Sort:
    """An order; it means something only at the root or right below a ``Limit``."""

    input: "Node"
    keys: tuple[SortKey, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``count`` rows (None: all) after the first ``offset``, in the order of a ``Sort`` right below if any."""

    input: "Node"
    count: int | None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class SetOperation:
    """Two inputs combined by position; both deliver exactly as many columns, of the types of ``columns``."""

    operator: SetOperator
    all: bool
    left: "Node"
    right: "Node"
    columns: Schema


Node = (
    Scan
    | KernelBlock
    | SharedScan
    | Values
    | Filter
    | Project
    | Join
    | Apply
    | Aggregate
    | Window
    | Unnest
    | Sort
    | Limit
    | SetOperation
)


@dataclass(frozen=True, slots=True)
class SharedPlan:
    """A common table expression or view that several places of a statement read; ``key`` is its name, made unique.

    Of rows that differ in one of the columns ``apart`` each reader may compute its own; other rows must be the same for
    all readers.
    """

    key: str
    root: Node
    apart: frozenset[ColumnId] = frozenset()
    free: bool = False
    """Whether it gives the same rows each time, so that every reader may compute it for itself."""


@dataclass(frozen=True, slots=True)
class Query:
    """A bound statement: its root, and which of the root's columns are delivered, under which names, in which order."""

    root: Node
    outputs: tuple[ColumnId, ...]
    names: tuple[str, ...]
    types: tuple[str, ...]
    shared: tuple[SharedPlan, ...] = ()
    """What is computed once; each of these reads only those before it."""
    folded: "Query | None" = None
    """The same query, but what could as well be computed once is."""

    @property
    def roots(self) -> tuple[Node, ...]:
        """All plans of the query: those that are shared, in order, then the one that delivers the result."""
        return (*(plan.root for plan in self.shared), self.root)


def schema(node: Node) -> Schema:
    """The columns that a node delivers."""
    match node:
        case Scan() | KernelBlock() | SharedScan() | Values() | SetOperation():
            return node.columns
        case Filter() | Sort() | Limit():
            return schema(node.input)
        case Project():
            return tuple(item.column for item in node.assignments)
        case Join():
            if node.kind in (JoinKind.SEMI, JoinKind.ANTI):
                return schema(node.left)
            return schema(node.left) + schema(node.right)
        case Apply():
            if node.kind in (ApplyKind.SEMI, ApplyKind.ANTI):
                return schema(node.left)
            if node.mark is not None:
                return (*schema(node.left), node.mark)
            return schema(node.left) + schema(node.right)
        case Aggregate():
            return node.keys + tuple(item.column for item in node.assignments)
        case Window() | Unnest():
            return schema(node.input) + tuple(item.column for item in node.assignments)
        case _:
            assert_never(node)


def column_ids(node: Node) -> frozenset[ColumnId]:
    """The ids of the columns that a node delivers."""
    return frozenset(column.id for column in schema(node))


def children(node: Node) -> tuple[Node, ...]:
    """The inputs of a node, left to right."""
    match node:
        case Scan() | SharedScan() | Values():
            return ()
        case KernelBlock():
            return tuple(item.node for item in node.inputs)
        case Filter() | Project() | Aggregate() | Window() | Unnest() | Sort() | Limit():
            return (node.input,)
        case Join() | Apply() | SetOperation():
            return (node.left, node.right)
        case _:
            assert_never(node)


def expressions(node: Node) -> Iterable[exp.Expression]:
    """The scalar expressions that a node itself holds."""
    match node:
        case Scan() | KernelBlock() | SharedScan() | Limit() | SetOperation():
            return ()
        case Values():
            return tuple(cell for row in node.rows for cell in row)
        case Filter():
            return (node.predicate,)
        case Project() | Window() | Unnest():
            return tuple(item.expression for item in node.assignments)
        case Join():
            return () if node.condition is None else (node.condition,)
        case Apply():
            return tuple(item for item in (node.needle, node.condition) if item is not None)
        case Aggregate():
            return tuple(item.expression for item in node.assignments)
        case Sort():
            return tuple(key.expression for key in node.keys)
        case _:
            assert_never(node)
