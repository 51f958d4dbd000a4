"""Binds USING and NATURAL joins: pairs of columns of one name become one column."""

from collections.abc import Sequence

from sqlglot import exp

from shoal.planner.column_ids import ColumnIds
from shoal.planner.logical import Assignment, Column, Join, JoinKind, Node, Project, schema
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.scalar import column_ref, conjunction
from shoal.planner.scope import Relation, Scope, ScopeColumn


def shared_names(scope: Scope, first_right: int) -> list[str]:
    """The names that the relations from ``first_right`` on share with those before."""
    left = {column.name.lower() for relation in scope.relations[:first_right] for column in relation.columns}
    right = [column.name for relation in scope.relations[first_right:] for column in relation.columns]
    return [name for name in right if name.lower() in left]


def join_using(
    left: Node, right: Node, kind: JoinKind, names: Sequence[str], scope: Scope, first_right: int, ids: ColumnIds
) -> Node:
    """The join; after it the scope, whose last relations are the right side's, knows the merged names."""
    relations = scope.relations
    left_scope = Scope(relations[:first_right], dict(scope.merged))
    right_scope = Scope(relations[first_right:])
    terms: list[exp.Expression] = []
    extra: list[Assignment] = []
    for name in names:
        ours, theirs = left_scope.resolve_here(None, name), right_scope.resolve_here(None, name)
        if ours is None or theirs is None:
            raise NotDistributable(f"USING ({name})")
        terms.append(exp.EQ(this=column_ref(ours.id), expression=column_ref(theirs.id)))
        merged = theirs if kind is JoinKind.RIGHT else ours
        if kind is JoinKind.FULL:
            merged = ScopeColumn(name, ids.fresh(name))
            both = exp.Coalesce(this=column_ref(ours.id), expressions=[column_ref(theirs.id)])
            extra.append(Assignment(Column(merged.id), both))
        if kind not in (JoinKind.SEMI, JoinKind.ANTI):
            scope.merged[name.lower()] = merged
    node: Node = Join(kind, left, right, conjunction(terms))
    if kind in (JoinKind.SEMI, JoinKind.ANTI):
        del relations[first_right:]
        return node
    hidden = frozenset(name.lower() for name in names)
    for position in range(first_right, len(relations)):
        relation = relations[position]
        relations[position] = Relation(relation.alias, relation.columns, relation.hidden | hidden)
    if extra:
        kept = tuple(Assignment(column, column_ref(column.id)) for column in schema(node))
        node = Project(node, (*kept, *extra))
    return node


def merge_using(names: Sequence[str], kind: JoinKind, scope: Scope, first_right: int) -> None:
    """Let the scope of a join that keeps the left side's rows know one column for each pair: the left one."""
    if kind in (JoinKind.SEMI, JoinKind.ANTI):
        return
    left_scope = Scope(scope.relations[:first_right], dict(scope.merged))
    for name in names:
        ours = left_scope.resolve_here(None, name)
        if ours is None:
            raise NotDistributable(f"USING ({name})")
        scope.merged[name.lower()] = ours
    hidden = frozenset(name.lower() for name in names)
    for position, relation in enumerate(scope.relations[first_right:], first_right):
        scope.relations[position] = Relation(relation.alias, relation.columns, relation.hidden | hidden)
