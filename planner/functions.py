"""What the planner knows of the kernel's functions: which are aggregates, and how an aggregate can be split.

The lists were read off DuckDB 2.0's ``duckdb_functions()``; a test compares them with the kernel that is installed.
"""

from sqlglot import exp

AGGREGATES = frozenset(
    """any_value approx_count_distinct approx_quantile approx_top_k arbitrary arg_max arg_max_null arg_max_nulls_last
    arg_min arg_min_null arg_min_nulls_last argmax argmin array_agg avg bit_and bit_or bit_xor bitstring_agg bool_and
    bool_or combine_aggr corr count count_if count_star countif covar_pop covar_samp decimal_average entropy favg first
    fsum group_concat histogram histogram_exact kahan_sum kurtosis kurtosis_pop last list listagg lttb mad max max_by
    mean median min min_by mode product quantile quantile_cont quantile_disc regr_avgx regr_avgy regr_count
    regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy reservoir_quantile sem skewness stddev stddev_pop
    stddev_samp string_agg sum sum_no_overflow sumkahan var_pop var_samp variance variant_group_object""".split()
)

RECOMBINED = {"sum": "sum", "count": "sum", "count_star": "sum", "min": "min", "max": "max"}
"""Aggregates whose partial results are combined by an ordinary aggregate (of one argument)."""

EXPORTED = frozenset(
    """avg mean stddev stddev_pop stddev_samp var_pop var_samp variance corr covar_pop covar_samp regr_avgx regr_avgy
    regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy skewness kurtosis kurtosis_pop sem
    approx_count_distinct bool_and bool_or bit_and bit_or bit_xor""".split()
)
"""Aggregates of plain arguments whose state the kernel exports and combines in any order."""

_AVERAGED = {
    "TINYINT": "BIGINT",
    "UTINYINT": "BIGINT",
    "USMALLINT": "BIGINT",
    "UINTEGER": "BIGINT",
    "UBIGINT": "HUGEINT",
    "FLOAT": "DOUBLE",
    "DATE": "TIMESTAMP",
} | {name: name for name in ("SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DOUBLE", "TIMESTAMP", "TIME", "INTERVAL")}
_INTEGERS = frozenset("TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT".split())


def state_type(name: str, type: str) -> str | None:
    """The type to which the kernel brings an argument of an exported aggregate; None: its state cannot be read back."""
    match name:
        case "approx_count_distinct":
            return type or None
        case "bool_and" | "bool_or":
            return type if type == "BOOLEAN" else None
        case "bit_and" | "bit_or" | "bit_xor":
            return type if type in _INTEGERS else None
        case "avg" | "mean":
            return type if type.startswith("DECIMAL") else _AVERAGED.get(type)
        case _:
            numeric = type in _INTEGERS or type in ("FLOAT", "DOUBLE") or type.startswith("DECIMAL")
            return "DOUBLE" if numeric else None


ORDER_FREE = frozenset(RECOMBINED) | EXPORTED | {"count_if", "countif", "median", "quantile", "mode", "mad", "entropy"}
"""Aggregates whose result does not depend on the order of their input (floats aside)."""

SAFE_NODES: tuple[type[exp.Expression], ...] = (
    exp.Column,
    exp.Identifier,
    exp.Literal,
    exp.Boolean,
    exp.Null,
    exp.Paren,
    exp.Tuple,
    exp.And,
    exp.Or,
    exp.Not,
    exp.EQ,
    exp.NEQ,
    exp.GT,
    exp.GTE,
    exp.LT,
    exp.LTE,
    exp.NullSafeEQ,
    exp.NullSafeNEQ,
    exp.Is,
    exp.In,
    exp.Between,
    exp.Like,
    exp.ILike,
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Div,
    exp.IntDiv,
    exp.Mod,
    exp.Neg,
    exp.Cast,
    exp.TryCast,
    exp.DataType,
    exp.DataTypeParam,
    exp.Interval,
    exp.Var,
    exp.Case,
    exp.If,
    exp.Coalesce,
    exp.Nullif,
    exp.Greatest,
    exp.Least,
    exp.Extract,
    exp.Substring,
    exp.Concat,
    exp.DPipe,
    exp.Lower,
    exp.Upper,
    exp.Trim,
    exp.Length,
    exp.Abs,
    exp.Round,
    exp.Ceil,
    exp.Floor,
    exp.Sqrt,
    exp.Exp,
    exp.Ln,
    exp.Pow,
    exp.Sign,
    exp.Year,
    exp.Month,
    exp.Day,
    exp.Dot,
    exp.Anonymous,
    exp.Count,
    exp.Sum,
    exp.Avg,
    exp.Min,
    exp.Max,
    exp.Stddev,
    exp.StddevPop,
    exp.StddevSamp,
    exp.Variance,
    exp.VariancePop,
    exp.Corr,
    exp.CovarPop,
    exp.CovarSamp,
    exp.ApproxDistinct,
    exp.AnyValue,
    exp.First,
    exp.Last,
    exp.Median,
    exp.LogicalAnd,
    exp.LogicalOr,
    exp.ArrayAgg,
    exp.Distinct,
    exp.Filter,
    exp.Where,
    exp.Star,
    exp.Order,
    exp.Ordered,
    exp.Window,
    exp.WindowSpec,
    exp.RowNumber,
    exp.Rank,
    exp.DenseRank,
    exp.Ntile,
    exp.PercentRank,
    exp.CumeDist,
    exp.Lag,
    exp.Lead,
    exp.FirstValue,
    exp.LastValue,
    exp.NthValue,
    exp.Subquery,
    exp.Exists,
    exp.Any,
    exp.All,
)
"""Expression classes that are known to come out of the generator with the meaning they had in the text."""

_SPECIAL_NAMES: dict[type[exp.Expression], str] = {
    exp.ApproxDistinct: "approx_count_distinct",
    exp.LogicalAnd: "bool_and",
    exp.LogicalOr: "bool_or",
    exp.ArrayAgg: "list",
    exp.VariancePop: "var_pop",
    exp.AnyValue: "any_value",
}


def function_name(call: exp.Expression) -> str:
    """The kernel's name of a function call, in lower case."""
    if isinstance(call, exp.Anonymous):
        return str(call.name).lower()
    special = _SPECIAL_NAMES.get(type(call))
    if special is not None:
        return special
    return call.sql_name().lower() if isinstance(call, exp.Func) else ""


def is_aggregate(expression: exp.Expression) -> bool:
    """Whether the expression is itself a call of an aggregate (not a window, not an expression around one)."""
    if isinstance(expression, (exp.Filter, exp.WithinGroup)):
        return is_aggregate(expression.this)
    if isinstance(expression, exp.Anonymous):
        return function_name(expression) in AGGREGATES
    return isinstance(expression, exp.AggFunc)


def aggregate_call(expression: exp.Expression) -> exp.Expression:
    """The call inside FILTER."""
    return expression.this if isinstance(expression, exp.Filter) else expression


def is_distinct(expression: exp.Expression) -> bool:
    """Whether an aggregate call is over DISTINCT arguments."""
    return isinstance(aggregate_call(expression).this, exp.Distinct)
