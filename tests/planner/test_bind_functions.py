"""What the planner knows of the kernel's functions, held against the kernel that is installed."""

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from shoal.planner.bind_expression import ExpressionBinder
from shoal.planner.column_ids import ColumnIds
from shoal.planner.functions import AGGREGATES, EXPORTED, RECOMBINED, function_name, is_aggregate, state_type
from shoal.planner.ids import ColumnId
from shoal.planner.not_distributable import NotDistributable
from shoal.planner.safe_nodes import KERNEL_ONLY, SAFE_NODES
from shoal.planner.scalar import VOLATILE_FUNCTIONS
from shoal.planner.scope import Relation, Scope, ScopeColumn

COLUMNS = ("k", "s", "x", "f", "day", "moment", "b", "l", "st", "m")
TABLE = """
    CREATE TABLE t AS SELECT (i % 11 - 3)::INTEGER AS k, CASE WHEN i % 7 > 0 THEN 'aBc m' || (i % 5) || 'x,y' END AS s,
    (i * 1.37 - 20)::DECIMAL(9, 2) AS x, (i * 0.731 - 11)::DOUBLE AS f, DATE '2020-01-31' + i::INTEGER * 5 AS day,
    TIMESTAMP '2020-01-01 13:14:15.5' + to_hours(i * 13) AS moment,
    CASE i % 3 WHEN 0 THEN true WHEN 1 THEN false END AS b, [i, NULL, i * 2] AS l,
    {'a': i} AS st, MAP {'k': i} AS m FROM range(60) AS r(i)
"""
SAMPLES = """
k & 3;k | 3;abs(k) << 2;k >> 1;~k;k IS NOT DISTINCT FROM 3;xor(k, 3);k & 1 = 1;abs(k) << 1 + 1;k <> 1;k >= 1;k < 2
k <= 2;k > 1;trunc(x);trunc(x, 1);round(f, 2);ceil(f);ceiling(f);floor(f);sin(f);cos(f);tan(f);asin(f / 99)
acos(f / 99);atan(f);atan2(f, k);cbrt(f);degrees(f);radians(f);pi();factorial(abs(k));@k;isnan(f);isinf(f)
sqrt(abs(f));exp(f / 9);ln(abs(f) + 1);pow(k, 2);k ** 2;k ^ 2;-2 ** 2;(-k) ** 2;k ** 2 ** 2;sign(f);mod(k, 3);k // 2
k % 3 * 2;k / 2 * 3;k - 1 - x;k - (1 - x);-(-k);-(k + 1);k / 0;x / 0;1 / 3;7 // 2;0.1 + 0.2;1e3;1_000
s SIMILAR TO 'a.*';s LIKE 'a!%' ESCAPE '!';s GLOB 'a*';s LIKE '%B_ m%';s NOT LIKE 'a%';s ILIKE '%b%';s NOT ILIKE 'x'
starts_with(s, 'a');ends_with(s, 'y');contains(s, 'B');concat_ws('/', s, k);concat(s, NULL, k);s || NULL;s || 'x' || k
left(s, 2);right(s, 2);lpad(s, 12, '*');rpad(s, 12, 'x');replace(s, 'B', 'N');split_part(s, ',', 2);repeat(s, 2)
ascii(s);chr(65);reverse(s);translate(s, 'a', 'b');position('B' IN s);strpos(s, 'B');instr(s, 'B');upper(s);lcase(s)
regexp_replace(s, 'a', 'b');regexp_replace(s, 'a', 'b', 'g');regexp_extract(s, 'a(B)', 1);regexp_full_match(s, 'a.*')
levenshtein(s, 'a');bit_length(s);unicode(s);md5(s);sha256(s);hex(s);str_split(s, ',');string_split(s, ',');length(s)
s[2:4];s[k:k + 2];s[-2:];s[:2];l[1];l[-1];l[k + 1];l[1:2];m['k'];st['a'];st.a;E'a\\nb';$$x 'q'$$;'it''s';substr(s, 2)
substring(s FROM 2 FOR 3);trim(s, 'a');trim(BOTH 'a' FROM s);ltrim(s);rtrim(s);len(s);char_length(s)
date_trunc('month', day);date_trunc('hour', moment);date_diff('month', day, moment);datediff('day', day, moment)
make_date(2020, 1, 2);dayname(day);monthname(day);strftime(day, '%Y-%m')
strptime('2020-01-02', '%Y-%m-%d');last_day(day);epoch(moment);epoch_ms(moment);to_timestamp(k);hour(moment)
minute(moment);second(moment);quarter(day);week(day);dayofweek(day);dayofyear(day);isodow(day);weekofyear(day)
year(day);month(day);day(day);extract('dow' FROM day);extract(epoch FROM moment);extract(week FROM day)
date_part('week', day);moment AT TIME ZONE 'UTC';to_days(k);day + INTERVAL (k) DAY;day + INTERVAL '2' MONTH
day - INTERVAL 3 YEARS;day + 1;day - DATE '2020-01-01';[k, 2];list_value(k, 2);{'p': k, 'q': s};struct_pack(z := k)
struct_extract(st, 'a');MAP {k: s};array_length(l);list_distinct(l);list_concat(l, l);list_contains(l, 2)
array_contains(l, 2);CASE k WHEN 1 THEN 'a' ELSE s END;CASE WHEN k > 3 THEN x WHEN k > 1 THEN k END;if(b, 1, 2)
ifnull(k, 0);nullif(k, 1);coalesce(s, 'z');greatest(k, x);least(k, 1);k IN (1, NULL);k NOT IN (1, 2);(k, s) = (1, 'a')
k BETWEEN 1 AND 3;NOT k BETWEEN 1 AND 3;k IS DISTINCT FROM 3;b IS NOT TRUE;b IS UNKNOWN;NOT b AND k > 1
NOT (b AND k > 1);k = 1 OR k = 2 AND b;(k IS NULL) = b;NOT k IS NULL;(k = 1) IS NULL;NOT b = b;k::VARCHAR;x::INTEGER
f::DECIMAL(9, 3);day::TIMESTAMP;TRY_CAST(s AS INTEGER);(-k)::VARCHAR;(k + 1)::VARCHAR || s;s::VARCHAR(3);count_if(b)
countif(b);arg_max(k, f);arg_min(s, f);max_by(k, f);string_agg(s, ',' ORDER BY f);group_concat(s, '-' ORDER BY f)
quantile_cont(x, 0.5);quantile_cont(x, [0.1, 0.5]);quantile_disc(x, 0.5);quantile(x, 0.5);median(x);mode(b)
approx_quantile(k, 0.5);approx_count_distinct(k);bit_and(k);bit_or(k);bit_xor(k);skewness(f);kurtosis(f);max(s, 2)
min(k, 3);regr_slope(f, k);regr_count(f, k);regr_r2(f, k);regr_intercept(f, k);regr_avgx(f, k);regr_avgy(f, k)
regr_sxx(f, k);regr_syy(f, k);regr_sxy(f, k);covar_pop(f, k);covar_samp(f, k);corr(f, k);bool_and(b);bool_or(b)
var_pop(f);var_samp(f);variance(f);stddev(f);stddev_samp(f);stddev_pop(f);sum(DISTINCT k);count(DISTINCT k);count(*)
count();avg(k);mean(k);sum(k) FILTER (WHERE b);list(k ORDER BY f DESC);array_agg(k ORDER BY f);first(k ORDER BY f)
last(k ORDER BY f);lag(x) OVER (ORDER BY f);lead(x, 2, 0) OVER (PARTITION BY s ORDER BY f)
row_number() OVER (ORDER BY f DESC NULLS LAST);rank() OVER (ORDER BY k);dense_rank() OVER (ORDER BY k)
ntile(4) OVER (ORDER BY f);percent_rank() OVER (ORDER BY f);cume_dist() OVER (ORDER BY f)
first_value(x) OVER (ORDER BY f);last_value(x) OVER (ORDER BY f);sum(k) FILTER (WHERE b) OVER ()
nth_value(x, 2) OVER (ORDER BY f);sum(x) OVER (ORDER BY f ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
sum(x) OVER (ORDER BY f ROWS 3 PRECEDING EXCLUDE CURRENT ROW)
sum(x) OVER (ORDER BY k GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING)
sum(k) OVER (ORDER BY day RANGE BETWEEN INTERVAL 30 DAYS PRECEDING AND CURRENT ROW);count(*) OVER (PARTITION BY s, k)
"""
EXPRESSIONS = [text for line in SAMPLES.strip().splitlines() for text in line.split(";")]


@pytest.fixture(scope="module")
def duck() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET threads = 1; SET TimeZone = 'UTC'")
    connection.execute(TABLE)
    return connection


def bind(text: str) -> exp.Expression:
    scope = Scope([Relation("t", tuple(ScopeColumn(name, ColumnId(name)) for name in COLUMNS))])
    binder = ExpressionBinder(ColumnIds(), lambda query, around: pytest.fail("there is no subquery"), scope)
    return binder.bind(sqlglot.parse_one(f"SELECT {text}", dialect="duckdb").selects[0])


AS_MEANT = ["k = ANY(l)", "NOT k > ALL(l)", "s COLLATE NOCASE = 'A'", "NOT s COLLATE NOCASE < upper(s)"]
"""What is written in another form."""


@pytest.mark.parametrize("text", [*EXPRESSIONS, *AS_MEANT])
def test_what_is_bound_means_what_was_written(duck: duckdb.DuckDBPyConnection, text: str) -> None:
    ours = bind(text).sql("duckdb", comments=False)
    answers = [duck.execute(f"SELECT {item} AS r FROM t").fetchall() for item in (text, ours)]
    assert repr(answers[0]) == repr(answers[1])
    types = [duck.execute(f"DESCRIBE SELECT {item} AS r FROM t").fetchall()[0][1] for item in (text, ours)]
    assert types[0] == types[1]


NOT_SAMPLED = """Column Identifier Literal Boolean Null Paren Tuple DataType DataTypeParam Var Subquery Exists Any All
Where Order Ordered Distinct Star WindowSpec Dot AnyValue""".split()
"""Parts of other expressions, and what only whole statements have."""


def test_every_safe_class_has_a_sample() -> None:
    seen = {type(node) for text in EXPRESSIONS for node in sqlglot.parse_one(f"SELECT {text}", dialect="duckdb").walk()}
    assert [node.__name__ for node in SAFE_NODES if node not in seen and node.__name__ not in NOT_SAMPLED] == []


@pytest.mark.parametrize(
    "text",
    ["s ~ 'a'", "log2(f)", "s COLLATE NOCASE", "list_transform(l, lambda q: q + 1)", "now()",
     "current_date", "random()", "uuid()", "geomean(f)", "alias(k)",
     "current_setting('TimeZone')", "s COLLATE DE = 'a'"],
)  # fmt: skip
def test_what_is_left_to_the_kernel(text: str) -> None:
    with pytest.raises(NotDistributable):
        bind(text)


def test_aggregates_are_the_kernels(duck: duckdb.DuckDBPyConnection) -> None:
    rows = duck.execute("SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'aggregate'")
    names = {str(row[0]) for row in rows.fetchall() if not str(row[0]).startswith("__")}
    assert names - AGGREGATES == set()


def test_functions_that_change_are_left_to_the_kernel(duck: duckdb.DuckDBPyConnection) -> None:
    rows = duck.execute("SELECT DISTINCT function_name FROM duckdb_functions() WHERE stability <> 'CONSISTENT'")
    assert {str(row[0]) for row in rows.fetchall()} - KERNEL_ONLY - VOLATILE_FUNCTIONS == set()


def test_macros_of_more_than_scalars_are_left_to_the_kernel(duck: duckdb.DuckDBPyConnection) -> None:
    rows = duck.execute("SELECT function_name, macro_definition FROM duckdb_functions() WHERE function_type = 'macro'")
    found = set()
    for name, definition in rows.fetchall():
        tree = sqlglot.parse_one(definition, dialect="duckdb")
        names = {function_name(call) for call in tree.find_all(exp.Func)}
        odd = tree.find(exp.Explode, exp.Unnest, exp.CurrentTimestamp, exp.Select)
        if odd or names & (KERNEL_ONLY | VOLATILE_FUNCTIONS) or any(map(is_aggregate, tree.find_all(exp.Func))):
            found.add(str(name))
    assert found - KERNEL_ONLY == set()


TYPES = """TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT FLOAT DOUBLE
DECIMAL(4,2) DECIMAL(18,2) DECIMAL(38,10) BOOLEAN VARCHAR DATE TIMESTAMP TIME INTERVAL BLOB UUID INTEGER[]""".split()


@pytest.mark.parametrize("name", sorted(EXPORTED))
def test_states_travel_for_every_type_that_is_claimed(duck: duckdb.DuckDBPyConnection, name: str) -> None:
    """Two partial results, exported and combined, give what one aggregate gives."""
    two = name.startswith(("corr", "covar", "regr"))
    claimed = [(type, known) for type in TYPES if (known := state_type(name, type)) is not None]
    for type, known in claimed:
        value = f"'{SAMPLE_VALUES[type]}'" if type in SAMPLE_VALUES else "i % 2 = 0" if type == "BOOLEAN" else "i"
        other = f"(i * i % 7)::{type}" if two else "NULL"
        rows = f"SELECT CASE WHEN i % 5 > 0 THEN ({value})::{type} END AS a, {other} AS b, i FROM range(40) AS r(i)"
        arguments, types = ("a, b", f"'{known}', '{known}'") if two else ("a", f"'{known}'")
        partial = f"SELECT {name}({arguments}) EXPORT_STATE AS s FROM ({rows}) GROUP BY i % 3"
        final = f"SELECT finalize(combine_aggr(to_aggregate_state(s, '{name}', [{types}]))) FROM ({partial})"
        ours = duck.execute(final).fetchall()[0][0]
        theirs = duck.execute(f"SELECT {name}({arguments}) FROM ({rows})").fetchall()[0][0]
        if isinstance(theirs, float):
            assert ours == pytest.approx(theirs, rel=1e-9, nan_ok=True), type
        else:
            assert ours == theirs, type
    assert claimed


SAMPLE_VALUES = {
    "VARCHAR": "x", "DATE": "2020-01-01", "TIMESTAMP": "2020-01-01 10:00:00", "TIME": "10:00:00", "INTERVAL": "1 day",
    "BLOB": "x", "UUID": "e7ae3a07-5316-4d0b-8d33-a56308227e6d", "INTEGER[]": "[1]",
}  # fmt: skip


def test_aggregates_that_are_split_are_aggregates() -> None:
    assert AGGREGATES >= EXPORTED
    assert set(RECOMBINED) <= AGGREGATES
