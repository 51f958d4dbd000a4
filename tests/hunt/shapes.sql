-- Shapes of queries. {table} and {table2} are tables that have id, k and s, {a} and {b} are names; other operands are
-- those of the expressions.
SELECT * FROM {table};
SELECT * EXCLUDE ({first}) FROM {table};
SELECT * REPLACE ({small} AS {first}) FROM {table};
SELECT {a}.*, {b}.k FROM {table} AS {a} JOIN {table2} AS {b} ON {a}.k = {b}.k;
SELECT {a}.k, {b}.k, {a}.k FROM {table} AS {a} LEFT JOIN {table2} AS {b} ON {a}.k = {b}.k AND {b}.id < 20;
SELECT * FROM {table} JOIN {table2} USING (k);
SELECT * FROM {table} AS {a}, {table2} AS {b} WHERE {a}.k = {b}.k AND {a}.id < 30;
SELECT COLUMNS('^[a-k]') FROM {table};
SELECT min(COLUMNS(*)), max(COLUMNS(* EXCLUDE (id))) FROM (SELECT id, k, s FROM {table});
SELECT COLUMNS(c -> c LIKE '%i%') FROM {table};
SELECT * RENAME (id AS ident) FROM {table};
FROM {table} WHERE {term};
FROM {table} SELECT k, count(*) AS n GROUP BY k ORDER BY ALL;
FROM {table} SELECT DISTINCT k;
SELECT k, s, count(*), sum(id) FROM {table} GROUP BY ALL;
SELECT k, s, count(*) AS n, grouping(k, s) AS gr FROM {table} GROUP BY CUBE (k, s);
SELECT k, s, count(*) AS n, grouping_id(k) AS gr, sum(id) FROM {table} GROUP BY ROLLUP (k, s) HAVING count(*) > 1;
SELECT k, s, sum(id) FROM {table} GROUP BY GROUPING SETS ((k), (s), (k, s), ()) ORDER BY ALL;
SELECT k, s, min(id) FROM {table} GROUP BY k, ROLLUP (s);
SELECT DISTINCT ON (k) k, s, id FROM {table} ORDER BY k, s, id;
SELECT DISTINCT ON (k, s) * FROM (SELECT k, s, id FROM {table}) ORDER BY k NULLS FIRST, s DESC, id DESC;
SELECT count(*) FROM (SELECT DISTINCT ON (k) k, id FROM {table} ORDER BY k, id LIMIT 5);
PIVOT (SELECT g4, s, id FROM (SELECT {small} % 3 AS g4, s, id FROM {table})) ON g4 IN (0, 1, 2) USING sum(id) GROUP BY
s;
PIVOT (SELECT coalesce({small} % 3, 9) AS g4, s, id FROM {table}) ON g4 USING count(*), max(id) AS m GROUP BY s;
SELECT * FROM (SELECT {small} % 2 AS g4, k, id FROM {table}) PIVOT (sum(id) FOR g4 IN (0, 1) GROUP BY k);
UNPIVOT (SELECT id, k::BIGINT AS k FROM {table}) ON id, k INTO NAME what VALUE v;
SELECT * FROM (SELECT id, k::BIGINT AS k FROM {table}) UNPIVOT INCLUDE NULLS (v FOR what IN (id, k));
SELECT id, unnest([id, k::BIGINT, NULL]) AS u FROM {table};
SELECT {a}.id, {b}.u FROM {table} AS {a}, unnest([{a}.k, {a}.k + 0]) AS {b}(u);
SELECT unnest([1, 2, 3]) AS u, unnest(['x', 'y']) AS v, k FROM {table};
SELECT unnest({{'p': k, 'q': s}}) FROM {table};
SELECT unnest([{{'p': k, 'q': [s, s]}}], recursive := true) FROM {table};
SELECT {a}.k, {b}.v FROM {table} AS {a}, LATERAL (SELECT unnest(range(abs({small_a}) % 4)) AS v) AS {b};
SELECT {a}.id, g.i FROM {table} AS {a}, generate_series(1, 3) AS g(i) WHERE g.i <> {a}.k;
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 20) SELECT n, count(id) FROM r LEFT JOIN
{table} ON n = k GROUP BY n;
WITH RECURSIVE r(k, d) AS (SELECT k, 0 FROM {table} WHERE {term} UNION SELECT {b}.k, d + 1 FROM r JOIN {table2} AS {b}
ON r.k = {b}.id WHERE d < 4) SELECT d, count(*), min(k) FROM r GROUP BY d;
WITH {a} AS (SELECT k, count(*) AS n FROM {table} GROUP BY k), {b} AS (SELECT max(n) AS n FROM {a}) SELECT {a}.k,
{a}.n FROM {a} JOIN {b} USING (n);
WITH {a} AS (WITH {a} AS (SELECT k, s FROM {table}) SELECT s, count(*) AS n FROM {a} GROUP BY s) SELECT x.s, x.n,
(SELECT count(*) FROM {a} AS y WHERE y.n > x.n) FROM {a} AS x;
SELECT k, sum(id) OVER w, rank() OVER (w ORDER BY s) FROM {table} WINDOW w AS (PARTITION BY k);
SELECT k, n, sum(n) OVER (ORDER BY k NULLS FIRST) FROM (SELECT k, count(*) AS n FROM {table} GROUP BY k);
SELECT k, count(*) AS n, sum(count(*)) OVER () AS total, rank() OVER (ORDER BY count(*) DESC) FROM {table} GROUP BY k;
SELECT k, id FROM {table} QUALIFY row_number() OVER (PARTITION BY k ORDER BY id DESC) <= 2;
SELECT k, count(*) AS n FROM {table} GROUP BY k QUALIFY row_number() OVER (ORDER BY n DESC, k) <= 3;
SELECT * FROM {table} POSITIONAL JOIN {table2};
SELECT {a}.id, {b}.id FROM {table} AS {a} ASOF JOIN (SELECT DISTINCT id FROM {table2}) AS {b} ON {a}.k >= {b}.id;
SELECT {a}.id, {b}.n FROM {table} AS {a} ASOF LEFT JOIN (SELECT s, id, count(*) AS n FROM {table2} GROUP BY s, id) AS
{b} ON {a}.s = {b}.s AND {a}.id > {b}.id;
SELECT id FROM {table} ORDER BY id LIMIT {number};
SELECT id, s FROM {table} ORDER BY s DESC NULLS LAST, id LIMIT {number} OFFSET {number};
SELECT id FROM {table} ORDER BY id LIMIT 20%;
SELECT id FROM {table} ORDER BY id LIMIT (SELECT count(*) // 2 FROM {table2});
SELECT id FROM {table} ORDER BY id OFFSET {number};
SELECT k FROM {table} LIMIT {number};
SELECT s FROM {table} ORDER BY s COLLATE NOCASE, s, id LIMIT {number};
SELECT {a}.id, (SELECT (SELECT count(*) FROM {table} AS z WHERE z.k = y.k AND z.id <> {a}.id) FROM {table2} AS y WHERE
y.id = {a}.k ORDER BY y.id LIMIT 1) AS n FROM {table} AS {a};
SELECT {a}.id FROM {table} AS {a} WHERE {a}.k > ALL (SELECT b.k FROM {table2} AS b WHERE b.s = {a}.s);
SELECT {a}.id, {a}.k = ANY (SELECT b.k FROM {table2} AS b) AS p, {a}.k NOT IN (SELECT b.k FROM {table2} AS b WHERE b.s
= {a}.s) AS q FROM {table} AS {a};
SELECT s, sum(id) FROM {table} GROUP BY s HAVING sum(id) > (SELECT avg(id) FROM {table2} WHERE {table2}.s = {table}.s);
SELECT {a}.k, count(*) FROM {table} AS {a} JOIN {table2} AS {b} ON {a}.k = {b}.k AND EXISTS (SELECT 1 FROM {table} AS
z WHERE z.id = {b}.id) GROUP BY 1;
SELECT {a}.id FROM {table} AS {a} SEMI JOIN {table2} AS {b} ON {a}.k = {b}.k AND {a}.id < {b}.id;
SELECT {a}.id FROM {table} AS {a} ANTI JOIN {table2} AS {b} USING (k, s);
SELECT list(k ORDER BY id) AS l, list(s ORDER BY s DESC, id)[1:3] FROM {table};
SELECT s, list_transform(list(id ORDER BY id), lambda v, i: v * i)[:3] FROM {table} GROUP BY s;
SELECT (VALUES (1)), count(*) FROM {table};
VALUES (1, 'x'), (NULL, 'y'), ((SELECT max(id) FROM {table}), 'z');
SELECT count(*), count(k), sum(k), min(s), avg(id), max(k) FILTER (WHERE false) FROM {table} WHERE false;
SELECT k FROM {table} GROUP BY k HAVING false;
SELECT row_number() OVER () > 0, 1 FROM {table};
SELECT {table}.id FROM {table} WHERE {table}.id IN (SELECT {table}.k FROM {table});
SELECT coalesce({a}.k, {b}.k) AS kk, count(*) FROM {table} AS {a} FULL JOIN {table2} AS {b} ON {a}.k = {b}.k AND {a}.s
= {b}.s GROUP BY kk;
SELECT x.k, y.k FROM (SELECT DISTINCT k FROM {table}) AS x FULL JOIN (SELECT DISTINCT k FROM {table2}) AS y ON x.k =
y.k;
SELECT {a} FROM (SELECT id, k FROM {table}) AS {a};
SELECT k AS n, n + 1 AS m, m * 2 AS o FROM (SELECT {small} AS k FROM {table});
SELECT k AS n FROM {table} WHERE n > 2 GROUP BY n HAVING n < 20;
SELECT CASE WHEN k IS NULL THEN 'none' ELSE s END AS c, count(DISTINCT id) FROM {table} GROUP BY c ORDER BY c;
SELECT DISTINCT k, s FROM {table} ORDER BY s, k LIMIT 3;
SELECT max(k) AS k FROM {table} UNION SELECT k FROM {table2} ORDER BY k;
(SELECT k FROM {table} ORDER BY k LIMIT 3) UNION ALL (SELECT k FROM {table2} ORDER BY k DESC LIMIT 2);
SELECT * FROM (SELECT k, s FROM {table} UNION ALL BY NAME SELECT s, id FROM {table2});
SELECT * FROM (DESCRIBE {table});
SELECT count(*) FROM {table} TABLESAMPLE 100%;
SELECT count(*) <= 5 FROM (SELECT * FROM {table} USING SAMPLE 5 ROWS);
SELECT k, sum(id) FROM (SELECT * FROM {table} ORDER BY id LIMIT 30) GROUP BY k;
SELECT count(*) FROM {table} AS {a} JOIN {table2} AS {b} ON {a}.id BETWEEN {b}.id - 1 AND {b}.id + 2;
SELECT {a}.id, {b}.id FROM {table} AS {a} JOIN {table2} AS {b} ON {a}.id + 1 = {b}.id OR {a}.id = {b}.id;
SELECT (SELECT {a}.k + count(*) FROM {table2} AS {b} WHERE {b}.k = {a}.k) AS v, count(*) FROM {table} AS {a} GROUP BY
v;
SELECT struct_pack(n := count(*), m := max(id)) AS st FROM {table} GROUP BY k;
SELECT now() = now(), count(*) FROM {table} WHERE now() IS NOT NULL;
SELECT count(DISTINCT r) <= 1 FROM (SELECT id, (SELECT 1) AS r FROM {table});
SELECT sum(id) FILTER (WHERE k > 2), count(*) FILTER (s LIKE 'v%') FROM {table};
SELECT {agg}, {agg}, {agg} FROM {table};
SELECT k, {agg}, {agg} FROM {table} GROUP BY k;
SELECT s, k, {agg}, count(DISTINCT id), sum(DISTINCT {small}) FROM {table} GROUP BY s, k;
SELECT {agg}, count(DISTINCT k), count(DISTINCT s), sum(id) FROM {table};
SELECT * FROM {table} WHERE ({term}) AND ({term}) ORDER BY ALL LIMIT {number};
