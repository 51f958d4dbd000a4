"""What aggregates give over no rows at all; read off DuckDB 2.0, and compared with the installed kernel in a test."""

from sqlglot import exp

from shoal.planner.functions import AGGREGATES
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.scalar import sql_of

ZERO_OVER_NOTHING = frozenset({"count", "count_star", "approx_count_distinct", "regr_count", "entropy"})
UNCERTAIN_OVER_NOTHING = frozenset({"lttb", "combine_aggr", "reservoir_quantile", "variant_group_object"})


def value_over_nothing(aggregate: exp.Expression) -> exp.Expression | None:
    """The value of an aggregate call over no rows: a literal, or None for NULL.

    Raises ``NotDistributable`` for an aggregate of which that is not known.
    """
    call = aggregate.this if isinstance(aggregate, exp.Filter) else aggregate
    name = sql_of(call).partition("(")[0].strip().lower()
    if name in ZERO_OVER_NOTHING:
        return exp.Literal.number("0.0" if name == "entropy" else "0")
    if name not in AGGREGATES or name in UNCERTAIN_OVER_NOTHING:
        raise NotDistributable(
            f"a correlated subquery with the aggregate {name}, of whose empty value nothing is known"
        )
    return None
