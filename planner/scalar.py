"""Scalar expressions: sqlglot expressions whose columns are unique ids. Nothing here changes its arguments."""

from collections.abc import Iterable, Mapping, Sequence

from sqlglot import ErrorLevel, exp
from sqlglot.dialects.dialect import Dialect

from shoal.planner.ids import ColumnId
from shoal.planner.plain_sql import write_plainly

DIALECT = "duckdb"
_WRITER = Dialect.get_or_raise(DIALECT)
"""Found once: looking a dialect up by name costs more than writing a short expression."""

_WITHOUT_PARTS = (exp.Column, exp.Literal, exp.Identifier)

VOLATILE_FUNCTIONS = frozenset(
    {"random", "uuid", "gen_random_uuid", "uuidv4", "uuidv7", "setseed", "nextval", "currval", "sleep_ms", "error"}
)

_STAND_ALONE = (exp.Column, exp.Literal, exp.Func, exp.Cast, exp.Paren)


def column_ref(column: ColumnId) -> exp.Column:
    """A reference to a column."""
    return exp.Column(this=exp.Identifier(this=str(column), quoted=True))


def columns_of(expression: exp.Expression | None) -> frozenset[ColumnId]:
    """The ids of all columns that an expression refers to."""
    if expression is None:
        return frozenset()
    return frozenset([ColumnId(item.name) for item in parts_of(expression) if isinstance(item, exp.Column)])


def parts_of(expression: exp.Expression) -> list[exp.Expression]:
    """The expression and all that it is made of, down to columns and literals; several times as fast as ``walk``."""
    found: list[exp.Expression] = []
    ahead = [expression]
    while ahead:
        item = ahead.pop()
        found.append(item)
        if isinstance(item, _WITHOUT_PARTS):
            continue
        for value in item.args.values():
            if isinstance(value, exp.Expression):
                ahead.append(value)
            elif isinstance(value, list):
                ahead += [one for one in value if isinstance(one, exp.Expression)]
    return found


def substitute(expression: exp.Expression, mapping: Mapping[ColumnId, exp.Expression]) -> exp.Expression:
    """The expression with columns replaced; a copy, unless none of them occurs."""
    if columns_of(expression).isdisjoint(mapping):
        return expression

    def replace(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Column) and ColumnId(node.name) in mapping:
            return operand(mapping[ColumnId(node.name)].copy())
        return node

    return expression.transform(replace)


def rename(expression: exp.Expression, mapping: Mapping[ColumnId, ColumnId]) -> exp.Expression:
    """The expression over other columns; the same object when none of them occurs."""
    used = columns_of(expression) & mapping.keys()
    return substitute(expression, {old: column_ref(mapping[old]) for old in used}) if used else expression


def operand(expression: exp.Expression) -> exp.Expression:
    """The expression as it can stand beside any operator: in parentheses unless it is a column, a literal or a call.

    To sqlglot AND, OR and other operators are calls, too.
    """
    if isinstance(expression, (exp.Binary, exp.IntervalOp)):
        return exp.Paren(this=expression)
    return expression if isinstance(expression, _STAND_ALONE) else exp.Paren(this=expression)


def conjuncts(expression: exp.Expression | None) -> tuple[exp.Expression, ...]:
    """The terms of a conjunction; none for None or for TRUE."""
    if expression is None:
        return ()
    bare = unwrap(expression)
    if isinstance(bare, exp.And):
        return conjuncts(bare.this) + conjuncts(bare.expression)
    if isinstance(bare, exp.Boolean) and bare.this is True:
        return ()
    return (bare,)


def disjuncts(expression: exp.Expression) -> tuple[exp.Expression, ...]:
    """The terms of a disjunction."""
    bare = unwrap(expression)
    if isinstance(bare, exp.Or):
        return disjuncts(bare.this) + disjuncts(bare.expression)
    return (bare,)


def conjunction(terms: Sequence[exp.Expression]) -> exp.Expression | None:
    """AND of all terms; None for none."""
    return _combine(terms, exp.And)


def disjunction(terms: Sequence[exp.Expression]) -> exp.Expression | None:
    """OR of all terms; None for none."""
    return _combine(terms, exp.Or)


def _combine(terms: Sequence[exp.Expression], operator: type[exp.And] | type[exp.Or]) -> exp.Expression | None:
    if not terms:
        return None
    if len(terms) == 1:
        return terms[0]
    result = _operand(terms[0])
    for term in terms[1:]:
        result = operator(this=result, expression=_operand(term))
    return result


def _operand(term: exp.Expression) -> exp.Expression:
    copy = term.copy()
    return exp.Paren(this=copy) if isinstance(copy, exp.Connector) else copy


def unwrap(expression: exp.Expression) -> exp.Expression:
    """The expression without parentheses around it."""
    while isinstance(expression, exp.Paren):
        expression = expression.this
    return expression


def equality(expression: exp.Expression) -> tuple[exp.Expression, exp.Expression] | None:
    """The two sides of an ``=``, or None; one with ANY or ALL of a list has no two sides."""
    bare = unwrap(expression)
    if not isinstance(bare, exp.EQ) or is_quantified(bare.expression):
        return None
    return bare.this, bare.expression


def is_quantified(operand: object) -> bool:
    """Whether the right side of a comparison is ANY or ALL of a list, which sqlglot may take for a function."""
    if isinstance(operand, exp.Anonymous):
        return operand.name.upper() in ("ANY", "ALL", "SOME")
    return isinstance(operand, (exp.Any, exp.All))


def null_safe_equality(left: exp.Expression, right: exp.Expression) -> exp.Expression:
    """``left IS NOT DISTINCT FROM right``."""
    return exp.NullSafeEQ(this=left.copy(), expression=right.copy())


def is_volatile(expression: exp.Expression) -> bool:
    """Whether two evaluations over the same row may differ, or it has an effect (such as ``error``)."""
    return any(_is_volatile_call(part) for part in parts_of(expression))


def _is_volatile_call(part: object) -> bool:
    if not isinstance(part, exp.Func):
        return False
    name = part.name if isinstance(part, exp.Anonymous) else part.sql_name()
    return name.lower() in VOLATILE_FUNCTIONS or isinstance(part, (exp.Rand, exp.Randn, exp.Uuid))


def sql_of(expression: exp.Expression) -> str:
    """The kernel SQL of an expression."""
    plain = write_plainly(expression)
    if plain is not None:
        return plain
    # sqlglot would log that another system gives a function another type.
    return expression.sql(dialect=_WRITER, comments=False, unsupported_level=ErrorLevel.IGNORE)


def any_refers(items: Iterable[exp.Expression], columns: frozenset[ColumnId]) -> bool:
    """Whether one of the expressions refers to one of the columns."""
    return any(not columns_of(item).isdisjoint(columns) for item in items)
