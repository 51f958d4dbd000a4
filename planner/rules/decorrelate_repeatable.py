"""Whether a plan evaluated twice gives the same rows: what decorrelation must know before it copies a part of one."""

from sqlglot import exp

from shoal.planner import logical
from shoal.planner.functions import aggregate_call, function_name
from shoal.planner.ids import ColumnId
from shoal.planner.logical import Node
from shoal.planner.scalar import VOLATILE_FUNCTIONS, unwrap
from shoal.planner.tree import walk

_ALWAYS_EXACT = frozenset(
    {"count", "count_star", "count_if", "countif", "regr_count", "min", "max", "bool_and", "bool_or"}
    | {"bit_and", "bit_or", "bit_xor"}
)
_EXACT_OVER_EXACT = frozenset({"sum", "avg", "mean", "sum_no_overflow"})
_EXACT_WINDOWS = (exp.Rank, exp.DenseRank, exp.PercentRank, exp.CumeDist)
_EXACT_NUMBERS = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"}
)


def is_exact_number(type_: str) -> bool:
    """Whether a DuckDB type is an integer or a decimal."""
    return type_ in _EXACT_NUMBERS or type_.startswith("DECIMAL")


def why_unrepeatable(node: Node) -> str | None:
    """Why two evaluations of a plan may differ, in words for EXPLAIN; None when they are known not to.

    Sums over floats, ties in an order and unordered limits count: partial results meet in another order each time.
    """
    for item in walk(node):
        reason = _why_node(item)
        if reason is not None:
            return reason
    return None


def _why_node(node: Node) -> str | None:
    for expression in logical.expressions(node):
        for function in expression.find_all(exp.Anonymous, exp.Rand, exp.Randn, exp.Uuid):
            name = function.name.lower() or "random"
            volatile = not isinstance(function, exp.Anonymous) or name in VOLATILE_FUNCTIONS
            # An error ends the statement, whichever evaluation raises it.
            if volatile and name != "error":
                return f"{name}() is volatile"
    match node:
        case logical.KernelBlock():
            return f"a block that only the kernel runs ({node.reason})"
        case logical.Limit() if not _is_total(node):
            return "LIMIT without a total order"
        case logical.Window():
            strange = [item.column.id for item in node.assignments if not _is_exact_window(item.expression, node)]
            return f"a window function ({strange[0]}) may depend on the order of ties" if strange else None
        case logical.Aggregate():
            return _why_aggregate(node)
        case _:
            return None


def _why_aggregate(node: logical.Aggregate) -> str | None:
    types = {column.id: column.type for column in logical.schema(node.input)}
    for item in node.assignments:
        call = aggregate_call(item.expression)
        name = function_name(call)
        if name in _ALWAYS_EXACT:
            continue
        argument = unwrap(call.this) if isinstance(call.this, exp.Expression) else None
        exact = is_exact_number(item.column.type) or (
            isinstance(argument, exp.Column) and is_exact_number(types.get(ColumnId(argument.name), ""))
        )
        if name in _EXACT_OVER_EXACT and exact:
            continue
        return f"{name}() may depend on the order of its input"
    return None


def _is_exact_window(window: exp.Expression, node: logical.Window) -> bool:
    """Whether a window call numbers the rows of its input in one way only, but for rows that do not differ at all."""
    if isinstance(window.this, _EXACT_WINDOWS):
        return True
    order = window.args.get("order")
    keys = [*(window.args.get("partition_by") or ()), *(item.this for item in (order.expressions if order else ()))]
    named = {ColumnId(key.name) for key in keys if isinstance(key, exp.Column)}
    return isinstance(window.this, exp.RowNumber) and logical.column_ids(node.input) <= named


def _is_total(node: logical.Limit) -> bool:
    """Whether ties of the order are rows that do not differ at all."""
    if node.count is None and not node.offset:
        return True
    if not isinstance(node.input, logical.Sort):
        return False
    keys = {ColumnId(key.expression.name) for key in node.input.keys if isinstance(key.expression, exp.Column)}
    return logical.column_ids(node.input) <= keys
