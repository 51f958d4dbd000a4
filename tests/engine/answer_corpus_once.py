"""Statements whose common tables must be computed once, and statements of which a part has no rows; ``+`` as elsewhere.

Those over a LIMIT without an order ask whether all readers have seen the same rows.
"""

ONCE = """
+ WITH t AS (SELECT id, k FROM facts LIMIT 900) SELECT count(*) FROM t a JOIN t b USING (id);
+ WITH t AS (SELECT id, k FROM facts LIMIT 900) SELECT count(*), (SELECT count(*) FROM t), (SELECT max(id) FROM t)
  = max(id) FROM t;
+ WITH t AS (SELECT id, k, x FROM facts ORDER BY x, id LIMIT 700) SELECT a.id, b.k FROM t a JOIN t b ON a.k = b.id % 40
  WHERE a.x < -90;
+ WITH t AS (SELECT id, k FROM facts ORDER BY id LIMIT 300 OFFSET 5) SELECT k, count(*) FROM t GROUP BY k
  HAVING count(*) > (SELECT avg(n) FROM (SELECT count(*) AS n FROM t GROUP BY k));
+ WITH t AS (SELECT k, row_number() OVER (PARTITION BY k ORDER BY id) AS n FROM facts)
  SELECT a.k, count(*) FROM t a JOIN t b ON a.k = b.k AND a.n = b.n + 1 GROUP BY a.k;
+ WITH t AS (SELECT id, k, row_number() OVER () AS n FROM facts) SELECT count(*) FROM t a JOIN t b USING (id, n);
+ WITH t AS (SELECT k, first(id) AS f, any_value(s) AS s FROM facts GROUP BY k) SELECT count(*) FROM t a JOIN t b
  ON a.k = b.k AND a.f = b.f AND a.s = b.s;
+ WITH t AS (SELECT k, list(id) AS l FROM facts GROUP BY k) SELECT count(*) FROM t a JOIN t b ON a.k = b.k
  AND a.l = b.l;
+ WITH t AS (SELECT k, sum(f) AS n, avg(f) AS m FROM facts GROUP BY k) SELECT k FROM t WHERE n = (SELECT max(n) FROM t)
  OR m = (SELECT min(m) FROM t);
+ WITH t AS (SELECT k, sum(f) AS n FROM facts GROUP BY k) SELECT count(*) FROM t WHERE n IN (SELECT n FROM t
  WHERE k > 3);
+ WITH t AS MATERIALIZED (SELECT k, s, sum(x) AS n FROM facts GROUP BY k, s) SELECT a.k, b.s FROM t a JOIN t b
  ON a.k = b.k WHERE a.n > 40 AND b.s = 'name 3';
+ WITH t AS MATERIALIZED (SELECT k, x FROM facts) SELECT (SELECT sum(x) FROM t WHERE k = 1), (SELECT sum(x) FROM t
  WHERE k = 2), (SELECT count(*) FROM t WHERE k = 1 OR x > 50);
+ WITH t AS MATERIALIZED (SELECT * FROM facts) SELECT a.id FROM t a WHERE a.x > (SELECT avg(b.x) + 90 FROM t b
  WHERE b.k = a.k);
+ WITH t AS NOT MATERIALIZED (SELECT k, sum(x) AS n FROM facts GROUP BY k) SELECT a.k FROM t a JOIN t b ON a.n < b.n;
+ WITH t AS MATERIALIZED (SELECT k, x FROM facts), u AS MATERIALIZED (SELECT k, count(*) AS n FROM t GROUP BY k)
  SELECT u.k, u.n, v.n FROM u JOIN u AS v ON u.n = v.n + 1 WHERE u.k IN (SELECT k FROM t WHERE x > 80);
+ WITH t AS (SELECT id FROM facts LIMIT 50), u AS (SELECT * FROM t), v AS (SELECT a.id FROM u a JOIN u b USING (id))
  SELECT (SELECT count(*) FROM v), (SELECT count(*) FROM v JOIN t USING (id));
+ WITH t AS (SELECT id, k FROM facts LIMIT 900) SELECT id FROM t UNION SELECT id FROM t EXCEPT SELECT id FROM t;
+ WITH t AS (SELECT id, k, s FROM facts ORDER BY id LIMIT 1000), u AS (SELECT k FROM t WHERE s = 'name 1')
  SELECT count(*) FROM t WHERE k IN (SELECT k FROM u) AND k NOT IN (SELECT k FROM t WHERE s = 'name 2' AND k < 9);
+ WITH t AS (SELECT id, id AS again, k FROM facts LIMIT 100) SELECT count(*), max(a.again - b.id) FROM t a, t b
  WHERE a.id = b.again;
+ WITH t(p, q) AS (SELECT k, min(id) FROM facts GROUP BY k LIMIT 20) SELECT count(*) FROM t a JOIN t b
  ON a.p IS NOT DISTINCT FROM b.p;
+ WITH t AS (SELECT k, id FROM facts LIMIT 10) SELECT * FROM (WITH t AS (SELECT k FROM dims) SELECT count(*) FROM t a
  JOIN t b USING (k)), (SELECT count(*) FROM t a JOIN t b USING (id));
+ WITH t AS (SELECT k, s, sum(f) AS n FROM facts GROUP BY k, s) SELECT a.k, a.n, b.n FROM t a JOIN t b ON a.s = b.s
  WHERE a.k = 3 AND b.k = 2 + 2;
+ WITH t AS (SELECT 'x' AS kind, k, sum(f) AS n FROM facts GROUP BY k UNION ALL SELECT 'y', k, avg(v) FROM other
  GROUP BY k) SELECT a.k, a.n, b.n FROM t a JOIN t b ON a.k = b.k WHERE a.kind = 'x' AND b.kind = 'y';
+ WITH t AS (SELECT k, first(id) AS n FROM facts GROUP BY k) SELECT count(*) FROM t a, t b WHERE a.k > 5 AND b.k < 5
  AND a.n <> b.n;
+ SELECT a.k, b.total FROM positive_sums a JOIN positive_sums b ON a.n = b.n WHERE a.total > 100;
+ WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 30) SELECT n, count(*) FROM r JOIN facts
  ON k = n GROUP BY n;
+ WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 30) SELECT count(*) FROM facts WHERE k IN
  (SELECT n FROM r WHERE n % 2 = 0) AND id % 30 IN (SELECT n FROM r);
+ WITH RECURSIVE s AS (SELECT min(k) AS low FROM dims), r(n) AS (SELECT low FROM s UNION ALL SELECT n + 3 FROM r
  WHERE n < 30), t AS (SELECT k, sum(x) AS total FROM facts GROUP BY k) SELECT n, total FROM r LEFT JOIN t ON k = n;
+ WITH RECURSIVE r(id, up) AS (SELECT k, k // 2 FROM dims WHERE k = 40 UNION SELECT d.k, d.k // 2 FROM dims d JOIN r
  ON d.k = r.up) SELECT r.id, count(f.id) FROM r LEFT JOIN facts f ON f.k = r.id GROUP BY r.id;
+ WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT a.n, b.n, count(*) FROM r a
  JOIN r b ON a.n < b.n JOIN facts ON facts.k = a.n + b.n GROUP BY ALL;
+ WITH RECURSIVE r(n) AS (SELECT max(total)::BIGINT % 10 FROM positive_sums UNION ALL SELECT n + 1 FROM r WHERE n < 20)
  SELECT n, count(id) FROM r LEFT JOIN facts ON k = n GROUP BY n;
+ WITH RECURSIVE u AS (SELECT k, id FROM facts LIMIT 10), t(n) AS (SELECT min(id) FROM u UNION ALL SELECT n + 1 FROM t
  WHERE n < 9) SELECT count(*) FROM u a JOIN u b USING (id) WHERE a.id < (SELECT max(n) + 100000 FROM t);
+ WITH RECURSIVE u(a, b) AS (SELECT k, sum(x) FROM facts WHERE k IS NOT NULL GROUP BY k), t(n, c) AS (SELECT min(a), 0
  FROM u UNION ALL SELECT a, c + 1 FROM t, u WHERE a = n + 1) SELECT t.n, t.c, u.b FROM t JOIN u ON a = n;
+ WITH RECURSIVE e AS (SELECT DISTINCT k, v FROM other WHERE k < 30), r(n) AS (SELECT 3 UNION SELECT v FROM r JOIN e
  ON e.k = r.n WHERE v < 30) SELECT n, count(id) FROM r LEFT JOIN facts ON k = n GROUP BY n;
+ WITH u AS (SELECT k, first(id) AS f FROM facts GROUP BY k), w AS (SELECT k, f FROM u WHERE list_contains(
  list_filter([k], lambda q: q > 3), k)) SELECT count(*) FROM u JOIN w USING (k, f);
  WITH RECURSIVE a AS (SELECT list_filter([max(id)], lambda q: q > 3)[1] AS m FROM facts), facts AS (SELECT 5 AS id),
  r(n) AS (SELECT m - 4490 FROM a UNION ALL SELECT n + id FROM r, facts WHERE n < 30) SELECT n FROM r;
  WITH RECURSIVE facts AS (SELECT k FROM facts WHERE id < 9), r(n) AS (SELECT min(k) FROM facts UNION ALL
  SELECT n + 10 FROM r WHERE n < 30) SELECT n, count(*) FROM r, facts GROUP BY n;
"""

EMPTY = """
  SELECT id FROM facts WHERE false;
  SELECT id, x FROM facts WHERE k > 5 AND k < 3;
  SELECT count(*), sum(x), min(s) FROM facts WHERE k > 5 AND k < 3;
  SELECT k, count(*) FROM facts WHERE k = 5 AND k = 6 GROUP BY k;
  SELECT id FROM facts WHERE day > DATE '2021-01-01' AND day < DATE '2020-01-01';
  SELECT id FROM facts WHERE x >= 5.25 AND x < 5.25;
  SELECT id FROM facts WHERE k BETWEEN 9 AND 4;
  SELECT id FROM facts WHERE k IS NULL AND k > 3;
+ SELECT id FROM facts WHERE x >= 5.25 AND x <= 5.25;
+ SELECT id FROM facts WHERE k > 5 OR k < 3 AND k > 4;
+ SELECT count(*) FROM facts WHERE f > 2.5 AND f < 2.75;
  SELECT facts.id FROM facts JOIN nothing ON facts.k = nothing.k;
+ SELECT facts.id, nothing.s, nothing.x FROM facts LEFT JOIN nothing ON facts.k = nothing.k;
+ SELECT facts.id, nothing.s, nothing.x FROM nothing RIGHT JOIN facts ON facts.k = nothing.k;
+ SELECT facts.id, nothing.k, nothing.x FROM facts FULL JOIN nothing ON facts.k = nothing.k;
+ SELECT facts.id, n.k FROM facts LEFT JOIN nothing n ON facts.k = n.k WHERE n.k IS NULL;
  SELECT id FROM facts WHERE k IN (SELECT k FROM nothing);
+ SELECT id FROM facts WHERE k NOT IN (SELECT k FROM nothing);
+ SELECT id FROM facts WHERE NOT EXISTS (SELECT 1 FROM nothing WHERE nothing.k = facts.k);
+ SELECT id, (SELECT max(x) FROM nothing), (SELECT count(*) FROM nothing n WHERE n.k = facts.k) FROM facts;
+ SELECT id, (SELECT k FROM nothing), EXISTS (FROM nothing) FROM facts;
+ SELECT id FROM facts WHERE k = 3 OR EXISTS (SELECT 1 FROM nothing);
+ SELECT k FROM facts UNION ALL SELECT k FROM nothing;
+ SELECT k FROM facts UNION SELECT k FROM nothing;
+ SELECT k, s FROM nothing UNION ALL SELECT k, s FROM facts WHERE k < 5;
+ SELECT k FROM facts EXCEPT SELECT k FROM nothing;
+ SELECT k FROM facts EXCEPT ALL SELECT k FROM nothing;
  SELECT k FROM facts INTERSECT SELECT k FROM nothing;
  SELECT k FROM nothing EXCEPT SELECT k FROM facts;
  SELECT id FROM facts LIMIT 0;
  SELECT id, s FROM facts ORDER BY x LIMIT 0;
  SELECT count(*) FROM (SELECT id FROM facts LIMIT 0);
+ SELECT id FROM facts WHERE id > (SELECT count(*) FROM nothing) + 4000;
  SELECT k, row_number() OVER (ORDER BY k) FROM nothing;
  SELECT a.id FROM facts a JOIN facts b ON a.k = b.k WHERE a.k < 3 AND b.k > 5;
+ SELECT a.k, b.k FROM dims a FULL JOIN facts b ON a.k = b.k AND a.k < 3 AND a.k > 5;
+ SELECT a.k, b.k FROM dims a LEFT JOIN facts b ON a.k = b.k AND b.k < 3 AND b.k > 5 JOIN facts c ON c.id = a.w;
  SELECT * FROM nothing;
  SELECT id FROM facts WHERE s = 'one' AND s = 'two';
  SELECT id FROM facts WHERE 'one' = 'two';
+ SELECT id FROM facts WHERE s = 'name 1' AND 'two' = 'two';
  SELECT 1, 'a' WHERE false;
  SELECT * FROM every_type WHERE i4 < 3 AND i4 > 5;
"""
