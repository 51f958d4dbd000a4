"""Invariants of logical plans, as code; ``check`` runs after every rule in tests, and behind a setting elsewhere.

What must hold:

- every column that a node refers to is delivered by its inputs (the right side of an ``Apply`` also sees the left one);
- no id is defined twice in a plan, nor do two differ only by case: the kernel compares names without case;
- the sides of a join share no column;
- both inputs of a set operation deliver exactly as many columns as it does, of its types;
- the outputs of a query are columns of its root, with as many names and types;
- after decorrelation there is no ``Apply``;
- once a plan is typed, no type is empty.
"""

from collections.abc import Iterable
from typing import assert_never

from shoal.planner import logical
from shoal.planner.errors import ErrorContext, InvariantViolated
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Node, Query
from shoal.planner.scalar import columns_of, sql_of

NO_COLUMNS: frozenset[ColumnId] = frozenset()


def check(query: Query, *, decorrelated: bool = False, typed: bool = False, after: str = "binding") -> None:
    """Raise ``InvariantViolated``, naming the pass it came ``after``, unless all of the above holds."""
    _check_outputs(query, after)
    _check_node(query.root, NO_COLUMNS, after)
    _check_definitions(query.root, after)
    for node in logical_walk(query.root):
        if decorrelated and isinstance(node, logical.Apply):
            raise _violation(after, f"an Apply {node.kind} is left after decorrelation", node)
        if typed and any(not column.type for column in logical.schema(node)):
            raise _violation(after, "a column without a type", node)


def logical_walk(root: Node) -> Iterable[Node]:
    """The nodes of a plan, parents first, without recursion: a deep plan is checked like any other."""
    pending = [root]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(logical.children(node)))


def _check_outputs(query: Query, after: str) -> None:
    missing = [column for column in query.outputs if column not in logical.column_ids(query.root)]
    if missing:
        raise _violation(after, f"the query delivers {missing}, which its root does not", query.root)
    if not len(query.outputs) == len(query.names) == len(query.types):
        raise _violation(after, "outputs, names and types of the query differ in number", query.root)


def _check_node(node: Node, outer: frozenset[ColumnId], after: str) -> None:
    match node:
        case logical.Apply():
            left = logical.column_ids(node.left)
            _check_node(node.left, outer, after)
            _check_node(node.right, outer | left, after)
            _check_disjoint(node, left, logical.column_ids(node.right), after)
            _check_references(node, outer | left | logical.column_ids(node.right), after)
        case logical.Join():
            left, right = logical.column_ids(node.left), logical.column_ids(node.right)
            _check_node(node.left, outer, after)
            _check_node(node.right, outer, after)
            _check_disjoint(node, left, right, after)
            _check_references(node, outer | left | right, after)
        case logical.SetOperation():
            _check_node(node.left, outer, after)
            _check_node(node.right, outer, after)
            _check_set_operation(node, after)
        case logical.KernelBlock():
            for child in logical.children(node):
                _check_node(child, NO_COLUMNS, after)
        case logical.Scan() | logical.SharedScan() | logical.Values():
            _check_references(node, outer, after)
        case (
            logical.Filter()
            | logical.Project()
            | logical.Window()
            | logical.Unnest()
            | logical.Sort()
            | logical.Limit()
        ):
            _check_node(node.input, outer, after)
            _check_references(node, outer | logical.column_ids(node.input), after)
        case logical.Aggregate():
            _check_node(node.input, outer, after)
            below = logical.column_ids(node.input)
            _check_references(node, outer | below, after)
            strange = [column.id for column in node.keys if column.id not in below]
            if strange:
                raise _violation(after, f"group keys {strange} are not columns of the input", node)
        case _:
            assert_never(node)
    _check_schema(node, after)


def _check_references(node: Node, visible: frozenset[ColumnId], after: str) -> None:
    for expression in logical.expressions(node):
        missing = columns_of(expression) - visible
        if missing:
            raise _violation(after, f"{sql_of(expression)} refers to {sorted(missing)}, which no input delivers", node)


def _check_disjoint(node: Node, left: frozenset[ColumnId], right: frozenset[ColumnId], after: str) -> None:
    both = left & right
    if both:
        raise _violation(after, f"both sides deliver {sorted(both)}", node)


def _check_schema(node: Node, after: str) -> None:
    ids = [column.id.lower() for column in logical.schema(node)]
    twice = sorted({name for name in ids if ids.count(name) > 1}) if len(set(ids)) < len(ids) else []
    if twice:
        raise _violation(after, f"the columns {twice} occur twice", node)


def _check_set_operation(node: logical.SetOperation, after: str) -> None:
    own = [column.type for column in node.columns]
    for side in (node.left, node.right):
        types = [column.type for column in logical.schema(side)]
        if len(types) != len(own):
            raise _violation(after, f"an input delivers {len(types)} columns, the set operation {len(own)}", node)
        wrong = [(have, want) for have, want in zip(types, own, strict=True) if have and want and have != want]
        if wrong:
            raise _violation(after, f"an input's types are not the set operation's: {wrong}", node)


def _check_definitions(root: Node, after: str) -> None:
    seen: set[str] = set()
    for node in logical_walk(root):
        for column in _defined(node):
            if column.lower() in seen:
                raise _violation(after, f"the column {column} is defined twice", node)
            seen.add(column.lower())


def _defined(node: Node) -> Iterable[ColumnId]:
    """The ids that come into being at a node; a projection may pass a column on under its own id."""
    match node:
        case logical.Scan() | logical.KernelBlock() | logical.SharedScan() | logical.Values() | logical.SetOperation():
            return [column.id for column in node.columns]
        case logical.Project() | logical.Aggregate() | logical.Window() | logical.Unnest():
            below = logical.column_ids(node.input)
            return [item.column.id for item in node.assignments if item.column.id not in below]
        case logical.Apply():
            return [] if node.mark is None else [node.mark.id]
        case logical.Filter() | logical.Join() | logical.Sort() | logical.Limit():
            return []
        case _:
            assert_never(node)


def _violation(after: str, problem: str, node: Node) -> InvariantViolated:
    columns = ", ".join(column.id for column in logical.schema(node))
    story = (f"after {after}", f"at {type(node).__name__} [{columns}]")
    return InvariantViolated(f"malformed plan: {problem}", ErrorContext(story=story))
