"""Binds LIMIT and OFFSET: constants to a ``Limit``; what is known only when the rows are, to numbers of the rows.

SELECT a FROM t ORDER BY a LIMIT 10%
-> Filter n <= floor(10 / 100 * total)
Window n = row_number() OVER (ORDER BY a), total = count(*) OVER ()

... LIMIT (SELECT x FROM u)  ->  Filter x IS NULL OR n <= x, over a scalar subquery for x
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from shoal.planner.bind_expression import ExpressionBinder
from shoal.planner.errors import ProgrammingError
from shoal.planner.logical import Assignment, Column, Filter, Node, Project, SortKey, Window, schema
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.protocols import Kernel
from shoal.planner.scalar import DIALECT, column_ref, conjunction, is_volatile, sql_of

LARGEST_LIMIT = 2**31
_ALL_ROWS = 2**62


@dataclass(frozen=True, slots=True)
class ComputedLimit:
    """A LIMIT and an OFFSET of which at least one is not known yet; the count may be in percent of all rows."""

    count: exp.Expression | None
    offset: exp.Expression | None
    percent: bool


def limit_of(query: exp.Expression, kernel: Kernel) -> tuple[int | None, int] | ComputedLimit | None:
    """The LIMIT and OFFSET of a query block, None without either."""
    limit, offset = query.args.get("limit"), query.args.get("offset")
    if limit is None and offset is None:
        return None
    options = limit.args.get("limit_options") if limit is not None else None
    if options is not None and options.args.get("with_ties"):
        raise NotDistributable("a LIMIT with ties")
    count: exp.Expression | None = None
    if limit is not None:
        count = limit.args.get("count") or exp.Literal.number(1) if isinstance(limit, exp.Fetch) else limit.expression
    start = offset.expression if offset is not None else None
    percent = bool(options is not None and options.args.get("percent"))
    if percent and not (isinstance(count, exp.Literal) and 0 <= float(count.this) <= 100):
        raise NotDistributable("a LIMIT of computed percent")
    if percent or any(one is not None and one.find(exp.Query) is not None for one in (count, start)):
        return ComputedLimit(count, start, percent)
    return _number(count, kernel), _number(start, kernel) or 0


def _number(value: exp.Expression | None, kernel: Kernel) -> int | None:
    """The number that a constant is, as the kernel computes it; None for NULL and ALL."""
    if value is None or isinstance(value, exp.Null) or value.name.upper() == "ALL":
        return None
    if isinstance(value, exp.Literal) and not value.is_string and str(value.this).isdigit():
        found = str(value.this)
    elif value.find(exp.Column) is not None or is_volatile(value):
        raise NotDistributable("a LIMIT that is an expression")
    else:
        try:
            found = kernel.evaluate(f"SELECT CAST(({sql_of(value)}) AS BIGINT)")[0][1]
        except (ProgrammingError, ValueError, IndexError) as error:
            raise NotDistributable("a LIMIT that is an expression") from error
    if found == "None":
        return None
    if not 0 <= int(found) < LARGEST_LIMIT:
        raise NotDistributable("a LIMIT that is an expression")
    return int(found)


def limited(node: Node, keys: Sequence[SortKey], limit: ComputedLimit, expressions: ExpressionBinder) -> Node:
    """The rows of a node that a computed limit leaves, as they come in the order of the keys; itself in no order."""
    number, total = (Column(expressions.ids.fresh(name), "BIGINT") for name in ("row_number", "rows"))
    ordered = [exp.Ordered(this=key.expression, desc=key.descending, nulls_first=key.nulls_first) for key in keys]
    order = exp.Order(expressions=ordered) if ordered else None
    windows = [Assignment(number, exp.Window(this=exp.RowNumber(), order=order, over="OVER"))]
    if limit.percent:
        windows.append(Assignment(total, exp.Window(this=exp.Count(this=exp.Star(), big_int=True), over="OVER")))
    below = schema(node)
    offset = exp.Literal.number(0) if limit.offset is None else _rows(limit.offset, 0, expressions)
    terms: list[exp.Expression] = [exp.GT(this=column_ref(number.id), expression=offset)]
    if limit.count is not None:
        most = _share(limit.count, total) if limit.percent else _rows(limit.count, _ALL_ROWS, expressions)
        last = exp.Add(this=most, expression=offset.copy())
        terms.append(exp.LTE(this=column_ref(number.id), expression=last))
    predicate = conjunction(terms)
    assert predicate is not None
    node = expressions.attach(Window(node, tuple(windows)), terms)
    kept = tuple(Assignment(column, column_ref(column.id)) for column in below)
    return Project(Filter(node, predicate), kept)


def _rows(value: exp.Expression, default: int, expressions: ExpressionBinder) -> exp.Expression:
    """The number of rows that a value tells, of NULL the default; the kernel refuses negative ones in the casts."""
    found = expressions.bind(value)
    for type in ("BIGINT", "UBIGINT", "BIGINT"):
        found = exp.Cast(this=found, to=exp.DataType.build(type, dialect=DIALECT))
    return exp.Coalesce(this=found, expressions=[exp.Literal.number(default)])


def _share(percent: exp.Expression, total: Column) -> exp.Expression:
    """So many percent of the rows, rounded down."""
    number = exp.Cast(this=percent.copy(), to=exp.DataType.build("DOUBLE", dialect=DIALECT))
    ratio = exp.Paren(this=exp.Div(this=number, expression=exp.Literal.number(100)))
    part = exp.Mul(this=ratio, expression=column_ref(total.id))
    return exp.Cast(this=exp.Floor(this=part), to=exp.DataType.build("BIGINT", dialect=DIALECT))
