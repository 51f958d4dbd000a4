"""The shapes of correlated subqueries that decorrelation is tried with: what is inside, how it correlates, its use."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from shoal.planner.logical import ApplyKind, JoinKind, SetOperator
from tests.planner.correlated_queries import Builder, Built, Sub, semi

CORRELATIONS = (
    "i1.x = o1.a",
    "i1.x < o1.a",
    "i1.x <= o1.b AND i1.y > 2",
    "i1.x IS NOT DISTINCT FROM o1.a",
    "i1.x + 1 = o1.a",
    "i1.x = o1.a AND i1.y >= o1.b",
    "i1.x = o1.a AND i1.t = o1.s",
    "i1.z = o1.a",
    "i1.z = o1.a AND i1.x = o1.a",
    "i1.x = o1.a OR o1.b IS NULL",
    "i1.x = coalesce(o1.a, o1.b)",
    "o1.a = 1",
    "i1.x > 1",
)

Shape = Callable[[Builder, str], Built]


def _plain(b: Builder, on: str) -> Built:
    return b.select("q1", b.table("i", "i1"), {"r": "i1.y"}, on)


def _expression(b: Builder, on: str) -> Built:
    return b.select("q1", b.table("i", "i1"), {"r": "i1.y + o1.b"}, on, types={"r": "INTEGER"})


def _maximum(b: Builder, on: str) -> Built:
    return b.select("q1", b.table("i", "i1"), {"r": "$m"}, on, aggregates={"m": ("max(i1.y)", "INTEGER")})


def _count(b: Builder, on: str) -> Built:
    items, calls = {"r": "$n + o1.b"}, {"n": ("count(*)", "BIGINT")}
    return b.select("q1", b.table("i", "i1"), items, on, aggregates=calls, types={"r": "BIGINT"})


def _several_aggregates(b: Builder, on: str) -> Built:
    calls = {
        "n": ("count(DISTINCT i1.y)", "BIGINT"),
        "s": ("sum(i1.y) FILTER (WHERE i1.y > o1.b)", "HUGEINT"),
        "l": ("max(o1.a + i1.x)", "INTEGER"),
    }
    items = {"r": "$n * 100 + coalesce($s, -1) + coalesce($l, -7)"}
    return b.select("q1", b.table("i", "i1"), items, on, aggregates=calls, types={"r": "HUGEINT"})


def _having(b: Builder, on: str) -> Built:
    calls = {"m": ("max(i1.y)", "INTEGER"), "n": ("count(*)", "BIGINT")}
    return b.select("q1", b.table("i", "i1"), {"r": "$m"}, on, aggregates=calls, having="$n > 1 OR $n = o1.a - 3")


def _grouped(b: Builder, on: str) -> Built:
    calls = {"m": ("max(i1.y)", "INTEGER"), "n": ("count(*)", "BIGINT")}
    return b.select("q1", b.table("i", "i1"), {"r": "$m"}, on, ("i1.t",), calls, having="$n < coalesce(o1.a, 2)")


def _distinct(b: Builder, on: str) -> Built:
    return b.select("q1", b.table("i", "i1"), {"r": "i1.y"}, on, distinct=True)


def _first(b: Builder, on: str) -> Built:
    return b.select("q1", b.table("i", "i1"), {"r": "i1.y"}, on, order=("r",), limit=1)


def _second(b: Builder, on: str) -> Built:
    return b.select("q1", b.table("i", "i1"), {"r": "i1.y"}, on, order=("r",), limit=2, offset=1)


def _combined(operator: SetOperator, all_: bool, other: str) -> Shape:
    def build(b: Builder, on: str) -> Built:
        left = b.select("q2", b.table("i", "i1"), {"r": "i1.y"}, on)
        right = b.select("q3", b.table("j", "j1"), {"r": "j1.v"}, other)
        return b.combine("q1", operator, all_, left, right)

    return build


def _window(b: Builder, on: str) -> Built:
    calls = {"k": ("rank() OVER (PARTITION BY i1.t ORDER BY i1.y)", "BIGINT")}
    ranked = b.select("q2", b.table("i", "i1"), {"r": "i1.y", "k": "$k"}, on, windows=calls)
    return b.select("q1", b.derived(ranked), {"r": "q2.r_out"}, "q2.k_out <= 2")


def _joined(kind: JoinKind, on_join: str) -> Shape:
    def build(b: Builder, on: str) -> Built:
        source = b.join(kind, b.table("i", "i1"), b.table("j", "j1"), on_join)
        calls = {"m": ("sum(coalesce(i1.y, 0) + coalesce(j1.v, 1))", "HUGEINT")}
        return b.select("q1", source, {"r": "$m"}, on, aggregates=calls)

    return build


def _full_of_derived(b: Builder, on: str) -> Built:
    left = b.select("q2", b.table("i", "i1"), {"x": "i1.x", "y": "i1.y"}, on)
    right = b.select("q3", b.table("j", "j1"), {"u": "j1.u", "v": "j1.v"}, "j1.u = o1.a")
    source = b.join(JoinKind.FULL, b.derived(left), b.derived(right), "q2.y_out = q3.v_out")
    calls = {"n": ("count(*)", "BIGINT"), "m": ("sum(q2.y_out)", "HUGEINT"), "k": ("sum(q3.v_out)", "HUGEINT")}
    items = {"r": "$n * 10000 + coalesce($m, -1) * 100 + coalesce($k, -1)"}
    return b.select("q1", source, items, aggregates=calls, types={"r": "HUGEINT"})


def _left_of_derived(b: Builder, on: str) -> Built:
    right = b.select("q2", b.table("i", "i1"), {"x": "i1.x", "m": "$m"}, on, ("i1.x",), {"m": ("max(i1.y)", "INTEGER")})
    source = b.join(JoinKind.LEFT, b.table("j", "j1"), b.derived(right), "j1.u = q2.x_out")
    return b.select(
        "q1", source, {"r": "$m"}, "j1.v < 9", aggregates={"m": ("sum(coalesce(q2.m_out, j1.v))", "HUGEINT")}
    )


def _inner_of_two(b: Builder, on: str) -> Built:
    left = b.select("q2", b.table("i", "i1"), {"x": "i1.x", "y": "i1.y"}, on, distinct=True)
    right = b.select(
        "q3", b.table("j", "j1"), {"u": "j1.u", "n": "$n"}, "j1.v >= o1.a", ("j1.u",), {"n": ("count(*)", "BIGINT")}
    )
    source = b.join(JoinKind.INNER, b.derived(left), b.derived(right), "q2.x_out = q3.u_out")
    return b.select("q1", source, {"r": "q2.y_out"})


def _aggregate_of_groups(b: Builder, on: str) -> Built:
    groups = b.select("q2", b.table("i", "i1"), {"m": "$m"}, on, ("i1.t",), {"m": ("max(i1.y)", "INTEGER")})
    return b.select("q1", b.derived(groups), {"r": "$s"}, aggregates={"s": ("sum(q2.m_out)", "HUGEINT")})


def _above_an_aggregate(b: Builder, on: str) -> Built:
    one = b.select("q2", b.table("i", "i1"), {"n": "$n"}, on, aggregates={"n": ("count(*)", "BIGINT")})
    return b.select("q1", b.derived(one), {"r": "q2.n_out + 1"}, "q2.n_out <> 2", types={"r": "BIGINT"})


def _aggregate_beside_a_table(b: Builder, on: str) -> Built:
    one = b.select("q2", b.table("i", "i1"), {"n": "$n"}, on, aggregates={"n": ("count(*)", "BIGINT")})
    source = b.join(JoinKind.INNER, b.derived(one), b.table("j", "j1"), "q2.n_out < j1.v")
    return b.select("q1", source, {"r": "q2.n_out * 10 + j1.v"}, types={"r": "BIGINT"})


def _aggregate_of_first_rows(b: Builder, on: str) -> Built:
    rows = b.select("q2", b.table("i", "i1"), {"y": "i1.y"}, on, order=("y",), limit=2)
    return b.select("q1", b.derived(rows), {"r": "$s"}, aggregates={"s": ("sum(q2.y_out)", "HUGEINT")})


def _literal(b: Builder, on: str) -> Built:
    del on
    return b.select("q1", b.nothing(), {"r": "o1.a + 1"}, "o1.b > 5", types={"r": "INTEGER"})


def _empty(b: Builder, on: str) -> Built:
    for inner, name in (("i1.x", "n1.k"), ("i1.z", "n1.k"), ("i1.y", "n1.l"), ("i1.t", "o1.s")):
        on = on.replace(inner, name)
    return b.select("q1", b.table("nothing", "n1"), {"r": "n1.l"}, on)


def _two_levels(b: Builder, on: str) -> Built:
    inner = b.select(
        "q2", b.table("j", "j1"), {"m": "$m"}, "j1.u = i1.x AND j1.v > o1.a", aggregates={"m": ("count(*)", "BIGINT")}
    )
    text = f"({on}) AND {{s}} < 2"
    calls = {"k": ("sum(i1.y)", "HUGEINT")}
    return b.select(
        "q1", b.table("i", "i1"), {"r": "$k"}, text, aggregates=calls, subs={"s": Sub(ApplyKind.SCALAR, inner)}
    )


def _two_levels_exists(b: Builder, on: str) -> Built:
    inner = b.select("q2", b.table("j", "j1"), {"u": "j1.u"}, "j1.u = i1.x AND j1.v <> o1.b")
    text = f"({on}) AND (NOT {{e}} OR i1.y IS NULL)"
    return b.select("q1", b.table("i", "i1"), {"r": "i1.y"}, text, subs={"e": Sub(ApplyKind.EXISTS, inner)})


def _two_levels_in(b: Builder, on: str) -> Built:
    inner = b.select("q2", b.table("j", "j1"), {"v": "j1.v"}, "j1.u <= o1.a")
    text = f"({on}) AND NOT {{e}}"
    return b.select("q1", b.table("i", "i1"), {"r": "i1.y"}, text, subs={"e": Sub(ApplyKind.IN, inner, "i1.y")})


def _two_levels_skipping(b: Builder, on: str) -> Built:
    inner = b.select("q2", b.table("j", "j1"), {"m": "$m"}, "j1.u = o1.a", aggregates={"m": ("max(j1.v)", "INTEGER")})
    calls = {"k": ("count(*)", "BIGINT")}
    text = f"({on}) AND i1.y >= {{s}}"
    return b.select(
        "q1", b.table("i", "i1"), {"r": "$k"}, text, aggregates=calls, subs={"s": Sub(ApplyKind.SCALAR, inner)}
    )


SHAPES: Mapping[str, Shape] = {
    "plain": _plain,
    "expression": _expression,
    "maximum": _maximum,
    "count": _count,
    "several aggregates": _several_aggregates,
    "having": _having,
    "grouped": _grouped,
    "distinct": _distinct,
    "first": _first,
    "second": _second,
    "union all": _combined(SetOperator.UNION, True, "j1.u = o1.a"),
    "union": _combined(SetOperator.UNION, False, "j1.u < o1.a"),
    "union with uncorrelated": _combined(SetOperator.UNION, True, "j1.u = 2"),
    "except": _combined(SetOperator.EXCEPT, False, "j1.u = o1.a"),
    "except all": _combined(SetOperator.EXCEPT, True, "j1.u >= o1.a"),
    "intersect": _combined(SetOperator.INTERSECT, False, "j1.u = o1.a"),
    "window": _window,
    "inner join": _joined(JoinKind.INNER, "i1.x = j1.u AND j1.v > o1.a"),
    "left join": _joined(JoinKind.LEFT, "i1.x = j1.u AND j1.v > o1.a"),
    "right join": _joined(JoinKind.RIGHT, "i1.x = j1.u AND j1.v > o1.a"),
    "full join": _joined(JoinKind.FULL, "i1.x = j1.u"),
    "full join of derived": _full_of_derived,
    "left join of derived": _left_of_derived,
    "inner join of two": _inner_of_two,
    "aggregate of groups": _aggregate_of_groups,
    "above an aggregate": _above_an_aggregate,
    "aggregate beside a table": _aggregate_beside_a_table,
    "aggregate of first rows": _aggregate_of_first_rows,
    "literal": _literal,
    "empty": _empty,
    "two levels": _two_levels,
    "two levels exists": _two_levels_exists,
    "two levels in": _two_levels_in,
    "two levels skipping": _two_levels_skipping,
}

Use = Callable[[Builder, Built], Built]
OUTER = {"a": "o1.a", "b": "o1.b", "s": "o1.s"}


def _item(text: str, kind: ApplyKind, needle: str = "") -> Use:
    def build(b: Builder, query: Built) -> Built:
        return b.select("q0", b.table("o", "o1"), OUTER | {"m": text}, subs={"q": Sub(kind, query, needle)})

    return build


def _where(text: str, kind: ApplyKind, needle: str = "") -> Use:
    def build(b: Builder, query: Built) -> Built:
        return b.select("q0", b.table("o", "o1"), OUTER, text, subs={"q": Sub(kind, query, needle)})

    return build


def _semi(anti: bool, condition: str, text: str) -> Use:
    def build(b: Builder, query: Built) -> Built:
        source = b.table("o", "o1")
        written = f" WHERE {text.replace('{q}', f'({query.sql})')}"
        joined = replace(source, node=semi(source.node, query, condition, anti=anti))
        built = b.select("q0", joined, OUTER)
        return replace(built, sql=built.sql + written)

    return build


def _lateral(kind: ApplyKind, on: str) -> Use:
    def build(b: Builder, query: Built) -> Built:
        return b.select("q0", b.lateral(b.table("o", "o1"), query, on, kind), OUTER | {"r": "q1.r_out"})

    return build


def _group_filter(b: Builder, query: Built) -> Built:
    """HAVING over the group keys that the subquery refers to."""
    groups = ("o1.a", "o1.b", "o1.s")
    calls = {"n": ("count(*)", "BIGINT")}
    text, subs = "$n + 5 > {q}", {"q": Sub(ApplyKind.SCALAR, query)}
    return b.select("q0", b.table("o", "o1"), OUTER | {"n": "$n"}, "", groups, calls, text, subs=subs)


USES: Mapping[str, Use] = {
    "scalar item": _item("{q}", ApplyKind.SCALAR),
    "scalar where": _where("o1.b < {q} OR o1.a = 2", ApplyKind.SCALAR),
    "scalar having": _group_filter,
    "exists item": _item("{q}", ApplyKind.EXISTS),
    "exists where": _where("{q} AND o1.a IS NOT NULL", ApplyKind.EXISTS),
    "not exists where": _where("NOT {q}", ApplyKind.EXISTS),
    "exists or": _where("{q} OR o1.a = 3", ApplyKind.EXISTS),
    "in item": _item("{q}", ApplyKind.IN, "o1.b"),
    "in item expression": _item("NOT {q}", ApplyKind.IN, "o1.b + 0"),
    "in item null": _item("{q}", ApplyKind.IN, "NULL::INTEGER"),
    "in item constant": _item("{q}", ApplyKind.IN, "10"),
    "in where": _where("{q} AND o1.b > 1", ApplyKind.IN, "o1.b"),
    "not in where": _where("NOT {q}", ApplyKind.IN, "o1.b"),
    "in or": _where("{q} OR o1.a = 3", ApplyKind.IN, "o1.b"),
    "semi": _semi(False, "", "EXISTS {q}"),
    "anti": _semi(True, "", "NOT EXISTS {q}"),
    "semi in": _semi(False, "o1.b = q1.r_out", "o1.b IN {q}"),
    "anti in": _semi(True, "o1.b = q1.r_out", "(o1.b IN {q}) IS NOT TRUE"),
    "lateral": _lateral(ApplyKind.INNER, "TRUE"),
    "lateral condition": _lateral(ApplyKind.INNER, "q1.r_out > o1.a"),
    "lateral left": _lateral(ApplyKind.LEFT, "TRUE"),
    "lateral left condition": _lateral(ApplyKind.LEFT, "q1.r_out > o1.a"),
}


def build_query(shape: str, use: str, correlation: str) -> tuple[Builder, Built]:
    """One query of the matrix."""
    builder = Builder()
    return builder, USES[use](builder, SHAPES[shape](builder, correlation))
