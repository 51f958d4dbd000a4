"""Statements that name the same rows more than once, so that one stage may make them for all; ``+`` as elsewhere."""

SHARED = """
+ WITH t AS (SELECT k, sum(x) AS n FROM facts GROUP BY k) SELECT * FROM t WHERE n = (SELECT max(n) FROM t);
+ WITH t AS (SELECT k, sum(x) AS n FROM facts GROUP BY k) SELECT a.k, b.k FROM t a JOIN t b ON a.n < b.n;
+ WITH t AS (SELECT k, sum(x) AS n FROM facts GROUP BY k) SELECT a.k, a.n, b.n FROM t a JOIN t b ON a.k = b.k;
+ WITH t AS (SELECT k, sum(x) AS n FROM facts GROUP BY k) SELECT a.k, a.n, b.n FROM t a LEFT JOIN t b ON a.k = b.k + 1;
+ WITH t AS (SELECT k, count(*) AS n FROM facts GROUP BY k) SELECT n FROM t UNION ALL SELECT n FROM t;
+ WITH t AS (SELECT k, count(*) AS n FROM facts GROUP BY k) SELECT n, k FROM t EXCEPT SELECT n + 1, k FROM t;
+ WITH t AS (SELECT k, s, min(x) AS n, max(x) AS m FROM facts GROUP BY k, s) SELECT count(*) FROM t a, t b
  WHERE a.n = b.m AND a.s = b.s;
+ SELECT (SELECT max(x) FROM facts WHERE k > 3), (SELECT max(x) FROM facts WHERE k > 3), count(*) FROM facts;
+ SELECT sum(x) FROM facts GROUP BY k UNION ALL SELECT sum(x) FROM facts GROUP BY s;
+ SELECT min(x) FROM facts GROUP BY k UNION ALL SELECT max(x) FROM facts GROUP BY k;
+ SELECT count(*) FROM facts WHERE k IN (SELECT k FROM other WHERE v > 50) OR id IN (SELECT k FROM other WHERE v > 50);
+ SELECT k FROM facts WHERE k IN (SELECT k FROM other WHERE v > 50) INTERSECT SELECT k FROM other WHERE v > 50;
+ WITH t AS (SELECT DISTINCT k, s FROM facts) SELECT a.k, count(*) FROM t a JOIN t b ON a.s = b.s GROUP BY a.k;
  WITH t AS (SELECT k, row_number() OVER (PARTITION BY k ORDER BY id) AS n FROM facts)
  SELECT a.k, count(*) FROM t a JOIN t b ON a.k = b.k AND a.n = b.n + 1 GROUP BY a.k;
+ WITH t AS (SELECT k, sum(x) AS n FROM facts GROUP BY k), u AS (SELECT k, n FROM t WHERE n > 0)
  SELECT count(*), (SELECT count(*) FROM t), (SELECT max(n) FROM u) FROM u WHERE n > (SELECT avg(n) FROM t);
+ SELECT name FROM dims WHERE NOT EXISTS (SELECT 1 FROM facts WHERE facts.k = dims.k);
+ SELECT name FROM dims WHERE EXISTS (SELECT 1 FROM facts WHERE facts.k = dims.k AND facts.id > dims.w * 9);
+ SELECT name FROM dims WHERE NOT EXISTS (SELECT 1 FROM facts WHERE facts.k = dims.k AND facts.id > dims.w * 25);
+ SELECT name FROM dims WHERE k NOT IN (SELECT k FROM facts WHERE x > 90);
+ SELECT name FROM dims WHERE k NOT IN (SELECT k FROM facts WHERE x > 90 AND k IS NOT NULL);
+ SELECT name FROM dims WHERE NOT EXISTS (SELECT 1 FROM facts WHERE facts.k IS NOT DISTINCT FROM dims.k AND b);
+ SELECT count(*) FROM dims SEMI JOIN facts ON facts.k = dims.k AND facts.skew = dims.c;
+ SELECT count(*) FROM dims ANTI JOIN (SELECT k, s FROM facts WHERE x > 50) AS f ON f.k = dims.k AND f.s <> dims.name;
"""
