"""Binds windows: named ones are written out, and keys that are expressions become columns first."""

from collections.abc import Iterable, Mapping

from sqlglot import exp

from shoal.planner.column_ids import ColumnIds
from shoal.planner.functions import function_name
from shoal.planner.logical import Assignment, Column, Node, Project, Window, schema
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.scalar import column_ref, sql_of, unwrap

_PARTS = ("partition_by", "order", "spec")


def with_windows_written_out(select: exp.Select) -> exp.Select:
    """``sum(x) OVER w ... WINDOW w AS (PARTITION BY k)`` -> ``sum(x) OVER (PARTITION BY k)``; a copy if it changes."""
    if not select.args.get("windows"):
        return select
    copy = select.copy()
    named: dict[str, exp.Expression] = {}
    for window in copy.args["windows"]:
        named[window.this.name.lower()] = _written_out(window, named)
    copy.set("windows", None)

    def write_out(node: exp.Expression) -> exp.Expression:
        if (
            isinstance(node, exp.Window)
            and node.args.get("alias") is not None
            and node.find_ancestor(exp.Select) is copy
        ):
            return _written_out(node, named)
        return node

    changed = copy.transform(write_out, copy=False)
    assert isinstance(changed, exp.Select)
    return changed


def _written_out(window: exp.Expression, named: Mapping[str, exp.Expression]) -> exp.Expression:
    alias = window.args.get("alias")
    if alias is None:
        return window
    base = named.get(alias.name.lower())
    if base is None:
        raise NotDistributable(f"the window {alias.name} is known to the kernel only")
    found = window.copy()
    found.set("alias", None)
    for part in _PARTS:
        own, other = found.args.get(part), base.args.get(part)
        if not own and other:
            found.set(part, [item.copy() for item in other] if isinstance(other, list) else other.copy())
    if isinstance(found.this, exp.Identifier):
        return found
    found.set("over", "OVER")
    return found


def add_windows(node: Node, calls: Mapping[str, exp.Expression], ids: ColumnIds) -> tuple[Node, dict[str, Column]]:
    """The node with a column for each call, by the call's text."""
    _check_windows(calls.values())
    keys: dict[str, Assignment] = {}

    def key(expression: exp.Expression) -> exp.Expression:
        bare = unwrap(expression)
        if isinstance(bare, exp.Column):
            return bare.copy()
        text = sql_of(bare)
        if text not in keys:
            keys[text] = Assignment(Column(ids.fresh("partition_key")), bare)
        return column_ref(keys[text].column.id)

    columns: dict[str, Column] = {}
    assignments: list[Assignment] = []
    for text, call in calls.items():
        window = call
        partition = call.args.get("partition_by")
        if partition and any(not isinstance(item, exp.Column) for item in partition):
            window = call.copy()
            window.set("partition_by", [key(item) for item in partition])
        columns[text] = Column(ids.fresh(function_name(_function(call)) or "window"))
        assignments.append(Assignment(columns[text], window))
    if keys:
        kept = tuple(Assignment(column, column_ref(column.id)) for column in schema(node))
        node = Project(node, (*kept, *keys.values()))
    return Window(node, tuple(assignments)), columns


def _function(window: exp.Expression) -> exp.Expression:
    call: exp.Expression = window.this
    return call.this if isinstance(call, (exp.IgnoreNulls, exp.RespectNulls)) else call


def _check_windows(calls: Iterable[exp.Expression]) -> None:
    for call in calls:
        if call.args.get("alias") is not None or next(call.this.find_all(exp.Window), None) is not None:
            raise NotDistributable("a named or nested window")
