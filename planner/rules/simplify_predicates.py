"""Simplify the predicates of filters and joins by the laws of three-valued logic."""

import operator
from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.logical import Node
from shoal.planner.rules.context import RuleContext
from shoal.planner.scalar import conjunction, conjuncts, disjunction, disjuncts, is_quantified, is_volatile, unwrap
from shoal.planner.tree import transform_up

NEGATIONS: dict[type[exp.Expression], type[exp.Expression]] = {
    exp.EQ: exp.NEQ,
    exp.NEQ: exp.EQ,
    exp.LT: exp.GTE,
    exp.GTE: exp.LT,
    exp.GT: exp.LTE,
    exp.LTE: exp.GT,
}
"""Comparisons and their opposites; both are NULL for NULL, and the kernel orders NaN like any other value."""

COMPARISONS: dict[type[exp.Expression], Callable[[int, int], bool]] = {
    exp.EQ: operator.eq,
    exp.NEQ: operator.ne,
    exp.LT: operator.lt,
    exp.LTE: operator.le,
    exp.GT: operator.gt,
    exp.GTE: operator.ge,
}


def simplify_predicates(node: Node, context: RuleContext) -> Node:
    """Bring predicates into the shape that the other rules look for.

        Filter((a AND b) OR (a AND c))  ->  Filter(a AND (b OR c))
        Filter(NOT (a OR x = 1))        ->  Filter(NOT a AND x <> 1)
        Filter(TRUE AND 1 = 1)          ->  the input

    Only boolean structure, literal comparisons and negations change. Does not fire on volatile terms (two calls of
    ``random()`` are not one), on other constants (their types are the kernel's to settle), nor outside of predicates.
    """
    return transform_up(node, _simplify_at)


def _simplify_at(node: Node) -> Node:
    match node:
        case logical.Filter():
            predicate = simplify(node.predicate)
            if is_true(predicate):
                return node.input
            return node if predicate is node.predicate else replace(node, predicate=predicate)
        case logical.Join() | logical.Apply() if node.condition is not None:
            condition = simplify(node.condition)
            if is_true(condition):
                return replace(node, condition=None)
            return node if condition is node.condition else replace(node, condition=condition)
    return node


def simplify(predicate: exp.Expression) -> exp.Expression:
    """The predicate, or a simpler one that is true for the same rows; the same object when nothing changes."""
    terms = [_simplify(term) for term in conjuncts(predicate)]
    flat = [part for term in terms for part in conjuncts(term)]
    if any(is_false(term) or isinstance(term, exp.Null) for term in flat):
        result: exp.Expression = exp.false()
    else:
        kept = _distinct(flat)
        if _is_conjunction_of(predicate, kept):
            return predicate
        result = conjunction(kept) or exp.true()
    return predicate if result == predicate else result


def _is_conjunction_of(predicate: exp.Expression, terms: Sequence[exp.Expression]) -> bool:
    """Whether a predicate consists of exactly these objects, without parentheses around any of them."""
    found: list[exp.Expression] = []
    ahead = [predicate]
    while ahead:
        item = ahead.pop()
        if isinstance(item, exp.And):
            ahead += [item.expression, item.this]
        else:
            found.append(item)
    return len(found) == len(terms) and all(one is other for one, other in zip(found, terms, strict=True))


def is_true(expression: exp.Expression) -> bool:
    """Whether it is the literal TRUE."""
    return isinstance(expression, exp.Boolean) and expression.this is True


def is_false(expression: exp.Expression) -> bool:
    """Whether it is the literal FALSE."""
    return isinstance(expression, exp.Boolean) and expression.this is False


def _simplify(expression: exp.Expression) -> exp.Expression:
    """The same three-valued value, simpler."""
    bare = unwrap(expression)
    match bare:
        case exp.And():
            terms = [part for term in conjuncts(bare) for part in conjuncts(_simplify(term))]
            return exp.false() if any(map(is_false, terms)) else conjunction(_distinct(terms)) or exp.true()
        case exp.Or():
            return _simplify_or([part for term in disjuncts(bare) for part in disjuncts(_simplify(term))])
        case exp.Not():
            return _negate(unwrap(bare.this))
        case exp.EQ() | exp.NEQ() | exp.LT() | exp.LTE() | exp.GT() | exp.GTE():
            return _compare_literals(bare)
    return bare


def _simplify_or(terms: list[exp.Expression]) -> exp.Expression:
    if any(map(is_true, terms)):
        return exp.true()
    kept = _distinct([term for term in terms if not is_false(term)])
    if not kept:
        return exp.false()
    branches = [conjuncts(term) for term in kept]
    shared = [term for term in branches[0] if _in_all(term, branches[1:])] if len(branches) > 1 else []
    if not shared:
        return disjunction(kept) or exp.false()
    rests = [conjunction([term for term in branch if term not in shared]) for branch in branches]
    remaining = [rest for rest in rests if rest is not None]
    if len(remaining) == len(rests):
        shared.append(_simplify_or(remaining))
    return conjunction(shared) or exp.true()


def _in_all(term: exp.Expression, branches: Sequence[Sequence[exp.Expression]]) -> bool:
    return all(term in branch for branch in branches) and not is_volatile(term)


def _negate(operand: exp.Expression) -> exp.Expression:
    match operand:
        case exp.And():
            return _simplify(disjunction([_negate(term) for term in conjuncts(operand)]) or exp.false())
        case exp.Or():
            return _simplify(conjunction([_negate(term) for term in disjuncts(operand)]) or exp.true())
        case exp.Boolean():
            return exp.false() if operand.this else exp.true()
        case exp.Not() if isinstance(unwrap(operand.this), (exp.Predicate, exp.Connector, exp.Boolean, exp.Not)):
            return _simplify(operand.this)
    opposite = NEGATIONS.get(type(operand))
    # What is not equal to ALL of a list need not be unequal to all of it.
    if opposite is not None and not is_quantified(operand.expression):
        return _compare_literals(opposite(this=operand.this.copy(), expression=operand.expression.copy()))
    return exp.Not(this=operand.copy() if isinstance(operand, exp.Column) else exp.Paren(this=operand.copy()))


def _compare_literals(comparison: exp.Expression) -> exp.Expression:
    """TRUE or FALSE for a comparison of two integer literals, or for whether two texts are equal; others stay."""
    left, right = unwrap(comparison.this), unwrap(comparison.expression)
    if isinstance(comparison, (exp.EQ, exp.NEQ)) and _is_text(left) and _is_text(right):
        return exp.true() if (left.this == right.this) is isinstance(comparison, exp.EQ) else exp.false()
    if not (isinstance(left, exp.Literal) and isinstance(right, exp.Literal) and left.is_int and right.is_int):
        return comparison
    first, second = int(left.this), int(right.this)
    return exp.true() if COMPARISONS[type(comparison)](first, second) else exp.false()


def _is_text(expression: exp.Expression) -> bool:
    return isinstance(expression, exp.Literal) and bool(expression.is_string)


def _distinct(terms: Sequence[exp.Expression]) -> list[exp.Expression]:
    kept: list[exp.Expression] = []
    for term in terms:
        if term not in kept or is_volatile(term):
            kept.append(term)
    return kept
