-- More shapes of queries, clause by clause; see shapes.sql.
SELECT union_tag(u) AS tag, count(*) AS n, min(u.n) AS lowest FROM (SELECT CASE WHEN id % 2 = 0 THEN union_value(n :=
id)::UNION(n BIGINT, t VARCHAR) ELSE union_value(t := s)::UNION(n BIGINT, t VARCHAR) END AS u FROM {table}) GROUP BY
tag;
SELECT id, k::BIGINT::UNION(n BIGINT, t VARCHAR) AS u FROM {table} ORDER BY id LIMIT {number};
SELECT count(DISTINCT u) FROM (SELECT s::UNION(n BIGINT, t VARCHAR) AS u FROM {table});
PIVOT (SELECT k % 3 AS p, s, id FROM (SELECT abs({small}) AS k, s, id FROM {table})) ON p IN (0, 1) USING sum(id) AS t,
count(*) AS n GROUP BY s ORDER BY s;
PIVOT (SELECT id % 2 AS p, id % 3 AS q, id FROM {table}) ON p IN (0, 1), q IN (0, 2) USING count(*);
FROM (PIVOT (SELECT id % 4 AS p, s, id FROM {table}) ON p IN (0, 1, 2, 3) USING max(id) GROUP BY s) WHERE "0" > 3 OR
"1" IS NULL;
UNPIVOT (SELECT id, id + 1 AS p, id * 2 AS q, s FROM {table}) ON COLUMNS(* EXCLUDE (id, s));
SELECT what, sum(v) FROM (UNPIVOT (SELECT id, id % 3 AS p, nullif(id % 2, 0) AS q FROM {table}) ON p, q INTO NAME what
VALUE v) GROUP BY what;
FROM (SELECT id, s, s AS t FROM {table}) UNPIVOT (v FOR what IN (s AS 'one', t AS 'two')) WHERE id < 20;
SELECT k, s, count(*) AS n FROM {table} GROUP BY GROUPING SETS ((k), (k), (k, s), ()) HAVING grouping(k) = 0 OR n > 5;
SELECT k, s, id % 2 AS p, sum(id) AS t FROM {table} GROUP BY ROLLUP (k, (s, p));
SELECT k, s, id % 2 AS p, count(*) FROM {table} GROUP BY CUBE (k, s), ROLLUP (p) ORDER BY ALL;
SELECT {small1} % 3 AS g, count(*), count(DISTINCT s), rank() OVER (ORDER BY count(*) DESC) AS r FROM {table} GROUP BY
ROLLUP (g);
SELECT grouping(k, s) AS gr, sum(n) FROM (SELECT k, s, count(*) AS n FROM {table} GROUP BY k, s) GROUP BY CUBE (k, s);
SELECT count(*) AS n, min(k) AS m FROM {table} GROUP BY () HAVING count(*) > 3;
SELECT sum(id) AS t FROM {table} HAVING max(k) IS NOT NULL;
SELECT s[1:1] AS c, count(*), {agg} FROM {table} GROUP BY ALL ORDER BY c NULLS FIRST;
SELECT id, sum({small}) OVER (PARTITION BY k ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING{exclude}) AS w FROM
{table};
SELECT id, count(*) OVER (ORDER BY {small1} RANGE BETWEEN 2 PRECEDING AND 3 FOLLOWING{exclude}) AS w FROM {table};
SELECT id, sum(id) OVER (PARTITION BY s ORDER BY {small1} DESC RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS w
FROM {table};
SELECT id, list(id ORDER BY id) OVER (PARTITION BY k ORDER BY {small1} GROUPS BETWEEN 1 PRECEDING AND 1
FOLLOWING{exclude}) AS w FROM {table};
SELECT id, sum(id) OVER (ORDER BY id ROWS BETWEEN id % 3 PRECEDING AND id % 2 FOLLOWING) AS w FROM {table};
SELECT id, first_value(s) OVER w, last_value(s IGNORE NULLS) OVER w, nth_value(id, 2) OVER w FROM {table} WINDOW w AS
(PARTITION BY k ORDER BY id ROWS BETWEEN 1 PRECEDING AND 2 FOLLOWING{exclude});
SELECT id, lag(id, 2, -1) OVER (PARTITION BY s ORDER BY id), lead(s, id % 3) OVER (PARTITION BY k ORDER BY id DESC)
FROM {table};
SELECT id, ntile(4) OVER (ORDER BY id), cume_dist() OVER (PARTITION BY k ORDER BY id), percent_rank() OVER (ORDER BY
k) FROM {table};
SELECT id, sum(id) FILTER (WHERE {term}) OVER (PARTITION BY k ORDER BY id) AS f, count(DISTINCT s) OVER (PARTITION BY
k ORDER BY id ROWS 3 PRECEDING) AS d FROM {table};
SELECT id, max(d) OVER (ORDER BY d RANGE BETWEEN INTERVAL 3 DAYS PRECEDING AND INTERVAL 1 DAY FOLLOWING{exclude}) AS
w FROM (SELECT id, coalesce({date}, DATE '2020-01-03') AS d FROM {table}) WHERE d BETWEEN DATE '1970-01-01' AND DATE
'2100-01-01';
SELECT k, sum(id) AS t, sum(sum(id)) OVER (ORDER BY k NULLS FIRST ROWS UNBOUNDED PRECEDING) AS r FROM {table} GROUP BY
k QUALIFY r > 5;
SELECT s, n FROM (SELECT s, count(*) AS n FROM {table} GROUP BY s) QUALIFY dense_rank() OVER (ORDER BY n DESC) <= 2;
SELECT median(id) OVER (PARTITION BY k), quantile_disc(id, 0.3) OVER (PARTITION BY s), mode(1) OVER () FROM {table};
SELECT id, arg_max(s, id) OVER (PARTITION BY k), row_number() OVER (PARTITION BY k ORDER BY id DESC) FROM {table}
WHERE {term};
SELECT DISTINCT ON (k % 3) id % 5 AS m, id FROM (SELECT {small} AS k, id FROM {table}) ORDER BY k % 3, id DESC;
SELECT k, m FROM (SELECT DISTINCT ON (s) s, k, id AS m FROM {table} ORDER BY s, id) WHERE m > 2;
SELECT DISTINCT ON (a, b) a, b, c FROM (SELECT k AS a, s AS b, id AS c FROM {table}) ORDER BY a, b DESC, c LIMIT
{number};
WITH RECURSIVE r(a, b) AS (SELECT 0, 1 UNION ALL SELECT b, a + b FROM r WHERE b < 500) SELECT {a}.id, r.b FROM {table}
AS {a} JOIN r ON {a}.id = r.b;
WITH RECURSIVE r(n, path) AS (SELECT id, [id] FROM {table} WHERE id < 3 UNION ALL SELECT {b}.id, list_append(path,
{b}.id) FROM r JOIN {table2} AS {b} ON {b}.id = r.n * 2 + 1 WHERE len(path) < 5) SELECT len(path) AS l, count(*),
max(n) FROM r GROUP BY l;
WITH RECURSIVE r(n) AS (SELECT count(*) FROM {table} UNION SELECT n // 2 FROM r WHERE n > 0), q AS (SELECT n, {agg} AS
v FROM r, {table} WHERE id = n GROUP BY n) FROM q;
WITH RECURSIVE r(a, b) USING KEY (a) AS (SELECT 1, 0 UNION SELECT a, b + 1 FROM r WHERE b < 5) SELECT r.a, r.b,
count(*) FROM r, {table} GROUP BY ALL;
WITH {a} AS MATERIALIZED (SELECT k, {agg} AS v FROM {table} GROUP BY k), {b} AS (SELECT k, s FROM {table2}) SELECT
x.k, x.v, count(y.s) FROM {a} AS x LEFT JOIN {b} AS y USING (k) LEFT JOIN {a} AS z ON z.k = x.k GROUP BY ALL;
SELECT {a}.id, l.n, l.m FROM {table} AS {a} LEFT JOIN LATERAL (SELECT count(*) AS n, max({b}.id) AS m FROM {table2} AS
{b} WHERE {b}.k = {a}.k HAVING count(*) > 1) AS l ON true;
SELECT {a}.id, l.id FROM {table} AS {a}, LATERAL (SELECT id FROM {table2} AS {b} WHERE {b}.k = {a}.k AND {b}.id <>
{a}.id ORDER BY id DESC LIMIT 2) AS l;
SELECT {a}.id, m.v FROM {table} AS {a}, LATERAL (SELECT {a}.id + 1 AS u) AS l, LATERAL (SELECT l.u * 2 AS v) AS m;
SELECT {a}.id, (SELECT list(u ORDER BY u) FROM (SELECT unnest([{a}.id, {a}.k, 3]) AS u) WHERE u > 1) AS l FROM {table}
AS {a};
SELECT {a}.id, (SELECT sum({b}.id) FROM {table2} AS {b} WHERE {b}.k = {a}.k AND {b}.id < (SELECT max(id) FROM {table}
AS z WHERE z.s = {a}.s)) AS t FROM {table} AS {a};
SELECT {a}.k FROM {table} AS {a} WHERE EXISTS (SELECT 1 FROM {table2} AS {b} WHERE {b}.k IS NOT DISTINCT FROM {a}.k
AND {b}.s = {a}.s) AND {a}.id NOT IN (SELECT k FROM {table2} WHERE k IS NOT NULL);
SELECT {a}.id, ({a}.id, {a}.s) IN (SELECT id, s FROM {table2}) AS p, ({a}.k, NULL) IN (SELECT k, s FROM {table2}) AS q
FROM {table} AS {a};
SELECT {a}.id, {a}.k <> ALL (SELECT k FROM {table2} AS {b} WHERE {b}.s = {a}.s) AS p, {a}.k < ANY (SELECT id FROM
{table2} AS {b} WHERE {b}.k = {a}.k) AS q FROM {table} AS {a};
SELECT s COLLATE NOCASE = 'V1' AS p, count(*) FROM {table} GROUP BY p;
SELECT count(*) AS n FROM {table} GROUP BY s COLLATE NOCASE ORDER BY n;
SELECT s, id FROM {table} ORDER BY s COLLATE NOCASE.NOACCENT DESC NULLS LAST, s, id LIMIT {number};
SELECT count(*) FROM {table} AS {a} JOIN {table2} AS {b} ON {a}.s COLLATE NOCASE = {b}.s;
SELECT s, s < 'v3' COLLATE NOCASE AS p, s IN ('V1' COLLATE NOCASE, 'x') AS q FROM {table};
SELECT id FROM {table} ORDER BY id LIMIT 33.3%;
SELECT id FROM {table} ORDER BY id DESC LIMIT 50% OFFSET 2;
SELECT id FROM {table} ORDER BY id LIMIT 2 + {number} OFFSET 1 + 1;
SELECT count(*) FROM (SELECT id FROM {table} LIMIT 10%);
SELECT id FROM {table} ORDER BY id LIMIT (SELECT 3) OFFSET (SELECT min(id) + 1 FROM {table2});
(SELECT id FROM {table} ORDER BY id LIMIT 4) EXCEPT (SELECT k FROM {table2} ORDER BY k LIMIT 3) ORDER BY 1;
SELECT count(*) FROM {table} TABLESAMPLE 0%;
SELECT sum(id) FROM {table} AS {a} TABLESAMPLE bernoulli(100 PERCENT);
SELECT count(*), min(id) FROM {table} USING SAMPLE 100%;
SELECT count(*) <= 10 FROM (SELECT * FROM {table} USING SAMPLE reservoir(10 ROWS) REPEATABLE (7));
SELECT k, list(id ORDER BY s DESC NULLS LAST, id) AS l, first(s ORDER BY id DESC) AS f, string_agg(s, '|' ORDER BY
id) AS t FROM {table} GROUP BY k;
SELECT string_agg(DISTINCT s, ',' ORDER BY s DESC), list(DISTINCT k ORDER BY k), array_agg(id ORDER BY id) FILTER
(WHERE {term}) FROM {table};
SELECT k, arg_min(s, id), max_by(id, id), arg_max(id, id, 3), min(id, 2), max(s, 2) FROM {table} GROUP BY k;
SELECT k, histogram(id % 3) AS h, map_from_entries(list((id, s) ORDER BY id))[2] AS m FROM {table} GROUP BY k;
SELECT k, bit_and(id), bit_or(id), bit_xor(id), bool_and(id > 3), product(1 + id % 2), count_if(s = 'v1') FROM {table}
GROUP BY k;
SELECT quantile_disc(id, [0.1, 0.9]), quantile_cont(id, 0.5), mad(id), approx_quantile(id, 0.5) >= 0, any_value(1)
FROM {table} WHERE {term};
SELECT id, list_transform([id, k], lambda v: v + id) AS a, list_filter(range(5), lambda v, i: (v + i) % 3 = id % 3) AS
b FROM {table};
SELECT id, list_reduce([id, k, 1], lambda x, y: coalesce(x, 0) + coalesce(y, 0)) AS a, [x + 1 FOR x IN [id, 2] IF x >
1] AS b FROM {table};
SELECT id, list_transform([[id], [k, 2]], lambda l: list_transform(l, lambda v: v * 2 + id)) AS a FROM {table};
SELECT id, list_zip([id, 1], ['x', s]) AS a, list_sort([k, id, NULL], 'DESC', 'NULLS FIRST') AS b, flatten([[id],
[k]]) AS c FROM {table};
SELECT list_aggregate(l, 'sum') AS a, list_distinct(l).len() AS b, l[-1] AS c, array_slice(l, 2, 3) AS d FROM (SELECT
list(id ORDER BY id) AS l FROM {table} GROUP BY k);
SELECT k, {{'n': count(*), 'l': list(id ORDER BY id)[:2]}} AS st FROM {table} GROUP BY k ORDER BY ALL;
SELECT st.p AS p, max(st), count(DISTINCT st) FROM (SELECT {{'p': k, 'q': s}} AS st FROM {table}) GROUP BY st.p;
SELECT st.* FROM (SELECT {{'p': k, 'q': {{'r': id}}}} AS st FROM {table}) WHERE st.q.r > 3;
SELECT m['a'] AS a, map_keys(m) AS b, cardinality(m) AS c, map_values(m)[1] AS d, element_at(m, 'b') AS e FROM (SELECT
MAP {{'a': id, 'b': k}} AS m FROM {table});
SELECT map_extract(m, 'v1') AS a, map_entries(m)[1].key AS b FROM (SELECT map([coalesce(s, '')], [id]) AS m FROM
{table});
SELECT j ->> '$.a' AS a, (j -> 'b')::VARCHAR AS b, json_type(j, '$.b') AS c FROM (SELECT json_object('a', id, 'b', s)
AS j FROM {table});
SELECT k, to_json(list(id ORDER BY id))::VARCHAR AS a, to_json({{'k': k, 's': min(s)}})::VARCHAR AS b FROM {table}
GROUP BY k;
SELECT z::DATE AS d, date_part('hour', z) AS h, z AT TIME ZONE 'America/New_York' AS n, count(*) FROM (SELECT {tstz}
AS z FROM {table}) GROUP BY ALL;
SELECT date_trunc('day', z) AS d, min(z), max(z + INTERVAL 1 MONTH), count(*) FROM (SELECT {tstz} AS z FROM {table})
GROUP BY d ORDER BY d;
SELECT time_bucket(INTERVAL 2 DAYS, t) AS b, count(*), strftime(max(t), '%Y-%m-%d %H') FROM (SELECT {ts}::TIMESTAMP AS
t FROM {table}) GROUP BY b;
SELECT t AT TIME ZONE 'Asia/Tokyo' AS z, (t AT TIME ZONE 'UTC')::VARCHAR AS v, age(t, TIMESTAMP '2020-02-29') AS a,
epoch_ms(t) AS e FROM (SELECT {ts}::TIMESTAMP AS t FROM {table});
SELECT z, z::TIMESTAMP AS l, z - TIMESTAMPTZ '2021-03-28 00:30:00+00' AS i, extract(isodow FROM z) AS w FROM (SELECT
{tstz} AS z FROM {table}) ORDER BY z NULLS FIRST, l LIMIT {number};
SELECT d + INTERVAL 1 MONTH AS m, d - DATE '2020-01-31' AS n, date_diff('month', d, DATE '2020-03-31') AS o, dayname(d)
AS p FROM (SELECT {date} AS d FROM {table});
SELECT count(*) FROM {table} AS {a}, generate_series(TIMESTAMP '2021-03-01', TIMESTAMP '2021-03-03', INTERVAL 9 HOURS)
AS g(t) WHERE g.t > TIMESTAMP '2021-03-01' + to_hours({a}.id % 30);
SELECT sum(h), max(h), count(DISTINCT h) FROM (SELECT 85070591730234615865843651857942052863::HUGEINT AS h FROM
{table} LIMIT 2);
SELECT sum(85070591730234615865843651857942052863::HUGEINT) FROM {table} WHERE id < 3;
SELECT h // 3 AS a, h % 1000 AS b, -h AS c, h::DOUBLE AS d, count(*) FROM (SELECT {huge} AS h FROM {table}) GROUP BY
ALL;
SELECT 99999999999999999999999999999999999999::DECIMAL(38, 0) - id AS a, (id / 7)::DECIMAL(38, 20) AS b FROM {table};
SELECT max(x * 10), sum(x), avg(x), sum(x) / 3, min(x)::INTEGER FROM (SELECT {dec}::DECIMAL(12, 3) AS x FROM {table});
SELECT x::DECIMAL(10, 1) AS r, count(*), sum(x * x) FROM (SELECT {dec}::DECIMAL(12, 3) AS x FROM {table}) GROUP BY r;
SELECT {a}.id FROM {table} AS {a} JOIN {table2} AS {b} ON {a}.k::HUGEINT = {b}.id::DECIMAL(20, 2) WHERE {b}.id < 30;
SELECT {a}.id, {b}.id FROM {table} AS {a} JOIN {table2} AS {b} ON {a}.k::DOUBLE = {b}.id AND {a}.s = {b}.s;
SELECT k, count(*) FROM (SELECT k::DOUBLE AS k FROM {table} UNION ALL SELECT id FROM {table2} UNION ALL SELECT NULL)
GROUP BY k;
SELECT k FROM {table} INTERSECT ALL SELECT id FROM {table2} UNION SELECT 3 EXCEPT SELECT 1;
SELECT id AS a, s AS b FROM {table} UNION ALL BY NAME SELECT s AS b, 1.5 AS c FROM {table2};
SELECT COLUMNS(['id', 'k']) + 1 FROM {table};
SELECT max(COLUMNS(['id', 's'])), coalesce(*COLUMNS(['k', 'g4'])) AS c FROM (SELECT *, id % 3 AS g4 FROM {table}) GROUP BY k, g4;
SELECT * LIKE 's%' FROM {table};
SELECT {a}.* EXCLUDE (k), {b}.k AS other FROM {table} AS {a} JOIN {table2} AS {b} ON {a}.id = {b}.id;
SELECT COLUMNS('^(id|k)$') AS 'c_\1' FROM {table};
SELECT u.v, u.i, count(*) FROM {table}, unnest(['p', 'q', NULL]) WITH ORDINALITY AS u(v, i) GROUP BY ALL;
SELECT column_name, column_type, min, max, count, null_percentage FROM (SUMMARIZE SELECT id, k, s FROM {table});
SELECT id, TRY(('x' || s)::INTEGER) AS a, TRY_CAST(s AS DATE) AS b, coalesce(TRY(1 // (id - id)), 7) AS c FROM {table};
SELECT id, CASE k WHEN 1 THEN 'one' WHEN (SELECT min(k) FROM {table2}) THEN 'least' ELSE s END AS c FROM {table};
SELECT count(*), min({a}.id), max({c}.id) FROM {table} AS {a} LEFT JOIN {table2} AS {b} ON {a}.k = {b}.k AND {b}.id < 10
RIGHT JOIN {table} AS {c} ON {b}.id = {c}.id;
SELECT {a}.id, {b}.id, {c}.id FROM {table} AS {a} FULL JOIN {table2} AS {b} ON {a}.id = {b}.id + 3 FULL JOIN {table}
AS {c} ON {c}.id = coalesce({a}.id, {b}.id) * 2 WHERE {a}.id < 9 OR {c}.id < 9;
SELECT count(*) FROM {table} AS {a} JOIN {table2} AS {b} ON {a}.k IS NOT DISTINCT FROM {b}.k AND {a}.s IS NOT DISTINCT
FROM {b}.s LEFT JOIN {table} AS {c} ON {c}.id = {a}.id;
SELECT {a}.id, {b}.id FROM {table} AS {a} ASOF LEFT JOIN (SELECT id, s FROM {table2} WHERE id % 3 = 0) AS {b} ON
{a}.id >= {b}.id;
SELECT {a}.s, {b}.m FROM {table} AS {a} ASOF JOIN (SELECT k, max(id) AS m FROM {table2} GROUP BY k) AS {b} USING (k);
SELECT * FROM (FROM {table} SELECT id, k) AS {a} NATURAL JOIN (FROM {table2} SELECT k, s);
SELECT id, (SELECT count(*) FROM range(id % 5) AS r(i) WHERE r.i > 1) AS n FROM {table};
SELECT r.i, count(id), sum(k) FROM range(10) AS r(i) LEFT JOIN {table} ON id = i * i GROUP BY i ORDER BY i;
SELECT id, k, sum(n) FROM (SELECT id % 4 AS id, k, 1 AS n FROM {table}) GROUP BY id, k ORDER BY sum(n) DESC, id, k
LIMIT {number};
SELECT a.n, b.n FROM (SELECT count(*) AS n FROM {table} WHERE {term}) AS a, (SELECT count(DISTINCT s) AS n FROM
{table2}) AS b;
SELECT id, s, 1 AS one, NULL AS nothing, [] AS empty, {{'x': NULL}} AS st FROM {table} WHERE id < {number};
SELECT any_value(t) FROM (SELECT typeof(COLUMNS(*)) AS t FROM (SELECT {any} AS x, id FROM {table}));
