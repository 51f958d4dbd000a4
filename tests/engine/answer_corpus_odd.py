"""Statements that are odd in some way; ``+`` marks those that run in several tasks, ``{folder}`` is the data's."""

ODD = """
  SELECT filename IS NULL, count(*) FROM '{folder}/facts/*.parquet' GROUP BY ALL;
  SELECT file_row_number, id FROM '{folder}/facts/1.parquet' WHERE file_row_number < 3;
  SELECT file_row_group_number, count(*), sum(id) FROM '{folder}/facts/*.parquet' GROUP BY ALL;
  SELECT File_Index, max(file_row_group_number) FROM '{folder}/facts/*.parquet' WHERE k > 3 GROUP BY ALL;
  SELECT facts FROM facts WHERE id < 3;
  SELECT f FROM facts f WHERE f.id < 3;
  SELECT d FROM dims d WHERE w < 9;
  SELECT #1 FROM facts WHERE id < 3;
  SELECT id, k FROM facts WHERE id < 30 ORDER BY #2, #1;
+ SELECT id FROM facts WHERE (k, s) > (30, 'name 3');
+ SELECT id FROM facts WHERE (k, s) IN ((1, 'name 1'), (2, 'name 2'));
+ SELECT id FROM facts WHERE (k, s) = (1, 'name 1');
  SELECT count(*) FROM facts GROUP BY ();
  SELECT k, s, count(*) FROM facts GROUP BY (k, s);
  SELECT id FROM facts LIMIT ALL;
  SELECT id FROM facts ORDER BY id FETCH FIRST 3 ROWS ONLY;
+ SELECT DISTINCT k, s FROM facts WHERE id < 99 ORDER BY s, k;
  SELECT DISTINCT k FROM facts WHERE id < 99 ORDER BY s;
+ SELECT k, id, name, v FROM facts JOIN dims USING (k) JOIN other USING (k) WHERE id < 20;
+ SELECT k, count(*) FROM facts FULL JOIN dims USING (k) FULL JOIN other USING (k) GROUP BY k;
+ SELECT k, count(*) FROM facts LEFT JOIN dims USING (k) LEFT JOIN other USING (k) WHERE id < 99 GROUP BY k;
+ SELECT k, count(*) FROM facts RIGHT JOIN dims USING (k) RIGHT JOIN other USING (k) GROUP BY k;
+ SELECT * FROM facts JOIN dims USING (k) LEFT JOIN one USING (k) WHERE facts.id < 40;
+ SELECT dims.k, facts.k, k FROM facts RIGHT JOIN dims USING (k) WHERE w < 20;
+ SELECT a.k, b.k FROM (SELECT k FROM facts WHERE id < 50) a LEFT JOIN (SELECT k FROM dims) b USING (k) WHERE b.k IS
  NULL;
+ SELECT x.a FROM (SELECT k AS a, k AS b FROM facts) x JOIN (SELECT k AS a FROM dims) y ON x.b = y.a AND x.a = y.a;
+ SELECT count(*) FROM facts a, facts b, dims c WHERE a.id = b.id AND b.k = c.k AND a.k = c.k;
+ SELECT count(*) FROM (facts JOIN dims USING (k)) JOIN other USING (k) WHERE id < 500;
+ SELECT count(*) FROM facts f JOIN (dims d JOIN one o ON d.k = o.k) ON f.k = d.k;
  SELECT count(*) FROM facts f JOIN (dims d JOIN one o ON d.k = o.k) AS j ON f.k = j.k;
  SELECT f.id FROM facts f LEFT JOIN dims d ON f.k = d.k AND EXISTS (SELECT 1 FROM one) WHERE f.id < 30;
+ SELECT f.id FROM facts f WHERE EXISTS (SELECT 1) AND f.id < 30;
+ SELECT f.id FROM facts f WHERE NOT EXISTS (SELECT 1 WHERE false) AND f.id < 30;
  SELECT f.id FROM facts f WHERE f.id IN (VALUES (1), (3), (NULL));
  SELECT f.id FROM facts f WHERE f.id NOT IN (VALUES (1), (3)) AND f.id < 9;
+ SELECT f.id FROM facts f WHERE f.id IN (SELECT 1 UNION ALL SELECT 5);
+ SELECT f.id FROM facts f WHERE (SELECT f.k IS NULL) AND f.id < 40;
+ SELECT f.id FROM facts f WHERE f.id < (SELECT 9);
+ SELECT (SELECT count(*) FROM facts) + (SELECT count(*) FROM other) AS n;
+ SELECT (SELECT max(id) FROM facts), (SELECT min(name) FROM dims);
+ SELECT * FROM (SELECT max(id) AS m FROM facts), (SELECT count(*) AS n FROM other);
+ SELECT 'x' AS tag, * FROM (SELECT k, count(*) AS n FROM facts GROUP BY k) WHERE n > 90;
+ SELECT k FROM (SELECT k FROM (SELECT k FROM (SELECT k, s FROM facts WHERE id < 900) WHERE s IS NOT NULL)) WHERE k >
  35;
+ SELECT NULL AS n, NULL::INTEGER AS i, count(*) FROM facts GROUP BY n, i;
+ SELECT count(*), NULL FROM facts;
+ SELECT sum(k), sum(k) AS s, sum(k) + 1 AS t, sum(k) FILTER (WHERE true) FROM facts;
+ SELECT k AS "k", k AS "K" FROM facts WHERE id < 9;
+ SELECT count(*) AS "count(*)" FROM facts;
+ SELECT id AS "a.b", k AS "c;d", s AS "e--f", x AS "g'h" FROM facts WHERE id < 9;
+ SELECT "a.b" FROM (SELECT id AS "a.b" FROM facts) WHERE "a.b" < 9;
+ SELECT s || chr(10) || 'tab\\there' AS t, count(*) FROM facts GROUP BY t;
+ SELECT id FROM facts WHERE s = 'name 1' AND id < 200 -- a comment; with a semicolon
  AND k IS NOT NULL;
+ select Id from FACTS where K = 3 and Id < 500 order by ID desc limit 3;
+ SELECT ALL id FROM facts WHERE id < 9;
+ (SELECT id FROM facts WHERE id < 9);
+ ((SELECT id FROM facts ORDER BY id DESC LIMIT 9) ORDER BY id LIMIT 3);
+ SELECT id FROM (SELECT id FROM facts ORDER BY x DESC, id LIMIT 20) ORDER BY id OFFSET 3;
+ SELECT max(id) FROM (SELECT id FROM facts UNION ALL SELECT -id FROM facts) WHERE id < 100;
+ SELECT k, sum(n) FROM (SELECT k, 1 AS n FROM facts UNION ALL SELECT k, 2 FROM other UNION ALL SELECT k, 3 FROM dims)
  GROUP BY k HAVING sum(n) > 100;
+ SELECT avg(k) OVER (PARTITION BY b), b FROM facts WHERE id < 200;
+ SELECT id, sum(k) OVER (PARTITION BY s, b ORDER BY id), sum(k) OVER (PARTITION BY b, s ORDER BY day, id) FROM facts;
+ SELECT f.id, count(*) OVER (PARTITION BY d.k) FROM facts f JOIN dims d ON f.k = d.k WHERE f.id < 900;
+ SELECT k, count(*) FILTER (WHERE x > (SELECT avg(x) FROM facts)) FROM facts GROUP BY k;
+ SELECT k, CASE WHEN count(*) > 90 THEN 'many' ELSE (SELECT min(name) FROM dims) END FROM facts GROUP BY k;
+ SELECT k FROM facts GROUP BY k HAVING EXISTS (SELECT 1 FROM dims d WHERE d.k = facts.k AND d.w > 60);
  SELECT k, grouping(k) FROM facts GROUP BY k;
  SELECT first(id ORDER BY id), last(id ORDER BY id) FROM facts WHERE k = 3;
+ SELECT s, arg_max(id, id), arg_min(id, id) FROM facts GROUP BY s;
+ SELECT min(x) FILTER (WHERE k IS NULL), max(x) FILTER (WHERE k IS NULL AND b IS NULL) FROM facts;
+ SELECT coalesce(a.k, b.k) AS k, a.n, b.n FROM (SELECT k, count(*) AS n FROM facts GROUP BY k) a
  FULL JOIN (SELECT k, count(*) AS n FROM other GROUP BY k) b ON a.k IS NOT DISTINCT FROM b.k;
+ SELECT sum(a.n) FROM (SELECT key, count(*) AS n FROM sorted_double GROUP BY key) a JOIN sorted b ON a.key = b.key
  LEFT JOIN holes c ON c.key = b.key WHERE c.v IS NULL OR c.v < 5;
+ SELECT key, sum(v), max(m) FROM (SELECT key, v, max(v) OVER (PARTITION BY key) AS m FROM nearly) GROUP BY key HAVING
  key % 5 = 0;
+ SELECT a.key, (SELECT sum(n) FROM sorted_double b WHERE b.key = a.key) FROM sorted a WHERE a.key < 500;
+ SELECT key FROM sorted WHERE key NOT IN (SELECT key FROM holes);
+ SELECT key FROM sorted WHERE key NOT IN (SELECT key FROM holes WHERE key IS NOT NULL);
+ SELECT key FROM sorted s WHERE EXISTS (SELECT 1 FROM sorted_double d WHERE d.key = s.key AND d.n % 7 = s.v % 7);
+ SELECT day, count(*) FROM daily WHERE day >= DATE '2021-02-01' AND day < DATE '2021-02-11' GROUP BY day ORDER BY day;
+ SELECT d.day, count(*) FROM daily d LEFT JOIN other o ON o.day = d.day GROUP BY d.day HAVING count(o.v) = 0;
"""
