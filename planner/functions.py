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


ORDER_FREE = (
    frozenset(RECOMBINED) | EXPORTED | {"count_if", "median", "quantile", "quantile_cont", "quantile_disc", "mad"}
)
"""Aggregates whose result does not depend on the order of their input (floats aside)."""

ORDERED_AS_READ = frozenset(
    {"list", "array_agg", "string_agg", "listagg", "group_concat", "first", "last", "arbitrary"}
)
"""Aggregates that people feed from an ordered subquery, though SQL does not promise its order to them."""

_SPECIAL_NAMES: dict[type[exp.Expression], str] = {
    exp.ApproxDistinct: "approx_count_distinct",
    exp.LogicalAnd: "bool_and",
    exp.LogicalOr: "bool_or",
    exp.ArrayAgg: "list",
    exp.VariancePop: "var_pop",
    exp.AnyValue: "any_value",
    exp.CountIf: "count_if",
    exp.BitwiseAndAgg: "bit_and",
    exp.BitwiseOrAgg: "bit_or",
    exp.BitwiseXorAgg: "bit_xor",
    exp.GroupConcat: "string_agg",
    exp.PercentileCont: "quantile_cont",
    exp.PercentileDisc: "quantile_disc",
    exp.ApproxQuantile: "approx_quantile",
}


def function_name(call: exp.Expression) -> str:
    """The kernel's name of a function call, in lower case; ``max_n`` for ``max(x, n)``, which gives a list."""
    if isinstance(call, exp.Anonymous):
        return str(call.name).lower()
    if isinstance(call, (exp.Max, exp.Min)) and (call.expressions or call.args.get("count") is not None):
        return f"{call.sql_name().lower()}_n"
    special = _SPECIAL_NAMES.get(type(call))
    if special is not None:
        return special
    return call.sql_name().lower() if isinstance(call, exp.Func) else ""


def is_aggregate(expression: exp.Expression) -> bool:
    """Whether the expression is itself a call of an aggregate (not a window, not an expression around one)."""
    if isinstance(expression, (exp.Filter, exp.WithinGroup)):
        return is_aggregate(expression.this)
    if isinstance(expression, (exp.Grouping, exp.GroupingId)):
        return False
    if isinstance(expression, exp.Anonymous):
        return function_name(expression) in AGGREGATES
    return isinstance(expression, exp.AggFunc)


def aggregate_call(expression: exp.Expression) -> exp.Expression:
    """The call inside FILTER."""
    return expression.this if isinstance(expression, exp.Filter) else expression


def is_distinct(expression: exp.Expression) -> bool:
    """Whether an aggregate call is over DISTINCT arguments."""
    return isinstance(aggregate_call(expression).this, exp.Distinct)
