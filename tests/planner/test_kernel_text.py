"""Expressions are carried as the user wrote them: over other columns, and meaning what they meant."""

from collections.abc import Iterator

import pytest
from sqlglot import exp

from shoal.planner.not_distributable import NotDistributable
from shoal.planner.parse import QueryReader
from shoal.planner.scalar import sql_of
from tests.planner.tpch_planning import EmptyKernel


class Table(EmptyKernel):
    """A kernel with one small table."""

    def __init__(self) -> None:
        super().__init__({})
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.execute(
            """
            CREATE TABLE t AS
            SELECT i AS k, i % 3 AS a, [i, 2, NULL] AS l, 'Né' || i AS s, {'f': i, 'g': {'h': 'x'}} AS st,
                   MAP {'q': i} AS m, '{"n": [1, {"x": ' || i || '}]}' AS j, DATE '2020-01-30' + i::INTEGER AS d
            FROM range(7) r(i)
            """
        )


@pytest.fixture(scope="module")
def kernel() -> Iterator[Table]:
    opened = Table()
    yield opened
    opened.connection.close()


EXPRESSIONS = (
    "list_transform(l, lambda x: x + k)", "list_filter(l, lambda x, i: i > a AND x > 0)[1:2]",
    "[x + a for x in l if x > 1]", "list_transform(l, lambda a: a + t.a)", "list_transform(l, lambda K: k + t.k)",
    "[k + t.k for k in l]",
    "[k IN (SELECT 3), k NOT IN (SELECT 4)]", "list_transform([st], lambda q: q.f + t.k)",
    "list_reduce([k, a], lambda x, y: x * 10 + y)",
    "list_transform([l], lambda l: list_transform(l, lambda x: x + len(l)))", "(l)[1] + l[-1]",
    "s[2:3]", "((a + k)::VARCHAR)[1]",
    "j -> 'n' -> 1 ->> 'x'", "j ->> '$.n[1].x' = '3'", "(j -> 'n')::VARCHAR", "s ^@ 'N' AND NOT s ~ '.*3'",
    "s.upper().replace('É', 'e')", "('é' || s).length()", "st.g.h || st['g'].h", "m['q'] + cardinality(MAP {})",
    "((k % 5)::INTEGER)!", "@(-a) + 1", "k ** 2 + 2 ^ a", "s SIMILAR TO 'N.*[1-3]'", "k IN l", "l && [3]", "l @> [2]",
    "CASE WHEN list_contains(l, 3) THEN abs(k) END", "date_trunc('month', d)",
    "date_diff('month', d, DATE '2020-05-05')", "INTERVAL (a) DAY + d", "d + INTERVAL 2 WEEKS", "strftime(d, '%d/%m')",
    "TRY(ln(a - 1))", "{'p': k, 'q': [a]}::STRUCT(p VARCHAR, q BIGINT[])", "coalesce(list_sum(l), .5) * 1e2",
    "1_000 + k",
    "format('{} {}', s, k)", "regexp_extract(s, '(\\d)', 1)", "d AT TIME ZONE 'UTC'", "trim(LEADING 'N' FROM s)",
    "overlay(s PLACING '--' FROM 1 FOR 1)", "extract('dow' FROM d)", "(k, a) = (3, 0)",
    "k NOT IN (1, 2) AND s NOT LIKE '%5'",
    "union_value(n := k)::UNION(n BIGINT, s VARCHAR)", "struct_insert(st, z := k)", "E'\\t' || s", "$$it's$$ || s",
)  # fmt: skip


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_means_what_it_meant_over_other_columns(kernel: Table, text: str) -> None:
    tree = QueryReader(kernel).read(f"SELECT {text} AS r FROM t ORDER BY k")
    renamed = tree.transform(_renamed)
    names = [row[0] for row in kernel.connection.execute("DESCRIBE t").fetchall()]
    source = ", ".join(f'"{name}" AS "of_{name}"' for name in names)
    theirs = kernel.connection.execute(f"SELECT {text} AS r FROM t ORDER BY k").fetchall()
    ours = kernel.connection.execute(f"WITH u AS (SELECT {source} FROM t) {sql_of(renamed)}").fetchall()
    assert repr(ours) == repr(theirs)


def _renamed(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.Column):
        first, *rest = [part.name for part in node.parts if part.name != "t"]
        value: exp.Expression = exp.Column(this=exp.to_identifier(f"of_{first}", quoted=True))
        for name in rest:
            value = exp.Dot(this=value, expression=exp.to_identifier(name, quoted=True))
        return value
    return exp.Table(this=exp.to_identifier("u")) if isinstance(node, exp.Table) else node


def test_what_is_known_is_not_asked_for(kernel: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "syntax", lambda _sql: pytest.fail("the kernel's tree is not needed"))
    reader = QueryReader(kernel)
    assert sql_of(reader.read("SELECT k + 1 FROM t WHERE s LIKE 'N%'")) == "SELECT k + 1 FROM t WHERE s LIKE 'N%'"
    assert not reader.shows_time


def test_parts_of_carried_text_can_be_bound(kernel: Table) -> None:
    tree = QueryReader(kernel).read(
        "SELECT list_sort([sum(k), max((SELECT 1))]), list_apply(l, lambda q: q + q) FROM t"
    )
    first, second = tree.expressions
    assert [type(call) for call in first.find_all(exp.Sum, exp.Max)] == [exp.Sum, exp.Max]
    assert first.find(exp.Subquery) is not None
    assert [column.name for column in second.find_all(exp.Column)] == ["l"]


def test_all_clocks_of_a_statement_show_one_time(kernel: Table) -> None:
    reader = QueryReader(kernel)
    text = sql_of(reader.read("SELECT now(), current_date, [today(), get_current_timestamp()], localtime FROM t"))
    assert text.count(kernel.moment()) == 5
    assert reader.shows_time
    assert kernel.moment() in sql_of(reader.read("SELECT current_timestamp"))


def test_macros_are_left_for_others_to_see(kernel: Table) -> None:
    tree = QueryReader(kernel, frozenset({"twice"})).read("SELECT list_sort([twice(k)]), twice(a) FROM t")
    assert [call.name for call in tree.find_all(exp.Anonymous) if call.name == "twice"] == ["twice", "twice"]


@pytest.mark.parametrize(
    ("sql", "faithful"),
    [
        ("SELECT k FROM t WHERE a NOT IN (1, 2) AND s IS NOT NULL AND NOT s LIKE 'x'", True),
        ("SELECT len(s), pow(k, 2), count_if(true) FROM t GROUP BY ALL", True),
        ("FROM t SELECT k, list_apply(l, lambda x: x + 1) LIMIT 3", True),
        ("SELECT quantile_cont(k, 0.5) FROM t WINDOW w AS (ORDER BY k)", True),
        ("SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY k DESC) FROM t", False),
    ],
)
def test_a_statement_is_compared_with_what_sqlglot_makes_of_it(kernel: Table, sql: str, faithful: bool) -> None:
    reader = QueryReader(kernel)
    reader.read(sql)
    assert reader.is_faithful() is faithful


def test_what_no_parser_knows_is_left_whole(kernel: Table) -> None:
    with pytest.raises(NotDistributable):
        QueryReader(kernel).read("SELECT FROM WHERE")
