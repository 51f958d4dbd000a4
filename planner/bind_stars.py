"""Which columns ``*`` with its clauses and ``COLUMNS(...)`` stand for, told by the kernel itself.

The kernel is asked for the same item over one row of numbers, a number for each column in scope:

    SELECT * LIKE 'a%' FROM (SELECT 0 AS a, 1 AS b) AS t, (SELECT 2 AS ab) AS u  ->  a: 0, ab: 2
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from shoal.planner.errors import ProgrammingError
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.protocols import Kernel
from shoal.planner.scalar import sql_of
from shoal.planner.scope import Relation, Scope, ScopeColumn

_FILTERS = (exp.Like, exp.ILike, exp.SimilarTo, exp.Glob)


@dataclass(frozen=True, slots=True)
class StarColumn:
    """A column of an expanded star: the name that it gets, and what it is."""

    name: str
    relation: str
    column: ScopeColumn


def is_star(item: exp.Expression) -> bool:
    """``*`` and ``t.*``, perhaps with clauses."""
    return isinstance(item, exp.Star) or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star))


def needs_kernel(item: exp.Expression) -> bool:
    """Whether an item of a select list is a star whose columns depend on more than names to leave out."""
    bare = item.this if isinstance(item, exp.Not) else item
    if isinstance(bare, _FILTERS):
        return is_star(bare.this)
    if not is_star(item):
        return False
    star = item.this if isinstance(item, exp.Column) else item
    qualified = any(isinstance(one, exp.Column) and one.table for one in star.args.get("except_") or [])
    return bool(star.args.get("rename") or star.args.get("ilike") or qualified)


def columns_of_star(item: exp.Expression, scope: Scope, kernel: Kernel) -> list[StarColumn]:
    """The columns that a star or ``COLUMNS`` stands for, in order."""
    relations = _relations(scope)
    numbered = [(relation.alias, column) for relation in relations for column in relation.columns]
    positions = iter(range(len(numbered)))
    sources = []
    for relation in relations:
        items = ", ".join(f"{next(positions)} AS {_quoted(column.name)}" for column in relation.columns)
        sources.append(f"(SELECT {items}) AS {_quoted(relation.alias)}")
    try:
        found = kernel.evaluate(f"SELECT {sql_of(item)} FROM {', '.join(sources)}")
        return [StarColumn(name, *numbered[int(value)]) for name, value in found]
    except (ProgrammingError, ValueError, IndexError) as error:
        raise NotDistributable(f"{sql_of(item)[:60]} is expanded by the kernel only") from error


def expanded(item: exp.Expression, scope: Scope, kernel: Kernel) -> list[exp.Expression]:
    """An expression with ``COLUMNS`` once for each of its columns; without ``COLUMNS`` the expression itself.

    All ``COLUMNS`` of it have to be alike. Those in its subqueries are not its own.
    """
    block = item.find_ancestor(exp.Query)
    found_calls = list(item.find_all(exp.Columns))
    calls = [call for call in found_calls if call.find_ancestor(exp.Query) is block]
    if not calls:
        return [item]
    if len(calls) < len(found_calls):
        raise NotDistributable("COLUMNS here and in a subquery")
    if any(call.args.get("unpack") for call in calls) or len({sql_of(call) for call in calls}) > 1:
        raise NotDistributable("COLUMNS in several forms")
    if any(isinstance(call.this, exp.Star) and call.this.args.get("replace") for call in calls):
        raise NotDistributable("COLUMNS of replaced columns")
    found: list[exp.Expression] = []
    for one in columns_of_star(calls[0], scope, kernel):
        column = exp.Column(
            this=exp.to_identifier(one.column.name, quoted=True), table=exp.to_identifier(one.relation, quoted=True)
        )
        found.append(item.transform(lambda node, by=column: by.copy() if isinstance(node, exp.Columns) else node))
    return found


def _relations(scope: Scope) -> Sequence[Relation]:
    if scope.merged or any(relation.hidden for relation in scope.relations):
        raise NotDistributable("a star with clauses over columns of USING")
    return [relation for relation in scope.relations if relation.columns]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
