"""Which joins of a region may be done before which others, when not all of them are inner joins.

This is conflict detector CD-C of Moerkotte, Fender and Eich, "On the Correct and Complete Enumeration of the Core
Search Space" (SIGMOD 2013). From the original tree each operator gets the relations that its inputs must
contain, and rules ``(if, then)``: what has a relation of the first set must have all of the second one. They follow
from three properties of pairs of operators; x, y and z stand for what they join:

    assoc      (x A y) B z  =  x A (y B z)
    l_asscom   (x A y) B z  =  (x B z) A y
    r_asscom   x A (y B z)  =  y B (x A z)
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from shoal.planner.cost.join_members import Operator
from shoal.planner.ids import ColumnId
from shoal.planner.logical import JoinKind
from shoal.planner.null_rejection import rejects_nulls
from shoal.planner.scalar import columns_of

Rule = tuple[int, int]
"""A set with a relation of the first set must contain all relations of the second one."""

INNER, FULL, LEFT = JoinKind.INNER, JoinKind.FULL, JoinKind.LEFT


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an operator may be done: ``left`` and ``right`` must be in its inputs, ``rules`` hold for what it joins."""

    left: int
    right: int
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An operator, the relations that its condition needs (of either side at least one), and all relations' columns."""

    operator: Operator
    needs: int
    columns: Sequence[frozenset[ColumnId]]

    def rejects(self, members: int) -> bool:
        """Whether the condition is never true where all columns of these relations are NULL."""
        columns = frozenset[ColumnId]().union(
            *(item for index, item in enumerate(self.columns) if members >> index & 1)
        )
        return any(rejects_nulls(term, columns) for term in self.operator.terms)


def assoc(first: _Candidate, second: _Candidate, middle: int) -> bool:
    """Whether ``(x first y) second z = x first (y second z)``; ``middle`` is y."""
    match first.operator.kind, second.operator.kind:
        case JoinKind.INNER, kind:
            return kind is not FULL
        case ((JoinKind.LEFT | JoinKind.FULL), JoinKind.LEFT):
            return second.rejects(middle)
        case JoinKind.FULL, JoinKind.FULL:
            return first.rejects(middle) and second.rejects(middle)
    return False


def l_asscom(first: _Candidate, second: _Candidate, shared: int) -> bool:
    """Whether ``(x first y) second z = (x second z) first y``; ``shared`` is x."""
    match first.operator.kind, second.operator.kind:
        case JoinKind.FULL, JoinKind.FULL:
            return first.rejects(shared) and second.rejects(shared)
        case JoinKind.FULL, kind:
            return kind is LEFT and second.rejects(shared)
        case kind, JoinKind.FULL:
            return kind is LEFT and first.rejects(shared)
    return True


def r_asscom(first: _Candidate, second: _Candidate, shared: int) -> bool:
    """Whether ``x first (y second z) = y second (x first z)``; ``shared`` is z."""
    match first.operator.kind, second.operator.kind:
        case JoinKind.INNER, JoinKind.INNER:
            return True
        case JoinKind.FULL, JoinKind.FULL:
            return first.rejects(shared) and second.rejects(shared)
    return False


def place_operators(operators: Sequence[Operator], columns: Sequence[frozenset[ColumnId]]) -> list[Placement]:
    """Where each operator may be done, given the columns of each relation."""
    candidates = [_Candidate(item, _needs(item, columns), columns) for item in operators]
    return [_place(item, candidates) for item in candidates]


def inner_rules(operators: Sequence[Operator], columns: Sequence[frozenset[ColumnId]]) -> tuple[Rule, ...]:
    """The rules for the inner joins of the region, which stand above every operator that they have in their inputs.

    An inner join never moves below the right side of an operator; where it is in the original tree does not matter, as
    a set that contains a part of that side, but not what the operator joins it with, is no input of an inner join.
    """
    inner = _Candidate(Operator(INNER, (), 0, 0), 0, columns)
    rules: list[Rule] = []
    for item in operators:
        nested = _Candidate(item, _needs(item, columns), columns)
        if not assoc(nested, inner, item.right):
            rules.append((item.right, _reached(item.left, nested)))
        if not l_asscom(nested, inner, item.left):
            rules.append((item.left, _reached(item.right, nested)))
    return tuple(rules)


def closure(members: int, rules: Sequence[Rule]) -> int:
    """The members and everything that the rules want with them."""
    grown = True
    while grown:
        grown = False
        for condition, wanted in rules:
            if members & condition and wanted & ~members:
                members |= wanted
                grown = True
    return members


def holds(members: int, rules: Sequence[Rule]) -> bool:
    """Whether a set of relations keeps all rules."""
    return not any(members & condition and wanted & ~members for condition, wanted in rules)


def _place(item: _Candidate, candidates: Sequence[_Candidate]) -> Placement:
    rules: list[Rule] = []
    for nested in candidates:
        inside = nested.operator.left | nested.operator.right
        if nested is item or inside & ~(item.operator.left | item.operator.right):
            continue
        if not inside & ~item.operator.left:
            rules += _rules_of_left(nested, item)
        elif not inside & ~item.operator.right:
            rules += _rules_of_right(nested, item)
    needs = closure(item.needs, rules)
    left = [(condition, wanted) for condition, wanted in rules if wanted & ~needs]
    return Placement(needs & item.operator.left, needs & item.operator.right, tuple(left))


def _rules_of_left(nested: _Candidate, item: _Candidate) -> list[Rule]:
    below = nested.operator
    rules: list[Rule] = []
    if not assoc(nested, item, below.right):
        rules.append((below.right, _reached(below.left, nested)))
    if not l_asscom(nested, item, below.left):
        rules.append((below.left, _reached(below.right, nested)))
    return rules


def _rules_of_right(nested: _Candidate, item: _Candidate) -> list[Rule]:
    below = nested.operator
    rules: list[Rule] = []
    if not assoc(item, nested, below.left):
        rules.append((below.left, _reached(below.right, nested)))
    if not r_asscom(item, nested, below.right):
        rules.append((below.right, _reached(below.left, nested)))
    return rules


def _reached(side: int, nested: _Candidate) -> int:
    """What must be there of a side for the nested operator to have been done: what its condition needs, or all."""
    return side & nested.needs or side


def _needs(item: Operator, columns: Sequence[frozenset[ColumnId]]) -> int:
    """The relations that a condition refers to; a whole side if to none of it."""
    mask = relations_of(item.terms, columns)
    return (mask & item.left or item.left) | (mask & item.right or item.right)


def relations_of(terms: Sequence[exp.Expression], columns: Sequence[frozenset[ColumnId]]) -> int:
    """The relations that terms refer to."""
    used = frozenset(column for term in terms for column in columns_of(term))
    return sum(1 << index for index, item in enumerate(columns) if not item.isdisjoint(used))
