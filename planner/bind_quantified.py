"""Binds ``x > ANY (query)`` and ``x <= ALL (query)``, by the least, the greatest and the number of the query's values.

    x < ANY (q)  ->  CASE WHEN n = 0 THEN false WHEN x < greatest THEN true
                          WHEN x IS NULL OR known < n THEN NULL ELSE false END

``n`` counts the rows of the query and ``known`` those that are not NULL. ``= ANY`` is IN, ``<> ALL`` is NOT IN.
"""

from sqlglot import exp

from shoal.planner.not_distributable import NotDistributable
from shoal.planner.scalar import unwrap

COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
_SIGNS = {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
_ROWS, _KNOWN, _LEAST, _GREATEST = "n", "known", "least", "greatest"


def is_quantified(node: exp.Expression) -> bool:
    """Whether a node is a comparison with ANY or ALL."""
    return isinstance(node, COMPARISONS) and isinstance(node.expression, (exp.Any, exp.All))


def over_list(node: exp.Expression) -> tuple[str, exp.Expression, exp.Expression] | None:
    """The words of a comparison with ANY or ALL of a list, its operand, and the list; None if it is something else."""
    if not isinstance(node, COMPARISONS):
        return None
    operand = node.expression
    if isinstance(operand, exp.Anonymous) and operand.name.upper() in ("ANY", "ALL", "SOME"):
        word, items = operand.name.upper(), operand.expressions
    elif isinstance(operand, (exp.Any, exp.All)):
        word, items = ("ANY" if isinstance(operand, exp.Any) else "ALL"), [operand.this]
    else:
        return None
    if len(items) != 1 or isinstance(unwrap(items[0]), (exp.Query, exp.Values)):
        return None
    return f" {_SIGNS[type(node)]} {word} (", node.this, items[0]


def as_membership(node: exp.Expression) -> exp.Expression | None:
    """IN or NOT IN for the comparisons that are these; None for others."""
    query = _query(node)
    if isinstance(node, exp.EQ) and isinstance(node.expression, exp.Any):
        return exp.In(this=node.this.copy(), query=query)
    if isinstance(node, exp.NEQ) and isinstance(node.expression, exp.All):
        return exp.Not(this=exp.Paren(this=exp.In(this=node.this.copy(), query=query)))
    return None


def summary_of(node: exp.Expression) -> exp.Subquery:
    """A scalar subquery for the struct of the extremes and counts of the values."""
    value = exp.column("shoal_value", quoted=True)
    fields = (
        (_ROWS, exp.Count(this=exp.Star(), big_int=True)),
        (_KNOWN, exp.Count(this=value.copy(), big_int=True)),
        (_LEAST, exp.Min(this=value.copy())),
        (_GREATEST, exp.Max(this=value.copy())),
    )
    items = [exp.PropertyEQ(this=exp.to_identifier(name), expression=call) for name, call in fields]
    alias = exp.TableAlias(this=exp.to_identifier("shoal_values"), columns=[exp.to_identifier("shoal_value")])
    source = exp.Subquery(this=_query(node).this, alias=alias)
    return exp.Subquery(this=exp.Select(expressions=[exp.Struct(expressions=items)], from_=exp.From(this=source)))


def compared(node: exp.Expression, needle: exp.Expression, summary: exp.Expression) -> exp.Expression:
    """The three-valued result of a bound needle and a bound summary."""
    sides: dict[type[exp.Expression], tuple[str, str]] = {
        exp.LT: (_GREATEST, _LEAST),
        exp.LTE: (_GREATEST, _LEAST),
        exp.GT: (_LEAST, _GREATEST),
        exp.GTE: (_LEAST, _GREATEST),
    }
    extremes = sides.get(type(node))
    for_all = isinstance(node.expression, exp.All)
    if extremes is not None:
        found: exp.Expression = _operator(type(node), needle, _field(summary, extremes[for_all]))
        decided = exp.Not(this=exp.Paren(this=found)) if for_all else found
    else:  # = ALL is refuted, and <> ANY proved, by a value that differs: one of the extremes does
        differs = [_operator(exp.NEQ, needle, _field(summary, name)) for name in (_LEAST, _GREATEST)]
        decided = exp.Paren(this=exp.Or(this=differs[0], expression=differs[1]))
    rows, known = _field(summary, _ROWS), _field(summary, _KNOWN)
    empty = exp.EQ(this=rows.copy(), expression=exp.Literal(this="0", is_string=False))
    unknown = exp.Or(
        this=exp.Is(this=exp.Paren(this=needle.copy()), expression=exp.Null()),
        expression=exp.LT(this=known, expression=rows),
    )
    case = exp.Case().when(empty, exp.Boolean(this=for_all)).when(decided, exp.Boolean(this=not for_all))
    return exp.Paren(this=case.when(unknown, exp.Null()).else_(exp.Boolean(this=for_all)))


def _operator(kind: type[exp.Expression], left: exp.Expression, right: exp.Expression) -> exp.Expression:
    return kind(this=exp.Paren(this=left.copy()), expression=right)


def _field(summary: exp.Expression, name: str) -> exp.Expression:
    return exp.Dot(this=summary.copy(), expression=exp.Identifier(this=name, quoted=True))


def _query(node: exp.Expression) -> exp.Subquery:
    operand = node.expression.this
    while isinstance(operand, exp.Paren):
        operand = operand.this
    if isinstance(operand, exp.Subquery):
        return operand.copy()
    if isinstance(operand, exp.Query):
        return exp.Subquery(this=operand.copy())
    raise NotDistributable("a comparison with ANY or ALL of a list")


def agree(left: str, right: str) -> bool:
    """Whether values of two types are ordered among themselves as they are compared with each other."""
    return bool(left) and (left == right or (_is_number(left) and _is_number(right)))


def _is_number(type: str) -> bool:
    return type.lstrip("U") in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE") or (
        type.startswith("DECIMAL")
    )
