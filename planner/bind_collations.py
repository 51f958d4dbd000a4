"""Binds collations where values are compared or ordered: by the functions that the kernel itself compares by.

    a COLLATE NOCASE = b   ->  lower(a) = lower(b)
    ORDER BY a COLLATE NOCASE.NOACCENT  ->  ORDER BY strip_accents(lower(a))

Elsewhere (in groups, DISTINCT, windows and arguments) a collation tells which of several values stands for all of them,
which is left to the kernel; so are the collations of languages.
"""

from sqlglot import exp

from shoal.planner.bind_quantified import COMPARISONS

_FUNCTIONS = {"nocase": "lower", "noaccent": "strip_accents", "nfc": "nfc_normalize"}


def without_collation(key: exp.Expression) -> exp.Expression:
    """A key of an order, with functions in place of its collation; the same object without one that is known."""
    names = _names(key)
    return _wrapped(key.this, names) if names else key


def compared_without_collation(node: exp.Expression) -> exp.Expression | None:
    """A comparison of texts by a collation, with functions in its place; None for anything else."""
    if not isinstance(node, COMPARISONS):
        return None
    found = [side for side in (node.this, node.expression) if _names(side)]
    if not found or any(_names(side) != _names(found[0]) for side in found):
        return None
    names = _names(found[0])
    sides = [_wrapped(side.this if _names(side) else side, names) for side in (node.this, node.expression)]
    return type(node)(this=sides[0], expression=sides[1])


def _names(expression: exp.Expression) -> tuple[str, ...]:
    if not isinstance(expression, exp.Collate):
        return ()
    names = tuple(part.strip('"') for part in expression.expression.sql().lower().split("."))
    return names if all(name in _FUNCTIONS for name in names) else ()


def _wrapped(value: exp.Expression, names: tuple[str, ...]) -> exp.Expression:
    found = value.copy()
    for name in names:
        found = exp.Anonymous(this=_FUNCTIONS[name], expressions=[found])
    return found
