"""Statements about names, scopes, CTEs, literals and everything else; ``+`` marks those that run in several tasks.

``{folder}`` stands for the folder of the data.
"""

SCOPES = """
+ WITH c AS (SELECT k, count(*) AS n FROM facts GROUP BY k) SELECT * FROM c WHERE n > 90;
+ WITH c AS (SELECT k, count(*) AS n FROM facts GROUP BY k) SELECT a.k, a.n + b.n FROM c a JOIN c b ON a.k = b.k + 1;
+ WITH a AS (SELECT k, id FROM facts WHERE id < 900), b AS (SELECT k, id FROM a WHERE k > 5) SELECT * FROM b JOIN a
  USING (k, id);
+ WITH facts AS (SELECT * FROM facts WHERE id < 1500) SELECT count(*) FROM facts;
+ WITH facts AS (SELECT k FROM other) SELECT k, count(*) FROM facts GROUP BY k;
+ WITH a AS (SELECT k FROM facts), b AS (WITH a AS (SELECT k FROM other) SELECT * FROM a) SELECT count(*) FROM a, b
  WHERE a.k = b.k AND a.k > 35;
+ WITH a(p, q) AS (SELECT k, id FROM facts) SELECT sum(p), sum(q) FROM a;
+ WITH a AS MATERIALIZED (SELECT k, id FROM facts) SELECT a.id FROM a JOIN dims USING (k);
+ WITH a AS NOT MATERIALIZED (SELECT k, id FROM facts) SELECT a.id FROM a JOIN dims USING (k);
+ SELECT * FROM (WITH a AS (SELECT k FROM facts WHERE id < 30) SELECT * FROM a) WHERE k IN (WITH b AS (SELECT k FROM
  dims)
  SELECT * FROM b);
  WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 20) SELECT sum(n) FROM r;
  WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 20) SELECT f.id FROM r JOIN facts f ON f.k
  = r.n;
  WITH unused AS (SELECT 1 / 0) SELECT count(*) FROM facts;
  WITH a AS (SELECT id, k FROM facts ORDER BY id LIMIT 10) SELECT * FROM a x JOIN a y ON x.id = y.id;
  WITH a AS (SELECT k, row_number() OVER (ORDER BY id) AS n FROM facts) SELECT count(*) FROM a x JOIN a y ON x.n =
  y.n + 1;
  WITH t AS (SELECT k, sum(f) AS p FROM facts GROUP BY k) SELECT k FROM t WHERE p = (SELECT max(p) FROM t);
  WITH t AS (SELECT k, stddev(x) AS p FROM facts GROUP BY k) SELECT k FROM t WHERE p = (SELECT min(p) FROM t);
+ WITH t AS (SELECT k, sum(x) AS p FROM facts GROUP BY k) SELECT k FROM t WHERE p = (SELECT max(p) FROM t);
+ WITH t AS (SELECT k, avg(x) AS p FROM facts GROUP BY k) SELECT k FROM t WHERE p = (SELECT max(p) FROM t);
+ WITH t AS (SELECT k, max(f) AS p FROM facts GROUP BY k) SELECT k FROM t WHERE p = (SELECT max(p) FROM t);
+ SELECT k FROM positive_sums WHERE total = (SELECT max(total) FROM positive_sums);
+ SELECT * FROM positive WHERE k = 3;
+ SELECT k, total, n FROM positive_sums;
+ SELECT p.k, p.total, d.name FROM positive_sums p JOIN dims d ON p.k = d.k WHERE p.n > 40;
+ SELECT name, sum(w) FROM joined GROUP BY name;
+ SELECT a, b FROM renamed ORDER BY a;
+ SELECT r.a, p.n, r.b FROM renamed r JOIN positive_sums p ON r.a = p.k;
+ WITH dims AS (SELECT 1 AS k, 'x' AS name, 2 AS w) SELECT count(*), sum(dims.w) FROM joined, dims;
+ SELECT F.ID, D.NAME FROM Facts AS F JOIN DIMS AS D ON F.K = d.k WHERE f.Id < 100;
+ SELECT facts.id FROM facts WHERE facts.k = 3;
+ SELECT id FROM facts AS facts2 WHERE facts2.k = 3;
+ SELECT f.* FROM facts f WHERE f.id < 5;
+ SELECT f.*, d.* FROM facts f JOIN dims d ON f.k = d.k WHERE f.id < 30;
+ SELECT d.*, f.* EXCLUDE (s, x) FROM facts f JOIN dims d ON f.k = d.k WHERE f.id < 30;
+ SELECT * EXCLUDE (f, day) FROM facts WHERE id < 30;
+ SELECT * REPLACE (k + 1 AS k, upper(s) AS s) FROM facts WHERE id < 30;
+ SELECT * EXCLUDE (x) REPLACE (id * 2 AS id) FROM facts WHERE id < 30;
  SELECT * RENAME (k AS kk) FROM facts WHERE id < 30;
  SELECT COLUMNS('^[ks]$') FROM facts WHERE id < 30;
  SELECT min(COLUMNS(*)) FROM facts;
  SELECT COLUMNS(lambda c: c LIKE '%k%') FROM facts WHERE id < 9;
  SELECT * LIKE 's%' FROM facts WHERE id < 9;
+ SELECT k, k, k AS k FROM facts WHERE id < 20;
+ SELECT k, k + 1 AS k FROM facts WHERE id < 20;
+ SELECT f.k, d.k FROM facts f JOIN dims d ON f.k = d.k WHERE f.id < 20;
  SELECT * FROM (SELECT k, k FROM facts WHERE id < 20);
  SELECT k FROM (SELECT k, s AS k FROM facts WHERE id < 20);
+ SELECT * FROM (SELECT f.k, d.k FROM facts f JOIN dims d ON f.k = d.k WHERE f.id < 20);
+ SELECT x.k FROM (SELECT f.k, d.k AS k2 FROM facts f JOIN dims d ON f.k = d.k) x WHERE k2 > 30;
+ SELECT a, b FROM (SELECT k, id FROM facts) AS t(a, b) WHERE b < 20;
+ SELECT a, id FROM (SELECT k, id FROM facts) AS t(a) WHERE id < 20;
+ SELECT a, s FROM facts AS t(i, a) WHERE i < 20;
+ SELECT id + 1 AS y, y * 2 AS z, z - y FROM facts WHERE y < 10;
+ SELECT id AS k, k AS other_k FROM facts WHERE k < 5;
+ SELECT k AS id, id AS k FROM facts WHERE id < 9 ORDER BY k;
+ SELECT id % 10 AS x FROM facts WHERE x < 3 AND id < 50;
+ SELECT id % 10 AS m, count(*) FROM facts WHERE m < 3 GROUP BY m HAVING m > 0 ORDER BY m;
  SELECT x AS k, count(*) FROM facts GROUP BY k, x HAVING k > 90;
  SELECT max(x) AS x FROM facts HAVING x > 5;
  SELECT max(x) AS id FROM facts GROUP BY k HAVING id > 5;
+ FROM facts SELECT id WHERE id < 3;
+ FROM facts WHERE id < 3;
+ SELECT "select", "Ünï", "a b", "a""b", "UPPER" FROM "Odd Näme" WHERE "select" < 40;
+ SELECT * FROM "Odd Näme" WHERE "group" = 1 AND "order" = 2;
+ SELECT "Ünï", sum("select"), count("a b") FROM "Odd Näme" GROUP BY "Ünï";
+ SELECT scan_x, exchange_1, shoal_partition, shoal_row, count(*) FROM "Odd Näme" GROUP BY ALL;
+ SELECT shoal_partition FROM "Odd Näme" GROUP BY shoal_partition ORDER BY shoal_partition;
+ SELECT a.shoal_partition, b.shoal_row, count(*) FROM "Odd Näme" a JOIN "Odd Näme" b ON a."select" = b.shoal_partition
  GROUP BY ALL;
+ SELECT "a b" AS "x y", "a""b" AS "z""w" FROM "Odd Näme" WHERE "select" < 20;
+ SELECT upper AS "Other", "UPPER" AS "lower" FROM "Odd Näme" WHERE "select" < 20;
+ SELECT "from", "where", count(*) FROM "select" GROUP BY "from", "where" HAVING "where" = 1;
+ SELECT s."from" FROM "select" s JOIN "Odd Näme" o ON s."from" = o."select" AND o."order" = s."where";
+ SELECT t1.k, t2.name FROM facts t1 JOIN dims t2 ON t1.k = t2.k WHERE t1.id < 50;
+ SELECT "rows".k FROM (SELECT k FROM facts WHERE id < 20) AS "rows";
+ SELECT 'a
b' AS l, s || '
' AS m, id FROM facts WHERE id < 5;
+ SELECT 'it''s' AS q, 'back\\slash', '"', '--no', '/* no */', '€ü', id FROM facts WHERE id < 5;
+ SELECT id, E'tab\\tnew\\n' AS e FROM facts WHERE id < 5;
+ SELECT id, $$dollar 'quoted'$$ AS e FROM facts WHERE id < 5;
+ SELECT id /* comment */ FROM facts -- end
  WHERE id < 5;
+ SELECT count(*) FROM facts WHERE s = 'name 3' OR s = 'it''s
not';
+ SELECT s, count(*) FROM facts WHERE s <> 'x
y' GROUP BY s;
+ SELECT id "quoted alias" FROM facts WHERE id < 5;
+ SELECT count(*) FROM facts GROUP BY k HAVING k = 3;
+ SELECT id, 1, 'x', NULL, true, 1.5, 1e3, DATE '2020-01-01', INTERVAL 1 DAY FROM facts WHERE id < 3;
+ SELECT count(*), 'x', sum(k) + 1 FROM facts;
+ SELECT k+1, -k, k*2, s||'x', NOT b, k IS NULL, k::VARCHAR, CAST(k AS DOUBLE) FROM facts WHERE id < 10;
+ SELECT count(k), sum(k), SUM(x), Avg(F), count(*), count(DISTINCT k), sum(k) FILTER (WHERE b) FROM facts;
+ SELECT (SELECT 1), EXISTS (SELECT 1), k IN (1, 2), k BETWEEN 1 AND 2, s LIKE 'n%' FROM facts WHERE id < 5;
+ SELECT extract('year' FROM day), day + 1, day - DATE '2020-01-01', year(day) FROM facts WHERE id < 5;
"""

EXPRESSIONS = """
+ SELECT id FROM facts WHERE k = 3 AND (s = 'name 1' OR s IS NULL) AND NOT b;
+ SELECT id FROM facts WHERE k = 3 OR k IS NULL AND b;
+ SELECT id FROM facts WHERE NOT (k = 3 OR s = 'name 1');
+ SELECT id FROM facts WHERE k IN (1, 2, NULL) OR k NOT IN (5, 6, NULL);
+ SELECT id FROM facts WHERE k NOT IN (5, 6, 7) AND id < 100;
+ SELECT id FROM facts WHERE s LIKE 'name _' AND s NOT LIKE '%3' AND s ILIKE 'NAME%';
+ SELECT id FROM facts WHERE s LIKE '%!_%' ESCAPE '!';
+ SELECT id FROM facts WHERE s SIMILAR TO 'name [12]+';
  SELECT id FROM facts WHERE regexp_matches(s, '^name 1');
  SELECT id FROM facts WHERE s ~ 'name 1.';
+ SELECT id FROM facts WHERE regexp_full_match(s, 'name 1.') OR regexp_extract(s, '[0-9]+') = '3';
+ SELECT id FROM facts WHERE starts_with(s, 'name 1') AND contains(s, '1') AND suffix(s, '0');
+ SELECT id, k // 3, k % 3, k / 3, -k, abs(-k), 7 - -k, k ** 2, k ^ 2 FROM facts WHERE id < 60;
+ SELECT id, x * x, x + k, x / 3, x - f, f / 0, k / 0, x % 7 FROM facts WHERE id < 60;
+ SELECT id, k & 3, k | 8, xor(k, 3), ~k, k << 2, k >> 1 FROM facts WHERE id < 60;
+ SELECT id, round(x, 1), round(f), ceil(x), floor(x), trunc(x), sign(x), sqrt(abs(x)), ln(f + 1), exp(f / 250) FROM
  facts;
+ SELECT id, greatest(k, 5), least(k, id, 9), coalesce(k, -1), nullif(k, 3), ifnull(k, 0) FROM facts WHERE id < 60;
+ SELECT id, CASE k WHEN 1 THEN 'a' WHEN 2 THEN 'b' ELSE s END, if(b, 1, 2) FROM facts WHERE id < 60;
+ SELECT id, s || '-' || k, concat(s, k, NULL), concat_ws('/', s, k), upper(s), length(s), reverse(s) FROM facts
  WHERE id < 60;
+ SELECT id, substring(s, 2, 3), s[2:4], left(s, 2), right(s, 2), trim('  ' || s), lpad(s, 9, '*'), replace(s, 'n',
  'N'),
  position('m' IN s), strpos(s, 'e'), split_part(s, ' ', 2), repeat(s, 2), ascii(s), chr(65 + k) FROM facts WHERE id
  < 60;
+ SELECT id, k::VARCHAR, x::INTEGER, f::DECIMAL(9, 3), day::TIMESTAMP, '12'::INTEGER + k, TRY_CAST(s AS INTEGER) FROM
  facts
  WHERE id < 60;
  SELECT s::INTEGER FROM facts;
+ SELECT id, day + INTERVAL 1 MONTH, day + INTERVAL '2' DAY, day - INTERVAL 3 YEARS, date_diff('day', day, DATE
  '2020-06-01'),
  date_part('week', day), dayname(day), strftime(day, '%Y-%m'), last_day(day), age(TIMESTAMP '2021-01-01',
  day::TIMESTAMP)
  FROM facts WHERE id < 60;
+ SELECT v, moment::TIME, moment AT TIME ZONE 'UTC', epoch(moment), hour(moment), moment::DATE = day FROM other WHERE
  v < 5;
+ SELECT ts, tz, tz::DATE, ts::TIME, extract('epoch' FROM tz), tz AT TIME ZONE 'Europe/Berlin' FROM every_type WHERE
  i4 < 20;
+ SELECT id, b AND k > 3, b OR k > 3, b IS TRUE, b IS NOT FALSE, (b) IS NULL, k IS DISTINCT FROM 3 FROM facts WHERE
  id < 99;
+ SELECT id, (k > 3) = b, NOT b = (k < 2), (k = 1) IS NULL, -k BETWEEN -5 AND 1 FROM facts WHERE id < 99;
+ SELECT * FROM every_type WHERE i4 < 5;
+ SELECT i1, u1, d4, f4, f8 FROM every_type WHERE f8 > 1e308 OR isnan(f8);
+ SELECT i4 FROM every_type WHERE d4 = 0.5 OR d4 = 0.25::DOUBLE OR f4 = 3;
+ SELECT st.a, st['b'], l[1], m['k'], len(l) FROM every_type WHERE i4 < 9;
  SELECT list_sum(l), list_transform(l, lambda q: q + 1), list_filter(l, lambda q: q > 3) FROM every_type
  WHERE i4 < 9;
+ SELECT {'p': i4, 'q': t}, [i4, 2], MAP {i4: t}, row(i4, t), struct_pack(z := i4) FROM every_type WHERE i4 < 9;
  SELECT unnest(l) FROM every_type WHERE i4 < 9;
  SELECT i4, q.v FROM every_type, unnest(l) AS q(v) WHERE i4 < 9;
  SELECT unnest(st) FROM every_type WHERE i4 < 3;
  SELECT '{"a": [1, 2]}'::JSON -> 'a' ->> 0, json_extract('{"b": 3}', '$.b') FROM one;
  SELECT list_reduce([1, 2, 3], lambda p, q: p + q), [1, 2, 3][-1], range(3), generate_series(1, 3);
  SELECT * FROM range(5) r(i), generate_series(1, 2) g(j);
+ SELECT r.i, f.id FROM range(3) r(i) JOIN facts f ON f.k = r.i;
  SELECT * FROM unnest([1, 2, NULL]) AS u(v);
  VALUES (1, 'a'), (2, NULL);
  SELECT * FROM (VALUES (1, 2.5), (3, 4)) AS v(a, b) WHERE a > 1;
  SELECT 1;
  SELECT 1 AS a, 'b' AS b WHERE false;
  SELECT count(*), sum(1);
  SELECT 5 UNION ALL SELECT 6 ORDER BY 1 DESC;
  PIVOT (SELECT b, skew % 3 AS m, x FROM facts WHERE b IS NOT NULL) ON m USING sum(x) GROUP BY b;
  SELECT * FROM (SELECT k, b, x FROM facts) PIVOT (sum(x) FOR b IN (true, false));
  UNPIVOT (SELECT id, k, skew FROM facts WHERE id < 10) ON k, skew INTO NAME n VALUE v;
  SELECT k, sum(x) FROM facts TABLESAMPLE 100 PERCENT GROUP BY k;
  SELECT id FROM facts WHERE id < 5 USING SAMPLE 100%;
+ SELECT count(*) FROM '{folder}/facts/*.parquet';
+ SELECT k, count(*) FROM '{folder}/facts/*.parquet' GROUP BY k;
+ SELECT f.id FROM read_parquet(['{folder}/facts/0.parquet', '{folder}/facts/1.parquet']) f JOIN dims USING (k);
  SELECT id, file_row_number FROM read_parquet('{folder}/facts/0.parquet', file_row_number = true) WHERE id < 5;
  SELECT count(*), count(DISTINCT filename) FROM read_parquet('{folder}/facts/*.parquet', filename = true);
  SELECT part, count(*), sum(n) FROM read_parquet('{folder}/hive/*/*.parquet', hive_partitioning = true) GROUP BY part;
  SELECT part, count(*), sum(n) FROM '{folder}/hive/*/*.parquet' GROUP BY part;
  SELECT * FROM read_parquet('{folder}/uneven_*.parquet', union_by_name = true) ORDER BY ALL;
  SELECT count(*), sum(id), max(s) FROM '{folder}/part_*.csv';
  SELECT k, count(*), sum(id) FROM read_csv('{folder}/part_*.csv', header = true) GROUP BY k;
  SELECT c.s, f.s FROM read_csv_auto('{folder}/part_0.csv') c JOIN facts f ON c.id = f.id WHERE c.k = 3;
  SELECT * FROM read_csv('{folder}/part_0.csv', columns = {'a': 'INTEGER', 'b': 'VARCHAR', 'c': 'VARCHAR'}) WHERE a < 5;
  SELECT k, count(*) FROM '{folder}/part_*.json' GROUP BY k;
  SELECT j.s, d.name FROM read_json('{folder}/part_1.json') j JOIN dims d ON j.k = d.k WHERE j.id < 600;
  SELECT count(*) FROM glob('{folder}/part_*.csv');
  SELECT length(content) > 0 FROM read_text('{folder}/part_0.csv');
  SELECT random() < 2, count(*) FROM facts GROUP BY 1;
  SELECT current_date = today(), count(*) FROM facts GROUP BY 1;
  SELECT alias(k) FROM one;
  SELECT typeof(k), typeof(x) FROM facts LIMIT 1;
+ SELECT hash(k), md5(s) FROM facts WHERE id < 9;
+ SELECT sum(CASE WHEN k > 3 THEN 1 ELSE 0 END), sum(if(b, x, 0)), count(CASE WHEN b THEN 1 END) FROM facts;
+ SELECT k, sum(x * (1 - f / 1000)) AS v, sum(x) * 100 / sum(f) FROM facts GROUP BY k;
+ SELECT 1 FROM facts WHERE k = 2;
+ SELECT NULL FROM facts WHERE k = 2;
  SELECT id FROM facts WHERE NULL;
+ SELECT id FROM facts WHERE 1 = 1 AND id < 10;
+ SELECT id FROM facts WHERE k;
+ SELECT id FROM facts WHERE s = 3;
+ SELECT id FROM facts WHERE day > '2020-12-01' AND x < '5';
  SELECT count(*) FROM facts WHERE error('x') IS NULL AND false;
  SELECT id, now() = now(), current_timestamp IS NULL FROM facts WHERE id < 9;
  SELECT geomean(f + 1), weighted_avg(k, id) FROM facts;
  SELECT id, generate_subscripts([k, id], 1) FROM facts WHERE id < 9;
  SELECT current_setting('TimeZone'), count(*) FROM facts;
"""
